"""A strict double of Amazon Route 53: unmodified boto3 and the AWS command line talk to it over HTTP.

`Route53` answers the API operations; the rules it holds clients to are in `zones` and `record_sets`.
"""

import datetime as dt
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from tests.sandbox import answers, names, rest_xml, sigv4
from tests.sandbox.health_checks import HealthChecks
from tests.sandbox.record_sets import Change, RecordSet
from tests.sandbox.server import FaultKind, Request, Response
from tests.sandbox.sigv4 import Key
from tests.sandbox.zones import Committed, Position, Refused, Zone, Zones

Arguments = Mapping[str, Any]
Result = dict[str, Any]

_NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
_REQUEST_RATES = {"CreateHostedZone": (40, 2), "DeleteHostedZone": (40, 5)}
"""Burst and refill a second of the operations that have their own; 50 and 10 is everybody's and the account's."""
_STATUS = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "HealthCheckAlreadyExists": 409,
    "HealthCheckVersionMismatch": 409,
    "HostedZoneAlreadyExists": 409,
    "NoSuchChange": 404,
    "NoSuchHealthCheck": 404,
    "NoSuchHostedZone": 404,
    "NotImplemented": 501,
    "ServiceUnavailable": 503,
    "UnknownOperationException": 404,
}


class Bucket:
    """A token bucket: full at first, refilled evenly."""

    def __init__(self, burst: float, refill_per_second: float) -> None:
        """Begin full."""
        self.burst = burst
        self.refill = refill_per_second
        self._level = burst
        self._seen: float | None = None

    def level(self, now: float) -> float:
        """Refill up to now and give the number of tokens."""
        elapsed = max(0.0, now - self._seen) if self._seen is not None else 0.0
        self._level = min(self.burst, self._level + elapsed * self.refill)
        self._seen = now
        return self._level

    def take(self, tokens: float) -> None:
        """Take tokens that `level` said were there."""
        self._level -= tokens


@dataclass
class _Submitted:
    at: float
    comment: str | None = None
    polls: int = 0


