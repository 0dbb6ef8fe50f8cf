"""The way to a broken law, in words."""

from collections.abc import Iterable

from tests.proofs.interleavings.state import Request, State, Step
from tests.proofs.interleavings.store import described

_SIGNS = {"DELETE": "-", "CREATE": "+", "UPSERT": "!"}


def told(path: Iterable[tuple[State, Step, State]]) -> list[str]:
    """Tell each step on a line."""
    return [_line(*each) for each in path]


def _line(before: State, step: Step, after: State) -> str:
    if step.number < 0:
        return step.what
    run = after.runs[step.number]
    ends = ""
    if run.call is None and before.runs[step.number].call and not step.what.startswith("crash"):
        ends = "; ends well" if run.done else f"; fails: {run.domain.error}"
    return f"run {step.number + 1}: {_what(before, step)}{ends}"


def _what(before: State, step: Step) -> str:
    sent = _sent(step.request) if step.request else ""
    how = "accepted" if step.applied else "refused"
    match step.what:
        case "records":
            return f"reads the records: {before.dns}"
        case "write":
            return f"writes {sent}: {how}"
        case "late":
            return f"writes {sent}: times out"
        case "throttled":
            return f"writes {sent}: throttled"
        case "crash while writing":
            return f"writes {sent} and crashes"
        case "arrival":
            return f"what it wrote arrives, {sent}: {how}"
    return _PLAIN.get(step.what, step.what)


_PLAIN = {
    "nodes": "lists the nodes",
    "leases": "looks at the Leases",
    "endpoints": "looks at the endpoints",
    "checks": "lists the health checks",
    "make": "makes a health check",
    "delete": "deletes a health check",
    "crash": "crashes",
}


def _sent(request: Request) -> str:
    return "; ".join(f"{_SIGNS[each['Action']]} {described(each['ResourceRecordSet'])}" for each in request.changes)
