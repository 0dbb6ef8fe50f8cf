"""A run that is told to end, or suspended, at each of its calls: DNS is what it was or what it should be."""

import signal
import threading
import time
from dataclasses import dataclass

import pytest

from tests.proofs.faults.positions import Position, check_all
from tests.proofs.faults.sample import sample
from tests.proofs.faults.syncing import (
    SCENARIOS,
    WITHDRAWS,
    Scenario,
    at_sgp,
    positions,
    prepared,
)
from tests.sandbox.server import wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.journal import NODES, Journal, check_history
from tests.support.sync_runs import FRA_4, Gate, answers, at_nyc, ends, others, returns

SUSPENDED_SECONDS = 11.0
"""Longer than a plan is fresh, and than either service is waited for."""


def held(world: World, position: Position, *command: str) -> tuple[forks.Forked, Gate]:
    """Start a run and hold it at a call, which is not processed before the gate is opened."""
    gate = Gate(position.server(world), position.operation, position.number)
    run = forks.start(world, *command)
    gate.reached()
    return run, gate


@dataclass(frozen=True)
class Ended:
    """A run that gets a signal at a call."""

    scenario: Scenario
    position: Position
    number: signal.Signals

    def __str__(self) -> str:
        """Name it."""
        return f"{self.scenario.name}, {self.number.name} at {self.position}"

    def check(self) -> None:
        """End it; its last request may yet be processed. Then the next run puts right what is left."""
        with prepared(self.scenario) as (world, zone, wanted, command):
            before, foreign = self.scenario.shown(world, zone), others(world, zone)
            run, gate = held(world, self.position, *command)
            run.send_signal(self.number)
            finished = run.finish(20)
            gate.open()
            expected = -9 if self.number == signal.SIGKILL else 128 + self.number
            assert finished.returncode == expected, finished.stderr
            assert "Traceback" not in finished.stderr, finished.stderr
            assert self.scenario.shown(world, zone) in (before, wanted)
            again = forks.run(world, *command)
            assert again.returncode == 0, again.stderr
            assert self.scenario.shown(world, zone) == wanted
            assert others(world, zone) == foreign
            check_history(world)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda each: each.name)
def test_a_signal_at_a_call_ends_the_run_at_once(scenario: Scenario, number: signal.Signals) -> None:
    """A signal at any call ends the run, DNS is as before or as wanted, and the next run does the rest."""
    found = positions(scenario)
    count = len(found) if number == signal.SIGTERM and scenario is WITHDRAWS else 4
    check_all([Ended(scenario, position, number) for position in sample(found, count)])


@dataclass(frozen=True)
class Suspended:
    """A run that is suspended at a call, as by closing a laptop, while a node comes back and another one fails."""

    position: Position

    def __str__(self) -> str:
        """Name it."""
        return f"suspended at {self.position}"

    def check(self) -> None:
        """Let it go on when its plan is too old: it looks again, unless there was nothing left to do.

        The plan before and the plan after are opposites: one withdraws the node that the other brings back.
        """
        moment = time.time()  # it stands still: no kubelet renews a Lease while the run is suspended
        with prepared(WITHDRAWS, lambda: moment) as (world, zone, wanted, command):
            gate = Gate(self.position.server(world), self.position.operation, self.position.number)
            journal = Journal(world)
            journal.disturb = gate.hold
            run = forks.start(world, *command)
            gate.reached()
            run.send_signal(signal.SIGSTOP)
            seen = len(journal.calls)
            gate.open()
            assert wait_until(lambda: journal.calls[seen - 1].over)
            awake = threading.Timer(SUSPENDED_SECONDS, run.send_signal, [signal.SIGCONT])
            awake.start()
            written = len(world.route53.history)
            returns(world, "sgp-1")
            ends(world, "fra-1")
            finished = run.finish(90)
            assert finished.returncode == 0, finished.stderr
            lists = [call for call in journal.calls[seen:] if call.operation == NODES]
            looked_again = any("continue" not in call.request.query for call in lists)  # a page more shows what was
            assert answers(world, zone) == ({**at_nyc(), **at_sgp()} if looked_again else wanted), finished.stderr
            created = [change for batch in world.route53.history[written:] for change in batch.changes]
            stale = [change for change in created if change["Action"] == "CREATE" and FRA_4 in str(change)]
            assert not stale, "an old plan was applied"
            journal.check()
            check_history(world)


def test_a_run_that_was_suspended_applies_no_old_plan() -> None:
    """A run that was suspended between looking and writing looks again.

    A laptop that was closed brings back no node that failed meanwhile.
    """
    check_all([Suspended(position) for position in positions(WITHDRAWS)], at_once=32)
