"""What to do about one domain, all of it known before anything is written. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from jobs.core.check_assignment import CheckChanges, with_checks
from jobs.core.evidence import Conclusion
from jobs.core.health_checks import View
from jobs.core.min_nodes import MinNodes, why_refused, without_withdrawals
from jobs.core.node import Rules
from jobs.core.plan import Plan, calculate
from jobs.core.record_set import RecordSet
from jobs.core.records import Wanted, wanted
from jobs.core.signs import EvidenceSettings


class SyncRequest(Struct, frozen=True):
    """What a run is asked to do."""

    domains: tuple[str, ...]
    node_label_selector: str
    ttl: int
    min_nodes: MinNodes
    routing: str
    max_addresses: int
    rules: Rules
    evidence_settings: EvidenceSettings
    dry_run: bool


class Decision(Struct, frozen=True):
    """What to do about one domain."""

    current: tuple[RecordSet, ...]
    wanted: Wanted
    plan: Plan
    warnings: tuple[str, ...]
    refusal: str | None
    check_changes: CheckChanges | None = None

    @property
    def waits(self) -> bool:
        """Whether health checks are made first, and the records that name them are written after another look."""
        return bool(self.check_changes and self.check_changes.missing)


def decide(
    request: SyncRequest,
    domain: str,
    current: Sequence[RecordSet],
    conclusion: Conclusion,
    view: View | None = None,
    *,
    checks_rejected: bool = False,
) -> Decision:
    """Compare what a domain shows with what it should, also in its health checks. Pure."""
    should = wanted(domain, request.ttl, request.routing, conclusion.verdicts, current, request.max_addresses)
    refusal = why_refused(request.min_nodes, should, current, request.node_label_selector)
    if refusal:
        should = without_withdrawals(current, should, request.max_addresses)
    should, check_changes = with_checks(view, should, current, rejected=checks_rejected)
    plan = calculate(current, should.record_sets)
    return Decision(tuple(current), should, plan, (*conclusion.warnings, *should.warnings), refusal, check_changes)
