"""The rules of watch: which news makes a difference to what a sync would publish, and in what words."""

import pytest
from msgspec.structs import replace

from jobs.core.node import Condition, Node, NodeList, Rules
from jobs.core.sync_trigger import ChangeDetector, Trigger
from tests.support.builders import NODE, evidence_settings
from tests.support.judging import NOW, SECOND, detector_of, numbered, words_of

DOWN = replace(NODE, ready=Condition("False", "disk is gone"))
PLACED = replace(NODE, coordinates="48.86,2.35")
LOST = replace(NODE, node_ips=None)

MATTERS = [
    pytest.param(NODE, DOWN, "node-1: not ready: disk is gone", id="not ready"),
    pytest.param(NODE, replace(NODE, ready=None), "node-1: not ready: it has no Ready condition", id="no condition"),
    pytest.param(NODE, replace(NODE, cordoned=True), "node-1: cordoned", id="cordoned"),
    pytest.param(NODE, replace(NODE, deleting=True), "node-1: being deleted", id="deleting"),
    pytest.param(
        NODE,
        replace(NODE, boot_id="boot-2"),
        "node-1: rebooted since its addresses were found: annotate-once has not run there yet",
        id="rebooted",
    ),
    pytest.param(
        NODE,
        replace(NODE, node_ips=""),
        "node-1: no address: annotate-once found none",
        id="no address",
    ),
    pytest.param(NODE, replace(NODE, node_ips="10.0.0.1"), "node-1: no address to publish", id="private"),
    pytest.param(DOWN, NODE, "node-1: publishable with 5.0.0.1 at no place", id="ready"),
    pytest.param(
        NODE,
        replace(NODE, node_ips="5.0.0.1,2600::1"),
        "node-1: publishable with 5.0.0.1 2600::1 at no place",
        id="one more address",
    ),
    pytest.param(NODE, PLACED, "node-1: publishable with 5.0.0.1 at 48.86,2.35", id="first place"),
    pytest.param(PLACED, NODE, "node-1: publishable with 5.0.0.1 at no place", id="place removed"),
    pytest.param(
        PLACED,
        replace(NODE, coordinates="48.87,2.35"),
        "node-1: publishable with 5.0.0.1 at 48.87,2.35",
        id="another place",
    ),
    pytest.param(
        NODE,
        replace(NODE, taints=("karpenter.sh/disrupted",)),
        "node-1: being removed: Karpenter is about to remove it (taint karpenter.sh/disrupted)",
        id="about to go",
    ),
    pytest.param(PLACED, replace(PLACED, bias="7"), "node-1: publishable with 5.0.0.1 at 48.86,2.35", id="first bias"),
    pytest.param(NODE, replace(NODE, bias="7"), "node-1: publishable with 5.0.0.1 at no place", id="bias of no place"),
    pytest.param(
        DOWN, replace(DOWN, coordinates="1,2"), "node-1: not ready: disk is gone", id="first place of one down"
    ),
    pytest.param(DOWN, replace(DOWN, bias="7"), "node-1: not ready: disk is gone", id="first bias of one down"),
    pytest.param(DOWN, replace(DOWN, deleting=True), "node-1: being deleted", id="one down is being deleted"),
    pytest.param(
        DOWN,
        replace(DOWN, taints=("node.kubernetes.io/out-of-service",)),
        "node-1: being removed: it is marked as out of service (taint node.kubernetes.io/out-of-service)",
        id="one down is about to go: percentages no longer count it",
    ),
    pytest.param(
        replace(NODE, taints=("karpenter.sh/disrupted",)),
        replace(NODE, taints=("karpenter.sh/disrupted",), deleting=True),
        "node-1: being deleted",
        id="one about to go is being deleted: routing no longer asks it",
    ),
]
IS_NOTHING = [
    pytest.param(NODE, NODE, id="the same"),
    pytest.param(NODE, replace(NODE, ready=Condition("True", "posting")), id="another message of readiness"),
    pytest.param(NODE, replace(NODE, ready=Condition("True", "", NOW)), id="another transition of readiness"),
    pytest.param(DOWN, replace(DOWN, ready=Condition("Unknown", "silent")), id="not ready for another reason"),
    pytest.param(DOWN, replace(DOWN, cordoned=True), id="cordoned while down"),
    pytest.param(DOWN, replace(DOWN, node_ips="5.0.0.9"), id="another address while down"),
    pytest.param(replace(DOWN, cordoned=True), LOST, id="out for another reason"),
    pytest.param(NODE, replace(NODE, taints=("other",)), id="another taint"),
    pytest.param(NODE, replace(NODE, bias="0"), id="a bias of nothing"),
    pytest.param(NODE, replace(NODE, coordinates="x", bias="y"), id="a place and a bias that cannot be read"),
    pytest.param(NODE, replace(NODE, zone="fsn1", region="eu"), id="labels of no known place"),
    pytest.param(
        replace(NODE, deleting=True), replace(NODE, deleting=True, cordoned=True), id="cordoned while being deleted"
    ),
    pytest.param(NODE, replace(NODE, node_ips=" 5.0.0.1 ,5.0.0.1"), id="the same address in another notation"),
    pytest.param(NODE, replace(NODE, node_ips="5.0.0.1,10.0.0.1"), id="one more address that is not published"),
    pytest.param(PLACED, replace(NODE, coordinates="48.860, +2.3500"), id="the same place in another notation"),
    pytest.param(NODE, replace(NODE, boot_id="", annotated_boot_id=""), id="boot ids that say nothing"),
]


