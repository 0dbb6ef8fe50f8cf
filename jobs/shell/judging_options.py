"""What sync-once and watch take to judge nodes by, and what they make of it."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from jobs.core.node import Rules
from jobs.core.place import Coordinates, Places, parse_place
from jobs.core.probe import Probe
from jobs.core.signs import EvidenceSettings
from jobs.edges.clock import ATTEMPTS, Clock
from jobs.shell import values
from jobs.shell.options import NODE_NAME, Command, option, splits_before

if TYPE_CHECKING:
    from jobs.edges.api_server import ApiServer
    from jobs.edges.cluster import Cluster


class JudgingOptions(Command):
    """What a command takes that judges nodes."""

    node_label_selector: str = option(
        values.selector, "which nodes serve: a Kubernetes label selector (all)", "SEL", default=""
    )
    lease_timeout: int = option(
        values.seconds_or_off(15, 3600),
        "skip a node whose kubelet has not renewed its Lease for so long, at least 15, 0 for never (25)",
        "SECONDS",
        25,
    )
    ready_service: tuple[str, ...] = option(
        values.service,
        "skip a node on which no endpoint of this Service is ready, repeatable (none)",
        "NAMESPACE/NAME",
        (),
        many=True,
    )
    probe: tuple[Probe, ...] = option(
        Probe.parse,
        "leave out addresses that do not answer: a TCP port, or an http:// or https:// URL, repeatable (none)",
        "tcp:PORT|URL",
        (),
        many=True,
        splits_on=splits_before("tcp:", "https?:"),
    )
    ip_family: tuple[int, ...] = option(
        values.family, "publish the addresses of this family only, repeatable (both)", "IPv4|IPv6", (), many=True
    )
    exclude_address: tuple[IPv4Network | IPv6Network, ...] = option(
        values.network, "never publish addresses in this network, repeatable (none)", "CIDR", (), many=True
    )
    external_ip: bool = option(
        values.truth, "publish the addresses of type ExternalIP in a node's status too", default=False, flag=True
    )
    exclude_taint: tuple[str, ...] = option(
        values.taint,
        "skip nodes with a taint of this key, a trailing * is a prefix, repeatable (none)",
        "KEY",
        (),
        many=True,
    )
    publish_cordoned: bool = option(values.truth, "let cordoned nodes serve on", default=False, flag=True)
    min_ready_seconds: int = option(
        values.seconds(0, 86400), "leave a node as it is in DNS until it has been Ready for so long (0)", "SECONDS", 0
    )
    place: tuple[tuple[str, Coordinates], ...] = option(
        parse_place,
        "the place of nodes with this zone or region label that name none, repeatable; its variable splits on white "
        "space only (none)",
        "VALUE=LAT,LON",
        (),
        many=True,
        splits_on=r"\s+",
    )
    default_coordinates: Coordinates | None = option(
        Coordinates.parse, "the place of all other nodes that name none (none)", "LAT,LON"
    )


def rules(chosen: JudgingOptions) -> Rules:
    """Make the rules by which nodes are judged."""
    return Rules(
        families=chosen.ip_family or (4, 6),
        excluded_networks=chosen.exclude_address,
        excluded_taints=chosen.exclude_taint,
        publish_cordoned=chosen.publish_cordoned,
        min_ready_seconds=chosen.min_ready_seconds,
        places=Places(dict(chosen.place), chosen.default_coordinates),
        external_ip=chosen.external_ip,
    )


def evidence_settings(chosen: JudgingOptions, environ: Mapping[str, str]) -> EvidenceSettings:
    """Say which evidence to look for; the node that the program runs on is known by KUBE_NODE_NAME."""
    return EvidenceSettings(chosen.lease_timeout, chosen.ready_service, chosen.probe, environ.get(NODE_NAME) or None)


def api_server(chosen: JudgingOptions, clock: Clock, attempts: int = ATTEMPTS) -> "ApiServer":
    """Log in to the API server, before anything is asked of it.

    Raises ConfigurationError when nobody can log in.
    """
    from jobs.edges.api_server import ApiServer  # noqa: PLC0415 - help needs none

    return ApiServer(clock, chosen.kubeconfig, chosen.context, attempts=attempts)


def cluster(server: "ApiServer", clock: Clock) -> "Cluster":
    """Give the cluster of an API server that is logged in to."""
    from jobs.edges.cluster import Cluster  # noqa: PLC0415 - help needs none

    return Cluster(server, clock)
