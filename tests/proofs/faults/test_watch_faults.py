"""watch when any one of its calls goes wrong, once or for a while: it stays, says so once, and loses no change."""

from collections.abc import Callable, Iterator

import pytest

from tests.proofs.faults.positions import check_all
from tests.proofs.faults.promises import KINDS
from tests.proofs.faults.sample import sample
from tests.proofs.faults.watching import WatchCase, change_arrives, positions, watching
from tests.sandbox.server import wait_until
from tests.support.watching import follows, job_number, spoilable


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for a while"])
def test_a_call_that_goes_wrong(lasting: bool) -> None:  # noqa: FBT001 - a table
    """Whatever fault a call meets, the watcher stays, says so once, and no change is lost."""
    rows = [(position, kind) for position in positions() for kind in KINDS]
    check_all([WatchCase(*row, lasting) for row in sample(rows, 24)], at_once=6)


def endless_line() -> Iterator[bytes]:
    """Send what never becomes a line."""
    while True:
        yield b"x" * 2**20


def dripping_line() -> Iterator[bytes]:
    """Send a line byte by byte, never its end."""
    while True:
        yield b"x"
        yield b""


@pytest.mark.parametrize(
    ("spoil", "words"), [(endless_line, "a line of the stream has no end"), (dripping_line, "timed out")]
)
def test_a_line_without_end_is_given_up(spoil: Callable[[], Iterator[bytes]], words: str) -> None:
    """A line of the stream that never ends is given up, within the pod's memory, and the next change is seen."""
    with watching() as (world, start):
        streams = spoilable(world)
        run = start()
        job_number(world, 1)
        follows(world)
        streams.spoil(spoil)
        follows(world, 2)
        assert wait_until(lambda: any(words in line for line in run.said))
        change_arrives(world)
    assert run.peak_kilobytes < 128 * 1024, "more than cron/watch gives it"
