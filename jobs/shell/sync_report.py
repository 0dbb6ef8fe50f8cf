"""The result of sync-once: text for people, one JSON document for programs. Pure."""

from collections.abc import Iterable
from typing import Any

from jobs.core.explain import Explainer, title
from jobs.core.progress import Domain, Progress
from jobs.core.route53_form import api_changes
from jobs.core.text import one_line
from jobs.core.verdict import Published, Verdict, reasons
from jobs.shell.report import Row, table


def sync_document(progress: Progress, *, dry_run: bool) -> dict[str, Any]:
    """Give the result of sync-once as the contract's JSON document."""
    return {
        "dry_run": dry_run,
        "status": progress.exit_status,
        "domains": [_domain(domain, dry_run=dry_run) for domain in progress],
    }


def _domain(domain: Domain, *, dry_run: bool) -> dict[str, Any]:
    return {
        "name": domain.name,
        "zone_id": domain.zone.id if domain.zone else None,
        "status": _status(domain, dry_run=dry_run),
        "error": domain.trouble,
        "warnings": list(domain.warnings),
        "changes": [
            {"action": each["Action"], "record_set": each["ResourceRecordSet"]}
            for each in api_changes(domain.difference.changes)
        ],
        "nodes": [_node(verdict) for verdict in domain.nodes],
    }


def _status(domain: Domain, *, dry_run: bool) -> str:
    if domain.failure:
        return "failed"
    if domain.refusal:
        return "refused"
    if domain.difference.changes:
        return "would change" if dry_run else "changed"
    return "unchanged"


def _node(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.node,
        "published": isinstance(verdict, Published),
        "reason": None if isinstance(verdict, Published) else verdict.reason,
        "addresses": [
            {"address": str(address), "published": reason is None, "reason": reason}
            for address, reason in reasons(verdict)
        ],
        "coordinates": _coordinates(verdict) or None,
    }


def sync_text(progress: Progress, *, dry_run: bool) -> str:
    """Give the result of sync-once as a diff and a table of nodes, domain by domain."""
    return "\n".join(_section(domain, dry_run=dry_run) for domain in progress)


def _section(domain: Domain, *, dry_run: bool) -> str:
    where = [f"zone {domain.zone.id}"] if domain.zone else [domain.where] if domain.dnsendpoint else []
    heading = " · ".join([domain.name, *where, _status(domain, dry_run=dry_run), *["dry run"] * dry_run])
    lines = [heading, *(f"  warning: {one_line(warning)}" for warning in domain.warnings)]
    if domain.error:
        lines.append(f"  error: {one_line(str(domain.error))}")
    elif domain.refusal:
        lines.append(f"  refused: {domain.refusal}")
    if domain.checks_error:
        lines.append(f"  error: health checks: {one_line(str(domain.checks_error))}")
    lines += _diff(domain)
    if not domain.error:
        unchanged = len(domain.difference.unchanged)
        lines.append(f"  {unchanged} record set{'' if unchanged == 1 else 's'} unchanged")
    if domain.nodes:
        head = ("NODE", "PUBLISHED", "ADDRESSES", "COORDINATES", "REASON")
        lines += ["", *table([head, *map(_row, domain.nodes)])]
    return "\n".join(lines) + "\n"


def _diff(domain: Domain) -> Iterable[str]:
    explainer = Explainer(domain.verdicts, domain.unselected)
    for change in domain.difference.changes:
        yield f"  {title(change)}"
        yield from table([(f"      {each.sign} {each.address}", each.why) for each in explainer.addresses(change)])


def _row(verdict: Verdict) -> Row:
    addresses = " ".join(map(str, verdict.addresses))
    withheld = "; ".join(f"{each.address}: {each.reason}" for each in verdict.withheld)
    if isinstance(verdict, Published):
        return verdict.node, "yes", addresses, _coordinates(verdict), withheld
    return verdict.node, "no", addresses, _coordinates(verdict), "; ".join(filter(None, (verdict.reason, withheld)))


def _coordinates(verdict: Verdict) -> str:
    return "" if verdict.coordinates is None else str(verdict.coordinates)
