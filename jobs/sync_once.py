"""The sync job: observe → decide → apply → observe again, until Route 53 shows the nodes that can serve now."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from jobs import records
from jobs.errors import DONE, REFUSED, ConfigurationError, Conflict, Failure, NotApplied, TemporaryError, worst
from jobs.explain import Explainer
from jobs.model import Coordinates, MinNodes, Node, Published, RecordSet, Verdict
from jobs.names import Zone, choose_zone, last_labels, listing_order, no_zone, within
from jobs.plan import Batch, Change, Plan, batches, calculate, without_withdrawals
from jobs.retry import RESERVE_SECONDS, Clock, patiently

log = logging.getLogger(__name__)

MAX_WRITES = 3  # a domain and run: whoever needs more is fighting somebody
FRESH_SECONDS = 10.0  # an older plan knows too little of the nodes
WRITE_SECONDS = 10.0  # what a write may take: none starts with less time left
PAUSE_SECONDS = 1.0  # between rounds that got nowhere
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class SyncRequest:
    """What a run is asked to do."""

    domains: tuple[str, ...]
    node_label_selector: str = ""
    ttl: int = 60
    min_nodes: MinNodes = field(default=MinNodes(1))
    default_coordinates: Coordinates | None = None
    zone_id: str | None = None
    dry_run: bool = False
    wait: bool = False


class Nodes(Protocol):
    """What the job needs of a cluster."""

    def nodes(self, label_selector: str) -> Sequence[Node]:
        """List the nodes that match, as they are now."""


class Dns(Protocol):
    """What the job needs of Route 53."""

    def zones(self, start: str, *, all_under_it: bool = True) -> Sequence[Zone]:
        """List hosted zones in name order from `start` on."""

    def zone(self, zone_id: str) -> Zone:
        """Look up one hosted zone."""

    def record_sets(self, zone: Zone, name: str) -> Mapping[str, Sequence[RecordSet]]:
        """Read a name's record sets, and those of other names that came with them."""

    def change(self, zone: Zone, changes: Iterable[Change]) -> str:
        """Apply one change batch; give its id."""

    def in_sync(self, change_id: str) -> bool:
        """Whether every name server knows a change."""


@dataclass(frozen=True)
class Outcome:
    """How far the run got with a domain. `changes` were made, or would be in a dry run."""

    domain: str
    zone: Zone | None = None
    settled: bool = False
    error: Failure | None = None
    refusal: str | None = None
    warnings: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    changes: tuple[Change, ...] = ()
    attempted: tuple[Change, ...] = ()
    unsure: tuple[Change, ...] = ()
    unchanged: int = 0
    writes: int = 0
    change_ids: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """The domain's own share of the exit status."""
        return self.error.exit_status if self.error else REFUSED if self.refusal else DONE


Outcomes = dict[str, Outcome]


def exit_status(outcomes: Outcomes) -> int:
    """Give the exit status of a whole run."""
    return worst(outcome.exit_status for outcome in outcomes.values())


def sync_once(request: SyncRequest, cluster: Nodes, dns: Dns, clock: Clock, outcomes: Outcomes) -> None:
    """Make Route 53 show the nodes that can serve now; a second look confirms what was written.

    `outcomes` holds each domain's and is kept current, so that a run cut short can still say how far it got. Records
    are read before nodes: a plan is never older in its nodes than in its records.
    """
    outcomes |= {domain: Outcome(domain) for domain in request.domains}
    while (opened := _open(outcomes)) and clock.left() > PAUSE_SECONDS + RESERVE_SECONDS:
        if all(isinstance(outcomes[domain].error, TemporaryError) for domain in opened):
            clock.sleep(PAUSE_SECONDS)
        _find_zones(request, opened, dns, outcomes)
        current = _read_records(opened, dns, outcomes)
        if not current:
            continue
        began = clock.now()
        with _settling(outcomes, *current):
            nodes = cluster.nodes(request.node_label_selector)
            verdicts = [records.assess(node, request.default_coordinates) for node in nodes]
            for domain, shown in current.items():
                with _settling(outcomes, domain):
                    decision = decide(request, domain, shown, verdicts)
                    outcomes[domain] = _judge(request, outcomes[domain], shown, decision)
                    if not outcomes[domain].settled:
                        _apply(domain, decision, dns, clock, began, outcomes)
    given_up(request, outcomes, Failure("no time left before the deadline (--timeout)"))
    if request.wait:
        _wait_in_sync(dns, clock, outcomes)


