"""What the tests of health checks share: checks of the domain, and what a run knows of them."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from jobs.core.health_checks import Checking, HealthCheck, View, owner_of
from jobs.core.probe import Probe
from jobs.core.zones import Zone
from jobs.edges.health_checks import health_check
from tests.sandbox.health_checks import HealthChecks
from tests.sandbox.zones import Refused
from tests.support.builders import DOMAIN, ZONE

NOW = 1_800_000_000
TCP = Checking(Probe.parse("tcp:443"), 30)
OFF = Checking(None, 30)
OWNER = owner_of(Zone("Z1", ZONE, private=False), DOMAIN)


def check(check_id: str, addresses: str, *, age: int = 0, checking: Checking = TCP, children: str = "") -> HealthCheck:
    """Make one of the domain's checks, so many seconds old: of an address, or a CALCULATED one of its children's."""
    asked = [ip_address(each) for each in addresses.split()]
    reference = View(checking, OWNER, {}, NOW - age).reference(asked)
    return HealthCheck(check_id, reference, None if children else asked[0], tuple(children.split()))


def theirs(check_id: str, *, children: str = "", address: str = "") -> HealthCheck:
    """Make a check of somebody else."""
    return HealthCheck(check_id, "theirs", ip_address(address) if address else None, tuple(children.split()))


def view(*known: HealthCheck, checking: Checking = TCP, unlisted: bool = False, **more: Any) -> View:  # noqa: ANN401 - as View has them
    """Know these checks; `more` are the members that say what went wrong before."""
    return View(checking, OWNER, None if unlisted else {each.id: each for each in known}, NOW, **more)


class InProcess:
    """The edge of health checks, on the sandbox's rules in this process."""

    def __init__(self, checks: HealthChecks) -> None:
        """Take the account's checks."""
        self._checks = checks
        self.fails = False

    def all(self) -> dict[str, HealthCheck]:
        """List all checks."""
        return {check_id: health_check(raw) for check_id, raw in self._checks.checks.items()}

    def create(self, caller_reference: str, settings: Mapping[str, Any]) -> HealthCheck:
        """Make a check; raises Refused when the account is out of order."""
        if self.fails:
            raise Refused("Throttling", "Rate exceeded")
        return health_check(self._checks.create(caller_reference, dict(settings)))

    def delete(self, check: HealthCheck) -> None:
        """Delete a check."""
        self._checks.delete(check.id)
