"""`python -m tests.proofs.slips`: make each slip in a copy of the tree, and see whether its test notices.

What mutmut cannot reach is among them: constants, tables, edges, the command line, manifests. Arguments are parts of
promises, files or tests: only slips with one of them are made.
"""

import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from tests.proofs.slips.slip import Slip
from tests.proofs.slips.slips import SLIPS
from tests.proofs.slips.trial import Outcome, Trial


def main() -> int:
    """Try the slips, name those that no test has noticed, and count all."""
    began = time.monotonic()
    chosen = [slip for slip in SLIPS if not sys.argv[1:] or any(part in " ".join(slip) for part in sys.argv[1:])]
    workers = os.cpu_count() or 1
    with TemporaryDirectory(prefix="kube-node-dns-slips-") as folder:
        every = [Trial(Path(folder, str(number))) for number in range(workers)]
        trials: SimpleQueue[Trial] = SimpleQueue()
        for each in every:
            trials.put(each)
        try:
            outcomes = _outcomes(trials, chosen, workers)
        finally:
            for each in every:
                each.end()
    counts = Counter(outcomes)
    summary = ", ".join(f"{counts[each]} {each.value}" for each in Outcome if counts[each])
    print(f"{len(chosen)} slips: {summary or 'none chosen'}; {time.monotonic() - began:.0f} s")
    return 1 if counts[Outcome.UNNOTICED] or counts[Outcome.BROKEN] else 0


def _outcomes(trials: "SimpleQueue[Trial]", chosen: list[Slip], workers: int) -> list[Outcome]:
    """Run all tests in a copy as it is, for what fails there proves nothing; then make the slips."""
    trial = trials.get()
    status, said = trial.tested(sorted({each.test for each in chosen}), "-n", str(workers)) if chosen else (0, "")
    trials.put(trial)
    if status:
        print(f"without any slip:\n{said}")
        return [Outcome.BROKEN] * len(chosen)
    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(lambda each: _tried(trials, each), chosen))


def _tried(trials: "SimpleQueue[Trial]", slip: Slip) -> Outcome:
    trial = trials.get()
    try:
        outcome = trial.outcome(slip)
    finally:
        trials.put(trial)
    if outcome is not Outcome.NOTICED:
        print(
            f"{outcome.value}: {slip.promise}\n  {slip.file}: {slip.before!r} -> {slip.after!r}\n  {slip.test}",
            flush=True,
        )
    return outcome


if __name__ == "__main__":
    sys.exit(main())
