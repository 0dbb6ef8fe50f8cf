"""Runs of sync-once that overlap, fail and are killed while nodes change, compared with the model at quiet moments."""

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.proofs.soak import model
from tests.proofs.soak.checks import CheckedZones
from tests.proofs.soak.destinations import Destination, HostedZones, Objects
from tests.proofs.soak.model import Deviation
from tests.proofs.soak.nodes import Nodes
from tests.proofs.soak.setups import DOMAINS, of_seed
from tests.sandbox.server import Call, Fault, FaultKind, wait_until
from tests.sandbox.world import Finished, World
from tests.support import forks
from tests.support.sync_runs import forget

WEIGHTS: dict[FaultKind, int] = {
    "throttled": 12,
    "unavailable": 12,
    "reset": 12,
    "refused": 8,
    "malformed": 8,
    "empty": 8,
    "slow": 8,
    "applied then dropped": 16,
    "applied then silent": 1,  # costs as long as an answer is waited for
    "access denied": 4,
    "expired token": 4,
}
OPERATIONS = ("*", "list nodes", "list leases", "create events")
"""What may go wrong wherever the runs publish to."""
KILL, CHANGE, MEDDLE = 0.02, 0.15, 0.03
"""How likely it is, at each call, that one of the runs is killed, that a node changes, and that somebody meddles."""
BROKEN = 0.3
"""How likely it is, at a quiet moment, that something is wrong with health checks."""
LATER, MUCH_LATER, TAKEN_OFF = 0.2, 0.5, 0.6
"""Below which chance some or much time passes for health checks then, or all are taken off."""


