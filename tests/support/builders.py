"""Short ways to write the values of the core: nodes, verdicts, record sets."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from jobs.core.address import Address
from jobs.core.decision import SyncRequest
from jobs.core.min_nodes import MinNodes
from jobs.core.node import Condition, Node, Rules
from jobs.core.place import Coordinates
from jobs.core.probe import Probe
from jobs.core.record_set import RecordSet
from jobs.core.records import MAX_ADDRESSES
from jobs.core.route53_form import from_api
from jobs.core.signs import EvidenceSettings
from jobs.core.verdict import Doubt, Published, Skipped

DOMAIN = "cdn.example.com"
ZONE = "example.com"
READY = Condition("True", "kubelet is posting ready status")

NODE = Node(
    name="node-1",
    node_ips="5.0.0.1",
    boot_id="boot-1",
    annotated_boot_id="boot-1",
    coordinates=None,
    ready=READY,
    cordoned=False,
    deleting=False,
)
"""A node that can serve, on one address and at no known place; tests change what they are about."""


def evidence_settings(
    lease_timeout_seconds: int = 25,
    ready_services: tuple[str, ...] = (),
    probes: tuple[str, ...] = (),
    observer: str | None = None,
) -> EvidenceSettings:
    """Say what to look at; without arguments what a run looks at by default. Probes are written as options."""
    return EvidenceSettings(lease_timeout_seconds, ready_services, tuple(map(Probe.parse, probes)), observer)


def request(domains: tuple[str, ...] = (DOMAIN,), **options: Any) -> SyncRequest:  # noqa: ANN401 - each has its own
    """Ask for a sync; what is not said is as it is by default."""
    defaults: dict[str, Any] = {
        "node_label_selector": "",
        "ttl": 60,
        "min_nodes": MinNodes(1),
        "routing": "auto",
        "max_addresses": MAX_ADDRESSES,
        "rules": Rules(),
        "evidence_settings": evidence_settings(),
        "dry_run": False,
    }
    return SyncRequest(domains, **{**defaults, **options})


PARIS, TOKYO, LIMA = map(Coordinates.parse, ("48.86,2.35", "35.69,139.69", "-12.05,-77.04"))


def ipv4(number: int) -> IPv4Address:
    """Give one of many globally reachable IPv4 addresses."""
    return IPv4Address("5.0.0.0") + number


def ipv6(number: int) -> IPv6Address:
    """Give one of many globally reachable IPv6 addresses, all as long as an address can be written."""
    return IPv6Address("2600:ffff:ffff:ffff:ffff:ffff:ffff:1000") + number


def place(number: int) -> Coordinates:
    """Give one of many places."""
    return Coordinates.parse(f"{number // 100},{number % 100}")


def published(
    name: str, addresses: str | Iterable[Address], coordinates: Coordinates | None = None, *, bias: int = 0
) -> Published:
    """Build the verdict on a node that can serve; addresses joined by spaces, or as values."""
    return Published(name, _addresses(addresses), coordinates, bias=bias)


def in_doubt(
    name: str, addresses: str, coordinates: Coordinates | None = None, *, certain: str = "", cause: str = "too many"
) -> Published:
    """Build the verdict on a node whose addresses are left as they are in DNS, but for those that are `certain`."""
    doubts = tuple(Doubt(address, "silent", cause) for address in _addresses(addresses))
    return Published(name, _addresses(certain), coordinates, doubts=doubts)


def skipped(name: str, addresses: str | Iterable[Address], coordinates: Coordinates | None = None) -> Skipped:
    """Build the verdict on a node that was cordoned."""
    return Skipped(name, "cordoned", _addresses(addresses), coordinates)


def _addresses(addresses: str | Iterable[Address]) -> tuple[Address, ...]:
    return tuple(map(ip_address, addresses.split())) if isinstance(addresses, str) else tuple(addresses)


def plain(type_: str, *values: str, ttl: int = 60, name: str = DOMAIN) -> RecordSet:
    """Build a record set with simple routing."""
    return read(type_, values, {}, ttl=ttl, name=name)


def near(
    type_: str, coordinates: Coordinates, *values: str, ttl: int = 60, identifier: str | None = None, bias: int = 0
) -> RecordSet:
    """Build a geoproximity record set as kube-node-dns does, unless it has an identifier of its own."""
    point = {"Latitude": str(coordinates.latitude), "Longitude": str(coordinates.longitude)}
    location = {"GeoProximityLocation": {"Coordinates": point, **({"Bias": bias} if bias else {})}}
    return routed(type_, identifier or f"geoproximity-coords:{coordinates}", location, *values, ttl=ttl)


def multivalue(type_: str, value: str, *, ttl: int = 60) -> RecordSet:
    """Build a multivalue answer record set as kube-node-dns does."""
    return routed(type_, f"multivalue:{value}", {"MultiValueAnswer": True}, value, ttl=ttl)


def routed(type_: str, identifier: str, policy: Mapping[str, Any], *values: str, ttl: int = 60) -> RecordSet:
    """Build a record set with a routing policy, given as its member: `{"Weight": 1}`."""
    return read(type_, values, {"SetIdentifier": identifier, **policy}, ttl=ttl)


def alias(type_: str, **more: object) -> RecordSet:
    """Build an alias, which has neither TTL nor values."""
    target = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d1.cloudfront.net.", "EvaluateTargetHealth": False}
    return from_api({"Name": f"{DOMAIN}.", "Type": type_, "AliasTarget": target, **more})


def read(type_: str, values: Iterable[str], more: Mapping[str, Any], *, ttl: int = 60, name: str = DOMAIN) -> RecordSet:
    """Build a record set with any members."""
    records = [{"Value": value} for value in values]
    return from_api({"Name": f"{name}.", "Type": type_, **more, "TTL": ttl, "ResourceRecords": records})
