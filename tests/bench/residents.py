"""What stays running, at rest and under load: the wrapper on every node, the watcher, and the alternatives."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.figures import Resident
from tests.bench.programs import Program
from tests.bench.scenes import OURS, SELECTOR, Scene, name_of
from tests.sandbox.server import wait_until
from tests.sandbox.world import PROGRAM
from tests.support.large_clusters import beat, cpu_seconds, kilobytes
from tests.support.processes import children
from tests.support.watching import Watcher, follows, job_number, started
from tests.support.wrapping import Wrapper, commands

MINUTE = 60.0
PATIENCE_SECONDS = 90.0
WATCH = "`watch`"


def wrapper() -> Resident:
    """Measure what a node holds between two runs of annotate-once, with a stand-in for the run."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        held = Wrapper(Path(folder))
        try:
            process = held.start("succeeds")
            assert wait_until(lambda: bool(held.lines("runs")) and commands(children(process)) == ["sleep"])
            pids = (process.pid, *children(process))
            megabytes, cpu = sum(map(_megabytes, pids)), sum(map(cpu_seconds, pids))
        finally:
            held.end()
    return Resident("a node between two annotate runs: a shell and its sleep", None, megabytes, cpu, 0)


def at_rest(
    scenes: Sequence[Scene], chosen: Sequence[Program], inside: Sequence[str], seconds: float
) -> Iterator[Resident]:
    """Let a watcher in its pod, and each alternative that stays, be in each scene for a while, all at the same time."""
    with contextlib.ExitStack() as stack:
        found = [(WATCH, scene, stack.enter_context(_watching(scene, inside)).process.pid) for scene in scenes]
        for program in chosen:
            if program.stays:
                usual = [scene for scene in scenes if not scene.size.options]
                found += [(program.name, scene, stack.enter_context(_staying(scene, program))) for scene in usual]
        time.sleep(seconds / 10)  # for the first look to be over
        before = [(cpu_seconds(pid), _asked(by, scene)) for by, scene, pid in found]
        time.sleep(seconds)
        for (by, scene, pid), (cpu, asked) in zip(found, before, strict=True):
            spent, requests = cpu_seconds(pid) - cpu, _asked(by, scene) - asked
            scale = MINUTE / seconds
            yield Resident(by, scene.size, _megabytes(pid), spent * scale, round(requests * scale))


def under_heartbeats(scene: Scene, inside: Sequence[str], count: int) -> str:
    """Show a watcher the heartbeats of a cluster, and then a change, which shows that it has seen all of them."""
    with _watching(scene, inside) as watcher:
        _noticed(scene, watcher, "False")
        pid = watcher.process.pid
        cpu, resident = cpu_seconds(pid), _megabytes(pid)
        for number in range(count):
            beat(scene.world, name_of(number % (scene.size.nodes - 1) + 1), number)
        _noticed(scene, watcher, "True")
        cpu, resident = cpu_seconds(pid) - cpu, _megabytes(pid) - resident
    return f"{count:,} heartbeats of nodes cost `watch` {cpu:.1f} s of CPU, and {resident:.1f} MB stay."


def _asked(by: str, scene: Scene) -> int:
    """Count the requests to Kubernetes so far of ours, or of all others."""
    calls = list(scene.world.cluster.calls)
    ours = sum(call.request.headers.get("User-Agent", "") == OURS for call in calls)
    return ours if by == WATCH else len(calls) - ours


@contextlib.contextmanager
def _watching(scene: Scene, inside: Sequence[str]) -> Iterator[Watcher]:
    scene.world.cluster.calls.clear()
    common = ("--cronjob", "sync", "--namespace", "default", "--node-label-selector", SELECTOR, "--min-interval", "1")
    options = scene.size.options
    with started(scene.environment(OURS), *common, *options, command=[*inside, *PROGRAM]) as watcher:
        job_number(scene.world, 1, PATIENCE_SECONDS)
        follows(scene.world)
        yield watcher


@contextlib.contextmanager
def _staying(scene: Scene, program: Program) -> Iterator[int]:
    assert program.stays
    nowhere = subprocess.DEVNULL
    command, environment = program.stays(scene), scene.environment(program.name)
    with subprocess.Popen(command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere) as process:
        try:
            account = scene.account(program.name)
            wait_until(lambda: "ListResourceRecordSets" in account.server.operations(), PATIENCE_SECONDS)
            yield process.pid
        finally:
            process.kill()


def _noticed(scene: Scene, watcher: Watcher, ready: str) -> None:
    before = len(watcher.changes)
    scene.kubernetes.set_ready(name_of(0), ready)
    assert wait_until(lambda: len(watcher.changes) > before, PATIENCE_SECONDS), watcher.said


def _megabytes(pid: int) -> float:
    return kilobytes(pid, "VmRSS") * 1024 / 1e6
