"""A Route 53 account as a value: each batch leads from one to another, by the rules of the strict double."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, cast

from jobs.core.errors import CheckGone, ConfigurationError, Conflict, Failure
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.route53_form import from_api
from jobs.core.zones import Zone, as_listed, canonical
from jobs.edges.health_checks import health_check
from tests.proofs.interleavings.runs import Answer, Call, Run
from tests.sandbox import rest_xml
from tests.sandbox.health_checks import HealthChecks
from tests.sandbox.record_sets import comparable, policy, values
from tests.sandbox.zones import Key, Position, Refused, Sets, Zones

Raw = dict[str, Any]
Contents = dict[str, dict[str, Sets]]
"""By zone id and name."""


class Dns:
    """All that an account holds at one moment; equal contents are one object."""

    def __init__(
        self,
        number: int,
        contents: Contents,
        zone_id: str,
        domain: str,
        checks: "Checks",
        protected: frozenset[str],
    ) -> None:
        """Take it apart: what is the domain's own, and everything else."""
        self.checks = checks
        self.protected = protected
        """The types that a record set protection keeps as they are at the domain."""
        self.number = number
        self.contents = contents
        at_name = contents[zone_id].get(f"{domain}.", {})
        self.own: dict[Key, Raw] = {key: raw for key, raw in at_name.items() if key[0] in TYPES}
        others = {key: raw for key, raw in at_name.items() if key not in self.own}
        rest = {name: sets for name, sets in contents[zone_id].items() if name != f"{domain}."}
        self.others = _written([others, rest, {each: sets for each, sets in contents.items() if each != zone_id}])
        self.types = frozenset(type_ for type_, _ in self.own)
        self.policies = frozenset(map(policy, self.own.values()))

    def answers(self) -> set[str]:
        """Give every address of the domain."""
        return {value for raw in self.own.values() for value in values(raw)}

    def __str__(self) -> str:
        """Show the domain's own record sets on one line."""
        return ", ".join(map(described, self.own.values())) or "nothing"


def described(raw: Raw) -> str:
    """Show a record set: `A at 48.86,2.35: 5.0.0.1`; one of multivalue routing has its address only."""
    kind, _, place = raw.get("SetIdentifier", "").partition(":")
    place = "" if kind == "multivalue" else place or kind
    return f"{raw['Type']}{f' at {place}' if place else ''}: {' '.join(values(raw)) or 'alias'}"


def same(one: Raw | None, other: Raw | None) -> bool:
    """Tell whether a DELETE takes two record sets for the same."""
    return (one and comparable(one)) == (other and comparable(other))


def _written(contents: object) -> str:
    if isinstance(contents, dict):
        return "{" + ",".join(f"{key}:{_written(contents[key])}" for key in sorted(contents)) + "}"
    if isinstance(contents, list):
        return "[" + ",".join(map(_written, contents)) + "]"
    return json.dumps(contents)


class Checks(NamedTuple):
    """The health checks of an account, and the references of those that were deleted."""

    known: Mapping[str, Raw]
    deleted: frozenset[str]


