"""The rules of watch: which signs of the nodes' health make a difference to what a sync would publish."""

from collections.abc import Mapping

from msgspec.structs import replace

from jobs.core.candidates import UNKNOWN_IS_EVIDENCE_SECONDS
from jobs.core.node import Condition, LeaseAge, NodeList
from jobs.core.probe import Probe
from jobs.core.signs import Signs
from jobs.core.sync_trigger import Trigger
from tests.support.builders import evidence_settings, ipv4
from tests.support.judging import (
    NOW,
    SECOND,
    TCP,
    detector_of,
    numbered,
    words_of,
)

SERVICE = "traefik/traefik"


def ages(count: int, stale: Mapping[int, float] | None = None) -> Signs:
    """Give the signs of so many Leases renewed 4 s ago, but for some."""
    seconds = {each: (stale or {}).get(each, 4.0) for each in range(1, count + 1)}
    return Signs({f"node-{each}": LeaseAge(age, age) for each, age in seconds.items()})


OLD = ages(4, dict.fromkeys(range(1, 5), 40.0))


def test_a_stale_lease_is_a_trigger_that_names_the_node_and_the_reason() -> None:
    """An old Lease is a trigger that names the node and the reason, and withdraws the node."""
    detector = detector_of(numbered(4))
    detector.see(ages(4))
    assert detector.trigger(NOW) is None
    detector.see(ages(4, {2: 31.4}))
    assert detector.trigger(NOW + SECOND) == Trigger(
        "node-2: lease not renewed for 31 s", NOW + SECOND, None, ("node-2",)
    )


def test_a_lease_that_grows_older_is_not_a_second_trigger() -> None:
    """A Lease that grows older is not a second trigger."""
    detector = detector_of(numbered(4))
    detector.see(ages(4, {2: 31}))
    detector.trigger(NOW)
    detector.see(ages(4, {2: 36}))
    assert detector.trigger(NOW) is None


def test_a_lease_that_is_renewed_again_is_a_trigger_again() -> None:
    """A Lease that is renewed again is a trigger to publish the node again."""
    detector = detector_of(numbered(4))
    detector.see(ages(4, {2: 31}))
    detector.trigger(NOW)
    detector.see(ages(4))
    assert detector.trigger(NOW) == Trigger("node-2: publishable with 5.0.0.2 at no place", NOW)


def test_a_dead_node_that_kubernetes_then_notices_is_not_a_second_trigger() -> None:
    """A dead node that Kubernetes notices later is not a second trigger.

    One failure makes one Job, not one for the Lease, one for Unknown and one half a minute later.
    """
    detector = detector_of(numbered(4))
    detector.see(ages(4, {2: 31}))
    detector.trigger(NOW)
    detector.node(numbered(4, lost=[2])[1], "7")
    assert detector.trigger(NOW + SECOND) is None
    detector.see(ages(4, {2: 70}))
    assert detector.trigger(NOW + (UNKNOWN_IS_EVIDENCE_SECONDS + 1) * SECOND) is None


def test_a_trigger_names_all_that_are_withdrawn() -> None:
    """A trigger names all that evidence has taken out, not only the newest.

    The Job for a second failure is not sent to the first.
    """
    detector = detector_of(numbered(6))
    detector.see(ages(6, {2: 31}))
    detector.trigger(NOW)
    detector.node(replace(numbered(1)[0], cordoned=True), "7")
    assert detector.trigger(NOW) == Trigger("node-1: cordoned", NOW, "7", ("node-2",))


def test_a_fact_withdraws_nobody() -> None:
    """A fact withdraws nobody; the scheduler keeps off such nodes by itself."""
    detector = detector_of(numbered(4))
    detector.node(replace(numbered(1)[0], cordoned=True), "7")
    assert detector.trigger(NOW) == Trigger("node-1: cordoned", NOW, "7")


def test_news_of_a_node_and_signs_together_have_the_nodes_version() -> None:
    """News of a node and signs together have the node's version.

    Two replicas of which one hears both at once make one Job.
    """
    detector = detector_of(numbered(4))
    detector.node(replace(numbered(1)[0], cordoned=True), "7")
    detector.see(ages(4))
    trigger = detector.trigger(NOW)
    assert trigger is not None
    assert trigger.resource_version == "7"


def test_the_version_of_news_that_changed_nothing_is_forgotten() -> None:
    """The version of news that changed nothing is forgotten.

    A Job for an old Lease is not named after a heartbeat, which another replica may hear at another time.
    """
    detector = detector_of(numbered(4))
    detector.node(replace(numbered(1)[0], ready=Condition("True", "posting")), "7")
    assert detector.trigger(NOW) is None
    detector.see(ages(4, {2: 31}))
    assert detector.trigger(NOW) == Trigger("node-2: lease not renewed for 31 s", NOW, None, ("node-2",))


