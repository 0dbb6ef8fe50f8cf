"""watch looks at the nodes' health: old Leases, endpoints not ready, nodes not heard of; and faults of its own.

The watcher waits for a quarter of a second only where a test is not about how long it waits.
"""

import math
import re
import time

import pytest

from tests.sandbox.kubernetes import ADMIN_TOKEN, User
from tests.sandbox.kubernetes_builders import endpoint, endpoint_slice
from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.watching import (
    FOUR,
    STARTED,
    Json,
    Kubelets,
    answered,
    follows,
    four_nodes,
    job_number,
    jobs,
    names,
    populated,
    settled,
    version_in,
    watching,
    words,
)

SERVICE = "traefik/traefik"
STALE = re.compile(r"nyc-1: lease not renewed for [2-9][0-9] s")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
OFF_NYC = {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["nyc-1"]}]}]}


@pytest.fixture
def cluster(world: World) -> World:
    """Give a cluster of four nodes that can serve, with the CronJob `sync`."""
    return four_nodes(world)


@pytest.fixture
def kubelets(cluster: World) -> Kubelets:
    """Give the kubelets of the four nodes."""
    return Kubelets(cluster, *FOUR)


def serving(world: World, *nodes: str, terminating: bool | None = None) -> None:
    """Let the endpoints of the service be ready on these of the nodes, and not on the others."""
    namespace, _, name = SERVICE.partition("/")
    there = [endpoint(node) if node in nodes else endpoint(node, ready=False, terminating=terminating) for node in FOUR]
    world.kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    world.kubernetes.put(endpoint_slice(namespace, name, there))


def floored(moment: float, seconds: int) -> int:
    """Give the beginning of the window that a moment is in."""
    return int(moment) - int(moment) % seconds


def affinity(job: Json) -> Json | None:
    """Give what a Job asks of the node its pod runs on."""
    found: Json | None = job["spec"]["template"]["spec"].get("affinity")
    return found


def test_leases_are_listed_every_five_seconds(cluster: World, kubelets: Kubelets) -> None:
    """Between two looks at the Leases are 5 s, and each look is a consistent read."""
    with watching(cluster, interval=3600, change=forks.TIMELESS) as watcher:
        kubelets.looked(4)
        assert wait_until(lambda: watcher.said.count("slept for 5 s\n") >= 3, 60)  # the line comes after the look
    assert {line for line in watcher.said if line.startswith("slept")} == {"slept for 5 s\n", "slept for 3600 s\n"}
    assert all(
        "resourceVersion" not in call.request.query for call in cluster.cluster.calls if call.operation == "list leases"
    )


def test_a_node_whose_lease_stops_gets_its_job_at_the_next_look(cluster: World, kubelets: Kubelets) -> None:
    """A Job is made at the first look that shows an old Lease, and named after its time, floored to the interval."""
    with watching(cluster, interval=3):
        job_number(cluster, 1)
        kubelets.looked(1)
        silent = time.time()
        kubelets.silence("nyc-1")
        job = job_number(cluster, 2)
    assert STALE.fullmatch(words(job))
    assert version_in(job) == floored(version_in(job), 3)
    assert floored(silent, 3) <= version_in(job) <= kubelets.times("create jobs")[1]


@pytest.mark.parametrize("hours", [-2, 2], ids=["slow", "fast"])
def test_a_wrong_clock_of_the_watchers_machine_withdraws_nobody(hours: int) -> None:
    """Healthy nodes stay in, one warning is given, and a dead one leaves: by its Lease, or later as Ready=Unknown."""
    with World(clock=lambda: time.time() - 3600 * hours) as world:
        kubelets = Kubelets(populated(world), "fra-1", "nyc-1")
        with watching(world, change=forks.HASTY) as watcher:
            job_number(world, 1)
            kubelets.looked(5)
            assert len(watcher.changes) == 1
            assert ["this machine's clock is more than 10 s" in line for line in watcher.warnings] == [True]
            kubelets.silence("nyc-1")
            if hours < 0:  # to this clock no Lease is ever old
                kubelets.looked(3)
                assert len(watcher.changes) == 1
                world.kubernetes.set_ready("nyc-1", "Unknown")
            job = job_number(world, 2)
    assert STALE.fullmatch(words(job)) or (hours < 0 and words(job) == "nyc-1: not ready: Ready is Unknown")


