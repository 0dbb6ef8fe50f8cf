"""What stays running, at rest and under load: the wrapper on every node, the watcher, and the alternatives."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Measure
from tests.bench.programs import OURS, Program
from tests.bench.scenes import SELECTOR, Scene, name_of
from tests.sandbox.server import wait_until
from tests.support.large_clusters import beat, cpu_seconds, kilobytes
from tests.support.processes import children
from tests.support.watching import Watcher, follows, job_number, started
from tests.support.wrapping import Wrapper, commands

REST_SECONDS = 20.0
HEARTBEATS = 5_000
PATIENCE_SECONDS = 90.0
WATCH = f"{OURS} watch"
SETTLING_SECONDS = 5.0  # for the first look to be over


def wrapper() -> Measure:
    """Measure what a node holds between two runs of annotate-once, with a stand-in for the run."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        held = Wrapper(Path(folder))
        try:
            process = held.start("succeeds")
            assert wait_until(lambda: bool(held.lines("runs")) and commands(children(process)) == ["sleep"])
            resident = sum(_megabytes(pid, "VmRSS") for pid in (process.pid, *children(process)))
        finally:
            held.end()
    return Measure("a node between annotate runs: resident", OURS, "MB", (resident,), "a shell and its sleep")


@dataclass(frozen=True)
class Resident:
    """A process that stays, in a scene."""

    by: str
    scene: Scene
    pid: int

    def asked(self) -> int:
        """Count the requests to Kubernetes so far of all that use kube-node-dns's name."""
        calls = list(self.scene.world.cluster.calls)
        return sum(call.request.headers.get("User-Agent", "") == OURS for call in calls)


def at_rest(scenes: Sequence[Scene], chosen: Sequence[Program], seconds: float = REST_SECONDS) -> Iterator[Measure]:
    """Let a watcher, and each alternative, stay in each scene for a while, all at the same time."""
    with ExitStack() as stack:
        staying = [stack.enter_context(_watcher(scene)) for scene in scenes]
        for program in chosen:
            if command := program.stays:
                staying += [stack.enter_context(_alternative(scene, program, command)) for scene in scenes]
        time.sleep(SETTLING_SECONDS)
        before = [(cpu_seconds(each.pid), each.asked()) for each in staying]
        time.sleep(seconds)
        for each, (cpu, asked) in zip(staying, before, strict=True):
            what = f"at rest, {each.scene.size.nodes:,} nodes:"
            yield Measure(f"{what} resident", each.by, "MB", (_megabytes(each.pid, "VmRSS"),))
            yield Measure(f"{what} CPU", each.by, "s a minute", ((cpu_seconds(each.pid) - cpu) * 60 / seconds,))
            if each.by == WATCH:
                yield Measure(f"{what} requests", each.by, "a minute", ((each.asked() - asked) * 60 / seconds,))


@contextmanager
def _watcher(scene: Scene) -> Iterator[Resident]:
    with _watching(scene) as watcher:
        yield Resident(WATCH, scene, watcher.process.pid)


@contextmanager
def _watching(scene: Scene) -> Iterator[Watcher]:
    scene.world.cluster.calls.clear()
    options = ("--cronjob", "sync", "--namespace", "default", "--node-label-selector", SELECTOR)
    with started(scene.environment(OURS), *options, "--min-interval", "1") as watcher:
        job_number(scene.world, 1, PATIENCE_SECONDS)
        follows(scene.world)
        yield watcher


@contextmanager
def _alternative(scene: Scene, program: Program, command: Callable[[Scene], list[str]]) -> Iterator[Resident]:
    with staying(scene, program, command) as process:
        account = scene.account(program.name)
        wait_until(lambda: "ListResourceRecordSets" in account.server.operations(), PATIENCE_SECONDS)
        yield Resident(program.name, scene, process.pid)


@contextmanager
def staying(
    scene: Scene, program: Program, command: Callable[[Scene], list[str]]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run an alternative while the context lasts."""
    process = subprocess.Popen(
        command(scene),
        env=scene.environment(program.name),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def under_heartbeats(scene: Scene, count: int = HEARTBEATS) -> Iterator[Measure]:
    """Show a watcher the heartbeats of a cluster, and then a change, which shows that it has seen all of them."""
    with _watching(scene) as watcher:
        _noticed(scene, watcher, "False")
        cpu, resident = cpu_seconds(watcher.process.pid), _megabytes(watcher.process.pid, "VmRSS")
        for number in range(count):
            beat(scene.world, name_of(number % (scene.size.nodes - 1) + 1), number)
        _noticed(scene, watcher, "True")
        what = f"{count:,} heartbeats, {scene.size.nodes:,} nodes:"
        yield Measure(f"{what} CPU", WATCH, "s", (cpu_seconds(watcher.process.pid) - cpu,))
        yield Measure(f"{what} growth", WATCH, "MB", (_megabytes(watcher.process.pid, "VmRSS") - resident,))


def _noticed(scene: Scene, watcher: Watcher, ready: str) -> None:
    before = len(watcher.changes)
    scene.kubernetes.set_ready(name_of(0), ready)
    assert wait_until(lambda: len(watcher.changes) > before, PATIENCE_SECONDS), watcher.said


def _megabytes(pid: int, figure: str) -> float:
    return kilobytes(pid, figure) * 1024 / 1e6
