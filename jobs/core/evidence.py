"""Evidence against nodes, beyond what Kubernetes says of them: what it is, and how much of it is believed. Pure.

A node without power stays Ready for most of a minute, one whose ingress or uplink is gone for good. Its Lease, its
endpoints and its open ports show it earlier, and show more. But an observer may be wrong about all nodes at once, after
an outage of the API server or without a network of its own; and a wrong withdrawal is an outage. So what is seen of
many nodes at once speaks against the observer: see `weigh`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from jobs.core.address import Address
from jobs.core.node import Condition, Node, NodeList, assess, not_ready
from jobs.core.record_set import TYPES
from jobs.core.verdict import Published, Skipped, Verdict, published, skip, withhold

DOUBT_SECONDS = 30
"""How long Ready=Unknown is the node controller's opinion only. When the API server comes back from an outage, healthy
nodes turn Unknown together until their kubelets, which try every 10 s, have renewed their Leases."""

RENEWAL_SECONDS = 11
"""How much older one Lease may be than another while both are renewed: every 10 s, seen in whole seconds."""
OVERDUE_SECONDS = 13
"""The youngest Lease that cannot be one renewed in time, by 10 s with a jitter of 4 % and a slow request."""


@dataclass(frozen=True)
class Checks:
    """What to look at: Leases not renewed for so many seconds (0: not at all), services (`namespace/name`), ports."""

    lease_timeout_seconds: int
    ready_services: tuple[str, ...]
    ports: tuple[int, ...]


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
    """What speaks against a node, or against one address of it.

    With an empty reason it is only suspect: it is left alone, but counts when the observer is judged.
    """

    node: str
    address: Address | None
    reason: str


@dataclass(frozen=True)
class Survey:
    """What one kind of evidence has found bad, and how many nodes or addresses it looked at."""

    kind: str
    looked_at: int
    found: tuple[Finding, ...]


@dataclass(frozen=True)
class Conclusion:
    """The verdict on each node, with a warning for each kind of evidence that was not believed."""

    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...] = ()
    condemned: tuple[str, ...] = ()
    """The nodes that evidence has taken out."""


def conclude(listed: NodeList, signs: Signs, checks: Checks) -> Conclusion:
    """Judge the nodes by the facts first, then those that pass by the evidence against them."""
    verdicts, unheeded = by_facts(listed, signs.serving)
    standing = published(verdicts)
    doubts = _doubts(listed)
    surveys = (_unknown(standing, doubts), _leases(standing, doubts, signs, checks), *_ports(standing, signs))
    judged, ignored = weigh(verdicts, surveys)
    condemned = tuple(before.node for before, after in zip(verdicts, judged, strict=True) if _is_out(before, after))
    return Conclusion(judged, signs.warnings + unheeded + ignored, condemned)


def by_facts(listed: NodeList, serving: Mapping[str, frozenset[str]]) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Judge the nodes by what is certain: their own objects, and the ready endpoints of services, with warnings.

    A service may well run on few nodes, but one that is ready nowhere says nothing about any of them. Nor do endpoints
    about a node that turned Unknown a moment ago: the node controller has marked its pods as not ready too.
    """
    warnings = tuple(
        f"no endpoint of {service} is ready on any node: --ready-service {service} is ignored"
        for service, nodes in serving.items()
        if not nodes
    )
    doubts = _doubts(listed)
    verdicts = tuple(
        assess(_presumed(node)) if node.name in doubts else _served(assess(node), serving) for node in listed.nodes
    )
    return verdicts, warnings


def _doubts(listed: NodeList) -> dict[str, str]:
    """List the nodes that turned Unknown a moment ago, with the reason; one without a time is never among them."""
    return {
        node.name: not_ready(node.ready)
        for node in listed.nodes
        if node.ready and node.ready.status == "Unknown" and node.ready.since
        if listed.listed_at - node.ready.since < timedelta(seconds=DOUBT_SECONDS)
    }


def _presumed(node: Node) -> Node:
    """Take a node that has not been heard of for a moment as ready: what speaks against it is evidence, not a fact."""
    return replace(node, ready=Condition("True", ""))


