"""The values that the rooms hand to each other: frozen, compared by content, free of I/O."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Self

from jobs.core.text import one_line, quoted
from jobs.core.zones import canonical

Address = IPv4Address | IPv6Address

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?")  # as Route 53 reads them


@dataclass(frozen=True, order=True)
class Coordinates:
    """A place in degrees with two decimals, all that Route 53 takes. Equal places share one record set."""

    latitude: Decimal
    longitude: Decimal

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> Self:
        """Read `<latitude>,<longitude>`; raises ValueError with a text for people."""
        parts = text.split(",")
        if len(parts) != 2:
            raise ValueError(f"{quoted(text)} is not <latitude>,<longitude>")
        return cls(_degrees(parts[0], "latitude", 90), _degrees(parts[1], "longitude", 180))

    def __str__(self) -> str:
        """Give the form of the annotation, always with two decimals."""
        return f"{self.latitude},{self.longitude}"


def _degrees(text: str, what: str, limit: int) -> Decimal:
    text = text.strip(" ")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{what} {quoted(text)} is not a decimal number of degrees")
    degrees = Decimal(text)
    if not -limit <= degrees <= limit:
        raise ValueError(f"{what} {quoted(text)} is not between -{limit} and {limit}")
    return degrees.quantize(Decimal("0.01"), ROUND_HALF_EVEN) + 0  # + 0 makes -0.00 plain 0.00


@dataclass(frozen=True)
class Condition:
    """What the node's Ready condition says: `status` is True, False or Unknown, `since` its last transition."""

    status: str
    message: str
    since: datetime | None = None


@dataclass(frozen=True)
class Node:
    """The facts of a Kubernetes node that decide, as they were found; `None` is an absent annotation or condition."""

    name: str
    node_ips: str | None
    boot_id: str
    annotated_boot_id: str
    coordinates: str | None
    ready: Condition | None
    cordoned: bool
    deleting: bool
    unreadable: str | None = None
    """Why its object cannot be read: all but its name, annotations and deletion is unknown then."""


@dataclass(frozen=True)
class NodeList:
    """The selected nodes as they were at one moment: `listed_at` by the API server's clock, and its version of it."""

    nodes: tuple[Node, ...]
    listed_at: datetime
    resource_version: str


@dataclass(frozen=True)
class Withheld:
    """An address of a node that is not published, and why."""

    address: Address
    reason: str


@dataclass(frozen=True)
class Published:
    """A node that belongs into DNS with at least one address."""

    node: str
    addresses: tuple[Address, ...]
    coordinates: Coordinates | None
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """A node that does not belong into DNS, and why; `addresses` are those it would bring."""

    node: str
    reason: str
    addresses: tuple[Address, ...]
    coordinates: Coordinates | None
    withheld: tuple[Withheld, ...] = ()


Verdict = Published | Skipped


def reasons(verdict: Verdict) -> Iterator[tuple[Address, str | None]]:
    """Go through all addresses of a node, with the reason why one is not published; None where it is."""
    reason = verdict.reason if isinstance(verdict, Skipped) else None
    yield from ((address, reason) for address in verdict.addresses)
    yield from ((each.address, each.reason) for each in verdict.withheld)


def published(verdicts: Iterable[Verdict]) -> list[Published]:
    """Pick the published nodes."""
    return [verdict for verdict in verdicts if isinstance(verdict, Published)]


def skip(verdict: Verdict, reason: str) -> Verdict:
    """Take a published node out; one that is skipped keeps its own reason."""
    match verdict:
        case Published(node, addresses, coordinates, withheld):
            return Skipped(node, reason, addresses, coordinates, withheld)
    return verdict


