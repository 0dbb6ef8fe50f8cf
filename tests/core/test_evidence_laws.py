"""What holds of evidence whatever the nodes are and whatever was seen of them."""

import random
from collections import Counter
from collections.abc import Iterable

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.candidates import Candidate
from jobs.core.evidence import Conclusion, conclude
from jobs.core.node import LeaseAge, Node, NodeList, Rules
from jobs.core.signs import Signs
from jobs.core.verdict import Published, Skipped, Verdict
from tests.support.builders import NODE, evidence_settings, ipv4
from tests.support.judging import NOW
from tests.support.sights import SERVICES, Sight, everything_of, sights


def is_believable(against: int, of: int) -> bool:
    """State the contract: a third at most, but one always, unless it is the only one."""
    return against * 3 <= of or (against == 1 and of > 1)


def shown(verdicts: Iterable[Verdict]) -> dict[tuple[str, Address], bool]:
    """Give each address that is published for certain (True) or left as it is (False), by its node."""
    found: dict[tuple[str, Address], bool] = {}
    for each in verdicts:
        if isinstance(each, Published):
            found |= {(each.node, address): True for address in each.addresses}
            found |= {(each.node, doubt.address): False for doubt in each.doubts}
    return found


def is_unknown(node: Node) -> bool:
    """Whether the node controller has lost a node."""
    return node.ready is not None and node.ready.status == "Unknown"


@given(sights())
def test_never_more_than_a_third_is_taken_out(sight: Sight) -> None:
    """Evidence takes out at most a third of the nodes that stand, an address that several have being one of its own.

    A fault of the observer does not empty DNS.
    """
    standing, after = sight.standing(), shown(sight.conclusion().verdicts)
    owners = Counter(address for each in standing for address in each.addresses)
    shared = {address for address, nodes in owners.items() if nodes > 1}
    lost = {each for each in shared if not any((node.node, each) in after for node in standing)}
    gone = {
        each.node
        for each in standing
        if not any((each.node, address) in after for address in each.addresses) and not lost >= {*each.addresses}
    }
    event(f"{len(gone)} nodes and {len(lost)} addresses out")
    assert is_believable(len(gone) + len(lost), len(standing) + len(shared))


@given(sights())
def test_evidence_adds_nothing(sight: Sight) -> None:
    """Evidence publishes no address that facts do not."""
    facts = [each.verdict for each in sight.judged() if isinstance(each, Candidate)]
    assert shown(sight.conclusion().verdicts).keys() <= shown(facts).keys()


@given(sights())
def test_no_node_and_no_address_is_lost(sight: Sight) -> None:
    """Every node keeps its place in the result, its coordinates, its bias and all its addresses, once each."""
    before = [each.verdict if isinstance(each, Candidate) else each for each in sight.judged()]
    after = sight.conclusion().verdicts
    assert [(each.node, each.coordinates, each.bias) for each in before] == [
        (each.node, each.coordinates, each.bias) for each in after
    ]
    assert [*map(everything_of, before)] == [*map(everything_of, after)]


@given(sights())
def test_who_is_out_by_facts_keeps_its_reason(sight: Sight) -> None:
    """A node that is out by facts keeps that reason. A person reads the cause, not a symptom."""
    for before, after in zip(sight.judged(), sight.conclusion().verdicts, strict=True):
        if isinstance(before, Skipped):
            assert after == before
        elif before.excluded_because and not sight.acquitted().intersection(before.verdict.addresses):
            assert isinstance(after, Skipped)
            assert after.reason == before.excluded_because


@given(sights())
def test_the_withdrawn_are_those_that_evidence_takes_out(sight: Sight) -> None:
    """The withdrawn are exactly the nodes that evidence takes out.

    The watcher's Jobs stay off those, and off no healthy one, nor off one that is left as it is.
    """
    conclusion = sight.conclusion()
    up = {each.node for each in conclusion.verdicts if isinstance(each, Published)}
    assert set(conclusion.withdrawn_by_evidence) == {each.node for each in sight.standing()} - up


