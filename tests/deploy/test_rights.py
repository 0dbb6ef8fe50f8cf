"""Each component's rights against what it does: no verb missing, none unused."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from tests.sandbox.kubernetes_access import parse_call
from tests.sandbox.server import wait_until
from tests.sandbox.world import PROGRAM, World
from tests.support import forks
from tests.support.dnsendpoints import DEFINITION
from tests.support.manifests import NAMESPACE, container, rights
from tests.support.processes import environment_of
from tests.support.watching import OPTIONS, cronjob, follows, job_number, populated, started, watching

DOMAIN = "cdn.example.com"
READY_SERVICE = ("--ready-service", "traefik/traefik")
DNSENDPOINT = ("--publish-to", "dnsendpoint", "--dnsendpoint-namespace", NAMESPACE)
Right: TypeAlias = tuple[str, str, str]
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run a command and print the most kilobytes it had; a large process cannot: its children begin with its own figure."""


def annotates(world: World, *_options: str) -> None:
    """Annotate a node twice: a change, and none."""
    for _ in range(2):
        finished = forks.run(world, "annotate-once", KUBE_NODE_NAME="fra-1")
        assert finished.returncode == 0, finished.stderr


def syncs(world: World, *options: str) -> None:
    """Sync twice: a change, and none."""
    world.route53.zone("example.com")
    for _ in range(2):
        finished = forks.run(
            world, "sync-once", "--domain", DOMAIN, "--node-label-selector", "serve-public=true", *options
        )
        assert finished.returncode == 0, finished.stderr


def syncs_objects(world: World, *options: str) -> None:
    """Sync three times to a DNSEndpoint: it is created, changed, and left alone."""
    world.kubernetes.define(DEFINITION)
    world.kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for ttl in ("60", "30", "30"):
        finished = forks.run(world, "sync-once", "--domain", DOMAIN, "--ttl", ttl, *options)
        assert finished.returncode == 0, finished.stderr


def watches(world: World, *options: str) -> None:
    """Watch through the start, a look at the nodes' health, and one change."""
    world.kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    world.kubernetes.put(cronjob() | {"metadata": {"name": "sync", "namespace": NAMESPACE}})
    with watching(world, "--namespace", NAMESPACE, *options):
        job_number(world, 1)
        follows(world)
        last_look = "list endpointslices" if options else "list leases"
        assert wait_until(lambda: last_look in world.cluster.operations(), 60)
        world.kubernetes.set_ready("fra-1", "False")
        job_number(world, 2)


@pytest.mark.parametrize(
    ("component", "overlay", "work", "options"),
    [
        pytest.param("annotate", "watch", annotates, (), id="annotate"),
        pytest.param("sync", "watch", syncs, (), id="sync"),
        pytest.param("sync", "ready service", syncs, READY_SERVICE, id="sync with a ready-service"),
        pytest.param("sync", "dnsendpoint", syncs_objects, DNSENDPOINT, id="sync to a DNSEndpoint"),
        pytest.param("watch", "watch", watches, (), id="watch"),
        pytest.param("watch", "ready service", watches, READY_SERVICE, id="watch with a ready-service"),
    ],
)
def test_a_component_may_do_what_it_does_and_no_more(
    component: str, overlay: str, work: Callable[..., None], options: tuple[str, ...], world: World
) -> None:
    """A component's requests need every right that it has, and no other."""
    work(populated(world), *options)
    granted = rights(component, overlay)
    assert {_needed(call, granted) for call in _calls(world)} == granted


def _calls(world: World) -> Iterator[Right]:
    """Give what was asked of the API server: verb, plural, and namespace."""
    for each in list(world.cluster.calls):
        call = parse_call(each.request)
        assert call is not None, each.request.path
        yield call.verb, call.target, call.namespace


def _needed(call: Right, granted: set[Right]) -> Right:
    """Give the right that a call is made by: that in its namespace or, without one, that in the whole cluster."""
    verb, target, _ = call
    everywhere = (verb, target, "")
    return everywhere if call not in granted and everywhere in granted else call


@pytest.mark.parametrize(
    ("component", "command"),
    [
        ("annotate", ("annotate-once", "--node-name", "fra-1")),
        ("sync", ("sync-once", "--domain", DOMAIN)),
    ],
)
def test_a_run_fits_its_memory_request(component: str, command: tuple[str, ...], world: World) -> None:
    """A run fits its memory request, and two thirds of its limit."""
    populated(world).route53.zone("example.com")
    environment = {"PATH": os.environ["PATH"], "HOME": str(world.home), **world.environment}
    measured = [sys.executable, "-c", _MEASURE, *PROGRAM, *command]
    used = subprocess.run(measured, env=environment, capture_output=True, text=True, check=True).stdout
    resources = container(component)["resources"]
    assert 10_000 < int(used) <= _mebibytes(resources["requests"]["memory"]) * 1024
    assert 3 * int(used) <= 2 * _mebibytes(resources["limits"]["memory"]) * 1024


def test_watch_fits_its_memory_request(world: World) -> None:
    """The watcher fits its memory request."""
    with started(environment_of(populated(world)), *OPTIONS) as watcher:
        job_number(world, 1)
        follows(world)
        most = watcher.kilobytes("VmHWM")
    assert 10_000 < most <= _mebibytes(container("watch")["resources"]["requests"]["memory"]) * 1024


def _mebibytes(quantity: str) -> int:
    assert quantity.endswith("Mi")
    return int(quantity.removesuffix("Mi"))
