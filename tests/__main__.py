"""`python -m tests`: everything that must hold before a change is done, in one command."""

import os
import subprocess
import sys

WORKERS = str(3 * (os.cpu_count() or 1))  # most tests wait for processes
STEPS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("coverage", "erase"),
    ("coverage", "run", "-m", "pytest", "-q", "-n", WORKERS, *sys.argv[1:]),
    ("coverage", "combine", "-q"),
    ("coverage", "report", "--include=jobs/core/*", "--fail-under=100"),
)


def main() -> int:
    """Run each step in turn; the first that fails ends it."""
    for step in STEPS:
        print("+", " ".join(step), flush=True)
        status = subprocess.run([sys.executable, "-m", *step], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
