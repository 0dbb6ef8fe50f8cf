"""Growth as a picture: what a sync costs as nodes, zone and account grow."""

import re
from collections.abc import Callable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from tests.bench.figures import CHANGE, NO_OP, START, Cost, Spread, growth, spread
from tests.bench.scenes import EXTERNAL_DNS, ORIGINAL, OURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DIMENSIONS = {"nodes": "nodes", "record_sets": "record sets in the zone", "zones": "zones in the account"}
_ROWS: dict[str, Callable[[Cost], Spread]] = {
    "CPU, s": lambda cost: cost.cpu_seconds,
    "peak memory, MB": lambda cost: cost.peak_megabytes,
    "requests to Route 53": lambda cost: spread([cost.asked]),
}
_COLOURS = {OURS: "#1f5fa8", EXTERNAL_DNS: "#c2571a", ORIGINAL: "#6a3d9a"}
_LINES = {NO_OP: "-", CHANGE: ":"}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "kube-node-dns",  # the same numbers give the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.grid": True,
    "axes.grid.axis": "y",  # each tick and line of a grid is a kilobyte of the file
    "xtick.bottom": False,
    "ytick.left": False,
    "grid.color": "#dddddd",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def svg(costs: Sequence[Cost]) -> str:
    """Draw medians and quartiles; white behind everything, to be read on a dark page too."""
    import matplotlib as mpl  # noqa: PLC0415 - slow, and only a plot needs it
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 7.5), facecolor="white", layout="constrained")
        grid = figure.subplots(len(_ROWS), len(_DIMENSIONS), sharey="row", squeeze=False)
        for row, (label, figure_of) in enumerate(_ROWS.items()):
            for axes, (dimension, words) in zip(grid[row], _DIMENSIONS.items(), strict=True):
                _draw(axes, costs, dimension, figure_of)
                axes.set_xlabel(words)
            grid[row][0].set_ylabel(label)
            grid[row][0].set_ylim(bottom=0)
        handles, labels = grid[0][0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
        out = StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"(\.\d\d)\d+|(?<=\n) +", r"\1", out.getvalue())  # finer than anyone sees, and a fifth of the file


def _draw(axes: "Axes", costs: Sequence[Cost], dimension: str, figure_of: Callable[[Cost], Spread]) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator  # noqa: PLC0415 - slow, and only a plot needs it

    axes.set_xscale("log")
    known: set[int] = set()
    for by, colour in _COLOURS.items():
        for job, line in _LINES.items():
            points = [(size, figure_of(cost)) for size, cost in growth(costs, job, by, dimension)]
            sizes = [size for size, _ in points]
            known.update(sizes)
            if points:
                medians = [each.median for _, each in points]
                axes.plot(sizes, medians, line, color=colour, marker="o", markersize=3, label=f"{by}: {job}")
                low, high = ([getattr(each, end) for _, each in points] for end in ("low", "high"))
                if low != high:
                    axes.fill_between(sizes, low, high, color=colour, alpha=0.15, linewidth=0)
    for cost in costs:
        if cost.job == START and cost.usages and (floor := figure_of(cost).median):
            axes.axhline(floor, color="#888888", linestyle="--", linewidth=1, label=START)
    axes.set_xticks(sorted(known), [f"{size:,}" for size in sorted(known)])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
