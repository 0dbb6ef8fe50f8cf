"""What the tests of evidence share: nodes, what was seen of them, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.core.address import Address
from jobs.core.evidence import Conclusion, Signs, conclude
from jobs.core.node import Condition, Node, NodeList
from jobs.core.verdict import Published, Skipped
from tests.support.builders import NODE, checks, ipv4, ipv6

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SILENT = "Kubelet stopped posting node status."
LEASE, UNKNOWN = "lease not renewed in time", "Ready=Unknown for less than 30 s"
FAULT = "more than a third: ignored, since the observer is likelier at fault than they are"


def nodes(count: int) -> list[Node]:
    """Give nodes that can serve, each on an address of its own."""
    return [replace(NODE, name=f"n{number}", node_ips=str(ipv4(number))) for number in range(count)]


def dual(count: int) -> list[Node]:
    """Give nodes with an address of each family."""
    return [replace(node, node_ips=f"{ipv4(number)},{ipv6(number)}") for number, node in enumerate(nodes(count))]


def unknown(node: Node, seconds: float, message: str = SILENT) -> Node:
    """Let a node be Unknown for so long."""
    return replace(node, ready=Condition("Unknown", message, NOW - timedelta(seconds=seconds)))


def judged(found: Sequence[Node], lease_timeout: int = 25, **signs: Any) -> Conclusion:  # noqa: ANN401 - any sign
    """Judge nodes by what was seen of them."""
    return conclude(NodeList(tuple(found), NOW, "1"), Signs(**signs), checks(lease_timeout))


def ages(*seconds: float) -> dict[str, float]:
    """Give the ages of the Leases of n0, n1, ..."""
    return {f"n{number}": each for number, each in enumerate(seconds)}


def dead(*addresses: Address, port: int = 443, why: str = "timed out") -> dict[tuple[Address, int], str | None]:
    """Give connections that failed."""
    return {(address, port): why for address in addresses}


def alive(*addresses: Address, port: int = 443) -> dict[tuple[Address, int], str | None]:
    """Give connections that were made."""
    return {(address, port): None for address in addresses}


def out(conclusion: Conclusion) -> dict[str, str]:
    """Give the nodes that are skipped, with their reasons."""
    return {each.node: each.reason for each in conclusion.verdicts if isinstance(each, Skipped)}


def kept(conclusion: Conclusion) -> set[Address]:
    """Give every address that is published."""
    return {address for each in conclusion.verdicts if isinstance(each, Published) for address in each.addresses}
