"""The run's clock and its one policy of trying again."""

import logging
import math
import time
import traceback
from collections.abc import Callable
from typing import Any

import tenacity

from jobs.core.errors import Failure, TemporaryError

log = logging.getLogger(__name__)

ATTEMPTS = 5
RESERVE_SECONDS = 1.0
"""What an attempt needs at least: none begins with less time left."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """Seconds that go on while a laptop sleeps (CLOCK_BOOTTIME where there is one), and the run's deadline on them."""

    def __init__(self, timeout_seconds: float) -> None:
        """Start the run's time."""
        self.timeout_seconds = timeout_seconds
        self._deadline = self.now() + timeout_seconds

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.clock_gettime(_CLOCK)

    def left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._deadline - self.now()

    def time_of_day(self) -> float:
        """Seconds since 1970, by this machine."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def retrying(
    clock: Clock,
    what: str,
    *,
    on: type[Failure] = TemporaryError,
    attempts: float = ATTEMPTS,
    within_seconds: float = math.inf,
    longest_pause_seconds: float = 5.0,
    report: Callable[[str], None] | None = None,
) -> tenacity.Retrying:
    """Give the attempts at something; each is made `with attempt:` in a loop over them.

    Tries again on `on`, with exponential backoff and full jitter from 0.2 s on. Gives up, with the last error, after
    so many attempts (`math.inf`: as many as there is time for), after `within_seconds`, and when the deadline would
    come before the next attempt. Each failed attempt is a warning, or a call of `report`.
    """
    end = clock.now() + min(within_seconds, clock.left() - RESERVE_SECONDS)

    def is_enough(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= attempts or clock.now() + state.upcoming_sleep >= end

    def say(state: tenacity.RetryCallState) -> None:
        error: Any = state.outcome.exception() if state.outcome else None
        if report:
            report(f"{what}: {error}")
        else:
            log.warning("%s: %s; trying again in %.1f s", what, error, state.upcoming_sleep)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(on),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=longest_pause_seconds),
        stop=is_enough,
        sleep=clock.sleep,
        before_sleep=say,
        after=_forget,
        reraise=True,
    )


def _forget(state: tenacity.RetryCallState) -> None:
    """Let go of what failed attempts have read: errors keep the frames that they came through, with whole answers."""
    error = state.outcome.exception() if state.outcome else None
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
