"""The API server's clock is set right or wrong while a run is under way: no node is taken for silent, or for well."""

import time
from dataclasses import dataclass

from tests.proofs.faults.positions import Position, check_all
from tests.proofs.faults.sample import sample
from tests.proofs.faults.syncing import WITHDRAWS, positions, prepared
from tests.sandbox.server import Call
from tests.support import forks
from tests.support.journal import Journal, check_history
from tests.support.sync_runs import answers

DAY = 86_400.0


@dataclass(frozen=True)
class Jump:
    """A run in which the API server's clock jumps just before a call is processed."""

    position: Position
    days: float

    def __str__(self) -> str:
        """Name it."""
        return f"{self.days:+} days at {self.position}"

    def check(self) -> None:
        """Expect the run to do what it would have done."""
        offset = [0.0]
        with prepared(WITHDRAWS, lambda: time.time() + offset[0]) as (world, zone, wanted, command):
            journal = Journal(world)

            def jump(call: Call) -> None:
                if (call.operation, call.number) == (self.position.operation, self.position.number):
                    offset[0] = self.days * DAY

            journal.disturb = jump
            finished = forks.run(world, *command)
            assert finished.returncode == 0, finished.stderr
            assert offset[0], "the clock has not jumped"
            assert answers(world, zone) == wanted, finished.stderr
            check_history(world)


def test_a_clock_that_jumps_takes_no_node_out() -> None:
    """A clock of the API server that jumps between two calls takes no node out."""
    found = [each for each in positions(WITHDRAWS) if " " in each.operation]
    check_all([Jump(position, days) for position, days in sample([(p, d) for p in found for d in (3.0, -3.0)], 10)])
