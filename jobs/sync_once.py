"""The sync job: observe → decide → apply → observe again, until Route 53 shows the nodes that can serve now."""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jobs import health, observe
from jobs.core import records
from jobs.core.errors import Conflict, Failure, NotApplied, TemporaryError
from jobs.core.evidence import Checks, Conclusion, conclude
from jobs.core.explain import Explainer, news
from jobs.core.model import Coordinates, MinNodes, RecordSet
from jobs.core.plan import Batch, Plan, batches, calculate, without_withdrawals
from jobs.core.progress import Outcome, Outcomes, given_up, settling, unsettled
from jobs.core.text import quoted
from jobs.edges.clock import RESERVE_SECONDS, Clock, patiently

if TYPE_CHECKING:  # whoever calls has them; here they are but names
    from jobs.edges.cluster import Cluster
    from jobs.edges.route53 import Route53

log = logging.getLogger(__name__)

MAX_WRITES = 3  # a domain and run: whoever needs more is fighting somebody
FRESH_SECONDS = 10.0  # an older plan knows too little of the nodes
WRITE_SECONDS = 10.0  # what a write may take: none starts with less time left
PAUSE_SECONDS = 1.0  # between rounds that got nowhere
POLL_SECONDS = 2.0
EVENTS_SECONDS = 3.0


@dataclass(frozen=True)
class SyncRequest:
    """What a run is asked to do."""

    domains: tuple[str, ...]
    node_label_selector: str = ""
    ttl: int = 60
    min_nodes: MinNodes = field(default=MinNodes(1))
    default_coordinates: Coordinates | None = None
    checks: Checks = field(default=Checks())
    zone_id: str | None = None
    dry_run: bool = False
    wait: bool = False


def sync_once(request: SyncRequest, cluster: "Cluster", dns: "Route53", clock: Clock, outcomes: Outcomes) -> None:
    """Make Route 53 show the nodes that can serve now; a second look confirms what was written.

    `outcomes` holds each domain's and is kept current, so that a run cut short can still say how far it got. Records
    are read before nodes: a plan is never older in its nodes than in its records.
    """
    outcomes |= {domain: Outcome(domain) for domain in request.domains}
    while (opened := unsettled(outcomes)) and clock.left() > PAUSE_SECONDS + RESERVE_SECONDS:
        _log_trouble(opened, outcomes)
        if all(isinstance(outcomes[domain].error, TemporaryError) for domain in opened):
            clock.sleep(PAUSE_SECONDS)
        observe.find_zones(request.zone_id, opened, dns, outcomes)
        current = observe.read_records(opened, dns, outcomes)
        if not current:
            continue
        began = clock.now()
        with settling(outcomes, *current):
            listed = records.placed(cluster.nodes(request.node_label_selector), request.default_coordinates)
            signs = health.look(request.checks, listed, cluster)
            conclusion = conclude(listed, signs, request.checks)
            for domain, shown in current.items():
                with settling(outcomes, domain):
                    decision = decide(request, domain, shown, conclusion)
                    outcomes[domain] = _judge(request, outcomes[domain], shown, decision)
                    if not outcomes[domain].settled:
                        _apply(domain, decision, dns, clock, began, outcomes)
    given_up(outcomes, request.domains, Failure("no time left before the deadline (--timeout)"))
    if request.wait:
        _wait_in_sync(dns, clock, outcomes)
    if not request.dry_run:
        _tell_nodes(cluster, clock, outcomes)


def _log_trouble(opened: Iterable[str], outcomes: Outcomes) -> None:
    """Tell what went wrong in the round before, each once: it may pass, and nobody would know."""
    troubles: dict[str, list[str]] = {}
    for domain in opened:
        if error := outcomes[domain].error:
            troubles.setdefault(str(error), []).append(domain)
    for words, domains in troubles.items():
        log.warning("%s: %s; looking again", ", ".join(domains), words)


@dataclass(frozen=True)
class Decision:
    """What to do about one domain, all of it known before the first write."""

    wanted: records.Wanted
    plan: Plan
    batches: tuple[Batch, ...]
    warnings: tuple[str, ...]
    refusal: str | None


def decide(request: SyncRequest, domain: str, current: Sequence[RecordSet], conclusion: Conclusion) -> Decision:
    """Compare what a domain shows with what it should. Pure."""
    selected = len(conclusion.verdicts)
    wanted = records.wanted(domain, request.ttl, conclusion.verdicts, current)
    required = request.min_nodes.required(selected)
    refusal = None
    if wanted.publishable < required:
        found = f"{wanted.publishable} of {selected} selected nodes would be published"
        if not selected:
            found = f"no node matches --node-label-selector {quoted(request.node_label_selector)}"
        refusal = f"{found}, --min-nodes {request.min_nodes} asks for {required}: nothing is withdrawn"
        wanted = records.confined(wanted, without_withdrawals(current, wanted.record_sets))
    plan = calculate(current, wanted.record_sets)
    return Decision(wanted, plan, batches(plan), (*conclusion.warnings, *wanted.warnings), refusal)


