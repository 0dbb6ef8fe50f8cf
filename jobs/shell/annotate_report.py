"""The result of annotate-once: text for people, one JSON document for programs. Pure."""

from typing import Any

from jobs.annotate_once import AnnotateResult
from jobs.core.address import Found
from jobs.core.text import escaped
from jobs.shell.report import table


def annotate_document(result: AnnotateResult, *, dry_run: bool, status: int) -> dict[str, Any]:
    """Give the result of annotate-once as the contract's JSON document."""
    return {
        "dry_run": dry_run,
        "status": status,
        "node": result.node,
        "changed": result.changed,
        "addresses": [_address(each) for each in result.found if not each.reason],
        "left_out": [{**_address(each), "reason": each.reason} for each in result.found if each.reason],
    }


def _address(found: Found) -> dict[str, Any]:
    return {"address": str(found.address), "interface": found.interface, "source": found.source}


def annotate_text(result: AnnotateResult, *, dry_run: bool, status: int) -> str:
    """Give the result of annotate-once as a table of addresses; an interface is the source of its own addresses."""
    ending = "failed" if status else "dry run" if dry_run else "changed" if result.changed else "unchanged"
    rows = [
        (
            str(each.address),
            each.source if each.interface is None else f"interface {escaped(each.interface)}",
            "no" if each.reason else "yes",
            escaped(each.reason or ""),
        )
        for each in result.found
    ]
    head = ("ADDRESS", "SOURCE", "PUBLIC", "REASON")
    return "\n".join([f"{result.node or 'this machine'} · {ending}", "", *table([head, *rows])]) + "\n"
