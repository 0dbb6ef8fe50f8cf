"""Runs of the real program for a fraction of their price: forked from a process that has imported all of it.

Each run is a process of its own with its own environment and standard streams, in which `jobs.__main__.main` does
everything from taking over the signals to the exit status. What it does not show is how the program is imported, and
what it reads of the environment while it is (`~`): runs of the console script show that.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import IO, Self

import jobs
from jobs.__main__ import main
from jobs.edges import clock, cluster
from tests.sandbox.world import Finished, World

HASTY = "clock.Clock.sleep = lambda _, seconds: time.sleep(min(seconds, 0.25))"
"""Never wait for longer than a quarter of a second: not for a tick, nor for an interval."""
TIMELESS = """
import sys

def sleep(_, seconds):
    time.sleep(min(seconds, 0.25))
    sys.stderr.write(f"slept for {seconds:g} s\\n")

clock.Clock.now, clock.Clock.sleep = lambda _: 0.0, sleep
"""
"""The same with a clock that stands still, so that a slow machine changes nothing; it logs how long it would wait."""

_NUMBER, _ENDING = struct.Struct("i"), struct.Struct("iq")
_LONGEST_REQUEST = 1 << 17


class Forked:
    """A run that has been started, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, ending: int, stdout: IO[str] | None, stderr: IO[str]) -> None:
        """Take the process, the pipe on which its exit status will come, and what to read of it."""
        self.pid = pid
        self.returncode: int | None = None
        self.peak_kilobytes = 0
        self._ending = ending
        self._handle: int | None = None  # a number may be another process's by the time it gets a signal
        with suppress(ProcessLookupError):
            self._handle = os.pidfd_open(pid)
        self.out_lines: list[str] = []
        self.err_lines: list[str] = []
        """What it has said so far; each line has its end."""
        self._readers = [
            threading.Thread(target=_read, args=(stream, lines), daemon=True)
            for stream, lines in ((stdout, self.out_lines), (stderr, self.err_lines))
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the run has ended."""
        with suppress(ProcessLookupError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Wait for the end and for its last words; give the exit status. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            ending = select.poll()  # select() knows descriptors below 1,024 only
            ending.register(self._ending, select.POLLIN)
            if not ending.poll(1000 * timeout):
                raise subprocess.TimeoutExpired("kube-node-dns", timeout)
            self.returncode, self.peak_kilobytes = _ENDING.unpack(os.read(self._ending, _ENDING.size))
            os.close(self._ending)
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
            for reader in self._readers:
                reader.join(10)
        return self.returncode

    def poll(self) -> int | None:
        """Give the exit status if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def finish(self, seconds: float = 150) -> Finished:
        """Wait for the end; a run that takes longer is killed, and that is an error."""
        try:
            status = self.wait(seconds)
        except subprocess.TimeoutExpired as late:
            self.kill()
            self.wait(seconds)
            late.add_note("".join(self.err_lines))
            raise
        return Finished([], status, "".join(self.out_lines), "".join(self.err_lines))

    @property
    def said(self) -> list[str]:
        """The lines on standard error so far."""
        return [line.rstrip("\n") for line in self.err_lines]


def _read(stream: IO[str], lines: list[str]) -> None:
    with stream:
        lines.extend(iter(stream))


@cache
def _server() -> tuple[socket.socket, threading.Lock]:
    """Start the process that forks, once in a test process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    command = [sys.executable, "-m", "tests.support.forks", str(theirs.fileno())]
    root = Path(__file__).parents[2]
    server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], cwd=root)
    theirs.close()

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours, threading.Lock()


def fork(
    arguments: tuple[str, ...], environment: Mapping[str, str], *, stdout: int | None = None, change: str = ""
) -> Forked:
    """Start a run; `stdout` replaces the pipe, `change` is Python that is executed in it before it begins."""
    request = json.dumps([arguments, dict(environment), change]).encode()
    with ExitStack() as ends:
        reads: list[int] = []
        writes: list[int] = []
        for _ in ("status", "err", "out"):
            read, write = os.pipe()
            reads.append(read)
            writes.append(write)
            ends.callback(os.close, write)
        if stdout is not None:
            os.close(reads.pop())
        server, lock = _server()
        with lock:
            socket.send_fds(server, [request], [writes[0], writes[1], writes[2] if stdout is None else stdout])
    pid = _NUMBER.unpack(os.read(reads[0], _NUMBER.size))[0]
    streams = [os.fdopen(each, encoding="utf-8", errors="replace") for each in reads[1:]]
    return Forked(pid, reads[0], streams[1] if stdout is None else None, streams[0])


def start(world: World, *arguments: str, stdout: int | None = None, change: str = "", **variables: str) -> Forked:
    """Start a run against the sandbox; `variables` are added to its environment, an empty one is taken out of it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(world.home), **world.environment, **variables}
    given = {key: value for key, value in environment.items() if value}
    return fork(arguments, given, stdout=stdout, change=f"{world.change}\n{change}")


def run(world: World, *arguments: str, **variables: str) -> Finished:
    """Run it against the sandbox to its end."""
    return start(world, *arguments, stdout=None, change="", **variables).finish()


def _serve(requests: socket.socket) -> None:
    """Fork for each request, twice: the child waits for the run and reports how it ended; the run returns from here."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests; the closed socket ends this
    while True:
        request, files, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST, 3)
        if not request:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            return _become_run(request, *files)
        for file in files:
            os.close(file)


def _become_run(request: bytes, status: int, err: int, out: int) -> None:
    pid = os.fork()
    if pid:
        os.close(err)
        os.close(out)
        os.write(status, _NUMBER.pack(pid))
        _, ending, usage = os.wait4(pid, 0)
        with suppress(BrokenPipeError):  # nobody wants to know any more
            os.write(status, _ENDING.pack(os.waitstatus_to_exitcode(ending), usage.ru_maxrss))
        os._exit(0)
    arguments, environment, change = json.loads(request)
    for file, place in ((out, 1), (err, 2)):
        os.dup2(file, place)
        os.close(file)
    os.close(status)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["kube-node-dns", *arguments]
    exec(change, {"clock": clock, "time": time, "stand_still": _stand_still})  # noqa: S102 - the tests' own


def _stand_still(moment: float) -> None:
    """Let this machine's time of day, as far as the program compares it with others', be a moment of one's choice."""

    class StandingStill(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(moment, tz)

    vars(cluster)["datetime"] = StandingStill  # the only module that asks for the time of day


def _import_all() -> None:
    """Import what a run would, the many modules included that boto3 imports when it makes a client."""
    for each in pkgutil.walk_packages(jobs.__path__, "jobs."):
        importlib.import_module(each.name)
    importlib.import_module("jobs.edges.route53").Route53(clock.Clock(1))
    gc.collect()
    gc.freeze()  # what was imported is never garbage: the runs share its memory


if __name__ == "__main__":
    _import_all()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    main()
