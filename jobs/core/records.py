"""From verdicts to the record sets that a domain should have: routing and limits. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jobs.core.address import Address, numeric_order
from jobs.core.annotations import COORDINATES
from jobs.core.coordinates import Coordinates
from jobs.core.errors import ConfigurationError
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.verdict import Verdict, published, skip, withhold

MAX_ADDRESSES = 250
"""Per domain and type. So every exchange of a domain's record sets fits one change batch: 250 addresses of two types,
deleted and created, are the 1,000 ResourceRecord elements that Route 53 takes, in at most 27,000 of 32,000 characters.
"""
MAX_PLACES = 30
"""Geoproximity record sets per name and type (Route 53)."""


@dataclass(frozen=True)
class Wanted:
    """What a domain should show: its A and AAAA record sets, the verdict on each node, and warnings for people."""

    record_sets: tuple[RecordSet, ...]
    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...] = ()
    publishable: int = 0
    """Nodes that can serve, before any limit: a limit must not look like a failure, or it would block a withdrawal."""


def owned(domain: str, zone_name: str, found: Iterable[RecordSet]) -> tuple[RecordSet, ...]:
    """Pick the record sets of a name that belong to kube-node-dns.

    Raises ConfigurationError where none can stand: beside a CNAME, or below a delegation, whose NS records make this
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
    record_sets = (_record_set(domain, slot, ttl, addresses) for slot, addresses in slots.items())
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
) -> tuple[Mapping[Slot, set[Address]], tuple[Verdict, ...]]:
    """Give each address its slot; what is in DNS already comes first, then node-name order, then nothing more."""
    refused: dict[tuple[str, Address], str] = {}
    slots: dict[Slot, set[Address]] = {}
    for type_, version in TYPES.items():
        asked = [
            (verdict.node, verdict.coordinates if by_place else None, address)
            for verdict in published(verdicts)
            for address in verdict.addresses
            if address.version == version
        ]
        shown = [each for each in current if each.type == type_]
        shown_addresses = {address for each in shown for address in each.addresses}
        shown_places = {each.coordinates for each in shown}
        places = sorted(dict.fromkeys(place for _, place, _ in asked), key=lambda place: place not in shown_places)
        given: dict[Coordinates | None, set[Address]] = {place: set() for place in places[:MAX_PLACES]}
        space = MAX_ADDRESSES
        for node, place, address in sorted(asked, key=lambda each: each[2] not in shown_addresses):
            addresses = given.get(place)
            if addresses is None:
                refused[node, address] = f"over the limit of {MAX_PLACES} places per domain and type"
            elif address in addresses:
                continue
            elif space == 0:
                refused[node, address] = f"over the limit of {MAX_ADDRESSES} {type_} addresses per domain"
            else:
                addresses.add(address)
                space -= 1
        slots |= {(type_, place): addresses for place, addresses in given.items() if addresses}
    return slots, tuple(withhold(verdict, refused) for verdict in verdicts)


def _record_set(domain: str, slot: Slot, ttl: int, addresses: Iterable[Address]) -> RecordSet:
    type_, place = slot
    in_order = tuple(sorted(addresses, key=numeric_order))
    if place is None:
        return RecordSet(domain, type_, in_order, ttl)
    return RecordSet(domain, type_, in_order, ttl, "geoproximity", f"geoproximity-coords:{place}", place)
