"""From verdicts to the record sets that a domain should have: routing and limits. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import Struct

from jobs.core.address import Address
from jobs.core.annotations import COORDINATES
from jobs.core.place import Coordinates
from jobs.core.record_set import TYPES, RecordSet, addresses_in
from jobs.core.verdict import Skipped, Verdict, published, resolve_doubts, skip, withhold

MAX_ADDRESSES = 250
"""Per domain and type. So every exchange of a domain's record sets fits one change batch: 250 addresses of two types,
deleted and created, are the 1,000 ResourceRecord elements that Route 53 takes, in at most 27,000 of 32,000 characters.
"""
MAX_DNSENDPOINT_ADDRESSES = 50
"""The same in a DNSEndpoint: ExternalDNS skips what fits no batch of its own, for ever and silently."""
MAX_MULTIVALUE = 100
"""Multivalue answer record sets per name and type (Route 53)."""
MAX_PLACES = 30
"""Geoproximity record sets per name and type (Route 53)."""


class Wanted(Struct, frozen=True):
    """What a domain should show: its A and AAAA record sets, the verdict on each node, and warnings for people."""

    record_sets: tuple[RecordSet, ...]
    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...] = ()
    publishable: int = 0
    """Nodes that can serve, before any limit: a limit must not look like a failure, or it would block a withdrawal."""
    addresses: frozenset[Address] = frozenset()
    """Their addresses, likewise."""


def wanted(
    domain: str,
    ttl: int,
    routing: str,
    verdicts: Iterable[Verdict],
    current: Sequence[RecordSet],
    max_addresses: int = MAX_ADDRESSES,
) -> Wanted:
    """Work out a domain's record sets from the verdicts and what DNS shows now, `current`.

    `routing` is simple, geoproximity, multivalue or auto; `max_addresses` counts per type.
    """
    in_order: Sequence[Verdict] = sorted(verdicts, key=lambda verdict: verdict.node)
    about_place: tuple[str, ...] = ()
    if routing == "geoproximity":  # first: what has no place shows nothing, whatever is in doubt
        in_order, about_place = _without_placeless(in_order, "--routing geoproximity")
    judged, in_doubt = _without_doubts(in_order, current)
    policy, judged, about_routing = _route(routing, judged, current)
    standing = published(judged)
    addresses = frozenset(address for each in standing for address in each.addresses)
    slots, judged = _within_limits(judged, current, policy, max_addresses)
    biases, about_bias = _biases(judged) if policy == "geoproximity" else ({}, ())
    record_sets = (_record_set(domain, slot, ttl, policy, biases, addresses) for slot, addresses in slots.items())
    warnings = (*in_doubt, *about_place, *about_routing, *about_bias)
    return Wanted(tuple(sorted(record_sets, key=lambda each: each.key)), judged, warnings, len(standing), addresses)


def _without_doubts(
    verdicts: Sequence[Verdict], current: Iterable[RecordSet]
) -> tuple[Sequence[Verdict], tuple[str, ...]]:
    """Leave addresses in doubt as DNS has them, with a warning for each cause that names who stays and who does not.

    DNS is the memory: what it shows stays, what it does not show is not added. But a domain that would show nothing
    at all publishes them.
    """
    shown = addresses_in(current)
    standing = published(verdicts)
    doubts = [(verdict.node, doubt) for verdict in standing for doubt in verdict.doubts]
    is_empty = not any(verdict.addresses for verdict in standing) and not any(
        doubt.address in shown for _, doubt in doubts
    )
    kept = None if is_empty else shown
    warnings = []
    for cause in dict.fromkeys(doubt.cause for _, doubt in doubts):
        of_cause = [(node, kept is None or doubt.address in kept) for node, doubt in doubts if doubt.cause == cause]
        stay = list(dict.fromkeys(node for node, stays in of_cause if stays))
        out = list(dict.fromkeys(node for node, stays in of_cause if not stays))
        parts = [f"{words} {', '.join(nodes)}" for words, nodes in (("stays in:", stay), ("kept out:", out)) if nodes]
        warnings.append(f"{cause}; {'; '.join(parts)}")
    return [resolve_doubts(verdict, kept) for verdict in verdicts], tuple(warnings)


def _route(
    routing: str, verdicts: Sequence[Verdict], current: Sequence[RecordSet]
) -> tuple[str, Sequence[Verdict], tuple[str, ...]]:
    """Choose the routing policy; `auto` goes by what the user has set up, not by who is up this minute.

    So it asks all selected nodes without a deletion timestamp, whatever their health or addresses.

    DNS shows now | asked nodes with a place | wanted
    anything      | all                      | geoproximity
    geoproximity  | some                     | geoproximity; the others are skipped, with a warning for each that could
                  |                          | serve; but simple, with a warning, when no node with a place would serve
    anything else | some                     | simple, with a warning that names the nodes still without a place
    anything      | none                     | simple, with a warning when DNS showed geoproximity
    """
    if routing != "auto":
        return routing, verdicts, ()
    asked = [each for each in verdicts if not (isinstance(each, Skipped) and each.is_deleted)]
    placeless = [each.node for each in asked if each.coordinates is None]
    shows_places = any(each.policy == "geoproximity" for each in current)
    if not placeless and asked:
        return "geoproximity", verdicts, ()
    if len(placeless) < len(asked):
        if not shows_places:
            words = "simple routing until every selected node has a place; without: "
            return "simple", verdicts, (words + ", ".join(placeless),)
        if any(each.coordinates is not None for each in published(verdicts)):
            return "geoproximity", *_without_placeless(verdicts, "this domain has geoproximity routing")
        return "simple", verdicts, ("simple routing instead of geoproximity: no node with a place can serve",)
    lost = "simple routing instead of geoproximity: no selected node has a place any longer"
    return "simple", verdicts, (lost,) if shows_places and asked else ()


def _without_placeless(verdicts: Iterable[Verdict], why: str) -> tuple[Sequence[Verdict], tuple[str, ...]]:
    reason = f"no coordinates: {why}, set the annotation {COORDINATES}"
    judged = [skip(each, reason) if each.coordinates is None else each for each in verdicts]
    could_serve = [each.node for each in published(verdicts) if each.coordinates is None]
    return judged, tuple(f"{node} could serve, but has {reason}" for node in could_serve)


def _biases(verdicts: Iterable[Verdict]) -> tuple[Mapping[Coordinates, int], tuple[str, ...]]:
    """Give each place its bias, that of its first node by name, whatever its health. Where they differ, warn."""
    of_place: dict[Coordinates, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.coordinates is not None:
            of_place.setdefault(verdict.coordinates, []).append(verdict)
    warnings = tuple(
        f"the nodes at {place} differ in bias ({', '.join(f'{each.node}: {each.bias}' for each in nodes)}): "
        f"that of {nodes[0].node} counts"
        for place, nodes in of_place.items()
        if len({each.bias for each in nodes}) > 1
    )
    return {place: nodes[0].bias for place, nodes in of_place.items()}, warnings


Slot = tuple[str, Coordinates | Address | None]
"""A record set to be: its type and, with geoproximity routing, its place, with multivalue routing its address."""


def _within_limits(
    verdicts: Sequence[Verdict], current: Sequence[RecordSet], policy: str, max_addresses: int
) -> tuple[Mapping[Slot, set[Address]], tuple[Verdict, ...]]:
    """Give each address its slot; what is in DNS already comes first, then node-name order, then nothing more."""
    over_limit: dict[tuple[str, Address], str] = {}
    slots: dict[Slot, set[Address]] = {}
    most = min(max_addresses, MAX_MULTIVALUE) if policy == "multivalue" else max_addresses
    for type_, version in TYPES.items():
        asked = [
            (verdict.node, verdict.coordinates if policy == "geoproximity" else None, address)
            for verdict in published(verdicts)
            for address in verdict.addresses
            if address.version == version
        ]
        shown = [each for each in current if each.type == type_]
        shown_addresses = addresses_in(shown)
        shown_places = {each.coordinates for each in shown}
        places = sorted(dict.fromkeys(place for _, place, _ in asked), key=lambda place: place not in shown_places)
        given: dict[Coordinates | None, set[Address]] = {place: set() for place in places[:MAX_PLACES]}
        space = most
        for node, place, address in sorted(asked, key=lambda each: each[2] not in shown_addresses):
            addresses = given.get(place)
            if addresses is None:
                over_limit[node, address] = f"over the limit of {MAX_PLACES} places per domain and type"
            elif address in addresses:
                continue
            elif space == 0:
                over_limit[node, address] = f"over the limit of {most} {type_} addresses per domain"
            else:
                addresses.add(address)
                space -= 1
        for place, addresses in given.items():
            if policy == "multivalue":
                slots |= {(type_, address): {address} for address in addresses}
            elif addresses:
                slots[type_, place] = addresses
    beyond = {node for node, _ in over_limit}
    return slots, tuple(withhold(each, over_limit) if each.node in beyond else each for each in verdicts)


def _record_set(
    domain: str, slot: Slot, ttl: int, policy: str, biases: Mapping[Coordinates, int], addresses: Iterable[Address]
) -> RecordSet:
    type_, place = slot
    plain = RecordSet(domain, type_, tuple(sorted(addresses)), ttl, policy)
    match place:
        case None:
            return plain
        case Coordinates():
            identifier = f"geoproximity-coords:{place}"
            return replace(plain, set_identifier=identifier, coordinates=place, bias=biases[place])
    return replace(plain, set_identifier=f"multivalue:{place}")
