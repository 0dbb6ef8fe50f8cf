"""What a run sees: the zone and the record sets of each domain, the nodes, and signs of how these are."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jobs.core import records
from jobs.core.errors import ConfigurationError, TemporaryError
from jobs.core.evidence import Candidate, Checks, Signs, by_facts
from jobs.core.node import NodeList, Rules
from jobs.core.progress import Progress
from jobs.core.record_set import RecordSet
from jobs.core.zones import Zone, choose_zone, last_labels, listing_order, no_zone, within
from jobs.edges.api_server import Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobs.core.address import Address
    from jobs.core.probe import Probe
    from jobs.core.verdict import Skipped
    from jobs.edges.cluster import Cluster
    from jobs.edges.route53 import Route53


MOST_CLOCK_DIFFERENCE_SECONDS = 10.0


def find_zones(zone_id: str | None, dns: "Route53", progress: Progress) -> None:
    """Give each open domain that has none its hosted zone: the one named, or the longest public one that holds it."""
    without = [name for name in progress.open if progress[name].zone is None]
    if zone_id and without:
        with progress.concerning(*without):
            zone = _named_zone(zone_id, without, dns)
            for name in without:
                progress.note(name, zone=zone)
        return
    for start in dict.fromkeys(map(last_labels, without)):
        below = [name for name in without if last_labels(name) == start]
        with progress.concerning(*below):
            zones = dns.zones(start)
            for name in below:
                with progress.concerning(name):
                    progress.note(name, zone=choose_zone(name, zones) or _wider_search(name, zones, dns))


def _named_zone(zone_id: str, domains: "Iterable[str]", dns: "Route53") -> Zone:
    """Look up the zone of --zone-id; a wrong one is wrong for every domain."""
    zone = dns.zone(zone_id)
    if zone.private:
        raise ConfigurationError(f"--zone-id {zone_id}: {zone} is not public; name a public hosted zone")
    for domain in domains:
        if not within(domain, zone.name):
            raise ConfigurationError(f"--zone-id {zone_id}: {domain} is not in {zone}; leave the option out")
    return zone


def _wider_search(domain: str, zones: Sequence[Zone], dns: "Route53") -> Zone:
    """Look beyond the last two labels, for a zone that is a top-level domain or, failing that, for a helpful error."""
    zones = [*zones, *dns.zones(last_labels(domain, 1), all_under_it=False), *dns.zones("", all_under_it=False)]
    zones = list(dict.fromkeys(zones))
    if zone := choose_zone(domain, zones):
        return zone
    raise no_zone(domain, zones)


def read_records(dns: "Route53", progress: Progress) -> dict[str, Sequence[RecordSet]]:
    """Read the record sets of each open domain; one that came complete with another's needs no call."""
    shown: dict[str, Sequence[RecordSet]] = {}
    known: dict[Zone, dict[str, Sequence[RecordSet]]] = {}
    hanging: dict[Zone, TemporaryError] = {}
    for name in sorted(progress.open, key=listing_order):
        zone = progress[name].zone
        if zone is not None:
            with progress.concerning(name):
                of_zone = known.setdefault(zone, {})
                if zone in hanging:
                    raise hanging[zone]
                if name not in of_zone:
                    try:
                        of_zone |= dns.record_sets(zone, name)
                    except TemporaryError as error:
                        hanging[zone] = error  # not asked again in this round: the other zones need the time
                        raise
                shown[name] = records.owned(name, zone.name, of_zone[name])
    return shown


def look_for_signs(checks: Checks, rules: Rules, listed: NodeList, cluster: "Cluster") -> Signs:
    """Look at Leases, ready endpoints and answers, after the nodes: a Lease must not be older than its node.

    Without the right to list Leases these are left out, with a warning: they are looked at by default. Raises Failure
    for any other error.
    """
    signs, warnings = Signs(), []
    if checks.lease_timeout_seconds:
        try:
            signs = replace(signs, lease_ages=cluster.lease_ages())
        except Forbidden as error:
            warnings.append(f"Leases are not looked at, allow it or set --lease-timeout 0: {error}")
    if abs(seconds := cluster.clock_difference()) > MOST_CLOCK_DIFFERENCE_SECONDS:
        warnings.append(
            f"this machine's clock is more than {MOST_CLOCK_DIFFERENCE_SECONDS:.0f} s "  # not how many: watch logs news
            f"{'ahead of' if seconds > 0 else 'behind'} the API server's: set them right, or Leases may be misjudged"
        )
    signs = replace(signs, serving={service: _ready_nodes(service, cluster) for service in checks.ready_services})
    if checks.probes:
        from jobs.edges.probe import probe  # noqa: PLC0415 - few runs need it

        answers, without_route = probe(_targets(checks, by_facts(listed, signs, checks, rules)))
        signs = replace(signs, answers=answers)
        warnings += [
            f"no route to IPv{each} from here: those addresses are not probed" for each in sorted(without_route)
        ]
    return replace(signs, warnings=tuple(warnings))


def _targets(checks: Checks, judged: "Iterable[Candidate | Skipped]") -> "Iterator[tuple[Address, Probe]]":
    """Ask the addresses of nodes that stand, and those of others only for what could acquit them."""
    for each in judged:
        if isinstance(each, Candidate):
            probes = [probe for probe in checks.probes if probe.acquits or not each.fact]
            yield from ((address, probe) for address in each.verdict.addresses for probe in probes)


def _ready_nodes(service: str, cluster: "Cluster") -> frozenset[str]:
    try:
        return cluster.ready_nodes(service)
    except Forbidden as error:
        raise Forbidden(f"--ready-service {service}: {error}; cron/ready-service gives the right") from error