def test_leases_that_are_all_old_are_a_warning_and_not_a_trigger() -> None:
    """Leases that are all old are a warning and not a trigger; when they are renewed, that is one."""
    detector = detector_of(numbered(4))
    detector.see(ages(4, dict.fromkeys(range(1, 4), 40.0)))
    assert detector.trigger(NOW) is None
    (warning,) = detector.warnings
    assert "3 of 4 nodes" in warning
    detector.see(ages(4))
    assert detector.trigger(NOW) is not None
    assert detector.warnings == ()


def test_what_could_not_be_seen_is_a_warning() -> None:
    """What could not be seen is a warning."""
    detector = detector_of(numbered(4))
    detector.see(Signs(warnings=("Leases are not looked at",)))
    assert detector.trigger(NOW) is None
    assert detector.warnings == ("Leases are not looked at",)


def test_signs_are_kept_until_there_are_others() -> None:
    """Signs count until there are newer ones, also after a fresh list."""
    detector = detector_of(numbered(6), evidence_settings(ready_services=(SERVICE,)))
    detector.see(replace(ages(6, {2: 31}), serving={SERVICE: frozenset(f"node-{each}" for each in range(2, 7))}))
    assert words_of(detector) == f"node-1: no ready endpoint of {SERVICE}; node-2: lease not renewed for 31 s"
    detector.begin(NodeList(tuple(numbered(6)), NOW, "7"), "listed again")
    assert detector.trigger(NOW) == Trigger("listed again", NOW, "7", ("node-2",))
    detector.node(replace(numbered(6)[5], cordoned=True), "8")
    assert words_of(detector) == "node-6: cordoned"


def test_an_endpoint_that_is_not_ready_is_a_trigger() -> None:
    """A node whose endpoint is no longer ready is a trigger."""
    detector = detector_of(numbered(2), evidence_settings(ready_services=(SERVICE,)))
    detector.see(Signs(serving={SERVICE: frozenset({"node-1", "node-2"})}))
    assert detector.trigger(NOW) is None
    detector.see(Signs(serving={SERVICE: frozenset({"node-2"})}))
    assert detector.trigger(NOW) == Trigger(f"node-1: no ready endpoint of {SERVICE}", NOW)


def test_an_address_that_does_not_answer_is_a_trigger_of_its_node() -> None:
    """An address that no longer answers is a trigger of its node."""
    nodes = [replace(each, node_ips=f"{each.node_ips},2600::{each.name[-1]}") for each in numbered(4)]
    addresses = [ipv4(each) for each in range(1, 5)]
    detector = detector_of(nodes, evidence_settings(probes=(TCP,)))
    detector.see(Signs(answers={(each, Probe.parse(TCP)): None for each in addresses}))
    assert detector.trigger(NOW) is None
    detector.see(
        Signs(answers={(each, Probe.parse(TCP)): "timed out" if each == ipv4(3) else None for each in addresses})
    )
    assert detector.trigger(NOW) == Trigger("node-3: publishable with 2600::3 at no place", NOW)


def test_one_node_that_turns_unknown_is_a_trigger_at_once() -> None:
    """One node that turns Unknown is a trigger at once."""
    detector = detector_of(numbered(4))
    detector.node(numbered(4, lost=[2])[1], "7")
    said = "node-2: not ready: Kubelet stopped posting node status."
    assert detector.trigger(NOW) == Trigger(said, NOW, "7", ("node-2",))


def test_most_nodes_that_turn_unknown_are_not_a_trigger_until_it_lasts() -> None:
    """Most nodes turned Unknown are a warning for 30 s, then a trigger.

    Healthy nodes do not leave DNS when the API server returns from an outage, and dead ones do in the end.
    """
    detector = detector_of(numbered(4))
    for each in numbered(4, lost=[1, 2, 3]):
        detector.node(each, "7")
    assert detector.trigger(NOW) is None
    (warning,) = detector.warnings
    assert "3 of 4 nodes" in warning
    detector.see(OLD)
    assert detector.trigger(NOW + (UNKNOWN_IS_EVIDENCE_SECONDS - 1) * SECOND) is None
    detector.see(OLD)
    trigger = detector.trigger(NOW + UNKNOWN_IS_EVIDENCE_SECONDS * SECOND)
    assert trigger is not None
    assert trigger.words.count("not ready: Kubelet stopped posting node status.") == 3
    assert (trigger.resource_version, trigger.withdrawn_by_evidence) == (None, ())


