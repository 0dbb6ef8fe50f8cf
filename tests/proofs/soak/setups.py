"""What the runs of one world are asked for: the seed picks one of these."""

from typing import NamedTuple

from jobs.core.decision import SyncRequest
from jobs.core.records import MAX_ADDRESSES, MAX_DNSENDPOINT_ADDRESSES
from tests.support.builders import evidence_settings, request
from tests.support.dnsendpoints import PUBLISH

DOMAINS = {"cdn.example.com": "example.com", "www.example.com": "example.com", "cdn.example.org": "example.org"}
"""What all runs keep, with the zone of each."""


class Setup(NamedTuple):
    """Where to, by which routing, and whether with health checks."""

    to_object: bool = False
    routing: str = "auto"
    checked: bool = False

    def __str__(self) -> str:
        """Name it by its options."""
        return " ".join(self.options) or "default options"

    @property
    def options(self) -> tuple[str, ...]:
        """What each run is given beside its domains."""
        return (
            *(PUBLISH if self.to_object else ()),
            *(("--routing", self.routing) if self.routing != "auto" else ()),
            *(("--health-check", "tcp:443") if self.checked else ()),
        )

    @property
    def request(self) -> SyncRequest:
        """The same for the core."""
        return request(
            domains=tuple(DOMAINS),
            routing="simple" if self.to_object and self.routing == "auto" else self.routing,
            max_addresses=MAX_DNSENDPOINT_ADDRESSES if self.to_object else MAX_ADDRESSES,
            evidence_settings=evidence_settings(),
        )


SETUPS = (
    Setup(),
    Setup(checked=True),
    Setup(to_object=True),
    Setup(routing="multivalue"),
    Setup(routing="multivalue", checked=True),
    Setup(to_object=True, routing="multivalue"),
    Setup(to_object=True, routing="geoproximity"),
)


def of_seed(seed: int) -> Setup:
    """Pick one: as many seeds in a row as there are use them all."""
    return SETUPS[seed % len(SETUPS)]
