"""What was measured, as values: medians and their spread, and what is promised of them. Pure."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.launcher import Usage
from tests.bench.scenes import Size

PYTHON, START, NO_OP, CHANGE = "bare Python", "bare start-up", "no-op sync", "one-node change"
ANNOTATE = "annotate-once"


@dataclass(frozen=True)
class Spread:
    """The median of some figures and, for their spread, the quartiles."""

    median: float
    low: float
    high: float


def spread(figures: Sequence[float]) -> Spread:
    """Summarise one figure or more."""
    if len(figures) == 1:
        return Spread(figures[0], figures[0], figures[0])
    low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
    return Spread(median, low, high)


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
    """Why there are no figures."""

    @property
    def cpu_seconds(self) -> Spread:
        """User and system time."""
        return spread([each.cpu_seconds for each in self.usages])

    @property
    def peak_megabytes(self) -> Spread:
        """The most memory that was resident."""
        return spread([each.peak_megabytes for each in self.usages])

    @property
    def off(self) -> float:
        """How far a quartile of CPU is from the median, as a share of it."""
        cpu = self.cpu_seconds
        return max(cpu.high - cpu.median, cpu.median - cpu.low) / cpu.median

    @property
    def asked(self) -> int:
        """How many requests a run sent to Route 53."""
        return sum(self.route53.values())


@dataclass(frozen=True)
class Resident:
    """What a process that stays holds, and what it does in a minute."""

    by: str
    size: Size | None
    megabytes: float
    cpu_seconds: float
    asked: int
    """Requests to Kubernetes."""


@dataclass(frozen=True)
class Target:
    """What is promised of a figure, and how it came out; None if it was not measured."""

    what: str
    at_most: float
    measured: float | None


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


def targets(costs: Sequence[Cost], by: str) -> list[Target]:
    """Hold a program's no-op to what is promised of it as cluster, zone and account grow."""
    found = {each.size: each for each in costs if (each.job, each.by) == (NO_OP, by) and each.usages}

    def more(large: Size, small: Size, figure: Callable[[Cost], float]) -> float | None:
        return figure(found[large]) - figure(found[small]) if {large, small} <= found.keys() else None

    cluster = Size(nodes=5_000), Size(nodes=3)
    return [
        Target("CPU, s: 5,000 nodes above 3", 0.5, more(*cluster, lambda cost: cost.cpu_seconds.median)),
        Target("peak MB: 5,000 nodes above 3", 40, more(*cluster, lambda cost: cost.peak_megabytes.median)),
        *(
            Target(f"requests to Route 53: {words}", 0, more(size, Size(), lambda cost: cost.asked))
            for words, size in (
                ("10,000 record sets above 10", Size(record_sets=10_000)),
                ("500 zones above one", Size(zones=500)),
            )
        ),
    ]
