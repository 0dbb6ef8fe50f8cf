"""What to look at beside the nodes' own objects, and what was seen."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.node import LeaseAge
from jobs.core.probe import Probe


class EvidenceSettings(Struct, frozen=True):
    """Which evidence to look for, beside the nodes' own objects.

    Leases not renewed for so many seconds (0: not at all), services (`namespace/name`), probes. `observer` is the node
    that the probes are sent from, where it is known: many networks have no way back to oneself.
    """

    lease_timeout_seconds: int
    ready_services: tuple[str, ...]
    probes: tuple[Probe, ...]
    observer: str | None = None


class Signs(Struct, frozen=True):
    """What was seen; what was not looked at is missing.

    `warnings` say what could not be seen, `remarks` what can never be seen from this network: those are for the log.
    """

    lease_ages: Mapping[str, LeaseAge] = field(default_factory=dict)
    """By node."""
    serving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By service: the nodes on which an endpoint of it is ready."""
    answers: Mapping[tuple[Address, Probe], str | None] = field(default_factory=dict)
    """By address and probe: why there is no answer, None where there is one, "" where that is not sure."""
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def after_outage(self, before: "Signs", lease_timeout_seconds: int) -> "Signs":
        """Leave out the Leases that are old now and were not in `before`: an outage of the API server makes all old."""
        was_old = {node for node, age in before.lease_ages.items() if min(age) >= lease_timeout_seconds}
        ages = {
            node: age for node, age in self.lease_ages.items() if min(age) < lease_timeout_seconds or node in was_old
        }
        return replace(self, lease_ages=ages)
