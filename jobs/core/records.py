"""From nodes to verdicts, and from verdicts to the record sets a domain should have. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.core.address import parse_addresses, why_not_global
from jobs.core.errors import ConfigurationError
from jobs.core.model import (
    Address,
    Condition,
    Coordinates,
    Node,
    NodeList,
    Published,
    RecordSet,
    Skipped,
    Verdict,
    Withheld,
    numeric_order,
    published,
    record_set,
    skip,
    withhold,
)
from jobs.core.text import one_line, quoted

ANNOTATIONS = "kube-node-dns.kyle.space/"
NODE_IPS, BOOT_ID = ANNOTATIONS + "node-ips", ANNOTATIONS + "boot-id"
COORDINATES = ANNOTATIONS + "aws-geoproximity-coordinates"

TYPES: Mapping[str, int] = {"A": 4, "AAAA": 6}
"""The record types that belong to kube-node-dns, with their IP version."""

MAX_ADDRESSES_PER_NODE = 8
MAX_ADDRESSES = 400  # Route 53: values a record set; also what lets a full exchange of one type fit one batch
MAX_PLACES = 30  # Route 53: geoproximity record sets of one name and type


@dataclass(frozen=True)
class Wanted:
    """What a domain should show: its A and AAAA record sets, the verdict on each node, and warnings for people."""

    record_sets: tuple[RecordSet, ...]
    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...] = ()
    publishable: int = 0
    """Nodes that can serve, before any limit: a limit must not look like a failure, or it would block a withdrawal."""


def placed(listed: NodeList, default: Coordinates | None) -> NodeList:
    """Give nodes without the annotation for it a default place."""
    if default is None:
        return listed
    nodes = (node if node.coordinates is not None else replace(node, coordinates=str(default)) for node in listed.nodes)
    return replace(listed, nodes=tuple(nodes))


def assess(node: Node) -> Verdict:
    """Judge one node by itself: publishable with its addresses and place, or skipped with the first reason found."""
    addresses, withheld, no_address = _addresses(node.node_ips)
    coordinates, no_place = _place(node.coordinates)
    reason = _cannot_serve(node) or no_address or no_place
    if reason:
        return Skipped(node.name, reason, addresses, coordinates, withheld)
    return Published(node.name, addresses, coordinates, withheld)


def _cannot_serve(node: Node) -> str | None:
    match node:
        case Node(unreadable=str(why)):
            return f"its Node object cannot be read: {why}"
        case Node(deleting=True):
            return "being deleted"
        case Node(cordoned=True):
            return "cordoned"
        case Node(ready=None):
            return "not ready: it has no Ready condition"
        case Node(ready=Condition(status) as condition) if status != "True":
            return not_ready(condition)
        case Node(boot_id=now, annotated_boot_id=then) if now and then and now != then:
            return "rebooted since its addresses were found: annotate-once has not run there yet"
    return None


def not_ready(condition: Condition) -> str:
    """Say why a node is not ready, in the words of whoever has said so."""
    return f"not ready: {one_line(condition.message) or f'Ready is {one_line(condition.status)}'}"


def _addresses(node_ips: str | None) -> tuple[tuple[Address, ...], tuple[Withheld, ...], str | None]:
    """Split annotated addresses into those to publish and those not, with the reason when there are none."""
    if node_ips is None:
        return (), (), f"no annotation {NODE_IPS}: annotate-once has not run there"
    try:
        annotated = parse_addresses(node_ips)
    except ValueError:
        return (), (), f"annotation {NODE_IPS} is no list of addresses: {quoted(node_ips)}"
    good: list[Address] = []
    withheld: list[Withheld] = []
    for address in annotated:
        reason = why_not_global(address)
        if not reason and sum(other.version == address.version for other in good) >= MAX_ADDRESSES_PER_NODE:
            reason = f"over the limit of {MAX_ADDRESSES_PER_NODE} IPv{address.version} addresses a node"
        if reason:
            withheld.append(Withheld(address, reason))
        else:
            good.append(address)
    if good:
        return tuple(good), tuple(withheld), None
    none = "no globally reachable address" if annotated else "no address: annotate-once found none on its interfaces"
    return (), tuple(withheld), none


def _place(annotation: str | None) -> tuple[Coordinates | None, str | None]:
    if annotation is None:
        return None, None
    try:
        return Coordinates.parse(annotation), None
    except ValueError as error:
        return None, f"annotation {COORDINATES}: {error}"


def owned(domain: str, zone_name: str, found: Iterable[RecordSet]) -> tuple[RecordSet, ...]:
    """Pick the record sets of a name that belong to kube-node-dns.

    Raises ConfigurationError where none can stand: beside a CNAME, or below a delegation, whose NS make this
    zone's other records at the name invisible (RFC 1034, 3.6.2 and 4.2.1).
    """
    found = tuple(found)
    types = {each.type for each in found}
    if "CNAME" in types:
        raise ConfigurationError("a CNAME record stands at this name; delete it, or choose another name")
    if "NS" in types and domain != zone_name:
        raise ConfigurationError(
            f"NS records delegate this name out of the zone {zone_name}; use the zone they point to"
        )
    return tuple(each for each in found if each.type in TYPES)


def wanted(domain: str, ttl: int, verdicts: Iterable[Verdict], current: Sequence[RecordSet]) -> Wanted:
    """Work out a domain's record sets from the verdicts and what DNS shows now, `current`."""
    by_place, judged, warnings = _route(sorted(verdicts, key=lambda verdict: verdict.node), current)
    publishable = len(published(judged))
    slots, judged = _within_limits(judged, current, by_place=by_place)
    record_sets = (_record_set(domain, type_, place, ttl, values) for (type_, place), values in slots.items())
    return Wanted(tuple(sorted(record_sets, key=lambda each: each.key)), judged, warnings, publishable)