@dataclass
class Figures:
    """What has happened."""

    runs: int = 0
    quiet: int = 0
    kills: int = 0
    changes: int = 0
    meddled: int = 0
    writes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Tell it, a figure a line."""
        faults = ", ".join(f"{kind} {count:,}" for kind, count in self.faults.most_common())
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        return "\n".join(
            (
                f"runs: {self.runs:,}, and one more at each of {self.quiet:,} quiet moments",
                f"exit statuses: {statuses}",
                f"calls that went wrong: {self.faults.total():,} ({faults})",
                f"runs killed: {self.kills:,}",
                f"changes of nodes: {self.changes:,}",
                f"interferences where the runs publish to: {self.meddled:,}",
                f"writes applied: {self.writes:,}",
            )
        )


class Soak:
    """One world and what happens in it.

    The seed fixes what is drawn, not what the runs, which are processes, make of it.
    """

    def __init__(self, world: World, seed: int) -> None:
        """Fill the world."""
        self.figures = Figures()
        self.setup = of_seed(seed)
        self._world, self._chance = world, random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        of_records = CheckedZones if self.setup.checked else HostedZones
        self._destination: Destination = Objects(world) if self.setup.to_object else of_records(world)
        forget(world)
        self._nodes = Nodes(world, self._chance)
        self._live: list[forks.Forked] = []

    def rounds(self, runs: int, *, enough: Callable[[Figures], bool] = lambda _: False) -> None:
        """Let so many runs overlap in small groups, or until there were `enough`; compare whenever all is quiet."""
        self._compare()
        while self.figures.runs < runs and not enough(self.figures):
            for _ in range(self._chance.randint(1, 3)):
                self._group()
            self._compare()

    def _group(self) -> None:
        """Let two to four runs overlap, with trouble."""
        self._set_faults()
        self._world.dns.before = self._world.cluster.before = self._happen
        count = self._chance.randint(2, 4)
        self._live = [forks.start(self._world, *self._drawn_command()) for _ in range(count)]
        for run in list(self._live):
            finished = run.finish(60)
            self._judge(finished)
            self.figures.runs += 1
            self.figures.statuses[finished.returncode] += 1
        self._live = []

    def _drawn_command(self) -> tuple[str, ...]:
        domains = self._chance.sample(sorted(DOMAINS), self._chance.choice((1, 3, 3)))
        wait = () if self.setup.to_object else ("--wait",)
        more = self._chance.choice(((), (), (), wait, ("--dry-run",)))
        seconds = self._chance.choice(("20", "40")) if self.setup.checked else "20"  # in 20 no check is made
        return _command(domains, *self.setup.options, "--timeout", seconds, *more)

    def _set_faults(self) -> None:
        for _ in range(self._chance.randint(0, 5)):
            (kind,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            operation = self._chance.choice((*self._destination.operations, *OPERATIONS))
            first = self._chance.randint(1, 5)
            seconds = 15.0 if kind == "applied then silent" else self._chance.uniform(0.05, 1.5)
            fault = Fault(kind, operation, first, first + self._chance.choice((0, 0, 1, 4)), seconds)
            (self._world.dns if operation.strip("*")[:1].isupper() else self._world.cluster).fail(fault)

    def _happen(self, call: Call) -> None:
        """Let something happen at a call, before it is processed."""
        with self._lock:
            self._destination.witness(call)
            if self._chance.random() < CHANGE:
                self.figures.changes += 1
                self._nodes.change()
            if self._chance.random() < MEDDLE:
                self.figures.meddled += self._destination.meddle(self._chance)
            alive = [run for run in self._live if run.returncode is None]
            if alive and self._chance.random() < KILL:
                self._chance.choice(alive).send_signal(9)

    def _judge(self, finished: Finished) -> None:
        """Hold a run to what every run must keep."""
        self.figures.kills += finished.returncode == -9
        if finished.returncode not in {0, 1, 2, 3, -9}:
            raise Deviation(f"a run has ended with {finished.returncode}:\n{finished.stderr}")
        if re.search("Traceback|unexpected", finished.stderr):
            raise Deviation(f"a defect:\n{finished.stderr}")
        if finished.returncode == 2 and not re.search("cannot |access denied", finished.stderr):
            raise Deviation(f"misconfigured, it says:\n{finished.stderr}")

    def _compare(self) -> None:
        """When all is quiet, let one run do what is left; hold what is shown, and all that was done, to the model."""
        self._calm()
        if isinstance(self._destination, CheckedZones):
            self._run_without_checks(self._destination)
            self._run_alone(*self.setup.options)
            self._destination.check_sets()
            self._let_time_pass(self._destination)
        else:
            self._run_alone(*self.setup.options)
        self.figures.writes += self._destination.check()
        forget(self._world)
        self.figures.quiet += 1

    def _calm(self) -> None:
        """Heal everything and wait until no request is under way."""
        world = self._world
        world.dns.before = world.cluster.before = self._destination.witness
        for server in (world.dns, world.cluster):
            self.figures.faults += Counter(call.fault.kind for call in server.calls if call.fault)
            server.heal()
            server.listen()
            if not wait_until(lambda server=server: all(call.over for call in server.calls), 30):  # type: ignore[misc]
                raise Deviation("a request never ends")
        self._nodes.renew_leases()

    def _run_alone(self, *options: str, in_order: Callable[[], bool] = lambda: True) -> None:
        """Let a run do what is left; unless something is out of order, its exit status says that all is right."""
        asked = self.setup.request
        seen = model.conclusion(self._world, asked)
        wanted = {domain: model.expected(asked, domain, self._destination.shown(domain), seen) for domain in DOMAINS}
        finished = forks.run(self._world, *_command(DOMAINS, *options))
        statuses = {3 if any(refused for _, refused in wanted.values()) else 0} if in_order() else {1, 2}
        if finished.returncode not in statuses:
            raise Deviation(f"the quiet run has ended with {finished.returncode}, not {statuses}:\n{finished.stderr}")
        for domain, (sets, _) in wanted.items():
            if (shown := self._destination.shown(domain)) != sets:
                words = f"{domain} shows {sorted(map(str, shown))}, not {sorted(map(str, sets))}"
                raise Deviation(f"{words}:\n{finished.stderr}")

    def _run_without_checks(self, zones: CheckedZones) -> None:
        """Let nodes change while something is wrong with health checks: the addresses are right all the same."""
        if self._chance.random() < BROKEN:
            for _ in range(4):
                self._nodes.change()
            self._nodes.renew_leases()
            calls = self._world.dns.calls
            before = len(calls)
            zones.break_for_good(self._chance)
            self._run_alone(*self.setup.options, in_order=lambda: not zones.has_broken(calls[before:]))
            zones.mend()

    def _let_time_pass(self, zones: CheckedZones) -> None:
        """Let no, some or much time pass, after which no check is left that nothing needs; or let all be taken off."""
        what = self._chance.random()
        written = len(self._world.route53.history)
        if what < LATER:
            zones.age(2400)  # too old to be given to a record set, and too young to be deleted
        elif what < MUCH_LATER:
            zones.age(7200)
            self._run_alone(*self.setup.options)
            zones.check_none_left(in_use=True)
            if len(self._world.route53.history) > written:
                raise Deviation("two runs in a row write, though nothing has changed")
        elif what < TAKEN_OFF:
            self._run_alone(*self.setup._replace(checked=False).options, "--health-check", "none")
            zones.check_none_left(in_use=False)


def _command(domains: Iterable[str], *options: str) -> tuple[str, ...]:
    return ("sync-once", *(word for each in domains for word in ("--domain", each)), *options)


@contextmanager
def soaked(seed: int) -> Iterator[Soak]:
    """Make a world in which all clocks stand still, so that ages are exact, and what happens in it."""
    moment = 1_800_000_000.0 + seed
    with World(clock=lambda: moment) as world:
        world.change = f"stand_still({moment})"
        yield Soak(world, seed)