class Route53:
    """The account: hosted zones, access keys, limits. Give it to a `Server`."""

    access_key = "AKIDSANDBOX"
    secret_key = "not-a-secret"  # noqa: S105 - opens nothing but this double

    def __init__(
        self,
        *,
        throttle: bool = False,
        changes_burst: float = 1_000,
        changes_refill: float = 100,
        pending_polls: int = 2,
        pending_seconds: float = 0.05,
        record_sets_per_zone: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with no zone.

        A change is `PENDING` for `pending_polls` calls of `GetChange`, but at most `pending_seconds`.
        """
        self.keys: dict[str, Key] = {self.access_key: Key(self.secret_key)}
        self.throttle = throttle
        self.pending_polls = pending_polls
        self.pending_seconds = pending_seconds
        self.older_batch_errors = False
        """Answer `InvalidChangeBatch` with a root element of that name, as older versions of the API did."""
        self.zones_a_page, self.records_a_page = 100, 300
        """How much a list gives at once, as Route 53 does; with less, few of them make many pages."""
        self.clock = clock
        self.health_checks = HealthChecks(clock=clock)
        self.health_checks_a_page = 100
        self.refuse_checks_in_records = False
        """Refuse every record set that names a check, as if none was there."""
        self._zones = Zones(record_sets_per_zone, self._has_health_check)
        self._buckets: dict[str, Bucket] = {"changes": Bucket(changes_burst, changes_refill)}
        self._submitted: dict[str, _Submitted] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._operations: dict[str, Callable[[Arguments], Result]] = {
            "ChangeResourceRecordSets": self._change_resource_record_sets,
            "CreateHealthCheck": self._create_health_check,
            "CreateHostedZone": self._create_hosted_zone,
            "DeleteHealthCheck": self._delete_health_check,
            "DeleteHostedZone": self._delete_hosted_zone,
            "GetChange": self._get_change,
            "GetHealthCheck": lambda arguments: {"HealthCheck": self.health_checks.get(arguments["HealthCheckId"])},
            "GetHealthCheckCount": lambda _: {"HealthCheckCount": len(self.health_checks.checks)},
            "GetHostedZone": self._get_hosted_zone,
            "GetHostedZoneCount": self._get_hosted_zone_count,
            "ListHealthChecks": self._list_health_checks,
            "ListHostedZones": self._list_hosted_zones,
            "ListHostedZonesByName": self._list_hosted_zones_by_name,
            "ListResourceRecordSets": self._list_resource_record_sets,
            "ListTagsForResource": self._list_tags_for_resource,
            "UpdateHealthCheck": self._update_health_check,
            "UpdateHostedZoneComment": self._update_hosted_zone_comment,
        }

    # In the test's own process

    def zone(self, name: str, *, private: bool = False) -> str:
        """Make a hosted zone and return its id."""
        vpc = {"VPCRegion": "us-east-1", "VPCId": "vpc-sandbox"} if private else None
        return self._zones.create(name, str(uuid.uuid4()), vpc).id

    def put(self, zone_id: str, *record_sets: RecordSet) -> None:
        """Create record sets, given in the form of the AWS API, in one batch and by the same rules."""
        self.change(zone_id, *({"Action": "CREATE", "ResourceRecordSet": record_set} for record_set in record_sets))

    def change(self, zone_id: str, *changes: Change) -> None:
        """Apply one batch of changes, as somebody else might between two calls; `Refused` if it breaks a rule."""
        shape = rest_xml.service("route53").shape_for("Changes")
        for problem in rest_xml.violations(shape, list(changes)):
            raise Refused("InvalidInput", problem)
        self._zones.change(zone_id, changes)

    def protect(self, zone_id: str, name: str, *types: str, comment: str = "") -> None:
        """Protect the record sets of a name and these types: every batch that would change one is refused.

        Without a type nothing of the name is protected any longer.
        """
        zone, name = self._zones.get(zone_id), names.canonical(name)
        zone.protected = {key: words for key, words in zone.protected.items() if key[0] != name}
        zone.protected |= dict.fromkeys(((name, type_) for type_ in types), comment)

    def guard_what_is_asked_for(self, zone_id: str, name: str, *types: str) -> None:
        """Switch on the change guardrail ACTIVE_RECORD_CHECK, while the name is still asked for these types."""
        self._zones.get(zone_id).asked_for = {(names.canonical(name), type_) for type_ in types}

    def records(self, zone_id: str, name: str | None = None) -> list[RecordSet]:
        """Read the record sets of a name, or of the whole zone, in Route 53's order."""
        return self._zones.at(zone_id, name)

    def served(self, zone_id: str, name: str, type_: str, place: str = "0,0") -> list[str]:
        """Give what somebody at `<lat>,<lon>` is answered with, by records and health checks as they are now."""
        asked = [each for each in self.records(zone_id, name) if each["Type"] == type_]
        return answers.served(asked, self.health_checks.is_healthy, answers.Point(*map(float, place.split(","))))

    @property
    def history(self) -> list[Committed]:
        """Every batch that was applied, in order; clear it to start again."""
        return self._zones.history

    def environment(self, url: str) -> dict[str, str]:
        """Give the variables that lead boto3 and the AWS command line here."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_ROUTE_53": url,
        }

    # What a server needs

    def operation(self, request: Request) -> str:
        """Name the API operation, `unknown` if there is none of that method and path."""
        route = rest_xml.route("route53", request)
        return str(route.operation.name) if route else "unknown"

    def answer(self, request: Request) -> Response:
        """Authenticate, authorise, throttle and process a request."""
        try:
            return self._answer(request)
        except sigv4.UnauthenticatedError as error:
            return _error(403, error.code, error.message)
        except rest_xml.MalformedError as error:
            return _error(400, "InvalidInput", str(error))
        except Refused as refused:
            if refused.code == "InvalidChangeBatch" and self.older_batch_errors:
                return _older_error(refused)
            return _error(_STATUS.get(refused.code, 400), refused.code, refused.message)

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Fail in Route 53's own words."""
        operation = self.operation(request)
        match kind:
            case "throttled":
                return _error(400, "Throttling", "Rate exceeded")
            case "unavailable":
                return _error(503, "ServiceUnavailable", "Service is temporarily unavailable.")
            case "access denied":
                return _error(403, "AccessDenied", _denial(Key(""), operation, rest_xml.route("route53", request)))
            case "expired token":
                return _error(403, "ExpiredToken", "The security token included in the request is expired")
            case _:
                text = f'<?xml version="1.0"?>\n<{operation}Response xmlns="{_NAMESPACE}"><ResourceRec'
                return Response(200, text.encode(), "text/xml")

    def _answer(self, request: Request) -> Response:
        route = rest_xml.route("route53", request)
        key = sigv4.authenticate(request, "route53", self.keys, self.clock())
        if route is None:
            raise Refused("UnknownOperationException", f"No operation is {request.method} {request.path}")
        name = route.operation.name
        if not key.may(name):
            raise Refused("AccessDenied", _denial(key, name, route))
        if name not in self._operations:
            raise Refused("NotImplemented", f"This double of Route 53 does not implement {name}")
        self._take("account", 50, 10)
        self._take(name, *_REQUEST_RATES.get(name, (50, 10)))
        result = self._operations[name](rest_xml.parse(route, request))
        headers, body = rest_xml.render(route.operation, result)
        return Response(route.operation.http.get("responseCode", 200), body, "text/xml", headers | _request_id())

    def _take(self, bucket: str, burst: float = 0, refill: float = 0, tokens: float = 1) -> None:
        if not self.throttle:
            return
        with self._lock:
            tokens_left = self._buckets.setdefault(bucket, Bucket(burst, refill))
            if tokens_left.level(self.clock()) < tokens:
                raise Refused("Throttling", "Rate exceeded")
            tokens_left.take(tokens)

    # Changes

    def _change_resource_record_sets(self, arguments: Arguments) -> Result:
        batch = arguments["ChangeBatch"]
        self._take("changes", tokens=len(batch["Changes"]))
        self._zones.change(arguments["HostedZoneId"], batch["Changes"])
        return {"ChangeInfo": self._submit(batch.get("Comment"))}

    def _submit(self, comment: str | None = None) -> Result:
        with self._lock:
            change_id = f"C{next(self._numbers):010d}SANDBOX"
            self._submitted[change_id] = _Submitted(self.clock(), comment)
            return self._change_info(change_id, "PENDING")

    def _change_info(self, change_id: str, status: str) -> Result:
        submitted = self._submitted[change_id]
        at = dt.datetime.fromtimestamp(submitted.at, dt.UTC)
        comment = {} if submitted.comment is None else {"Comment": submitted.comment}
        return {"Id": f"/change/{change_id}", "Status": status, "SubmittedAt": at} | comment

    def _get_change(self, arguments: Arguments) -> Result:
        change_id = arguments["Id"].removeprefix("/change/")
        with self._lock:
            submitted = self._submitted.get(change_id)
            if submitted is None:
                raise Refused("NoSuchChange", f"Could not find resource with ID: {change_id}")
            submitted.polls += 1
            waited = self.clock() - submitted.at
            done = submitted.polls > self.pending_polls or waited >= self.pending_seconds
            return {"ChangeInfo": self._change_info(change_id, "INSYNC" if done else "PENDING")}

    # Hosted zones

    def _create_hosted_zone(self, arguments: Arguments) -> Result:
        config = arguments.get("HostedZoneConfig", {})
        vpc = arguments.get("VPC")
        if config.get("PrivateZone") and not vpc:
            raise Refused("InvalidInput", "A private hosted zone needs a VPC.")
        zone = self._zones.create(arguments["Name"], arguments["CallerReference"], vpc, config.get("Comment"))
        seen_by = {"VPC": vpc} if vpc else {"DelegationSet": {"NameServers": zone.name_servers}}
        location = f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.id}"
        return {"HostedZone": _described(zone), "ChangeInfo": self._submit(), "Location": location} | seen_by

    def _get_hosted_zone(self, arguments: Arguments) -> Result:
        zone = self._zones.get(arguments["Id"])
        seen_by = {"VPCs": [zone.vpc]} if zone.vpc else {"DelegationSet": {"NameServers": zone.name_servers}}
        return {"HostedZone": _described(zone)} | seen_by

    def _delete_hosted_zone(self, arguments: Arguments) -> Result:
        self._zones.delete(arguments["Id"])
        return {"ChangeInfo": self._submit()}

    def _get_hosted_zone_count(self, _: Arguments) -> Result:
        return {"HostedZoneCount": len(self._zones.all())}

    def _update_hosted_zone_comment(self, arguments: Arguments) -> Result:
        zone = self._zones.get(arguments["Id"])
        zone.comment = arguments.get("Comment")
        return {"HostedZone": _described(zone)}

    def _list_hosted_zones(self, arguments: Arguments) -> Result:
        size = _size(arguments, 100)
        found = sorted(self._zones.all(), key=lambda zone: zone.id)
        if arguments.get("HostedZoneType") == "PrivateHostedZone":
            found = [zone for zone in found if zone.private]
        marker = arguments.get("Marker", "")
        found = [zone for zone in found if zone.id >= marker]
        result = {"HostedZones": [_described(zone) for zone in found[:size]], "Marker": marker}
        more = {"NextMarker": found[size].id} if len(found) > size else {}
        return result | {"IsTruncated": bool(more)} | more | {"MaxItems": str(size)}

    def _list_hosted_zones_by_name(self, arguments: Arguments) -> Result:
        size = _size(arguments, self.zones_a_page)
        if "HostedZoneId" in arguments and "DNSName" not in arguments:
            raise Refused("InvalidInput", "HostedZoneId needs a DNSName beside it.")
        zone_id = arguments.get("HostedZoneId", "").removeprefix("/hostedzone/")
        first = names.order(arguments["DNSName"]) if arguments.get("DNSName") else ""
        found = [zone for zone in self._zones.all() if (names.order(zone.name), zone.id) >= (first, zone_id)]
        asked = {member: arguments[member] for member in ("DNSName", "HostedZoneId") if member in arguments}
        more = {"NextDNSName": found[size].name, "NextHostedZoneId": found[size].id} if len(found) > size else {}
        result = {"HostedZones": [_described(zone) for zone in found[:size]]} | asked
        return result | {"IsTruncated": bool(more)} | more | {"MaxItems": str(size)}

    def _list_tags_for_resource(self, arguments: Arguments) -> Result:
        if arguments["ResourceType"] == "hostedzone":
            self._zones.get(arguments["ResourceId"])
        asked = {member: arguments[member] for member in ("ResourceType", "ResourceId")}
        return {"ResourceTagSet": asked | {"Tags": []}}

    # Health checks

    def _has_health_check(self, check: str) -> bool:
        return check in self.health_checks.checks and not self.refuse_checks_in_records

    def _create_health_check(self, arguments: Arguments) -> Result:
        check = self.health_checks.create(arguments["CallerReference"], arguments["HealthCheckConfig"])
        return {"HealthCheck": check, "Location": f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check['Id']}"}

    def _update_health_check(self, arguments: Arguments) -> Result:
        changes = {
            each: value for each, value in arguments.items() if each not in {"HealthCheckId", "HealthCheckVersion"}
        }
        version = arguments.get("HealthCheckVersion")
        return {"HealthCheck": self.health_checks.update(arguments["HealthCheckId"], version, changes)}

    def _delete_health_check(self, arguments: Arguments) -> Result:
        self.health_checks.delete(arguments["HealthCheckId"])
        return {}

    def _list_health_checks(self, arguments: Arguments) -> Result:
        size, marker = _size(arguments, self.health_checks_a_page), arguments.get("Marker", "")
        found, following = self.health_checks.page(marker, size)
        more = {"NextMarker": following} if following else {}
        result = {"HealthChecks": found, "Marker": marker, "IsTruncated": following is not None}
        return result | more | {"MaxItems": str(size)}

    # Records

    def _list_resource_record_sets(self, arguments: Arguments) -> Result:
        size = _size(arguments, self.records_a_page)
        start = [arguments.get(f"StartRecord{part}") for part in ("Name", "Type", "Identifier")]
        if start[1] and not start[0]:
            raise Refused("InvalidInput", "The input is not valid: a record type needs a record name.")
        if start[2] and not start[1]:
            raise Refused("InvalidInput", "The input is not valid: a record identifier needs a record type.")
        found, following = self._zones.page(arguments["HostedZoneId"], Position(*(part or "" for part in start)), size)
        result = {"ResourceRecordSets": found, "IsTruncated": following is not None}
        if following is not None:
            parts = {"Name": "Name", "Type": "Type", "Identifier": "SetIdentifier"}
            result |= {f"NextRecord{part}": following[name] for part, name in parts.items() if name in following}
        return result | {"MaxItems": str(size)}


