"""What each command of the program must get done in the image."""

from collections.abc import Callable, Mapping

from tests.deploy.image.pod import Pod
from tests.sandbox.world import PREFIX
from tests.support.watching import job_number, populated, started

DOMAIN = "cdn.example.com"
SYNC = ("sync-once", "--domain", DOMAIN)


def annotate_once(pod: Pod) -> None:
    """Annotate a node with the addresses of an interface that is not there."""
    pod.world.node("node-1")
    finished = pod.run("annotate-once", "--interface", "lo", KUBE_NODE_NAME="node-1")
    assert finished.returncode == 0, finished.stderr
    assert pod.world.kubernetes.get("Node", "node-1")["metadata"]["annotations"][f"{PREFIX}node-ips"] == ""


def sync_once(pod: Pod) -> None:
    """Publish a node."""
    zone = pod.world.route53.zone("example.com")
    pod.world.node("fra-1", "5.75.128.10", "50.11,8.68")
    finished = pod.run(*SYNC)
    assert finished.returncode == 0, finished.stderr
    assert pod.world.shown(zone) == [f"{DOMAIN}. 60 A [geoproximity-coords:50.11,8.68] 5.75.128.10"]


def watch(pod: Pod) -> None:
    """Make the Job of the start, and end at SIGTERM."""
    populated(pod.world)
    options = ("--cronjob", "sync", "--namespace", "default")
    with started(pod.environment, *options, command=pod.command) as watcher:
        job_number(pod.world, 1)
        watcher.process.terminate()
        assert watcher.ends() == 143, watcher.said


COMMANDS: Mapping[str, Callable[[Pod], None]] = {
    "annotate-once": annotate_once,
    "sync-once": sync_once,
    "watch": watch,
}
