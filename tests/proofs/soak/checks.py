"""Route 53's health checks in a soak: what must hold of them, and what may happen to them."""

import random
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from jobs.core.route53_form import from_api
from tests.proofs.soak.destinations import HostedZones
from tests.proofs.soak.model import Deviation
from tests.proofs.soak.setups import DOMAINS
from tests.sandbox.server import Call, Fault, FaultKind
from tests.sandbox.world import World
from tests.sandbox.zones import Refused

MOST = 2_000
"""The account's quota: as many as a soak needs between two hours."""
THEIRS = {"Type": "TCP", "IPAddress": "5.75.128.1", "Port": 443}
OUT_OF_ORDER: tuple[FaultKind, ...] = (
    "throttled",
    "unavailable",
    "access denied",
    "expired token",
    "malformed",
    "reset",
)


class CheckedZones(HostedZones):
    """The zones of an account in which each record set is to have a health check."""

    operations = (*HostedZones.operations, "*HealthCheck*", "*HealthCheck*", "CreateHealthCheck", "DeleteHealthCheck")

    def __init__(self, world: World) -> None:
        """Let there be a check of somebody else."""
        super().__init__(world)
        self._checks = world.route53.health_checks
        self._checks.most = MOST
        self._theirs = self._checks.create("theirs", dict(THEIRS))["Id"]
        self._wrongs: list[str] = []

    def meddle(self, chance: random.Random) -> bool:
        """Let somebody delete one of our checks in the console, whether a record set names it or not."""
        ours = self._ours()
        with suppress(Refused):  # another check is made of it, or it is gone
            if ours:
                self._checks.delete(chance.choice(ours))
                return True
        return False

    def witness(self, call: Call) -> None:
        """Look at a call before it is processed: a check that a record set names is not deleted."""
        if call.operation == "DeleteHealthCheck" and (check := call.request.path.rpartition("/")[2]) in self._named():
            self._wrongs.append(f"a record set names the check {check} that is to be deleted")

    def check(self) -> int:
        """Look at the checks too."""
        for wrong in self._wrongs:
            raise Deviation(wrong)
        if self._theirs not in self._checks.checks:
            raise Deviation("a health check of others is deleted")
        return super().check()

    def check_sets(self) -> None:
        """Hold each record set to the check of just its addresses, one of simple routing to having none."""
        for domain in DOMAINS:
            for each in map(from_api, self.records(domain)):
                wanted = set() if each.policy == "simple" else set(each.addresses)
                try:
                    asked = {ip_address(address) for address in self._asked(each.health_check_id)}
                except KeyError as error:
                    raise Deviation(f"{each} of {domain} names a check that is not there: {error}") from error
                if asked != wanted:
                    raise Deviation(f"{each} of {domain} has a check of {asked}, not of {wanted}")

    def check_none_left(self, *, in_use: bool) -> None:
        """Hold the account to having no check of ours, but for those that are in use."""
        if not in_use and self._named():
            raise Deviation("a record set still names a health check")
        if left := set(self._ours()) - self._named():
            raise Deviation(f"health checks are left that nothing needs: {left}")

    def age(self, seconds: int) -> None:
        """Let time pass for the checks."""
        self._checks.age(seconds)

    def break_for_good(self, chance: random.Random) -> None:
        """Let something go wrong with health checks, and with nothing else, until `mend`; some are gone besides."""
        for _ in range(chance.choice((0, 0, 5))):
            self.meddle(chance)
        kind, operation = chance.choice(OUT_OF_ORDER), chance.choice(("*HealthCheck*", "[CL]*HealthCheck*"))
        what = chance.random()
        if what < 0.2:
            self._checks.most = 0
        elif what < 0.4:
            self._world.route53.refuse_checks_in_records = True
        else:
            self._world.dns.fail(Fault(kind, operation))

    def mend(self) -> None:
        """Put it right again."""
        self._checks.most = MOST
        self._world.route53.refuse_checks_in_records = False
        self._world.dns.heal()

    def has_broken(self, calls: Sequence[Call]) -> bool:
        """Whether a run has met what is out of order."""
        refused = {"CreateHealthCheck"} if self._checks.most == 0 else set()
        if self._world.route53.refuse_checks_in_records:
            refused = {"ChangeResourceRecordSets"}
        return any(each.fault or (each.operation in refused and each.status != 200) for each in calls)

    def _ours(self) -> list[str]:
        return [check for check in sorted(self._checks.checks) if check != self._theirs]

    def _named(self) -> set[str]:
        """Give all checks that record sets name, with their children."""
        named = {
            each["HealthCheckId"] for domain in DOMAINS for each in self.records(domain) if "HealthCheckId" in each
        }
        return {child for each in named for child in (each, *self._children(each))}

    def _children(self, check: str) -> Sequence[str]:
        settings = self._checks.checks.get(check, {}).get("HealthCheckConfig", {})
        return list(settings.get("ChildHealthChecks", ()))

    def _asked(self, check: str | None) -> set[str]:
        """Give the addresses that a check asks; raises KeyError when it, or a child of it, is gone."""
        if check is None:
            return set()
        settings = self._checks.checks[check]["HealthCheckConfig"]
        found = {address for child in self._children(check) for address in self._asked(child)}
        return found | ({settings["IPAddress"]} if "IPAddress" in settings else set())
