"""The process around a command: its deadline, signals, the result on standard output, and the end."""

import signal
import subprocess
import sys

import pytest

from tests.sandbox.world import Finished
from tests.support.processes import bare_environment, start

PREAMBLE = """
import atexit, ctypes, os, signal, sys, threading
from jobs.core.errors import ConfigurationError
from jobs.edges.clock import Clock
from jobs.shell import process

def hang():
    print("hanging", file=sys.stderr, flush=True)
    ctypes.CDLL(None).pause()  # in C, as name resolution

atexit.register(os.write, 2, b"tidied up\\n")
process.take_over_signals()
"""
END = """
process.print_result(f"{failure}\\n")
process.end(failure.exit_status if failure else 0)
"""
QUICKLY = 20.0
"""Seconds: a process that is told to end does so in a fraction of one, but this machine may be busy."""


def started(script: str, **variables: str) -> subprocess.Popen[str]:
    """Start a process that does some work in its own words."""
    return start([sys.executable, "-c", f"{PREAMBLE}{script}{END}"], bare_environment(**variables))


def finish(process: subprocess.Popen[str]) -> Finished:
    """Wait for the end of a process."""
    try:
        out, err = process.communicate(timeout=QUICKLY)
    finally:
        process.kill()
    return Finished(process.args, process.returncode, out, err)


def run(script: str, **variables: str) -> Finished:
    """Do some work to the end of its process."""
    return finish(started(script, **variables))


def test_work_that_is_done_in_time() -> None:
    """Work that ends in time has no failure, and its result is written once."""
    finished = run("failure = process.run_until_deadline(lambda: os.write(2, b'done\\n'), Clock(60))")
    assert (finished.returncode, finished.stdout) == (0, "None\n")
    assert finished.stderr == "done\ntidied up\n"


@pytest.mark.parametrize(
    ("work", "status", "words"),
    [
        pytest.param("raise ConfigurationError('no zone')", 2, "no zone", id="its own"),
        pytest.param(
            "1 / 0",
            1,
            "unexpected ZeroDivisionError: division by zero; please report this, with the log of a run with -v",
            id="a defect",
        ),
    ],
)
def test_what_goes_wrong_with_the_work(work: str, status: int, words: str) -> None:
    """The failure is what went wrong; a defect becomes one line that asks to be reported."""
    finished = run(f"def work():\n    {work}\nfailure = process.run_until_deadline(work, Clock(60))")
    assert (finished.returncode, finished.stdout, finished.stderr) == (status, f"{words}\n", "tidied up\n")


def test_work_that_hangs_ends_at_the_deadline() -> None:
    """Work that hangs in C is left to itself at the deadline; the result is written all the same."""
    finished = run("failure = process.run_until_deadline(hang, Clock(1))")
    assert (finished.returncode, finished.stdout) == (1, "not done within 1 s (--timeout)\n")
    assert finished.stderr == "hanging\ntidied up\n"


def test_work_that_ends_after_its_deadline_changes_nothing() -> None:
    """What work does between its deadline and the end of the process is not its result."""
    script = """
late = threading.Event()
def work():
    late.wait()
    raise ConfigurationError("late")
failure = process.run_until_deadline(work, Clock(1))
late.set()
[thread.join() for thread in threading.enumerate() if thread is not threading.main_thread()]
"""
    assert run(script).stdout == "not done within 1 s (--timeout)\n"


@pytest.mark.parametrize("seconds", ["60", "float('inf')"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_work_that_hangs(seconds: str, number: int, status: int) -> None:
    """SIGTERM and Ctrl-C end a process whose work hangs, with a shell's status, no result, and its files removed."""
    script = f"""
try:
    failure = process.run_until_deadline(hang, Clock({seconds}))
except SystemExit as stopped:
    process.end(stopped.code)
"""
    process = started(script)
    assert process.stderr is not None
    assert process.stderr.readline() == "hanging\n"
    process.send_signal(number)
    finished = finish(process)
    assert (finished.returncode, finished.stdout, finished.stderr) == (status, "", "tidied up\n")


def test_a_signal_ends_a_result_that_nobody_reads() -> None:
    """SIGTERM ends a process that waits for somebody to read its result."""
    script = """
try:
    failure = process.run_until_deadline(lambda: None, Clock(60))
    print("writing", file=sys.stderr, flush=True)
    process.print_result("x" * 10_000_000)
except SystemExit as stopped:
    process.end(stopped.code)
"""
    process = started(script)
    assert process.stderr is not None
    assert process.stderr.readline() == "writing\n"
    process.terminate()
    assert process.wait(QUICKLY) == 143
    finish(process)


def test_what_standard_output_cannot_say_is_escaped() -> None:
    """A result is written whole whatever the encoding of standard output; what that cannot say is an escape."""
    script = "failure = process.run_until_deadline(lambda: None, Clock(60))\nprocess.print_result('a · b\\n')"
    finished = run(script, PYTHONIOENCODING="ascii")
    assert (finished.returncode, finished.stdout) == (0, "a \\xb7 b\nNone\n")


def test_a_signal_during_the_end_does_not_change_the_status() -> None:
    """A process that is ending keeps its exit status when it is told to end: what it has done is done."""
    script = """
failure = None
atexit.register(os.kill, os.getpid(), signal.SIGTERM)
"""
    finished = run(script)
    assert (finished.returncode, finished.stderr) == (0, "tidied up\n")


def test_an_exit_handler_that_hangs_does_not_hold_up_the_end() -> None:
    """A process whose exit handlers hang ends a moment later, with its own status."""
    finished = run("failure = ConfigurationError('no zone')\natexit.register(threading.Event().wait)")
    assert (finished.returncode, finished.stdout) == (2, "no zone\n")


def test_work_that_exits_is_a_failure() -> None:
    """A library that calls exit() in the middle of a work does not make an unfinished run a success."""
    finished = run("failure = process.run_until_deadline(lambda: sys.exit(0), Clock(60))")
    assert finished.returncode == 1
    assert finished.stdout.startswith("unexpected SystemExit")
