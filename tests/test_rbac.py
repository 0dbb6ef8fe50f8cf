"""Each component's rights against what it does: no verb missing, none unused."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.manifests import container, verbs
from tests.sandbox.world import PROGRAM, World
from tests.watching import follows, job_number, populated, watching

DOMAIN = "cdn.example.com"
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run a command and print the most kilobytes it had; a large process cannot: its children begin with its own figure."""


def annotates(world: World) -> None:
    """Annotate a node twice: a change, and none."""
    for _ in range(2):
        finished = world.run("annotate-once", KUBE_NODE_NAME="fra-1")
        assert finished.returncode == 0, finished.stderr


def syncs(world: World) -> None:
    """Sync twice: a change, and none."""
    world.route53.zone("example.com")
    for _ in range(2):
        finished = world.run("sync-once", "--domain", DOMAIN, "--node-label-selector", "serve-public=true")
        assert finished.returncode == 0, finished.stderr


def watches(world: World) -> None:
    """Watch through the start and one change."""
    with watching(world):
        job_number(world, 1)
        follows(world)
        world.kubernetes.set_ready("fra-1", "False")
        job_number(world, 2)


@pytest.mark.parametrize(
    ("component", "work"),
    [("annotate", annotates), ("sync", syncs), ("watch", watches)],
)
def test_a_component_may_do_what_it_does_and_no_more(
    component: str, work: Callable[[World], None], world: World
) -> None:
    """With a verb too few nothing works; one too many is a present to whoever takes the component over."""
    work(populated(world))
    assert verbs(component) == set(world.cluster.operations())


@pytest.mark.parametrize(
    ("component", "command"),
    [
        ("annotate", ("annotate-once", "--node-name", "fra-1")),
        ("sync", ("sync-once", "--domain", DOMAIN)),
    ],
)
def test_a_run_fits_its_memory_request(component: str, command: tuple[str, ...], world: World) -> None:
    """The scheduler would put it where there is no room, and the kernel end it."""
    populated(world).route53.zone("example.com")
    environment = {"PATH": os.environ["PATH"], "HOME": str(world.home), **world.environment}
    measured = [sys.executable, "-c", _MEASURE, *PROGRAM, *command]
    used = subprocess.run(measured, env=environment, capture_output=True, text=True, check=True).stdout
    resources = container(component)["resources"]
    assert 10_000 < int(used) <= _mebibytes(resources["requests"]["memory"]) * 1024
    assert 3 * int(used) <= 2 * _mebibytes(resources["limits"]["memory"]) * 1024


def test_watch_fits_its_memory_request(world: World) -> None:
    """The same for watch, which stays."""
    with watching(populated(world)) as watcher:
        job_number(world, 1)
        follows(world)
        most = watcher.kilobytes("VmHWM")
    assert 10_000 < most <= _mebibytes(container("watch")["resources"]["requests"]["memory"]) * 1024


def _mebibytes(quantity: str) -> int:
    assert quantity.endswith("Mi")
    return int(quantity.removesuffix("Mi"))
