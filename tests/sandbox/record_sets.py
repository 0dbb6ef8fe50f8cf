"""What a record set of Route 53 must be on its own, before the zone around it is looked at."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.sandbox import names

RecordSet = dict[str, Any]
"""A record set in the form of the AWS API: `Name`, `Type`, `TTL`, `ResourceRecords`, …"""

Change = dict[str, Any]
"""`{"Action": "CREATE", "ResourceRecordSet": {…}}`"""

POLICIES = {
    "Weight": "weighted",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "GeoProximityLocation": "geoproximity",
    "Failover": "failover",
    "MultiValueAnswer": "multivalue answer",
    "CidrRoutingConfig": "IP-based",
}
"""The member that makes a record set follow a routing policy, and the policy's name."""

VALUES_PER_SET = 400


def policy(record_set: RecordSet) -> str | None:
    """Name the member that carries the routing policy, `None` for simple routing."""
    return next((member for member in POLICIES if member in record_set), None)


def values(record_set: RecordSet) -> list[str]:
    """List the values in the order given; an alias has none."""
    return [record["Value"] for record in record_set.get("ResourceRecords", ())]


def place(record_set: RecordSet) -> object:
    """Give what two sets of one name, type and policy may not share, `None` if there is no such thing.

    Coordinates are compared as numbers; a bias does not make a place another one.
    """
    match policy(record_set):
        case "GeoProximityLocation":
            location = record_set["GeoProximityLocation"]
            if "Coordinates" in location:
                return tuple(float(location["Coordinates"][axis]) for axis in ("Latitude", "Longitude"))
            return location.get("AWSRegion"), location.get("LocalZoneGroup")
        case "GeoLocation":
            return tuple(sorted(record_set["GeoLocation"].items()))
        case "CidrRoutingConfig":
            return tuple(sorted(record_set["CidrRoutingConfig"].items()))
        case "Region" | "Failover" as member:
            return record_set[member]
        case _:
            return None


def comparable(record_set: RecordSet) -> RecordSet:
    """Give a form that is equal for record sets a DELETE takes for the same: value order does not matter."""
    form = dict(record_set, Name=names.canonical(record_set["Name"]))
    if "ResourceRecords" in form:
        form["ResourceRecords"] = sorted(values(record_set))
    if "AliasTarget" in form:
        form["AliasTarget"] = form["AliasTarget"] | {"DNSName": names.canonical(form["AliasTarget"]["DNSName"])}
    return form


def malformed(change: Change) -> Iterator[str]:
    """Say what makes a change `InvalidInput`, whatever is in the zone."""
    record_set = change["ResourceRecordSet"]
    for problem in _combinations(record_set):
        where = f"Action={change['Action']}, Name={names.canonical(record_set['Name'])}, Type={record_set['Type']}"
        where += f", SetIdentifier={record_set.get('SetIdentifier', 'null')}"
        yield f"Invalid request: {problem} in Change with [{where}]"
    yield from _location(record_set.get("GeoProximityLocation"))


def _combinations(record_set: RecordSet) -> Iterator[str]:
    policies = [member for member in POLICIES if member in record_set]
    if len(policies) > 1:
        yield f"Expected exactly one of [{', '.join(POLICIES)}], but found more than one"
    if policies and "SetIdentifier" not in record_set:
        yield "Missing field 'SetIdentifier'"
    if "SetIdentifier" in record_set and not policies:
        yield f"Expected exactly one of [{', '.join(POLICIES)}], but found none"
    contents = "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"
    plain = [member in record_set for member in ("TTL", "ResourceRecords")]
    others = sum(member in record_set for member in ("AliasTarget", "TrafficPolicyInstanceId"))
    if others + any(plain) > 1:
        yield f"{contents}, but found more than one"
    elif not others and not all(plain):
        yield f"{contents}, but found none"


def _location(location: dict[str, Any] | None) -> Iterator[str]:
    if location is None:
        return
    kinds = ("AWSRegion", "LocalZoneGroup", "Coordinates")
    if sum(kind in location for kind in kinds) != 1:
        yield f"Invalid request: GeoProximityLocation holds exactly one of [{', '.join(kinds)}]"
    for axis, most in (("Latitude", 90), ("Longitude", 180)):
        if "Coordinates" in location and abs(float(location["Coordinates"][axis])) > most:
            yield f"Invalid request: {axis} is between -{most} and {most}"


def faults(record_set: RecordSet) -> Iterator[str]:
    """Say what makes a record set part of an `InvalidChangeBatch`, whatever is in the zone."""
    if problem := names.fault(record_set["Name"]):
        yield problem
    given = values(record_set)
    if len(given) > VALUES_PER_SET:
        yield f"Cannot have more than {VALUES_PER_SET} records in a RRSet."
    if record_set["Type"] in ("CNAME", "SOA") and len(given) > 1:
        yield f"Cannot have more than 1 record in a RRSet of type {record_set['Type']}."
    yield from _duplicates(record_set["Type"], given)
    for value in given:
        if problem := _value_fault(record_set["Type"], value):
            yield f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"


def _duplicates(type_: str, given: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for value in given:
        written = ipaddress.IPv6Address(value).compressed if type_ == "AAAA" and _is_ipv6(value) else value
        if written in seen:
            yield f"Duplicate Resource Record: '{value}'"
        seen.add(written)


def _value_fault(type_: str, value: str) -> str | None:
    well_formed, problem = _VALUES.get(type_, (bool, "InvalidValue (Value is empty)"))
    return None if well_formed(value) else problem


def _is_ipv4(value: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(value))
    except ValueError:
        return False


def _is_ipv6(value: str) -> bool:
    try:
        return "%" not in value and bool(ipaddress.IPv6Address(value))
    except ValueError:
        return False


def _is_name(value: str) -> bool:
    return " " not in value and names.fault(value) is None


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


_TEXT = (
    _like(r'"(?:[^"\\]|\\.){0,255}"(?:\s+"(?:[^"\\]|\\.){0,255}")*'),
    "InvalidCharacterString (Value should be enclosed in quotation marks)",
)
_NAME = (_is_name, "InvalidDomainName (Value is not a domain name)")
_VALUES: dict[str, tuple[Callable[[str], bool], str]] = {
    "A": (_is_ipv4, "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"),
    "AAAA": (_is_ipv6, "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"),
    "CNAME": _NAME,
    "NS": _NAME,
    "PTR": _NAME,
    "TXT": _TEXT,
    "SPF": _TEXT,
    "MX": (_like(r"\d{1,5}\s+\S+"), "MXRRDATANotTwoFields (Value is a priority and a domain name)"),
    "SRV": (_like(r"\d{1,5}\s+\d{1,5}\s+\d{1,5}\s+\S+"), "SRVRRDATANotFourFields (Value has four fields)"),
    "CAA": (_like(r'\d{1,3}\s+[a-z0-9]+\s+"[^"]*"'), "CAARRDATANotThreeFields (Value has three fields)"),
    "SOA": (_like(r"\S+\s+\S+(?:\s+\d+){5}"), "SOARRDATANotSevenFields (Value has seven fields)"),
}
