"""Hosted zones and the rules Route 53 keeps when their records are listed and changed; no HTTP."""

import bisect
import copy
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.sandbox import names
from tests.sandbox.record_sets import POLICIES, Change, RecordSet, comparable, faults, malformed, place, policy, values

Key = tuple[str, str]
"""Type and set identifier, which differ between the record sets of one name."""

Sets = dict[Key, RecordSet]

ELEMENTS_PER_BATCH = 1_000
CHARACTERS_PER_BATCH = 32_000
PLACES = 30
"""Geoproximity record sets of one name and type; of the other policies it is `PEERS`."""
PEERS = 100


class Refused(Exception):
    """An error answer: its code and message, or the messages of a change batch."""

    def __init__(self, code: str, message: str | Sequence[str]) -> None:
        """Take one message, or all messages of an `InvalidChangeBatch`."""
        super().__init__(code, message)
        self.code = code
        self.messages = [message] if isinstance(message, str) else list(message)
        self.message = message if isinstance(message, str) else f"[{', '.join(message)}]"


class Committed(NamedTuple):
    """One batch that was applied: what it changed and how the names it touched stood afterwards."""

    zone_id: str
    changes: list[Change]
    after: dict[str, list[RecordSet]]


class Position(NamedTuple):
    """Where a listing of records begins or goes on."""

    name: str
    type: str = ""
    identifier: str = ""


@dataclass
class Zone:
    """A hosted zone; `sets` maps each name to its record sets, `order` keeps the names sorted."""

    id: str
    name: str
    caller_reference: str
    vpc: dict[str, str] | None = None
    comment: str | None = None
    sets: dict[str, Sets] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0
    protected: dict[tuple[str, str], str] = field(default_factory=dict)
    """Record set protections: the comment of each, by name and type."""
    asked_for: set[tuple[str, str]] = field(default_factory=set)
    """Names and types that still receive queries, for the change guardrail ACTIVE_RECORD_CHECK."""

    @property
    def private(self) -> bool:
        """A zone that only its VPC sees."""
        return self.vpc is not None

    @property
    def name_servers(self) -> list[str]:
        """The four names of a delegation set."""
        return [f"ns-{number}.awsdns-0{number}.{top}" for number, top in enumerate(("com", "net", "org", "co.uk"), 1)]

    def read(self, start: Position) -> Iterator[RecordSet]:
        """Go through the record sets at or after a position, in Route 53's order."""
        here = (start.type, start.identifier)
        first = names.order(start.name) if start.name else ""
        for number in range(bisect.bisect_left(self.order, (first, "")), len(self.order)):
            sort, name = self.order[number]
            sets = self.sets[name]
            yield from (sets[key] for key in sorted(sets) if sort != first or key >= here)

    def commit(self, touched: dict[str, Sets]) -> None:
        """Take over the names a batch has touched."""
        for name, sets in touched.items():
            entry = (names.order(name), name)
            self.count += len(sets) - len(self.sets.get(name, ()))
            if sets and name not in self.sets:
                bisect.insort(self.order, entry)
            if not sets and name in self.sets:
                del self.order[bisect.bisect_left(self.order, entry)]
            self.sets[name] = sets
            if not sets:
                del self.sets[name]