def test_nodes_that_were_unknown_for_a_moment_are_a_trigger_when_they_are_ready() -> None:
    """Nodes that were Unknown for a moment are a trigger when they are ready again, once, and not while they are not.

    One of them may have been kept out by a sync in between.
    """
    detector = detector_of(numbered(4))
    for found, is_trigger in ((numbered(4, lost=[1, 2, 3]), False), (numbered(4), True)):
        for each in found:
            detector.node(each, "7")
        assert (detector.trigger(NOW) is not None) is is_trigger
    detector.see(ages(4))
    assert detector.trigger(NOW + 2 * UNKNOWN_IS_EVIDENCE_SECONDS * SECOND) is None
    assert detector.warnings == ()


def test_a_node_that_turns_ready_is_not_accused_by_a_lease_seen_before() -> None:
    """Only its kubelet makes a node Ready, so a Lease that was old at the look before says nothing, until the next."""
    detector = detector_of(numbered(4, lost=[1]))
    detector.see(ages(4, {1: 50}))
    detector.trigger(NOW)
    detector.node(numbered(4)[0], "7")
    trigger = detector.trigger(NOW)
    assert trigger is not None
    assert trigger.words == "node-1: publishable with 5.0.0.1 at no place"
    detector.see(ages(4, {1: 50}))
    assert words_of(detector) == "node-1: lease not renewed for 50 s"


def test_other_news_of_a_node_does_not_make_its_old_lease_forgotten() -> None:
    """An old Lease counts on when anything else of its node changes, and when the node turns not ready.

    Otherwise a dead node would be published again for every annotation that somebody sets on it.
    """
    for news in (replace(numbered(4)[1], coordinates="1,2"), numbered(4, lost=[2])[1]):
        detector = detector_of(numbered(4))
        detector.see(ages(4, {2: 31}))
        assert words_of(detector) == "node-2: lease not renewed for 31 s"
        detector.node(news, "7")
        trigger = detector.trigger(NOW)
        assert trigger is None or trigger.withdrawn_by_evidence == ("node-2",)


def test_nodes_that_are_unknown_with_young_leases_are_not_a_trigger() -> None:
    """Nodes that turn Unknown while their Leases are young are neither a trigger nor a warning, however long."""
    detector = detector_of(numbered(4))
    detector.see(ages(4))
    detector.trigger(NOW)
    for each in numbered(4, lost=[1, 2, 3]):
        detector.node(each, "7")
    for seconds in (0, 29, 30, 120):
        detector.see(ages(4))
        assert detector.trigger(NOW + seconds * SECOND) is None
        assert detector.warnings == ()


def test_nodes_that_turn_unknown_one_after_the_other_are_left_as_they_are() -> None:
    """When a second node turns Unknown both are left as they are, and that is not a trigger.

    The first, which is out, is not brought back, and the second does not leave.
    """
    detector = detector_of(numbered(4))
    first, second = numbered(4, lost=[1, 2])[:2]
    detector.node(first, "7")
    assert words_of(detector) == "node-1: not ready: Kubelet stopped posting node status."
    detector.node(second, "8")
    assert detector.trigger(NOW) is None
    (warning,) = detector.warnings
    assert "2 of 4 nodes" in warning


def test_a_service_that_is_ready_nowhere_is_not_a_trigger() -> None:
    """A Service that is ready nowhere is a warning and not a trigger; when it is ready again, that is one."""
    detector = detector_of(numbered(2), evidence_settings(ready_services=(SERVICE,)))
    everywhere = Signs(serving={SERVICE: frozenset({"node-1", "node-2"})})
    detector.see(everywhere)
    assert detector.trigger(NOW) is None
    detector.see(Signs(serving={SERVICE: frozenset()}))
    assert detector.trigger(NOW) is None
    assert detector.warnings == (f"no endpoint of {SERVICE} is ready on any node",)
    detector.see(everywhere)
    assert detector.trigger(NOW) is not None


def test_a_clock_that_is_ahead_makes_no_trigger() -> None:
    """Leases that are old by one clock alone are not a trigger."""
    detector = detector_of(numbered(4))
    for age in (LeaseAge(31, 4), LeaseAge(4, 31)):
        detector.see(replace(ages(4), lease_ages=dict.fromkeys(("node-1", "node-2"), age)))
        assert detector.trigger(NOW) is None
        assert detector.warnings == ()
