"""The one decision of a sync: which plan, and whether --min-nodes refuses to withdraw."""

from typing import Any

import pytest

from jobs.core.decision import Decision, decide
from jobs.core.evidence import Conclusion
from jobs.core.min_nodes import MinNodes
from jobs.core.place import Coordinates
from jobs.core.plan import Change, Plan
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import with_health_check
from jobs.core.verdict import Published, Verdict
from tests.support.builders import (
    DOMAIN,
    PARIS,
    TOKYO,
    in_doubt,
    multivalue,
    near,
    plain,
    published,
    request,
    skipped,
)

UP, DOWN = published("a", "5.0.0.1"), skipped("b", "5.0.0.2")
BOTH = plain("A", "5.0.0.1", "5.0.0.2")


def decided(current: list[RecordSet], verdicts: list[Verdict], **options: Any) -> Decision:  # noqa: ANN401 - any option
    """Decide about the domain."""
    return decide(request((DOMAIN,), **options), DOMAIN, current, Conclusion(tuple(verdicts)))


def test_a_failed_node_is_withdrawn() -> None:
    """The addresses of a node that is skipped leave the record set, the others stay."""
    decision = decided([BOTH], [UP, DOWN])
    assert decision.plan.changes == (Change(BOTH, plain("A", "5.0.0.1")),)
    assert decision.refusal is None


def test_nothing_to_do_no_change() -> None:
    """A domain that shows what is wanted is not changed."""
    assert decided([plain("A", "5.0.0.1")], [UP, DOWN]).plan.changes == ()


def test_what_stays_is_known_too() -> None:
    """The plan has the sets that change, and those that stay: a write may have to name them."""
    paris, tokyo = near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.2")
    decision = decided([paris, tokyo], [published("a", "5.0.0.1", PARIS), skipped("b", "5.0.0.2", TOKYO)])
    assert decision.plan == Plan((Change(tokyo, None),), (paris,))


def test_the_ttl_asked_for() -> None:
    """Record sets have the TTL of --ttl, also those whose addresses stay."""
    [change] = decided([plain("A", "5.0.0.1")], [UP], ttl=5).plan.changes
    assert change.after == plain("A", "5.0.0.1", ttl=5)


@pytest.mark.parametrize(
    ("min_nodes", "refused"),
    [
        pytest.param("0", False, id="off"),
        pytest.param("1", False, id="as many as asked for"),
        pytest.param("2", True, id="one too few"),
        pytest.param("50%", False, id="half of the selected nodes"),
        pytest.param("51%", True, id="more than half"),
        pytest.param("0%", False, id="at least one"),
    ],
)
def test_min_nodes(min_nodes: str, *, refused: bool) -> None:
    """The guard refuses a run that would publish fewer nodes than asked for, and no other."""
    decision = decided([BOTH], [UP, DOWN], min_nodes=MinNodes.parse(min_nodes))
    assert (decision.refusal is not None) is refused
    assert bool(decision.plan.changes) is not refused


@pytest.mark.parametrize("min_nodes", ["1", "0%"])
def test_the_last_nodes_stay(min_nodes: str) -> None:
    """With nobody to publish, the record sets stay as they are.

    A cluster whose nodes all fail at once does not vanish from DNS.
    """
    decision = decided([BOTH], [DOWN], min_nodes=MinNodes.parse(min_nodes))
    assert decision.refusal is not None
    assert decision.plan.unchanged == (BOTH,)


def test_without_the_guard_the_last_nodes_go() -> None:
    """--min-nodes 0 switches the guard off."""
    assert decided([BOTH], [DOWN], min_nodes=MinNodes(0)).plan.changes == (Change(BOTH, None),)


def test_too_few_is_refused_even_if_nothing_would_leave() -> None:
    """Too few nodes are refused even where nothing would leave DNS.

    A cluster that was too small from the start does not look healthy.
    """
    decision = decided([plain("A", "5.0.0.1")], [UP], min_nodes=MinNodes(2))
    assert decision.refusal == (
        "1 of 1 selected nodes would be published, --min-nodes 2 asks for 2: nothing is withdrawn"
    )


def test_a_selector_that_no_node_matches_is_named() -> None:
    """The refusal names a selector that matches no node.

    A newcomer who has not labelled a node yet looks in the right place.
    """
    refusal = decided([BOTH], [], node_label_selector="serve=yes").refusal
    assert refusal == (
        "no node matches --node-label-selector 'serve=yes', --min-nodes 1 asks for 1: nothing is withdrawn"
    )


def test_a_domain_without_records_gets_what_is_wanted() -> None:
    """A refused run adds what is wanted to a domain without records."""
    assert decided([], [UP], min_nodes=MinNodes(2)).plan.changes == (Change(None, plain("A", "5.0.0.1")),)


def test_nodes_withheld_by_routing_do_not_count() -> None:
    """Nodes left out for want of a place do not count for --min-nodes."""
    current = [near("A", PARIS, "5.0.0.9")]
    decision = decided(current, [published("c", "5.0.0.1", PARIS), UP], min_nodes=MinNodes(2))
    assert decision.refusal is not None
    assert decision.plan.changes == (Change(current[0], near("A", PARIS, "5.0.0.9", "5.0.0.1")),)