class Batch:
    """A change batch at work on a copy of the names it touches; every error is collected."""

    def __init__(self, zone: Zone, record_sets_per_zone: int) -> None:
        """Begin with the zone as it is."""
        self.zone = zone
        self.limit = record_sets_per_zone
        self.touched: dict[str, Sets] = {}
        self.errors: list[str] = []
        self._written: list[RecordSet] = []

    def apply(self, change: Change) -> None:
        """Process one change after those before it."""
        record_set = stored(change["ResourceRecordSet"])
        name, type_ = record_set["Name"], record_set["Type"]
        sets = self.touched.setdefault(name, dict(self.zone.sets.get(name, {})))
        key = (type_, record_set.get("SetIdentifier", ""))
        if (name, type_) in self.zone.protected:
            problems = [_protected(record_set, self.zone.protected[name, type_])]
        elif change["Action"] == "DELETE":
            problems = list(_undeletable(record_set, sets.get(key)))
        else:
            problems = [
                *faults(record_set),
                *self._misplaced(record_set),
                *_conflicts(record_set, sets, change["Action"], self.zone.name),
            ]
        self.errors += problems
        if problems:
            return
        if change["Action"] == "DELETE":
            del sets[key]
        else:
            sets[key] = record_set
            self._written.append(record_set)

    def finish(self) -> None:
        """Look at the zone as it would be."""
        apex = self.touched.get(self.zone.name)
        if apex is not None and ("SOA", "") not in apex:
            self.errors.append("A HostedZone must contain exactly one SOA record.")
        if apex is not None and ("NS", "") not in apex:
            self.errors.append("A HostedZone must contain at least one NS record for the zone itself.")
        grown = sum(len(sets) - len(self.zone.sets.get(name, ())) for name, sets in self.touched.items())
        if grown > 0 and self.zone.count + grown > self.limit:
            self.errors.append(f"Exceeded limit MAX_RRSETS_BY_ZONE for zone: {self.zone.id}")
        self.errors += filter(None, map(self._missing_target, self._written))
        for name, sets in self.touched.items():
            gone = {type_ for type_, _ in self.zone.sets.get(name, {})} - {type_ for type_, _ in sets}
            self.errors += [
                f"Change guardrail ACTIVE_RECORD_CHECK rejected deleting the last {type_} record of {name}"
                for type_ in sorted(gone)
                if (name, type_) in self.zone.asked_for
            ]

    def _missing_target(self, record_set: RecordSet) -> str | None:
        """Look for what an alias inside the zone points to."""
        alias, type_ = record_set.get("AliasTarget"), record_set["Type"]
        if alias is None or alias["HostedZoneId"].removeprefix("/hostedzone/") != self.zone.id:
            return None
        target = alias["DNSName"]
        what = f"Tried to create an alias that targets {target}, type {type_} in zone {self.zone.id}, but"
        if not names.within(target, self.zone.name):
            return f"{what} the alias target name does not lie within the target zone"
        sets = self.touched.get(target, self.zone.sets.get(target, {}))
        return None if any(known == type_ for known, _ in sets) else f"{what} that target was not found"

    def _misplaced(self, record_set: RecordSet) -> Iterator[str]:
        name, type_ = record_set["Name"], record_set["Type"]
        if not names.within(name, self.zone.name):
            yield f"RRSet with DNS name {name} is not permitted in zone {self.zone.name}"
        elif name == self.zone.name and type_ == "CNAME":
            yield f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {self.zone.name}"
        elif name != self.zone.name and type_ == "SOA":
            yield f"RRSet of type SOA with DNS name {name} is not permitted in zone {self.zone.name}"


def stored(record_set: RecordSet) -> RecordSet:
    """Copy a record set into the form in which Route 53 returns it."""
    form = copy.deepcopy(record_set)
    form["Name"] = names.canonical(form["Name"])
    if "AliasTarget" in form:
        form["AliasTarget"]["DNSName"] = names.canonical(form["AliasTarget"]["DNSName"])
    return form


def _sorted(sets: Sets) -> list[RecordSet]:
    return [sets[key] for key in sorted(sets)]


def _undeletable(record_set: RecordSet, current: RecordSet | None) -> Iterator[str]:
    if current is None:
        yield f"Tried to delete resource record set {_described(record_set)} but it was not found"
    elif comparable(current) != comparable(record_set):
        what = f"Tried to delete resource record set {_described(record_set)}"
        yield f"{what} but the values provided do not match the current values"


