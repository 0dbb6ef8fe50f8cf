"""A resource record set: as a value, and in the form of the AWS API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from jobs.core.address import Address, numeric_order
from jobs.core.coordinates import Coordinates
from jobs.core.text import one_line
from jobs.core.zones import canonical

TYPES: Mapping[str, int] = {"A": 4, "AAAA": 6}
"""The record types that belong to kube-node-dns, with their IP version."""

_POLICY_OF_MEMBER = {
    "GeoProximityLocation": "geoproximity",
    "Weight": "weighted",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "Failover": "failover",
    "MultiValueAnswer": "multivalue",
    "CidrRoutingConfig": "IP-based",
}
_PLAIN_MEMBERS = {
    *("Name", "Type", "SetIdentifier", "TTL", "ResourceRecords", "GeoProximityLocation", "MultiValueAnswer"),
    "HealthCheckId",
}


@dataclass(frozen=True)  # no Struct: `raw` is not compared
class RecordSet:
    """A resource record set. Two are equal when they answer alike, however their addresses are written.

    `addresses` are in numeric order; only sets of type A and AAAA have any, and no alias does. `extras` is what a
    record set of somebody else has beyond those of kube-node-dns (weight, alias...). `raw` is its form in
    the AWS API exactly as it was read, which DELETE has to repeat; None for a set of our own making.
    """

    name: str
    type: str
    addresses: tuple[Address, ...]
    ttl: int | None
    policy: str = "simple"
    set_identifier: str | None = None
    coordinates: Coordinates | None = None
    bias: int = 0
    health_check_id: str | None = None
    extras: str = ""
    raw: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What distinguishes the sets of one name."""
        return self.type, self.set_identifier or ""

    def __str__(self) -> str:
        """Say which of its name's sets this is, for people, on one line: others may name theirs as they like."""
        place = self.coordinates if self.coordinates is not None else one_line(self.set_identifier or "")
        return f"{self.type} {self.policy}" + (f" {place}" if place else "")


def addresses_in(record_sets: Iterable[RecordSet]) -> set[Address]:
    """Give the addresses that these record sets hold."""
    return {address for each in record_sets for address in each.addresses}


def from_api(raw: Mapping[str, Any]) -> RecordSet:
    """Read a record set in the AWS API's form.

    Raises KeyError where a member that every set has is missing, ValueError for an A or AAAA value that is not an
    address or a place that is not one.
    """
    location = dict(raw.get("GeoProximityLocation") or {})
    coordinates = location.pop("Coordinates", None)
    bias = location.pop("Bias", 0)
    extras = {key: value for key, value in raw.items() if key not in _PLAIN_MEMBERS}
    records = (raw.get("ResourceRecords") or ()) if raw["Type"] in TYPES else ()
    return RecordSet(
        name=canonical(raw["Name"]),
        type=raw["Type"],
        addresses=tuple(sorted((ip_address(record["Value"]) for record in records), key=numeric_order)),
        ttl=raw.get("TTL"),
        policy=next((policy for member, policy in _POLICY_OF_MEMBER.items() if member in raw), "simple"),
        set_identifier=raw.get("SetIdentifier"),
        coordinates=_place(coordinates),
        bias=bias,
        health_check_id=raw.get("HealthCheckId"),
        extras=repr(sorted((extras | location).items())) if extras or location else "",
        raw=raw,
    )


def _place(coordinates: Mapping[str, str] | None) -> Coordinates | None:
    return Coordinates.parse(f"{coordinates['Latitude']},{coordinates['Longitude']}") if coordinates else None


def api_form(each: RecordSet) -> Mapping[str, Any]:
    """Give a record set in the AWS API's form: as it was read, where it was."""
    if each.raw is not None:
        return each.raw
    form: dict[str, Any] = {"Name": each.name + ".", "Type": each.type}
    if each.set_identifier is not None:
        form["SetIdentifier"] = each.set_identifier
    if each.coordinates is not None:
        location = {"Latitude": str(each.coordinates.latitude), "Longitude": str(each.coordinates.longitude)}
        form["GeoProximityLocation"] = {"Coordinates": location, **({"Bias": each.bias} if each.bias else {})}
    if each.policy == "multivalue":
        form["MultiValueAnswer"] = True
    form["TTL"] = each.ttl
    form["ResourceRecords"] = [{"Value": str(address)} for address in each.addresses]
    if each.health_check_id is not None:
        form["HealthCheckId"] = each.health_check_id
    return form


def with_more(each: RecordSet, more: Iterable[Address]) -> RecordSet:
    """Add addresses to a record set, of whatever policy, and keep all else of it."""
    more = tuple(more)
    addresses = tuple(sorted((*each.addresses, *more), key=numeric_order))
    form = api_form(each)
    records = [*form["ResourceRecords"], *({"Value": str(address)} for address in more)]
    return replace(each, addresses=addresses, raw={**form, "ResourceRecords": records})


def with_health_check(each: RecordSet, check: str | None) -> RecordSet:
    """Give a record set a health check, or take it off, and keep all else of it."""
    if each.health_check_id == check:
        return each
    if each.raw is None:
        return replace(each, health_check_id=check)
    raw = {key: value for key, value in each.raw.items() if key != "HealthCheckId"}
    return replace(each, health_check_id=check, raw=raw if check is None else {**raw, "HealthCheckId": check})
