"""The loop around annotate-once, as the manifest has it, run by /bin/sh with a stand-in for the program."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

from tests.sandbox.world import PROGRAM
from tests.support.manifests import container

SHELL = "/bin/sh"
STAND_INS = {
    "succeeds": "exit 0",
    "fails": "exit 2",
    "hangs": 'echo "$$" > running; exec sleep 600',
    "is the program": f'exec {PROGRAM[0]} "$@"',
    "hangs and is deaf": "trap '' TERM; echo \"$$\" > running; while :; do sleep 1; done",
}


def script() -> str:
    """Give the script as the kubelet hands it to the shell: `$$` is `$`, and `$(NAME)` a variable it knows."""
    shell, option, text = container("annotate")["command"]
    assert (shell, option) == (SHELL, "-c")
    assert not re.search(r"\$\$|\$\(", text), "the kubelet would change this"
    return str(text)


class Wrapper:
    """The script in a folder with stand-ins for the program and, unless it is the real one, for sleep."""

    def __init__(self, home: Path) -> None:
        """Use a folder."""
        self.home = home
        self.process: subprocess.Popen[str] | None = None

    def start(self, stand_in: str, *, sleeps: str = "", **variables: str) -> "subprocess.Popen[str]":
        """Run the script; `sleeps` is what stands in for sleep, `variables` are added to its environment."""
        self._put("kube-node-dns", f'echo "$@" >> runs; {STAND_INS[stand_in]}')
        if sleeps:
            self._put("sleep", f'echo "$@" >> sleeps; {sleeps}')
        self.process = subprocess.Popen(
            [SHELL, "-c", script()],
            cwd=self.home,
            env={"PATH": f"{self.home}:{os.environ['PATH']}", **variables},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def _put(self, name: str, text: str) -> None:
        (self.home / name).write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
        (self.home / name).chmod(0o755)

    def lines(self, name: str) -> list[str]:
        """Give what a stand-in has noted."""
        path = self.home / name
        return path.read_text(encoding="ascii").splitlines() if path.exists() else []

    def end(self) -> None:
        """End whatever the script has started."""
        if self.process is not None:
            with self.process:
                try:
                    os.killpg(self.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    return


def commands(pids: list[int]) -> list[str]:
    """Name what these processes run, as far as they still do."""
    names = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names.append(Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip())
    return names
