"""Hypothesis strategies for what may be seen of a cluster: nodes with any signs of their health, once or twice."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.candidates import Candidate, by_facts
from jobs.core.evidence import Conclusion, conclude
from jobs.core.node import Condition, LeaseAge, Node, NodeList, Rules
from jobs.core.signs import EvidenceSettings, Signs
from jobs.core.verdict import Published, Skipped, Verdict
from tests.support.builders import NODE, PARIS, TOKYO, evidence_settings, ipv4, ipv6
from tests.support.judging import HTTPS, NOW, TCP
from tests.support.strategies import Draw

SERVICES = ("traefik/traefik", "a/b")
PROBES = (TCP, HTTPS)
MEMBERS = ("node_ips", "coordinates", "bias", "ready", "cordoned", "deleting", "taints")
COUNTS = (0, 1, 2, 3, 4, 6, 9, 12)


class Sight(Struct, frozen=True):
    """Nodes, what was seen of them, what was looked at, and what the user has set up."""

    listed: NodeList
    signs: Signs
    evidence_settings: EvidenceSettings
    rules: Rules

    def judged(self) -> list[Candidate | Skipped]:
        """Judge by what is certain."""
        return by_facts(self.listed, self.signs, self.evidence_settings, self.rules)

    def standing(self) -> list[Published]:
        """Give the nodes that nothing certain speaks against."""
        return [each.verdict for each in self.judged() if isinstance(each, Candidate) and not each.excluded_because]

    def conclusion(self) -> Conclusion:
        """Judge with the evidence."""
        return conclude(self.listed, self.signs, self.evidence_settings, self.rules)

    def of(self, nodes: Iterable[Node]) -> "Sight":
        """See these nodes instead."""
        return replace(self, listed=replace(self.listed, nodes=tuple(nodes)))

    def acquitted(self) -> set[Address]:
        """Give the addresses that answer all that proves who answers."""
        proving = [probe for probe in self.evidence_settings.probes if probe.acquits]
        addresses = {address for address, _ in self.signs.answers}
        answers = self.signs.answers
        return {each for each in addresses if proving and all(answers.get((each, at), "") is None for at in proving)}


def everything_of(verdict: Verdict) -> list[Address]:
    """Give every address of a node, published or not, in numeric order."""
    found = [*verdict.addresses, *(each.address for each in verdict.withheld)]
    if isinstance(verdict, Published):
        found += [each.address for each in verdict.doubts]
    return sorted(found, key=lambda address: (address.version, int(address)))


def mostly(usual: object, *others: object) -> st.SearchStrategy[Any]:
    """Draw the usual value most of the time."""
    return st.sampled_from([usual] * 6 * len(others) + [*others])


usually, rarely = mostly(True, False), mostly(False, True)  # noqa: FBT003 - values as any other


def some(draw: Draw, count: int) -> set[int]:
    """Draw a few of so many, up to a little more than a third."""
    few = st.sets(st.integers(0, count - 1), max_size=count // 3 + 1) if count else st.just(set())
    return set(draw(st.one_of(st.just(set()), few)))


def a_node(draw: Draw, number: int, *, is_silent: bool) -> Node:
    """Draw a node, most of them able to serve."""
    shared = [ipv4(0), ipv4(number)]
    addresses = draw(mostly([ipv4(number), ipv6(number)], [ipv4(number)], [ipv6(number)], [ipv4(0)], shared, []))
    since = NOW - timedelta(seconds=draw(mostly(5, 0, 29, 30, 3600, -61)))
    usual = Condition("True", "", NOW - timedelta(seconds=draw(mostly(3600, 5))))
    return replace(
        NODE,
        name=f"n{number}",
        node_ips=",".join(map(str, [*dict.fromkeys(addresses), *draw(mostly([], ["10.0.0.1"]))])),
        coordinates=draw(st.sampled_from([None, str(PARIS), str(TOKYO)])),
        bias=draw(mostly(None, "7")),
        ready=Condition("Unknown", "silent", since) if is_silent else draw(mostly(usual, Condition("False", ""), None)),
        cordoned=draw(rarely),
        deleting=draw(rarely),
        taints=draw(mostly((), ("karpenter.sh/disrupted",))),
    )


def _nodes(draw: Draw, count: int) -> list[Node]:
    silent = set(range(count)) if draw(rarely) else some(draw, count)
    return [a_node(draw, number, is_silent=number in silent) for number in range(count)]


def _signs(draw: Draw, nodes: Iterable[Node], asked: EvidenceSettings) -> Signs:
    nodes = tuple(nodes)
    late, dead = some(draw, len(nodes)), some(draw, len(nodes))
    ages = {
        node.name: LeaseAge(*(draw(st.sampled_from([25, 31, 3600] if at in late else [4, 4, 4, 12])) for _ in range(2)))
        for at, node in enumerate(nodes)
        if draw(usually)
    }
    nowhere = {service for service in asked.ready_services if draw(rarely)}
    serving = {
        service: frozenset(node.name for node in nodes if service not in nowhere and draw(usually))
        for service in asked.ready_services
    }
    answers = {
        (address, probe): draw(mostly("timed out", None, "")) if number in dead else None
        for probe in asked.probes
        for number in range(len(nodes))
        for address in (ipv4(number), ipv6(number))
        if draw(usually)
    }
    return Signs(ages, serving, answers)


@st.composite
def sights(draw: Draw) -> Sight:
    """Draw up to a dozen nodes with anything that may have been seen of them."""
    asked = evidence_settings(
        draw(st.sampled_from([25, 25, 0, 15, 40])),
        draw(st.sampled_from([(), (), SERVICES[:1], SERVICES])),
        draw(st.sampled_from([(), PROBES, PROBES[:1], PROBES[1:]])),
        draw(st.sampled_from([None, "n0"])),
    )
    nodes = _nodes(draw, draw(st.sampled_from(COUNTS)))
    rules = Rules(min_ready_seconds=draw(mostly(0, 60)))
    return Sight(NodeList(tuple(nodes), NOW, "1"), _signs(draw, nodes, asked), asked, rules)


@st.composite
def looks(draw: Draw) -> tuple[Sight, Sight]:
    """Draw two looks at one cluster: of the second some nodes, and perhaps what was seen of them, are others."""
    first = draw(sights())
    nodes = {node.name: node for node in first.listed.nodes}
    count = max(3, len(nodes))
    for number in draw(st.sets(st.integers(0, count - 1), max_size=2)):
        before, after = nodes.pop(f"n{number}", None), a_node(draw, number, is_silent=draw(rarely))
        if before and draw(st.booleans()):
            member = draw(st.sampled_from(MEMBERS))
            nodes[before.name] = replace(before, **{member: getattr(after, member)})
        elif draw(usually):
            nodes[after.name] = after
    second = first.of(nodes.values())
    signs = _signs(draw, nodes.values(), first.evidence_settings)
    kept: dict[str, Any] = {
        name: getattr(first.signs, name) for name in ("lease_ages", "serving", "answers") if draw(st.booleans())
    }
    return first, replace(second, signs=replace(signs, **kept))
