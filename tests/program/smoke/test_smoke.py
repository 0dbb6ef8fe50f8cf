"""Each command does its one thing: the console script as a process against the sandbox."""

from tests.sandbox.world import PREFIX, World
from tests.support.processes import ANNOTATE, NODE, environment_of
from tests.support.watching import OPTIONS, follows, job_number, populated, started, words


def test_annotate_once_writes_the_annotations(world: World) -> None:
    """annotate-once writes what it found on the interfaces, here nothing, and the boot id."""
    world.node(NODE)
    finished = world.run(*ANNOTATE)
    assert finished.returncode == 0, finished.stderr
    annotations = world.kubernetes.get("Node", NODE)["metadata"]["annotations"]
    assert annotations[PREFIX + "node-ips"] == ""
    assert annotations[PREFIX + "boot-id"]


def test_sync_once_publishes_the_nodes_that_can_serve(world: World) -> None:
    """sync-once publishes the addresses of nodes that can serve, and a second run writes nothing."""
    world.node("fra-1", "5.75.128.10,2a01:4f8:c17:1::10")
    world.node("nyc-1", "5.161.40.7", cordoned=True)
    zone = world.route53.zone("example.com")
    for written in (1, 0):
        world.route53.history.clear()
        finished = world.run("sync-once", "--domain", "cdn.example.com")
        assert finished.returncode == 0, finished.stderr
        assert world.shown(zone, "cdn.example.com") == [
            "cdn.example.com. 60 A [simple] 5.75.128.10",
            "cdn.example.com. 60 AAAA [simple] 2a01:4f8:c17:1::10",
        ]
        assert len(world.route53.history) == written


def test_watch_makes_a_job_when_a_node_fails(world: World) -> None:
    """The watcher makes a sync Job at its start and one when a node fails, and ends at SIGTERM."""
    populated(world)
    with started(environment_of(world), *OPTIONS) as watcher:
        job_number(world, 1)
        follows(world)
        world.kubernetes.set_ready("fra-1", "False", "PLEG is not healthy")
        assert words(job_number(world, 2)) == "fra-1: not ready: PLEG is not healthy"
    assert watcher.process.returncode == 143
