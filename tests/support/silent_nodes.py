"""Clusters that DNS shows, some of whose nodes then fall silent, by clocks that stand still: all ages are exact."""

import time
from collections.abc import Iterable

from tests.sandbox.kubernetes_builders import endpoint, endpoint_slice
from tests.sandbox.world import World
from tests.support.sync_runs import forget, shows

HOUR = 3600
SERVICE = "traefik/traefik"


def address(number: int) -> str:
    """Give a node's address."""
    return f"5.75.{128 + number // 250}.{1 + number % 250}"


class Stopped(World):
    """A world in which time stands still but for `wait`: that of this machine in forked runs only.

    The API server's clock or this machine's may be ahead of the nodes', by so many seconds.
    """

    def __init__(self, *, server: float = 0, observer: float = 0) -> None:
        """Begin now, at a whole second."""
        self.moment = time.time() // 1
        self._observer = observer
        super().__init__(clock=lambda: self.moment + server)
        self.kubernetes.kubelet_clock = lambda: self.moment
        self.wait(0)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += seconds
        self.change = f"stand_still({self.moment + self._observer})"


def cluster(world: World, count: int = 3, *, shown: int | None = None) -> str:
    """Make nodes whose Leases are fresh, and a zone that shows all of them or the first few; give its id."""
    for number in range(count):
        world.node(f"node-{number}", address(number))
        world.kubernetes.renew_lease(f"node-{number}", age_seconds=4)
    zone = world.route53.zone("example.com")
    return shows(world, zone, showing(*range(count if shown is None else shown)))


def showing(*numbers: int) -> dict[str, list[str]]:
    """Give what some nodes look like in DNS."""
    return {"A simple": [address(number) for number in numbers]} if numbers else {}


def falls_silent(world: World, *numbers: int, seconds: float = 31) -> None:
    """Let these nodes have renewed their Leases for the last time so long ago."""
    for number in numbers:
        world.kubernetes.renew_lease(f"node-{number}", age_seconds=seconds)
    forget(world)


def turns_unknown(world: World, *numbers: int, seconds: float, lease_seconds: float | None = None) -> None:
    """Let the node controller have set Ready=Unknown so long ago, 50 s after it has heard of the node's Lease.

    After an outage of the API server Leases are younger.
    """
    for number in numbers:
        age = lease_seconds if lease_seconds is not None else 50 + max(0, seconds)
        world.kubernetes.renew_lease(f"node-{number}", age_seconds=age)
        world.kubernetes.set_ready(f"node-{number}", "Unknown", "Kubelet stopped posting.", age_seconds=seconds)
    forget(world)


def serves(world: World, numbers: Iterable[int], service: str = SERVICE) -> None:
    """Let a service have a ready endpoint on some nodes."""
    namespace, _, name = service.partition("/")
    found = [endpoint(f"node-{number}") for number in numbers]
    world.kubernetes.put(endpoint_slice(namespace, name, found))
    forget(world)