def _described(zone: Zone) -> Result:
    comment = {} if zone.comment is None else {"Comment": zone.comment}
    return {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": comment | {"PrivateZone": zone.private},
        "ResourceRecordSetCount": zone.count,
    }


def _size(arguments: Arguments, most: int) -> int:
    """Read `MaxItems`; asking for more than a page holds gets a page."""
    asked = arguments.get("MaxItems", str(most))
    if not asked.isdecimal() or int(asked) < 1:
        raise Refused("InvalidInput", f"Invalid value for maxitems: {asked}")
    return min(int(asked), most)


def _denial(key: Key, operation: str, route: rest_xml.Route | None) -> str:
    kinds = {"Id": "change" if operation == "GetChange" else "hostedzone", "HealthCheckId": "healthcheck"}
    arns = [
        f"arn:aws:route53:::{kinds[name]}/{value}"
        for name, value in (route.path if route else {}).items()
        if name in kinds
    ]
    resource = f" on resource: {arns[0]}" if arns else ""
    who = f"arn:aws:iam::123456789012:user/{key.user}"
    return (
        f"User: {who} is not authorized to perform: route53:{operation}{resource} because no identity-based policy "
        f"allows the route53:{operation} action"
    )


def _request_id() -> dict[str, str]:
    return {"x-amzn-RequestId": str(uuid.uuid4())}


def _error(status: int, code: str, message: str) -> Response:
    request_id = _request_id()
    root = ET.Element("ErrorResponse", xmlns=_NAMESPACE)
    error = ET.SubElement(root, "Error")
    for tag, text in (("Type", "Sender" if status < 500 else "Receiver"), ("Code", code), ("Message", message)):
        ET.SubElement(error, tag).text = text
    ET.SubElement(root, "RequestId").text = request_id["x-amzn-RequestId"]
    return Response(status, rest_xml.document(root), "text/xml", request_id)


def _older_error(refused: Refused) -> Response:
    request_id = _request_id()
    root = ET.Element(refused.code, xmlns=_NAMESPACE)
    messages = ET.SubElement(root, "Messages")
    for message in refused.messages:
        ET.SubElement(messages, "Message").text = message
    ET.SubElement(root, "RequestId").text = request_id["x-amzn-RequestId"]
    return Response(400, rest_xml.document(root), "text/xml", request_id)