def given_up(request: SyncRequest, outcomes: Outcomes, error: Failure) -> None:
    """Settle with an error what is neither settled nor has an error of its own."""
    for domain in request.domains:
        outcome = outcomes.get(domain, Outcome(domain))
        if not outcome.settled:
            outcomes[domain] = replace(outcome, settled=True, error=outcome.error or error)


def _open(outcomes: Outcomes) -> list[str]:
    return [outcome.domain for outcome in outcomes.values() if not outcome.settled]


@contextmanager
def _settling(outcomes: Outcomes, *domains: str) -> Iterator[None]:
    """Keep a failure to the domains it concerns; a temporary one leaves them open for the next round."""
    try:
        yield
    except Failure as error:
        settled = not isinstance(error, TemporaryError)
        outcomes |= {domain: replace(outcomes[domain], error=error, settled=settled) for domain in domains}


def _find_zones(request: SyncRequest, opened: Iterable[str], dns: Dns, outcomes: Outcomes) -> None:
    homeless = [domain for domain in opened if outcomes[domain].zone is None]
    if request.zone_id and homeless:
        with _settling(outcomes, *homeless):
            zone = _named_zone(request.zone_id, homeless, dns)
            outcomes |= {domain: replace(outcomes[domain], zone=zone) for domain in homeless}
        return
    for start in dict.fromkeys(map(last_labels, homeless)):
        below = [domain for domain in homeless if last_labels(domain) == start]
        with _settling(outcomes, *below):
            zones = dns.zones(start)
            for domain in below:
                with _settling(outcomes, domain):
                    zone = choose_zone(domain, zones) or _wider_search(domain, zones, dns)
                    outcomes[domain] = replace(outcomes[domain], zone=zone)


def _named_zone(zone_id: str, domains: Iterable[str], dns: Dns) -> Zone:
    """Look up the zone of --zone-id; a wrong one is wrong for every domain."""
    zone = dns.zone(zone_id)
    if zone.private:
        raise ConfigurationError(f"--zone-id {zone_id}: {zone} is not public; name a public hosted zone")
    for domain in domains:
        if not within(domain, zone.name):
            raise ConfigurationError(f"--zone-id {zone_id}: {domain} is not in {zone}; leave the option out")
    return zone


def _wider_search(domain: str, zones: Sequence[Zone], dns: Dns) -> Zone:
    """Look beyond the last two labels, for a zone that is a top-level domain or, failing that, for a helpful error."""
    zones = [*zones, *dns.zones(last_labels(domain, 1), all_under_it=False), *dns.zones("", all_under_it=False)]
    zones = list(dict.fromkeys(zones))
    if zone := choose_zone(domain, zones):
        return zone
    raise no_zone(domain, zones)


def _read_records(opened: Iterable[str], dns: Dns, outcomes: Outcomes) -> dict[str, Sequence[RecordSet]]:
    """Read each domain's own record sets; one that came complete with another's needs no call."""
    current: dict[str, Sequence[RecordSet]] = {}
    seen: dict[Zone, dict[str, Sequence[RecordSet]]] = {}
    for domain in sorted(opened, key=listing_order):
        zone = outcomes[domain].zone
        if zone is not None:
            with _settling(outcomes, domain):
                known = seen.setdefault(zone, {})
                if domain not in known:
                    known |= dns.record_sets(zone, domain)
                current[domain] = records.owned(domain, zone.name, known[domain])
    return current


@dataclass(frozen=True)
class Decision:
    """What to do about one domain, all of it known before the first write."""

    wanted: records.Wanted
    plan: Plan
    batches: tuple[Batch, ...]
    refusal: str | None


