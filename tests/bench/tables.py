"""A report as Markdown and as JSON. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tests.bench.figures import Cost, Measure, Report, Target, written
from tests.bench.scenes import Size

_WRITES = ("Change", "create ", "update ", "patch ", "delete ")
"""How operations begin that change something."""


def markdown(report: Report) -> str:
    """Write all tables, each with a heading."""
    parts = [
        f"Measured on {report.date}; {', '.join(f'{name} {value}' for name, value in report.machine.items())}.",
        f"Medians (quartiles) of whole processes; runs of each, interleaved: {report.repetitions}.",
        *report.notes,
        *_section("Targets", ["what", "at most", "measured", ""], map(_target, report.targets)),
        *_section("Costs", _COSTS, map(_cost, report.costs)),
        *_section("At rest, under load, and in time", ["what", "by", "median", ""], map(_measure, report.measures)),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, head: Sequence[str], rows: Iterator[list[str]]) -> list[str]:
    lines = [list(head), ["---"] * len(head), *rows]
    if len(lines) == 2:
        return []
    return [f"### {title}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]


def _target(target: Target) -> list[str]:
    unit = f" {target.unit}" if target.unit else ""
    measured = "" if target.measured is None else written(target.measured) + unit
    return [target.what, written(target.at_most) + unit, measured, target.verdict]


_COSTS = ["job", "by", "size", "CPU s", "wall s", "peak MB", "to Route 53", "to Kubernetes"]


def _cost(cost: Cost) -> list[str]:
    begin = [cost.job, "" if cost.by == cost.job else cost.by, size(cost.size)]
    if not cost.usages:
        return [*begin, cost.remark, "", "", "", ""]
    figures = [str(each) for each in (cost.cpu_seconds, cost.wall_seconds, cost.peak_megabytes)]
    return [*begin, *figures, requests(cost.route53), requests(cost.kubernetes)]


def size(of: Size) -> str:
    """Say how large a cluster is, and what of the account is unusual."""
    usual = Size()
    words = {"record_sets": "record sets", "zones": "zones", "domains": "domains"}
    unusual = [
        f"{getattr(of, name):,} {word}" for name, word in words.items() if getattr(of, name) != getattr(usual, name)
    ]
    return ", ".join([f"{of.nodes:,} nodes", *unusual])


def requests(made: Mapping[str, int]) -> str:
    """Count requests, and among them those that write."""
    writes = sum(count for operation, count in made.items() if operation.startswith(_WRITES))
    total = sum(made.values())
    return f"{total} ({writes} write{'s' * (writes > 1)})" if writes else str(total)


def _measure(measure: Measure) -> list[str]:
    if not measure.figures:
        return [measure.what, measure.by, "", measure.remark]
    return [measure.what, measure.by, f"{measure.spread} {measure.unit}", measure.remark]


_FIGURES = ("cpu_seconds", "wall_seconds", "peak_megabytes")


def json_text(report: Report) -> str:
    """Write everything, each run's figures and each operation's count included."""
    document: dict[str, Any] = msgspec.to_builtins(report)
    for row, cost in zip(document["costs"], report.costs, strict=True):
        if cost.usages:
            row |= {
                name: msgspec.to_builtins(getattr(cost, name))
                for name in ("cpu_seconds", "wall_seconds", "peak_megabytes")
            }
    for row, measure in zip(document["measures"], report.measures, strict=True):
        if measure.figures:
            row["spread"] = msgspec.to_builtins(measure.spread)
    for row, target in zip(document["targets"], report.targets, strict=True):
        row["verdict"] = target.verdict
    return msgspec.json.format(msgspec.json.encode(document).decode(), indent=2) + "\n"
