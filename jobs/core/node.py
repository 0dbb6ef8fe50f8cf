"""A node's facts, and what they say by themselves: it can serve, or is skipped with a reason. Pure."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from math import inf
from typing import NamedTuple

from msgspec import Struct

from jobs.core.address import Address, parse_address, parse_addresses, why_not_global
from jobs.core.annotations import BIAS, COORDINATES, NODE_IPS, PUBLIC_IPS
from jobs.core.coordinates import Coordinates
from jobs.core.place import Places, parse_bias
from jobs.core.text import one_line, quoted
from jobs.core.verdict import Published, Skipped, Verdict, Withheld

MAX_ADDRESSES_PER_NODE = 8
"""Per family."""

_REBOOTED = "rebooted since its addresses were found: annotate-once has not run there yet"

ENDING_TAINTS = {
    "ToBeDeletedByClusterAutoscaler": "the cluster autoscaler is about to remove it",  # its FAQ, "How does scale-down"
    "karpenter.sh/disrupted": "Karpenter is about to remove it",  # Karpenter 1.x, "Disruption"
    "aws-node-termination-handler/*": "AWS is about to end its instance",  # its README: spot, scheduled, rebalance
    "cloud.google.com/impending-node-termination": "Google Cloud is about to end its instance",  # GKE, "Spot VMs"
    "node.cloudprovider.kubernetes.io/shutdown": "its instance is shut down",  # Kubernetes, well-known taints
    "node.kubernetes.io/out-of-service": "it is marked as out of service",  # Kubernetes, well-known taints
}
"""Taints that announce a node's end, with what they say; a trailing `*` is a prefix."""


class Condition(Struct, frozen=True):
    """What the node's Ready condition says: `status` is True, False or Unknown, `since` its last transition."""

    status: str
    message: str
    since: datetime | None = None

    def age_seconds(self, now: datetime, ahead_seconds: float) -> float:
        """How long it has been so. A time ahead of `now` counts as now, one further ahead than that as long ago."""
        if self.since is None:
            return inf
        age = (now - self.since).total_seconds()
        return age if age >= 0 else 0.0 if age >= -ahead_seconds else inf


class Node(Struct, frozen=True):
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
    bias: str | None = None
    zone: str = ""
    region: str = ""
    taints: tuple[str, ...] = ()
    public_ips: str | None = None
    external_ips: tuple[str, ...] = ()
    """What its status calls ExternalIP; a kubelet may write anything there."""


class NodeList(Struct, frozen=True):
    """The selected nodes as they were at one moment: `listed_at` by the API server's clock, and its version of it."""

    nodes: tuple[Node, ...]
    listed_at: datetime
    resource_version: str


class LeaseAge(NamedTuple):
    """The seconds since a kubelet has renewed its Lease, by the API servers' clocks and by this machine's.

    With several API servers the first holds the difference of their clocks, and the second that of the node's and this
    machine's. So no single wrong clock makes both large, or both small.
    """

    by_server: float
    by_observer: float


class Rules(Struct, frozen=True):
    """What the user has set up about nodes."""

    families: tuple[int, ...] = (4, 6)
    """The IP versions to publish."""
    excluded_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    excluded_taints: tuple[str, ...] = ()
    publish_cordoned: bool = False
    min_ready_seconds: int = 0
    places: Places = Places()
    external_ip: bool = False
    """Whether addresses of type ExternalIP in a node's status count too."""


def assess(node: Node, rules: Rules) -> Verdict:
    """Judge one node by itself: it can serve, with its addresses and place, or is skipped with the first reason."""
    addresses, withheld, no_address = _addresses(node, rules)
    coordinates, bias, _ = placed(node, rules.places)
    ending = _ending(node, rules.excluded_taints)
    reason = ending or _cannot_serve(node, rules) or no_address
    if not reason:
        return Published(node.name, addresses, coordinates, withheld, bias=bias)
    return Skipped(node.name, reason, addresses, coordinates, withheld, bias, ending is not None, node.deleting)


def placed(node: Node, places: Places) -> tuple[Coordinates | None, int, tuple[str, ...]]:
    """Give a node's place and bias, with a warning for each annotation that cannot be read.

    A bad one never takes the node out: without a place it is published by every routing but geoproximity.
    """
    coordinates, bias, warnings = None, 0, []
    try:
        coordinates = places.of(node.coordinates, node.zone, node.region)
    except ValueError as error:
        warnings.append(f"{node.name} has no place: annotation {COORDINATES}: {error}")
    try:
        bias = parse_bias(node.bias)
    except ValueError as error:
        warnings.append(f"{node.name} has no bias: annotation {BIAS}: {error}")
    return coordinates, bias, tuple(warnings)


