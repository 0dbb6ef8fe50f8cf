"""The nodes as they are listed: the facts of each that decide, and the user's rules about them. Pure."""

from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from math import inf
from typing import NamedTuple

from msgspec import Struct

from jobs.core.place import Places


class Condition(Struct, frozen=True):
    """What the node's Ready condition says: `status` is True, False or Unknown, `since` its last transition."""

    status: str
    message: str
    since: datetime | None = None

    def age_seconds(self, now: datetime, ahead_seconds: float) -> float:
        """How long it has been so: less than 0 for a time ahead of `now`, for ever for one further ahead than that."""
        if self.since is None:
            return inf
        age = (now - self.since).total_seconds()
        return age if age >= -ahead_seconds else inf


class Node(Struct, frozen=True):
    """The facts of a Kubernetes node that decide, as they were found; `None` is an absent annotation or condition."""

    name: str
    node_ips: str | None
    boot_id: str
    annotated_boot_id: str
    coordinates: str | None
    ready: Condition | None
    cordoned: bool
    deleting: bool
    unreadable: str | None = None
    """Why its object cannot be read: all but its name, annotations and deletion is unknown then."""
    bias: str | None = None
    zone: str = ""
    region: str = ""
    taints: tuple[str, ...] = ()
    public_ips: str | None = None
    external_ips: tuple[str, ...] = ()
    """What its status calls ExternalIP; a kubelet may write anything there."""


class NodeList(Struct, frozen=True):
    """The selected nodes as they were at one moment: `listed_at` by the API server's clock, and its version of it."""

    nodes: tuple[Node, ...]
    listed_at: datetime
    resource_version: str


class LeaseAge(NamedTuple):
    """The seconds since a kubelet has renewed its Lease, by the API servers' clocks and by this machine's.

    With several API servers the first holds the difference of their clocks, and the second that of the node's and this
    machine's. So no single wrong clock makes both large, or both small.
    """

    by_server: float
    by_observer: float


class Rules(Struct, frozen=True):
    """What the user has set up about nodes."""

    families: tuple[int, ...] = (4, 6)
    """The IP versions to publish."""
    excluded_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    excluded_taints: tuple[str, ...] = ()
    publish_cordoned: bool = False
    min_ready_seconds: int = 0
    places: Places = Places()
    external_ip: bool = False
    """Whether addresses of type ExternalIP in a node's status count too."""