@given(sights(), st.randoms())
def test_the_order_of_nodes_does_not_matter(sight: Sight, chance: random.Random) -> None:
    """The order of nodes does not matter.

    Otherwise watch, which hears of nodes in another order than sync-once lists them, would contradict it.
    """
    nodes = [*sight.listed.nodes]
    chance.shuffle(nodes)
    first, second = sight.conclusion(), sight.of(nodes).conclusion()
    assert shown(first.verdicts) == shown(second.verdicts)
    assert (set(first.warnings), set(first.causes)) == (set(second.warnings), set(second.causes))


@given(sights())
def test_what_is_well_changes_nothing(sight: Sight) -> None:
    """Signs that all is well publish all that facts do."""
    ages = dict.fromkeys(sight.signs.lease_ages, LeaseAge(11, 11))
    well = replace(sight.signs, lease_ages=ages, serving={}, answers=dict.fromkeys(sight.signs.answers))
    nodes = (node for node in sight.listed.nodes if not is_unknown(node))
    healthy = replace(sight.of(nodes), signs=well, rules=Rules())
    facts = tuple(each.verdict if isinstance(each, Candidate) else each for each in healthy.judged())
    conclusion = healthy.conclusion()
    assert (conclusion.verdicts, conclusion.causes, conclusion.withdrawn_by_evidence) == (facts, (), ())


def _accused(sight: Sight) -> set[tuple[str, Address]]:
    """Give every address that something speaks against, by its node, as the contract says it."""
    found = set()
    probing = {node: node != sight.evidence_settings.observer for node in (each.name for each in sight.listed.nodes)}
    limit, ages = sight.evidence_settings.lease_timeout_seconds, sight.signs.lease_ages
    for each in sight.judged():
        if isinstance(each, Candidate) and not each.excluded_because:
            node = each.verdict.node
            is_late = bool(limit) and node in ages and min(ages[node]) >= limit
            for address in each.verdict.addresses:
                why = [sight.signs.answers.get((address, probe)) for probe in sight.evidence_settings.probes]
                by_node = (each.unknown_because or is_late or each.hold) and address not in sight.acquitted()
                if by_node or each.ready_too_briefly or (probing[node] and any(why)):
                    found.add((node, address))
    return found


@given(sights())
def test_nothing_that_is_accused_is_published_as_if_it_were_not(sight: Sight) -> None:
    """What something speaks against is taken out or left as it is, and all else of nodes that stand is published."""
    accused, after = _accused(sight), shown(sight.conclusion().verdicts)
    standing = {(each.node, address) for each in sight.standing() for address in each.addresses}
    event(f"{len(accused)} accused")
    assert {key for key in standing if after.get(key)} == standing - accused


@given(sights())
def test_every_doubt_has_a_cause(sight: Sight) -> None:
    """The causes are exactly those of the addresses that are left as they are."""
    conclusion = sight.conclusion()
    doubts = [doubt for each in conclusion.verdicts if isinstance(each, Published) for doubt in each.doubts]
    assert set(conclusion.causes) == {doubt.cause for doubt in doubts}
    assert len(conclusion.causes) == len(set(conclusion.causes))


@given(sights())
def test_an_acquitted_address_leaves_for_a_probe_alone(sight: Sight) -> None:
    """An address that answers what proves who answers is held against nothing but another probe, and being too new."""
    for each in sight.conclusion().verdicts:
        if isinstance(each, Published):
            against = [(gone.address, gone.reason) for gone in each.withheld]
            against += [(gone.address, gone.reason) for gone in each.doubts]
            against = [(address, why) for address, why in against if "--min-ready-seconds" not in why]
            assert all("does not answer" in why for address, why in against if address in sight.acquitted())


