"""`python -m tests`: everything that must hold before a change is done, in one command."""

import subprocess
import sys

STEPS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("coverage", "erase"),
    ("coverage", "run", "-m", "pytest", "-q", "-n", "auto", *sys.argv[1:]),
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
