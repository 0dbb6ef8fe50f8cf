"""Publishing to ExternalDNS: each domain's record sets in a DNSEndpoint, which it brings to any DNS provider."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from jobs.core.address import numeric_order
from jobs.core.errors import ConfigurationError
from jobs.core.plan import Plan
from jobs.core.progress import Domain, Progress
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.text import quoted
from jobs.edges.dnsendpoint import MANAGED_BY, MANAGER, DnsEndpoint, DnsEndpointApi, Raw, endpoint, with_addresses
from jobs.publishers.publisher import Write

Key = tuple[str, str]


class DnsEndpoints:
    """The DNSEndpoints of one namespace, one per domain."""

    def __init__(self, api: DnsEndpointApi) -> None:
        """Take the namespace's API."""
        self._api = api
        self._versions: dict[str, str | None] = {}
        self._raws: dict[str, Mapping[Key, Raw]] = {}

    def read(self, progress: Progress) -> Mapping[str, Sequence[RecordSet]]:
        """Read the object of each open domain; one that is not there has no record sets."""
        shown: dict[str, Sequence[RecordSet]] = {}
        for name in progress.open:
            with progress.noting_failures_of(name):
                object_name = _object_name(name)
                where = f"{self._api.namespace}/{object_name}"
                progress.note(name, dnsendpoint=where)
                found = self._api.read(object_name)
                owned = _owned(name, where, found)
                self._versions[name] = found.version if found else None
                self._raws[name] = {key: raw for key, (_, raw) in owned.items()}
                shown[name] = [each for each, _ in owned.values()]
        return shown

    def prepare(self, domain: Domain, plan: Plan) -> Write:
        """Write all endpoints of the object as the plan leaves them, in place of those of the version that was read."""
        name, version, raws = _object_name(domain.name), self._versions[domain.name], self._raws[domain.name]
        endpoints = [
            with_addresses(raws[each.key], each.addresses) if each.extras else endpoint(each)
            for each in plan.record_sets
        ]
        if version is None:
            return partial(self._api.create, name, endpoints)
        return partial(self._api.change, name, version, endpoints)

    def finish(self, progress: Progress) -> None:
        """Do nothing: whether DNS shows what an object says cannot be seen in it."""


def refuse_shared_names(domains: Iterable[str]) -> None:
    """Refuse two domains of one run whose DNSEndpoints would have one name; raises ConfigurationError."""
    named: dict[str, str] = {}
    for domain in domains:
        name = _without_asterisk(domain)
        other = named.setdefault(name, domain)
        if other != domain:
            raise ConfigurationError(
                f"{other} and {domain} would share DNSEndpoint {name}: sync each in a run of its own, "
                "with another --dnsendpoint-namespace"
            )


def _object_name(domain: str) -> str:
    """Name a domain's object; raises ConfigurationError for a domain that no Kubernetes object can be named after."""
    if "_" in domain:
        raise ConfigurationError("no DNSEndpoint can be named after a domain with _; choose another name")
    return _without_asterisk(domain)


def _without_asterisk(domain: str) -> str:
    return domain.replace("*", "wildcard")


def _owned(domain: str, where: str, found: DnsEndpoint | None) -> Mapping[Key, tuple[RecordSet, Raw]]:
    """Take the record sets of an object, once it is certain that all of it belongs to kube-node-dns.

    Endpoints of the same type and set identifier are one record set, as ExternalDNS reads them. Raises
    ConfigurationError for an object, or an endpoint in it, that is somebody else's.
    """
    if found is None:
        return {}
    if not found.is_ours:
        namespace, _, name = where.rpartition("/")
        raise ConfigurationError(
            f"DNSEndpoint {where} belongs to somebody else: it has no label {MANAGED_BY}={MANAGER}; give it the label "
            f"(kubectl -n {namespace} label dnsendpoint {name} {MANAGED_BY}={MANAGER}), and its records are replaced"
        )
    owned: dict[Key, tuple[RecordSet, Raw]] = {}
    for each, raw in found.endpoints:
        if each.name != domain or each.type not in TYPES:
            raise ConfigurationError(
                f"DNSEndpoint {where} has an endpoint that is not an A or AAAA record of {domain}: "
                f"{each.type} of {quoted(each.name)}; move it to an object of its own"
            )
        owned[each.key] = _merged(*owned[each.key], each) if each.key in owned else (each, raw)
    return owned


def _merged(one: RecordSet, raw: Raw, other: RecordSet) -> tuple[RecordSet, Raw]:
    """Make one record set of two that are written apart."""
    addresses = tuple(sorted({*one.addresses, *other.addresses}, key=numeric_order))
    return replace(one, addresses=addresses, extras="written more than once"), with_addresses(raw, addresses)
