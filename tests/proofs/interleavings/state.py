"""The values that an exploration goes through: how the cluster changes, and all that is at one moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from jobs.core.decision import SyncRequest
from jobs.core.health_checks import Checking
from jobs.core.node import Node
from tests.proofs.interleavings.runs import Run, Sent
from tests.proofs.interleavings.store import Dns, Raw

EVENTS = ("crash", "late", "throttled", "ours", "foreign", "protection")
"""A run crashes; a write is answered by a timeout and arrives then, later or never; Route 53 asks for patience; a third
party changes our record sets; or others at and around the name; or protects our A record sets from changes, or no
longer. Nodes change besides, as the scenario says."""


@dataclass(frozen=True)
class Moment:
    """How the cluster is for a while, what made it so, and the addresses that one more run leaves in DNS.

    `lease_ages` are those of the nodes whose Lease is not fresh. No `answers` means that it depends on what DNS shows.
    What speaks against the addresses that are `left` is not believed.
    """

    words: str
    nodes: tuple[Node, ...]
    answers: str = ""
    lease_ages: Mapping[str, float] = field(default_factory=dict)
    serving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    left: str = ""


@dataclass(frozen=True)
class Scenario:
    """What stands in DNS at first, how the cluster changes, and what the runs are asked to do.

    `promised` are the types that every moment wants: once there, they never vanish. Runs that are `blind` may not look
    at Leases. With `checking` each shown set has a health check, two hours old. Runs may publish `to_object`, a
    DNSEndpoint, instead of to Route 53. The types that are `protected` cannot be changed at first.
    """

    name: str
    moments: tuple[Moment, ...]
    shown: tuple[Raw, ...]
    request: SyncRequest
    promised: frozenset[str] = frozenset()
    blind: frozenset[int] = frozenset()
    checking: Checking | None = None
    to_object: bool = False
    protected: frozenset[str] = frozenset()


class View(NamedTuple):
    """How old the last look of a run is, as moments of the cluster.

    `began` is when it began to look, `listed` is the moment of its nodes, and `behind` that of the newest nodes behind
    the records it read.
    """

    began: int = 0
    listed: int = 0
    behind: int = 0


class Request(NamedTuple):
    """A batch on its way, with the run that waited for its answer and how old its view was."""

    number: int
    run: Run
    view: View

    @property
    def changes(self) -> Sent:
        """What it asks Route 53 to do."""
        assert self.run.call is not None
        return self.run.call.changes


Mark = tuple[str, int]
OTHERS_WROTE: Mark = ("wrote", -1)


class State(NamedTuple):
    """Everything that makes a difference to what can happen next, or to whether a law holds.

    `order` holds, oldest first, the last time each run has read the records and written, and the last write of anybody
    who will not look again. `behind` is the moment of the newest nodes behind what DNS shows.
    """

    dns: Dns
    moment: int
    runs: tuple[Run, ...]
    views: tuple[View, ...]
    flying: tuple[Request, ...]
    events: tuple[str, ...]
    order: tuple[Mark, ...]
    behind: int

    def over(self) -> bool:
        """Whether no run is left."""
        return all(run.call is None for run in self.runs)

    def noted(self, mark: Mark) -> "State":
        """Put a mark at the end of the order."""
        return self._replace(order=(*(each for each in self.order if each != mark), mark))

    def with_event(self, event: str) -> "State":
        """Count an event."""
        return self._replace(events=(*self.events, event))

    def with_run(self, number: int, run: Run) -> "State":
        """Put a run where another was."""
        return self._replace(runs=(*self.runs[:number], run, *self.runs[number + 1 :]))

    def with_view(self, number: int, view: View) -> "State":
        """Put a view where another was."""
        return self._replace(views=(*self.views[:number], view, *self.views[number + 1 :]))


class Step(NamedTuple):
    """What happens: to which run (-1: none), with which batch that reached Route 53, and how that answered it."""

    what: str
    number: int = -1
    request: Request | None = None
    applied: bool = False


class Turn(NamedTuple):
    """What could happen next, worked out when it is taken; what counts as an event has its kind."""

    event: str | None
    take: Callable[[], tuple[Step, State]]
