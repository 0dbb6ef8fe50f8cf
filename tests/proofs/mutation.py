"""`python -m tests.proofs.mutation`: change the core in thousands of small ways, and see whether the tests notice each.

mutmut makes the mutants in the folder `mutants`, which also keeps the results: another run goes on from them, and
looks again at what has changed since. Arguments are handed on to it: names of mutants, globs too, `--max-children N`.

What it cannot change: constants and tables outside of functions, and functions with decorators of their own; these,
and all outside of the core, `tests.proofs.slips` changes by hand. What may survive, because nobody can tell it from the
original:

- the other IP version or record type where both are gone through: `!=` for `==` in `_most`, `_assigned` and `_ready`;
- `numeric_order` left out where a record set's addresses, all of one version, are put in order;
- a shortcut not taken that only saves time: nodes without an address over a limit;
- `looked_at / 3` for `looked_at // 3`: whole numbers are compared with it; None for False where a detector is unsure;
- another text for what is not there, where it stands for no answer, no check or a check that is gone;
- what a `ChangeDetector` holds before its first list, and the version of its `listed`: nobody asks;
- `UNICODE_ESCAPE`, another name of the same encoding;
- `XX` among the characters that are stripped off a CronJob's name: it has no capital letters.
"""

import os
import subprocess
import sys

import pytest

from jobs.core import address as addresses
from jobs.core.place import Coordinates

MUTMUT = "mutmut>=3.8"


def pytest_runtest_setup(item: pytest.Item) -> None:  # noqa: ARG001 - pytest's own signature
    """Forget what was worked out before: mutants are made of a process that has run all tests once already."""
    Coordinates.parse.cache_clear()
    addresses._blocks.cache_clear()  # noqa: SLF001 - nobody else has to know of it


def main() -> int:
    """Try the mutants, then name those that no test has noticed."""
    mutmut = ["uv", "run", "-q", "--with", MUTMUT, "mutmut"]
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "mutants"}
    status = subprocess.run([*mutmut, "run", *sys.argv[1:]], env=environment, check=False).returncode
    return status or subprocess.run([*mutmut, "results"], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
