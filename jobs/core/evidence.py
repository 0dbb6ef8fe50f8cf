"""Evidence against nodes, beyond what Kubernetes says of them: what it is, and how much of it is believed. Pure.

A node without power stays Ready for most of a minute, and one whose ingress or uplink is gone stays Ready for good.
Its Lease, its endpoints and its open ports show it earlier, and show more. But an observer may be wrong about all nodes
at once, after an outage of the API server or without a network of its own; and a wrong withdrawal is an outage. So what
is seen of many nodes at once speaks against the observer, and what is not believed leaves DNS as it is: see `conclude`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.assessment import placed
from jobs.core.candidates import Candidate, by_facts
from jobs.core.node import NodeList, Rules
from jobs.core.signs import EvidenceSettings, Signs
from jobs.core.surveys import owners_of, surveys
from jobs.core.verdict import Doubt, Published, Skipped, Verdict, Withheld, skipped_for


class Conclusion(Struct, frozen=True):
    """The verdict on each node, warnings, and the kinds of evidence that were not believed, in words."""

    verdicts: tuple[Verdict, ...]
    warnings: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    withdrawn_by_evidence: tuple[str, ...] = ()
    """The nodes that evidence has taken out."""


def conclude(listed: NodeList, signs: Signs, settings: EvidenceSettings, rules: Rules) -> Conclusion:
    """Judge the nodes by the facts first, then those that pass by the evidence against them.

    Evidence of one kind, or of all kinds together, against more than a third of the nodes looked at is not believed:
    the observer is likelier at fault. For small clusters, evidence against one of two or more nodes always is believed,
    and evidence against the only one never. What is not believed leaves the address as it is in DNS.
    """
    judged = by_facts(listed, signs, settings, rules)
    candidates = [each for each in judged if isinstance(each, Candidate)]
    acquitted = _acquitted(candidates, signs, settings)
    standing = [each for each in candidates if not each.excluded_because]
    believed: dict[tuple[str, Address], str] = {}
    doubted: dict[tuple[str, Address], tuple[str, str]] = {}
    for survey in surveys(standing, signs, settings, acquitted):
        against, of = len(survey.accused | survey.suspects), len(survey.looked_at)
        for finding in survey.found:
            key = finding.node, finding.address
            if against > _believable(of):
                doubted.setdefault(key, (finding.reason, _unbelieved(survey.kind, against, of)))
            else:
                believed.setdefault(key, finding.reason)
    if believed:
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


def _acquitted(candidates: Iterable[Candidate], signs: Signs, settings: EvidenceSettings) -> set[Address]:
    """Name the addresses that answer every probe which proves who answers; one that was not asked is not among them."""
    probes = [probe for probe in settings.probes if probe.acquits]
    addresses = {address for each in candidates if probes for address in each.verdict.addresses}
    return {
        address for address in addresses if all(signs.answers.get((address, probe), "") is None for probe in probes)
    }


def _lost(standing: Sequence[Candidate], believed: Mapping[tuple[str, Address], str]) -> tuple[int, int]:
    """Count what all evidence together would take out of DNS, and of how many.

    A shared address is lost when no node keeps it; nodes that had no more than such addresses do not count again.
    """
    owners = owners_of(standing)
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
    about = candidate.excluded_because or candidate.hold or candidate.ready_too_briefly
    if not (about or believed or doubted):
        return verdict
    good: list[Address] = []
    doubts: list[Doubt] = []
    lost: list[Withheld] = []
    for address in verdict.addresses:
        key = verdict.node, address
        if key in believed:
            lost.append(Withheld(address, believed[key]))
        elif candidate.excluded_because and address not in acquitted:
            lost.append(Withheld(address, candidate.excluded_because))
        elif key in doubted:
            doubts.append(Doubt(address, *doubted[key]))
        elif candidate.hold and address not in acquitted:
            doubts.append(Doubt(address, candidate.hold, candidate.hold))
        elif candidate.ready_too_briefly:
            doubts.append(Doubt(address, candidate.ready_too_briefly, candidate.ready_too_briefly))
        else:
            good.append(address)
    if not good and not doubts:
        return skipped_for(verdict, tuple(lost))
    return replace(verdict, addresses=tuple(good), withheld=verdict.withheld + tuple(lost), doubts=tuple(doubts))
