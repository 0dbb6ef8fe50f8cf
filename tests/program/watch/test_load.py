"""watch in a large cluster: what thousands of fat nodes and Leases and thousands of heartbeats cost."""

import sys

from tests.sandbox.server import Call, wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.large_clusters import add_fat_nodes, beat
from tests.support.processes import environment_of
from tests.support.watching import (
    OPTIONS,
    Watcher,
    cronjob,
    follows,
    job_number,
    populated,
    started,
    version_in,
    watching,
)

MEGABYTE = 1024  # in the kernel's unit, KiB
HASTY = (
    sys.executable,
    "-c",
    f"import time; from jobs.__main__ import main; from jobs.edges import clock; {forks.HASTY}; main()",
)
"""The program in a process of its own: what it takes of memory is not shared with others."""


class Looks:
    """How often the Leases of a world have been listed from their beginning."""

    def __init__(self, world: World) -> None:
        """Begin to count them."""
        self.count = 0
        world.cluster.before = self._note

    def wait(self, more: int) -> None:
        """Wait until so many more looks have begun."""
        enough = self.count + more
        assert wait_until(lambda: self.count >= enough, 120)

    def _note(self, call: Call) -> None:
        self.count += call.operation == "list leases" and "continue" not in call.request.query


def peak(world: World, number: int) -> int:
    """Start a watcher; give the most memory it has had once its Job is made and it has looked at the nodes' health."""
    looks = Looks(world)
    with started(environment_of(world), *OPTIONS, command=HASTY) as watcher:
        job_number(world, number)
        follows(world, number)
        looks.wait(3)
        return watcher.kilobytes("VmHWM")


def test_five_thousand_fat_nodes_stay_within_25_megabytes(world: World) -> None:
    """5,000 fat nodes take at most 25 MiB more memory than one node, at the watcher's peak."""
    world.kubernetes.put(cronjob())
    world.node("fra-1", "5.75.128.10")
    small = peak(world, 1)
    add_fat_nodes(world, 5000)
    assert peak(world, 2) - small <= 25 * MEGABYTE


def test_looks_take_no_more_memory_each_time(world: World) -> None:
    """Looks at 1,000 nodes leave memory as it was after the first five; the bench measures their CPU."""
    world.kubernetes.put(cronjob())
    add_fat_nodes(world, 1000)
    looks = Looks(world)
    with started(environment_of(world), *OPTIONS, command=HASTY) as watcher:
        job_number(world, 1)
        looks.wait(5)
        memory = watcher.kilobytes("VmRSS")
        looks.wait(20)
        assert watcher.kilobytes("VmRSS") - memory <= 4 * MEGABYTE
        assert watcher.errors == watcher.warnings == []


def test_above_500_nodes_leases_are_listed_every_ten_seconds(world: World) -> None:
    """Between two looks at the Leases of more than 500 nodes are 10 s."""
    world.kubernetes.put(cronjob())
    for number in range(501):
        world.node(f"node-{number}", f"5.{number // 250}.{number % 250}.1")
    looks = Looks(world)
    with watching(world, interval=3600, change=forks.TIMELESS) as watcher:
        looks.wait(3)
    assert {line for line in watcher.said if line.startswith("slept")} >= {"slept for 10 s\n"}
    assert "slept for 5 s\n" not in watcher.said


def test_thousands_of_heartbeats_make_no_job_and_take_no_memory(world: World) -> None:
    """2,000 heartbeats, of a kilobyte and more each, make no Job and take at most 1 MiB of memory."""
    populated(world)
    add_fat_nodes(world, 1)
    with started(environment_of(world), *OPTIONS) as watcher:
        job_number(world, 1)
        follows(world)
        begun = after_heartbeats(world, watcher, range(500), "False")
        grown = after_heartbeats(world, watcher, range(500, 2500), "True") - begun
        job = job_number(world, 3)
        assert len(watcher.changes) == 3
    assert version_in(job) == world.kubernetes.store.revision - 1
    assert grown <= MEGABYTE


def after_heartbeats(world: World, watcher: Watcher, numbers: range, ready: str) -> int:
    """Let heartbeats pass, every tenth of a fat node, then a change; give the memory once that is noticed."""
    noticed = len(watcher.changes)
    for number in numbers:
        beat(world, "node-0" if number % 10 == 0 else "nyc-1", number)
    world.kubernetes.set_ready("fra-1", ready)
    assert wait_until(lambda: len(watcher.changes) > noticed, 60)
    return watcher.kilobytes("VmRSS")