@pytest.mark.parametrize(("before", "after", "said"), MATTERS)
def test_what_a_sync_would_publish_differently_is_a_trigger_once(before: Node, after: Node, said: str) -> None:
    """What a sync would publish differently is a trigger, once, in words that say why."""
    detector = detector_of([before])
    detector.node(after, "7")
    assert detector.trigger(NOW + SECOND) == Trigger(said, NOW + SECOND, "7")
    detector.node(after, "8")
    assert detector.trigger(NOW + SECOND) is None


@pytest.mark.parametrize(("before", "after"), IS_NOTHING)
def test_what_a_sync_would_publish_alike_is_not_a_trigger(before: Node, after: Node) -> None:
    """What a sync would publish alike is not a trigger. No Job is made that finds nothing to do."""
    detector = detector_of([before])
    detector.node(after, "7")
    assert detector.trigger(NOW) is None


@pytest.mark.parametrize(("before", "after"), IS_NOTHING)
def test_news_that_is_not_a_trigger_is_remembered_all_the_same(before: Node, after: Node) -> None:
    """News that is not a trigger is remembered. The next news is compared with it."""
    detector = detector_of([before])
    detector.node(after, "7")
    detector.trigger(NOW)
    assert detector.listed == NodeList((after,), NOW, "7" if after != before else "5")


def test_a_new_node_that_can_serve_is_a_trigger() -> None:
    """A new node that can serve is a trigger."""
    detector = detector_of([])
    detector.node(NODE, "7")
    assert detector.trigger(NOW) == Trigger("node-1: publishable with 5.0.0.1 at no place", NOW, "7")


@pytest.mark.parametrize("node", [DOWN, LOST, replace(NODE, deleting=True)], ids=["down", "no address", "deleted"])
def test_a_new_node_that_cannot_serve_is_a_trigger(node: Node) -> None:
    """A new node is a trigger whatever its health: routing asks it for its place, and percentages count it."""
    detector = detector_of([])
    detector.node(node, "7")
    assert detector.trigger(NOW) is not None
    assert detector.trigger(NOW) is None


def test_a_node_that_leaves_is_a_trigger_once() -> None:
    """A node that leaves is a trigger, once."""
    detector = detector_of([NODE])
    detector.gone("node-1", "7")
    assert detector.trigger(NOW) == Trigger("node-1: no longer among the selected nodes", NOW, "7")
    detector.gone("node-1", "7")
    assert detector.trigger(NOW) is None


