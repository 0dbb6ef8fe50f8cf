"""`python -m tests.bench`: what each job costs, what stays running, how soon a failed node leaves DNS.

Prints Markdown tables on standard output and its progress on standard error. Targets are shown beside what was
measured; a missed one is no error. KUBEBUILDER_ASSETS names a folder with etcd and kube-apiserver to react against,
EXTERNAL_DNS and KUBE_NODE_DNS_RUST the binaries of alternatives to measure in the same run.
"""

import argparse
import gc
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.costs import cases, measured, not_given, turns
from tests.bench.figures import FAILED, Measure, Report, failures, targets
from tests.bench.launcher import Launcher
from tests.bench.machine import machine
from tests.bench.plot import svg
from tests.bench.programs import NOTES, OURS, Program, programs
from tests.bench.reactions import reactions
from tests.bench.residents import at_rest, under_heartbeats, wrapper
from tests.bench.scenes import Scene, Size
from tests.bench.tables import json_text, markdown

SIZES = (
    *(Size(nodes=nodes) for nodes in (3, 50, 500, 5_000)),
    *(Size(record_sets=10_000), Size(zones=500), Size(domains=10)),
)
QUICK_SIZES = (Size(nodes=3),)
COSTS_SECONDS = 90.0
"""How long costs are measured, so that all is done within five minutes."""


def main() -> None:
    """Measure, and write what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same numbers, and each run's, as JSON")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw how costs grow")
    words = f"how often each cost is measured (as often as {COSTS_SECONDS:.0f} s have room for)"
    parser.add_argument("--repetitions", type=int, metavar="N", help=words)
    parser.add_argument("--quick", action="store_true", help="one run, the smallest cluster: to try it out")
    arguments = parser.parse_args()
    if arguments.repetitions is not None and arguments.repetitions < 1:
        parser.error("--repetitions: at least 1")
    report = quickly() if arguments.quick else wholly(arguments.repetitions)
    sys.stdout.write(markdown(report))
    if arguments.json:
        arguments.json.write_text(json_text(report), encoding="utf-8")
    if arguments.svg:
        arguments.svg.write_text(svg(report), encoding="utf-8")
    if failed := failures(report):
        sys.exit("\n".join(failed))


def wholly(repetitions: int | None) -> Report:
    """Measure everything."""
    chosen = programs()

    def measures(scenes: Sequence[Scene]) -> Iterator[Measure]:
        clusters = [scene for scene in scenes if scene.size == Size(nodes=scene.size.nodes)]
        (usual,) = (scene for scene in scenes if scene.size == Size())
        yield wrapper()
        yield from at_rest(clusters, chosen)
        yield from under_heartbeats(usual)
        yield from reactions(chosen, jobs=8, changes=4, clusters=3)

    return reported(SIZES, chosen, repetitions, measures)


def quickly() -> Report:
    """Measure as little as shows that it works."""
    return reported(QUICK_SIZES, programs(), 1, lambda _: iter([wrapper()]))


def reported(
    sizes: Sequence[Size],
    chosen: Sequence[Program],
    repetitions: int | None,
    measures: Callable[[Sequence[Scene]], Iterator[Measure]],
) -> Report:
    """Measure one thing after the other, and gather it all."""
    date, on = datetime.now(UTC).strftime("%Y-%m-%d"), machine()
    with ExitStack() as stack:
        say("making clusters and accounts")
        scenes = [stack.enter_context(Scene(size)) for size in sizes]
        launcher = stack.enter_context(Launcher())
        gc.freeze()  # what is there by now stays: the servers need not look at it again and again
        costs = measured(cases(scenes, chosen), turns(repetitions, COSTS_SECONDS), launcher, say)
        found = list(_followed(measures(scenes)))
    notes = tuple(NOTES[program.name] for program in chosen if program.name in NOTES)
    everything = (*costs, *not_given(chosen))
    taken = max(len(cost.usages) for cost in costs)
    return Report(date, on, taken, everything, tuple(found), targets(costs, OURS), notes)


def _followed(measures: Iterator[Measure]) -> Iterator[Measure]:
    """Say how far it got; when something goes wrong, keep what has been measured so far."""
    try:
        for measure in measures:
            say(f"{measure.what}: {measure.by}")
            yield measure
    except AssertionError as error:
        traceback.print_exception(error)
        yield Measure("what should have followed", OURS, "", (), f"{FAILED}: {error}")


def say(line: str) -> None:
    """Tell a person how far it got, with the seconds since the process began."""
    sys.stderr.write(f"{time.monotonic() - _BEGAN:5.0f} s  {line}\n")


_BEGAN = time.monotonic()


if __name__ == "__main__":
    main()
