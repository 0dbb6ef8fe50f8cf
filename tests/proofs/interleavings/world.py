"""What can happen next: one call of one run, or an event."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from jobs.core.errors import Failure, NotApplied, TemporaryError
from jobs.core.node import LeaseAge, NodeList
from jobs.edges.api_server import Forbidden
from tests.proofs.interleavings.objects import ObjectStore
from tests.proofs.interleavings.runs import CRASHED, NOON, Answer, Edge, Run, Runs
from tests.proofs.interleavings.state import OTHERS_WROTE, Mark, Moment, Request, Scenario, State, Step, Turn, View
from tests.proofs.interleavings.store import Dns, Store
from tests.proofs.interleavings.strangers import FOREIGN_WRITE, OTHER_ZONE, own_protection, own_write, surrounded
from tests.support.builders import DOMAIN, ZONE

LISTED = datetime(2026, 8, 1, 12, tzinfo=UTC)
TIMEOUT = Answer("timeout", TemporaryError("Read timeout"))
THROTTLED = Answer("throttled", NotApplied("Rate exceeded"))
ACCEPTED = Answer("accepted", "C1")
BUSY = Answer("busy", TemporaryError("Rate exceeded"))
HOURS = 7200
FORBIDDEN = Answer("forbidden", Forbidden("leases is forbidden"))

Taken = tuple[Step, State]


class World:
    """A scenario with the runs in it."""

    def __init__(self, scenario: Scenario, edge: Callable[..., Edge] = Edge, *, runs: int = 2) -> None:
        """Put everything in its place; another edge puts a mistake into every run."""
        self.scenario = scenario
        self.store = (ObjectStore if scenario.to_object else Store)(DOMAIN, ZONE, OTHER_ZONE)
        self.runs = Runs(scenario.request, self.store.zone, edge, scenario.checking, to_object=scenario.to_object)
        self.later = Runs(scenario.request, self.store.zone, edge, scenario.checking, NOON + HOURS)
        self._answers: dict[tuple[str, int, str], Answer] = {}
        self._theirs: dict[tuple[Dns, str], tuple[str, Dns]] = {}
        dns = self.store.protect(surrounded(self.store, scenario.shown, scenario.checking), scenario.protected)
        self.start = State(dns, 0, (self.runs.start,) * runs, (View(),) * runs, (), (), (), 0)

    def turns(self, state: State, kinds: Iterable[str], events: int) -> Iterator[Turn]:
        """Give all that can happen next, when at most so many events of these kinds happen in all.

        When all runs have ended, only late arrivals are left: what else may happen then concerns nobody.
        """
        allowed = frozenset(kinds) if len(state.events) < events else frozenset()
        for number, run in enumerate(state.runs):
            if run.call:
                yield from self._of_run(state, number, run, allowed)
        if not state.over():
            if state.moment + 1 < len(self.scenario.moments):
                yield Turn(None, partial(self._nodes_change, state))
            for event in sorted(allowed & self._strangers(state.dns)):
                yield Turn(event, partial(self._third_party, state.with_event(event), event))
        for request in state.flying:
            yield Turn(None, partial(self._arrives, state, request))

    def _strangers(self, dns: Dns) -> set[str]:
        """Say what a third party can do: what is protected from us is so from others; no object can be protected."""
        return {"foreign", *(() if dns.protected else ("ours",)), *(() if self.scenario.to_object else ("protection",))}

    def _of_run(self, state: State, number: int, run: Run, allowed: frozenset[str]) -> Iterator[Turn]:
        assert run.call is not None
        if run.call.what == "write":
            yield Turn(None, partial(self._writes, state, number))
            for event in sorted(allowed & {"late", "throttled", "crash"}):
                yield Turn(event, partial(self._fails_to_write, state.with_event(event), number, event))
        elif run.call.what in {"make", "delete"}:
            yield Turn(None, partial(self._changes_checks, state, number))
        else:
            yield Turn(None, partial(self._reads, state, number))
        if "throttled" in allowed and run.call.what in {"checks", "make", "delete"}:
            yield Turn("throttled", partial(self._asks_in_vain, state.with_event("throttled"), number))
        if "crash" in allowed:
            yield Turn("crash", partial(_crashes, state.with_event("crash"), number))

    def _reads(self, state: State, number: int) -> Taken:
        run, view = state.runs[number], state.views[number]
        assert run.call is not None
        what = run.call.what
        after = self._told(state, number, self.answer(state.dns, state.moment, number, run))
        if not run.history or run.history[-1][0].what in {"write", "make", "delete"}:
            view = view._replace(began=state.moment)
        if what == "records":
            view = view._replace(behind=state.behind)
            after = after.noted((what, number))
        if what == "nodes":
            view = view._replace(listed=state.moment)
        return Step(what, number), after.with_view(number, view)

    def _asks_in_vain(self, state: State, number: int) -> Taken:
        return Step("asks about health checks: throttled", number), self._told(state, number, BUSY)

    def _changes_checks(self, state: State, number: int) -> Taken:
        run = state.runs[number]
        assert run.call is not None
        dns, answer = self.store.change_checks(state.dns, run.call)
        return Step(run.call.what, number), self._told(state._replace(dns=dns), number, answer)

    def answer(self, dns: Dns, moment: int, number: int, run: Run) -> Answer:
        """Answer a read."""
        assert run.call is not None
        what, name = run.call.what, run.call.name
        if what == "records":
            return self.store.read(dns, name)
        if what == "checks":
            return self.store.list_checks(dns)
        if what == "leases" and number in self.scenario.blind:
            return FORBIDDEN
        key = what, moment, name
        if key not in self._answers:
            value = _seen(self.scenario.moments[moment], what, name)
            known = (answer for answer in self._answers.values() if answer.value == value)
            self._answers[key] = next(known, Answer(key, value))
        return self._answers[key]

    def _writes(self, state: State, number: int) -> Taken:
        request = Request(number, state.runs[number], state.views[number])
        step, after = self._reaches(state, request)
        if step.applied:
            return step, self._told(after.noted(("wrote", number)), number, ACCEPTED)
        failure = self.store.sent(state.dns, request.run)
        return step, self._told(after, number, Answer((type(failure), str(failure)), failure))

    def _fails_to_write(self, state: State, number: int, how: str) -> Taken:
        """Let a write be throttled; or let it go on its way without an answer, to a run that waits or has crashed."""
        request = Request(number, state.runs[number], state.views[number])
        on_its_way = state._replace(flying=(*state.flying, request))
        match how:
            case "throttled":
                return Step(how, number, request), self._told(state, number, THROTTLED)
            case "late":
                return Step(how, number, request), self._told(on_its_way, number, TIMEOUT)
        return Step("crash while writing", number, request), _crashes(on_its_way, number)[1]

    def _arrives(self, state: State, request: Request) -> Taken:
        left = tuple(each for each in state.flying if each is not request)
        step, after = self._reaches(state._replace(flying=left), request)
        return step._replace(what="arrival"), after.noted(OTHERS_WROTE) if step.applied else after

    def _reaches(self, state: State, request: Request) -> Taken:
        result = self.store.sent(state.dns, request.run)
        step = Step("write", request.number, request, applied=isinstance(result, Dns))
        if isinstance(result, Failure):
            return step, state
        return step, state._replace(dns=result, behind=max(state.behind, request.view.listed))

    def _told(self, state: State, number: int, answer: Answer) -> State:
        return state.with_run(number, self.runs.told(state.runs[number], answer))

    def _nodes_change(self, state: State) -> Taken:
        after = state._replace(moment=state.moment + 1)
        return Step(self.scenario.moments[after.moment].words), after

    def _third_party(self, state: State, event: str) -> Taken:
        key = state.dns, event
        if key not in self._theirs:
            self._theirs[key] = self._done_by_third_party(state.dns, event)
        words, dns = self._theirs[key]
        after = state._replace(dns=dns)
        return Step(words), after.noted(OTHERS_WROTE) if event == "ours" else after

    def _done_by_third_party(self, dns: Dns, event: str) -> tuple[str, Dns]:
        if event == "protection":
            words, types = own_protection(dns)
            return words, self.store.protect(dns, types)
        words, changes = own_write(dns) if event == "ours" else FOREIGN_WRITE
        return words, self.store.applied(dns, *changes)


def _seen(moment: Moment, what: str, service: str) -> object:
    match what:
        case "nodes":
            return NodeList(moment.nodes, LISTED, "1")
        case "leases":
            ages = {node.name: moment.lease_ages.get(node.name, 1.0) for node in moment.nodes}
            return {name: LeaseAge(age, age) for name, age in ages.items()}
    return moment.serving[service]


def _crashes(state: State, number: int) -> Taken:
    """Forget a run; its last write is now one of somebody who will not look again."""
    order: list[Mark] = []
    for mark in reversed(state.order):
        kept = OTHERS_WROTE if mark == ("wrote", number) else mark
        if kept not in order and kept != ("records", number):
            order.insert(0, kept)
    return Step("crash", number), state.with_run(number, CRASHED)._replace(order=tuple(order))
