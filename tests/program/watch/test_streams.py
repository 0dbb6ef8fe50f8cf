"""watch when the stream of nodes goes wrong: it is cut, ends, is silent, expires, or says what no API server says."""

import json
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from jobs.edges import cluster as kube
from tests.sandbox.server import Fault, Response, wait_until
from tests.sandbox.world import World
from tests.support.watching import (
    ANEW,
    STARTED,
    Json,
    Spoil,
    Streams,
    answered,
    cronjob,
    cut,
    follows,
    job_number,
    jobs,
    spoilable,
    version_in,
    watching,
    words,
)

IMPATIENT = "from jobs.edges import cluster; cluster.SILENCE_SECONDS = 2.0"
"""A stream counts as dead after 2 s of silence."""


def refusal(code: int, reason: str) -> Json:
    """Build a Status, as the API server answers with when it cannot do something."""
    said = "too old resource version" if code == 410 else "etcdserver: request timed out"
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": said}


def line(kind: str, about: Json) -> bytes:
    """Build a line of a stream."""
    return json.dumps({"type": kind, "object": about}).encode() + b"\n"


def silent(*lines: bytes) -> Spoil:
    """Say nothing more after some lines, and keep the connection open."""

    def ending() -> Iterator[bytes]:
        yield from lines
        while True:
            time.sleep(0.05)
            yield b""

    return ending


def ended() -> Iterable[bytes]:
    """End the stream in good order."""
    return ()


BREAKS = [
    pytest.param(cut(), id="connection cut"),
    pytest.param(cut(b'{"type":"MODIFIED","object":{"metadata":{"na'), id="cut within a line"),
    pytest.param(silent(b"<html>bad gateway</html>\n"), id="no JSON"),
    pytest.param(silent(b'{"object":{}}\n'), id="an event without a type"),
    pytest.param(silent(line("BOOKMARK", {"metadata": {}})), id="a bookmark without a version"),
    pytest.param(silent(line("ERROR", refusal(410, "Expired"))), id="410 as an event"),
    pytest.param(silent(line("ERROR", refusal(500, "InternalError"))), id="500 as an event"),
]


def change_unseen(world: World, streams: Streams, ending: Spoil, change: Callable[[], object] | None = None) -> int:
    """Change a node just when its stream goes wrong, so that the stream does not show it; give the version then."""
    versions: list[int] = []

    def spoil() -> Iterator[bytes]:
        (change or (lambda: world.kubernetes.set_ready("fra-1", "False")))()
        versions.append(world.kubernetes.store.revision)
        yield from ending()

    streams.spoil(spoil)
    assert wait_until(lambda: bool(versions))
    return versions[0]


@pytest.mark.parametrize("ending", BREAKS)
def test_a_stream_that_goes_wrong_loses_no_change(cluster: World, ending: Spoil) -> None:
    """After a stream breaks, the nodes are listed again, and one Job is made that shows the change it missed."""
    streams = spoilable(cluster)
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        changed = change_unseen(cluster, streams, ending)
        job = job_number(cluster, 2)
        follows(cluster, 2)
        assert watcher.process.poll() is None
    assert words(job) == ANEW
    assert version_in(job) >= changed
    assert len(jobs(cluster)) == 2


def test_a_stream_that_says_nothing_is_given_up(cluster: World) -> None:
    """A stream that stays silent too long is given up, and a change it did not show still makes a Job.

    A half-open connection is silent for ever.
    """
    streams = spoilable(cluster)
    with watching(cluster, change=IMPATIENT):
        job_number(cluster, 1)
        changed = change_unseen(cluster, streams, silent())
        assert wait_until(lambda: any(version_in(job) >= changed for job in jobs(cluster)), 60)


def test_a_quiet_stream_is_not_taken_for_a_dead_one(cluster: World) -> None:
    """A stream is asked to end before its silence counts as death, and to send bookmarks.

    So a quiet cluster costs no fresh lists.
    """
    with watching(cluster):
        follows(cluster)
    query = next(call.request.query for call in cluster.cluster.calls if call.operation == "watch nodes")
    assert 20 <= int(query["timeoutSeconds"]) < min(30, kube.SILENCE_SECONDS), "load balancers cut silence after 30 s"
    assert query["allowWatchBookmarks"] == "true"


def test_a_stream_is_never_compressed(cluster: World) -> None:
    """A stream is asked for without compression. A proxy holds events back until it has enough of them to compress."""
    with watching(cluster):
        follows(cluster)
        (call,) = (call for call in cluster.cluster.calls if call.operation == "watch nodes")
    assert call.request.headers["Accept-Encoding"] == "identity"


