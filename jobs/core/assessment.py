"""What a node's own facts say: it can serve, or is skipped with a reason. Pure."""

from collections.abc import Iterable

from jobs.core.annotations import BIAS, COORDINATES
from jobs.core.node import Condition, Node, Rules
from jobs.core.node_addresses import addresses_of
from jobs.core.place import Coordinates, Places, parse_bias
from jobs.core.text import one_line
from jobs.core.verdict import Published, Skipped, Verdict

ENDING_TAINTS = {
    "ToBeDeletedByClusterAutoscaler": "the cluster autoscaler is about to remove it",  # its FAQ, "How does scale-down"
    "karpenter.sh/disrupted": "Karpenter is about to remove it",  # Karpenter 1.x, "Disruption"
    "aws-node-termination-handler/*": "AWS is about to end its instance",  # its README: spot, scheduled, rebalance
    "cloud.google.com/impending-node-termination": "Google Cloud is about to end its instance",  # GKE, "Spot VMs"
    "node.cloudprovider.kubernetes.io/shutdown": "its instance is shut down",  # Kubernetes, well-known taints
    "node.kubernetes.io/out-of-service": "it is marked as out of service",  # Kubernetes, well-known taints
}
"""Taints that announce a node's end, with what they say; a trailing `*` is a prefix."""


def assess(node: Node, rules: Rules) -> Verdict:
    """Judge one node by itself: it can serve, with its addresses and place, or is skipped with the first reason."""
    addresses, withheld, no_address = addresses_of(node, rules)
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