@given(sights(), st.integers(0, 1), st.sampled_from([-3600.0, 4.0]))
def test_one_clock_withdraws_nobody(sight: Sight, which: int, young: float) -> None:
    """When one clock makes every Lease young, no Lease is held against anybody, whatever the other clock says."""

    def seen_by(old: float | None) -> Conclusion:
        ages = {
            node: LeaseAge(*(young if at == which else old or age[at] for at in range(2)))
            for node, age in sight.signs.lease_ages.items()
        }
        ready = (node for node in sight.listed.nodes if not is_unknown(node))
        return replace(sight.of(ready), signs=replace(sight.signs, lease_ages=ages)).conclusion()

    assert seen_by(None) == seen_by(4.0)


@given(sights(), st.integers(0, 1))
def test_one_clock_acquits_nobody(sight: Sight, which: int) -> None:
    """When one clock makes every Lease old, no node that is Unknown is taken as ready, whatever the other says."""
    ages = {
        node: LeaseAge(*(3600 if at == which else age[at] for at in range(2)))
        for node, age in sight.signs.lease_ages.items()
    }
    seen = replace(sight, signs=replace(sight.signs, lease_ages=ages))
    unseen = replace(sight, signs=replace(sight.signs, lease_ages={}))
    lost = {node.name for node in sight.listed.nodes if is_unknown(node)}
    one, other = ([each for each in look.judged() if _name(each) in lost] for look in (seen, unseen))
    assert one == other


def _name(each: Candidate | Skipped) -> str:
    return each.node if isinstance(each, Skipped) else each.verdict.node


@given(sights())
def test_nobody_looks_at_leases_at_0(sight: Sight) -> None:
    """--lease-timeout 0 is as if no Lease had been seen."""
    off = replace(sight, evidence_settings=replace(sight.evidence_settings, lease_timeout_seconds=0))
    assert off.conclusion() == replace(off, signs=replace(off.signs, lease_ages={})).conclusion()


@given(
    st.lists(st.integers(0, 11), min_size=1, max_size=12).map(lambda ages: [each - min(ages) for each in ages]),
    st.integers(0, 120),
    st.sampled_from([24, 25, 40, 300]),
    st.integers(-30, 30),
)
def test_leases_that_all_stop_at_once_take_nobody_out(
    spread: list[int], seconds: int, limit: int, difference: int
) -> None:
    """Leases that all stop within a renewal's time take nobody out, at any moment afterwards, however clocks differ.

    This is an outage of the API server, or a clock that jumps.
    """
    nodes = tuple(replace(NODE, name=f"n{at}", node_ips=str(ipv4(at))) for at in range(len(spread)))
    ages = {f"n{at}": LeaseAge(each + seconds, each + seconds + difference) for at, each in enumerate(spread)}
    conclusion = conclude(NodeList(nodes, NOW, "1"), Signs(ages), evidence_settings(limit), Rules())
    assert len(shown(conclusion.verdicts)) == len(nodes)


@given(sights())
def test_one_bad_node_among_several_is_always_believed(sight: Sight) -> None:
    """Where nothing else is wrong, one node with an old Lease leaves; unless it is the only one."""
    nodes = [replace(NODE, name=node.name, node_ips=node.node_ips) for node in sight.listed.nodes]
    ages = {node.name: LeaseAge(99 if at == 0 else 4, 99 if at == 0 else 4) for at, node in enumerate(nodes)}
    listed = NodeList(tuple(nodes), NOW, "1")
    conclusion = conclude(listed, Signs(ages), evidence_settings(), Rules())
    standing = conclude(listed, Signs(), evidence_settings(), Rules()).verdicts
    up = [each.node for each in standing if isinstance(each, Published)]
    assert conclusion.withdrawn_by_evidence == (("n0",) if "n0" in up and len(up) > 1 else ())


@given(sights())
def test_a_service_that_is_ready_nowhere_takes_nobody_out(sight: Sight) -> None:
    """A Service that is ready nowhere takes no address away that would be there without it."""
    without = {name: found for name, found in sight.signs.serving.items() if name != SERVICES[0]}
    nowhere = replace(sight, signs=replace(sight.signs, serving={**without, SERVICES[0]: frozenset()}))
    known = replace(sight, signs=replace(sight.signs, serving=without))
    assert shown(nowhere.conclusion().verdicts).keys() == shown(known.conclusion().verdicts).keys()