def test_a_node_that_leaves_when_it_was_out_is_a_trigger() -> None:
    """A node that leaves when it was out already is a trigger: routing no longer asks it for its place."""
    detector = detector_of([DOWN])
    detector.gone("node-1", "7")
    assert words_of(detector) == "node-1: no longer among the selected nodes"
    assert detector.trigger(NOW) is None


@pytest.mark.parametrize("nodes", [(), (NODE,), (DOWN,)], ids=["no node", "a node", "a node that is out"])
def test_a_fresh_list_is_a_trigger_whatever_it_shows(nodes: tuple[Node, ...]) -> None:
    """A fresh list is a trigger whatever it shows.

    What happened while nobody watched does not wait for the schedule.
    """
    detector = detector_of(nodes)
    detector.begin(NodeList(nodes, NOW, "7"), "listed again")
    assert detector.trigger(NOW) == Trigger("listed again", NOW, "7")
    assert detector.trigger(NOW) is None


def test_a_node_that_a_fresh_list_does_not_show_is_forgotten() -> None:
    """A node that a fresh list does not show is forgotten."""
    first, second = numbered(2)
    detector = detector_of([first, second])
    detector.begin(NodeList((second,), NOW, "7"), "listed again")
    detector.trigger(NOW)
    assert detector.listed == NodeList((second,), NOW, "7")
    detector.node(first, "8")
    assert words_of(detector) == "node-1: publishable with 5.0.0.1 at no place"


def test_news_that_comes_together_is_one_trigger() -> None:
    """News that comes together is one trigger, with the last version."""
    first, second = numbered(2)
    detector = detector_of([first, second])
    detector.node(replace(second, cordoned=True), "7")
    detector.gone("node-1", "8")
    said = "node-1: no longer among the selected nodes; node-2: cordoned"
    assert detector.trigger(NOW) == Trigger(said, NOW, "8")


def test_what_is_undone_before_it_is_asked_for_is_not_a_trigger() -> None:
    """What is undone before it is asked for is not a trigger."""
    detector = detector_of([NODE])
    detector.node(DOWN, "7")
    detector.node(NODE, "8")
    assert detector.trigger(NOW) is None


def test_of_many_changed_nodes_some_are_named_and_the_others_counted() -> None:
    """Of many changed nodes five are named and the others counted."""
    detector = detector_of(numbered(8))
    for each in numbered(8):
        detector.gone(each.name, "7")
    said = words_of(detector) or ""
    assert said.count("no longer among the selected nodes") == 5
    assert said.endswith("; and 3 more")


def test_without_news_nothing_is_judged() -> None:
    """Without news nothing is judged again. Heartbeats cost nothing in a large cluster."""
    detector = detector_of([NODE])
    detector.node(NODE, "7")
    detector.gone("node-2", "8")
    assert detector.trigger(NOW + SECOND) is None
    assert detector.listed == NodeList((NODE,), NOW, "5")


def test_before_the_first_list_there_is_nothing() -> None:
    """Before the first list there are no nodes, no warnings and no trigger.

    The watcher's threads begin in any order.
    """
    detector = ChangeDetector(evidence_settings(), Rules())
    assert (detector.listed.nodes, detector.warnings, detector.trigger(NOW)) == ((), (), None)


def test_a_node_that_is_heard_of_before_the_first_list() -> None:
    """A node that is heard of before the first list is a trigger."""
    detector = ChangeDetector(evidence_settings(), Rules())
    detector.node(NODE, "7")
    assert detector.trigger(NOW) == Trigger("node-1: publishable with 5.0.0.1 at no place", NOW, "7")


def test_the_rules_are_those_of_a_sync() -> None:
    """What the user has set up about nodes decides here too."""
    detector = detector_of([NODE], rules=Rules(publish_cordoned=True, excluded_taints=("example.com/*",)))
    detector.node(replace(NODE, cordoned=True), "7")
    assert detector.trigger(NOW) is None
    detector.node(replace(NODE, taints=("example.com/drain",)), "8")
    assert words_of(detector) == "node-1: excluded by its taint example.com/drain (--exclude-taint example.com/*)"
