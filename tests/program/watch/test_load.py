"""watch in a large cluster: what thousands of fat nodes and Leases and tens of thousands of heartbeats cost."""

import time

from tests.sandbox.server import Call, wait_until
from tests.sandbox.world import World
from tests.support.large_clusters import add_fat_nodes, beat, cpu_seconds
from tests.support.watching import HASTY, Watcher, cronjob, follows, job_number, populated, version_in, watching

MEGABYTE = 1024  # in the kernel's unit, KiB


class Looks:
    """When the Leases of a world have been listed from their beginning."""

    def __init__(self, world: World) -> None:
        """Begin to note it."""
        self.moments: list[float] = []
        world.cluster.before = self._note

    def wait(self, more: int) -> None:
        """Wait until so many more looks have begun."""
        enough = len(self.moments) + more
        assert wait_until(lambda: len(self.moments) >= enough, 60)

    def _note(self, call: Call) -> None:
        if call.operation == "list leases" and "continue" not in call.request.query:
            self.moments.append(time.monotonic())


def peak(world: World, number: int) -> int:
    """Start a watcher; give the most memory it has had once its Job is made and it has looked at the nodes' health."""
    looks = Looks(world)
    with watching(world, command=HASTY) as watcher:
        job_number(world, number)
        follows(world, number)
        looks.wait(3)
        return watcher.kilobytes("VmHWM")


def test_five_thousand_fat_nodes_stay_within_25_megabytes(world: World) -> None:
    """In a large cluster the watcher would be killed for its memory at every fresh list."""
    world.kubernetes.put(cronjob())
    world.node("fra-1", "5.75.128.10")
    small = peak(world, 1)
    add_fat_nodes(world, 5000)
    assert peak(world, 2) - small <= 25 * MEGABYTE


def test_a_look_at_five_thousand_nodes_takes_less_than_half_a_second_of_cpu(world: World) -> None:
    """Two resident replicas would keep a processor busy for what hardly ever happens."""
    world.kubernetes.put(cronjob())
    add_fat_nodes(world, 5000)
    looks = Looks(world)
    with watching(world, command=HASTY) as watcher:
        job_number(world, 1)
        looks.wait(2)
        used, memory = cpu_seconds(watcher.process.pid), watcher.kilobytes("VmRSS")
        looks.wait(20)
        assert cpu_seconds(watcher.process.pid) - used <= 20 * 0.5
        assert watcher.kilobytes("VmRSS") - memory <= 4 * MEGABYTE
        assert watcher.errors == watcher.warnings == []


def test_above_500_nodes_leases_are_listed_every_ten_seconds(world: World) -> None:
    """The API server of a large cluster would have to show thousands of Leases twice as often as need be."""
    world.kubernetes.put(cronjob())
    for number in range(501):
        world.node(f"node-{number}", f"5.{number // 250}.{number % 250}.1")
    looks = Looks(world)
    with watching(world):
        looks.wait(2)
    first, second = looks.moments
    assert 9.9 <= second - first <= 11


def test_ten_thousand_heartbeats_make_no_job_and_take_no_memory(world: World) -> None:
    """The watcher would keep the cluster busy for nothing, or grow until it is killed."""
    populated(world)
    add_fat_nodes(world, 1)
    with watching(world) as watcher:
        job_number(world, 1)
        follows(world)
        begun = after_heartbeats(world, watcher, range(1000), "False")
        grown = after_heartbeats(world, watcher, range(1000, 11_000), "True") - begun
        job = job_number(world, 3)
        assert len(watcher.changes) == 3
    assert version_in(job) == world.kubernetes.store.revision - 1
    assert grown <= 2 * MEGABYTE


def after_heartbeats(world: World, watcher: Watcher, numbers: range, ready: str) -> int:
    """Let heartbeats pass, every tenth of a fat node, then a change; give the memory once that is noticed."""
    noticed = len(watcher.changes)
    for number in numbers:
        beat(world, "node-0" if number % 10 == 0 else "nyc-1", number)
    world.kubernetes.set_ready("fra-1", ready)
    assert wait_until(lambda: len(watcher.changes) > noticed, 60)
    return watcher.kilobytes("VmRSS")
