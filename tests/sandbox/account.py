"""An account at the double of Route 53 with an unmodified boto3 client that talks to it over HTTP."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox.record_sets import Change, RecordSet
from tests.sandbox.route53 import Route53
from tests.sandbox.server import Server


@dataclass(frozen=True)
class Account:
    """The double, its server and a client that tries once."""

    service: Route53
    server: Server
    client: Any

    def change(self, zone_id: str, *changes: Change) -> dict[str, Any]:
        """Send one batch and return its `ChangeInfo`."""
        answer = self.client.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": list(changes)})
        return dict(answer["ChangeInfo"])

    def refusal(self, zone_id: str, *changes: Change) -> tuple[str, str]:
        """Send a batch that must be refused, and return code and message."""
        with pytest.raises(ClientError) as caught:
            self.change(zone_id, *changes)
        return code(caught), caught.value.response["Error"]["Message"]


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    """Give the error code of a refusal."""
    return str(caught.value.response["Error"]["Code"])


def boto(url: str, access_key: str, secret: str, token: str | None = None) -> Any:  # noqa: ANN401 - boto3 has no types
    """Make a client that tries once."""
    return boto3.client(
        "route53",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextlib.contextmanager
def account(service: Route53) -> Iterator[Account]:
    """Serve an account while the context lasts."""
    with Server(service) as server, contextlib.closing(boto(server.url, service.access_key, service.secret_key)) as dns:
        yield Account(service, server, dns)


def create(record_set: RecordSet) -> Change:
    """Write a CREATE of the AWS API."""
    return {"Action": "CREATE", "ResourceRecordSet": record_set}


def delete(record_set: RecordSet) -> Change:
    """Write a DELETE of the AWS API."""
    return {"Action": "DELETE", "ResourceRecordSet": record_set}


def upsert(record_set: RecordSet) -> Change:
    """Write an UPSERT of the AWS API."""
    return {"Action": "UPSERT", "ResourceRecordSet": record_set}


def simple(name: str, type_: str, *values: str, ttl: int = 60) -> RecordSet:
    """Write a record set without a routing policy."""
    return {"Name": name, "Type": type_, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in values]}


def routed(
    identifier: str, policy: dict[str, Any], value: str = "192.0.2.1", name: str = "cdn.example.com"
) -> RecordSet:
    """Write an `A` record set with a routing policy, given as its member: `{"Weight": 1}`."""
    return simple(name, "A", value) | {"SetIdentifier": identifier} | policy


def near(identifier: str, latitude: str, longitude: str, **more: Any) -> RecordSet:  # noqa: ANN401 - members of all types
    """Write a geoproximity `A` record set at coordinates; `more` are further members of the location."""
    location = {"Coordinates": {"Latitude": latitude, "Longitude": longitude}} | more
    return routed(identifier, {"GeoProximityLocation": location})
