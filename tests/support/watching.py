"""The watcher as a process: how it is started, what it logs, the Jobs it makes, and streams of nodes that go wrong."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from tests.sandbox.kubernetes import Kubernetes
from tests.sandbox.server import Call, FaultKind, Request, Response, wait_until
from tests.sandbox.world import PREFIX, PROGRAM, World
from tests.support import forks
from tests.support.large_clusters import kilobytes
from tests.support.processes import start

Json: TypeAlias = dict[str, Any]
Spoil: TypeAlias = Callable[[], Iterable[bytes]]
"""What comes instead of the rest of a stream: lines, or an exception that cuts the connection."""

CHANGE = f"{PREFIX}change"
STARTED = "the watcher has started"
ANEW = "the nodes were listed again after a gap"


class Watcher:
    """A running watcher."""

    def __init__(self, process: "subprocess.Popen[str] | forks.Forked") -> None:
        """Read along what it logs."""
        self.process = process
        self.said: list[str] = process.err_lines if isinstance(process, forks.Forked) else []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def errors(self) -> list[str]:
        """The error lines so far."""
        return [line for line in self.said if line.startswith("error: ")]

    @property
    def warnings(self) -> list[str]:
        """The warnings so far."""
        return [line for line in self.said if line.startswith("warning: ")]

    @property
    def changes(self) -> list[str]:
        """The changes it has noticed so far, in words."""
        begin = "info: changed: "
        return [line.removeprefix(begin) for line in self.said if line.startswith(begin)]

    def ends(self, seconds: float = 20) -> int:
        """Wait for the end; give the exit status."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        return status

    def kilobytes(self, figure: str) -> int:
        """Read a figure of the process's memory: VmRSS is what it has now, VmHWM the most it ever had."""
        return kilobytes(self.process.pid, figure)

    def _read(self) -> None:
        if not isinstance(self.process, forks.Forked) and self.process.stderr is not None:
            with self.process.stderr as stream:
                self.said.extend(iter(stream))

    def close(self) -> None:
        """End it if it has not ended."""
        self.process.terminate()
        try:
            self.ends()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.ends()


@contextlib.contextmanager
def following(process: "subprocess.Popen[str] | forks.Forked") -> Iterator[Watcher]:
    """Read along what a watcher logs while the context lasts, and end it with that."""
    watcher = Watcher(process)
    try:
        yield watcher
    except BaseException as error:
        error.add_note(f"exit status {watcher.process.poll()}; the watcher said:\n{''.join(watcher.said)}")
        raise
    finally:
        watcher.close()


def started(
    environment: Mapping[str, str], *options: str, command: Sequence[str] = PROGRAM
) -> contextlib.AbstractContextManager[Watcher]:
    """Run a watcher as its users do: the command that is given, the console script by default."""
    return following(start([*command, "watch", *options], environment, stdout=subprocess.DEVNULL))


OPTIONS = ("--cronjob", "sync", "--namespace", "default", "--min-interval", "1")
"""Make Jobs from the CronJob `sync`, one a second at the most."""


def watching(
    world: World, *options: str, interval: int = 1, change: str = ""
) -> contextlib.AbstractContextManager[Watcher]:
    """Run a watcher that makes Jobs from the CronJob `sync`, and from those that `options` name, as a fork."""
    common = (*OPTIONS[:-1], str(interval))
    return following(forks.start(world, "watch", *common, *options, change=change))


