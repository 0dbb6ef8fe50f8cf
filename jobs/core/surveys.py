"""What each kind of evidence has found against nodes, and of how many it looked at. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.candidates import UNKNOWN_IS_EVIDENCE_SECONDS, Candidate
from jobs.core.record_set import TYPES
from jobs.core.signs import EvidenceSettings, Signs

RENEWAL_SECONDS = 11
"""How much older one Lease may be than another while both are renewed: every 10 s, seen in whole seconds."""
OVERDUE_SECONDS = 13
"""The youngest Lease that cannot be one renewed in time, by 10 s with a jitter of 4 % and a slow request."""


class Finding(Struct, frozen=True):
    """What speaks against an address of a node."""

    node: str
    address: Address
    reason: str


Unit = str | Address
"""What is counted: a node, or an address that several nodes have."""


class Survey(Struct, frozen=True):
    """What one kind of evidence has found bad, and what it has looked at.

    Suspects stay published, but count with the accused when the observer is judged.
    """

    kind: str
    looked_at: frozenset[Unit]
    found: tuple[Finding, ...]
    accused: frozenset[Unit]
    suspects: frozenset[Unit] = frozenset()


def surveys(
    standing: Sequence[Candidate], signs: Signs, settings: EvidenceSettings, acquitted: set[Address]
) -> Iterator[Survey]:
    """Give the survey of each kind of evidence: Ready=Unknown, Leases, and each probe."""
    accusations = {each.verdict.node: each.unknown_because for each in standing if each.unknown_because}
    everybody = frozenset(each.verdict.node for each in standing)
    kind = f"Ready=Unknown for less than {UNKNOWN_IS_EVIDENCE_SECONDS} s"
    yield _of_nodes(kind, standing, everybody, accusations, acquitted)
    yield _of_leases(standing, accusations, signs, settings, acquitted)
    yield from _of_probes(standing, signs, settings)


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
    settings: EvidenceSettings,
    acquitted: set[Address],
) -> Survey:
    """Look at the Leases of the ready nodes; one that is overdue is suspect before its time is out.

    When all Leases stop at once, the first to run out is up to a renewal older than the last: without the suspects it
    would seem to be the only one.
    """
    limit = settings.lease_timeout_seconds
    suspect_from = min(limit, max(OVERDUE_SECONDS, limit - RENEWAL_SECONDS))
    nodes = {each.verdict.node for each in standing if limit} - accusations.keys()
    ages = {node: min(age) for node, age in signs.lease_ages.items() if node in nodes}
    old = {node: f"lease not renewed for {age:.0f} s" for node, age in ages.items() if age >= limit}
    survey = _of_nodes("lease not renewed in time", standing, frozenset(ages), old, acquitted)
    accusable = {each.verdict.node for each in standing if not acquitted.issuperset(each.verdict.addresses)}
    overdue = {node for node, age in ages.items() if age >= suspect_from}
    return replace(survey, suspects=frozenset(accusable & overdue - old.keys()))


def _of_probes(standing: Sequence[Candidate], signs: Signs, settings: EvidenceSettings) -> Iterator[Survey]:
    """Each probe and family is a kind of its own: an observer without IPv6 must not speak against it."""
    if not settings.probes:
        return
    owners = owners_of(standing)
    for probe in settings.probes:
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
                    unit_of(node, address, owners),
                )
                for node, address, why in asked
                if why is not None and node != settings.observer
            ]
            yield Survey(
                f"{probe} over IPv{version}",
                frozenset(unit_of(node, address, owners) for node, address, _ in asked),
                tuple(finding for finding, _ in bad if finding.reason),
                frozenset(unit for finding, unit in bad if finding.reason),
                frozenset(unit for finding, unit in bad if not finding.reason),
            )


def owners_of(standing: Iterable[Candidate]) -> Counter[Address]:
    """Count the nodes that have each address."""
    return Counter(address for each in standing for address in each.verdict.addresses)


def unit_of(node: str, address: Address, owners: Mapping[Address, int]) -> Unit:
    """Give what is counted for an address of a node."""
    return address if owners[address] > 1 else node
