"""What was measured as Markdown, in the words of tests/README.md. Pure."""

from collections.abc import Mapping, Sequence

from tests.bench.figures import NO_OP, Cost, Resident, Target, written
from tests.bench.readme import rows
from tests.bench.scenes import OURS

_WRITES = ("Change", "create ", "update ", "patch ", "delete ")
"""How operations begin that change something."""


def syncs(costs: Sequence[Cost], programs: Sequence[str]) -> str:
    """Write what a no-op costs at each size, each program beside ours."""
    found = {(cost.size, cost.by): cost for cost in costs if cost.job == NO_OP}
    sizes = dict.fromkeys(size for size, _ in found)
    kinds = ("CPU, s", "peak MB", "requests to Route 53", "to Kubernetes")
    head = ["no-op sync", *(each for kind in kinds[:3] for each in (kind, *programs[1:])), kinds[3]]
    body = []
    for size in sizes:
        cells = [_cells(found.get((size, program))) for program in programs]
        body.append([str(size), *(cell[kind] for kind in range(3) for cell in cells), cells[0][3]])
    return rows(head, *body)


def others(costs: Sequence[Cost]) -> str:
    """Write what everything else of ours costs, for comparison a bare start among it."""
    found = [cost for cost in costs if cost.job != NO_OP and cost.by in {OURS, cost.job}]
    names = [cost.job if cost.by == cost.job else f"{cost.job}, {cost.size}" for cost in found]
    head = ["other runs", "CPU, s", "peak MB", "requests to Route 53", "to Kubernetes"]
    return rows(head, *([name, *_cells(cost)] for name, cost in zip(names, found, strict=True)))


def residents(found: Sequence[Resident]) -> str:
    """Write what stays running."""
    head = ["what stays", "resident MB", "CPU, s a minute", "requests a minute"]
    return rows(head, *(_resident(each) for each in found))


def promises(found: Sequence[Target]) -> str:
    """Write what is promised beside what was measured."""
    return rows(["promised", "at most", "measured"], *(_target(each) for each in found))


def requests(made: Mapping[str, int]) -> str:
    """Count requests, and among them those that write."""
    writes = sum(count for operation, count in made.items() if operation.startswith(_WRITES))
    total = sum(made.values())
    return f"{total} ({writes} write{'s' * (writes > 1)})" if writes else str(total)


def _cells(cost: Cost | None) -> list[str]:
    if cost is None:
        return [""] * 4
    if not cost.usages:
        return [cost.remark, "", "", ""]
    cpu, peak = written(cost.cpu_seconds.median), f"{cost.peak_megabytes.median:,.0f}"
    return [cpu, peak, requests(cost.route53), requests(cost.kubernetes)]


def _resident(each: Resident) -> list[str]:
    name = f"{each.by}, {each.size}" if each.size else each.by
    return [name, written(each.megabytes), written(each.cpu_seconds), str(each.asked)]


def _target(target: Target) -> list[str]:
    measured = "not measured" if target.measured is None else written(target.measured)
    missed = target.measured is not None and target.measured > target.at_most
    return [target.what, written(target.at_most), measured + " MISSED" * missed]