def _served(verdict: Verdict, serving: Mapping[str, frozenset[str]]) -> Verdict:
    missing = [service for service, nodes in serving.items() if nodes and verdict.node not in nodes]
    return skip(verdict, f"no ready endpoint of {', '.join(missing)}") if missing else verdict


def _unknown(standing: Sequence[Published], doubts: Mapping[str, str]) -> Survey:
    found = tuple(Finding(each.node, None, doubts[each.node]) for each in standing if each.node in doubts)
    return Survey(f"Ready=Unknown for less than {DOUBT_SECONDS} s", len(standing), found)


def _leases(standing: Iterable[Published], doubts: Mapping[str, str], signs: Signs, checks: Checks) -> Survey:
    """Look at the Leases of the ready nodes; one that is overdue is suspect before its time is out.

    When all Leases stop at once, the first to run out is up to a renewal older than the last: without the suspects it
    would seem to be the only one.
    """
    limit = checks.lease_timeout_seconds
    suspect_from = min(limit, max(OVERDUE_SECONDS, limit - RENEWAL_SECONDS))
    ages = {} if limit == 0 else signs.lease_ages
    seen = [(each.node, ages[each.node]) for each in standing if each.node in ages and each.node not in doubts]
    found = tuple(
        Finding(node, None, f"lease not renewed for {age:.0f} s" if age >= limit else "")
        for node, age in seen
        if age >= suspect_from
    )
    return Survey("lease not renewed in time", len(seen), found)


def _ports(standing: Iterable[Published], signs: Signs) -> Iterator[Survey]:
    """Each port and family is a kind of its own: an observer without IPv6 must not condemn it."""
    targets = [(each.node, address) for each in standing for address in each.addresses]
    for port in sorted({port for _, port in signs.answers}):
        for version in TYPES.values():
            asked = [
                (node, address, signs.answers[address, port])
                for node, address in targets
                if address.version == version and (address, port) in signs.answers
            ]
            found = tuple(
                Finding(node, address, f"tcp {port} does not answer ({why})" if why else "")
                for node, address, why in asked
                if why is not None
            )
            yield Survey(f"tcp {port} over IPv{version}", len(asked), found)


def weigh(verdicts: tuple[Verdict, ...], surveys: Iterable[Survey]) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Believe what a survey has found as long as it does not speak against too many, then the same of all together.

    What more than a third of those looked at seem to suffer from is the observer's own trouble. One is always
    believed, for small clusters, unless it is the only one. What is left makes a node skipped or an address withheld.
    """
    believed: list[Finding] = []
    warnings: list[str] = []
    for survey in surveys:
        condemned = [finding for finding in survey.found if finding.reason]
        against = len(survey.found)
        if condemned and against > _believable(survey.looked_at):
            what = "addresses" if condemned[0].address else "nodes"
            warnings.append(_ignored(survey.kind, against, survey.looked_at, what))
        else:
            believed += condemned
    judged = _sentenced(verdicts, believed)
    lost = sum(map(_is_out, verdicts, judged))
    standing = len(published(verdicts))
    if lost > _believable(standing):
        return verdicts, (*warnings, _ignored("evidence of all kinds together", lost, standing, "nodes"))
    return judged, tuple(warnings)


def _believable(looked_at: int) -> int:
    return max(1, looked_at // 3) if looked_at > 1 else 0


def _ignored(kind: str, against: int, looked_at: int, what: str) -> str:
    return (
        f"{kind}: {against} of {looked_at} {what}, more than a third: "
        "ignored, since the observer is likelier at fault than they are"
    )


def _sentenced(verdicts: Iterable[Verdict], believed: Iterable[Finding]) -> tuple[Verdict, ...]:
    """Apply evidence; of several reasons the first counts."""
    nodes: dict[str, str] = {}
    addresses: dict[tuple[str, Address], str] = {}
    for finding in believed:
        if finding.address is None:
            nodes.setdefault(finding.node, finding.reason)
        else:
            addresses.setdefault((finding.node, finding.address), finding.reason)
    return tuple(
        skip(verdict, nodes[verdict.node]) if verdict.node in nodes else withhold(verdict, addresses)
        for verdict in verdicts
    )


def _is_out(before: Verdict, after: Verdict) -> bool:
    return isinstance(before, Published) and isinstance(after, Skipped)
