"""The sync job: look, decide, apply, look again, until DNS shows the nodes that can serve now."""

import contextlib
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs import observe
from jobs.core import guard
from jobs.core.errors import CheckGone, ConfigurationError, Conflict, Failure, LostRace, NotApplied, TemporaryError
from jobs.core.evidence import Conclusion, conclude
from jobs.core.explain import Explainer, node_news, unexplained, unselected
from jobs.core.health_checks import Chores, View, with_checks
from jobs.core.min_nodes import MinNodes
from jobs.core.node import Rules
from jobs.core.plan import Change, Plan, calculate
from jobs.core.progress import Domain, Progress
from jobs.core.record_set import RecordSet
from jobs.core.records import Wanted, wanted
from jobs.core.signs import Checks
from jobs.edges.clock import RESERVE_SECONDS, Clock, retrying
from jobs.publishing import Publisher, Write

if TYPE_CHECKING:  # the caller brings them; here they are only names
    from jobs.edges.cluster import Cluster
    from jobs.health_checks import Keeper

log = logging.getLogger(__name__)

MAX_REFUSALS = 2  # in a row, with nothing changed in between: that is no lost race
MAX_WRITES = 3  # per domain and run: a run that needs more competes with somebody
FRESH_SECONDS = 10.0  # an older plan knows too little of the nodes
WRITE_SECONDS = 10.0  # what a write may take: none starts with less time left
PAUSE_SECONDS = 1.0  # between rounds that got nowhere
EVENTS_SECONDS = 3.0


@dataclass(frozen=True)
class SyncRequest:
    """What a run is asked to do."""

    domains: tuple[str, ...]
    node_label_selector: str
    ttl: int
    min_nodes: MinNodes
    routing: str
    max_addresses: int
    rules: Rules
    checks: Checks
    dry_run: bool


def sync_once(
    request: SyncRequest,
    cluster: "Cluster",
    publisher: Publisher,
    clock: Clock,
    progress: Progress,
    checks: "Keeper | None" = None,
) -> None:
    """Make DNS show the nodes that can serve now; a second look confirms what was written.

    `progress` always says how far the run got, so that one that is cut short can be reported. Records are read before
    nodes: a plan is never older in its nodes than in its records.
    """
    while progress.open and clock.left() > PAUSE_SECONDS + RESERVE_SECONDS:
        _pause_after_trouble(clock, progress)
        shown = publisher.read(progress)
        if not shown:
            continue
        views = checks.look(shown) if checks else {}
        chores: dict[str, Chores] = {}
        began = clock.now()
        with progress.concerning(*shown):
            listed = cluster.nodes(request.node_label_selector)
            signs = observe.look_for_signs(request.checks, request.rules, listed, cluster)
            for remark in signs.remarks:
                log.info("%s", remark)
            conclusion = conclude(listed, signs, request.checks, request.rules)
            for name, current in shown.items():
                with progress.concerning(name):
                    decision = decide(request, name, current, conclusion, views.get(name))
                    write = publisher.prepared(progress[name], decision.plan)
                    _note(request, name, current, decision, progress)
                    if decision.chores:
                        chores[name] = decision.chores
                    applied = False
                    if not progress[name].settled and not decision.waits:
                        applied = _apply(name, decision, write, clock, began, progress)
                    if applied or request.dry_run:
                        _explain(request, name, decision, cluster, progress)
        if checks:
            checks.work_off(chores)
    progress.give_up(Failure("no time left before the deadline (--timeout)"))
    publisher.finish(progress)
    if not request.dry_run:
        _create_events(cluster, clock, progress)


def _pause_after_trouble(clock: Clock, progress: Progress) -> None:
    """Log what went wrong in the round before, each once, and pause when every domain is in trouble."""
    errors = {name: progress[name].error for name in progress.open}
    for words in dict.fromkeys(str(error) for error in errors.values() if error):
        log.warning("%s: %s; looking again", ", ".join(name for name in errors if str(errors[name]) == words), words)
    if all(isinstance(error, TemporaryError) for error in errors.values()):
        clock.sleep(PAUSE_SECONDS)


@dataclass(frozen=True)
class Decision:
    """What to do about one domain, all of it known before anything is written."""

    current: tuple[RecordSet, ...]
    wanted: Wanted
    plan: Plan
    warnings: tuple[str, ...]
    refusal: str | None
    chores: Chores | None = None

    @property
    def names_new_check(self) -> bool:
        """Whether a record set gets a health check that it did not have."""
        return any(change.names_new_check for change in self.plan.changes)

    @property
    def waits(self) -> bool:
        """Whether health checks are made first, and the records that name them are written after another look."""
        return bool(self.chores and self.chores.lacking)


def decide(
    request: SyncRequest, domain: str, current: Sequence[RecordSet], conclusion: Conclusion, view: View | None = None
) -> Decision:
    """Compare what a domain shows with what it should. Pure."""
    should = wanted(domain, request.ttl, request.routing, conclusion.verdicts, current, request.max_addresses)
    refusal = guard.refusal(request.min_nodes, should, current, request.node_label_selector)
    if refusal:
        should = guard.without_withdrawals(current, should, request.max_addresses)
    should, chores = with_checks(view, should, current)
    plan = calculate(current, should.record_sets)
    return Decision(tuple(current), should, plan, (*conclusion.warnings, *should.warnings), refusal, chores)


