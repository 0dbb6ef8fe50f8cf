"""watch in a large cluster: what thousands of fat nodes and tens of thousands of heartbeats cost."""

from tests.sandbox.kubernetes import node
from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, World
from tests.watching import Json, Watcher, cronjob, follows, job_number, populated, version_in, watching

IMAGES = [{"names": [f"registry.example/{'x' * 170}:{number}"], "sizeBytes": number} for number in range(50)]
MEGABYTE = 1024  # in the kernel's unit, KiB


def add_fat_nodes(world: World, count: int) -> None:
    """Add nodes with 50 images each: 58 MB of JSON for 5,000."""
    for number in range(count):
        annotations = {f"{PREFIX}node-ips": f"5.{number // 250}.{number % 250}.1"}
        document = node(f"node-{number}", annotations=annotations)
        document["status"]["images"] = IMAGES
        world.kubernetes.put(document)


def beat(world: World, name: str, number: int) -> None:
    """Renew a node's status as its kubelet does."""
    moment = f"2030-01-{1 + number // 86400:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"

    def renew(document: Json) -> None:
        document["status"]["conditions"][0]["lastHeartbeatTime"] = moment

    world.kubernetes.edit("Node", name, renew)


def peak(world: World, number: int) -> int:
    """Start a watcher; give the most memory it has had once its Job is made and its stream is open."""
    with watching(world) as watcher:
        job_number(world, number)
        follows(world, number)
        return watcher.kilobytes("VmHWM")


def test_five_thousand_fat_nodes_stay_within_25_megabytes(world: World) -> None:
    """In a large cluster the watcher would be killed for its memory at every fresh list."""
    world.kubernetes.put(cronjob())
    world.node("fra-1", "5.75.128.10")
    small = peak(world, 1)
    add_fat_nodes(world, 5000)
    assert peak(world, 2) - small <= 25 * MEGABYTE


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