class Store:
    """All accounts there can be, each made once, and the ways between them."""

    def __init__(self, domain: str, zone_name: str, other_zone: str) -> None:
        """Make an account with two zones and no records of anybody."""
        self.domain = domain
        self._checks = HealthChecks()
        self._checks.new_id = lambda reference: sha256(reference.encode()).hexdigest()[:8]
        self._zones = Zones(has_health_check=lambda check: check in self._checks.checks)
        own, other = (self._zones.create(name, name) for name in (zone_name, other_zone))
        self.zone, self.other_zone_id = Zone(own.id, zone_name, private=False), other.id
        self._known: dict[str, Dns] = {}
        self._numbered: list[Dns] = []
        self._sent: dict[tuple[Dns, Run], Dns | Failure] = {}
        self._read: dict[tuple[Dns, str], Answer] = {}
        self.empty = self._now()

    def sent(self, dns: Dns, run: Run) -> Dns | Failure:
        """Apply the batch that a run waits to have written."""
        assert run.call is not None
        key = dns, run
        if key not in self._sent:
            self._sent[key] = self.apply(dns, run.call.zone_id, run.call.changes)
        return self._sent[key]

    def apply(self, dns: Dns, zone_id: str, changes: Sequence[Raw]) -> Dns | Failure:
        """Apply a batch, or say in the program's terms why Route 53 refuses it."""
        self._restore(dns)
        for problem in rest_xml.violations(rest_xml.service("route53").shape_for("Changes"), list(changes)):
            return ConfigurationError(problem)
        try:
            self._zones.change(zone_id, changes)
        except Refused as refused:
            kinds = {"InvalidChangeBatch": Conflict, "NoSuchHealthCheck": CheckGone}
            return kinds.get(refused.code, ConfigurationError)(refused.message)
        return self._now()

    def applied(self, dns: Dns, *changes: Raw, zone_id: str = "") -> Dns:
        """Apply a batch of somebody whose batches are always accepted."""
        after = self.apply(dns, zone_id or self.zone.id, changes)
        assert isinstance(after, Dns), after
        return after

    def protect(self, dns: Dns, types: frozenset[str]) -> Dns:
        """Protect the domain's record sets of these types, and no others, from being changed."""
        return self._known_as(dns.contents, dns.checks, types)

    def list_checks(self, dns: Dns) -> Answer:
        """Answer a listing of all health checks."""
        found = {check_id: health_check(raw) for check_id, raw in dns.checks.known.items()}
        return Answer(("checks", *sorted(found)), found)

    def change_checks(self, dns: Dns, call: Call) -> tuple[Dns, Answer]:
        """Make or delete a health check: give the account after it, and the answer."""
        self._restore(dns)
        try:
            if call.what == "make":
                made = health_check(self._checks.create(call.name, json.loads(call.settings)))
                return self._now(), Answer(("made", made.id), made)
            self._checks.delete(call.name)
        except Refused as refused:
            failure = CheckGone(refused.message) if refused.code == "NoSuchHealthCheck" else Failure(refused.message)
            is_over = call.what == "delete" and isinstance(failure, CheckGone)  # jobs.edges.health_checks takes it so
            return dns, Answer(refused.message, None if is_over else failure)
        return self._now(), Answer("deleted", None)

    def read(self, dns: Dns, name: str) -> Answer:
        """Answer a listing from a name on: everything fits one page."""
        if (dns, name) not in self._read:
            self._restore(dns)
            found: dict[str, list[RecordSet]] = {name: []}
            for raw in self._zones.page(self.zone.id, Position(as_listed(name)), 300)[0]:
                found.setdefault(canonical(raw["Name"]), []).append(from_api(raw))
            answer = Answer(("records", dns.number), {each: tuple(sets) for each, sets in found.items()})
            self._read[dns, name] = answer
        return self._read[dns, name]

    def seen(self, run: Run) -> Dns:
        """Give the account as a run has seen it last."""
        _, number = cast("tuple[str, int]", run.look()["records"].key)
        return self._numbered[number]

    def _restore(self, dns: Dns) -> None:
        for zone in self._zones.all():
            names = zone.sets.keys() | dns.contents[zone.id].keys()
            zone.commit({name: dict(dns.contents[zone.id].get(name, {})) for name in names})
        own = self._zones.get(self.zone.id)
        own.protected = dict.fromkeys(((f"{self.domain}.", type_) for type_ in sorted(dns.protected)), "")
        self._checks.checks = dict(dns.checks.known)
        self._checks.created = dict.fromkeys(dns.checks.known, 0.0)
        self._checks.deleted = set(dns.checks.deleted)

    def _now(self) -> Dns:
        contents = {zone.id: {name: dict(sets) for name, sets in zone.sets.items()} for zone in self._zones.all()}
        checks = Checks(dict(self._checks.checks), frozenset(self._checks.deleted))
        protected = frozenset(type_ for _, type_ in self._zones.get(self.zone.id).protected)
        return self._known_as(contents, checks, protected)

    def _known_as(self, contents: Contents, checks: Checks, protected: frozenset[str]) -> Dns:
        """Give the one object of these contents; the id of a check says what it asks."""
        key = _written([contents, sorted(checks.known), sorted(checks.deleted), sorted(protected)])
        if key not in self._known:
            self._known[key] = Dns(len(self._known), contents, self.zone.id, self.domain, checks, protected)
            self._numbered.append(self._known[key])
        return self._known[key]


def create(raw: Mapping[str, Any]) -> Raw:
    """Write a change that adds a record set."""
    return {"Action": "CREATE", "ResourceRecordSet": dict(raw)}


def delete(raw: Mapping[str, Any]) -> Raw:
    """Write a change that removes one."""
    return {"Action": "DELETE", "ResourceRecordSet": dict(raw)}


def upsert(raw: Mapping[str, Any]) -> Raw:
    """Write a change that adds or replaces one, whatever it was."""
    return {"Action": "UPSERT", "ResourceRecordSet": dict(raw)}
