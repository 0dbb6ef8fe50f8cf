"""A node's facts, and what they say by themselves: publishable, or skipped with a reason."""

from dataclasses import dataclass
from datetime import datetime

from jobs.core.address import Address, parse_addresses, why_not_global
from jobs.core.annotations import COORDINATES, NODE_IPS
from jobs.core.coordinates import Coordinates
from jobs.core.text import one_line, quoted
from jobs.core.verdict import Published, Skipped, Verdict, Withheld

MAX_ADDRESSES_PER_NODE = 8
"""Per family."""


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
    """Say why a node is not ready, in the words of its condition."""
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
            reason = f"over the limit of {MAX_ADDRESSES_PER_NODE} IPv{address.version} addresses per node"
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
