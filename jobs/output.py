"""Standard output: the result of a command, once."""

import logging
import os
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

from jobs.errors import Failure
from jobs.report import as_json

log = logging.getLogger(__name__)


def print_result(text: str) -> None:
    """Write the result; a reader who has seen enough, such as `head`, is no error."""
    try:
        print(text, end="", flush=True)  # noqa: T201 - the one place that does
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered goes there at exit
        if not isinstance(error, BrokenPipeError):
            raise Failure(f"cannot write the result to standard output: {error}") from error


class Result:
    """The result on standard output, told once: by the job or, when it is late, by the watchdog."""

    def __init__(self, output: str) -> None:
        """Take the form: text or json."""
        self._json = output == "json"
        self._begun = Lock()
        self._told = False

    def tell(self, document: Callable[[], dict[str, Any]], text: Callable[[], str]) -> bool:
        """Print it, in the form asked for; say whether it has been told: somebody else may be at it, for long."""
        if self._begun.acquire(blocking=False):
            print_result(as_json(document()) if self._json else text())
            self._told = True
        elif not self._told:
            log.error("standard output is full, and nobody reads the result")
        return self._told
