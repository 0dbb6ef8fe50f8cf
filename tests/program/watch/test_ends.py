"""watch without a right or a login, and at SIGTERM: what it says, whether it stays, how it ends."""

import signal

import pytest

from tests.sandbox.kubernetes import ADMIN_TOKEN, User
from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import World
from tests.support.processes import GRACE_SECONDS, bare_environment, complaint, run
from tests.support.watching import (
    Watcher,
    answered,
    cut,
    follows,
    job_number,
    jobs,
    spoilable,
    version_in,
    watching,
)

RIGHTS = frozenset({("list", "nodes"), ("watch", "nodes"), ("list", "leases"), ("get", "cronjobs"), ("create", "jobs")})
WATCH = ("watch", "--cronjob", "sync", "--namespace", "default")


def allow(world: World, *without: tuple[str, str]) -> None:
    """Give the watcher's token the rights of its role but for some."""
    world.kubernetes.tokens[ADMIN_TOKEN] = User("watcher", RIGHTS - set(without))


def assert_one_error(world: World, watcher: Watcher, operation: str) -> None:
    """Expect that a refused call was tried several times, and that this was said once."""
    assert wait_until(lambda: answered(world, operation, 403) >= 3, 60)
    assert wait_until(lambda: bool(watcher.errors))
    (error,) = watcher.errors
    verb, resource = operation.split()
    assert f'User "watcher" cannot {verb} resource "{resource}"' in error
    assert watcher.process.poll() is None


def assert_change_arrives(world: World, version: int) -> None:
    """Expect a Job that shows the change."""
    assert wait_until(lambda: any(version_in(job) >= version for job in jobs(world)), 90)


@pytest.mark.parametrize("lost", [("create", "jobs"), ("get", "cronjobs")], ids=" ".join)
def test_a_right_that_is_lost_for_a_while_delays_the_job_and_loses_it_not(
    cluster: World, lost: tuple[str, str]
) -> None:
    """A right that is lost brings one error, and the Job of that time is made when the right is back."""
    allow(cluster)
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        allow(cluster, lost)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        assert_one_error(cluster, watcher, " ".join(lost))
        allow(cluster)
        assert version_in(job_number(cluster, 2)) == int(changed["metadata"]["resourceVersion"])
        assert len(watcher.errors) == 1


@pytest.mark.parametrize("lost", [("list", "nodes"), ("watch", "nodes")], ids=" ".join)
def test_a_lost_right_to_see_nodes_is_one_error_and_loses_no_change(cluster: World, lost: tuple[str, str]) -> None:
    """A lost right to list or watch nodes brings one error, and the changes of that time make a Job afterwards."""
    allow(cluster)
    streams = spoilable(cluster)
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        allow(cluster, lost)
        streams.spoil(cut() if lost[0] == "list" else tuple)
        assert wait_until(lambda: answered(cluster, " ".join(lost), 403) >= 1, 60)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        assert wait_until(lambda: answered(cluster, " ".join(lost), 403) >= 3, 60)
        assert watcher.process.poll() is None
        assert wait_until(lambda: bool(watcher.errors))
        refused = [error for error in watcher.errors if "nodes" in error]
        allow(cluster)
        assert_change_arrives(cluster, int(changed["metadata"]["resourceVersion"]))
    assert len(refused) == 1


def test_a_token_that_expired_is_one_error_and_loses_no_change(cluster: World) -> None:
    """A token that is refused for a while brings one error, and the Job of that time is made afterwards."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        cluster.cluster.fail(Fault("expired token", "get cronjobs"))
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        assert wait_until(lambda: answered(cluster, "get cronjobs", 401) >= 3, 60)
        cluster.cluster.heal()
        assert version_in(job_number(cluster, 2)) == int(changed["metadata"]["resourceVersion"])
        (error,) = watcher.errors
    assert "log in again" in error


def test_sigterm_ends_it_at_once_while_it_waits_for_events(cluster: World) -> None:
    """SIGTERM ends the watcher while it waits for events, with status 143 and no error."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        watcher.process.send_signal(signal.SIGTERM)
        assert watcher.ends() == 143
        assert watcher.errors == []


def test_sigterm_ends_it_while_an_answer_does_not_come(cluster: World) -> None:
    """SIGTERM ends the watcher while an answer does not come, with status 143; it does not wait for the answer."""
    cluster.cluster.fail(Fault("slow", "list nodes"))
    with watching(cluster) as watcher:
        assert wait_until(lambda: "list nodes" in cluster.cluster.operations(), 30)
        watcher.process.send_signal(signal.SIGTERM)
        assert watcher.ends(GRACE_SECONDS) == 143


def test_sigterm_ends_it_between_two_jobs(cluster: World) -> None:
    """SIGTERM ends the watcher while it waits for its interval to pass, with status 143."""
    with watching(cluster, interval=3600) as watcher:
        job_number(cluster, 1)
        cluster.kubernetes.set_ready("fra-1", "False")
        assert wait_until(lambda: len(watcher.changes) == 2)
        watcher.process.send_signal(signal.SIGTERM)
        assert watcher.ends() == 143


def test_ctrl_c_ends_it(cluster: World) -> None:
    """Ctrl-C ends the watcher with status 130 and without a traceback."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        watcher.process.send_signal(signal.SIGINT)
        assert watcher.ends() == 130
        assert [line for line in watcher.said if not line.startswith("info: ")] == []


def test_no_login_ends_it_with_one_line() -> None:
    """Without a login to Kubernetes the watcher ends with status 2 and one line."""
    assert "no login to Kubernetes" in complaint(run(WATCH, bare_environment()), 2)
