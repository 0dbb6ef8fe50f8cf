"""Traces of real clusters that once ended in an outage: what watch makes of those in which it has a part."""

import re
import time
from contextlib import ExitStack
from typing import Any

import pytest

from tests.sandbox.world import World
from tests.support import forks
from tests.support.probed_world import near, nodes, played, set_up
from tests.support.probing import listening
from tests.support.sync_runs import DOMAIN, addresses
from tests.support.watching import FOUR, Kubelets, cronjob, four_nodes, job_number, jobs, watching, words

PROBE = ("--probe", "tcp:443")
DEAD = "node-3: tcp 443 does not answer (connection refused)"

CLOCK = "this machine's clock is more than 10 s behind the API server's"


@pytest.fixture
def cluster(world: World) -> World:
    """Give a cluster of four nodes that can serve, with the CronJob `sync`."""
    return four_nodes(world)


@pytest.mark.parametrize("answers_ahead", [True, False], ids=["answers", "takes a renewal"])
def test_5_one_of_two_api_servers_is_ahead(cluster: World, *, answers_ahead: bool) -> None:
    """The clock of one of two API servers is 20 s ahead, of the one that answers or of another: no Job is made."""
    cluster.kubernetes.answering_clock = lambda: time.time() + 20 * answers_ahead
    others = dict.fromkeys(FOUR[1:] if answers_ahead else FOUR[:1], 20.0)
    kubelets = Kubelets(cluster, *FOUR, age_seconds=9, ahead=others)
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.looked(5)
        assert len(watcher.changes) == 1
        assert [CLOCK in line for line in watcher.warnings] == [True] * answers_ahead
    assert len(jobs(cluster)) == 1


def test_10_another_node_fails_for_a_while_before_the_job_looks() -> None:
    """A node's ingress dies; before the Job looks another one fails too, and recovers: a Job takes the first one out.

    While both are down nothing is believed of either, and no Job is made.
    """
    found = played(two_ingresses_die)
    assert found["first"] == DEAD
    assert found["while both are down"] == [1, 1 + 1]
    assert found["shown then"] == [near(number) for number in (1, 2, 3)]
    assert DEAD in found["last"]
    assert found["shown"] == [near(1), near(2)]


def two_ingresses_die() -> dict[str, Any]:
    """Play it, in a network of its own."""
    found: dict[str, Any] = {}
    with World() as world, ExitStack() as stack:
        zone = set_up(world, nodes(*map(near, (1, 2, 3))))
        world.kubernetes.put(cronjob())
        kubelets = Kubelets(world, "node-1", "node-2", "node-3")
        ports = {number: ExitStack() for number in (1, 2, 3)}
        for number, port in ports.items():
            port.enter_context(listening(near(number), 443))
            stack.callback(port.close)
        watcher = stack.enter_context(watching(world, *PROBE, change=forks.HASTY))

        def sync() -> list[str]:
            assert world.run("sync-once", "--domain", DOMAIN, *PROBE).returncode == 0
            return sorted(addresses(world, zone))

        job_number(world, 1)
        kubelets.looked()
        ports[3].close()
        found["first"] = words(job_number(world, 2))
        ports[2].close()
        kubelets.looked()
        found["shown then"] = sync()
        found["while both are down"] = [len(watcher.warnings), len(watcher.changes)]
        ports[2].enter_context(listening(near(2), 443))
        found["last"] = words(job_number(world, 3))
        found["shown"] = sync()
    return found


def test_11_the_api_server_was_away(cluster: World) -> None:
    """After an outage of the API server all nodes are Unknown with young Leases, and recover one by one.

    No Job is made for a healthy one, but one for the node that is really dead.
    """
    kubelets = Kubelets(cluster, *FOUR)
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.looked()
        for node in FOUR:
            cluster.kubernetes.set_ready(node, "Unknown", "Kubelet stopped posting.", age_seconds=40)
        for node in FOUR[:3]:
            kubelets.looked()
            assert len(watcher.changes) == 1
            cluster.kubernetes.set_ready(node, "True")
        kubelets.silence("syd-1", age_seconds=130)
        job = job_number(cluster, 2)
    assert re.fullmatch(r"syd-1: not ready: Kubelet stopped posting\.", words(job))
