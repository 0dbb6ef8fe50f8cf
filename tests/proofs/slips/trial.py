"""Copies of the tree with an environment of their own, in which slips are made one after the other."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from enum import Enum
from itertools import count
from pathlib import Path
from shutil import copy2

from tests.proofs.slips.slip import ROOT, Slip

_FAILED, _PASSED = 1, 0  # pytest's exit status; any other says that nothing was tried


class Outcome(Enum):
    """What became of a slip."""

    NOTICED = "noticed"
    UNNOTICED = "not noticed"
    SKIPPED = "not tried: this machine cannot run its test"
    BROKEN = "not tried: pytest could not run its test"


class Trial:
    """A copy of the tree, and an environment whose program is the copy's."""

    def __init__(self, folder: Path) -> None:
        """Copy what git knows or would, as it is now."""
        self._tree = folder / "tree"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (self._tree / name).parent.mkdir(parents=True, exist_ok=True)
                copy2(ROOT / name, self._tree / name)
        subprocess.run(["git", "init", "-q"], cwd=self._tree, check=True)  # some tests ask git what is in the tree
        subprocess.run(["git", "add", "--all"], cwd=self._tree, check=True)
        self._warm = self._start(_environment(folder / "venv", self._tree))
        self._moments = count(1_000_000_000)

    def outcome(self, slip: Slip) -> Outcome:
        """Make a slip, run its test, and undo it."""
        path = self._tree / slip.file
        original = path.read_text("utf-8")
        self._write(path, original.replace(slip.before, slip.after, 1))
        try:
            status, said = self.tested([slip.test])
        finally:
            self._write(path, original)
        if status in {_FAILED, -signal.SIGALRM}:
            return Outcome.NOTICED
        if status != _PASSED:
            return Outcome.BROKEN
        return Outcome.UNNOTICED if "passed" in said.splitlines()[-1] else Outcome.SKIPPED

    def tested(self, tests: Iterable[str], *options: str) -> tuple[int, str]:
        """Run tests in the copy; give pytest's exit status and what it said."""
        assert self._warm.stdin  # they are pipes
        assert self._warm.stdout
        self._warm.stdin.write(json.dumps(["-q", "-x", "-p", "no:cacheprovider", *options, *tests]) + "\n")
        self._warm.stdin.flush()
        status, said = json.loads(self._warm.stdout.readline())
        return status, said

    def end(self) -> None:
        """End the process that runs the tests."""
        assert self._warm.stdin  # it is a pipe
        self._warm.stdin.close()
        self._warm.wait()

    def _start(self, python: Path) -> "subprocess.Popen[str]":
        """Start what runs the tests of the copy."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "HYPOTHESIS_PROFILE": "brief",
        }
        command = [str(python), "-m", "tests.proofs.slips.warm"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self._tree, env=environment, stdin=pipe, stdout=pipe, text=True)

    def _write(self, path: Path, text: str) -> None:
        """Write a source with a time of its own: what Python has compiled is known by time and size alone."""
        path.write_text(text, "utf-8")
        moment = next(self._moments)
        os.utime(path, (moment, moment))


def _environment(folder: Path, tree: Path) -> Path:
    """Make an environment with all packages of this one, in which the program is that of a tree; give its Python."""
    venv.create(folder, symlinks=True)
    packages = folder / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    (packages / "tree.pth").write_text(f"{tree}\n{sysconfig.get_path('purelib')}\n", "utf-8")
    for command in Path(sys.executable).parent.iterdir():
        place = folder / "bin" / command.name
        if command.name == "kube-node-dns":
            place.write_text(command.read_text("utf-8").replace(sys.prefix, str(folder)), "utf-8")
            place.chmod(0o755)
        elif not place.exists():
            place.symlink_to(command)
    return folder / "bin" / "python"
