"""What may go wrong with nodes or the API server, played in a cluster.

Each gives the seconds from the event to the change that Route 53 accepted, or None when the node has stayed.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.bench.clusters import CRON_SECONDS, PATIENCE_SECONDS, Cluster
from tests.bench.network import URL

AWAY_SECONDS = 70.0
"""How long the API server is away: beyond the lease timeout, and the node controller's grace period."""
AFTERWARDS_SECONDS = 45.0
LOOK_SECONDS = 0.5  # many clusters look; the moment of a change is known from the records


@dataclass(frozen=True)
class Way:
    """How the program is run: its options, as variables, and whether there is a watcher."""

    words: str
    variables: Mapping[str, str] = field(default_factory=dict)
    """A `{}` in them stands for the name of the cluster's Service."""
    has_watcher: bool = True


WAYS = (
    Way("default options"),
    Way("`--probe tcp:443`", {"PROBE": "tcp:443"}),
    Way("`--probe https://…`", {"PROBE": URL}),
    Way("`--ready-service …`", {"READY_SERVICE": "default/{}"}),
    Way("`--probe https://…`, no `watch`", {"PROBE": URL}, has_watcher=False),
)


@dataclass(frozen=True)
class Outage:
    """What goes wrong, in words and in a cluster of so many nodes."""

    words: str
    play: Callable[[Cluster], float | None]
    nodes: int = 4
    otherwise: str = "stays"
    """What is to be said when nothing has left DNS."""


def out(made: Cluster, number: int, seconds: float) -> float | None:
    """Wait until a node that does not serve has left DNS, for so long; without a watcher a minute longer."""
    address, since = made.addresses[number], made.excuse(number)
    end = since + seconds + (0 if made.has_watcher else CRON_SECONDS)
    while address in made.shown():
        if time.monotonic() > end:
            return None
        time.sleep(LOOK_SECONDS)
    return next(moment for moment, shown in made.records.of(made.domain) if address not in shown) - since


def power_cut(made: Cluster, number: int = 0) -> float | None:
    """Let a node lose its power: no Lease, no answer."""
    made.lose_kubelet(number)
    made.sites.silence(made.addresses[number])
    return out(made, number, PATIENCE_SECONDS)


def dead_uplink(made: Cluster) -> float | None:
    """Cut a node off from the internet, but not from the API server."""
    made.sites.silence(made.addresses[0])
    return out(made, 0, 60)


def dead_ingress(made: Cluster) -> float | None:
    """Let a node's ingress end."""
    made.lose_ingress(0)
    return out(made, 0, 60)


def ill_ingress(made: Cluster) -> float | None:
    """Let a node's ingress answer with errors, though it is ready."""
    made.sites.fail(made.addresses[0])
    return out(made, 0, 60)


def broken_mesh(made: Cluster) -> float | None:
    """Cut a node off from the API server, until after the node controller's word is taken for a fact."""
    made.lose_kubelet(0)
    if URL in made.environment.values():  # what answers must stay, so it is not excused
        time.sleep(100 if made.has_watcher else 100 + CRON_SECONDS)
        return None
    return out(made, 0, PATIENCE_SECONDS)


def second_failure(made: Cluster) -> float | None:
    """Let a second node lose its power when the first has left DNS; measured is the second."""
    if power_cut(made, 0) is None:
        return None
    time.sleep(random.uniform(0, 10))  # noqa: S311 - no secret
    return power_cut(made, 1)


class ApiServerAway:
    """Makes the API server unreachable for a while, in all clusters at once."""

    def __init__(self, clusters: int) -> None:
        """Wait for so many clusters."""
        self._together = threading.Barrier(clusters)

    def __call__(self, made: Cluster) -> None:
        """Play it: no sync gets anywhere meanwhile, and none withdraws anything when Leases are old afterwards."""
        if self._together.wait(PATIENCE_SECONDS) == 0:
            made.plane.leave()
        self._together.wait(PATIENCE_SECONDS)
        back = time.monotonic() + AWAY_SECONDS
        made.synced(1)
        time.sleep(max(0.0, back - time.monotonic()))
        if self._together.wait(PATIENCE_SECONDS) == 0:
            made.plane.come_back()
        time.sleep(AFTERWARDS_SECONDS)
        made.synced(0)


OUTAGES = (
    Outage("second power cut while the first lasts, of four nodes", second_failure),
    Outage("broken mesh: no Lease, yet the address answers", broken_mesh),
    Outage("second power cut while the first lasts, of seven nodes", second_failure, 7),
    Outage("power cut: no Lease, no answer", power_cut),
    Outage("dead uplink: Lease goes on, no answer", dead_uplink),
    Outage("ingress answers 503, its endpoint is ready", ill_ingress),
    Outage("dead ingress: port refuses, endpoint not ready", dead_ingress),
)
"""The longest come first, so that none is waited for alone at the end."""
AWAY = "API server away for 70 s, then back: syncs exit with 1, then 0"
