"""What a run sees of the nodes: signs of how they are, beside their own objects."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from jobs.core.candidates import by_facts, probe_targets
from jobs.core.node import NodeList, Rules
from jobs.core.signs import EvidenceSettings, Signs
from jobs.edges.api_server import Forbidden

if TYPE_CHECKING:
    from jobs.edges.cluster import Cluster


MOST_CLOCK_DIFFERENCE_SECONDS = 10.0


def look_for_signs(settings: EvidenceSettings, rules: Rules, listed: NodeList, cluster: "Cluster") -> Signs:
    """Look at Leases, ready endpoints and answers, after the nodes: a Lease must not be older than its node.

    Without the right to list Leases these are left out, with a warning: they are looked at by default. Raises Failure
    for any other error.
    """
    signs, warnings = Signs(), []
    if settings.lease_timeout_seconds:
        try:
            signs = replace(signs, lease_ages=cluster.lease_ages())
        except Forbidden as error:
            warnings.append(f"Leases are not looked at, allow it or set --lease-timeout 0: {error}")
    if abs(seconds := cluster.clock_difference()) > MOST_CLOCK_DIFFERENCE_SECONDS:
        warnings.append(
            f"this machine's clock is more than {MOST_CLOCK_DIFFERENCE_SECONDS:.0f} s "  # not how many: watch logs news
            f"{'ahead of' if seconds > 0 else 'behind'} the API server's: set them right, or Leases may be misjudged"
        )
    signs = replace(signs, serving={service: _ready_nodes(service, cluster) for service in settings.ready_services})
    if settings.probes:
        from jobs.edges.probe import probe  # noqa: PLC0415 - few runs need it

        answers, without_route = probe(probe_targets(by_facts(listed, signs, settings, rules), settings))
        remarks = (f"no route to IPv{each} from here: those addresses are not probed" for each in sorted(without_route))
        signs = replace(signs, answers=answers, remarks=tuple(remarks))
    return replace(signs, warnings=tuple(warnings))


def _ready_nodes(service: str, cluster: "Cluster") -> frozenset[str]:
    try:
        return cluster.ready_nodes(service)
    except Forbidden as error:
        raise Forbidden(f"--ready-service {service}: {error}; cron/ready-service gives the right") from error
