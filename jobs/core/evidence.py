"""Evidence against nodes, beyond what Kubernetes says of them: what it is, and how much of it is believed. Pure.

A node without power stays Ready for most of a minute, one whose ingress or uplink is gone for good. Its Lease, its
endpoints and its open ports show it earlier, and show more. But an observer may be wrong about all nodes at once, after
an outage of the API server or without a network of its own; and a wrong withdrawal is an outage. So what is seen of
many nodes at once speaks against the observer, and what is not believed leaves DNS as it is: see `conclude`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jobs.core.address import Address
from jobs.core.node import Condition, LeaseAge, Node, NodeList, Rules, assess, not_ready, placed
from jobs.core.probe import Probe
from jobs.core.record_set import TYPES
from jobs.core.verdict import Doubt, Published, Skipped, Verdict, Withheld, skipped_for

DOUBT_SECONDS = 30
"""How long Ready=Unknown is the node controller's opinion only. When the API server comes back from an outage, healthy
nodes turn Unknown together until their kubelets, which try every 10 s, have renewed their Leases."""
AHEAD_SECONDS = 60
"""How far the clock that dates a condition may be ahead of the API server's, for its time to count as now."""

RENEWAL_SECONDS = 11
"""How much older one Lease may be than another while both are renewed: every 10 s, seen in whole seconds."""
OVERDUE_SECONDS = 13
"""The youngest Lease that cannot be one renewed in time, by 10 s with a jitter of 4 % and a slow request."""


@dataclass(frozen=True)
class Checks:
    """What to look at beside the nodes' own objects.

    Leases not renewed for so many seconds (0: not at all), services (`namespace/name`), probes. `observer` is the node
    that the probes are sent from, where it is known: many networks have no way back to oneself.
    """

    lease_timeout_seconds: int
    ready_services: tuple[str, ...]
    probes: tuple[Probe, ...]
    observer: str | None = None


