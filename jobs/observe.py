"""What a run sees of Route 53: the zone of each domain, and the record sets at its name."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jobs.core import records
from jobs.core.errors import ConfigurationError, TemporaryError
from jobs.core.model import RecordSet
from jobs.core.progress import Outcomes, settling
from jobs.core.zones import Zone, choose_zone, last_labels, listing_order, no_zone, within

if TYPE_CHECKING:
    from jobs.edges.route53 import Route53


def find_zones(zone_id: str | None, opened: Iterable[str], dns: "Route53", outcomes: Outcomes) -> None:
    """Give each domain that has none yet its hosted zone: the one named, or the longest public one that holds it."""
    homeless = [domain for domain in opened if outcomes[domain].zone is None]
    if zone_id and homeless:
        with settling(outcomes, *homeless):
            zone = _named_zone(zone_id, homeless, dns)
            outcomes |= {domain: replace(outcomes[domain], zone=zone) for domain in homeless}
        return
    for start in dict.fromkeys(map(last_labels, homeless)):
        below = [domain for domain in homeless if last_labels(domain) == start]
        with settling(outcomes, *below):
            zones = dns.zones(start)
            for domain in below:
                with settling(outcomes, domain):
                    zone = choose_zone(domain, zones) or _wider_search(domain, zones, dns)
                    outcomes[domain] = replace(outcomes[domain], zone=zone)


def _named_zone(zone_id: str, domains: Iterable[str], dns: "Route53") -> Zone:
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


def read_records(opened: Iterable[str], dns: "Route53", outcomes: Outcomes) -> dict[str, Sequence[RecordSet]]:
    """Read each domain's own record sets; one that came complete with another's needs no call."""
    current: dict[str, Sequence[RecordSet]] = {}
    seen: dict[Zone, dict[str, Sequence[RecordSet]]] = {}
    hanging: dict[Zone, TemporaryError] = {}
    for domain in sorted(opened, key=listing_order):
        zone = outcomes[domain].zone
        if zone is not None:
            with settling(outcomes, domain):
                known = seen.setdefault(zone, {})
                if zone in hanging:
                    raise hanging[zone]
                if domain not in known:
                    try:
                        known |= dns.record_sets(zone, domain)
                    except TemporaryError as error:
                        hanging[zone] = error  # not asked again in this round: the other zones need the time
                        raise
                current[domain] = records.owned(domain, zone.name, known[domain])
    return current
