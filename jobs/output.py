"""Standard output: the result of a command, once."""

import os
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

from jobs.errors import Failure
from jobs.report import as_json


def print_result(text: str) -> None:
    """Write the result; a reader who has seen enough, such as `head`, is no error.

    What the encoding of standard output cannot say is written as an escape: the run itself is done, and well.
    """
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
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
        self._told = Lock()

    def tell(self, document: Callable[[], dict[str, Any]], text: Callable[[], str]) -> None:
        """Print it, in the form asked for."""
        if self._told.acquire(blocking=False):
            print_result(as_json(document()) if self._json else text())
