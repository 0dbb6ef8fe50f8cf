"""A clock for runs within this process: an exploration or a fuzz test makes thousands of them."""

from jobs.edges.clock import Clock


class VirtualClock(Clock):
    """Time that passes only when a run sleeps."""

    def __init__(self, timeout_seconds: float = 45.0) -> None:
        """Begin a run that has so much time."""
        self._now = 0.0
        super().__init__(timeout_seconds)

    def now(self) -> float:
        """Seconds since the run began."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self._now += seconds

    def restart(self) -> None:
        """Begin another run with as much time."""
        self._now = 0.0
