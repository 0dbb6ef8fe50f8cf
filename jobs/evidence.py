"""Evidence against nodes, beyond what Kubernetes says of them: what it is, and how much of it is believed. Pure.

A node without power stays Ready for most of a minute, one whose ingress or uplink is gone for good. Its Lease, its
endpoints and its open ports tell earlier and more. But who looks may be wrong about all nodes at once, after an outage
of the API server or without a network of its own; and a wrong withdrawal is an outage. So what is seen of many nodes at
once speaks against the observer: see `weigh`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jobs.model import Address, Condition, Coordinates, Node, NodeList, Published, Skipped, Verdict, withhold
from jobs.records import assess, not_ready

DOUBT_SECONDS = 30
"""How long Ready=Unknown is the node controller's opinion only. When the API server comes back from an outage, healthy
nodes turn Unknown together until their kubelets, which try every 10 s, have renewed their Leases."""
_YOUNG = f"Ready=Unknown for less than {DOUBT_SECONDS} s"

RENEWAL_SECONDS = 11
"""How much older one Lease may be than another while both are renewed: every 10 s, seen in whole seconds."""
OVERDUE_SECONDS = 13
"""The youngest Lease that cannot be one renewed in time, by 10 s with a jitter of 4 % and a slow request."""


@dataclass(frozen=True)
class Checks:
    """What to look at: Leases not renewed for so many seconds (0: not at all), services (`namespace/name`), ports."""

    lease_timeout_seconds: int = 25
    ready_services: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class Signs:
    """What was seen; what was not looked at is missing. `warnings` say what could not be seen."""

    lease_ages: Mapping[str, float] = field(default_factory=dict)
    """By node: the seconds since its kubelet has renewed its Lease."""
    serving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By service: the nodes on which an endpoint of it is ready."""
    answers: Mapping[tuple[Address, int], str | None] = field(default_factory=dict)
    """By address and TCP port: why there is no connection, None where there is one, "" where that is not sure."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What one kind of look at a node, or at one address of it, has shown; without a reason it is well.

    One that is only `suspect` is left alone, but counts when the observer is judged.
    """

    kind: str
    node: str
    address: Address | None
    reason: str | None
    suspect: bool = False


@dataclass(frozen=True)
class Conclusion:
    """The verdict on each node, with a warning for each kind of evidence that was not believed."""

    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...] = ()
    condemned: tuple[str, ...] = ()
    """The nodes that evidence has taken out."""


def conclude(listed: NodeList, signs: Signs, checks: Checks, default_coordinates: Coordinates | None) -> Conclusion:
    """Judge the nodes by the facts first, then those that pass by the evidence against them."""
    verdicts, unheeded = by_facts(listed, signs.serving, default_coordinates)
    findings = [*_unknown(listed, verdicts), *_leases(listed, verdicts, signs, checks), *_ports(verdicts, signs)]
    judged, ignored = weigh(verdicts, findings)
    condemned = tuple(before.node for before, after in zip(verdicts, judged, strict=True) if _is_out(before, after))
    return Conclusion(judged, signs.warnings + unheeded + ignored, condemned)


