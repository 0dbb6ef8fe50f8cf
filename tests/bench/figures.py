"""What was measured, as values: medians and spread, and which target was met. Pure."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.launcher import Usage
from tests.bench.programs import VARIABLES
from tests.bench.scenes import Size

PYTHON, START, NO_OP, CHANGE = "bare Python", "bare start-up", "no-op sync", "one-node change"
ANNOTATE = "annotate-once"
FAILED = "FAILED"
"""How the remark begins on something that was run and did not do its job."""
FLAT = 1.1
"""Up to this ratio something counts as flat: medians of the same thing differ by less than that."""


@dataclass(frozen=True)
class Spread:
    """The median of some figures and, for their spread, the quartiles."""

    median: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        """Write it with as many digits as are worth reading."""
        median, low, high = (written(each) for each in (self.median, self.low, self.high))
        return median if self.count == 1 else f"{median} ({low} to {high})"


def spread(figures: Sequence[float]) -> Spread:
    """Summarise one figure or more."""
    if len(figures) == 1:
        return Spread(figures[0], figures[0], figures[0], 1)
    low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
    return Spread(median, low, high, len(figures))


def written(figure: float) -> str:
    """Write a figure with two decimals, one from 10 on, none from 100 on."""
    return f"{figure:,.{2 if abs(figure) < 10 else 1 if abs(figure) < 100 else 0}f}"


@dataclass(frozen=True)
class Cost:
    """What one job of one program took, at one size, run after run."""

    job: str
    by: str
    size: Size
    usages: tuple[Usage, ...]
    route53: Mapping[str, int]
    """How many requests of each operation a run sent; of several runs, the one that sent most."""
    kubernetes: Mapping[str, int]
    remark: str = ""
    """Why there are no figures, or what else is to be known."""

    @property
    def cpu_seconds(self) -> Spread:
        """User and system time."""
        return spread([each.cpu_seconds for each in self.usages])

    @property
    def wall_seconds(self) -> Spread:
        """Time from start to end."""
        return spread([each.wall_seconds for each in self.usages])

    @property
    def peak_megabytes(self) -> Spread:
        """The most memory that was resident."""
        return spread([each.peak_megabytes for each in self.usages])


@dataclass(frozen=True)
class Measure:
    """Something else that was measured: a time, a memory; or a remark why it was not."""

    what: str
    by: str
    unit: str
    figures: tuple[float, ...]
    remark: str = ""

    @property
    def spread(self) -> Spread:
        """Its median and spread."""
        return spread(self.figures)


@dataclass(frozen=True)
class Target:
    """What is promised of a median, and how it came out."""

    what: str
    at_most: float
    measured: float | None
    unit: str

    @property
    def verdict(self) -> str:
        """Give `met`, `MISSED` or `not measured`."""
        if self.measured is None:
            return "not measured"
        return "met" if self.measured <= self.at_most else "MISSED"


@dataclass(frozen=True)
class Report:
    """All of a run of the benchmark."""

    date: str
    machine: Mapping[str, str]
    repetitions: int
    costs: tuple[Cost, ...]
    measures: tuple[Measure, ...]
    targets: tuple[Target, ...]
    notes: tuple[str, ...] = ()


def largest(requests: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """Of the requests of several runs, give those of the run that sent most."""
    return max(requests, key=lambda each: sum(each.values()), default={})


def growth(costs: Sequence[Cost], job: str, by: str, dimension: str) -> list[tuple[int, Cost]]:
    """Give a job's costs along one dimension of size, all others being as usual, from small to large."""
    usual = Size()
    found = [
        (int(getattr(cost.size, dimension)), cost)
        for cost in costs
        if (cost.job, cost.by) == (job, by)
        and cost.usages
        and all(getattr(cost.size, each) == getattr(usual, each) for each in vars(usual) if each != dimension)
    ]
    return sorted(found, key=lambda each: each[0])


def targets(costs: Sequence[Cost], by: str) -> tuple[Target, ...]:
    """Hold a program's costs to what is promised."""

    def at(job: str, size: Size, figure: Callable[[Cost], float], by: str = by) -> float | None:
        found = [each for each in costs if (each.job, each.by, each.size) == (job, by, size) and each.usages]
        return figure(found[0]) if found else None

    def ratio(over: float | None, under: float | None) -> float | None:
        return None if over is None or under is None else over / under

    def more(over: float | None, under: float | None, scale: float = 1) -> float | None:
        return None if over is None or under is None else (over - under) * scale

    small, usual, large = Size(nodes=3), Size(), Size(nodes=5_000)
    start = at(START, usual, _cpu, START)
    beyond = [
        Target("CPU of a no-op at 50 nodes ÷ bare start-up", 1.2, ratio(at(NO_OP, usual, _cpu), start), ""),
        Target("CPU at 5,000 nodes above 3", 0.5, more(at(NO_OP, large, _cpu), at(NO_OP, small, _cpu)), "s"),
        Target("memory at 5,000 nodes above 3", 40, more(at(NO_OP, large, _peak), at(NO_OP, small, _peak)), "MB"),
    ]
    for words, grown in (("a zone of 10,000 record sets", Size(record_sets=10_000)), ("500 zones", Size(zones=500))):
        for name, figure, most in (("CPU", _cpu, FLAT), ("memory", _peak, FLAT), ("requests to Route 53", _asked, 1)):
            measured = ratio(at(NO_OP, grown, figure), at(NO_OP, usual, figure))
            beyond.append(Target(f"{name} in {words} ÷ in a small one", most, measured, ""))
    return tuple(beyond)


def _cpu(cost: Cost) -> float:
    return cost.cpu_seconds.median


def _peak(cost: Cost) -> float:
    return cost.peak_megabytes.median


def _asked(cost: Cost) -> float:
    return sum(cost.route53.values())


def failures(report: Report) -> list[str]:
    """Name what failed of our own, which is an error; an alternative's failure is a finding."""
    ours = [(f"{each.job}, {each.size}", each.remark) for each in report.costs if each.by not in VARIABLES]
    remarks = [*ours, *((each.what, each.remark) for each in report.measures)]
    return [f"{what}: {remark}" for what, remark in remarks if remark.startswith(FAILED)]
