"""sync-once: read, decide, write, read again, until DNS shows the nodes that can serve now."""

import contextlib
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jobs import observe
from jobs.core.decision import Decision, SyncRequest, decide
from jobs.core.errors import ConfigurationError, Conflict, Failure, NotApplied, TemporaryError
from jobs.core.evidence import Conclusion, conclude
from jobs.core.explain import Explainer, node_news, unexplained, unselected
from jobs.core.progress import Domain, Progress
from jobs.edges.clock import RESERVE_SECONDS, Clock, retrying
from jobs.publishers.publisher import Publisher, Write

if TYPE_CHECKING:  # for annotations only
    from jobs.edges.cluster import Cluster
    from jobs.publishers.health_check_keeper import Keeper

log = logging.getLogger(__name__)

FRESH_SECONDS = 10.0  # no write starts later than this after the nodes were listed
WRITE_SECONDS = 10.0  # what a write may take: none starts with less time left
PAUSE_SECONDS = 1.0  # between rounds that got nowhere
EVENTS_SECONDS = 3.0


def sync_once(
    request: SyncRequest,
    cluster: "Cluster",
    publisher: Publisher,
    clock: Clock,
    progress: Progress,
    health_checks: "Keeper | None" = None,
) -> None:
    """Make DNS show the nodes that can serve now; a second look confirms what was written.

    `progress` always says how far the run got, so that one that is cut short can be reported. Records are read first,
    so the nodes behind a plan are always the newer of the two.
    """
    while progress.open and clock.left() > PAUSE_SECONDS + RESERVE_SECONDS:
        _pause_after_trouble(clock, progress)
        shown = publisher.read(progress)
        if not shown:
            continue
        views = health_checks.look(shown) if health_checks else {}
        decisions: dict[str, Decision] = {}
        written: dict[str, Decision] = {}
        listed_from = clock.now()
        with progress.noting_failures_of(*shown):
            conclusion = _look_at_nodes(request, cluster)
            fewest_writes_first = sorted(shown, key=lambda name: progress[name].writes)  # a zone that hangs goes last
            for name in fewest_writes_first:
                with progress.noting_failures_of(name):
                    rejected = progress[name].checks_rejected
                    decision = decide(request, name, shown[name], conclusion, views.get(name), checks_rejected=rejected)
                    _note(request, name, decision, progress)
                    write = publisher.prepare(progress[name], decision.plan)  # in a dry run too: it may be too large
                    decisions[name] = decision
                    if _apply(name, decision, write, clock, listed_from, progress):
                        written[name] = decision
        _explain(request, decisions if request.dry_run else written, cluster, progress)
        if health_checks:
            health_checks.apply({name: each.check_changes for name, each in decisions.items() if each.check_changes})
    if progress.open:
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


def _look_at_nodes(request: SyncRequest, cluster: "Cluster") -> Conclusion:
    """List the nodes, look for signs of how they are, and judge them by both."""
    listed = cluster.nodes(request.node_label_selector)
    signs = observe.look_for_signs(request.evidence_settings, request.rules, listed, cluster)
    for remark in signs.remarks:
        log.info("%s", remark)
    return conclude(listed, signs, request.evidence_settings, request.rules)


def _note(request: SyncRequest, name: str, decision: Decision, progress: Progress) -> None:
    """Note a decision; the run has finished with the domain when nothing is left to do, or nothing may be done."""
    progress.shows(name, decision.current)
    before = progress[name].warnings if progress[name].has_written else ()  # what was written is why: it is shown once
    warnings = tuple(dict.fromkeys((*before, *decision.warnings)))
    progress.note(name, verdicts=decision.wanted.verdicts, warnings=warnings, refusal=decision.refusal)
    if request.dry_run:
        progress.note(name, after=decision.wanted.record_sets)
    if request.dry_run or not (decision.plan.changes or decision.waits):
        progress.note(name, error=None)
        progress.finish(name)
    elif not decision.waits:
        progress.check_attempts(name, decision.plan.changes)


def _apply(name: str, decision: Decision, write: Write, clock: Clock, listed_from: float, progress: Progress) -> bool:
    """Write what is left to do and say whether that succeeded; in any case the next round reads everything again."""
    if progress[name].done or decision.waits:
        return False
    progress.note(name, attempted=decision.plan.changes)
    try:
        change_id = _write(progress[name], write, clock, listed_from)
    except NotApplied as error:
        progress.fail(name, error)
    except Conflict as error:
        progress.rejected(name, error)
    except TemporaryError as error:
        progress.outcome_unknown(name, error)
    except ConfigurationError as error:
        progress.misconfigured(name, error)
    else:
        progress.written(name, change_id, decision.wanted.record_sets)
        return True
    return False


def _explain(request: SyncRequest, decisions: Mapping[str, Decision], cluster: "Cluster", progress: Progress) -> None:
    """Log what was written, with the reasons; nodes that are not selected any more are looked up only now."""
    lost = {name: unexplained(each.plan.changes, each.wanted.verdicts) for name, each in decisions.items()}
    if any(lost.values()):
        with contextlib.suppress(Failure):  # the run does not depend on it
            others = cluster.nodes("").nodes if request.node_label_selector else ()
            for name, addresses in lost.items():
                found = unselected(others, request.rules, request.node_label_selector, addresses)
                progress.note(name, unselected=(*(progress[name].unselected or ()), *found))
    for name, decision in decisions.items() if not request.dry_run else ():
        explainer = Explainer(decision.wanted.verdicts, progress[name].unselected)
        for change in decision.plan.changes:
            log.info("%s in %s: %s", name, progress[name].where, explainer.line(change))


def _write(domain: Domain, write: Write, clock: Clock, listed_from: float) -> str:
    """Send one write while its plan is fresh. Only what was certainly not applied is ever sent again."""
    fresh_seconds = listed_from + FRESH_SECONDS - clock.now()
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
