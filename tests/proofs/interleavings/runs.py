"""A run of the real `sync_once`, one API call at a time.

What a run does next follows from what it has been told. So a run that waits is no thread but a value, its history; it
goes on by being run again from the start and told the same. Runs of equal histories are one object.
"""

import json
import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from jobs.core.decision import SyncRequest
from jobs.core.errors import Conflict, Failure, LostRace, NotApplied
from jobs.core.health_checks import Checking, HealthCheck
from jobs.core.node import LeaseAge, NodeList
from jobs.core.plan import Change
from jobs.core.progress import Domain, Progress
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.route53_form import api_changes
from jobs.core.zones import Zone
from jobs.publishers.dnsendpoints import DnsEndpoints
from jobs.publishers.health_check_keeper import Keeper
from jobs.publishers.hosted_zones import HostedZones
from jobs.publishers.publisher import Publisher
from jobs.sync_once import sync_once
from tests.support.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from jobs.edges.cluster import Cluster
    from jobs.edges.dnsendpoint import DnsEndpointApi
    from jobs.edges.health_checks import HealthChecks
    from jobs.edges.route53 import Route53

NOON = 1_800_000_000.0
"""When runs begin, in seconds since 1970."""

Sent = tuple[dict[str, Any], ...]
"""The changes of a batch in the AWS API's form."""


@dataclass(frozen=True)
class Call:
    """One API call that a run waits for.

    It is `records`, `nodes`, `leases`, `endpoints` or `write`, and about health checks `checks`, `make` or `delete`.
    """

    what: str
    zone_id: str = ""
    name: str = ""
    changes: Sent = ()
    settings: str = ""
    """Those of a health check to be made, as JSON; `name` is its reference, or the id of one to be deleted."""


@dataclass(frozen=True)
class Answer:
    """What a run is told; equal keys mean equal answers. A Failure is raised."""

    key: Hashable
    value: Any = field(compare=False)


Told = tuple[Call, Answer]


class Waits(BaseException):
    """The run has come to a call that it has no answer for yet; nothing of the program may catch it."""

    def __init__(self, call: Call) -> None:
        """Say which call."""
        super().__init__(call)
        self.call = call


class Enough(BaseException):
    """The run ends here and calls it a success: only for a run with a mistake in it."""


class Edge:
    """Kubernetes and Route 53 as one run meets them: they tell it what it was told before, then it waits.

    A zone is always the same, and nobody reads the Events: these two calls commute with everything that can happen,
    so they are answered at once.
    """

    ANY_VERSION = "any"

    def __init__(self, zone: Zone, history: Iterable[Told]) -> None:
        """Take the only zone there is, and what the run has been told."""
        self._zone = zone
        self._history = iter(history)

    def zones(self, start: str, *, all_under_it: bool = True) -> tuple[Zone, ...]:  # noqa: ARG002 - as jobs.edges.route53
        """List the hosted zones."""
        return (self._zone,)

    def record_sets(self, zone: Zone, name: str) -> Mapping[str, tuple[RecordSet, ...]]:
        """Read the records of a name, and those of the names after it."""
        found: Mapping[str, tuple[RecordSet, ...]] = self.ask(Call("records", zone.id, name))
        return found

    def nodes(self, label_selector: str) -> NodeList:  # noqa: ARG002 - all of them are selected
        """List the nodes."""
        found: NodeList = self.ask(Call("nodes"))
        return found

    def lease_ages(self) -> dict[str, LeaseAge]:
        """Look at the Leases."""
        found: dict[str, LeaseAge] = self.ask(Call("leases"))
        return found

    def clock_difference(self) -> float:
        """Compare the clocks, which agree."""
        return 0.0

    def ready_nodes(self, service: str) -> frozenset[str]:
        """Look at a service's endpoints."""
        found: frozenset[str] = self.ask(Call("endpoints", name=service))
        return found

    def change(self, zone: Zone, changes: Sequence[Change]) -> str:
        """Send a change batch."""
        return self.send(zone, api_changes(changes))

    def send(self, zone: Zone, changes: Iterable[dict[str, Any]]) -> str:
        """Send it in the form of the AWS API."""
        change_id: str = self.ask(Call("write", zone.id, changes=tuple(changes)))
        return change_id

    def version_named(self, version: str) -> str:
        """Give the version that a write of a DNSEndpoint names: the one that was read."""
        return version

    def all(self) -> dict[str, HealthCheck]:
        """List the health checks."""
        found: dict[str, HealthCheck] = self.ask(Call("checks"))
        return found

    def create(self, caller_reference: str, settings: Mapping[str, Any]) -> HealthCheck:
        """Make a health check."""
        check: HealthCheck = self.ask(Call("make", name=caller_reference, settings=json.dumps(settings)))
        return check

    def delete(self, check: HealthCheck) -> None:
        """Delete one."""
        self.ask(Call("delete", name=check.id))

    def create_event(self, news: object) -> None:
        """Tell of a node."""

    def ask(self, call: Call) -> Any:  # noqa: ANN401 - each caller knows
        """Give the answer that the run was told, or let it wait."""
        told = next(self._history, None)
        if told is None:
            raise Waits(call)
        before, answer = told
        assert before == call, "told the same, a run must do the same"
        if isinstance(answer.value, Failure):
            raise type(answer.value)(*answer.value.args)
        return answer.value


