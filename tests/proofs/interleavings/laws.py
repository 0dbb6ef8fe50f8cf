"""What must hold at every step, whoever overlaps with whom, and what must be so when all runs have ended."""

from collections.abc import Container, Iterator

from msgspec.structs import replace

from jobs.core.errors import ConfigurationError
from jobs.core.progress import MAX_WRITES
from tests.proofs.interleavings.runs import Run, Runs
from tests.proofs.interleavings.state import OTHERS_WROTE, Request, State, Step
from tests.proofs.interleavings.store import Dns, Raw, same
from tests.proofs.interleavings.world import World

NEWEST, WHOLE = "the newest node list has the last word", "a new type has the policy of the other"
TRACELESS = "a lost race is taken for a protection, for another write has undone the change before the next look"
"""Laws that the program does not keep in every case; they bind only where they are asked for."""
REFUSALS = 2
"""After so many in a row that no look explains, a run is to end."""


class Laws:
    """The promises of the design, for one world."""

    def __init__(self, world: World, strict: Container[str] = ()) -> None:
        """Take the world, and the stricter laws that bind here."""
        self._world = world
        self._strict = strict
        dry = replace(world.scenario.request, dry_run=True)
        scenario = world.scenario
        self._dry = Runs(dry, world.store.zone, checking=scenario.checking, to_object=scenario.to_object)
        self._quiet: dict[tuple[Dns, Run], bool] = {}
        self._rescued: dict[tuple[Dns, int], str] = {}

    def broken(self, before: State, step: Step, after: State) -> Iterator[str]:
        """Say which laws a step breaks."""
        if step.number >= 0 and before.dns.others != after.dns.others:
            yield "records of others are touched"
        if self._world.scenario.checking:
            yield from _of_checks(step, after.dns)
        if step.request and step.applied:
            yield from self._by_write(before.dns, step.request, after.dns)
        run = after.runs[step.number]
        if step.number >= 0 and run.call and run.call.what == "write" and run.plans_written() > MAX_WRITES:
            yield f"more than {MAX_WRITES} plans are written"
        if step.number >= 0:
            yield from self._of_refusals(run)
        if after.over():
            yield from self._at_the_end(after)

    def _of_refusals(self, run: Run) -> Iterator[str]:
        """Say which laws about refused batches do not hold now.

        Two in a row, each with nothing changed at the next look, are by something that stands in the way: the run ends
        there, unless there is nothing left to do. Any other refusal is a lost race.
        """
        is_misconfigured = isinstance(run.domain.error, ConfigurationError)
        is_clear = len(run.refusals) >= REFUSALS
        by_protection = ["protected" in words for words in run.refusals[-REFUSALS:]]
        if run.call and run.call.what == "write" and is_clear:
            yield "what is refused though nobody else changes it is written once more"
        if is_misconfigured and not (is_clear and any(by_protection)):
            yield "a lost race is taken for a wrong configuration"
        if is_misconfigured and TRACELESS in self._strict and not all(by_protection):
            yield TRACELESS
        if is_clear and not run.call and not (run.done or is_misconfigured):
            yield f"a protection is taken for a lost race: {run.domain.error}"

    def _by_write(self, before: Dns, request: Request, after: Dns) -> Iterator[str]:
        read = self._world.store.seen(request.run)
        if before.own and not after.own:
            yield "the name is left without an answer"
        for type_ in sorted(self._world.scenario.promised & before.types - after.types):
            yield f"the name is left without an answer of type {type_}, which every node list asks for"
        if self._is_half_switched(read, before, after):
            yield "the policy is switched half: A and AAAA differ"
        if request.view.listed < request.view.behind:
            yield "older nodes are written over records that newer nodes are behind"
        if self._left(request.run) & (before.answers() ^ after.answers()):
            yield "an address that is left as it is enters or leaves DNS"
        for key in sorted(before.own.keys() | after.own.keys() | read.own.keys()):
            was, is_new, will_be = (each.own.get(key) for each in (read, before, after))
            if not same(was, is_new) and not same(is_new, will_be):
                yield f"a change of the {key[0]} records that the run has not seen is undone"

    def _left(self, run: Run) -> set[str]:
        """Name the addresses that a run, by the Leases it saw, has to leave as they are."""
        leases = run.look().get("leases")
        if leases is None or not isinstance(leases.key, tuple) or isinstance(leases.value, Exception):
            return set()
        _, moment, _ = leases.key
        return set(self._world.scenario.moments[moment].left.split())

    def _is_half_switched(self, read: Dns, before: Dns, after: Dns) -> bool:
        """Tell whether a write made the types differ in policy, and not because of a third party's mix.

        Only with `WHOLE` this binds a name that has not had both types all the time.
        """
        binds = after.types <= read.types & before.types or WHOLE in self._strict
        return binds and len(read.policies) == 1 >= len(before.policies) and len(after.policies) > 1

    def _at_the_end(self, state: State) -> Iterator[str]:
        if not self._is_fresh(state):
            yield "every run has ended well, but DNS is older than that"
        if problem := self._after_one_more_run(state.dns, state.moment):
            yield f"one more run does not put it right: {problem}"

    def _is_fresh(self, state: State) -> bool:
        """Tell whether DNS is what a run has seen of the nodes since every run has begun its last look.

        With `NEWEST`, it has to be what the newest node list of all runs asks for. This binds the runs that ended
        well and read the records after the last write of anybody who does not look again: a third party, a late
        arrival, a run that crashed or failed.
        """
        at = {mark: place for place, mark in enumerate(state.order)}
        failed = {("wrote", number) for number, run in enumerate(state.runs) if not run.done}
        last = max((place for mark, place in at.items() if mark in failed | {OTHERS_WROTE}), default=-1)
        bound = [number for number, run in enumerate(state.runs) if run.done and at["records", number] > last]
        views = [state.views[number] for number in bound]
        since = max((view.listed if NEWEST in self._strict else view.began for view in views), default=0)
        fresh = [number for number in bound if state.views[number].listed >= since]
        return not bound or any(self._is_quiet(state.dns, state.runs[number]) for number in fresh)

    def _is_quiet(self, dns: Dns, run: Run) -> bool:
        """Tell whether a run with the same evidence would leave DNS as it is."""
        if (dns, run) not in self._quiet:
            look = run.look()
            dry = self._dry.start
            while call := dry.call:
                match call.what:
                    case "records":
                        read = self._world.store.read(dns, call.name)
                    case "checks":
                        read = self._world.store.list_checks(dns)
                    case _:
                        read = look[call.what]
                dry = self._dry.told(dry, read)
            self._quiet[dns, run] = dry.done and not dry.domain.difference.changes
        return self._quiet[dns, run]

    def _after_one_more_run(self, dns: Dns, moment: int) -> str:
        if (dns, moment) not in self._rescued:
            self._rescued[dns, moment] = self._rescue(dns, moment)
        return self._rescued[dns, moment]

    def _rescue(self, dns: Dns, moment: int) -> str:
        """Let one run see to it alone, while nothing else happens."""
        world, start = self._world, self._world.start
        state = start._replace(dns=dns, moment=moment, runs=start.runs[:1], views=start.views[:1])
        while not state.over():
            _, state = next(world.turns(state, (), 0)).take()
        (run,) = state.runs
        if world.scenario.checking and (orphans := self._orphans_an_hour_later(state.dns, moment)):
            return f"an hour and a run later these health checks are left: {orphans}"
        expected = set(world.scenario.moments[moment].answers.split())
        if dns.protected and isinstance(run.domain.error, ConfigurationError):
            return "" if state.dns is dns else "what is protected is not left alone"
        if not run.done:
            return f"it fails: {run.domain.error}"
        if not self._is_quiet(state.dns, run):
            return "a second one would change something"
        return f"DNS shows {state.dns}" if expected and state.dns.answers() != expected else ""

    def _orphans_an_hour_later(self, dns: Dns, moment: int) -> list[str]:
        """Let one run more see to it, two hours later, and name the health checks of ours that nothing needs then."""
        world = self._world
        run = world.later.start
        while run.call:
            if run.call.what in {"make", "delete"}:
                dns, answer = world.store.change_checks(dns, run.call)
            else:
                answer = world.answer(dns, moment, 0, run)
            run = world.later.told(run, answer)
        named = {raw.get("HealthCheckId") for raw in dns.own.values()}
        named |= {child for each in named if each for child in _children(dns.checks.known[each])}
        return sorted(
            each for each, raw in dns.checks.known.items() if each not in named and raw["CallerReference"] != "theirs"
        )


def _children(check: Raw) -> list[str]:
    return list(check["HealthCheckConfig"].get("ChildHealthChecks", ()))


def _of_checks(step: Step, dns: Dns) -> Iterator[str]:
    """Say which laws of health checks do not hold now."""
    named = {raw.get("HealthCheckId") for raw in dns.own.values()}
    for each in filter(None, named):
        needed = {each, *_children(dns.checks.known.get(each, {"HealthCheckConfig": {}}))}
        if not needed <= dns.checks.known.keys():
            yield "a record set names a health check that is not there"
    if step.applied and None in named and len(named) > 1:
        yield "some sets have a health check and some have none"
    if "theirs" not in {raw["CallerReference"] for raw in dns.checks.known.values()}:
        yield "a health check of others is touched"