def _route(
    verdicts: Sequence[Verdict], current: Sequence[RecordSet]
) -> tuple[bool, Sequence[Verdict], tuple[str, ...]]:
    """Choose between geoproximity (True) and simple routing.

    DNS shows now | publishable nodes with coordinates | wanted
    anything      | all                                | geoproximity
    geoproximity  | some                               | geoproximity; the others are skipped
    anything else | some                               | simple, with a warning
    anything      | none                               | simple

    So the first annotation takes no other node out, and a new node without one does not turn geoproximity off.
    """
    standing = published(verdicts)
    placeless = [verdict.node for verdict in standing if verdict.coordinates is None]
    if len(placeless) == len(standing):
        return False, verdicts, ()
    if not placeless:
        return True, verdicts, ()
    if any(each.policy == "geoproximity" for each in current):
        reason = f"no coordinates: this domain has geoproximity routing, set the annotation {COORDINATES}"
        return True, [skip(each, reason) if each.coordinates is None else each for each in verdicts], ()
    warning = f"simple routing until every published node has coordinates; without: {', '.join(placeless)}"
    return False, verdicts, (warning,)


Slot = tuple[str, Coordinates | None]
"""A record set to be: its type and, with geoproximity routing, its place."""


def _within_limits(
    verdicts: Sequence[Verdict], current: Sequence[RecordSet], *, by_place: bool
) -> tuple[dict[Slot, set[str]], tuple[Verdict, ...]]:
    """Give each address its slot; what is in DNS already comes first, then node-name order, then nothing more."""
    refused: dict[tuple[str, Address], str] = {}
    slots: dict[Slot, set[str]] = {}
    for type_, version in TYPES.items():
        asked = [
            (verdict.node, verdict.coordinates if by_place else None, address, str(address))
            for verdict in published(verdicts)
            for address in verdict.addresses
            if address.version == version
        ]
        shown = [each for each in current if each.type == type_]
        shown_addresses = {value for each in shown for value in each.values}
        shown_places = {each.coordinates for each in shown}
        places = sorted(dict.fromkeys(place for _, place, _, _ in asked), key=lambda place: place not in shown_places)
        given: dict[Coordinates | None, set[str]] = {place: set() for place in places[:MAX_PLACES]}
        room = MAX_ADDRESSES
        for node, place, address, value in sorted(asked, key=lambda each: each[3] not in shown_addresses):
            values = given.get(place)
            if values is None:
                refused[node, address] = f"over the limit of {MAX_PLACES} places a domain and type"
            elif value in values:
                continue
            elif room == 0:
                refused[node, address] = f"over the limit of {MAX_ADDRESSES} {type_} addresses a domain"
            else:
                values.add(value)
                room -= 1
        slots |= {(type_, place): values for place, values in given.items() if values}
    return slots, tuple(withhold(verdict, refused) for verdict in verdicts)


def _record_set(domain: str, type_: str, place: Coordinates | None, ttl: int, values: Iterable[str]) -> RecordSet:
    raw: dict[str, object] = {"Name": domain + ".", "Type": type_}
    if place is not None:
        raw["SetIdentifier"] = f"geoproximity-coords:{place}"
        location = {"Latitude": str(place.latitude), "Longitude": str(place.longitude)}
        raw["GeoProximityLocation"] = {"Coordinates": location}
    raw["TTL"] = ttl
    raw["ResourceRecords"] = [{"Value": value} for value in sorted(values, key=numeric_order)]
    return record_set(raw)


def confined(wanted: Wanted, record_sets: Sequence[RecordSet]) -> Wanted:
    """Give up the wanted record sets for others, and withhold the addresses that those have no place for."""
    shown = {value for each in record_sets for value in each.values}
    reason = "--min-nodes keeps the present record sets, which have no place for it"
    refused = {
        (verdict.node, address): reason
        for verdict in wanted.verdicts
        for address in verdict.addresses
        if str(address) not in shown
    }
    return replace(
        wanted,
        record_sets=tuple(record_sets),
        verdicts=tuple(withhold(verdict, refused) for verdict in wanted.verdicts),
    )
