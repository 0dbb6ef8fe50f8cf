"""Standard output: the result, told once and whole."""

import os
import subprocess
import time

import pytest

from jobs.errors import DONE, FAILED, REFUSED
from jobs.output import Ending
from tests.processes import environment_of, start
from tests.sandbox.world import PROGRAM, World
from tests.sync_runs import DOMAIN


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


def test_reader_that_does_not_read(world: World) -> None:
    """A script behind a full pipe would take half a document with exit status 0 for all of it."""
    world.route53.zone("example.com")
    for number in range(500):
        world.node(f"node-{number}")
    read, write = os.pipe()
    command = [*PROGRAM, "sync-once", "--domain", DOMAIN, "--min-nodes", "0", "--output", "json", "--timeout", "15"]
    begun = time.monotonic()
    process = start(command, environment_of(world), stdout=write)
    os.close(write)
    try:
        _, errors = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    finally:
        os.close(read)
    assert (process.returncode, errors) == (FAILED, "")
    assert time.monotonic() - begun > 14, "the pipe took all of it"
