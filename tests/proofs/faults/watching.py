"""watch under faults: a watcher to whom a node's failure happens in the meantime."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.proofs.faults.positions import Position, recorded, small_pages
from tests.proofs.faults.syncing import SERVICE, three_places
from tests.sandbox.server import FaultKind, wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.sync_runs import breaks
from tests.support.watching import cronjob, follows, job_number, jobs, version_in

WATCH = ("watch", "--cronjob", "sync", "--namespace", "default", "--min-interval", "1", "--ready-service", SERVICE)
IMPATIENT = f"""
from jobs.edges import responses, cluster, transport
{forks.HASTY}
transport.READ_SECONDS = responses.RESPONSE_SECONDS = cluster.SILENCE_SECONDS = 3.0
"""
"""Waits a quarter of a second where the program waits for longer, and three where it waits for an answer."""


@contextmanager
def watching() -> Iterator[tuple[World, Callable[[], forks.Forked]]]:
    """Make a world to watch, and give what starts the watcher; it ends with the context, on SIGTERM."""
    runs: list[forks.Forked] = []
    with World() as world:
        three_places(world)
        world.kubernetes.put(cronjob())

        def start() -> forks.Forked:
            runs.append(forks.start(world, *WATCH, change=IMPATIENT))
            return runs[-1]

        try:
            yield world, start
        finally:
            for run in runs:
                run.send_signal(15)
                finished = run.finish(30)
        assert finished.returncode == 143, finished.stderr
        assert all(re.match("(info|warning|error): ", line) for line in run.said), finished.stderr


def change_arrives(world: World) -> None:
    """Let a node fail and wait for a Job that was made when this was known."""
    changed = breaks(world, "fra-1")
    assert wait_until(lambda: any(version_in(job) >= changed for job in jobs(world)), 60), "the change was lost"


def positions() -> list[Position]:
    """Record the calls of a watcher that sees one change: each operation's first and, where there is one, second."""
    with watching() as (world, start):
        small_pages(world)
        start()
        job_number(world, 1)
        follows(world)
        change_arrives(world)
        assert wait_until(lambda: world.cluster.operations().count("list endpointslices") > 1, 30)
        return [each for each in recorded(world) if each.number <= 2]


@dataclass(frozen=True)
class WatchCase:
    """A watcher one call of which goes wrong, once or for a while."""

    position: Position
    kind: FaultKind
    lasting: bool

    def __str__(self) -> str:
        """Name it."""
        return f"watch, {self.kind}{' for a while' * self.lasting} at {self.position}"

    def check(self) -> None:
        """Let a node fail in the meantime: it gets its Job, nothing is done twice, and the watcher is still there."""
        with watching() as (world, start):
            small_pages(world)
            self.position.strike(world, self.kind, lasting=self.lasting)
            began = time.monotonic()
            run = start()
            if self.position.operation in {"get cronjobs", "create jobs"} and self.position.number > 1:
                job_number(world, 1)
            else:
                assert wait_until(lambda: self._calls(world) >= self.position.number, 30)
            changed = breaks(world, "fra-1")
            if self.lasting:
                assert wait_until(lambda: bool(_errors(run)) or self._calls(world) > self.position.number, 30)
                self.position.heal(world)
            assert wait_until(lambda: any(version_in(job) >= changed for job in jobs(world)), 60), run.said
            assert run.returncode is None
            minutes = 1 + (time.monotonic() - began) // 60
            assert len(_errors(run)) <= 3 * minutes, run.said  # of the nodes, their health, the Jobs: one a minute each
            kept = [each.value for each in world.kubernetes.store if each.resource.kind == "Job"]
            assert len({job["metadata"]["name"] for job in kept}) == len(kept) <= 3, "Jobs twice"

    def _calls(self, world: World) -> int:
        return world.cluster.operations().count(self.position.operation)


def _errors(run: forks.Forked) -> list[str]:
    return [line for line in run.said if line.startswith("error")]
