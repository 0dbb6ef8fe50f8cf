"""The process: signals, the deadline, the log on standard error, the result on standard output, and the end."""

import atexit
import contextlib
import gc
import json
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from jobs.core.errors import Failure
from jobs.core.text import one_line

if TYPE_CHECKING:  # signals are taken over before anything slow is imported
    from jobs.edges.clock import Clock

log = logging.getLogger("jobs")

LAST_WORDS_SECONDS = 1.0
"""What writing may take beyond the deadline: standard output and error may be pipes that nobody reads."""
_STEP_SECONDS = 1.0
"""How often the run's clock is looked at: it counts the time that a laptop sleeps, a wait does not."""


def take_over_signals() -> None:
    """End the process at SIGTERM and Ctrl-C with the status that a shell gives them, also as process 1 of a container.

    Python calls signal handlers in the main thread when that gets back to Python. So nothing that may take long
    happens there: see `run_until_deadline`.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _stop(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def run_until_deadline(work: Callable[[], None], clock: "Clock") -> Failure | None:
    """Do a command's work until its end or the deadline, and give what went wrong.

    It has a thread of its own, for name resolution and login plugins cannot be interrupted; at the deadline it is
    left to itself, and `end` does not wait for it.
    """
    failures: list[Failure] = []
    ended = threading.Event()

    def do() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a library that exits has not done the work
            failures.append(as_failure(error))
        finally:
            ended.set()

    threading.Thread(target=do, daemon=True).start()
    while not ended.wait(max(0.0, min(_STEP_SECONDS, clock.left()))):
        if clock.left() <= 0:
            failures.insert(0, Failure(f"not done within {clock.timeout_seconds:.0f} s (--timeout)"))
            break
    signal.signal(signal.SIGALRM, _give_up_writing)
    if clock.left() < math.inf:
        signal.setitimer(signal.ITIMER_REAL, max(0.0, clock.left()) + LAST_WORDS_SECONDS, LAST_WORDS_SECONDS)
    return failures[0] if failures else None


def collect_garbage(every: int = 20_000) -> None:
    """Begin to collect garbage after so many new objects, now that all is imported and stays.

    At the default of 700 a quarter of what thousands of nodes cost would be looking through them for garbage.
    """
    gc.freeze()
    gc.set_threshold(every)
    gc.enable()


def _give_up_writing(*_: object) -> NoReturn:
    raise Failure("standard output is full, and nobody reads the result")


def as_failure(error: BaseException) -> Failure:
    """Make a defect of our own one line and a status too."""
    if isinstance(error, Failure):
        return error
    log.debug("this is where it came from", exc_info=error)
    return Failure(f"unexpected {type(error).__name__}: {error}; please report this, with the log of a run with -v")


def print_result(text: str) -> None:
    """Write the result; a reader who has seen enough, such as `head`, is not an error.

    What the encoding of standard output cannot say is written as an escape: the run itself is done, and well. Raises
    Failure when it cannot be written.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # there is no sys.stdout when it was closed
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        print(text, end="", flush=True)  # noqa: T201 - the one place that does
    except BrokenPipeError:
        return
    except OSError as error:
        raise Failure(f"cannot write the result to standard output: {error}") from error


def end(status: int) -> NoReturn:
    """Exit without waiting for any thread; exit handlers remove the temporary files with keys of a kubeconfig."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # it is ending
    signal.signal(signal.SIGALRM, lambda *_: os._exit(status))
    signal.setitimer(signal.ITIMER_REAL, LAST_WORDS_SECONDS)
    logging.disable()  # other threads may stumble over what the exit handlers take away
    atexit._run_exitfuncs()  # noqa: SLF001 - os._exit runs none
    with contextlib.suppress(Exception):  # a result that could not be written has been reported
        sys.stdout.flush()
    os._exit(status)


def log_to_stderr(*, json_lines: bool, verbose: bool) -> None:
    """Log this program's records, and only the warnings of libraries: botocore's debug log holds secrets."""
    handler = _Handler()
    handler.setFormatter(_Formatter(json_lines=json_lines))
    logging.raiseExceptions = False  # a closed standard error is not a reason to fail, nor to say so
    logging.captureWarnings(capture=True)
    logging.getLogger().handlers = [handler]
    log.setLevel(logging.DEBUG if verbose else logging.INFO)


class _Formatter(logging.Formatter):
    """One line per record, whatever the message: `warning: ...`, or a JSON object."""

    def __init__(self, *, json_lines: bool) -> None:
        super().__init__()
        self._json_lines = json_lines

    def format(self, record: logging.LogRecord) -> str:
        own = record.name.startswith("jobs")  # libraries log tracebacks along with their warnings
        message, level = one_line(super().format(record) if own else record.getMessage()), record.levelname.lower()
        if not self._json_lines:
            return f"{level}: {message}"
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        return json.dumps({"time": moment, "level": level, "message": message})


class _Handler(logging.Handler):
    """Writes past the buffer of sys.stderr: what a full disk leaves in one fails at exit, with a status of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            os.write(sys.stderr.fileno(), f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Exception:  # noqa: BLE001 - as logging asks of handlers
            self.handleError(record)
