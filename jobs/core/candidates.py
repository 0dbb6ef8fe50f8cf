"""The nodes by what is certain: their own objects, and the ready endpoints of Services. Pure."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.assessment import assess, not_ready
from jobs.core.node import Condition, LeaseAge, Node, NodeList, Rules
from jobs.core.probe import Probe
from jobs.core.signs import EvidenceSettings, Signs
from jobs.core.verdict import Published, Skipped

UNKNOWN_IS_EVIDENCE_SECONDS = 30
"""How long Ready=Unknown is the node controller's opinion only. When the API server comes back from an outage, healthy
nodes turn Unknown together until their kubelets, which try every 10 s, have renewed their Leases."""
AHEAD_SECONDS = 60
"""How far the clock that dates a condition may be ahead of the API server's, for its time to count as now."""


class Candidate(Struct, frozen=True):
    """A node by what is certain, as it would be published if nothing else spoke against it."""

    verdict: Published
    excluded_because: str = ""
    """Why it is out all the same; an address that an answer acquits stays in."""
    unknown_because: str = ""
    """Why the node controller calls it Unknown since a moment ago: evidence, which may or may not be believed."""
    hold: str = ""
    """Why its addresses are left as they are in DNS; one that an answer acquits is published."""
    ready_too_briefly: str = ""
    """Why its addresses are left as they are in DNS, whatever they answer."""


def by_facts(listed: NodeList, signs: Signs, settings: EvidenceSettings, rules: Rules) -> list[Candidate | Skipped]:
    """Judge the nodes by what is certain: their own objects, and the ready endpoints of services.

    A service may well run on few nodes, but one that is ready nowhere says nothing about any of them. Nor do endpoints
    about a node that is taken as ready while the node controller calls it Unknown, for that has marked its pods,
    too: without one there it is left as it is.
    """
    nowhere = [service for service, nodes in signs.serving.items() if not nodes]
    hold = f"no endpoint of {', '.join(nowhere)} is ready on any node" if nowhere else ""
    return [_by_facts(node, listed, signs, settings, rules, hold) for node in listed.nodes]


def _by_facts(
    node: Node, listed: NodeList, signs: Signs, settings: EvidenceSettings, rules: Rules, hold: str
) -> Candidate | Skipped:
    ready = node.ready
    is_unknown = ready is not None and ready.status == "Unknown"
    verdict = assess(replace(node, ready=_TAKEN_AS_READY) if is_unknown else node, rules)
    if isinstance(verdict, Skipped):
        return verdict
    assert ready is not None  # noqa: S101 - it would be skipped
    missing = [service for service, nodes in signs.serving.items() if nodes and node.name not in nodes]
    if is_unknown:
        briefly = _ready_too_briefly(0, rules)
        if _is_young(signs.lease_ages.get(node.name), settings):
            unsure = hold or (_UNSURE if missing else "")
            return Candidate(verdict, hold=unsure, ready_too_briefly=briefly)
        if ready.age_seconds(listed.listed_at, AHEAD_SECONDS) < UNKNOWN_IS_EVIDENCE_SECONDS:
            return Candidate(verdict, unknown_because=not_ready(ready), ready_too_briefly=briefly)
        return Candidate(verdict, excluded_because=not_ready(ready), ready_too_briefly=briefly)
    briefly = _ready_too_briefly(ready.age_seconds(listed.listed_at, 0), rules)
    if missing:
        excluded = f"no ready endpoint of {', '.join(missing)}"
        return Candidate(verdict, excluded_because=excluded, ready_too_briefly=briefly)
    return Candidate(verdict, hold=hold, ready_too_briefly=briefly)


def probe_targets(judged: Iterable[Candidate | Skipped], settings: EvidenceSettings) -> Iterator[tuple[Address, Probe]]:
    """Give what to ask: the addresses of nodes that stand, and those of others only for what could acquit them."""
    for each in judged:
        if isinstance(each, Candidate):
            probes = [probe for probe in settings.probes if probe.acquits or not each.excluded_because]
            yield from ((address, probe) for address in each.verdict.addresses for probe in probes)


_TAKEN_AS_READY = Condition("True", "")
_UNSURE = "the node controller calls it Unknown, and with it its endpoints"


def _ready_too_briefly(seconds: float, rules: Rules) -> str:
    """Say why a node that has been Ready for so long is left as it is still; since when one is Ready may be unknown."""
    if seconds < rules.min_ready_seconds:
        return f"Ready for less than {rules.min_ready_seconds} s (--min-ready-seconds)"
    return ""


def _is_young(age: LeaseAge | None, settings: EvidenceSettings) -> bool:
    """Whether the API server hears a node's kubelet, so that its condition is what is old.

    After an outage of the API server kubelets renew their Leases at once, and correct their conditions up to two
    minutes later (measured on kubelets 1.34).
    """
    return age is not None and max(age) < settings.lease_timeout_seconds
