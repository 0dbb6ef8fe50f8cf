"""A clock for runs within this process: an exploration or a fuzz test makes thousands of them."""

from jobs.edges.clock import Clock


class VirtualClock(Clock):
    """Time that passes only when a run sleeps."""

    def __init__(self, timeout_seconds: float = 45.0, begins: float = 1_800_000_000) -> None:
        """Begin a run that has so much time, at a time of day."""
        self._now = 0.0
        self._begins = begins
        super().__init__(timeout_seconds)

    def now(self) -> float:
        """Seconds since the run began."""
        return self._now

    def time_of_day(self) -> float:
        """Seconds since 1970."""
        return self._begins + self._now

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self._now += seconds

    def restart(self) -> None:
        """Begin another run with as much time."""
        self._now = 0.0
