"""The rules of watch: which news makes a difference to what a sync would publish, and in what words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.core.evidence import DOUBT_SECONDS, Checks, Signs
from jobs.core.node import Condition, Node, NodeList
from jobs.core.publication import Occasion, Publication
from tests.support.builders import NODE, checks, ipv4

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


def publication_of(nodes: Iterable[Node], asked: Checks | None = None) -> Publication:
    """Give a publication that knows these nodes and has reported its first occasion."""
    publication = Publication(asked or checks())
    publication.begin(NodeList(tuple(nodes), NOW, "5"), "begun")
    assert publication.occasion(NOW) is not None
    return publication


def ages(count: int, stale: Mapping[int, float] | None = None) -> Signs:
    """Give the signs of so many Leases renewed 4 s ago, but for some."""
    return Signs({f"node-{each}": (stale or {}).get(each, 4.0) for each in range(1, count + 1)})


def words_of(publication: Publication, now: datetime = NOW) -> str | None:
    """Give the words of the occasion."""
    occasion = publication.occasion(now)
    return occasion.words if occasion else None


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
def test_what_a_sync_would_publish_differently_is_an_occasion_once(before: Node, after: Node, said: str) -> None:
    """What a sync would publish differently is an occasion, once, in words that say why."""
    publication = publication_of([before])
    publication.node(after, "7")
    assert publication.occasion(NOW + SECOND) == Occasion(said, NOW + SECOND, "7")
    publication.node(after, "8")
    assert publication.occasion(NOW + SECOND) is None


@pytest.mark.parametrize(("before", "after"), IS_NOTHING)
def test_what_a_sync_would_publish_alike_is_not_an_occasion(before: Node, after: Node) -> None:
    """What a sync would publish alike is not an occasion. No Job is made that finds nothing to do."""
    publication = publication_of([before])
    publication.node(after, "7")
    assert publication.occasion(NOW) is None


@pytest.mark.parametrize(("before", "after"), IS_NOTHING)
def test_news_that_is_not_an_occasion_is_remembered_all_the_same(before: Node, after: Node) -> None:
    """News that is not an occasion is remembered. The next news is compared with it."""
    publication = publication_of([before])
    publication.node(after, "7")
    publication.occasion(NOW)
    assert publication.listed == NodeList((after,), NOW, "7" if after != before else "5")


def test_a_new_node_that_can_serve_is_an_occasion() -> None:
    """A new node that can serve is an occasion."""
    publication = publication_of([])
    publication.node(NODE, "7")
    assert publication.occasion(NOW) == Occasion("node-1: publishable with 5.0.0.1 at no place", NOW, "7")


def test_a_new_node_that_cannot_serve_is_not_an_occasion() -> None:
    """A new node that cannot serve yet is not an occasion."""
    publication = publication_of([])
    publication.node(DOWN, "7")
    assert publication.occasion(NOW) is None


def test_a_node_that_leaves_is_an_occasion_once() -> None:
    """A node that leaves is an occasion, once."""
    publication = publication_of([NODE])
    publication.gone("node-1", "7")
    assert publication.occasion(NOW) == Occasion("node-1: no longer among the selected nodes", NOW, "7")
    publication.gone("node-1", "7")
    assert publication.occasion(NOW) is None


def test_a_node_that_leaves_when_it_was_out_is_not_an_occasion() -> None:
    """A node that leaves when it was out already is not an occasion."""
    publication = publication_of([DOWN])
    publication.gone("node-1", "7")
    assert publication.occasion(NOW) is None


@pytest.mark.parametrize("nodes", [(), (NODE,), (DOWN,)], ids=["no node", "a node", "a node that is out"])
def test_a_fresh_list_is_an_occasion_whatever_it_shows(nodes: tuple[Node, ...]) -> None:
    """A fresh list is an occasion whatever it shows.

    What happened while nobody watched does not wait for the schedule.
    """
    publication = publication_of(nodes)
    publication.begin(NodeList(nodes, NOW, "7"), "listed again")
    assert publication.occasion(NOW) == Occasion("listed again", NOW, "7")
    assert publication.occasion(NOW) is None


def test_a_node_that_a_fresh_list_does_not_show_is_forgotten() -> None:
    """A node that a fresh list does not show is forgotten."""
    first, second = numbered(2)
    publication = publication_of([first, second])
    publication.begin(NodeList((second,), NOW, "7"), "listed again")
    publication.occasion(NOW)
    assert publication.listed == NodeList((second,), NOW, "7")
    publication.node(first, "8")
    assert words_of(publication) == "node-1: publishable with 5.0.0.1 at no place"


def test_news_that_comes_together_is_one_occasion() -> None:
    """News that comes together is one occasion, with the last version."""
    first, second = numbered(2)
    publication = publication_of([first, second])
    publication.node(replace(second, cordoned=True), "7")
    publication.gone("node-1", "8")
    said = "node-1: no longer among the selected nodes; node-2: cordoned"
    assert publication.occasion(NOW) == Occasion(said, NOW, "8")


def test_what_is_undone_before_it_is_asked_for_is_not_an_occasion() -> None:
    """What is undone before it is asked for is not an occasion."""
    publication = publication_of([NODE])
    publication.node(DOWN, "7")
    publication.node(NODE, "8")
    assert publication.occasion(NOW) is None


def test_of_many_changed_nodes_some_are_named_and_the_others_counted() -> None:
    """Of many changed nodes five are named and the others counted."""
    publication = publication_of(numbered(8))
    for each in numbered(8):
        publication.gone(each.name, "7")
    said = words_of(publication) or ""
    assert said.count("no longer among the selected nodes") == 5
    assert said.endswith("; and 3 more")


def test_without_news_nothing_is_judged() -> None:
    """Without news nothing is judged again. Heartbeats cost nothing in a large cluster."""
    publication = publication_of([NODE])
    publication.node(NODE, "7")
    publication.gone("node-2", "8")
    assert publication.occasion(NOW + SECOND) is None
    assert publication.listed == NodeList((NODE,), NOW, "5")


def test_a_stale_lease_is_an_occasion_that_names_the_node_and_the_reason() -> None:
    """An old Lease is an occasion that names the node and the reason, and condemns the node."""
    publication = publication_of(numbered(4))
    publication.see(ages(4))
    assert publication.occasion(NOW) is None
    publication.see(ages(4, {2: 31.4}))
    assert publication.occasion(NOW + SECOND) == Occasion(
        "node-2: lease not renewed for 31 s", NOW + SECOND, None, ("node-2",)
    )


def test_a_lease_that_grows_older_is_not_a_second_occasion() -> None:
    """A Lease that grows older is not a second occasion."""
    publication = publication_of(numbered(4))
    publication.see(ages(4, {2: 31}))
    publication.occasion(NOW)
    publication.see(ages(4, {2: 36}))
    assert publication.occasion(NOW) is None


def test_a_lease_that_is_renewed_again_is_an_occasion_again() -> None:
    """A Lease that is renewed again is an occasion to publish the node again."""
    publication = publication_of(numbered(4))
    publication.see(ages(4, {2: 31}))
    publication.occasion(NOW)
    publication.see(ages(4))
    assert publication.occasion(NOW) == Occasion("node-2: publishable with 5.0.0.2 at no place", NOW)


def test_a_dead_node_that_kubernetes_then_notices_is_not_a_second_occasion() -> None:
    """A dead node that Kubernetes notices later is not a second occasion.

    One failure makes one Job, not one for the Lease, one for Unknown and one half a minute later.
    """
    publication = publication_of(numbered(4))
    publication.see(ages(4, {2: 31}))
    publication.occasion(NOW)
    publication.node(numbered(4, lost=[2])[1], "7")
    assert publication.occasion(NOW + SECOND) is None
    publication.see(ages(4, {2: 70}))
    assert publication.occasion(NOW + (DOUBT_SECONDS + 1) * SECOND) is None


def test_an_occasion_names_all_that_are_condemned() -> None:
    """An occasion names all that evidence has taken out, not only the newest.

    The Job for a second failure is not sent to the first.
    """
    publication = publication_of(numbered(6))
    publication.see(ages(6, {2: 31}))
    publication.occasion(NOW)
    publication.node(replace(numbered(1)[0], cordoned=True), "7")
    assert publication.occasion(NOW) == Occasion("node-1: cordoned", NOW, "7", ("node-2",))


def test_a_fact_condemns_nobody() -> None:
    """A fact condemns nobody; the scheduler keeps off such nodes by itself."""
    publication = publication_of(numbered(4))
    publication.node(replace(numbered(1)[0], cordoned=True), "7")
    assert publication.occasion(NOW) == Occasion("node-1: cordoned", NOW, "7")


def test_news_of_a_node_and_signs_together_have_the_nodes_version() -> None:
    """News of a node and signs together have the node's version.

    Two replicas of which one hears both at once make one Job.
    """
    publication = publication_of(numbered(4))
    publication.node(replace(numbered(1)[0], cordoned=True), "7")
    publication.see(ages(4))
    occasion = publication.occasion(NOW)
    assert occasion is not None
    assert occasion.resource_version == "7"


def test_the_version_of_news_that_changed_nothing_is_forgotten() -> None:
    """The version of news that changed nothing is forgotten.

    A Job for an old Lease is not named after a heartbeat, which another replica may hear at another time.
    """
    publication = publication_of(numbered(4))
    publication.node(replace(numbered(1)[0], ready=Condition("True", "posting")), "7")
    assert publication.occasion(NOW) is None
    publication.see(ages(4, {2: 31}))
    assert publication.occasion(NOW) == Occasion("node-2: lease not renewed for 31 s", NOW, None, ("node-2",))


def test_leases_that_are_all_old_are_a_warning_and_not_an_occasion() -> None:
    """Leases that are all old are a warning and not an occasion, until they are renewed."""
    publication = publication_of(numbered(4))
    publication.see(ages(4, dict.fromkeys(range(1, 4), 40.0)))
    assert publication.occasion(NOW) is None
    (warning,) = publication.warnings
    assert "3 of 4 nodes" in warning
    publication.see(ages(4))
    assert publication.occasion(NOW) is None
    assert publication.warnings == ()


def test_what_could_not_be_seen_is_a_warning() -> None:
    """What could not be seen is a warning."""
    publication = publication_of(numbered(4))
    publication.see(Signs(warnings=("Leases are not looked at",)))
    assert publication.occasion(NOW) is None
    assert publication.warnings == ("Leases are not looked at",)


def test_signs_are_kept_until_there_are_others() -> None:
    """Signs count until there are newer ones, also after a fresh list."""
    publication = publication_of(numbered(6), checks(ready_services=(SERVICE,)))
    publication.see(replace(ages(6, {2: 31}), serving={SERVICE: frozenset(f"node-{each}" for each in range(2, 7))}))
    assert words_of(publication) == f"node-1: no ready endpoint of {SERVICE}; node-2: lease not renewed for 31 s"
    publication.begin(NodeList(tuple(numbered(6)), NOW, "7"), "listed again")
    assert publication.occasion(NOW) == Occasion("listed again", NOW, "7", ("node-2",))
    publication.node(replace(numbered(6)[5], cordoned=True), "8")
    assert words_of(publication) == "node-6: cordoned"


def test_an_endpoint_that_is_not_ready_is_an_occasion() -> None:
    """A node whose endpoint is no longer ready is an occasion."""
    publication = publication_of(numbered(2), checks(ready_services=(SERVICE,)))
    publication.see(Signs(serving={SERVICE: frozenset({"node-1", "node-2"})}))
    assert publication.occasion(NOW) is None
    publication.see(Signs(serving={SERVICE: frozenset({"node-2"})}))
    assert publication.occasion(NOW) == Occasion(f"node-1: no ready endpoint of {SERVICE}", NOW)


def test_an_address_that_does_not_answer_is_an_occasion_of_its_node() -> None:
    """An address that no longer answers is an occasion of its node."""
    nodes = [replace(each, node_ips=f"{each.node_ips},2600::{each.name[-1]}") for each in numbered(4)]
    addresses = [ipv4(each) for each in range(1, 5)]
    publication = publication_of(nodes, checks(ports=(443,)))
    publication.see(Signs(answers={(each, 443): None for each in addresses}))
    assert publication.occasion(NOW) is None
    publication.see(Signs(answers={(each, 443): "timed out" if each == ipv4(3) else None for each in addresses}))
    assert publication.occasion(NOW) == Occasion("node-3: publishable with 2600::3 at no place", NOW)


def test_one_node_that_turns_unknown_is_an_occasion_at_once() -> None:
    """One node that turns Unknown is an occasion at once."""
    publication = publication_of(numbered(4))
    publication.node(numbered(4, lost=[2])[1], "7")
    said = "node-2: not ready: Kubelet stopped posting node status."
    assert publication.occasion(NOW) == Occasion(said, NOW, "7", ("node-2",))


def test_most_nodes_that_turn_unknown_are_not_an_occasion_until_it_lasts() -> None:
    """Most nodes turned Unknown are a warning for 30 s, then an occasion.

    Healthy nodes do not leave DNS when the API server returns from an outage, and dead ones do in the end.
    """
    publication = publication_of(numbered(4))
    for each in numbered(4, lost=[1, 2, 3]):
        publication.node(each, "7")
    assert publication.occasion(NOW) is None
    (warning,) = publication.warnings
    assert "3 of 4 nodes" in warning
    publication.see(ages(4))
    assert publication.occasion(NOW + (DOUBT_SECONDS - 1) * SECOND) is None
    publication.see(ages(4))
    occasion = publication.occasion(NOW + DOUBT_SECONDS * SECOND)
    assert occasion is not None
    assert occasion.words.count("not ready: Kubelet stopped posting node status.") == 3
    assert (occasion.resource_version, occasion.condemned) == (None, ())


def test_nodes_that_were_unknown_for_a_moment_only_are_not_an_occasion() -> None:
    """Nodes that were Unknown for a moment only are not an occasion."""
    publication = publication_of(numbered(4))
    for nodes in (numbered(4, lost=[1, 2, 3]), numbered(4)):
        for each in nodes:
            publication.node(each, "7")
        assert publication.occasion(NOW) is None
    publication.see(ages(4))
    assert publication.occasion(NOW + 2 * DOUBT_SECONDS * SECOND) is None
    assert publication.warnings == ()


def test_nodes_that_turn_unknown_one_after_the_other_come_back_when_they_are_too_many() -> None:
    """Nodes that turn Unknown one after the other come back when they are too many.

    An outage does not take nodes out one by one until none is left.
    """
    publication = publication_of(numbered(4))
    first, second = numbered(4, lost=[1, 2])[:2]
    publication.node(first, "7")
    assert words_of(publication) == "node-1: not ready: Kubelet stopped posting node status."
    publication.node(second, "8")
    assert publication.occasion(NOW) == Occasion("node-1: publishable with 5.0.0.1 at no place", NOW, "8")


def test_before_the_first_list_there_is_nothing() -> None:
    """Before the first list there are no nodes, no warnings and no occasion.

    The watcher's threads begin in any order.
    """
    publication = Publication(checks())
    assert (publication.listed.nodes, publication.warnings, publication.occasion(NOW)) == ((), (), None)


def test_a_node_that_is_heard_of_before_the_first_list() -> None:
    """A node that is heard of before the first list is an occasion."""
    publication = Publication(checks())
    publication.node(NODE, "7")
    assert publication.occasion(NOW) == Occasion("node-1: publishable with 5.0.0.1 at no place", NOW, "7")