def decide(request: SyncRequest, domain: str, current: Sequence[RecordSet], verdicts: Sequence[Verdict]) -> Decision:
    """Compare what a domain shows with what it should. Pure."""
    wanted = records.wanted(domain, request.ttl, verdicts, current)
    published = sum(isinstance(verdict, Published) for verdict in wanted.verdicts)
    required = request.min_nodes.required(len(verdicts))
    refusal = None
    if published < required:
        refusal = (
            f"{published} of {len(verdicts)} selected nodes would be published, --min-nodes {request.min_nodes} "
            f"asks for {required}: nothing is withdrawn"
        )
        wanted = records.confined(wanted, without_withdrawals(current, wanted.record_sets))
    plan = calculate(current, wanted.record_sets)
    return Decision(wanted, plan, batches(plan), refusal)


def _judge(request: SyncRequest, outcome: Outcome, current: Sequence[RecordSet], decision: Decision) -> Outcome:
    """Note a decision; the domain is settled when nothing is left to do, or nothing may be done."""
    last = outcome.error
    made = tuple(change for change in outcome.unsure if change.shows_in(current))
    outcome = replace(
        outcome,
        error=None,
        refusal=decision.refusal,
        warnings=decision.wanted.warnings,
        verdicts=decision.wanted.verdicts,
        unchanged=len(
            {each.key for each in decision.plan.unchanged} - {change.subject.key for change in outcome.changes}
        ),
        changes=outcome.changes + (decision.plan.changes if request.dry_run else made),
        unsure=(),
        settled=request.dry_run or not decision.plan.changes,
    )
    if not outcome.settled and outcome.writes >= MAX_WRITES:
        fought_over = [change for change in decision.plan.changes if change not in outcome.attempted]
        names = ", ".join(str(change.subject) for change in fought_over or decision.plan.changes)
        error = Failure(f"somebody else keeps changing {names}, given up after {MAX_WRITES} writes: {last or 'undone'}")
        return replace(outcome, settled=True, error=error)
    return outcome


def _apply(domain: str, decision: Decision, dns: Dns, clock: Clock, began: float, outcomes: Outcomes) -> None:
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
            log.warning("%s: %s; looking again", domain, error)
            outcomes[domain] = replace(outcome, error=error, unsure=unsure, writes=outcome.writes + counts)
            return
        outcomes[domain] = replace(
            outcome,
            changes=outcome.changes + changes,
            change_ids=(*outcome.change_ids, change_id),
            writes=outcome.writes + (number == 0),
        )
        for change in changes:
            log.info("%s in zone %s: %s", domain, outcome.zone, explainer.line(change))


def _write(outcome: Outcome, batch: Batch, dns: Dns, clock: Clock, began: float) -> str:
    """Send one batch while its plan is fresh. Only what was certainly not applied is ever sent again."""

    last = outcome.error

    def attempt() -> str:
        nonlocal last
        if clock.left() < WRITE_SECONDS:
            because = f": {last}" if last else ""
            raise Failure(f"less than {WRITE_SECONDS:.0f} s left of --timeout, nothing more is written{because}")
        try:
            if clock.now() - began > FRESH_SECONDS:
                raise NotApplied(f"the plan is older than {FRESH_SECONDS:.0f} s")
            assert outcome.zone is not None  # noqa: S101 - its records were read
            return dns.change(outcome.zone, batch)
        except NotApplied as error:
            last = error
            raise

    fresh = max(0.0, began + FRESH_SECONDS - clock.now())
    return patiently(clock, f"writing {outcome.domain}", on=NotApplied, attempts=None, within_seconds=fresh)(attempt)


def _wait_in_sync(dns: Dns, clock: Clock, outcomes: Outcomes) -> None:
    """Return when every Route 53 name server answers with what this run wrote."""
    for domain, outcome in outcomes.items():
        with _settling(outcomes, domain):
            for change_id in outcome.change_ids:
                while not dns.in_sync(change_id):
                    if clock.left() < POLL_SECONDS + RESERVE_SECONDS:
                        raise Failure(f"written, but change {change_id} is not INSYNC before the deadline (--timeout)")
                    clock.sleep(POLL_SECONDS)
