"""`python -m tests.proofs.soak --runs 1000 --seed N`: overlap many runs in trouble; exit 1 at a deviation."""

import argparse
import sys
import time

from tests.proofs.soak.soak import Deviation, soaked


def main() -> int:
    """Print the figures, and the deviation if there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="how many runs, beside those at quiet moments (1000)")
    parser.add_argument("--seed", type=int, default=0, help="what to draw (0)")
    options = parser.parse_args()
    began = time.monotonic()
    with soaked(options.seed) as soak:
        try:
            soak.rounds(options.runs)
        except Deviation as deviation:
            print(f"seed {options.seed}, after {soak.figures.runs:,} runs: {deviation}", file=sys.stderr)
            return 1
        finally:
            print(f"seed {options.seed}, {time.monotonic() - began:.0f} s\n{soak.figures}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
