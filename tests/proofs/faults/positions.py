"""Where faults strike: each call of a run in which nothing goes wrong, as it was recorded."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from tests.sandbox.kubernetes import Kubernetes
from tests.sandbox.server import Fault, FaultKind, Request, Response, Server
from tests.sandbox.world import World

AT_ONCE = 4
"""How many runs go on at the same time: most of them wait."""


@dataclass(frozen=True)
class Position:
    """The so-many-th call of an operation, counted from 1; operations of Kubernetes have a space in their names."""

    operation: str
    number: int

    def __str__(self) -> str:
        """Name it as tables do."""
        return f"{self.operation} #{self.number}"

    def server(self, world: World) -> Server:
        """Give the server that is called."""
        return world.cluster if " " in self.operation else world.dns

    def strike(self, world: World, kind: FaultKind, *, lasting: bool = False) -> None:
        """Let this call go wrong, or this one and all of its operation after it; only what passes is over soon."""
        seconds = 60 if lasting or kind == "applied then silent" else 0.5
        self.server(world).fail(Fault(kind, self.operation, self.number, None if lasting else self.number, seconds))

    def heal(self, world: World) -> None:
        """Let everything be well again."""
        self.server(world).heal()
        self.server(world).listen()


def recorded(world: World) -> list[Position]:
    """Give the position of each call so far."""
    calls = [*world.dns.calls, *world.cluster.calls]
    return [Position(call.operation, call.number) for call in calls]


class SmallPages:
    """The cluster's API with so few objects a page that three nodes do not fit on one."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        """Behave like the cluster in all else."""
        self._kubernetes = kubernetes
        self.operation, self.failure = kubernetes.operation, kubernetes.failure

    def answer(self, request: Request) -> Response:
        """Answer as the cluster does, but with two objects a page."""
        if "limit" in request.query:
            request = replace(request, query={**request.query, "limit": "2"})
        return self._kubernetes.answer(request)


def small_pages(world: World) -> World:
    """Let every list have several pages and every wait a second look, so that a fault can strike in between."""
    world.cluster.service = SmallPages(world.kubernetes)
    world.route53.zones_a_page, world.route53.records_a_page = 1, 4
    world.route53.pending_polls, world.route53.pending_seconds = 1, 3600
    return world


class Case(Protocol):
    """One row of the table, tried out: raises AssertionError where a promise is broken."""

    def __str__(self) -> str:
        """Name it."""

    def check(self) -> None:
        """Try it."""


def outcomes(cases: Iterable[Case], at_once: int) -> Iterator[str | None]:
    """Try cases, some at the same time; say of each what is not as promised, None when all is."""

    def outcome(case: Case) -> str | None:
        try:
            case.check()
        except AssertionError as error:
            return f"{case}: {error}"
        return None

    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(outcome, cases)


def check_all(cases: Iterable[Case], at_once: int = AT_ONCE) -> None:
    """Try cases and tell of all that fail."""
    failures = [*filter(None, outcomes(cases, at_once))]
    assert not failures, "\n".join(failures)