def test_the_pod_of_the_job_stays_off_the_node_that_is_withdrawn(cluster: World, kubelets: Kubelets) -> None:
    """The pod of a Job for a silent node is kept off that node, which the scheduler still takes for alive."""
    with watching(cluster, change=forks.HASTY):
        first = job_number(cluster, 1)
        kubelets.silence("nyc-1")
        job = job_number(cluster, 2)
    assert affinity(job) == {"nodeAffinity": {REQUIRED: OFF_NYC}}
    assert affinity(first) is None
    assert job["spec"]["backoffLimit"] == first["spec"]["backoffLimit"]


def test_a_node_whose_lease_is_renewed_again_gets_a_job(cluster: World, kubelets: Kubelets) -> None:
    """A silent node that renews its Lease again makes a Job, which is kept off no node."""
    with watching(cluster, change=forks.HASTY):
        job_number(cluster, 1)
        kubelets.silence("nyc-1")
        job_number(cluster, 2)
        kubelets.wake("nyc-1")
        job = job_number(cluster, 3)
    assert words(job) == "nyc-1: publishable with 5.161.40.7 at 40.71,-74.01"
    assert affinity(job) is None


def test_a_dead_node_makes_one_job_however_often_it_is_looked_at(cluster: World, kubelets: Kubelets) -> None:
    """A node that stays silent makes one Job, also when it turns Ready=Unknown later."""
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.silence("nyc-1")
        job_number(cluster, 2)
        kubelets.looked()
        cluster.kubernetes.set_ready("nyc-1", "Unknown")
        kubelets.looked()
        cluster.kubernetes.set_ready("nyc-1", "Unknown", age_seconds=60)
        kubelets.looked()
        assert len(watcher.changes) == 2
    assert len(jobs(cluster)) == 2


