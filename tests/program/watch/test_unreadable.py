"""What a node writes into its own objects costs watch that object alone, and never the stream that shows it."""

import pytest

from tests.sandbox.world import World
from tests.support import forks
from tests.support.kubelets import DEEP, ODD_TIMES, claims, ready_since
from tests.support.sync_runs import breaks, returns
from tests.support.watching import Kubelets, answered, job_number, watching, words

UNREADABLE = "fra-1: its Node object cannot be read: Invalid RFC3339 encoded datetime"
NORMAL = "2026-01-01T00:00:00Z"


def test_a_node_that_cannot_be_decoded_any_more_makes_a_job(cluster: World) -> None:
    """Makes a Job when it becomes unreadable and another when it is readable again, and follows the nodes meanwhile."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        ready_since(cluster, "fra-1", ODD_TIMES["year-0"])
        assert words(job_number(cluster, 2)).startswith(UNREADABLE)
        breaks(cluster, "nyc-1")
        assert words(job_number(cluster, 3)) == "nyc-1: not ready: PLEG is not healthy"
        ready_since(cluster, "fra-1", NORMAL)
        assert words(job_number(cluster, 4)).startswith("fra-1: publishable with")
        assert (watcher.errors, answered(cluster, "list nodes", 200)) == ([], 1)


def test_a_node_that_could_never_be_decoded_is_followed(cluster: World) -> None:
    """Begins without the node, as a sync does, and makes a Job when it is readable."""
    ready_since(cluster, "fra-1", ODD_TIMES["year-10000"])
    with watching(cluster):
        job_number(cluster, 1)
        ready_since(cluster, "fra-1", NORMAL)
        assert words(job_number(cluster, 2)).startswith("fra-1: publishable with")


def test_depth_costs_a_stream_nothing(cluster: World) -> None:
    """Sees in one stream what happens to a node whose object is nested as deep as the API server takes it."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        claims(cluster, "Node", "fra-1", DEEP)
        breaks(cluster, "fra-1")
        assert words(job_number(cluster, 2)) == "fra-1: not ready: PLEG is not healthy"
        assert (watcher.errors, answered(cluster, "list nodes", 200)) == ([], 1)


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        pytest.param({"f:spec": {"f:strategy": {}}}, ODD_TIMES["year-10000"], id="odd-time"),
        pytest.param(DEEP, None, id="deep"),
    ],
)
def test_a_lease_that_is_odd_stops_no_look(cluster: World, fields: object, time: str | None) -> None:
    """Goes on looking at all other Leases, and makes a Job for one that is overdue."""
    cluster.node("sgp-1", "5.223.50.3")
    kubelets = Kubelets(cluster, "fra-1", "nyc-1", "sgp-1")
    claims(cluster, "Lease", "fra-1", fields, time)
    with watching(cluster, change=forks.HASTY) as watcher:
        job_number(cluster, 1)
        kubelets.looked()
        kubelets.silence("nyc-1")
        assert "lease not renewed" in words(job_number(cluster, 2))
        assert watcher.errors == []


def test_a_long_message_keeps_no_job_from_being_made(cluster: World) -> None:
    """Makes the Job with the beginning of the message; an annotation of 270 kB was refused, over and over."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        cluster.kubernetes.set_ready("fra-1", "False", "disk is gone " * 21_000)
        said = words(job_number(cluster, 2))
        assert said.startswith("fra-1: not ready: disk is gone disk is gone")
        assert len(said) < 400
        returns(cluster, "fra-1")
        job_number(cluster, 3)
        assert watcher.errors == []