def by_facts(
    listed: NodeList, serving: Mapping[str, frozenset[str]], default_coordinates: Coordinates | None
) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Judge the nodes by what is certain: their own objects, and the ready endpoints of services, with warnings.

    A service may well run on few nodes, but one that is ready nowhere says nothing about any of them. Nor do endpoints
    about a node that turned Unknown a moment ago: whoever turned it so has marked its pods as not ready too.
    """
    warnings = tuple(
        f"no endpoint of {service} is ready on any node: --ready-service {service} is ignored"
        for service, nodes in serving.items()
        if not nodes
    )
    verdicts = tuple(
        assess(_presumed(node), default_coordinates)
        if _doubt(node, listed)
        else _served(assess(node, default_coordinates), serving)
        for node in listed.nodes
    )
    return verdicts, warnings


def _doubt(node: Node, listed: NodeList) -> str | None:
    """Say what a node is in doubt for when it turned Unknown a moment ago; a node without a time never is."""
    match node.ready:
        case Condition("Unknown", _, datetime() as since) as condition:
            is_young = listed.listed_at - since < timedelta(seconds=DOUBT_SECONDS)
            return not_ready(condition) if is_young else None
    return None


def _presumed(node: Node) -> Node:
    """Take a node that has not been heard of for a moment as ready: what speaks against it is evidence, not a fact."""
    return replace(node, ready=Condition("True", ""))


def _served(verdict: Verdict, serving: Mapping[str, frozenset[str]]) -> Verdict:
    missing = [service for service, nodes in serving.items() if nodes and verdict.node not in nodes]
    return _skipped(verdict, f"no ready endpoint of {', '.join(missing)}") if missing else verdict


def _unknown(listed: NodeList, verdicts: Iterable[Verdict]) -> Iterator[Finding]:
    published = _published(verdicts)
    for node in listed.nodes:
        if node.name in published:
            yield Finding(_YOUNG, node.name, None, _doubt(node, listed))


def _leases(listed: NodeList, verdicts: Iterable[Verdict], signs: Signs, checks: Checks) -> Iterator[Finding]:
    """Look at the Leases of the ready nodes; one that is overdue is suspect before its time is out.

    When all Leases stop at once, the first to run out is up to a renewal older than the last: without the suspects it
    would seem to be the only one.
    """
    published = _published(verdicts)
    limit = checks.lease_timeout_seconds
    for node in listed.nodes:
        age = signs.lease_ages.get(node.name)
        if limit and age is not None and node.name in published and not _doubt(node, listed):
            reason = f"lease not renewed for {age:.0f} s" if age >= limit else None
            suspect = age >= max(OVERDUE_SECONDS, limit - RENEWAL_SECONDS)
            yield Finding("lease not renewed in time", node.name, None, reason, suspect)


def _ports(verdicts: Iterable[Verdict], signs: Signs) -> Iterator[Finding]:
    """Each port and family is a kind of its own: an observer without IPv6 must not condemn it."""
    ports = sorted({port for _, port in signs.answers})
    for verdict in _published(verdicts).values():
        for address in verdict.addresses:
            for port in ports:
                if (address, port) in signs.answers:
                    why = signs.answers[address, port]
                    reason = f"tcp {port} does not answer ({why})" if why else None
                    kind = f"tcp {port} over IPv{address.version}"
                    yield Finding(kind, verdict.node, address, reason, suspect=why == "")


def weigh(verdicts: tuple[Verdict, ...], findings: Iterable[Finding]) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Believe evidence of each kind as long as it does not speak against too many, then the same of all together.

    What more than a third of those looked at seem to suffer from is the observer's own trouble. One is always
    believed, for small clusters, unless it is the only one. What is left makes a node skipped or an address withheld.
    """
    of_kind: dict[str, list[Finding]] = {}
    for finding in findings:
        of_kind.setdefault(finding.kind, []).append(finding)
    believed: list[Finding] = []
    warnings: list[str] = []
    for kind, found in of_kind.items():
        condemned = [finding for finding in found if finding.reason]
        against = sum(bool(finding.reason) or finding.suspect for finding in found)
        if condemned and against > _believable(len(found)):
            warnings.append(_ignored(kind, against, len(found), "addresses" if found[0].address else "nodes"))
        else:
            believed += condemned
    judged = _sentenced(verdicts, believed)
    lost = sum(map(_is_out, verdicts, judged))
    standing = len(_published(verdicts))
    if lost > _believable(standing):
        return verdicts, (*warnings, _ignored("evidence of all kinds together", lost, standing, "nodes"))
    return judged, tuple(warnings)


def _believable(looked_at: int) -> int:
    return max(1, looked_at // 3) if looked_at > 1 else 0


def _ignored(kind: str, against: int, looked_at: int, what: str) -> str:
    return (
        f"{kind}: {against} of {looked_at} {what}, more than a third: "
        "ignored, since who looks is likelier at fault than they are"
    )


def _sentenced(verdicts: Iterable[Verdict], believed: Iterable[Finding]) -> tuple[Verdict, ...]:
    """Apply evidence; of several reasons the first counts."""
    nodes: dict[str, str] = {}
    addresses: dict[tuple[str, Address], str] = {}
    for finding in believed:
        reason = finding.reason or ""
        if finding.address is None:
            nodes.setdefault(finding.node, reason)
        else:
            addresses.setdefault((finding.node, finding.address), reason)
    return tuple(
        _skipped(verdict, nodes[verdict.node]) if verdict.node in nodes else withhold(verdict, addresses)
        for verdict in verdicts
    )


def _skipped(verdict: Verdict, reason: str) -> Verdict:
    match verdict:
        case Published(node, addresses, coordinates, withheld):
            return Skipped(node, reason, addresses, coordinates, withheld)
    return verdict


def _published(verdicts: Iterable[Verdict]) -> dict[str, Published]:
    return {verdict.node: verdict for verdict in verdicts if isinstance(verdict, Published)}


def _is_out(before: Verdict, after: Verdict) -> bool:
    return isinstance(before, Published) and isinstance(after, Skipped)