def _judge(request: SyncRequest, outcome: Outcome, current: Sequence[RecordSet], decision: Decision) -> Outcome:
    """Note a decision; the domain is settled when nothing is left to do, or nothing may be done."""
    last = outcome.error
    made = tuple(change for change in outcome.unsure if change.shows_in(current))
    changed = outcome.changes + made
    settled = request.dry_run or not decision.plan.changes
    outcome = replace(
        outcome,
        error=None if settled else last,
        refusal=decision.refusal,
        warnings=decision.warnings,
        verdicts=decision.wanted.verdicts,
        unchanged=len({each.key for each in decision.plan.unchanged} - {change.subject.key for change in changed}),
        changes=decision.plan.changes if request.dry_run else changed,
        unconfirmed=outcome.unconfirmed or bool(made),
        unsure=(),
        settled=settled,
    )
    if not outcome.settled and outcome.writes >= MAX_WRITES:
        fought_over = [change for change in decision.plan.changes if change not in outcome.attempted]
        names = ", ".join(str(change.subject) for change in fought_over or decision.plan.changes)
        error = Failure(f"{names}: given up after {MAX_WRITES} writes {_why_in_vain(last)}")
        return replace(outcome, settled=True, error=error)
    return outcome


def _why_in_vain(last: Failure | None) -> str:
    match last:
        case None:  # each was applied
            return "because somebody else keeps changing it, or the nodes keep changing"
        case TemporaryError():
            return f"without a known outcome: {last}"
    return f"because somebody else keeps changing it: {last}"


def _apply(domain: str, decision: Decision, dns: "Route53", clock: Clock, began: float, outcomes: Outcomes) -> None:
    """Write a plan, batch by batch; whatever comes of it, the next round reads everything again."""
    explainer = Explainer(decision.wanted.verdicts)
    outcomes[domain] = replace(outcomes[domain], attempted=decision.plan.changes)
    for number, batch in enumerate(decision.batches):
        outcome = outcomes[domain]
        changes = tuple(change for change in batch if not change.is_witness)
        try:
            change_id = _write(outcome, batch, dns, clock, began)
        except (Conflict, TemporaryError) as error:
            counts = number == 0 and not isinstance(error, NotApplied)
            unsure = () if isinstance(error, Conflict | NotApplied) else changes
            outcomes[domain] = replace(outcome, error=error, unsure=unsure, writes=outcome.writes + counts)
            return
        outcomes[domain] = replace(
            outcome,
            error=None,
            changes=outcome.changes + changes,
            change_ids=(*outcome.change_ids, change_id),
            writes=outcome.writes + (number == 0),
        )
        for change in changes:
            log.info("%s in zone %s: %s", domain, outcome.zone, explainer.line(change))


def _write(outcome: Outcome, batch: Batch, dns: "Route53", clock: Clock, began: float) -> str:
    """Send one batch while its plan is fresh. Only what was certainly not applied is ever sent again."""
    last = outcome.error

    def attempt() -> str:
        nonlocal last
        if clock.left() < WRITE_SECONDS:
            because = f": {last}" if last else ""
            raise Failure(f"less than {WRITE_SECONDS:.0f} s left of --timeout, nothing more is written{because}")
        if clock.now() - began > FRESH_SECONDS:
            raise NotApplied(f"the plan is older than {FRESH_SECONDS:.0f} s")
        assert outcome.zone is not None  # noqa: S101 - its records were read
        try:
            return dns.change(outcome.zone, batch)
        except NotApplied as error:
            last = error
            raise

    fresh = max(0.0, began + FRESH_SECONDS - clock.now())
    what = f"writing {outcome.domain}"
    return patiently(clock, what, on=NotApplied, attempts=math.inf, within_seconds=fresh)(attempt)


def _tell_nodes(cluster: "Cluster", clock: Clock, outcomes: Outcomes) -> None:
    """Write an Event about each node that has entered or left DNS; news only, so the run does not depend on it."""
    end = clock.now() + EVENTS_SECONDS
    for each in news(outcomes.values()):
        try:
            cluster.create_event(each)
        except Failure as error:
            log.warning("no Event about %s: %s", each.node, error)
            return
        if clock.now() > end:
            return


def _wait_in_sync(dns: "Route53", clock: Clock, outcomes: Outcomes) -> None:
    """Return when every Route 53 name server answers with what this run wrote."""
    waiting = [outcome for outcome in outcomes.values() if outcome.error is None]
    outcomes |= {outcome.domain: replace(outcome, settled=False) for outcome in waiting}  # the deadline may come first
    for outcome in waiting:
        with settling(outcomes, outcome.domain):
            for change_id in outcome.change_ids:
                _wait_for(change_id, dns, clock)
            if outcome.unconfirmed:
                raise Failure("written, but the answer with the change id was lost: it may not be INSYNC yet")
            outcomes[outcome.domain] = outcome


def _wait_for(change_id: str, dns: "Route53", clock: Clock) -> None:
    pending: Exception | str = "PENDING"
    while clock.left() > POLL_SECONDS + RESERVE_SECONDS:
        try:
            if dns.in_sync(change_id):
                return
        except TemporaryError as error:
            pending = error
            log.warning("%s; asking again", error)
        clock.sleep(max(0.0, min(POLL_SECONDS, clock.left() - RESERVE_SECONDS)))
    raise Failure(f"written, but change {change_id} is not INSYNC before the deadline (--timeout): {pending}")
