"""What a run tells on standard output: text for people, one JSON document for programs. Pure."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from jobs.core.explain import Explainer, title
from jobs.core.model import Published, Verdict, reasons
from jobs.core.plan import Change, api_changes
from jobs.core.progress import Outcome, Outcomes
from jobs.core.text import escaped, one_line

if TYPE_CHECKING:  # a command imports only its own job
    from jobs.annotate_once import AnnotateResult

Row = Sequence[str]


def sync_document(outcomes: Outcomes, *, dry_run: bool, status: int) -> dict[str, Any]:
    """Give the result of sync-once as the contract's JSON document."""
    return {
        "dry_run": dry_run,
        "status": status,
        "domains": [_domain(outcome, dry_run=dry_run) for outcome in outcomes.values()],
    }


def _domain(outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    return {
        "name": outcome.domain,
        "zone_id": outcome.zone.id if outcome.zone else None,
        "status": _status(outcome, dry_run=dry_run),
        "error": str(outcome.error or outcome.refusal) if outcome.error or outcome.refusal else None,
        "warnings": list(outcome.warnings),
        "changes": [
            {"action": each["Action"], "record_set": each["ResourceRecordSet"]}
            for batch in _one_after_the_other(outcome.changes)
            for each in api_changes(batch)
        ],
        "nodes": [_node(verdict) for verdict in outcome.verdicts],
    }


def _one_after_the_other(changes: Iterable[Change]) -> list[list[Change]]:
    """Cut changes where one builds on another: a run may write the same record set twice."""
    pieces: list[list[Change]] = [[]]
    for change in changes:
        if any(change.subject.key == earlier.subject.key for earlier in pieces[-1]):
            pieces.append([])
        pieces[-1].append(change)
    return pieces


def _status(outcome: Outcome, *, dry_run: bool) -> str:
    if outcome.error:
        return "failed"
    if outcome.refusal:
        return "refused"
    if outcome.changes:
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


def sync_text(outcomes: Outcomes, *, dry_run: bool) -> str:
    """Give the result of sync-once as a diff and a table of nodes, domain by domain."""
    return "\n".join(_section(outcome, dry_run=dry_run) for outcome in outcomes.values())


def _section(outcome: Outcome, *, dry_run: bool) -> str:
    zone = [f"zone {outcome.zone.id}"] if outcome.zone else []
    heading = " · ".join([outcome.domain, *zone, _status(outcome, dry_run=dry_run), *["dry run"] * dry_run])
    lines = [heading, *(f"  warning: {one_line(warning)}" for warning in outcome.warnings)]
    if outcome.error:
        lines.append(f"  error: {one_line(str(outcome.error))}")
    elif outcome.refusal:
        lines.append(f"  refused: {outcome.refusal}")
    if outcome.changes:
        lines += _diff(outcome)
    if not outcome.error:
        lines.append(f"  {outcome.unchanged} record set{'' if outcome.unchanged == 1 else 's'} unchanged")
    if outcome.verdicts:
        head = ("NODE", "PUBLISHED", "ADDRESSES", "COORDINATES", "REASON")
        lines += ["", *_table([head, *map(_row, outcome.verdicts)])]
    return "\n".join(lines) + "\n"


def _diff(outcome: Outcome) -> Iterable[str]:
    explainer = Explainer(outcome.verdicts)
    for change in outcome.changes:
        yield f"  {title(change)}"
        yield from _table([(f"      {each.sign} {each.address}", each.why) for each in explainer.addresses(change)])


def _row(verdict: Verdict) -> Row:
    addresses = " ".join(map(str, verdict.addresses))
    withheld = "; ".join(f"{each.address}: {each.reason}" for each in verdict.withheld)
    if isinstance(verdict, Published):
        return verdict.node, "yes", addresses, _coordinates(verdict), withheld
    return verdict.node, "no", addresses, _coordinates(verdict), "; ".join(filter(None, (verdict.reason, withheld)))


def _coordinates(verdict: Verdict) -> str:
    return "" if verdict.coordinates is None else str(verdict.coordinates)


def _table(rows: Sequence[Row]) -> list[str]:
    """Line columns up, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def annotate_document(result: "AnnotateResult", *, dry_run: bool, status: int) -> dict[str, Any]:
    """Give the result of annotate-once as the contract's JSON document."""
    return {
        "dry_run": dry_run,
        "status": status,
        "node": result.node,
        "changed": result.changed,
        "addresses": [
            {"address": str(each.address), "interface": each.interface} for each in result.found if not each.reason
        ],
        "left_out": [
            {"address": str(each.address), "interface": each.interface, "reason": each.reason}
            for each in result.found
            if each.reason
        ],
    }


def annotate_text(result: "AnnotateResult", *, dry_run: bool, status: int) -> str:
    """Give the result of annotate-once as a table of addresses."""
    outcome = "failed" if status else "dry run" if dry_run else "changed" if result.changed else "unchanged"
    rows = [
        (str(each.address), escaped(each.interface), "no" if each.reason else "yes", escaped(each.reason or ""))
        for each in result.found
    ]
    head = ("ADDRESS", "INTERFACE", "PUBLIC", "REASON")
    return "\n".join([f"{result.node or 'this machine'} · {outcome}", "", *_table([head, *rows])]) + "\n"


def as_json(document: dict[str, Any]) -> str:
    """Write a document so that people can read it too."""
    return json.dumps(document, indent=2) + "\n"