def test_a_stream_that_ends_in_good_order_goes_on_where_it_ended(cluster: World) -> None:
    """A stream that the server ends is continued without a fresh list, and no change in between is lost."""
    streams = spoilable(cluster)
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        changed = change_unseen(cluster, streams, ended)
        assert version_in(job_number(cluster, 2)) == changed
        assert watcher.errors == []
    assert answered(cluster, "list nodes", 200) == 1


def test_a_bookmark_moves_the_place_where_the_next_stream_begins(cluster: World) -> None:
    """The next stream begins at the version of the last bookmark.

    Older versions are forgotten, and then cost a fresh list.
    """
    streams = spoilable(cluster)
    bookmark = {"kind": "Node", "apiVersion": "v1", "metadata": {"resourceVersion": "4711", "creationTimestamp": None}}
    with watching(cluster):
        follows(cluster)
        streams.spoil(lambda: [line("BOOKMARK", bookmark)])
        follows(cluster, 2)
    assert [call.request.query for call in cluster.cluster.calls if call.operation == "watch nodes"][-1][
        "resourceVersion"
    ] == "4711"


def test_a_version_forgotten_between_two_streams_loses_no_change(cluster: World) -> None:
    """When etcd has forgotten the version between two streams, the nodes are listed again and no change is lost."""
    streams = spoilable(cluster)

    def compacted() -> None:
        cluster.kubernetes.remove("Node", "fra-1")
        cluster.kubernetes.compact()

    with watching(cluster):
        job_number(cluster, 1)
        follows(cluster)
        changed = change_unseen(cluster, streams, ended, compacted)
        job = job_number(cluster, 2)
    assert words(job) == ANEW
    assert version_in(job) >= changed


def test_a_stream_refused_with_410_loses_no_change(cluster: World) -> None:
    """When a stream is refused with 410, the nodes are listed again and the next change makes a Job."""
    streams = spoilable(cluster)
    streams.refusal = Response(410, json.dumps(refusal(410, "Expired")).encode())
    with watching(cluster):
        assert wait_until(lambda: answered(cluster, "list nodes", 200) == 2)
        follows(cluster)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        version = int(changed["metadata"]["resourceVersion"])
        assert wait_until(lambda: any(version_in(job) >= version for job in jobs(cluster)), 60)


def test_a_restart_of_the_api_server_loses_no_change(cluster: World) -> None:
    """A change during a restart of the API server makes a Job afterwards, and the watcher keeps running."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        cluster.cluster.refuse()
        assert wait_until(lambda: any("unreachable" in said for said in watcher.said), 30)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        cluster.cluster.listen()
        job = job_number(cluster, 2)
        assert watcher.process.poll() is None
    assert version_in(job) >= int(changed["metadata"]["resourceVersion"])


def test_an_outage_while_a_job_is_due_does_not_lose_it(cluster: World) -> None:
    """A Job whose creation is refused three times with 503 is made in the end."""
    cluster.cluster.fail(Fault("unavailable", "create jobs", first=2, last=4))
    with watching(cluster):
        job_number(cluster, 1)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        job = job_number(cluster, 2)
    assert version_in(job) == int(changed["metadata"]["resourceVersion"])


def test_a_job_whose_answer_is_lost_is_not_made_twice(cluster: World) -> None:
    """A Job whose creation was answered by a lost connection is found to exist, and there is one Job."""
    cluster.cluster.fail(Fault("applied then dropped", "create jobs", last=1))
    with watching(cluster) as watcher:
        assert wait_until(lambda: any("is there already" in line for line in watcher.said))
        assert answered(cluster, "create jobs", 409) == 1
        (error,) = watcher.errors
    assert "no sync Job from CronJob default/sync" in error
    stored = [each for each in cluster.kubernetes.store if each.resource.kind == "Job"]
    assert len(stored) == 1


def test_an_api_server_that_is_not_there_yet_is_waited_for(world: World) -> None:
    """A watcher that starts before the API server waits for it, then makes its first Job.

    After a power cut everything starts at once.
    """
    world.kubernetes.put(cronjob())
    world.cluster.refuse()
    with watching(world) as watcher:
        assert wait_until(lambda: any("unreachable" in said for said in watcher.said), 30)
        world.cluster.listen()
        assert words(job_number(world, 1)) in {STARTED, ANEW}
