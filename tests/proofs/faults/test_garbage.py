"""What servers should never send costs a run neither more memory than its pod has nor more time than it is given."""

import re
from dataclasses import dataclass

import pytest

from jobs.core.errors import TemporaryError
from jobs.edges import cluster_schema as kinds
from jobs.edges import responses
from jobs.edges.api_server import ApiServer
from jobs.edges.clock import Clock
from tests.proofs.faults.garbage import ENDLESS_IN_TIME, OF_KUBERNETES, OF_RECORDS, OF_ZONES, Garbage
from tests.proofs.faults.positions import Position, SmallPages, check_all
from tests.proofs.faults.syncing import WITHDRAWS
from tests.sandbox.world import World
from tests.support import forks
from tests.support.instead import Instead
from tests.support.sync_runs import DOMAIN, answers, document, forget

POD_KILOBYTES = 160 * 1024
"""The memory that cron/sync gives a run."""


@dataclass(frozen=True)
class Nonsense:
    """A run one call of which is answered with garbage, and each after it."""

    position: Position
    garbage: Garbage

    def __str__(self) -> str:
        """Name it."""
        return f"{self.garbage.name} at {self.position}"

    def check(self) -> None:
        """Expect it to end in time and within its memory, with 1 and the reason, and has changed nothing."""
        with World() as world:
            world.cluster.service = SmallPages(world.kubernetes)  # so that there is a page to go on with
            zone, _ = WITHDRAWS.prepare(world)
            forget(world)
            before = answers(world, zone)
            Instead(self.position.server(world), self.position.operation, self.position.number, self.garbage.makes)
            run = forks.start(world, "sync-once", "--domain", DOMAIN, "--timeout", "15", "--output", "json")
            finished = run.finish(60)  # without a deadline it never would
            assert finished.returncode == 1, finished.stderr
            assert run.peak_kilobytes < POD_KILOBYTES, f"{run.peak_kilobytes >> 10} MiB"
            assert "Traceback" not in finished.stderr
            assert "unexpected" not in finished.stderr, finished.stderr
            (domain,) = document(finished)["domains"]
            assert re.search(self.garbage.words, finished.stderr), finished.stderr
            assert re.search(rf"{self.garbage.words}|\(--timeout\)", domain["error"]), domain["error"]
            assert answers(world, zone) == before


CASES = {
    "nodes": [Nonsense(Position("list nodes", 1), each) for each in OF_KUBERNETES],
    "records": [Nonsense(Position("ListResourceRecordSets", 1), each) for each in OF_RECORDS],
    "zones": [Nonsense(Position("ListHostedZonesByName", 1), each) for each in OF_ZONES],
}


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_garbage_costs_a_run_neither_memory_nor_time_and_changes_nothing(cases: list[Nonsense]) -> None:
    """Garbage ends a run with 1, by its deadline and within its pod's memory, and DNS stays as it was.

    A proxy's error page does not empty the domain.
    """
    check_all(cases, at_once=16)


@pytest.mark.parametrize("garbage", ENDLESS_IN_TIME, ids=lambda each: each.name)
def test_an_answer_without_end_is_given_up(world: World, garbage: Garbage, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without end is given up without any deadline.

    The watcher, which has none, does not hang silently for ever.
    """
    monkeypatch.setattr(responses, "RESPONSE_SECONDS", 1.0)
    Instead(world.cluster, "list nodes", 1, garbage.makes)
    server = ApiServer(Clock(60), str(world.kubeconfig), attempts=1)
    with pytest.raises(TemporaryError, match="timed out"):
        server.get("/api/v1/nodes", kinds.NodePage)
