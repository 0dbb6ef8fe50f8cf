"""Standard output: the result of a command, once."""

import logging
import os
import sys
from collections.abc import Callable
from threading import Lock

from jobs.core.errors import FAILED, Failure

log = logging.getLogger(__name__)


def print_result(text: str) -> None:
    """Write the result; a reader who has seen enough, such as `head`, is no error.

    What the encoding of standard output cannot say is written as an escape: the run itself is done, and well.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # there is no sys.stdout when it was closed
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        print(text, end="", flush=True)  # noqa: T201 - the one place that does
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered goes there at exit
        if not isinstance(error, BrokenPipeError):
            raise Failure(f"cannot write the result to standard output: {error}") from error


class Ending:
    """The end of a run, told once: by the job or, when that is late, by the watchdog."""

    def __init__(self) -> None:
        """Nobody has begun to tell it yet."""
        self._begun = Lock()
        self._status: int | None = None

    def of_job(self, tell: Callable[[], int]) -> int:
        """Tell it and give the exit status; waits for the end of the process when the watchdog has begun to."""
        self._begun.acquire()
        self._status = tell()
        return self._status

    def when_late(self, tell: Callable[[], int]) -> int:
        """Tell it unless the job has; what the job has begun to write, and nobody reads to its end, is a failure."""
        if self._begun.acquire(blocking=False):
            return tell()
        if self._status is None:
            log.error("standard output is full, and nobody reads the result")
            return FAILED
        return self._status
