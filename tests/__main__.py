"""`python -m tests`: everything that must hold before a change is done; other arguments are handed to pytest."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

CPUS = os.cpu_count() or 1
CORE = Path("tests", "core")
LAWS = sorted(CORE.glob("test_*laws.py"))
OTHERS = sorted({Path(*path.parts[:2]) for path in Path("tests").rglob("test_*.py")} - {CORE})
Step = tuple[str, ...]

LINT: tuple[Step, ...] = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
)
QUICK: Step = ("pytest", "-q", "tests/core", "tests/program/smoke")
RULES: Step = ("pytest", "-q", "--cov", "--cov-fail-under=100", "--ignore-glob=*laws.py", "tests/core")
"""The tests of single behaviours of the core cover every line and branch of it.

Laws and explorations do not count there: tracing them would take half of the time.
"""
COLLECT: Step = ("pytest", "-q", "--collect-only")
"""What pytest makes of a test's source is kept: otherwise each worker would do it again."""
PARALLEL: Step = ("pytest", "-q", "-n", str(4 * CPUS), "--dist", "worksteal")  # most tests wait for processes


def side_by_side(*steps: Step) -> int:
    """Run steps at once; show the last line of each, or all that it said if it failed, and return how they ended."""
    running = [
        (step, subprocess.Popen(command(step), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        for step in steps
    ]
    status = 0
    for step, process in running:
        said, _ = process.communicate()
        shown = said if process.returncode else said.strip().rpartition("\n")[2]
        print("+", *step, f"\n{shown}", flush=True)
        status = status or process.returncode
    return status


def alone(step: Step) -> int:
    """Run a step, and show what it says as it says it; return how it ended."""
    print("+", *step, flush=True)
    return subprocess.run(command(step), check=False).returncode


def command(step: Step) -> list[str]:
    """Give the command of a step."""
    return [sys.executable, "-m", *step]


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--quick", action="store_true", help="lint, types, the core with few examples, each command once: a minute"
    )
    options, rest = parser.parse_known_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what one process has compiled serves hundreds
    if options.quick:
        os.environ["HYPOTHESIS_PROFILE"] = "brief"
        return side_by_side(*LINT, (*QUICK, *rest))
    if rest:
        return side_by_side(*LINT) or alone((*PARALLEL, *rest))
    return side_by_side(*LINT, RULES, COLLECT) or alone((*PARALLEL, *map(str, (*LAWS, *OTHERS))))


if __name__ == "__main__":
    sys.exit(main())