def _note(
    request: SyncRequest, name: str, current: Sequence[RecordSet], decision: Decision, progress: Progress
) -> None:
    """Note a decision; the domain is settled when nothing is left to do, or nothing may be done."""
    progress.look(name, current)
    before = progress[name].warnings if progress[name].has_written else ()  # what was written is why: it is shown once
    warnings = tuple(dict.fromkeys((*before, *decision.warnings)))
    progress.note(name, verdicts=decision.wanted.verdicts, warnings=warnings, refusal=decision.refusal)
    if request.dry_run:
        progress.note(name, after=decision.wanted.record_sets)
    if request.dry_run or not (decision.plan.changes or decision.waits):
        progress.note(name, error=None)
        progress.settle(name)
    elif decision.waits:
        return
    elif progress[name].refusals >= MAX_REFUSALS:
        progress.fail(name, _protected(progress[name]))
    elif progress[name].writes >= MAX_WRITES:
        progress.fail(name, _in_vain(progress[name], decision.plan.changes))


def _protected(domain: Domain) -> Failure:
    """Say that Route 53 refuses what nobody else has changed: trying again will not help."""
    return ConfigurationError(
        f"Route 53 refuses to change these record sets, though nobody else does: {domain.error}; look for a record set "
        "protection or a change guardrail of the zone, and at the zone's quota of records"
    )


def _in_vain(domain: Domain, changes: Iterable[Change]) -> Failure:
    """Name the record sets that are still not as they should be after the last write, and why."""
    changes = tuple(changes)
    others = [change for change in changes if change not in domain.attempted]
    names = ", ".join(str(change.subject) for change in others or changes)
    match domain.error:
        case None:  # each write was applied
            why = "because somebody else keeps changing it, or the nodes keep changing"
        case TemporaryError():
            why = f"without a known outcome: {domain.error}"
        case _:
            why = f"because somebody else keeps changing it: {domain.error}"
    return Failure(f"{names}: given up after {MAX_WRITES} writes {why}")


def _apply(name: str, decision: Decision, write: Write, clock: Clock, began: float, progress: Progress) -> bool:
    """Write a plan and say whether that succeeded; whatever comes of it, the next round reads everything again."""
    writes = progress[name].writes + 1
    progress.note(name, attempted=decision.plan.changes)
    try:
        change_id = _write(progress[name], write, clock, began)
    except NotApplied as error:
        progress.fail(name, error)
    except Conflict as error:
        expected = None if isinstance(error, LostRace) else decision.current
        refused = progress[name].checks_refused or decision.names_new_check or isinstance(error, CheckGone)
        progress.note(name, error=error, writes=writes, expected=expected, checks_refused=refused)
    except TemporaryError as error:
        progress.note(name, error=error, writes=writes, unknown=True, refusals=0)
    except ConfigurationError as error:
        if progress[name].checks_refused or not decision.names_new_check:
            raise
        progress.note(name, error=error, writes=writes, refusals=0, checks_refused=True)
    else:
        change_ids = (*progress[name].change_ids, change_id)
        progress.note(
            name, error=None, writes=writes, refusals=0, change_ids=change_ids, after=decision.wanted.record_sets
        )
        return True
    return False


def _explain(request: SyncRequest, name: str, decision: Decision, cluster: "Cluster", progress: Progress) -> None:
    """Log what was written, with the reasons; nodes that are not selected any more are looked up only now."""
    if lost := unexplained(decision.plan.changes, decision.wanted.verdicts):
        with contextlib.suppress(Failure):  # the run does not depend on it
            others = cluster.nodes("").nodes if request.node_label_selector else ()
            found = unselected(others, request.rules, request.node_label_selector, lost)
            progress.note(name, unselected=(*(progress[name].unselected or ()), *found))
    if not request.dry_run:
        explainer = Explainer(decision.wanted.verdicts, progress[name].unselected)
        for change in decision.plan.changes:
            log.info("%s in %s: %s", name, progress[name].where, explainer.line(change))


def _write(domain: Domain, write: Write, clock: Clock, began: float) -> str:
    """Send one write while its plan is fresh. Only what was certainly not applied is ever sent again."""
    fresh_seconds = began + FRESH_SECONDS - clock.now()
    spare_seconds = clock.left() - WRITE_SECONDS
    if spare_seconds < 0:
        because = f": {domain.error}" if domain.error else ""
        raise Failure(f"less than {WRITE_SECONDS:.0f} s left of --timeout, nothing more is written{because}")
    if fresh_seconds < 0:
        raise NotApplied(f"the plan is older than {FRESH_SECONDS:.0f} s")
    seconds = min(fresh_seconds, spare_seconds)
    for attempt in retrying(clock, f"writing {domain.name}", on=NotApplied, attempts=math.inf, within_seconds=seconds):
        with attempt:
            change_id = write()
    return change_id


def _create_events(cluster: "Cluster", clock: Clock, progress: Progress) -> None:
    """Write an Event about each node that has entered or left DNS; the run does not depend on it."""
    end = clock.now() + EVENTS_SECONDS
    for news in node_news(progress):
        try:
            cluster.create_event(news)
        except Failure as error:
            log.warning("no Event about %s: %s", news.node, error)
            return
        if clock.now() > end:
            return