def withhold(verdict: Verdict, refused: Mapping[tuple[str, Address], str]) -> Verdict:
    """Move refused addresses of a published node to the withheld ones; a node with none left is skipped.

    `refused` are reasons by node and address.
    """
    if isinstance(verdict, Skipped) or not refused:
        return verdict
    why = {address: refused.get((verdict.node, address)) for address in verdict.addresses}
    more = tuple(Withheld(address, reason) for address, reason in why.items() if reason)
    if not more:
        return verdict
    kept = tuple(address for address, reason in why.items() if not reason)
    if not kept:
        return Skipped(verdict.node, more[0].reason, (), verdict.coordinates, verdict.withheld + more)
    return replace(verdict, addresses=kept, withheld=verdict.withheld + more)


@dataclass(frozen=True)
class MinNodes:
    """The fewest nodes to publish before anything is withdrawn: a number, or a percentage of the selected nodes."""

    number: int
    percent: bool = False

    def required(self, selected: int) -> int:
        """Round a percentage up; even 0% asks for one node, only the plain number 0 asks for none."""
        return max(1, -(-selected * self.number // 100)) if self.percent else self.number

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `N` or `N%`; raises ValueError with a text for people."""
        digits = text.removesuffix("%")
        if not re.fullmatch("[0-9]{1,9}", digits) or (digits != text and int(digits) > 100):
            raise ValueError("is neither a number of nodes nor a percentage from 0% to 100%")
        return cls(int(digits), percent=digits != text)

    def __str__(self) -> str:
        """Give the form of the option."""
        return f"{self.number}%" if self.percent else str(self.number)


_POLICY_OF_MEMBER = {
    "GeoProximityLocation": "geoproximity",
    "Weight": "weighted",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "Failover": "failover",
    "MultiValueAnswer": "multivalue",
    "CidrRoutingConfig": "IP-based",
}
_PLAIN_MEMBERS = {"Name", "Type", "SetIdentifier", "TTL", "ResourceRecords", "GeoProximityLocation"}


@dataclass(frozen=True)
class RecordSet:
    """A resource record set. `raw` is its form in the AWS API, exactly as read where it was read: for DELETE.

    Two are equal when they answer alike: addresses and coordinates are compared as values, in any notation.
    `extras` is what a record set of somebody else has beyond those of kube-node-dns (health check, bias, alias...).
    """

    name: str
    type: str
    policy: str
    set_identifier: str | None
    coordinates: Coordinates | None
    ttl: int | None
    values: tuple[str, ...]
    extras: str
    raw: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What tells the sets of one name apart."""
        return self.type, self.set_identifier or ""

    def __str__(self) -> str:
        """Say which of its name's sets this is, for people, on one line: others may name theirs as they like."""
        place = self.coordinates if self.coordinates is not None else one_line(self.set_identifier or "")
        return f"{self.type} {self.policy}" + (f" {place}" if place else "")


def record_set(raw: Mapping[str, Any]) -> RecordSet:
    """Read a record set in the AWS API's form; raises KeyError where a member that every set has is missing."""
    location = dict(raw.get("GeoProximityLocation") or {})
    coordinates = location.pop("Coordinates", None)
    if not location.get("Bias"):
        location.pop("Bias", None)
    extras = {key: value for key, value in raw.items() if key not in _PLAIN_MEMBERS}
    return RecordSet(
        name=canonical(raw["Name"]),
        type=raw["Type"],
        policy=next((policy for member, policy in _POLICY_OF_MEMBER.items() if member in raw), "simple"),
        set_identifier=raw.get("SetIdentifier"),
        coordinates=_place(coordinates),
        ttl=raw.get("TTL"),
        values=tuple(sorted((_value(entry["Value"]) for entry in raw.get("ResourceRecords") or ()), key=numeric_order)),
        extras=repr(sorted((extras | location).items())) if extras or location else "",
        raw=raw,
    )


def _place(coordinates: Mapping[str, str] | None) -> Coordinates | None:
    return Coordinates.parse(f"{coordinates['Latitude']},{coordinates['Longitude']}") if coordinates else None


def _value(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return text


def numeric_order(value: str) -> tuple[int, int, str]:
    """Sort key that puts IPv4 before IPv6, each in numeric order, and anything else last."""
    try:
        address = ip_address(value)
    except ValueError:
        return 9, 0, value
    return address.version, int(address), value
