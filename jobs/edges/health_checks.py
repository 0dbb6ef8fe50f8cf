"""Route 53's health checks through boto3: listed as our values, made and deleted. No decision."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from jobs.core.address import Address
from jobs.core.errors import CheckGone, TemporaryError
from jobs.core.health_checks import HealthCheck
from jobs.core.text import quoted
from jobs.edges.aws_errors import promised
from jobs.edges.route53 import MOST_PAGES, Route53


class HealthChecks:
    """The health checks of an AWS account. Each call is tried again in place: none does harm by being sent twice."""

    def __init__(self, dns: Route53) -> None:
        """Ask by the same client as for records."""
        self._dns = dns

    def all(self) -> dict[str, HealthCheck]:
        """List the account's checks, those of others too, by id."""
        found: dict[str, HealthCheck] = {}
        position: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            page = self._dns.repeatable_call("ListHealthChecks", "*", **position)
            with promised("ListHealthChecks"):
                found |= {each.id: each for each in map(health_check, page["HealthChecks"])}
                if not page["IsTruncated"]:
                    return found
                position = {"Marker": page["NextMarker"]}
        raise TemporaryError(f"ListHealthChecks: the list has not ended after {MOST_PAGES} pages")

    def create(self, caller_reference: str, settings: Mapping[str, Any]) -> HealthCheck:
        """Make a check; Route 53 answers the same reference and settings again with the check that it has made."""
        made = self._dns.repeatable_call(
            "CreateHealthCheck", "*", CallerReference=caller_reference, HealthCheckConfig=settings
        )
        with promised("CreateHealthCheck"):
            return health_check(made["HealthCheck"])

    def delete(self, check: HealthCheck) -> None:
        """Delete a check, unless somebody else has."""
        try:
            self._dns.repeatable_call(
                "DeleteHealthCheck", f"arn:aws:route53:::healthcheck/{check.id}", HealthCheckId=check.id
            )
        except CheckGone:
            return


def health_check(raw: Mapping[str, Any]) -> HealthCheck:
    """Read a check in the AWS API's form; raises KeyError or ValueError where it is not one."""
    check_id, settings = raw["Id"], raw["HealthCheckConfig"]
    if not re.fullmatch("[A-Za-z0-9-]{1,64}", check_id):  # it goes into requests, records and lines of the log
        raise ValueError(f"{quoted(check_id)} is not the id of a health check")
    children = tuple(settings.get("ChildHealthChecks") or ())
    return HealthCheck(check_id, raw["CallerReference"], _address(settings.get("IPAddress")), children)


def _address(text: str | None) -> Address | None:
    """Read what a check asks: IPv6 comes in any form, and what others check may have another address."""
    try:
        return ip_address(text) if text else None
    except ValueError:
        return None
