"""Standard output: the result, told once and whole."""

import pytest

from jobs.core.errors import DONE, FAILED, REFUSED
from jobs.shell.output import Ending


def never() -> int:
    """Tell what has been told."""
    pytest.fail("told twice")


def test_job_in_time() -> None:
    """A run that has told all, and then takes its time to end, would count as failed or tell it twice."""
    ending = Ending()
    assert ending.of_job(lambda: REFUSED) == REFUSED
    assert ending.when_late(never) == REFUSED


def test_job_that_is_late() -> None:
    """Nobody would learn how far a run got that hangs."""
    assert Ending().when_late(lambda: FAILED) == FAILED


def test_job_that_is_still_writing() -> None:
    """A document cut off in the middle would count as success."""
    ending = Ending()
    inside: list[int] = []

    def write() -> int:
        inside.append(ending.when_late(never))
        return DONE

    ending.of_job(write)
    assert inside == [FAILED]
