"""What sync-once makes of `--ready-service`: only nodes on which the ingress is ready are published."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.sandbox.kubernetes_builders import endpoint, endpoint_slice
from tests.sandbox.server import Fault
from tests.sandbox.world import World
from tests.support.processes import complaint
from tests.support.silent_nodes import SERVICE, Stopped, address, cluster, serves, showing
from tests.support.sync_runs import LOOK, answers, reported, sync, synced, verdict

READY = ("--ready-service", SERVICE)
REASON = f"no ready endpoint of {SERVICE}"
NOWHERE = f"no endpoint of {SERVICE} is ready on any node"


@pytest.fixture
def world() -> Iterator[World]:
    """Give a world whose API server's clock stands still."""
    with Stopped() as fresh:
        yield fresh


def slices(world: World, *each: Sequence[dict[str, Any]] | None, service: str = SERVICE) -> None:
    """Give a service slices of endpoints."""
    namespace, _, name = service.partition("/")
    for number, endpoints in enumerate(each):
        world.kubernetes.put(endpoint_slice(namespace, name, endpoints, name=f"{name}-{number}"))


def test_a_node_without_a_ready_endpoint_is_withdrawn(world: World) -> None:
    """A node without a ready endpoint of the service is withdrawn; the report and the log say why."""
    zone = cluster(world)
    serves(world, [0, 2])
    finished = synced(world, *READY)
    assert answers(world, zone) == showing(0, 2)
    for text in (finished.stdout, finished.stderr):
        assert any(f"- {address(1)}" in line and f"node-1: {REASON}" in line for line in text.splitlines()), text


def test_which_endpoints_count(world: World) -> None:
    """A node stays with an endpoint of its own, in any slice, that is not terminating and not said to be unready."""
    zone = cluster(world, 11)
    staying = [
        [endpoint("node-0")],
        [endpoint("node-1", ready=None)],
        [{"addresses": ["10.42.0.7"], "nodeName": "node-2"}],
        [endpoint("node-3", ready=False), endpoint("node-3")],
        [endpoint("node-4", terminating=False)],
    ]
    leaving = [
        [endpoint("node-5", ready=False)],
        [endpoint("node-6", terminating=True)],
        [endpoint("node-7", ready=None, terminating=True)],
        [endpoint(None)],
        [endpoint("node-99")],  # a name that begins with a node's
    ]
    slices(world, None, *staying, [], *leaving)
    synced(world, *READY)
    assert answers(world, zone) == showing(*range(5))


def test_more_slices_than_a_page(world: World) -> None:
    """Endpoints in the slices after the first page of 500 count."""
    zone = cluster(world)
    slices(world, *([] for _ in range(501)), [endpoint("node-0"), endpoint("node-1")])
    synced(world, *READY)
    assert world.cluster.operations()[:4] == [*LOOK, *["list endpointslices"] * 2]
    assert answers(world, zone) == showing(0, 1)


def test_another_service_does_not_count(world: World) -> None:
    """Endpoints of a service of the same name elsewhere, or of another name beside it, do not count."""
    zone = cluster(world)
    serves(world, [0])
    serves(world, [0, 1], "other/traefik")
    serves(world, [0, 1, 2], "traefik/other")
    synced(world, *READY)
    assert answers(world, zone) == showing(0)


def test_every_service_is_needed(world: World) -> None:
    """A node needs a ready endpoint of each service that is named.

    Without a backend it may terminate TLS and serve nothing.
    """
    zone = cluster(world)
    serves(world, [0, 1])
    serves(world, [0, 2], "web/cache")
    domain = reported(world, *READY, "--ready-service", "web/cache")
    assert answers(world, zone) == showing(0)
    reasons = [verdict(domain, f"node-{number}")["reason"] for number in range(3)]
    assert reasons == [None, "no ready endpoint of web/cache", REASON]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param((), id="no such service"),
        pytest.param(([endpoint("node-0", ready=False), endpoint("node-1", terminating=True)],), id="none ready"),
    ],
)
def test_a_service_that_is_ready_nowhere_is_ignored(world: World, found: tuple[list[dict[str, Any]] | None]) -> None:
    """A service that is ready on no node withdraws none, and a warning says so. Its name may be wrong."""
    zone = cluster(world)
    slices(world, *found)
    finished = synced(world, *READY)
    assert NOWHERE in complaint(finished, 0)
    assert f"  warning: {NOWHERE}" in finished.stdout
    assert (answers(world, zone), world.route53.history) == (showing(0, 1, 2), [])


def test_the_missing_right_to_list_endpoints_is_a_wrong_configuration(world: World) -> None:
    """Without the right to list EndpointSlices the run ends with status 2 and withdraws nothing."""
    zone = cluster(world)
    serves(world, [0])
    world.cluster.fail(Fault("access denied", "list endpointslices"))
    line = complaint(sync(world, *READY), 2)
    assert 'cannot list resource "endpointslices"' in line
    assert 'in the namespace "traefik"' in line
    assert (answers(world, zone), world.route53.history) == (showing(0, 1, 2), [])


def test_endpoints_that_cannot_be_read_withdraw_nothing(world: World) -> None:
    """A run that cannot read the EndpointSlices fails with status 1 and withdraws nothing."""
    zone = cluster(world)
    serves(world, [0])
    world.cluster.fail(Fault("unavailable", "list endpointslices"))
    finished = sync(world, *READY, "--timeout", "15")
    assert finished.returncode == 1
    assert "/endpointslices: " in finished.stderr.splitlines()[-1]
    assert (answers(world, zone), world.route53.history) == (showing(0, 1, 2), [])
