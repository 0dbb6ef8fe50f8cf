"""What holds of evidence whatever the nodes are and whatever was seen of them."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from jobs.core.address import Address
from jobs.core.evidence import Checks, Conclusion, Finding, Signs, Survey, by_facts, conclude, weigh
from jobs.core.node import Condition, Node, NodeList
from jobs.core.verdict import Published, Skipped, Verdict
from tests.support.builders import NODE, PARIS, checks, ipv4, ipv6, published, skipped
from tests.support.strategies import Draw

pytestmark = pytest.mark.usefixtures("uncovered")

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SERVICES = ("traefik/traefik", "a/b")
PORTS = (80, 443)


@dataclass(frozen=True)
class Sight:
    """Nodes, what was seen of them, and what was looked at."""

    listed: NodeList
    signs: Signs
    checks: Checks

    def facts(self) -> tuple[Verdict, ...]:
        """Judge without any evidence."""
        return by_facts(self.listed, self.signs.serving)[0]

    def conclusion(self) -> Conclusion:
        """Judge with the evidence."""
        return conclude(self.listed, self.signs, self.checks)


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
    addresses = draw(mostly([ipv4(number), ipv6(number)], [ipv4(number)], [ipv6(number)], [ipv4(0)], []))
    seconds = draw(mostly(5, 0, 29, 30, 3600))
    silent = Condition("Unknown", "silent", NOW - timedelta(seconds=seconds))
    return replace(
        NODE,
        name=f"n{number}",
        node_ips=",".join(map(str, [*addresses, *draw(mostly([], ["10.0.0.1"]))])),
        coordinates=draw(st.sampled_from([None, str(PARIS)])),
        ready=silent if is_silent else draw(mostly(NODE.ready, Condition("False", "down"), None)),
        cordoned=draw(rarely),
    )


@st.composite
def sights(draw: Draw) -> Sight:
    """Draw up to a dozen nodes with anything that may have been seen of them."""
    count = draw(st.sampled_from([0, 1, 2, 3, 4, 6, 9, 12]))
    silent, late, dead = some(draw, count), some(draw, count), some(draw, count)
    nodes = tuple(a_node(draw, number, is_silent=number in silent) for number in range(count))
    ages = {
        node.name: draw(st.sampled_from([25, 31, 3600] if at in late else [4, 4, 4, 12]))
        for at, node in enumerate(nodes)
        if draw(usually)
    }
    serving = {
        service: frozenset(node.name for node in nodes if draw(usually))
        for service in draw(st.sampled_from([(), (), SERVICES[:1], SERVICES]))
    }
    answers = {
        (address, port): draw(mostly("timed out", None)) if number in dead else None
        for port in draw(st.sampled_from([(), PORTS, PORTS[1:]]))
        for number in range(count)
        for address in (ipv4(number), ipv6(number))
        if draw(usually)
    }
    asked = checks(draw(st.sampled_from([0, 15, 25, 40])), tuple(serving), PORTS)
    return Sight(NodeList(nodes, NOW, "1"), Signs(ages, serving, answers), asked)


def is_believable(against: int, of: int) -> bool:
    """State the contract: a third at most, but one always, unless it is the only one."""
    return against * 3 <= of or (against == 1 and of > 1)


def standing(verdicts: Iterable[Verdict]) -> dict[str, tuple[Address, ...]]:
    """Give what is published."""
    return {each.node: each.addresses for each in verdicts if isinstance(each, Published)}


def all_addresses(verdict: Verdict) -> Counter[Address]:
    """Count every address of a node, published or not."""
    return Counter([*verdict.addresses, *(each.address for each in verdict.withheld)])


@given(sights())
def test_never_more_than_a_third_of_the_nodes_are_taken_out(sight: Sight) -> None:
    """Evidence takes out at most a third of the nodes that stand. A fault of the observer does not empty DNS."""
    before, after = standing(sight.facts()), standing(sight.conclusion().verdicts)
    event(f"{len(before) - len(after)} out")
    assert is_believable(len(before) - len(after), len(before))


@given(sights())
def test_evidence_adds_nothing(sight: Sight) -> None:
    """Evidence publishes no address that facts do not."""
    before, after = standing(sight.facts()), standing(sight.conclusion().verdicts)
    assert all(set(addresses) <= set(before[node]) for node, addresses in after.items())


@given(sights())
def test_no_node_and_no_address_is_lost(sight: Sight) -> None:
    """Every node keeps its place in the result, its coordinates and all its addresses, published or not."""
    before, after = sight.facts(), sight.conclusion().verdicts
    assert [each.node for each in before] == [each.node for each in after]
    assert [each.coordinates for each in before] == [each.coordinates for each in after]
    assert [*map(all_addresses, before)] == [*map(all_addresses, after)]


@given(sights())
def test_who_is_out_by_facts_keeps_its_reason(sight: Sight) -> None:
    """A node that is out by facts keeps its verdict. A person reads the cause, not a symptom."""
    pairs = zip(sight.facts(), sight.conclusion().verdicts, strict=True)
    assert all(before == after for before, after in pairs if isinstance(before, Skipped))


@given(sights())
def test_the_condemned_are_those_that_evidence_takes_out(sight: Sight) -> None:
    """The condemned are exactly the nodes that evidence takes out.

    The watcher's Jobs stay off those, and off no healthy one.
    """
    conclusion = sight.conclusion()
    before, after = standing(sight.facts()), standing(conclusion.verdicts)
    assert set(conclusion.condemned) == before.keys() - after.keys()


@given(sights(), st.randoms())
def test_the_order_of_nodes_does_not_matter(sight: Sight, chance: random.Random) -> None:
    """The order of nodes does not matter.

    Otherwise watch, which hears of nodes in another order than sync-once lists them, would contradict it.
    """
    nodes = [*sight.listed.nodes]
    chance.shuffle(nodes)
    shuffled = replace(sight, listed=replace(sight.listed, nodes=tuple(nodes)))
    first, second = sight.conclusion(), shuffled.conclusion()
    assert standing(first.verdicts) == standing(second.verdicts)
    assert set(first.warnings) == set(second.warnings)


@given(sights())
def test_what_is_well_changes_nothing(sight: Sight) -> None:
    """Signs that all is well change nothing."""
    well = replace(sight.signs, lease_ages=dict.fromkeys(sight.signs.lease_ages, 11.0), answers=_connected(sight.signs))
    nodes = tuple(node for node in sight.listed.nodes if not node.ready or node.ready.status != "Unknown")
    healthy = replace(sight, signs=well, listed=replace(sight.listed, nodes=nodes))
    conclusion = healthy.conclusion()
    assert (conclusion.verdicts, conclusion.condemned) == (healthy.facts(), ())


def _connected(signs: Signs) -> Mapping[tuple[Address, int], str | None]:
    return dict.fromkeys(signs.answers)


@given(sights())
def test_nobody_looks_at_leases_at_0(sight: Sight) -> None:
    """--lease-timeout 0 is as if no Lease had been seen."""
    off = replace(sight, checks=replace(sight.checks, lease_timeout_seconds=0))
    assert off.conclusion() == replace(off, signs=replace(off.signs, lease_ages={})).conclusion()


@given(
    st.lists(st.integers(0, 11), min_size=1, max_size=12).map(lambda ages: [each - min(ages) for each in ages]),
    st.integers(0, 120),
    st.sampled_from([24, 25, 40, 300]),
)
def test_leases_that_all_stop_at_once_take_nobody_out(spread: list[int], seconds: int, limit: int) -> None:
    """Leases that all stop within a renewal's time take nobody out, at any moment afterwards.

    This is an outage of the API server, or a clock that jumps.
    """
    nodes = tuple(replace(NODE, name=f"n{at}", node_ips=str(ipv4(at))) for at in range(len(spread)))
    ages = {f"n{at}": float(each + seconds) for at, each in enumerate(spread)}
    conclusion = conclude(NodeList(nodes, NOW, "1"), Signs(ages), checks(limit))
    assert len(standing(conclusion.verdicts)) == len(nodes)


NODES = tuple(
    published(f"n{number}", [ipv4(number), ipv6(number)]) if number % 5 else skipped(f"n{number}", [ipv4(number)])
    for number in range(12)
)
UP = [each for each in NODES if isinstance(each, Published)]


@st.composite
def surveys(draw: Draw) -> list[Survey]:
    """Draw surveys of a few kinds, of nodes or of addresses, each of some of them."""
    kinds = draw(st.sampled_from(["", "a", "4", "a4", "ab46"]))
    return [_survey(kind, draw(st.permutations(UP))[: draw(st.integers(1, len(UP)))], draw) for kind in kinds]


def _survey(kind: str, looked_at: Sequence[Published], draw: Draw) -> Survey:
    found = [
        Finding(each.node, _subject(kind, each), reason)
        for each in looked_at
        if (reason := draw(mostly("well", f"{kind}: bad", None))) != "well"
    ]
    return Survey(kind, len(looked_at), tuple(found))


def _subject(kind: str, verdict: Published) -> Address | None:
    """Give the address that a survey of this kind is about; None where it is about the node."""
    return next((each for each in verdict.addresses if str(each.version) == kind), None)


@given(surveys())
def test_of_each_kind_no_more_than_a_third_is_believed(seen: list[Survey]) -> None:
    """Each kind takes out at most a third of what it looked at."""
    judged, _ = weigh(NODES, seen)
    for survey in seen:
        lost = [each for each in _lost(judged) if each[2] == f"{survey.kind}: bad"]
        assert is_believable(len(lost), survey.looked_at)


@given(surveys())
def test_who_leaves_was_found_to_be_bad(seen: list[Survey]) -> None:
    """Whoever leaves was accused, and leaves with that reason."""
    accused = {(each.node, each.reason) for survey in seen for each in survey.found}
    assert all((node, reason) in accused for node, _, reason in _lost(weigh(NODES, seen)[0]))


@given(surveys())
def test_what_is_not_believed_is_a_warning(seen: list[Survey]) -> None:
    """Every accusation takes its subject out, or there is a warning."""
    judged, warnings = weigh(NODES, seen)
    bad = [each for survey in seen for each in survey.found if each.reason]
    gone = {(node, address) for node, address, _ in _lost(judged)}
    assert warnings or all((each.node, each.address) in gone or (each.node, None) in gone for each in bad)


@given(surveys(), st.randoms())
def test_the_order_of_surveys_and_findings_does_not_matter(seen: list[Survey], chance: random.Random) -> None:
    """The order of surveys and of findings does not matter."""
    shuffled = [replace(survey, found=tuple(chance.sample(survey.found, len(survey.found)))) for survey in seen]
    chance.shuffle(shuffled)
    assert standing(weigh(NODES, seen)[0]) == standing(weigh(NODES, shuffled)[0])


@given(surveys())
def test_one_bad_subject_among_several_is_always_believed(seen: list[Survey]) -> None:
    """One bad subject of two or more is always believed, the only one never."""
    well = [replace(survey, found=()) for survey in seen]
    for at, survey in enumerate(well):
        bad = Finding(UP[0].node, _subject(survey.kind, UP[0]), "bad")
        judged, warnings = weigh(NODES, [*well[:at], replace(survey, found=(bad,)), *well[at + 1 :]])
        assert len(_lost(judged)) == (survey.looked_at > 1)
        assert len(warnings) == (survey.looked_at == 1)


def _lost(judged: Iterable[Verdict]) -> list[tuple[str, Address | None, str]]:
    """Give what evidence has taken: nodes, and addresses of nodes, with the reason."""
    lost: list[tuple[str, Address | None, str]] = []
    for before, after in zip(NODES, judged, strict=True):
        lost += [(after.node, each.address, each.reason) for each in after.withheld]
        if isinstance(before, Published) and isinstance(after, Skipped) and not after.withheld:
            lost.append((after.node, None, after.reason))
    return lost
