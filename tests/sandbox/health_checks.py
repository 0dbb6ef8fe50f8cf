"""Health checks and the rules Route 53 keeps when they are made, changed and deleted; no HTTP."""

import ipaddress
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from tests.sandbox.zones import Refused

Settings = dict[str, Any]
Check = dict[str, Any]
"""A health check in the form of the AWS API: `Id`, `CallerReference`, `HealthCheckConfig`, `HealthCheckVersion`."""

MOST = 200
_ENDPOINTS = {"TCP", "HTTP", "HTTPS"}
_OF_ENDPOINTS = {"IPAddress", "Port", "ResourcePath", "FullyQualifiedDomainName", "RequestInterval", "FailureThreshold"}
_OF_ENDPOINTS |= {"MeasureLatency", "EnableSNI", "Regions", "SearchString"}
_OF_CALCULATED = {"ChildHealthChecks", "HealthThreshold"}
_COMMON = {"Type", "Inverted", "Disabled"}
_DEFAULTS: dict[str, Settings] = {
    "TCP": {},
    "HTTP": {"Port": 80},
    "HTTPS": {"Port": 443, "EnableSNI": True},
}
_NOT_PUBLIC = [
    ipaddress.ip_network(each)
    for each in (
        # RFC 5735 and RFC 6598
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        # RFC 5156
        *("::/96", "::ffff:0:0/96", "fe80::/10", "fc00::/7", "2001:db8::/32", "2002::/16", "2001::/32", "5f00::/8"),
        *("3ffe::/16", "2001:10::/28", "ff00::/8"),
    )
]


class HealthChecks:
    """The health checks of one account, and how healthy they find what they ask; safe to use from many threads."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.time) -> None:
        """Begin with no check."""
        self.down: set[str] = set()
        """Addresses that the checkers get no good answer from; of all others they do."""
        self.checks: dict[str, Check] = {}
        self.created: dict[str, float] = {}
        self.most = most
        self._clock = clock
        self.deleted: set[str] = set()
        """The references of checks that were deleted."""
        self.new_id: Callable[[str], str] = lambda _: str(uuid.uuid4())
        """Makes the id of a check from its reference."""
        self._lock = threading.RLock()

    def create(self, reference: str, settings: Settings) -> Check:
        """Make a check, or give the one that was made by the same reference and settings."""
        form = _stored(settings)
        with self._lock:
            known = next((each for each in self.checks.values() if each["CallerReference"] == reference), None)
            if known and known["HealthCheckConfig"] == form:
                return known
            if known or reference in self.deleted:
                text = f"A health check with CallerReference {reference} already exists or has been deleted."
                raise Refused("HealthCheckAlreadyExists", text)
            for problem in self._problems(form):
                raise Refused("InvalidInput", f"Invalid parameter : {problem}")
            if len(self.checks) >= self.most:
                raise Refused("TooManyHealthChecks", f"Limit of {self.most} health checks reached.")
            return self.put(self.new_id(reference), reference, form)

    def put(self, check_id: str, reference: str, settings: Settings) -> Check:
        """Add a check as it is, of an id of one's choice."""
        check = {"Id": check_id, "CallerReference": reference, "HealthCheckConfig": settings, "HealthCheckVersion": 1}
        self.checks[check_id] = check
        self.created[check_id] = self._clock()
        return check

    def get(self, check_id: str) -> Check:
        """Find a check by its id."""
        with self._lock:
            if check_id not in self.checks:
                raise Refused("NoSuchHealthCheck", f"No health check exists with the specified ID. {check_id}")
            return self.checks[check_id]

    def update(self, check_id: str, version: int | None, changes: Settings) -> Check:
        """Change what may be changed of a check, if it is still of that version."""
        with self._lock:
            check = self.get(check_id)
            if version not in (None, check["HealthCheckVersion"]):
                raise Refused("HealthCheckVersionMismatch", f"The health check is at {check['HealthCheckVersion']}.")
            form = _stored({**check["HealthCheckConfig"], **changes})
            for problem in self._problems(form):
                raise Refused("InvalidInput", f"Invalid parameter : {problem}")
            check |= {"HealthCheckConfig": form, "HealthCheckVersion": check["HealthCheckVersion"] + 1}
            return check

    def delete(self, check_id: str) -> None:
        """Delete a check that no other names; record sets may still."""
        with self._lock:
            check = self.get(check_id)
            parents = [
                each["Id"]
                for each in self.checks.values()
                if check_id in each["HealthCheckConfig"].get("ChildHealthChecks", ())
            ]
            if parents:
                raise Refused("HealthCheckInUse", f"The health check is a child of {', '.join(parents)}.")
            del self.checks[check_id], self.created[check_id]
            self.deleted.add(check["CallerReference"])

    def page(self, marker: str, size: int) -> tuple[list[Check], str | None]:
        """List so many checks from an id on, and the id that comes after them."""
        with self._lock:
            ids = sorted(each for each in self.checks if each >= marker)
            return [self.checks[each] for each in ids[:size]], ids[size] if len(ids) > size else None

    def age(self, seconds: int) -> None:
        """Let all checks be older by so much; also by the time at the end of a reference, where a client keeps one."""
        with self._lock:
            for check_id, check in self.checks.items():
                self.created[check_id] -= seconds
                begin, colon, end = check["CallerReference"].rpartition(":")
                if len(end) == 10 and end.isdecimal():
                    check["CallerReference"] = f"{begin}{colon}{int(end) - seconds:010d}"

    def is_healthy(self, check_id: str) -> bool:
        """Say how a check stands once it has been measured; KeyError for one that is gone: nobody can predict it."""
        settings = self.checks[check_id]["HealthCheckConfig"]
        if settings.get("Disabled"):
            healthy = True
        elif settings["Type"] == "CALCULATED":
            children = [self.is_healthy(each) for each in settings["ChildHealthChecks"]]
            healthy = sum(children) >= settings["HealthThreshold"]
        else:
            down = {ipaddress.ip_address(each) for each in self.down}
            healthy = "IPAddress" not in settings or ipaddress.ip_address(settings["IPAddress"]) not in down
        return healthy is not settings.get("Inverted", False)

    def _problems(self, form: Settings) -> Iterator[str]:
        type_ = form["Type"]
        is_calculated = type_ == "CALCULATED"
        for strange in sorted(form.keys() - _COMMON - (_OF_CALCULATED if is_calculated else _OF_ENDPOINTS)):
            yield f"{strange} must not be specified for health checks of type {type_}."
        yield from self._calculated_problems(form) if is_calculated else _endpoint_problems(form)

    def _calculated_problems(self, form: Settings) -> Iterator[str]:
        for each in _OF_CALCULATED - form.keys():
            yield f"Calculated health checks must have a {each}."
        for each in form.get("ChildHealthChecks", ()):
            if each not in self.checks:
                yield f"Child health check {each} does not exist."
            elif self.checks[each]["HealthCheckConfig"]["Type"] == "CALCULATED":
                yield f"Child health check {each} must not be a calculated health check."
        if len(set(form.get("ChildHealthChecks", ()))) < len(form.get("ChildHealthChecks", ())):
            yield "Duplicate child health checks."


