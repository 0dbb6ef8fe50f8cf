"""The result of annotate-once: text for people, one JSON document for programs. Pure."""

from typing import Any

from jobs.annotate_once import AnnotateResult
from jobs.core.text import escaped
from jobs.shell.report import table


def annotate_document(result: AnnotateResult, *, dry_run: bool, status: int) -> dict[str, Any]:
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


def annotate_text(result: AnnotateResult, *, dry_run: bool, status: int) -> str:
    """Give the result of annotate-once as a table of addresses."""
    ending = "failed" if status else "dry run" if dry_run else "changed" if result.changed else "unchanged"
    rows = [
        (str(each.address), escaped(each.interface), "no" if each.reason else "yes", escaped(each.reason or ""))
        for each in result.found
    ]
    head = ("ADDRESS", "INTERFACE", "PUBLIC", "REASON")
    return "\n".join([f"{result.node or 'this machine'} · {ending}", "", *table([head, *rows])]) + "\n"
