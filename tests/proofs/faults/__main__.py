"""`python -m tests.proofs.faults`: the table of promises, then every row of it tried; exits with 1 if one is broken."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import product

from tests.proofs.faults.annotating import AnnotateCase
from tests.proofs.faults.annotating import positions as of_annotate_once
from tests.proofs.faults.positions import Case, Position, outcomes
from tests.proofs.faults.promises import KINDS, for_good, once
from tests.proofs.faults.syncing import SCENARIOS, SyncCase
from tests.proofs.faults.syncing import positions as of_sync_once
from tests.proofs.faults.watching import WatchCase
from tests.proofs.faults.watching import positions as of_watch

PROGRESS_ROWS = 50


def table(title: str, positions: Sequence[Position], *, waits: bool = False) -> None:
    """Print the exit status of a run by operation and fault: when it happens once, and when it is for good."""
    print(f"\n| {title} | {' | '.join(KINDS)} |\n| --- |{' --- |' * len(KINDS)}")
    for operation in dict.fromkeys(position.operation for position in positions):
        cells = (
            f"{once(operation, k, waits=waits).status} / {for_good(operation, k, waits=waits).status}" for k in KINDS
        )
        calls = sum(position.operation == operation for position in positions)
        print(f"| {operation}, {calls} call{'s' * (calls > 1)} | {' | '.join(cells)} |")


def cases() -> Iterator[Case]:
    """Give every row there is, and print the table on the way."""
    for scenario in SCENARIOS:
        found = of_sync_once(scenario)
        table(f"sync-once that {scenario.name}", found, waits=scenario.waits)
        yield from (SyncCase(scenario, *row) for row in product(found, KINDS, (False, True)))
    patches = of_annotate_once()
    table("annotate-once", patches)
    yield from (AnnotateCase(*row) for row in product(patches, KINDS, (False, True)))
    watched = of_watch()
    operations = ", ".join(dict.fromkeys(position.operation for position in watched))
    print(f"\nwatch goes on, whatever happens to {operations}, and loses no change")
    yield from (WatchCase(*row) for row in product(watched, KINDS, (False, True)))


def main() -> int:
    """Try them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.faults", description=__doc__)
    parser.add_argument("--at-once", type=int, default=8, help="how many runs at the same time (8)")
    options = parser.parse_args()
    rows = list(cases())
    broken = 0
    for number, failure in enumerate(outcomes(rows, options.at_once), 1):
        if failure:
            broken += 1
            print(failure, file=sys.stderr)
        if number % PROGRESS_ROWS == 0:
            print(f"{number:,} of {len(rows):,} rows tried, {broken:,} broken", file=sys.stderr)
    print(f"\n{len(rows):,} rows tried, {broken:,} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
