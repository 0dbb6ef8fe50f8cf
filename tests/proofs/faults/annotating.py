"""annotate-once under faults: its one call, and what must be true of the node."""

import re
from dataclasses import dataclass

from tests.proofs.faults.positions import Position, recorded
from tests.proofs.faults.promises import Promise, for_good, once, words
from tests.sandbox.server import FaultKind
from tests.sandbox.world import PREFIX, World
from tests.support import forks
from tests.support.processes import ANNOTATE, NODE
from tests.support.sync_runs import document


def positions() -> list[Position]:
    """Record the calls of a run in which nothing goes wrong."""
    with World() as world:
        world.node(NODE)
        assert forks.run(world, *ANNOTATE).returncode == 0
        return recorded(world)


@dataclass(frozen=True)
class AnnotateCase:
    """A run one call of which goes wrong, once or from then on."""

    position: Position
    kind: FaultKind
    lasting: bool

    def __str__(self) -> str:
        """Name it."""
        return f"annotate-once, {self.kind}{' for good' * self.lasting} at {self.position}"

    @property
    def promise(self) -> Promise:
        """Look it up in the table."""
        return (for_good if self.lasting else once)(self.position.operation, self.kind)

    def check(self) -> None:
        """Run it, then hold it to the promise; the node is changed once, or not at all."""
        with World() as world:
            world.node(NODE)
            before = world.kubernetes.store.revision
            self.position.strike(world, self.kind, lasting=self.lasting)
            finished = forks.start(world, *ANNOTATE, "--timeout", "15", "--output", "json").finish(60)
            log, promise = finished.stderr, self.promise
            assert (finished.returncode, document(finished)["status"]) == (promise.status, promise.status), log
            assert all(re.match("(info|warning|error): ", line) for line in log.splitlines()), log
            said = words(self.position.operation, self.kind)
            assert bool(re.search(f"^(warning|error): .*({said})", log, re.MULTILINE)) == promise.told, log
            annotated = f"{PREFIX}boot-id" in world.kubernetes.get("Node", NODE)["metadata"].get("annotations", {})
            assert world.kubernetes.store.revision - before == annotated, "changed twice"
            assert annotated or promise.status, "says that it has annotated the node"
            assert document(finished)["changed"] == (not promise.status)