@dataclass(frozen=True)
class Signs:
    """What was seen; what was not looked at is missing. `warnings` say what could not be seen."""

    lease_ages: Mapping[str, LeaseAge] = field(default_factory=dict)
    """By node."""
    serving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By service: the nodes on which an endpoint of it is ready."""
    answers: Mapping[tuple[Address, Probe], str | None] = field(default_factory=dict)
    """By address and probe: why there is no answer, None where there is one, "" where that is not sure."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A node by what is certain, as it would be published if nothing else spoke against it.

    `fact` is why it is out all the same, unless an answer acquits an address; `accusation` why the node controller has
    lost it a moment ago; `hold` why it is left as it is.
    """

    verdict: Published
    fact: str = ""
    accusation: str = ""
    hold: str = ""


@dataclass(frozen=True)
class Finding:
    """What speaks against an address of a node."""

    node: str
    address: Address
    reason: str


Unit = str | Address
"""What is counted: a node, or an address that several nodes have."""


@dataclass(frozen=True)
class Survey:
    """What one kind of evidence has found bad, and what it has looked at.

    Suspects are left alone, but count when the observer is judged.
    """

    kind: str
    looked_at: frozenset[Unit]
    found: tuple[Finding, ...]
    accused: frozenset[Unit]
    suspects: frozenset[Unit] = frozenset()


@dataclass(frozen=True)
class Conclusion:
    """The verdict on each node, warnings, and the kinds of evidence that were not believed, in words."""

    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    condemned: tuple[str, ...] = ()
    """The nodes that evidence has taken out."""


def conclude(listed: NodeList, signs: Signs, checks: Checks, rules: Rules) -> Conclusion:
    """Judge the nodes by the facts first, then those that pass by the evidence against them.

    What more than a third of those looked at seem to suffer from is the observer's own trouble: it is not believed, of
    one kind of evidence or of all kinds together. One of two or more always is believed, for small clusters, the only
    one never. What is not believed leaves the address as it is in DNS.
    """
    judged = by_facts(listed, signs, checks, rules)
    candidates = [each for each in judged if isinstance(each, Candidate)]
    acquitted = _acquitted(candidates, signs, checks)
    standing = [each for each in candidates if not each.fact]
    believed: dict[tuple[str, Address], str] = {}
    doubted: dict[tuple[str, Address], tuple[str, str]] = {}
    for survey in _surveys(standing, signs, checks, acquitted):
        against, of = len(survey.accused | survey.suspects), len(survey.looked_at)
        for finding in survey.found:
            key = finding.node, finding.address
            if against > _believable(of):
                doubted.setdefault(key, (finding.reason, _unbelieved(survey.kind, against, of)))
            else:
                believed.setdefault(key, finding.reason)
    lost, of = _lost(standing, believed)
    if lost > _believable(of):
        cause = _unbelieved("evidence of all kinds together", lost, of)
        doubted |= {key: (reason, cause) for key, reason in believed.items()}
        believed.clear()
    verdicts = tuple(
        _verdict(each, believed, doubted, acquitted) if isinstance(each, Candidate) else each for each in judged
    )
    out = (each.verdict.node for each in standing)
    skipped = {verdict.node for verdict in verdicts if isinstance(verdict, Skipped)}
    causes = dict.fromkeys(doubt.cause for each in verdicts if isinstance(each, Published) for doubt in each.doubts)
    warnings = (warning for node in listed.nodes for warning in placed(node, rules.places)[2])
    return Conclusion(
        verdicts, (*signs.warnings, *warnings), tuple(causes), tuple(node for node in out if node in skipped)
    )


def by_facts(listed: NodeList, signs: Signs, checks: Checks, rules: Rules) -> list[Candidate | Skipped]:
    """Judge the nodes by what is certain: their own objects, and the ready endpoints of services.

    A service may well run on few nodes, but when one is ready nowhere, endpoints say nothing about any node. Nor do
    they about a node that is taken as ready while the node controller calls it Unknown: that has marked its pods, too.
    """
    nowhere = [service for service, nodes in signs.serving.items() if not nodes]
    hold = f"no endpoint of {', '.join(nowhere)} is ready on any node" if nowhere else ""
    return [_by_facts(node, listed, signs, checks, rules, hold) for node in listed.nodes]


def _by_facts(
    node: Node, listed: NodeList, signs: Signs, checks: Checks, rules: Rules, hold: str
) -> Candidate | Skipped:
    ready = node.ready
    if ready is None or ready.status not in {"True", "Unknown"}:
        verdict = assess(node, rules)
        assert isinstance(verdict, Skipped)  # noqa: S101 - it is not ready
        return verdict
    verdict = assess(replace(node, ready=Condition("True", "")), rules)
    if isinstance(verdict, Skipped):
        return verdict
    if ready.status == "Unknown":
        if _is_young(signs.lease_ages.get(node.name), checks):
            return Candidate(verdict, hold=hold)
        if ready.age_seconds(listed.listed_at, AHEAD_SECONDS) < DOUBT_SECONDS:
            return Candidate(verdict, accusation=not_ready(ready), hold=hold)
        return Candidate(verdict, fact=not_ready(ready))
    missing = [service for service, nodes in signs.serving.items() if nodes and node.name not in nodes]
    if missing and not hold:
        return Candidate(verdict, fact=f"no ready endpoint of {', '.join(missing)}")
    seconds = ready.age_seconds(listed.listed_at, 0)
    if seconds < rules.min_ready_seconds:
        hold = hold or f"Ready for less than {rules.min_ready_seconds} s (--min-ready-seconds)"
    return Candidate(verdict, hold=hold)


def _is_young(age: LeaseAge | None, checks: Checks) -> bool:
    """Whether the API server hears a node's kubelet, so that its condition is what is old.

    After an outage of the API server kubelets renew their Leases at once, and correct their conditions up to two
    minutes later (measured on kubelets 1.34).
    """
    return age is not None and max(age) < checks.lease_timeout_seconds


def _acquitted(candidates: Iterable[Candidate], signs: Signs, checks: Checks) -> set[Address]:
    """Name the addresses that answer every probe which proves who answers; one that was not asked is not among them."""
    probes = [probe for probe in checks.probes if probe.acquits]
    addresses = {address for each in candidates for address in each.verdict.addresses}
    return {
        address
        for address in addresses
        if probes and all(signs.answers.get((address, probe), "") is None for probe in probes)
    }


def _surveys(standing: Sequence[Candidate], signs: Signs, checks: Checks, acquitted: set[Address]) -> Iterator[Survey]:
    accusations = {each.verdict.node: each.accusation for each in standing if each.accusation}
    everybody = frozenset(each.verdict.node for each in standing)
    kind = f"Ready=Unknown for less than {DOUBT_SECONDS} s"
    yield _of_nodes(kind, standing, everybody, accusations, acquitted)
    yield _of_leases(standing, accusations, signs, checks, acquitted)
    yield from _of_probes(standing, signs, checks)


def _of_nodes(
    kind: str,
    standing: Iterable[Candidate],
    looked_at: frozenset[Unit],
    reasons: Mapping[str, str],
    acquitted: set[Address],
) -> Survey:
    """Turn what speaks against nodes against those of their addresses that no answer acquits."""
    found = tuple(
        Finding(each.verdict.node, address, reasons[each.verdict.node])
        for each in standing
        if each.verdict.node in reasons
        for address in each.verdict.addresses
        if address not in acquitted
    )
    return Survey(kind, looked_at, found, frozenset(finding.node for finding in found))


def _of_leases(
    standing: Sequence[Candidate],
    accusations: Mapping[str, str],
    signs: Signs,
    checks: Checks,
    acquitted: set[Address],
) -> Survey:
    """Look at the Leases of the ready nodes; one that is overdue is suspect before its time is out.

    When all Leases stop at once, the first to run out is up to a renewal older than the last: without the suspects it
    would seem to be the only one.
    """
    limit = checks.lease_timeout_seconds
    suspect_from = min(limit, max(OVERDUE_SECONDS, limit - RENEWAL_SECONDS))
    nodes = {each.verdict.node for each in standing if limit} - accusations.keys()
    ages = {node: min(age) for node, age in signs.lease_ages.items() if node in nodes}
    old = {node: f"lease not renewed for {age:.0f} s" for node, age in ages.items() if age >= limit}
    survey = _of_nodes("lease not renewed in time", standing, frozenset(ages), old, acquitted)
    suspects = frozenset(node for node, age in ages.items() if suspect_from <= age < limit)
    return replace(survey, suspects=suspects)


def _of_probes(standing: Sequence[Candidate], signs: Signs, checks: Checks) -> Iterator[Survey]:
    """Each probe and family is a kind of its own: an observer without IPv6 must not condemn it."""
    owners = _owners(standing)
    for probe in checks.probes:
        for version in TYPES.values():
            asked = [
                (each.verdict.node, address, signs.answers[address, probe])
                for each in standing
                for address in each.verdict.addresses
                if address.version == version and (address, probe) in signs.answers
            ]
            bad = [
                (
                    Finding(node, address, f"{probe} does not answer ({why})" if why else ""),
                    _unit(node, address, owners),
                )
                for node, address, why in asked
                if why is not None and node != checks.observer
            ]
            yield Survey(
                f"{probe} over IPv{version}",
                frozenset(_unit(node, address, owners) for node, address, _ in asked),
                tuple(finding for finding, _ in bad if finding.reason),
                frozenset(unit for finding, unit in bad if finding.reason),
                frozenset(unit for finding, unit in bad if not finding.reason),
            )


def _owners(standing: Iterable[Candidate]) -> Counter[Address]:
    return Counter(address for each in standing for address in each.verdict.addresses)


def _unit(node: str, address: Address, owners: Mapping[Address, int]) -> Unit:
    return address if owners[address] > 1 else node


def _lost(standing: Sequence[Candidate], believed: Mapping[tuple[str, Address], str]) -> tuple[int, int]:
    """Count what all evidence together would take out of DNS, and of how many.

    A shared address is lost when no node keeps it; nodes that had no more than such addresses do not count again.
    """
    owners = _owners(standing)
    shared = {address for address, nodes in owners.items() if nodes > 1}
    accused = Counter(address for _, address in believed)
    lost = {address for address in shared if accused[address] == owners[address]}
    gone = {
        each.verdict.node
        for each in standing
        if all((each.verdict.node, address) in believed for address in each.verdict.addresses)
        and not lost.issuperset(each.verdict.addresses)
    }
    return len(gone) + len(lost), len(standing) + len(shared)


def _believable(looked_at: int) -> int:
    return max(1, looked_at // 3) if looked_at > 1 else 0


def _unbelieved(kind: str, against: int, looked_at: int) -> str:
    return (
        f"{kind}: {against} of {looked_at} nodes, more than a third: "
        "not believed, since the observer is likelier at fault than they are"
    )


def _verdict(
    candidate: Candidate,
    believed: Mapping[tuple[str, Address], str],
    doubted: Mapping[tuple[str, Address], tuple[str, str]],
    acquitted: set[Address],
) -> Verdict:
    """Put together what is known of each address of a node."""
    verdict = candidate.verdict
    good: list[Address] = []
    doubts: list[Doubt] = []
    lost: list[Withheld] = []
    for address in verdict.addresses:
        key = verdict.node, address
        if key in believed:
            lost.append(Withheld(address, believed[key]))
        elif candidate.fact and address not in acquitted:
            lost.append(Withheld(address, candidate.fact))
        elif key in doubted:
            doubts.append(Doubt(address, *doubted[key]))
        elif candidate.hold and address not in acquitted:
            doubts.append(Doubt(address, candidate.hold, candidate.hold))
        else:
            good.append(address)
    if not good and not doubts:
        return skipped_for(verdict, tuple(lost))
    return replace(verdict, addresses=tuple(good), withheld=verdict.withheld + tuple(lost), doubts=tuple(doubts))