def _protected(record_set: RecordSet, comment: str) -> str:
    """Say that a protection forbids each change of a name and type; only the comment is in Route 53's own words."""
    return f"{_described(record_set)} is protected by a record set protection" + (f": {comment}" if comment else "")


def _conflicts(record_set: RecordSet, sets: Sets, action: str, zone_name: str) -> Iterator[str]:
    """Say why a record set cannot stand beside what its name has."""
    name, type_ = record_set["Name"], record_set["Type"]
    key = (type_, record_set.get("SetIdentifier", ""))
    if action == "CREATE" and key in sets:
        yield f"Tried to create resource record set {_described(record_set)} but it already exists"
        return
    others = {known for known, _ in sets} - {type_}
    what = f"RRSet of type {type_} with DNS name {name} is not permitted"
    if "CNAME" in others:
        why = "a conflicting RRSet of type CNAME with the same DNS name already exists"
        yield f"{what} because {why} in zone {zone_name}"
    elif type_ == "CNAME" and others:
        yield f"{what} as it conflicts with other records with the same DNS name in zone {zone_name}"
    peers = [peer for known, peer in sets.items() if known[0] == type_ and known != key]
    yield from _peer_conflicts(record_set, peers, sets.get(key))


def _peer_conflicts(record_set: RecordSet, peers: list[RecordSet], replaced: RecordSet | None) -> Iterator[str]:
    mine = policy(record_set)
    identifier = f", SetIdentifier {record_set['SetIdentifier']}" if mine else ""
    what = f"RRSet with DNS name {record_set['Name']}, type {record_set['Type']}{identifier}"
    same_group = [*peers, replaced] if replaced else peers
    if any(policy(peer) != mine for peer in same_group) or (mine is None and peers):
        yield f"{what} cannot be created as other RRSets exist with the same name and type."
    elif place(record_set) is not None and any(place(peer) == place(record_set) for peer in peers):
        yield f"{what} cannot be created as another {POLICIES[mine or '']} RRSet has the same location."
    elif mine and len(peers) >= (PLACES if mine == "GeoProximityLocation" else PEERS):
        yield (
            f"Exceeded limit on number of {POLICIES[mine]} RRSets for {record_set['Name']}, "
            f"type {record_set['Type']} in this zone."
        )


def _described(record_set: RecordSet) -> str:
    identifier = f", set-identifier='{record_set['SetIdentifier']}'" if "SetIdentifier" in record_set else ""
    return f"[name='{record_set['Name']}', type='{record_set['Type']}'{identifier}]"


def oversized(changes: Sequence[Change]) -> Iterator[str]:
    """Say which limits of a request are broken; an UPSERT counts twice."""
    weighed = [(2 if change["Action"] == "UPSERT" else 1, values(change["ResourceRecordSet"])) for change in changes]
    if sum(weight * len(given) for weight, given in weighed) > ELEMENTS_PER_BATCH:
        yield f"Number of records limit of {ELEMENTS_PER_BATCH} exceeded."
    if sum(weight * sum(map(len, given)) for weight, given in weighed) > CHARACTERS_PER_BATCH:
        yield f"RDATA character limit of {CHARACTERS_PER_BATCH} exceeded."