def _ending(node: Node, excluded_taints: Iterable[str]) -> str | None:
    """Say why a node is about to go for good, or is excluded by its taint; None when it stays."""
    if node.deleting:
        return "being deleted"
    for taint in node.taints:
        for pattern, words in ENDING_TAINTS.items():
            if _matches(taint, pattern):
                return f"being removed: {words} (taint {one_line(taint)})"
        for pattern in excluded_taints:
            if _matches(taint, pattern):
                return f"excluded by its taint {one_line(taint)} (--exclude-taint {pattern})"
    return None


def _matches(taint: str, pattern: str) -> bool:
    return taint.startswith(pattern[:-1]) if pattern.endswith("*") else taint == pattern


def _cannot_serve(node: Node, rules: Rules) -> str | None:
    match node:
        case Node(unreadable=str(why)):
            return f"its Node object cannot be read: {why}"
        case Node(cordoned=True) if not rules.publish_cordoned:
            return "cordoned"
        case Node(ready=None):
            return "not ready: it has no Ready condition"
        case Node(ready=Condition(status) as condition) if status != "True":
            return not_ready(condition)
    return None


def not_ready(condition: Condition) -> str:
    """Say why a node is not ready, in the words of its condition."""
    return f"not ready: {one_line(condition.message) or f'Ready is {one_line(condition.status)}'}"


Addresses = tuple[tuple[Address, ...], tuple[Withheld, ...], str | None]
"""A node's addresses to publish, those withheld, and why there are none to publish."""


def _addresses(node: Node, rules: Rules) -> Addresses:
    """Split a node's addresses into those to publish and those not, by where they are known from.

    What the user has named stands instead of all else. No boot binds that, nor what the status says: a cloud or the
    user has given the node these addresses, not the network that it found itself in.
    """
    try:
        if node.public_ips is not None:
            named = _listed(node.public_ips, PUBLIC_IPS)
            return _split(named, rules, f"no address: annotation {PUBLIC_IPS} is empty")
        annotated = _listed(node.node_ips or "", NODE_IPS)
    except ValueError as error:
        return (), (), str(error)
    external = tuple(_external(node)) if rules.external_ip else ()
    none = "no address: annotate-once found none"
    if node.node_ips is None:
        none = f"no annotation {NODE_IPS}: annotate-once has not run there"
    if rules.external_ip:
        none += ", and its status has no ExternalIP"
    if _has_rebooted(node):
        return _after_reboot(annotated, external, rules)
    return _split((*annotated, *external), rules, none)


def _listed(text: str, annotation: str) -> tuple[Address, ...]:
    try:
        return parse_addresses(text)
    except ValueError:
        raise ValueError(f"annotation {annotation} is not a list of addresses: {quoted(text)}") from None


def _external(node: Node) -> Iterator[Address]:
    """Give the addresses of type ExternalIP; an entry that is not an address is passed over."""
    for text in node.external_ips:
        with suppress(ValueError):
            yield parse_address(text)


def _has_rebooted(node: Node) -> bool:
    return bool(node.boot_id and node.annotated_boot_id) and node.boot_id != node.annotated_boot_id


def _after_reboot(annotated: tuple[Address, ...], external: tuple[Address, ...], rules: Rules) -> Addresses:
    """Count on what no boot binds alone: an address that was found before may be a stranger's by now."""
    fresh, withheld, _ = _split(external, rules, "")
    old, more, _ = _split((address for address in annotated if address not in external), rules, "")
    if not fresh:
        return old, withheld + more, _REBOOTED
    return fresh, (*withheld, *(Withheld(address, _REBOOTED) for address in old), *more), None


def _split(found: Iterable[Address], rules: Rules, none: str) -> Addresses:
    """Split addresses by what each is worth; `none` is the reason where there is not one."""
    good: list[Address] = []
    withheld: list[Withheld] = []
    for address in dict.fromkeys(found):
        reason = why_not_global(address) or _why_not_wanted(address, rules)
        if not reason and sum(other.version == address.version for other in good) >= MAX_ADDRESSES_PER_NODE:
            reason = f"over the limit of {MAX_ADDRESSES_PER_NODE} IPv{address.version} addresses per node"
        if reason:
            withheld.append(Withheld(address, reason))
        else:
            good.append(address)
    why = None if good else "no address to publish" if withheld else none
    return tuple(good), tuple(withheld), why


def _why_not_wanted(address: Address, rules: Rules) -> str | None:
    if address.version not in rules.families:
        return f"IPv{address.version} is not published (--ip-family)"
    for network in rules.excluded_networks:
        if address in network:
            return f"excluded by --exclude-address {network}"
    return None
