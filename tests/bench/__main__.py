"""`python -m tests.bench`: what each command costs, and what stays running.

Prints the Markdown tables of tests/README.md, medians of whole processes, and its progress on standard error; nothing
it measures is an error. EXTERNAL_DNS and KUBE_NODE_DNS_RUST name the binaries of alternatives to measure in the same
run. How soon a failed node leaves DNS is for `python -m tests.bench.reaction`, what an older revision cost for
`python -m tests.bench.against`.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import network, tables
from tests.bench.costs import cases, measured, turns
from tests.bench.figures import Cost, targets
from tests.bench.launcher import Launcher
from tests.bench.machine import machine
from tests.bench.plot import svg
from tests.bench.programs import programs
from tests.bench.readme import README, publish
from tests.bench.residents import MINUTE, at_rest, under_heartbeats, wrapper
from tests.bench.scenes import OURS, Scene, Size, address_of, pod

PROBE = ("--probe", network.URL)
WAYS = (("--publish-to", "dnsendpoint", "--dnsendpoint-namespace", "default"), PROBE, ("--health-check", "tcp:443"))
COSTS_SECONDS = 120.0
"""How long costs are measured, so that all is done within six minutes."""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    sizes: tuple[Size, ...]
    resting: tuple[Size, ...]
    """Of these, those in which programs stay; the first also has the heartbeats."""
    seconds: float
    heartbeats: int
    repetitions: int | None = None


WHOLE = Extent(
    (
        *(Size(nodes=nodes) for nodes in (3, 50, 500, 5_000)),
        *(Size(record_sets=10_000), Size(zones=500), Size(domains=10)),
        *(Size(options=way) for way in WAYS),
    ),
    (Size(), Size(options=PROBE), Size(nodes=5_000)),
    MINUTE,
    5_000,
)
QUICK = Extent((Size(nodes=3), *(Size(nodes=3, options=way) for way in WAYS)), (Size(nodes=3),), 0.5, 10, 1)


def main() -> None:
    """Measure, and print or write what was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words = f"how often each cost is measured (as often as {COSTS_SECONDS:.0f} s have room for)"
    parser.add_argument("--repetitions", type=int, metavar="N", help=words)
    parser.add_argument("--quick", action="store_true", help="one run, the smallest cluster: to try it out")
    parser.add_argument("--write", action="store_true", help="put the tables and the plot into tests/README.md")
    arguments = parser.parse_args()
    if arguments.repetitions is not None and arguments.repetitions < 1:
        parser.error("--repetitions: at least 1")
    network.enter("tests.bench")
    extent = QUICK if arguments.quick else replace(WHOLE, repetitions=arguments.repetitions)
    costs, text = report(extent)
    publish("bench", text, write=arguments.write)
    if arguments.write:
        (README.parent / "bench" / "growth.svg").write_text(svg(costs), encoding="utf-8")
    # Of our own, a failure is an error; of an alternative it is a finding.
    if failed := [f"{each.job}, {each.size}: {each.remark}" for each in costs if each.remark and each.by == OURS]:
        sys.exit("\n".join(failed))


def report(extent: Extent) -> tuple[list[Cost], str]:
    """Measure one thing after the other; give the costs, and all of it as Markdown."""
    chosen, head = programs(), machine()
    with ExitStack() as stack:
        say("making clusters and accounts")
        sites = stack.enter_context(network.Sites())
        sites.serve(map(address_of, range(Size().nodes)))
        scenes = {size: stack.enter_context(Scene(size, sites.authority_pem)) for size in extent.sizes}
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        inside = pod([*scenes.values()], Path(home) / "account")
        launcher = stack.enter_context(Launcher(inside))
        gc.freeze()  # what is there by now stays: the servers need not look at it again and again
        found = cases([*scenes.values()], chosen)
        costs = measured(found, turns(extent.repetitions, COSTS_SECONDS), launcher, say)
        say("what stays")
        resting = [scenes[size] for size in extent.resting]
        residents = [wrapper(), *at_rest(resting, chosen, inside, extent.seconds)]
        heartbeats = under_heartbeats(resting[0], inside, extent.heartbeats)
    taken = max(len(cost.usages) for cost in costs)
    off = statistics.median(each.off for each in costs if each.usages)
    return costs, "\n".join(
        [
            f"{head}. Medians of {taken} interleaved runs, whose quartiles are some {off:.0%} away in CPU.\n",
            tables.syncs(costs, [program.name for program in chosen]),
            tables.others(costs),
            tables.residents(residents),
            f"{heartbeats}\n",
            tables.promises(targets(costs, OURS)),
        ]
    )


def say(line: str) -> None:
    """Tell a person how far it got, with the seconds since the process began."""
    sys.stderr.write(f"{time.monotonic() - _BEGAN:5.0f} s  {line}\n")


_BEGAN = time.monotonic()


if __name__ == "__main__":
    main()