class Zones:
    """The hosted zones of one account; safe to use from many threads."""

    def __init__(
        self, record_sets_per_zone: int = 10_000, has_health_check: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Begin with no zone; `has_health_check` knows which checks a record set may name."""
        self._has_health_check = has_health_check
        self.history: list[Committed] = []
        self._limit = record_sets_per_zone
        self._zones: dict[str, Zone] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def create(
        self, name: str, caller_reference: str, vpc: dict[str, str] | None = None, comment: str | None = None
    ) -> Zone:
        """Make a hosted zone with its NS and SOA records."""
        if names.fault(name):
            raise Refused("InvalidDomainName", f"{name} is not a valid domain name.")
        with self._lock:
            if any(zone.caller_reference == caller_reference for zone in self._zones.values()):
                raise Refused("HostedZoneAlreadyExists", "A hosted zone has already been created with this reference.")
            if vpc and any(zone.vpc == vpc and zone.name == names.canonical(name) for zone in self._zones.values()):
                raise Refused("ConflictingDomainExists", f"The VPC already sees a hosted zone of {name}")
            number = next(self._numbers)
            zone = Zone(f"Z{number:08d}SANDBOX", names.canonical(name), caller_reference, vpc, comment)
            zone.commit({zone.name: _apex(zone)})
            self._zones[zone.id] = zone
        return zone

    def get(self, zone_id: str) -> Zone:
        """Find a zone by its id, with or without `/hostedzone/`."""
        bare = zone_id.removeprefix("/hostedzone/")
        with self._lock:
            if bare not in self._zones:
                raise Refused("NoSuchHostedZone", f"No hosted zone found with ID: {bare}")
            return self._zones[bare]

    def delete(self, zone_id: str) -> None:
        """Delete a zone that has only what it was made with."""
        with self._lock:
            zone = self.get(zone_id)
            if zone.count > len(_apex(zone)):
                text = "The specified hosted zone contains non-required resource record sets  and so cannot be deleted."
                raise Refused("HostedZoneNotEmpty", text)
            del self._zones[zone.id]

    def all(self) -> list[Zone]:
        """List the zones by name and id, in Route 53's order."""
        with self._lock:
            return sorted(self._zones.values(), key=lambda zone: (names.order(zone.name), zone.id))

    def page(self, zone_id: str, start: Position, size: int) -> tuple[list[RecordSet], RecordSet | None]:
        """Read up to `size` record sets from a position on, and the one after them."""
        with self._lock:
            found = list(itertools.islice(self.get(zone_id).read(start), size + 1))
        return found[:size], found[size] if len(found) > size else None

    def at(self, zone_id: str, name: str | None = None) -> list[RecordSet]:
        """Read the record sets of one name, or all of a zone."""
        with self._lock:
            zone = self.get(zone_id)
            found = zone.read(Position("")) if name is None else _sorted(zone.sets.get(names.canonical(name), {}))
            return copy.deepcopy(list(found))

    def change(self, zone_id: str, changes: Sequence[Change]) -> None:
        """Apply every change of a batch, or none: `InvalidInput`, or `InvalidChangeBatch` with all its messages.

        A record set that names a health check which is not there is refused as `NoSuchHealthCheck`.
        """
        for problem in itertools.chain.from_iterable(map(malformed, changes)):
            raise Refused("InvalidInput", problem)
        with self._lock:
            zone = self.get(zone_id)
            for named in (
                each["ResourceRecordSet"].get("HealthCheckId") for each in changes if each["Action"] != "DELETE"
            ):
                if named is not None and not self._has_health_check(named):
                    raise Refused("NoSuchHealthCheck", f"No health check exists with the specified ID. {named}")
            if problems := list(oversized(changes)):
                raise Refused("InvalidChangeBatch", problems)
            batch = Batch(zone, self._limit)
            for change in changes:
                batch.apply(change)
            batch.finish()
            if batch.errors:
                raise Refused("InvalidChangeBatch", batch.errors)
            zone.commit(batch.touched)
            after = {name: copy.deepcopy(_sorted(sets)) for name, sets in batch.touched.items()}
            self.history.append(Committed(zone.id, copy.deepcopy(list(changes)), after))


def _apex(zone: Zone) -> Sets:
    soa = f"{zone.name_servers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    contents: dict[str, tuple[int, list[str]]] = {
        "NS": (172_800, [f"{server}." for server in zone.name_servers]),
        "SOA": (900, [soa]),
    }
    return {(type_, ""): _simple(zone.name, type_, *content) for type_, content in contents.items()}


def _simple(name: str, type_: str, ttl: int, given: list[str]) -> dict[str, Any]:
    return {"Name": name, "Type": type_, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in given]}