def _stored(settings: Settings) -> Settings:
    """Give settings as Route 53 returns them: with their defaults, and IPv6 addresses in their long form."""
    type_ = settings["Type"]
    if type_ not in {*_ENDPOINTS, "CALCULATED"}:
        raise Refused("NotImplemented", f"This double of Route 53 does not implement health checks of type {type_}")
    form = {"Inverted": False, "Disabled": False, **settings}
    if type_ != "CALCULATED":
        form = {"RequestInterval": 30, "FailureThreshold": 3, "MeasureLatency": False, **_DEFAULTS[type_], **form}
    if "IPAddress" in form:
        try:
            form["IPAddress"] = ipaddress.ip_address(form["IPAddress"]).exploded
        except ValueError:
            raise Refused("InvalidInput", f"Invalid parameter : IP address {form['IPAddress']}") from None
    return form


def _endpoint_problems(form: Settings) -> Iterator[str]:
    type_ = form["Type"]
    if "IPAddress" not in form and "FullyQualifiedDomainName" not in form:
        yield "Basic health checks must have an IP address or a fully qualified domain name."
    if type_ == "TCP" and "Port" not in form:
        yield "TCP health checks must have a port specified."
    if type_ == "TCP" and "ResourcePath" in form:
        yield "TCP health checks must not have a resource path specified."
    if type_ != "HTTPS" and "EnableSNI" in form:
        yield f"SNI must not be specified for health checks of type {type_}."
    if "SearchString" in form:
        yield f"Health checks of type {type_} must not have a search string specified."
    if form["RequestInterval"] not in (10, 30):
        yield "Request interval must be 10 or 30 seconds."
    if "IPAddress" in form:
        address = ipaddress.ip_address(form["IPAddress"])
        if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
            yield f"IP address {form['IPAddress']} is in a private, reserved or multicast range."
