"""The rules of watch: which news changes what a sync would publish, and in what words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.core.evidence import DOUBT_SECONDS, Checks, Signs
from jobs.core.model import Condition, Node, NodeList
from jobs.core.publication import Change, Outlook
from tests.support.builders import NODE, ipv4

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DOWN = replace(NODE, ready=Condition("False", "disk is gone"))
PLACED = replace(NODE, coordinates="48.86,2.35")
SERVICE = "traefik/traefik"


def numbered(count: int, *, lost: Iterable[int] = (), since: datetime = NOW) -> list[Node]:
    """Give nodes `node-1` and so on; those `lost` are Ready=Unknown since a moment."""
    unknown = Condition("Unknown", "Kubelet stopped posting node status.", since)
    return [
        replace(NODE, name=f"node-{each}", node_ips=str(ipv4(each)), ready=unknown if each in lost else NODE.ready)
        for each in range(1, count + 1)
    ]


def outlook_on(nodes: Iterable[Node], checks: Checks | None = None) -> Outlook:
    """Give an outlook that knows these nodes and has reported its first change."""
    outlook = Outlook(checks or Checks())
    outlook.begin(NodeList(tuple(nodes), NOW, "5"), "begun")
    assert outlook.change(NOW) is not None
    return outlook


def ages(count: int, stale: Mapping[int, float] | None = None) -> Signs:
    """Give the signs of so many Leases renewed 4 s ago, but for some."""
    return Signs({f"node-{each}": (stale or {}).get(each, 4.0) for each in range(1, count + 1)})


def told(outlook: Outlook, now: datetime = NOW) -> str | None:
    """Give the words of what has changed."""
    change = outlook.change(now)
    return change.words if change else None


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
        "node-1: no address: annotate-once found none on its interfaces",
        id="no address",
    ),
    pytest.param(NODE, replace(NODE, node_ips="10.0.0.1"), "node-1: no globally reachable address", id="private"),
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
]
IS_NOTHING = [
    pytest.param(NODE, NODE, id="the same"),
    pytest.param(NODE, replace(NODE, ready=Condition("True", "posting")), id="another message of readiness"),
    pytest.param(NODE, replace(NODE, ready=Condition("True", "", NOW)), id="another transition of readiness"),
    pytest.param(DOWN, replace(DOWN, ready=Condition("Unknown", "silent")), id="not ready for another reason"),
    pytest.param(DOWN, replace(DOWN, cordoned=True), id="cordoned while down"),
    pytest.param(DOWN, replace(DOWN, node_ips="5.0.0.9"), id="another address while down"),
    pytest.param(NODE, replace(NODE, node_ips=" 5.0.0.1 ,5.0.0.1"), id="the same address in another notation"),
    pytest.param(NODE, replace(NODE, node_ips="5.0.0.1,10.0.0.1"), id="one more address that is not published"),
    pytest.param(PLACED, replace(NODE, coordinates="48.860, +2.3500"), id="the same place in another notation"),
    pytest.param(NODE, replace(NODE, boot_id="", annotated_boot_id=""), id="boot ids that say nothing"),
]


@pytest.mark.parametrize(("before", "after", "said"), MATTERS)
def test_what_a_sync_would_publish_differently_is_a_change_once(before: Node, after: Node, said: str) -> None:
    """What a sync would publish differently is a change, once, in words that say why."""
    outlook = outlook_on([before])
    outlook.node(after, "7")
    assert outlook.change(NOW + SECOND) == Change(said, NOW + SECOND, "7")
    outlook.node(after, "8")
    assert outlook.change(NOW + SECOND) is None


@pytest.mark.parametrize(("before", "after"), IS_NOTHING)
def test_what_a_sync_would_publish_alike_is_none(before: Node, after: Node) -> None:
    """What a sync would publish alike is not a change. No Job is made that finds nothing to do."""
    outlook = outlook_on([before])
    outlook.node(after, "7")
    assert outlook.change(NOW) is None


@pytest.mark.parametrize(("before", "after"), IS_NOTHING)
def test_a_change_that_is_none_is_remembered_all_the_same(before: Node, after: Node) -> None:
    """News that is not a change is remembered. The next news is compared with it."""
    outlook = outlook_on([before])
    outlook.node(after, "7")
    outlook.change(NOW)
    assert outlook.listed == NodeList((after,), NOW, "7" if after != before else "5")


def test_a_new_node_that_can_serve_is_a_change() -> None:
    """A new node that can serve is a change."""
    outlook = outlook_on([])
    outlook.node(NODE, "7")
    assert outlook.change(NOW) == Change("node-1: publishable with 5.0.0.1 at no place", NOW, "7")


def test_a_new_node_that_cannot_serve_is_none() -> None:
    """A new node that cannot serve yet is not a change."""
    outlook = outlook_on([])
    outlook.node(DOWN, "7")
    assert outlook.change(NOW) is None


def test_a_node_that_leaves_is_a_change_once() -> None:
    """A node that leaves is a change, once."""
    outlook = outlook_on([NODE])
    outlook.gone("node-1", "7")
    assert outlook.change(NOW) == Change("node-1: no longer among the selected nodes", NOW, "7")
    outlook.gone("node-1", "7")
    assert outlook.change(NOW) is None


def test_a_node_that_leaves_when_it_was_out_is_none() -> None:
    """A node that leaves when it was out already is not a change."""
    outlook = outlook_on([DOWN])
    outlook.gone("node-1", "7")
    assert outlook.change(NOW) is None


@pytest.mark.parametrize("nodes", [(), (NODE,), (DOWN,)], ids=["no node", "a node", "a node that is out"])
def test_a_fresh_list_is_a_change_whatever_it_shows(nodes: tuple[Node, ...]) -> None:
    """A fresh list is a change whatever it shows. What happened while nobody watched does not wait for the schedule."""
    outlook = outlook_on(nodes)
    outlook.begin(NodeList(nodes, NOW, "7"), "listed anew")
    assert outlook.change(NOW) == Change("listed anew", NOW, "7")
    assert outlook.change(NOW) is None


def test_a_node_that_a_fresh_list_does_not_show_is_forgotten() -> None:
    """A node that a fresh list does not show is forgotten."""
    first, second = numbered(2)
    outlook = outlook_on([first, second])
    outlook.begin(NodeList((second,), NOW, "7"), "listed anew")
    outlook.change(NOW)
    assert outlook.listed == NodeList((second,), NOW, "7")
    outlook.node(first, "8")
    assert told(outlook) == "node-1: publishable with 5.0.0.1 at no place"


def test_changes_that_come_together_are_one() -> None:
    """Changes that come together are one, with the last version."""
    first, second = numbered(2)
    outlook = outlook_on([first, second])
    outlook.node(replace(second, cordoned=True), "7")
    outlook.gone("node-1", "8")
    said = "node-1: no longer among the selected nodes; node-2: cordoned"
    assert outlook.change(NOW) == Change(said, NOW, "8")


def test_a_change_that_is_undone_before_it_is_asked_for_is_none() -> None:
    """A change that is undone before it is asked for is not a change."""
    outlook = outlook_on([NODE])
    outlook.node(DOWN, "7")
    outlook.node(NODE, "8")
    assert outlook.change(NOW) is None


def test_of_many_changed_nodes_some_are_named_and_the_others_counted() -> None:
    """Of many changed nodes five are named and the others counted."""
    outlook = outlook_on(numbered(8))
    for each in numbered(8):
        outlook.gone(each.name, "7")
    said = told(outlook) or ""
    assert said.count("no longer among the selected nodes") == 5
    assert said.endswith("; and 3 more")


def test_without_news_nothing_is_judged() -> None:
    """Without news nothing is judged again. Heartbeats cost nothing in a large cluster."""
    outlook = outlook_on([NODE])
    outlook.node(NODE, "7")
    outlook.gone("node-2", "8")
    assert outlook.change(NOW + SECOND) is None
    assert outlook.listed == NodeList((NODE,), NOW, "5")


def test_a_stale_lease_is_a_change_that_names_the_node_and_the_reason() -> None:
    """An old Lease is a change that names the node and the reason, and condemns the node."""
    outlook = outlook_on(numbered(4))
    outlook.see(ages(4))
    assert outlook.change(NOW) is None
    outlook.see(ages(4, {2: 31.4}))
    assert outlook.change(NOW + SECOND) == Change("node-2: lease not renewed for 31 s", NOW + SECOND, None, ("node-2",))


def test_a_lease_that_grows_older_is_no_second_change() -> None:
    """A Lease that grows older is not a second change."""
    outlook = outlook_on(numbered(4))
    outlook.see(ages(4, {2: 31}))
    outlook.change(NOW)
    outlook.see(ages(4, {2: 36}))
    assert outlook.change(NOW) is None


def test_a_lease_that_is_renewed_again_is_a_change_back() -> None:
    """A Lease that is renewed again is a change back."""
    outlook = outlook_on(numbered(4))
    outlook.see(ages(4, {2: 31}))
    outlook.change(NOW)
    outlook.see(ages(4))
    assert outlook.change(NOW) == Change("node-2: publishable with 5.0.0.2 at no place", NOW)


def test_a_dead_node_that_kubernetes_then_notices_is_no_second_change() -> None:
    """A dead node that Kubernetes notices later is not a second change.

    One failure makes one Job, not one for the Lease, one for Unknown and one half a minute later.
    """
    outlook = outlook_on(numbered(4))
    outlook.see(ages(4, {2: 31}))
    outlook.change(NOW)
    outlook.node(numbered(4, lost=[2])[1], "7")
    assert outlook.change(NOW + SECOND) is None
    outlook.see(ages(4, {2: 70}))
    assert outlook.change(NOW + (DOUBT_SECONDS + 1) * SECOND) is None


def test_the_change_of_a_node_while_another_is_condemned_names_that_one_too() -> None:
    """A change condemns all that evidence has taken out, not only the newest.

    The Job for a second failure is not sent to the first.
    """
    outlook = outlook_on(numbered(6))
    outlook.see(ages(6, {2: 31}))
    outlook.change(NOW)
    outlook.node(replace(numbered(1)[0], cordoned=True), "7")
    assert outlook.change(NOW) == Change("node-1: cordoned", NOW, "7", ("node-2",))


def test_a_fact_condemns_nobody() -> None:
    """A fact condemns nobody; the scheduler keeps off such nodes by itself."""
    outlook = outlook_on(numbered(4))
    outlook.node(replace(numbered(1)[0], cordoned=True), "7")
    assert outlook.change(NOW) == Change("node-1: cordoned", NOW, "7")


def test_news_of_a_node_and_signs_together_have_the_nodes_version() -> None:
    """News of a node and signs together have the node's version.

    Two replicas of which one hears both at once make one Job.
    """
    outlook = outlook_on(numbered(4))
    outlook.node(replace(numbered(1)[0], cordoned=True), "7")
    outlook.see(ages(4))
    change = outlook.change(NOW)
    assert change is not None
    assert change.resource_version == "7"


def test_the_version_of_news_that_changed_nothing_is_forgotten() -> None:
    """The version of news that changed nothing is forgotten.

    A Job for an old Lease is not named after a heartbeat, which another replica may hear at another time.
    """
    outlook = outlook_on(numbered(4))
    outlook.node(replace(numbered(1)[0], ready=Condition("True", "posting")), "7")
    assert outlook.change(NOW) is None
    outlook.see(ages(4, {2: 31}))
    assert outlook.change(NOW) == Change("node-2: lease not renewed for 31 s", NOW, None, ("node-2",))


def test_leases_that_are_all_old_are_no_change_but_a_warning() -> None:
    """Leases that are all old are a warning and not a change, until they are renewed."""
    outlook = outlook_on(numbered(4))
    outlook.see(ages(4, dict.fromkeys(range(1, 4), 40.0)))
    assert outlook.change(NOW) is None
    (warning,) = outlook.warnings
    assert "3 of 4 nodes" in warning
    outlook.see(ages(4))
    assert outlook.change(NOW) is None
    assert outlook.warnings == ()


def test_what_could_not_be_seen_is_a_warning() -> None:
    """What could not be seen is a warning."""
    outlook = outlook_on(numbered(4))
    outlook.see(Signs(warnings=("Leases are not looked at",)))
    assert outlook.change(NOW) is None
    assert outlook.warnings == ("Leases are not looked at",)


def test_signs_are_kept_until_there_are_others() -> None:
    """Signs count until there are newer ones, also after a fresh list."""
    outlook = outlook_on(numbered(6), Checks(ready_services=(SERVICE,)))
    outlook.see(replace(ages(6, {2: 31}), serving={SERVICE: frozenset(f"node-{each}" for each in range(2, 7))}))
    assert told(outlook) == f"node-1: no ready endpoint of {SERVICE}; node-2: lease not renewed for 31 s"
    outlook.begin(NodeList(tuple(numbered(6)), NOW, "7"), "listed anew")
    assert outlook.change(NOW) == Change("listed anew", NOW, "7", ("node-2",))
    outlook.node(replace(numbered(6)[5], cordoned=True), "8")
    assert told(outlook) == "node-6: cordoned"


def test_an_endpoint_that_is_not_ready_is_a_change() -> None:
    """A node whose endpoint is no longer ready is a change."""
    outlook = outlook_on(numbered(2), Checks(ready_services=(SERVICE,)))
    outlook.see(Signs(serving={SERVICE: frozenset({"node-1", "node-2"})}))
    assert outlook.change(NOW) is None
    outlook.see(Signs(serving={SERVICE: frozenset({"node-2"})}))
    assert outlook.change(NOW) == Change(f"node-1: no ready endpoint of {SERVICE}", NOW)


def test_an_address_that_does_not_answer_is_a_change_of_its_node() -> None:
    """An address that no longer answers is a change of its node."""
    nodes = [replace(each, node_ips=f"{each.node_ips},2600::{each.name[-1]}") for each in numbered(4)]
    addresses = [ipv4(each) for each in range(1, 5)]
    outlook = outlook_on(nodes, Checks(ports=(443,)))
    outlook.see(Signs(answers={(each, 443): None for each in addresses}))
    assert outlook.change(NOW) is None
    outlook.see(Signs(answers={(each, 443): "timed out" if each == ipv4(3) else None for each in addresses}))
    assert outlook.change(NOW) == Change("node-3: publishable with 2600::3 at no place", NOW)


def test_one_node_that_turns_unknown_is_a_change_at_once() -> None:
    """One node that turns Unknown is a change at once."""
    outlook = outlook_on(numbered(4))
    outlook.node(numbered(4, lost=[2])[1], "7")
    said = "node-2: not ready: Kubelet stopped posting node status."
    assert outlook.change(NOW) == Change(said, NOW, "7", ("node-2",))


def test_most_nodes_that_turn_unknown_are_no_change_until_it_lasts() -> None:
    """Most nodes turned Unknown are a warning for 30 s, then a change.

    Healthy nodes do not leave DNS when the API server returns from an outage, and dead ones do in the end.
    """
    outlook = outlook_on(numbered(4))
    for each in numbered(4, lost=[1, 2, 3]):
        outlook.node(each, "7")
    assert outlook.change(NOW) is None
    (warning,) = outlook.warnings
    assert "3 of 4 nodes" in warning
    outlook.see(ages(4))
    assert outlook.change(NOW + (DOUBT_SECONDS - 1) * SECOND) is None
    outlook.see(ages(4))
    change = outlook.change(NOW + DOUBT_SECONDS * SECOND)
    assert change is not None
    assert change.words.count("not ready: Kubelet stopped posting node status.") == 3
    assert (change.resource_version, change.condemned) == (None, ())


def test_nodes_that_were_unknown_for_a_moment_only_are_no_change() -> None:
    """Nodes that were Unknown for a moment only are not a change."""
    outlook = outlook_on(numbered(4))
    for nodes in (numbered(4, lost=[1, 2, 3]), numbered(4)):
        for each in nodes:
            outlook.node(each, "7")
        assert outlook.change(NOW) is None
    outlook.see(ages(4))
    assert outlook.change(NOW + 2 * DOUBT_SECONDS * SECOND) is None
    assert outlook.warnings == ()


def test_nodes_that_turn_unknown_one_after_the_other_come_back_when_they_are_too_many() -> None:
    """Nodes that turn Unknown one after the other come back when they are too many.

    An outage does not take nodes out one by one until none is left.
    """
    outlook = outlook_on(numbered(4))
    first, second = numbered(4, lost=[1, 2])[:2]
    outlook.node(first, "7")
    assert told(outlook) == "node-1: not ready: Kubelet stopped posting node status."
    outlook.node(second, "8")
    assert outlook.change(NOW) == Change("node-1: publishable with 5.0.0.1 at no place", NOW, "8")


def test_before_the_first_list_there_is_nothing() -> None:
    """Before the first list there are no nodes, no warnings and no change. The watcher's threads begin in any order."""
    outlook = Outlook(Checks())
    assert (outlook.listed.nodes, outlook.warnings, outlook.change(NOW)) == ((), (), None)


def test_a_node_that_is_heard_of_before_the_first_list() -> None:
    """A node that is heard of before the first list is a change."""
    outlook = Outlook(Checks())
    outlook.node(NODE, "7")
    assert outlook.change(NOW) == Change("node-1: publishable with 5.0.0.1 at no place", NOW, "7")
