"""What the tests of evidence share: nodes, what was seen of them, and what becomes of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.evidence import Conclusion, conclude
from jobs.core.node import Condition, LeaseAge, Node, NodeList, Rules
from jobs.core.probe import Probe
from jobs.core.signs import EvidenceSettings, Signs
from jobs.core.sync_trigger import ChangeDetector
from jobs.core.verdict import Published, Skipped
from tests.support.builders import NODE, evidence_settings, ipv4, ipv6

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SILENT = "Kubelet stopped posting node status."
LEASE, UNKNOWN = "lease not renewed in time", "Ready=Unknown for less than 30 s"
DOUBTED = "more than a third: not believed, since the observer is likelier at fault than they are"
TCP, HTTP, HTTPS = "tcp:443", "http://www.example.com/", "https://www.example.com/"

Answers = dict[tuple[Address, Probe], str | None]


def nodes(count: int) -> list[Node]:
    """Give nodes that can serve, each on an address of its own."""
    return [replace(NODE, name=f"n{number}", node_ips=str(ipv4(number))) for number in range(count)]


def dual(count: int) -> list[Node]:
    """Give nodes with an address of each family."""
    return [replace(node, node_ips=f"{ipv4(number)},{ipv6(number)}") for number, node in enumerate(nodes(count))]


def having(node: Node, *addresses: Address) -> Node:
    """Give a node these addresses."""
    return replace(node, node_ips=",".join(map(str, addresses)))


def unknown(node: Node, seconds: float, message: str = SILENT) -> Node:
    """Let a node be Unknown for so long."""
    return replace(node, ready=Condition("Unknown", message, NOW - timedelta(seconds=seconds)))


def ready(node: Node, seconds: float) -> Node:
    """Let a node be Ready for so long."""
    return replace(node, ready=Condition("True", "", NOW - timedelta(seconds=seconds)))


def judged(
    found: Sequence[Node],
    lease_timeout: int = 25,
    *,
    asked: EvidenceSettings | None = None,
    rules: Rules | None = None,
    **signs: Any,  # noqa: ANN401 - any sign
) -> Conclusion:
    """Judge nodes by what was seen of them; probes that were answered, or not, were asked for."""
    if asked is None:
        probes = dict.fromkeys(probe for _, probe in signs.get("answers", {}))
        asked = replace(evidence_settings(lease_timeout, tuple(signs.get("serving", {}))), probes=tuple(probes))
    return conclude(NodeList(tuple(found), NOW, "1"), Signs(**signs), asked, rules or Rules())


def ages(*seconds: float) -> dict[str, LeaseAge]:
    """Give the ages of the Leases of n0, n1, ..., the same by both clocks."""
    return {f"n{number}": LeaseAge(each, each) for number, each in enumerate(seconds)}


def dead(*addresses: Address, probe: str = TCP, why: str = "timed out") -> Answers:
    """Give addresses that do not answer."""
    return dict.fromkeys(((address, Probe.parse(probe)) for address in addresses), why)


def alive(*addresses: Address, probe: str = TCP) -> Answers:
    """Give addresses that answer."""
    return dict.fromkeys((address, Probe.parse(probe)) for address in addresses)


def out(conclusion: Conclusion) -> dict[str, str]:
    """Give the nodes that are skipped, with their reasons."""
    return {each.node: each.reason for each in conclusion.verdicts if isinstance(each, Skipped)}


def kept(conclusion: Conclusion) -> set[Address]:
    """Give every address that is published for certain."""
    return {address for each in conclusion.verdicts if isinstance(each, Published) for address in each.addresses}


def doubted(conclusion: Conclusion) -> dict[tuple[str, Address], str]:
    """Give every address that is left as it is, by node and address, with what speaks against it."""
    return {
        (each.node, doubt.address): doubt.reason
        for each in conclusion.verdicts
        if isinstance(each, Published)
        for doubt in each.doubts
    }


def numbered(count: int, *, lost: Iterable[int] = ()) -> list[Node]:
    """Give nodes `node-1` and so on; those `lost` are Unknown since a moment."""
    found = [replace(NODE, name=f"node-{each}", node_ips=str(ipv4(each))) for each in range(1, count + 1)]
    return [unknown(node, 0) if number in lost else node for number, node in enumerate(found, 1)]


def detector_of(
    found: Iterable[Node], asked: EvidenceSettings | None = None, rules: Rules | None = None
) -> ChangeDetector:
    """Give a detector that knows these nodes and has reported its first trigger."""
    detector = ChangeDetector(asked or evidence_settings(), rules or Rules())
    detector.begin(NodeList(tuple(found), NOW, "5"), "begun")
    assert detector.trigger(NOW) is not None
    return detector


def words_of(detector: ChangeDetector, now: datetime = NOW) -> str | None:
    """Give the words of the trigger."""
    trigger = detector.trigger(now)
    return trigger.words if trigger else None
