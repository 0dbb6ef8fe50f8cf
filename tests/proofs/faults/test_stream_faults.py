"""Standard output and error that are full, closed, or read by nobody: DNS and the node are right all the same."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, PROGRAM, World
from tests.support import forks
from tests.support.processes import ANNOTATE, NODE, environment_of
from tests.support.sync_runs import DOMAIN, all_in_one, answers, no_place
from tests.support.watching import job_number, populated

RUNS = [("sync-once", "--domain", DOMAIN), ANNOTATE]
Broken = Literal["full", "gone", "closed"]


def started(world: World, out: Broken | None, err: Broken | None, *arguments: str) -> "subprocess.Popen[str]":
    """Start the console script with its standard streams on a full disk, a pipe nobody reads any more, or closed."""
    turned = {"full": "{}>/dev/full", "closed": "{}>&-", "gone": "", None: ""}
    script = f'exec "$0" "$@" {turned[out].format(1)} {turned[err].format(2)}'
    process = subprocess.Popen(
        ["sh", "-c", script, *PROGRAM, *arguments],
        env=environment_of(world),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for stream, broken in ((process.stdout, out), (process.stderr, err)):
        if broken == "gone":
            stream.close()
    return process


STREAMS: list[tuple[Broken | None, Broken | None, int]] = [
    ("full", None, 1),
    ("full", "full", 1),
    ("gone", None, 0),
    ("closed", None, 0),
    (None, "full", 0),
    (None, "gone", 0),
    (None, "closed", 0),
    ("closed", "closed", 0),
]
"""What becomes of standard output and error, and the exit status. Both commands write by the same function."""


@pytest.mark.parametrize(
    ("arguments", "out", "err", "status"),
    [*((ANNOTATE, *each) for each in STREAMS), *((RUNS[0], *each) for each in STREAMS[:3])],
)
def test_a_stream_that_takes_nothing(
    world: World, arguments: tuple[str, ...], out: Broken | None, err: Broken | None, status: int
) -> None:
    """A run whose output has nowhere to go does its work and ends with the table's status, without a traceback."""
    zone = no_place(world)
    world.node(NODE)
    process = started(world, out, err, *arguments, "-v")
    with process:
        said = process.stderr.read() if process.stderr and not process.stderr.closed else ""
        assert process.wait(60) == status, said
    assert "Traceback" not in said
    assert "Exception" not in said
    if out == "full" and err is None:
        assert "No space left" in said
    if arguments is ANNOTATE:
        assert f"{PREFIX}boot-id" in world.kubernetes.get("Node", NODE)["metadata"]["annotations"]
    else:
        assert answers(world, zone) == all_in_one()


@contextmanager
def full_pipe() -> Iterator[int]:
    """Give the end of a pipe that holds all it can, and that somebody keeps open without reading."""
    read, write = os.pipe()
    os.write(write, b"x" * fcntl.fcntl(write, fcntl.F_GETPIPE_SZ))
    yield write
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("arguments", RUNS, ids=lambda each: each[0])
def test_a_result_that_nobody_reads_is_a_failure_at_the_deadline(world: World, arguments: tuple[str, ...]) -> None:
    """A result that nobody reads ends the run with 1 at its deadline."""
    zone = no_place(world)
    world.node(NODE)
    with full_pipe() as pipe:
        finished = forks.start(world, *arguments, "--timeout", "15", stdout=pipe).finish(60)
    assert finished.returncode == 1
    assert "nobody reads the result" in finished.stderr
    if arguments is not ANNOTATE:
        assert answers(world, zone) == all_in_one()


@pytest.mark.parametrize("err", ["full", "gone", "closed"])
def test_watch_needs_no_standard_error(world: World, err: Broken) -> None:
    """The watcher goes on without a standard error."""
    populated(world)
    process = started(world, None, err, "watch", "--cronjob", "sync", "--namespace", "default")
    with process:
        job_number(world, 1)
        world.cluster.refuse()
        world.cluster.listen()
        streams = world.cluster.operations().count("list nodes")
        assert wait_until(lambda: world.cluster.operations().count("list nodes") > streams, 30)
        assert process.poll() is None
        process.terminate()
        assert process.wait(20) == 143


def test_full_disk_is_left_to_the_system() -> None:
    """Writing to /dev/full fails here. Otherwise the tests above prove nothing."""
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")