class Run:
    """A run that waits for an answer to its call, or one that has ended: then it has no call."""

    def __init__(self, history: tuple[Told, ...], call: Call | None, domain: Domain) -> None:
        """Take what it was told, what it asks and how far it got."""
        self.history = history
        self.call = call
        self.domain = domain
        self.refusals = _refusals(history)
        """Why its last writes were refused, in a row, each time with nothing changed at the next look."""
        self.next: dict[Answer, Run] = {}

    @property
    def done(self) -> bool:
        """Whether it has ended and says that DNS shows what it should, or that --min-nodes refuses."""
        return self.call is None and self.domain.done and not (self.domain.error or self.domain.checks_error)

    def look(self) -> dict[str, Answer]:
        """Give what it was told in its last round of reads: its records and all evidence about the nodes."""
        found: dict[str, Answer] = {}
        for call, answer in self.history:
            if call.what not in {"write", "make", "delete"}:
                found[call.what] = answer
        return found

    def plans_written(self) -> int:
        """Count the plans it has sent, the one it is about to send included; throttled ones do not count."""
        count, fresh = 0, False
        for call, answer in [*self.history, *([(self.call, None)] if self.call else [])]:
            if call.what == "records":
                fresh = True
            elif call.what == "write" and fresh and not (answer and isinstance(answer.value, NotApplied)):
                count, fresh = count + 1, False
        return count


def _refusals(history: Iterable[Told]) -> tuple[str, ...]:
    """Give the words of the refusals at the end that no look explains; what does not count leaves them as they are."""
    found: tuple[str, ...] = ()
    refused, read = "", None
    for call, answer in history:
        if call.what == "records":
            shown = _own(answer.value)
            if refused:
                found = (*found, refused) if shown == read else ()
            refused, read = "", shown
        elif call.what == "write" and not isinstance(answer.value, NotApplied):
            is_no_race = isinstance(answer.value, Conflict) and not isinstance(answer.value, LostRace)
            refused = str(answer.value) if is_no_race else ""
            found = found if refused else ()
    return found


def _own(read: object) -> object:
    """Give the domain's own record sets of a look at a zone."""
    if not isinstance(read, Mapping):
        return read
    return {each.key: each for each in next(iter(read.values())) if each.type in TYPES}


CRASHED = Run((), None, Domain("crashed"))


class Runs:
    """All runs of one request there can be, each made once."""

    def __init__(
        self,
        request: SyncRequest,
        zone: Zone,
        edge: Callable[[Zone, Iterable[Told]], Edge] = Edge,
        checking: Checking | None = None,
        begins: float = NOON,
        *,
        to_object: bool = False,
    ) -> None:
        """Take what is asked for, and when; another edge puts a mistake into the program."""
        self._to_object = to_object
        self._request = request
        self._checking = checking
        self._begins = begins
        self._zone = zone
        self._edge = edge
        self._ended: dict[Hashable, Run] = {}
        self.made = 0
        self.start = self._at(())

    def told(self, run: Run, answer: Answer) -> Run:
        """Let a run go on to its next call or to its end."""
        assert run.call is not None
        if answer not in run.next:
            run.next[answer] = self._at((*run.history, (run.call, answer)))
        return run.next[answer]

    def _at(self, history: tuple[Told, ...]) -> Run:
        self.made += 1
        edge: Any = self._edge(self._zone, history)
        progress = Progress(self._request.domains)
        call = None
        try:
            with _same_chance():
                clock = VirtualClock(begins=self._begins)
                publisher = self._publisher(edge, clock)
                keeper = self._keeper(edge, clock, progress)
                sync_once(self._request, cast("Cluster", edge), publisher, clock, progress, keeper)
        except Waits as waits:
            call = waits.call
        except Enough:
            (domain,) = progress
            progress.finish(domain.name)
        (domain,) = progress
        run = Run(history, call, domain)
        if call:
            return run
        key = (
            run.done,
            type(run.domain.error),
            run.refusals,
            *sorted((what, answer.key) for what, answer in run.look().items()),
        )
        return self._ended.setdefault(key, run)  # what it did before makes no difference any more

    def _publisher(self, edge: Any, clock: VirtualClock) -> Publisher:  # noqa: ANN401 - an Edge
        if self._to_object:
            from tests.proofs.interleavings.objects import Objects  # noqa: PLC0415 - which imports this

            return DnsEndpoints(cast("DnsEndpointApi", Objects(edge)))
        return HostedZones(cast("Route53", edge), clock)

    def _keeper(self, edge: Any, clock: VirtualClock, progress: Progress) -> Keeper | None:  # noqa: ANN401 - an Edge
        if self._checking is None:
            return None
        return Keeper(self._checking, cast("HealthChecks", edge), clock, progress, dry_run=self._request.dry_run)


@contextmanager
def _same_chance() -> Iterator[None]:
    """Make the jitter of retries the same each time."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)
