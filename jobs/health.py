"""What a run sees of the nodes' health beside their own objects: Leases, ready endpoints, open ports."""

from typing import TYPE_CHECKING

from jobs.core.evidence import Checks, Signs, by_facts
from jobs.core.model import NodeList, published
from jobs.edges.api_server import Forbidden

if TYPE_CHECKING:
    from jobs.edges.cluster import Cluster


def look(checks: Checks, listed: NodeList, cluster: "Cluster") -> Signs:
    """See what is asked for, after the nodes: a Lease must not be older than what is known of its node.

    Addresses are asked for a connection if they would be published by the facts. Without the right to list Leases
    these are left out, with a warning: they are looked at by default. Raises Failure for any other error.
    """
    lease_ages, warnings = {}, []
    if checks.lease_timeout_seconds:
        try:
            lease_ages = cluster.lease_ages()
        except Forbidden as error:
            warnings.append(f"Leases are not looked at, allow it or set --lease-timeout 0: {error}")
    serving = {service: _ready_nodes(service, cluster) for service in checks.ready_services}
    answers = {}
    if checks.ports:
        from jobs.edges.probe import probe  # noqa: PLC0415 - few runs need it

        verdicts, _ = by_facts(listed, serving)
        standing = published(verdicts)
        targets = ((address, port) for verdict in standing for address in verdict.addresses for port in checks.ports)
        answers = probe(dict.fromkeys(targets))
    return Signs(lease_ages, serving, answers, tuple(warnings))


def _ready_nodes(service: str, cluster: "Cluster") -> frozenset[str]:
    try:
        return cluster.ready_nodes(service)
    except Forbidden as error:
        raise Forbidden(f"--ready-service {service}: {error}; cron/ready-service gives the right") from error