def test_refused_verdicts_say_what_dns_shows() -> None:
    """After a refusal only nodes that DNS shows count as published."""
    decision = decided([near("A", PARIS, "5.0.0.9")], [UP], min_nodes=MinNodes(2))
    assert not any(isinstance(verdict, Published) for verdict in decision.wanted.verdicts)


def test_geoproximity_from_the_default_place() -> None:
    """A node's place becomes the place of its record set."""
    decision = decided([], [published("a", "5.0.0.1", TOKYO)])
    assert decision.plan.changes == (Change(None, near("A", TOKYO, "5.0.0.1")),)


def test_the_routing_asked_for() -> None:
    """The routing is that of --routing."""
    [change] = decided([], [published("a", "5.0.0.1", PARIS)], routing="multivalue").plan.changes
    assert change.after == multivalue("A", "5.0.0.1")


def test_causes_of_doubt_are_named_once_with_the_nodes_they_concern() -> None:
    """What is not believed is a warning of each domain, once, with who stays in it and who is kept out."""
    doubtful = Conclusion((UP, in_doubt("b", "5.0.0.2")), (), ("too many",))
    assert decide(request(), DOMAIN, [BOTH], doubtful).warnings == ("too many; stays in: b",)
    assert decide(request(), DOMAIN, [plain("A", "5.0.0.1")], doubtful).warnings == ("too many; kept out: b",)


def test_nodes_in_doubt_that_are_kept_out_do_not_count() -> None:
    """For --min-nodes a node in doubt counts where DNS shows it."""
    nodes: list[Verdict] = [UP, in_doubt("b", "5.0.0.2")]
    assert decided([BOTH], nodes, min_nodes=MinNodes(2)).refusal is None
    assert decided([plain("A", "5.0.0.1")], nodes, min_nodes=MinNodes(2)).refusal is not None


def test_nodes_that_lost_their_label_all_at_once_stay() -> None:
    """When nine of ten nodes lose their label, a percentage refuses to withdraw them; a number does not."""
    shown = plain("A", *(f"5.0.0.{number}" for number in range(1, 11)))
    decision = decided([shown], [UP], min_nodes=MinNodes.parse("50%"))
    assert decision.plan.changes == ()
    assert decision.refusal is not None
    assert decided([shown], [UP], min_nodes=MinNodes(1)).plan.changes == (Change(shown, plain("A", "5.0.0.1")),)


def test_warnings_about_evidence_come_before_the_domains_own() -> None:
    """Warnings about evidence come before the domain's own."""
    unseen = Conclusion((UP, published("c", "5.0.0.3", PARIS)), ("Leases are not looked at",))
    decision = decide(request((DOMAIN,)), DOMAIN, [], unseen)
    assert decision.warnings == (
        "Leases are not looked at",
        "simple routing until every selected node has a place; without: a",
    )


def test_a_limit_is_not_a_failure() -> None:
    """Nodes left out by a limit of Route 53 count for --min-nodes.

    Otherwise a run with too many places would refuse every time, and dead nodes would stay in DNS.
    """
    crowd: list[Verdict] = [
        published(f"n{place}", f"5.0.1.{place}", Coordinates.parse(f"{place},1")) for place in range(31)
    ]
    assert decided([], crowd, min_nodes=MinNodes(31)).refusal is None


@pytest.mark.parametrize(("min_nodes", "shown"), [(1, "5.0.0.2"), (9, "5.0.0.9")])
def test_a_place_to_publish_to_that_takes_fewer_addresses(min_nodes: int, shown: str) -> None:
    """Where fewer addresses fit than in Route 53, no set has more, nor one that --min-nodes lets only grow."""
    crowd: list[Verdict] = [published(f"n{number}", f"5.0.0.{number}") for number in range(1, 5)]
    current = [plain("A", "5.0.0.1", "5.0.0.9")]
    decision = decided(current, crowd, max_addresses=2, min_nodes=MinNodes(min_nodes))
    assert decision.plan.record_sets == (plain("A", "5.0.0.1", shown),)


def test_a_decision_knows_what_it_was_made_from() -> None:
    """A decision names the record sets that it was made from, so that the run notes what the domain showed then."""
    assert decided([BOTH], [UP, DOWN]).current == (BOTH,)


@pytest.mark.parametrize(("rejected", "check"), [(False, "gone"), (True, None)])
def test_a_refused_run_names_a_check_until_it_is_rejected(check: str | None, *, rejected: bool) -> None:
    """A run that only adds names the checks that the sets have, until Route 53 has rejected one: that is gone."""
    current = with_health_check(near("A", PARIS, "5.0.0.1"), "gone")
    nodes = Conclusion((published("a", "5.0.0.1 5.0.0.2", PARIS),))
    decision = decide(request(min_nodes=MinNodes(2)), DOMAIN, [current], nodes, checks_rejected=rejected)
    assert decision.plan.record_sets == (with_health_check(near("A", PARIS, "5.0.0.1", "5.0.0.2"), check),)


def test_a_decision_knows_whether_it_waits_for_health_checks() -> None:
    """A decision without health checks names none and waits for none."""
    decision = decided([BOTH], [UP, DOWN])
    assert not decision.waits
    assert not any(change.names_new_check for change in decision.plan.changes)
