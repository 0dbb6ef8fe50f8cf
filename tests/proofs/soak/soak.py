"""Runs of sync-once that overlap, fail and are killed while nodes change, compared with the model at quiet moments."""

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.proofs.soak import model
from tests.proofs.soak.nodes import Nodes
from tests.sandbox.account import simple
from tests.sandbox.server import Call, Fault, FaultKind, wait_until
from tests.sandbox.world import Finished, World
from tests.support import forks
from tests.support.builders import evidence_settings, request
from tests.support.sync_runs import forget

DOMAINS = {"cdn.example.com": "example.com", "www.example.com": "example.com", "cdn.example.org": "example.org"}
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
OPERATIONS = ("ListHostedZonesByName", "List*", "Change*", "Change*", "*", "list nodes", "list leases", "create events")
KILL, CHANGE = 0.02, 0.15
"""How likely it is, at each call, that one of the runs is killed, and that a node changes."""


class Deviation(Exception):
    """Something is not as promised."""


@dataclass
class Figures:
    """What has happened."""

    runs: int = 0
    quiet: int = 0
    kills: int = 0
    changes: int = 0
    batches: int = 0
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
                f"batches applied: {self.batches:,}",
            )
        )


class Soak:
    """One world and what happens in it.

    The seed fixes what is drawn, not what the runs, which are processes, make of it.
    """

    def __init__(self, world: World, seed: int) -> None:
        """Fill the world."""
        self.figures = Figures()
        self._world, self._chance = world, random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self._zones = {name: world.route53.zone(name) for name in dict.fromkeys(DOMAINS.values())}
        for domain, zone in DOMAINS.items():
            foreign = simple(f"{domain}.", "TXT", '"theirs"'), simple(f"a.{domain}.", "A", "192.0.2.1")
            world.route53.put(self._zones[zone], *foreign)
        self._foreign = self._others()
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
        self._live = [forks.start(self._world, *self._command()) for _ in range(count)]
        for run in list(self._live):
            finished = run.finish(60)
            self._judge(finished)
            self.figures.runs += 1
            self.figures.statuses[finished.returncode] += 1
        self._live = []

    def _command(self) -> tuple[str, ...]:
        domains = self._chance.sample(sorted(DOMAINS), self._chance.choice((1, 3, 3)))
        more = self._chance.choice(((), (), (), ("--wait",), ("--dry-run",)))
        return ("sync-once", *(word for each in domains for word in ("--domain", each)), "--timeout", "20", *more)

    def _set_faults(self) -> None:
        for _ in range(self._chance.randint(0, 5)):
            (kind,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            operation, first = self._chance.choice(OPERATIONS), self._chance.randint(1, 5)
            seconds = 15.0 if kind == "applied then silent" else self._chance.uniform(0.05, 1.5)
            fault = Fault(kind, operation, first, first + self._chance.choice((0, 0, 1, 4)), seconds)
            (self._world.dns if operation[0].isupper() else self._world.cluster).fail(fault)

    def _happen(self, _: Call) -> None:
        """Let something happen at a call, before it is processed."""
        with self._lock:
            if self._chance.random() < CHANGE:
                self.figures.changes += 1
                self._nodes.change()
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
        """Heal everything, wait until no request is under way, let one run do what is left; hold DNS to the model."""
        world = self._world
        world.dns.before = world.cluster.before = lambda _call: None
        self._note_faults()
        for server in (world.dns, world.cluster):
            server.heal()
            server.listen()
            if not wait_until(lambda server=server: all(call.over for call in server.calls), 30):  # type: ignore[misc]
                raise Deviation("a request never ends")
        self._nodes.renew_leases()
        asked = request(domains=tuple(DOMAINS), evidence_settings=evidence_settings())
        seen = model.conclusion(world, asked.evidence_settings, asked.rules)
        wanted = {domain: model.expected(asked, domain, self._shown(domain), seen) for domain in DOMAINS}
        finished = forks.run(world, "sync-once", *(word for each in DOMAINS for word in ("--domain", each)))
        status = 3 if any(refused for _, refused in wanted.values()) else 0
        if finished.returncode != status:
            raise Deviation(f"the quiet run has ended with {finished.returncode}, not {status}:\n{finished.stderr}")
        for domain, (sets, _) in wanted.items():
            if self._shown(domain) != sets:
                raise Deviation(f"{domain} shows {sorted(map(str, self._shown(domain)))}, not {sorted(map(str, sets))}")
        self._check_history()
        self.figures.quiet += 1

    def _shown(self, domain: str) -> model.Shown:
        return model.record_sets(self._world, self._zones[DOMAINS[domain]], domain)

    def _check_history(self) -> None:
        """Look at each batch since the last quiet moment; a name that has been filled always answers."""
        if self._others() != self._foreign:
            raise Deviation("records of others are touched")
        for batch in self._world.route53.history:
            self.figures.batches += 1
            for change in batch.changes:
                changed = change["ResourceRecordSet"]
                if changed["Type"] not in {"A", "AAAA"} or changed["Name"].rstrip(".") not in DOMAINS:
                    raise Deviation(f"a record of others is touched: {change}")
                if change["Action"] not in {"DELETE", "CREATE"}:
                    raise Deviation(f"not a compare-and-swap: {change}")
            for name, sets in batch.after.items():
                if not any(each["Type"] in {"A", "AAAA"} for each in sets):
                    raise Deviation(f"{name} is left without an address by {batch.changes}")
        forget(self._world)

    def _note_faults(self) -> None:
        for server in (self._world.dns, self._world.cluster):
            self.figures.faults += Counter(call.fault.kind for call in server.calls if call.fault)

    def _others(self) -> list[dict[str, Any]]:
        found = [each for zone in self._zones.values() for each in self._world.route53.records(zone)]
        own = {f"{domain}." for domain in DOMAINS}
        return [each for each in found if each["Name"] not in own or each["Type"] not in {"A", "AAAA"}]


@contextmanager
def soaked(seed: int) -> Iterator[Soak]:
    """Make a world in which all clocks stand still, so that ages are exact, and what happens in it."""
    moment = 1_800_000_000.0 + seed
    with World(clock=lambda: moment) as world:
        world.change = f"stand_still({moment})"
        yield Soak(world, seed)