def test_two_changes_seen_by_ticks_in_one_interval_get_a_job_each(cluster: World, kubelets: Kubelets) -> None:
    """A node that falls silent and recovers within one interval makes two Jobs, named an interval apart.

    With one name, the second Job is taken for the first.
    """
    with watching(cluster, interval=60, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.silence("nyc-1")
        second = job_number(cluster, 2)
        kubelets.wake("nyc-1")
        third = job_number(cluster, 3)
        assert not any("is there already" in line for line in watcher.said)
    assert version_in(third) - version_in(second) == 60


def test_two_replicas_that_see_the_same_old_lease_make_one_job(cluster: World, kubelets: Kubelets) -> None:
    """Two replicas that see the same old Lease in one interval make one Job, and neither reports an error."""
    hour = 3600  # so long that the two see it in the same interval
    with (
        watching(cluster, interval=hour, change=forks.HASTY) as one,
        watching(cluster, interval=hour, change=forks.HASTY) as other,
    ):
        follows(cluster, 2)
        assert wait_until(lambda: settled(cluster) == 2)
        before = names(cluster)
        kubelets.silence("nyc-1")
        assert wait_until(lambda: settled(cluster) == 4)
        kubelets.looked(4)
        assert (one.errors, other.errors) == ([], [])
    assert len(jobs(cluster)) == len(before) + 1
    assert STALE.fullmatch(words(jobs(cluster)[-1]))


def test_leases_of_most_nodes_that_are_old_make_no_job_but_one_warning(cluster: World, kubelets: Kubelets) -> None:
    """When the Leases of three of four nodes are old, one warning is logged and no Job is made."""
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.silence("fra-1", "nyc-1", "syd-1")
        kubelets.looked(5)
        (warning,) = watcher.warnings
        assert len(watcher.changes) == 1
        assert watcher.errors == []
    assert "3 of 4 nodes" in warning
    assert len(jobs(cluster)) == 1


def test_without_the_right_to_list_leases_one_warning_is_given_and_the_watch_goes_on(
    cluster: World, kubelets: Kubelets
) -> None:
    """Without the right to list Leases, the watcher logs one warning and makes Jobs at changes of nodes.

    The warning names the right, which an upgrade may need, and `--lease-timeout 0`.
    """
    rights = {("list", "nodes"), ("watch", "nodes"), ("get", "cronjobs"), ("create", "jobs")}
    cluster.kubernetes.tokens[ADMIN_TOKEN] = User("watcher", frozenset(rights))
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.looked(5)
        cluster.kubernetes.set_ready("fra-1", "False")
        assert words(job_number(cluster, 2)) == "fra-1: not ready: Ready is False"
        kubelets.looked()
        (warning,) = watcher.warnings
        assert watcher.errors == []
    assert 'cannot list resource "leases"' in warning
    assert "--lease-timeout 0" in warning


def test_a_right_that_comes_late_is_used(cluster: World, kubelets: Kubelets) -> None:
    """The right to list Leases is used as soon as it is granted, without a restart."""
    rights = {("list", "nodes"), ("watch", "nodes"), ("get", "cronjobs"), ("create", "jobs")}
    cluster.kubernetes.tokens[ADMIN_TOKEN] = User("watcher", frozenset(rights))
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.silence("nyc-1")
        assert wait_until(lambda: bool(watcher.warnings))
        cluster.kubernetes.tokens[ADMIN_TOKEN] = User("watcher", frozenset({*rights, ("list", "leases")}))
        assert STALE.fullmatch(words(job_number(cluster, 2)))


def test_while_nothing_can_be_seen_nothing_is_concluded(cluster: World, kubelets: Kubelets) -> None:
    """While Leases cannot be listed, no node is withdrawn or acquitted; changes of nodes still make Jobs.

    One error says that the nodes' health cannot be seen.
    """
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.silence("nyc-1")
        job_number(cluster, 2)
        cluster.cluster.fail(Fault("unavailable", "list leases"))
        kubelets.wake("nyc-1")
        kubelets.silence("syd-1")
        kubelets.looked(5)
        assert len(watcher.changes) == 2
        cluster.kubernetes.set_ready("fra-1", "False")
        job = job_number(cluster, 3)
        (error,) = watcher.errors
    assert words(job) == "fra-1: not ready: Ready is False"
    assert affinity(job) == {"nodeAffinity": {REQUIRED: OFF_NYC}}
    assert "the nodes' health cannot be seen" in error


def test_after_an_outage_leases_count_when_one_timeout_has_passed(cluster: World, kubelets: Kubelets) -> None:
    """After an outage an old Lease makes a Job once the Lease timeout has passed since the last failed look.

    Some nodes are slower than others to renew their Leases.
    """
    last_refusal = 26  # at four looks a second, an outage long enough for a Lease to become old in it
    with watching(cluster, "--lease-timeout", "15", change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        cluster.cluster.fail(Fault("unavailable", "list leases", last=last_refusal))
        kubelets.looked(1)
        kubelets.silence("nyc-1")
        assert wait_until(lambda: answered(cluster, "list leases", 503) == last_refusal, 60)
        job = job_number(cluster, 2)
        assert watcher.warnings == []
    looks = [call.status for call in cluster.cluster.calls if call.operation == "list leases"]
    last = kubelets.times("list leases")[len(looks) - 1 - looks[::-1].index(503)]
    assert re.fullmatch(r"nyc-1: lease not renewed for [0-9]{2} s", words(job))
    assert kubelets.times("create jobs")[1] - last >= 15


def test_a_lease_that_was_old_before_an_outage_counts_after_it_too(cluster: World, kubelets: Kubelets) -> None:
    """A node that was silent before two failed looks stays withdrawn after them, without a further Job.

    The next Job's pod is still kept off it.
    """
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.silence("nyc-1")
        job_number(cluster, 2)
        cluster.cluster.fail(Fault("unavailable", "list leases", last=2))
        kubelets.looked(8)
        assert len(watcher.changes) == 2
        cluster.kubernetes.set_ready("fra-1", "False")
        job = job_number(cluster, 3)
    assert affinity(job) == {"nodeAffinity": {REQUIRED: OFF_NYC}}


def test_a_restart_of_the_api_server_takes_no_node_out(cluster: World, kubelets: Kubelets) -> None:
    """Leases that became old during an outage of the API server withdraw no node, and start no sync that would."""
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.looked()
        cluster.cluster.refuse()
        assert wait_until(lambda: len(watcher.errors) == 2)
        for node in FOUR:
            kubelets.silence(node, age_seconds=60)
        cluster.cluster.listen()
        follows(cluster, 2)
        kubelets.looked(5)
        kubelets.wake(*FOUR)
        kubelets.looked()
        assert len(watcher.changes) == 1
    assert [affinity(job) for job in jobs(cluster)] == [None]


def test_with_a_lease_timeout_of_0_no_lease_is_listed(cluster: World, kubelets: Kubelets) -> None:
    """With `--lease-timeout 0` no Leases are listed, and a silent node makes no Job."""
    serving(cluster, *FOUR)
    options = ("--lease-timeout", "0", "--ready-service", SERVICE)
    with watching(cluster, *options, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.silence("nyc-1")
        kubelets.looked(3, "list endpointslices")
        assert len(watcher.changes) == 1
    assert kubelets.times("list leases") == []


@pytest.mark.parametrize("terminating", [None, True], ids=["not ready", "terminating"])
def test_an_endpoint_that_is_not_ready_makes_a_job(
    cluster: World,
    kubelets: Kubelets,
    terminating: bool | None,  # noqa: FBT001 - a value of a table
) -> None:
    """Endpoints that are no longer ready make a Job, and another one when they are ready again."""
    serving(cluster, *FOUR)
    with watching(cluster, "--ready-service", SERVICE, change=forks.HASTY):
        job_number(cluster, 1)
        kubelets.looked(operation="list endpointslices")
        serving(cluster, "fra-1", terminating=terminating)
        out = job_number(cluster, 2)
        serving(cluster, *FOUR)
        back = job_number(cluster, 3)
    assert words(out) == "; ".join(f"{node}: no ready endpoint of {SERVICE}" for node in FOUR[1:])
    assert affinity(out) is None
    assert words(back).count("publishable with") == 3


def test_a_service_that_is_ready_nowhere_makes_no_job_but_one_warning(cluster: World, kubelets: Kubelets) -> None:
    """A Service without a ready endpoint on any node brings one warning and no Job.

    It may be restarting, or its name may be wrong.
    """
    serving(cluster, *FOUR)
    with watching(cluster, "--ready-service", SERVICE, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.looked(operation="list endpointslices")
        serving(cluster)
        kubelets.looked(5, "list endpointslices")
        (warning,) = watcher.warnings
        assert len(watcher.changes) == 1
    assert f"no endpoint of {SERVICE} is ready on any node" in warning


def test_most_nodes_unknown_make_no_job_before_half_a_minute_is_over() -> None:
    """Most nodes that turn Unknown make a warning for 30 s, then a Job."""
    moment = math.floor(time.time())
    clock = [moment]
    with World(clock=lambda: clock[0]) as world:
        kubelets = Kubelets(four_nodes(world), *FOUR)
        kubelets.silence(*FOUR[1:], age_seconds=50)
        for node in FOUR[1:]:
            world.kubernetes.set_ready(node, "Unknown")
        with watching(world, change=forks.TIMELESS) as watcher:
            assert words(job_number(world, 1)) == STARTED
            for seconds in (0, 29):
                clock[0] = moment + seconds
                kubelets.looked(3)
                assert len(jobs(world)) == 1
            clock[0] = moment + 30
            job = job_number(world, 2)
            (warning,) = (line for line in watcher.warnings if "this machine's clock" not in line)
    assert "3 of 4 nodes" in warning
    assert words(job) == "; ".join(f"{node}: not ready: Ready is Unknown" for node in FOUR[1:])
    assert affinity(job) is None
