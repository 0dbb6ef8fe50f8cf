"""`python -m tests.proofs.soak --runs 1000 --seed N`: overlap many runs in trouble; exit 1 at a deviation.

Each hundred runs have a world of their own, with the next seed: seven of them go through all setups.
"""

import argparse
import sys
import time

from tests.proofs.soak.model import Deviation
from tests.proofs.soak.soak import soaked

RUNS_OF_A_WORLD = 100


def main() -> int:
    """Print the figures of each world, and the deviation if there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="how many runs, beside those at quiet moments (1000)")
    parser.add_argument("--seed", type=int, default=0, help="what to draw first (0)")
    options = parser.parse_args()
    for number in range(0, options.runs, RUNS_OF_A_WORLD):
        seed = options.seed + number // RUNS_OF_A_WORLD
        began = time.monotonic()
        with soaked(seed) as soak:
            try:
                soak.rounds(min(RUNS_OF_A_WORLD, options.runs - number))
            except Deviation as deviation:
                print(f"seed {seed}, {soak.setup}, after {soak.figures.runs:,} runs: {deviation}", file=sys.stderr)
                return 1
            finally:
                print(f"seed {seed}, {soak.setup}, {time.monotonic() - began:.0f} s\n{soak.figures}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
