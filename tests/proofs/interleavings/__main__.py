"""`python -m tests.proofs.interleavings`: how many interleavings there are, and what becomes of each mistake."""

import argparse
import gc
import logging
import sys
import time

from tests.proofs.interleavings.explore import BrokenLaw, explore
from tests.proofs.interleavings.laws import TRACELESS, WHOLE
from tests.proofs.interleavings.mistakes import MISTAKES
from tests.proofs.interleavings.scenarios import CHECKED, NAMED, PROTECTED, SCENARIOS
from tests.proofs.interleavings.state import EVENTS
from tests.proofs.interleavings.world import World

STRANGERS = {"ours", "foreign", "protection"}
"""What is left out with health checks, for it takes minutes: it has nothing to do with them."""


def main() -> int:
    """Print a table of the scenarios with two runs, then the shortest way that each mistake leads to a broken law."""
    argparse.ArgumentParser(prog="python -m tests.proofs.interleavings", description=__doc__).parse_args()
    logging.disable()
    gc.disable()
    total = 0
    print(f"| scenario | {' | '.join(['none', *EVENTS])} | interleavings | states | CPU s |")
    print(f"| --- |{' ---: |' * (len(EVENTS) + 4)}")
    for scenario in (*SCENARIOS, PROTECTED, *CHECKED):
        started = time.process_time()
        kinds = [each for each in EVENTS if not (scenario.checking and each in STRANGERS)]
        found = explore(World(scenario), kinds, strict=[WHOLE, *([TRACELESS] if scenario.protected else ())])
        seconds = time.process_time() - started
        total += found.interleavings.total()
        numbers = [*(found.interleavings[event] for event in ("none", *EVENTS)), found.interleavings.total()]
        print(f"| {scenario.name} | {' | '.join(f'{each:,}' for each in [*numbers, found.states])} | {seconds:.1f} |")
    print(f"\n{total:,} interleavings of two runs and at most one event, no law broken")
    for mistake, name, _ in MISTAKES:
        try:
            explore(World(NAMED[name], mistake), ())
        except BrokenLaw as broken:
            print(f"\n{mistake.__name__}, {name}: {broken}")
        else:
            print(f"\n{mistake.__name__}, {name}: not found")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
