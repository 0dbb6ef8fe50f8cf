"""Publishing to Route 53: each domain's record sets in the hosted zone that holds it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from jobs.core.errors import ConfigurationError, Failure, TemporaryError
from jobs.core.plan import Plan, batch
from jobs.core.progress import Domain, Progress
from jobs.core.record_set import RecordSet
from jobs.core.zones import Zone, choose_zone, last_labels, listing_order, no_zone, owned, within
from jobs.edges.clock import RESERVE_SECONDS, Clock
from jobs.publishers.publisher import Write

if TYPE_CHECKING:  # for annotations only
    from jobs.edges.route53 import Route53

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0


class HostedZones:
    """The hosted zones of one AWS account."""

    def __init__(self, dns: "Route53", clock: Clock, zone_id: str | None = None, *, wait: bool = False) -> None:
        """Take --zone-id, which names the zone of all domains, and --wait, to finish when all changes are INSYNC."""
        self._dns, self._clock = dns, clock
        self._zone_id, self._wait = zone_id, wait

    def read(self, progress: Progress) -> Mapping[str, Sequence[RecordSet]]:
        """Find the zones of open domains that have none, then read the record sets of all that have one."""
        self._find_zones(progress)
        return self._record_sets(progress)

    def prepare(self, domain: Domain, plan: Plan) -> Write:
        """Make one change batch of a plan; raises ConfigurationError when it does not fit one."""
        assert domain.zone is not None  # noqa: S101 - its records were read
        return partial(self._dns.change, domain.zone, batch(plan))

    def finish(self, progress: Progress) -> None:
        """With --wait, return when every Route 53 name server answers with what this run wrote."""
        if not self._wait:
            return
        waiting = [domain for domain in progress if domain.error is None and domain.has_written]
        for domain in waiting:  # the deadline may come first
            progress.fail(domain.name, TemporaryError("written, but it is not known to be INSYNC"))
        pending = self._wait_for(each for domain in waiting for each in domain.change_ids)
        for domain in waiting:
            with progress.noting_failures_of(domain.name):
                for change_id in domain.change_ids:
                    match pending.get(change_id):
                        case TemporaryError() as error:
                            words = f"change {change_id} is not INSYNC before the deadline (--timeout)"
                            raise Failure(f"written, but {words}: {error}")
                        case Failure() as error:
                            raise type(error)(f"written, but {error}")
                if domain.unconfirmed:
                    raise Failure("written, but the answer with the change id was lost: it may not be INSYNC yet")
                progress.note(domain.name, error=None, done=True)

    def _find_zones(self, progress: Progress) -> None:
        """Give each open domain that has none its hosted zone: the one named, or the longest public one around it."""
        without = [name for name in progress.open if progress[name].zone is None]
        if self._zone_id and without:
            with progress.noting_failures_of(*without):
                zone = self._named_zone(self._zone_id)
                for name in without:
                    with progress.noting_failures_of(name):
                        if not within(name, zone.name):
                            raise ConfigurationError(f"--zone-id {self._zone_id}: {name} is not in {zone}")
                        progress.note(name, zone=zone)
            return
        for start in dict.fromkeys(map(last_labels, without)):
            below = [name for name in without if last_labels(name) == start]
            with progress.noting_failures_of(*below):
                zones = self._dns.zones(start)
                for name in below:
                    with progress.noting_failures_of(name):
                        progress.note(name, zone=choose_zone(name, zones) or self._wider_search(name, zones))

    def _named_zone(self, zone_id: str) -> Zone:
        """Look up the zone of --zone-id; a wrong one is wrong for every domain."""
        zone = self._dns.zone(zone_id)
        if zone.private:
            raise ConfigurationError(f"--zone-id {zone_id}: {zone} is not public; name a public hosted zone")
        return zone

    def _wider_search(self, domain: str, zones: Sequence[Zone]) -> Zone:
        """Look beyond the last two labels, for a zone that is a top-level domain or for a helpful error."""
        beyond = (self._dns.zones(last_labels(domain, 1), all_under_it=False), self._dns.zones("", all_under_it=False))
        zones = list(dict.fromkeys((*zones, *beyond[0], *beyond[1])))
        if zone := choose_zone(domain, zones):
            return zone
        raise no_zone(domain, zones)

    def _record_sets(self, progress: Progress) -> Mapping[str, Sequence[RecordSet]]:
        """Read the record sets of each open domain; one that came complete with another's needs no call."""
        shown: dict[str, Sequence[RecordSet]] = {}
        known: dict[Zone, dict[str, Sequence[RecordSet]]] = {}
        hanging: dict[Zone, TemporaryError] = {}
        for name in sorted(progress.open, key=listing_order):
            zone = progress[name].zone
            if zone is not None:
                with progress.noting_failures_of(name):
                    of_zone = known.setdefault(zone, {})
                    if zone in hanging:
                        raise hanging[zone]
                    if name not in of_zone:
                        try:
                            of_zone |= self._dns.record_sets(zone, name)
                        except TemporaryError as error:
                            hanging[zone] = error  # not asked again in this round: the other zones need the time
                            raise
                    shown[name] = owned(name, zone.name, of_zone[name])
        return shown

    def _wait_for(self, change_ids: Iterable[str]) -> Mapping[str, Failure]:
        """Ask for each change in turn until all are INSYNC or the time is up; say of each that is not yet why.

        What is not a TemporaryError is not asked again.
        """
        pending: dict[str, Failure] = {each: TemporaryError("PENDING") for each in change_ids}
        while True:
            for change_id in [each for each, why in pending.items() if isinstance(why, TemporaryError)]:
                try:
                    if self._dns.in_sync(change_id):
                        del pending[change_id]
                except TemporaryError as error:
                    pending[change_id] = error
                    log.warning("%s; asking again", error)
                except Failure as error:
                    pending[change_id] = error
            may_change = any(isinstance(why, TemporaryError) for why in pending.values())
            if not may_change or self._clock.left() < POLL_SECONDS + RESERVE_SECONDS:
                return pending
            self._clock.sleep(POLL_SECONDS)
