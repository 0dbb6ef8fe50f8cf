"""`python -m tests`: everything that must hold before a change is done; other arguments are handed to pytest."""

import argparse
import os
import subprocess
import sys

CPUS = os.cpu_count() or 1
LINT = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
)
PYTEST = ("pytest", "-q", "-n")
Steps = tuple[tuple[str, ...], ...]


def quick(arguments: list[str]) -> Steps:
    """Run the tests of the core, and each command once."""
    return ((*PYTEST, str(CPUS), "tests/core", "tests/program/smoke", *arguments),)


def everything(arguments: list[str]) -> Steps:
    """Run all tests; those of single behaviours of the core must cover every line and branch of it.

    Laws and explorations do not count there: tracing them would take half of the time.
    """
    rules = (*PYTEST, str(CPUS), "--cov", "--cov-fail-under=100", "--ignore-glob=*laws.py", "tests/core")
    whole = (*PYTEST, str(3 * CPUS), "--dist", "worksteal", *arguments)  # most tests wait for processes
    return (whole,) if arguments else (rules, whole)


def main() -> int:
    """Run each step in turn; the first that fails ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--quick", action="store_true", help="lint, types, the core with few examples, each command once: a minute"
    )
    options, rest = parser.parse_known_args()
    if options.quick:
        os.environ["HYPOTHESIS_PROFILE"] = "brief"
    for step in (*LINT, *(quick(rest) if options.quick else everything(rest))):
        print("+", " ".join(step), flush=True)
        status = subprocess.run([sys.executable, "-m", *step], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
