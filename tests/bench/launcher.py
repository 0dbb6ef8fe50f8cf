"""Runs commands and reports what each took of processor, time and memory."""

import marshal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

SPAWN = Path(__file__).with_name("spawn.py")


@dataclass(frozen=True)
class Usage:
    """What a process took, from its start to its end; CPU is user and system together."""

    cpu_seconds: float
    wall_seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (a signal is negative), what it took, and its standard error."""

    status: int
    usage: Usage
    said: str


class Launcher:
    """A tiny process, running while the context lasts, that starts one command at a time."""

    def __init__(self, inside: Sequence[str] = ()) -> None:
        """Run it with a command that runs another one, in a namespace of its own for example."""
        self._inside = inside

    def __enter__(self) -> Self:
        """Start it."""
        command = [*self._inside, sys.executable, "-I", "-S", str(SPAWN)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._errors = tempfile.NamedTemporaryFile(prefix="bench-")
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._errors.close()
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        during: Callable[[int], object] = lambda _pid: None,
    ) -> Ended:
        """Run a command, named by its path, to its end; `during` is called with its process id once it runs."""
        assert self._process.stdin is not None
        marshal.dump((list(command), dict(environment), self._errors.name), self._process.stdin)
        self._process.stdin.flush()
        during(self._hear())
        status, cpu, wall, peak_kib = self._hear()
        said = Path(self._errors.name).read_text(encoding="utf-8", errors="replace")
        return Ended(status, Usage(cpu, wall, peak_kib * 1024 / 1e6), said)

    def _hear(self) -> Any:  # noqa: ANN401 - what `spawn` tells
        assert self._process.stdout is not None
        return marshal.load(self._process.stdout)  # noqa: S302 - from our own child
