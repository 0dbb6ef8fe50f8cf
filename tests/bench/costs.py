"""What jobs cost: each is run as a process, again and again, all of them in turn and every time in another order."""

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from tests.bench.figures import ANNOTATE, CHANGE, NO_OP, PYTHON, START, Cost, largest
from tests.bench.launcher import Launcher, Usage
from tests.bench.network import INTERFACE
from tests.bench.programs import Program
from tests.bench.scenes import OURS, SELF, Scene, Size, address_of
from tests.sandbox.world import PROGRAM

Say = Callable[[str], object]
FEWEST = 3


class Failed(Exception):
    """A run did not do its job."""


@dataclass(frozen=True)
class Run:
    """What one process took, and asked for."""

    usage: Usage
    route53: Counter[str]
    kubernetes: Counter[str]


@dataclass
class Case:
    """A job in a scene, and its runs so far; this one does not touch DNS."""

    job: str
    by: str
    scene: Scene
    command: Sequence[str]
    runs: list[Run] = field(default_factory=list)
    remark: str = ""

    def run(self, launcher: Launcher) -> Run:
        """Run it once; raises Failed when it did not do its job."""
        return self._launched(launcher, lambda _pid: None)

    def _launched(self, launcher: Launcher, during: Callable[[int], object]) -> Run:
        scene = self.scene
        scene.forget(self.by)
        ended = launcher.run(self.command, scene.environment(self.by), during)
        if ended.status:
            last = (ended.said.splitlines() or ["nothing said"])[-1]
            raise Failed(f"exit status {ended.status}: {last[:300]}")
        asked = Counter(scene.account(self.by).server.operations())
        return Run(ended.usage, asked, Counter(scene.world.cluster.operations()))

    def cost(self) -> Cost:
        """Give what was measured."""
        usages = tuple(run.usage for run in self.runs)
        route53 = largest([run.route53 for run in self.runs])
        kubernetes = largest([run.kubernetes for run in self.runs])
        return Cost(self.job, self.by, self.scene.size, usages, route53, kubernetes, self.remark)


@dataclass
class Sync(Case):
    """A sync of nodes: DNS shows what it should afterwards, and is put back to what it was before."""

    program: Program = field(kw_only=True)

    def run(self, launcher: Launcher) -> Run:
        """Run it once; before a change, one of the nodes in DNS is cordoned."""
        account = self.scene.account(self.by)
        with self._change() if self.job == CHANGE else nullcontext():
            run = self._launched(launcher, self.program.during(account))
        stays = [address_of(0) in shown for shown in self.scene.shown(self.by)]
        account.restore()
        if any(stays) if self.job == CHANGE else not all(stays):
            raise Failed("DNS does not show what it should")
        return run

    @contextmanager
    def _change(self) -> Iterator[None]:
        self.scene.cordon(cordoned=True)
        try:
            yield
        finally:
            self.scene.cordon(cordoned=False)

    def settle(self, launcher: Launcher) -> None:
        """Let all nodes be published, unmeasured: every run then begins with that."""
        account, listed = self.scene.account(self.by), self.scene.size.listed
        self._launched(launcher, self.program.during(account))
        shown = [len(each) for each in self.scene.shown(self.by)]
        if any(count != listed for count in shown):
            raise Failed(f"it published {shown} of {listed} addresses")
        account.keep()


def cases(scenes: Sequence[Scene], chosen: Sequence[Program]) -> list[Case]:
    """Name everything there is to run: each program in each scene, the rest in a scene of the usual size.

    A change where it is drawn, and only ours with options of ours: time is short.
    """
    usual = next((scene for scene in scenes if scene.size == Size()), scenes[0])
    alone: list[Case] = [
        Case(PYTHON, PYTHON, usual, [sys.executable, "-c", ""]),
        Case(START, START, usual, [sys.executable, "-c", "import boto3; boto3.client('route53')"]),
        Case(ANNOTATE, OURS, usual, [*PROGRAM, "annotate-once", "--node-name", SELF, "--interface", INTERFACE]),
    ]
    syncs = [
        Sync(job, program.name, scene, program.command(scene), program=program)
        for scene in scenes
        for job in (NO_OP, CHANGE)[: 2 if scene.size == Size(scene.size.nodes, scene.size.record_sets) else 1]
        for program in (chosen[:1] if scene.size.options else chosen)
    ]
    return [*alone, *syncs]


def turns(repetitions: int | None, seconds: float) -> Iterator[int]:
    """Count the turns to take: as many as asked for, or as will fit into some seconds, but enough for a median."""
    began = time.monotonic()
    for number in itertools.count(1):
        taken = number - 1
        if repetitions is not None and taken >= repetitions:
            return
        if repetitions is None and taken >= FEWEST and (time.monotonic() - began) / taken * number > seconds:
            return
        yield number


def measured(found: Sequence[Case], taken: Iterable[int], launcher: Launcher, say: Say) -> list[Cost]:
    """Run everything once a turn; what fails once is not run again."""
    for case in found:
        if isinstance(case, Sync) and case.job == NO_OP:
            say(f"publishing: {case.by}, {case.scene.size}")
            with _noting(case):
                case.settle(launcher)
    _forgo_changes(found)
    for number in taken:
        say(f"costs: turn {number} of {len(found)} jobs")
        for case in random.sample(found, len(found)):
            if not case.remark:
                with _noting(case):
                    case.runs.append(case.run(launcher))
    return [case.cost() for case in found]


@contextmanager
def _noting(case: Case) -> Iterator[None]:
    """Let its row show that a job failed, and the others go on."""
    try:
        yield
    except Failed as error:
        case.remark, case.runs = f"FAILED: {error}", []


def _forgo_changes(found: Sequence[Case]) -> None:
    """Leave out changes by what has not even published the nodes."""
    failed = {(case.by, case.scene.size): case.remark for case in found if case.remark}
    for case in found:
        case.remark = failed.get((case.by, case.scene.size), case.remark)
