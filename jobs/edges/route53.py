"""Route 53 through boto3: zones, record sets and changes as our values, its errors as ours. No decision."""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from jobs.core.errors import ConfigurationError, TemporaryError
from jobs.core.plan import Change
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import api_changes, by_name
from jobs.core.text import quoted
from jobs.core.zones import Zone, as_listed, canonical, within
from jobs.edges.aws_errors import promised, read_older_rejection, translated
from jobs.edges.clock import Clock, retrying

log = logging.getLogger(__name__)

MOST_PAGES = 200  # 20,000 zones: more can hardly be listed within a minute, at the rate Route 53 allows
MOST_PAGES_OF_A_NAME = 20  # 6,000 record sets: Route 53 takes 100 of a name and type, of not even 20 types
READ_SECONDS = 6.0  # how long one read is tried: a zone that hangs must leave the others time; the next round goes on
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=6,
    retries={"total_max_attempts": 1},  # jobs.edges.clock alone tries again
    user_agent_extra="kube-node-dns",
)
_ANSWERED_EMPTY = {"DeleteHealthCheck"}


class Route53:
    """One AWS account's Route 53, seen by one run. What may be sent twice is tried again in place, a batch never."""

    def __init__(self, clock: Clock) -> None:
        """Find credentials and settings as boto3 does; raises ConfigurationError where they do not fit together."""
        self._clock = clock
        _check_environment()
        try:
            core = botocore.session.get_session()
            core.set_default_client_config(_CONFIG)  # also for the clients that fetch credentials
            _list_services_by_name(core.get_component("data_loader"))
            if core.get_config_variable("region") is None:  # Route 53 has none, but an endpoint URL or STS asks for one
                core.set_config_variable("region", "us-east-1")
            self._client = boto3.Session(botocore_session=core).client("route53")
            _ = urlsplit(self._client.meta.endpoint_url).port  # raises ValueError, which botocore does at each request
            _refuse_socks(self._client.meta.endpoint_url)
            self._client.meta.events.register("before-parse.route53.ChangeResourceRecordSets", read_older_rejection)
        except (BotoCoreError, ValueError, OSError) as error:
            raise translated(error, "AWS settings") from error

    def zones(self, start: str, *, all_under_it: bool = True) -> tuple[Zone, ...]:
        """List hosted zones in name order from `start` on: until those under it end, or one page."""
        found: list[Zone] = []
        position = {"DNSName": start} if start else {}
        for _ in range(MOST_PAGES):
            page = self.repeatable_call("ListHostedZonesByName", "*", **position)
            with promised("ListHostedZonesByName"):
                found += [_zone(raw) for raw in page["HostedZones"]]
                if not page["IsTruncated"] or not all_under_it or not within(found[-1].name, start):
                    return tuple(found)
                position = {"DNSName": page["NextDNSName"], "HostedZoneId": page["NextHostedZoneId"]}
        raise TemporaryError(f"ListHostedZonesByName: the list has not ended after {MOST_PAGES} pages")

    def zone(self, zone_id: str) -> Zone:
        """Look up a hosted zone by its id."""
        response = self.repeatable_call("GetHostedZone", f"arn:aws:route53:::hostedzone/{zone_id}", Id=zone_id)
        with promised("GetHostedZone"):
            return _zone(response["HostedZone"])

    def record_sets(self, zone: Zone, name: str) -> Mapping[str, tuple[RecordSet, ...]]:
        """Read all record sets of a name, in as few pages as that takes.

        Returns them by name: of `name`, which is there even when it has none, and of every other name that stands
        complete in the same pages and can be read. Raises TemporaryError for a set of `name` that cannot be.
        """
        found: tuple[RecordSet, ...] = ()
        position: dict[str, str] = {"StartRecordName": as_listed(name)}
        for _ in range(MOST_PAGES_OF_A_NAME):
            resource = f"arn:aws:route53:::hostedzone/{zone.id}"
            page = self.repeatable_call("ListResourceRecordSets", resource, HostedZoneId=zone.id, **position)
            with promised("ListResourceRecordSets"):
                sets = by_name(page["ResourceRecordSets"], name)
                found += sets.get(name, ())
                goes_on = canonical(page["NextRecordName"]) if page["IsTruncated"] else None
                if goes_on != name:
                    return {each: sets[each] for each in sets if each != goes_on} | {name: found}
                position = {"StartRecordName": page["NextRecordName"], "StartRecordType": page["NextRecordType"]}
                if "NextRecordIdentifier" in page:
                    position["StartRecordIdentifier"] = page["NextRecordIdentifier"]
        raise TemporaryError(f"ListResourceRecordSets: {name} has not ended after {MOST_PAGES_OF_A_NAME} pages")

    def change(self, zone: Zone, changes: Sequence[Change]) -> str:
        """Apply one change batch and give the change's id.

        Raises NotApplied when nothing was done, Conflict when Route 53 rejected the batch, and any other TemporaryError
        when it is not known whether it was applied.
        """
        response = self._call(
            "ChangeResourceRecordSets",
            f"arn:aws:route53:::hostedzone/{zone.id}",
            HostedZoneId=zone.id,
            ChangeBatch={"Changes": api_changes(changes)},
        )
        with promised("ChangeResourceRecordSets"):
            return str(response["ChangeInfo"]["Id"]).rpartition("/")[2]

    def in_sync(self, change_id: str) -> bool:
        """Whether every Route 53 name server answers with a change."""
        response = self.repeatable_call("GetChange", f"arn:aws:route53:::change/{change_id}", Id=change_id)
        with promised("GetChange"):
            return bool(response["ChangeInfo"]["Status"] == "INSYNC")

    def repeatable_call(self, action: str, resource: str, **parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as boto3 takes them
        """Make a call that may be made twice: again in place, while it fails in a way that often passes."""
        for attempt in retrying(self._clock, action, within_seconds=READ_SECONDS):
            with attempt:
                response = self._call(action, resource, **parameters)
        return response

    def _call(self, action: str, resource: str, **parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as boto3 takes them
        started = self._clock.now()
        outcome = "no answer"
        try:
            response = self._ask(action, parameters)
        except (BotoCoreError, ClientError, ResponseParserError, OSError) as error:
            failure = translated(error, f"route53:{action} on {resource}", action)
            outcome = str(failure)
            raise failure from error
        else:
            if response.keys() <= {"ResponseMetadata"} and action not in _ANSWERED_EMPTY:
                raise TemporaryError(f"{action} answered what its API does not promise: nothing")
            outcome = "ok"
            return response
        finally:
            log.debug("%s on %s: %s in %.0f ms", action, resource, outcome, 1000 * (self._clock.now() - started))

    def _ask(self, action: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one request; raises ResponseParserError for XML of any other shape than the API's, as botocore does not.

        It stumbles over such a response in its own code, or leaves elements in it where a member comes twice.
        """
        try:
            response: Mapping[str, Any] = getattr(self._client, xform_name(action))(**parameters)
        except (BotoCoreError, ClientError, ResponseParserError, OSError):
            raise
        except Exception as error:  # its parser promises no kind of error
            raise ResponseParserError(f"{type(error).__name__}: {error}") from error
        if not _is_plain(response):
            raise ResponseParserError("a member comes twice")
        return response


def _list_services_by_name(loader: botocore.loaders.Loader) -> None:
    """Let botocore know which services there are by the names of their folders.

    It looks into each of 445 folders otherwise, twice: a tenth of what a run costs.
    """
    names = [folder.name for path in loader.search_paths for folder in Path(path).glob("*")]
    loader.list_available_services = lambda type_name: names  # noqa: ARG005 - botocore calls it by this name


def _check_environment() -> None:
    """Refuse settings that are not text, before botocore says where in which secret it cannot go on."""
    for name, value in os.environ.items():
        try:
            value.encode()
        except UnicodeEncodeError:
            if name.startswith("AWS_"):
                raise ConfigurationError(f"{name} holds bytes that are not text in UTF-8; set it again") from None


def _refuse_socks(endpoint_url: str) -> None:
    """Refuse a proxy that botocore would take for an http proxy of an odd name."""
    scheme = urlsplit(endpoint_url).scheme
    if get_environ_proxies(endpoint_url).get(scheme, "").lower().startswith("socks"):
        raise ConfigurationError(
            f"socks proxies are not supported, use an http proxy to Route 53; check {scheme.upper()}_PROXY"
        )


def _is_plain(value: object) -> bool:
    match value:
        case dict():
            return all(map(_is_plain, value.values()))
        case list():
            return all(map(_is_plain, value))
    return isinstance(value, str | int | float | datetime)


def _zone(raw: Mapping[str, Any]) -> Zone:
    zone_id = raw["Id"].rpartition("/")[2]
    if not re.fullmatch("[A-Z0-9]{1,32}", zone_id):  # it goes into requests and into every line about the zone
        raise ValueError(f"{quoted(zone_id)} is not a zone id")
    return Zone(zone_id, canonical(raw["Name"]), bool(raw["Config"]["PrivateZone"]))