def cronjob(name: str = "sync", *, suspend: bool = False, template: Json | None = None) -> Json:
    """Build a CronJob; `template` is the metadata of its Jobs."""
    container = {"name": "sync", "image": "registry.example/kube-node-dns:1", "args": ["sync-once"]}
    pod = {"metadata": {"labels": {"app": "sync"}}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    job = {"metadata": template or {}, "spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 600, "template": pod}}
    spec = {"schedule": "* * * * *", "suspend": suspend, "jobTemplate": job}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}


def populated(world: World) -> World:
    """Put two nodes and a CronJob into a world."""
    world.node("fra-1", "5.75.128.10", "50.11,8.68", boot_id="boot-1")
    world.node("nyc-1", "5.161.40.7", "40.71,-74.01")
    world.kubernetes.put(cronjob())
    return world


FOUR = ("fra-1", "nyc-1", "sgp-1", "syd-1")


def four_nodes(world: World) -> World:
    """Put four nodes and a CronJob into a world."""
    world.node("sgp-1", "5.223.50.3", "1.35,103.82")
    world.node("syd-1", "5.223.60.4", "-33.87,151.21")
    return populated(world)


class Kubelets:
    """The kubelets of a world's nodes: each has renewed its Lease when the Leases are listed, unless it is silent.

    That is so many seconds ago then; some may do it at another API server, whose clock is `ahead`.
    """

    def __init__(
        self, world: World, *nodes: str, age_seconds: float = 0, ahead: Mapping[str, float] | None = None
    ) -> None:
        """Begin with renewed Leases; note when the API server was asked for what."""
        self._world = world
        self._nodes = set(nodes)
        self._age_seconds, self._ahead = age_seconds, ahead or {}
        self.asked: list[tuple[str, float]] = []
        """Each operation with the time of the day, in the order they came."""
        self._renew()
        world.cluster.before = self._note

    def silence(self, *nodes: str, age_seconds: float = 31) -> None:
        """Let some nodes renew their Lease no more, since so many seconds."""
        with self._world.kubernetes.store.changed:  # nobody sees some of them silent and others not yet
            self._nodes -= set(nodes)
            for node in nodes:
                self._world.kubernetes.renew_lease(node, age_seconds=age_seconds)

    def wake(self, *nodes: str) -> None:
        """Let some nodes renew their Lease again."""
        with self._world.kubernetes.store.changed:
            self._nodes |= set(nodes)

    def times(self, operation: str) -> list[float]:
        """Give the times at which an operation was asked for."""
        return [moment for asked, moment in list(self.asked) if asked == operation]

    def looked(self, times: int = 2, operation: str = "list leases") -> None:
        """Wait until the watcher has looked so many times more; all but the last look it has judged by then."""
        enough = len(self.times(operation)) + times
        assert wait_until(lambda: len(self.times(operation)) >= enough, 60), self.asked

    def _note(self, call: Call) -> None:
        if call.operation == "list leases":
            self._renew()
        self.asked.append((call.operation, time.time()))

    def _renew(self) -> None:
        with self._world.kubernetes.store.changed:
            for node in self._nodes:
                ahead = self._ahead.get(node, 0)
                self._world.kubernetes.renew_lease(node, age_seconds=self._age_seconds, ahead_seconds=ahead)


def jobs(world: World) -> list[Json]:
    """Give the Jobs created so far, as they were sent, in that order."""
    return [
        json.loads(call.request.body)
        for call in list(world.cluster.calls)
        if (call.operation, call.status) == ("create jobs", 201)
    ]


def names(world: World) -> list[str]:
    """Name the Jobs created so far."""
    return [str(job["metadata"]["name"]) for job in jobs(world)]


def words(job: Json) -> str:
    """Give the change for which a Job was made."""
    return str(job["metadata"]["annotations"][CHANGE])


def version_in(job: Json) -> int:
    """Read the resourceVersion that a Job is named after."""
    return int(job["metadata"]["name"].rpartition("-")[2])


def job_number(world: World, count: int, seconds: float = 60) -> Json:
    """Wait until so many Jobs have been created; give the last of them."""
    assert wait_until(lambda: len(jobs(world)) >= count, seconds), [words(job) for job in jobs(world)]
    return jobs(world)[count - 1]


def follows(world: World, streams: int = 1) -> None:
    """Wait until so many streams of nodes have been opened."""
    assert wait_until(lambda: answered(world, "watch nodes", 200) >= streams, 60), world.cluster.operations()


def answered(world: World, operation: str, status: int) -> int:
    """Count the calls of an operation that got this answer."""
    calls = list(world.cluster.calls)
    return sum((call.operation, call.status) == (operation, status) for call in calls)


def settled(world: World) -> int:
    """Count the Jobs that were created or were there already."""
    return sum(answered(world, "create jobs", status) for status in (201, 409))


class Streams:
    """The cluster's API, where the stream of nodes that is open can be spoiled, and the next one refused."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        """Behave like the cluster until told otherwise."""
        self._kubernetes = kubernetes
        self._spoil: Spoil | None = None
        self.refusal: Response | None = None
        """The answer to the next request for a stream."""

    def spoil(self, how: Spoil) -> None:
        """Cut the open stream off and send something else, once."""
        self._spoil = how

    def operation(self, request: Request) -> str:
        """Name the operation a request asks for."""
        return self._kubernetes.operation(request)

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Fail as the cluster does."""
        return self._kubernetes.failure(kind, request)

    def answer(self, request: Request) -> Response:
        """Answer as the cluster does, but for a stream that is refused or spoiled."""
        if self.operation(request) != "watch nodes":
            return self._kubernetes.answer(request)
        refusal, self.refusal = self.refusal, None
        if refusal is not None:
            return refusal
        response = self._kubernetes.answer(request)
        return response if isinstance(response.body, bytes) else Response(200, self._until_spoiled(response.body))

    def _until_spoiled(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            how, self._spoil = self._spoil, None
            if how is not None:
                yield from how()
                return
            yield line


def spoilable(world: World) -> Streams:
    """Put a world's API behind `Streams`."""
    streams = Streams(world.kubernetes)
    world.cluster.service = streams
    return streams


def cut(*lines: bytes) -> Spoil:
    """Cut the connection after some lines."""

    def ending() -> Iterator[bytes]:
        yield from lines
        raise ConnectionResetError

    return ending
