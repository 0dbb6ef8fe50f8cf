"""Ends the process at once on SIGTERM, on Ctrl-C and at the deadline, whatever the main thread is busy with."""

import atexit
import contextlib
import logging
import os
import select
import signal
import threading
from collections.abc import Callable

from jobs.core.errors import FAILED
from jobs.edges.clock import Clock

_LAST_WORDS_SECONDS = 1.0


class Watchdog:
    """A thread that waits for signals and for the deadline.

    A Python signal handler runs only when the main thread gets back to Python, which name resolution and login plugins
    may delay for long; and process 1 of a container ignores SIGTERM without a handler. So there is a handler that does
    nothing, and the interpreter writes each signal's number to a pipe at once, which this thread reads.
    """

    def __init__(self) -> None:
        """Take over SIGTERM and SIGINT."""
        self._guarded: tuple[Clock, Callable[[], int]] | None = None
        self._signals, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._watch, daemon=True).start()

    def guard(self, clock: Clock, last_words: Callable[[], int]) -> None:
        """End the process at the clock's deadline with the exit status that `last_words` gives."""
        self._guarded = clock, last_words

    def _watch(self) -> None:
        while True:
            # A second at most: select does not count the time a laptop sleeps.
            left = min(1.0, self._guarded[0].left()) if self._guarded else 1.0
            if select.select([self._signals], [], [], max(0.0, left))[0]:
                number = os.read(self._signals, 1)[0]
                self._end(None, 128 + number)
            elif self._guarded and self._guarded[0].left() <= 0:
                self._end(self._guarded[1], FAILED)

    @staticmethod
    def _end(last_words: Callable[[], int] | None, status: int) -> None:
        """Exit without waiting for anybody; exit handlers remove the temporary files with keys of a kubeconfig."""
        statuses = [status]

        def tidy_up() -> None:
            with contextlib.suppress(Exception):
                if last_words:
                    statuses.append(last_words())
            logging.disable()  # other threads may stumble over what the exit handlers take away
            atexit._run_exitfuncs()  # noqa: SLF001 - os._exit runs none

        tidying = threading.Thread(target=tidy_up, daemon=True)
        tidying.start()
        tidying.join(_LAST_WORDS_SECONDS)  # standard output may be a pipe that nobody reads
        os._exit(statuses[-1])
