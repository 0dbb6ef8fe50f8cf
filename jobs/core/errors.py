"""The few ways to fail, each with the exit status that says to a CronJob or a person what to do about it."""

from collections.abc import Iterable

DONE, FAILED, MISCONFIGURED, REFUSED = 0, 1, 2, 3
"""Exit status: it is so; trying again may help; trying again will not help; refused by --min-nodes."""

_WORST_FIRST = (MISCONFIGURED, FAILED, REFUSED, DONE)


class Failure(Exception):
    """Did not get there; a later run may."""

    exit_status = FAILED


class ConfigurationError(Failure):
    """A setting, a permission or the zone is wrong: trying again will not help before somebody changes it."""

    exit_status = MISCONFIGURED


class TemporaryError(Failure):
    """A call failed in a way that often passes; whether a write was applied is unknown."""


class NotApplied(TemporaryError):
    """The call was not carried out, for certain: the service asked for patience, or the plan was too old."""


class Conflict(Failure):
    """A write was rejected, whole: the records are not, or no longer, those that were read."""


class LostRace(Conflict):
    """For certain: somebody else has changed what was read."""


class CheckGone(LostRace):
    """A health check is no longer there: somebody has deleted it since it was listed."""


def worst(statuses: Iterable[int]) -> int:
    """Give the one exit status of several outcomes: 2 counts before 1 before 3 before 0."""
    return min(statuses, key=_WORST_FIRST.index, default=DONE)
