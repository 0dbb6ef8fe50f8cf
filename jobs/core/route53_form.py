"""Record sets, changes and health checks in the form of the AWS API. Pure.

It is here, not with the edge: a plan counts what Route 53 counts, and the report shows the changes in this form
wherever they are published.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from jobs.core.address import Address, numeric_order
from jobs.core.errors import TemporaryError
from jobs.core.place import Coordinates
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.text import one_line
from jobs.core.zones import canonical

if TYPE_CHECKING:  # for annotations only: a plan counts in this form
    from jobs.core.health_checks import Checking
    from jobs.core.plan import Change

_POLICY_OF_MEMBER = {
    "GeoProximityLocation": "geoproximity",
    "Weight": "weighted",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "Failover": "failover",
    "MultiValueAnswer": "multivalue",
    "CidrRoutingConfig": "IP-based",
    "AZAffinity": "AZ affinity",
}
_PLAIN_MEMBERS = {
    *("Name", "Type", "SetIdentifier", "TTL", "ResourceRecords", "GeoProximityLocation", "MultiValueAnswer"),
    "HealthCheckId",
}
_FAILURES = 3  # in a row, Route 53's default: healthy again takes as many successes


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
        policy=_policy(raw),
        set_identifier=raw.get("SetIdentifier"),
        coordinates=_place(coordinates),
        bias=bias,
        health_check_id=raw.get("HealthCheckId"),
        extras=repr(sorted((extras | location).items())) if extras or location else "",
        raw=raw,
    )


def by_name(page: Iterable[Mapping[str, Any]], asked: str) -> Mapping[str, tuple[RecordSet, ...]]:
    """Read the record sets of a page, by name. A name with a set that cannot be read is left out: it is not trusted.

    Raises KeyError as `from_api`, and TemporaryError for a set of the name that is asked for.
    """
    found: dict[str, list[RecordSet]] = {}
    unreadable: set[str] = set()
    for raw in page:
        name = canonical(raw["Name"])
        try:
            found.setdefault(name, []).append(from_api(raw))
        except ValueError as error:
            if name == asked:
                which = one_line(f"{raw['Type']} {raw.get('SetIdentifier', '')}")
                words = f"record set {which} of {name} cannot be read: {error}; correct or delete it in Route 53"
                raise TemporaryError(words) from error
            unreadable.add(name)
    return {name: tuple(sets) for name, sets in found.items() if name not in unreadable}


def _policy(raw: Mapping[str, Any]) -> str:
    """Name the routing policy; every set of a policy has an identifier, also of one that Route 53 has yet to get."""
    other = "other" if "SetIdentifier" in raw else "simple"
    return next((policy for member, policy in _POLICY_OF_MEMBER.items() if member in raw), other)


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


def api_changes(changes: Sequence["Change"]) -> list[dict[str, Any]]:
    """Give changes in the AWS API's form: every DELETE of exactly what was read, then every CREATE.

    Never UPSERT: DELETE and CREATE in one batch fail when anybody changed the set since it was read, which makes
    the batch a compare-and-swap.
    """
    deletes = [_api_change("DELETE", change.before) for change in changes if change.before]
    creates = [_api_change("CREATE", change.after) for change in changes if change.after]
    return deletes + creates


def _api_change(action: str, each: RecordSet) -> dict[str, Any]:
    return {"Action": action, "ResourceRecordSet": api_form(each)}


def check_of_address(checking: "Checking", address: Address) -> Mapping[str, Any]:
    """Give the settings of a check of one address, in the AWS API's form."""
    probe = checking.probe
    assert probe is not None  # noqa: S101 - without a probe nothing is made
    form = {"Type": probe.scheme.upper(), "IPAddress": str(address), "Port": probe.port}
    form |= {"RequestInterval": checking.interval_seconds, "FailureThreshold": _FAILURES}
    if probe.scheme != "tcp":
        form |= {"FullyQualifiedDomainName": probe.host, "ResourcePath": probe.path}
    return form | ({"EnableSNI": True} if probe.scheme == "https" else {})


def check_of_any(children: Iterable[str]) -> Mapping[str, Any]:
    """Give the settings of a check that wants one of its children healthy, in the AWS API's form."""
    return {"Type": "CALCULATED", "ChildHealthChecks": sorted(children), "HealthThreshold": 1}
