"""The double reads and writes rest-xml as the service model says, also where Route 53 makes no use of it."""

import datetime as dt
from typing import Any

import pytest
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from tests.sandbox import rest_xml
from tests.sandbox.server import Request

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def operation(service: str, name: str) -> OperationModel:
    """Find an operation of a service that speaks rest-xml."""
    return rest_xml.service(service).operation_model(name)


@pytest.mark.parametrize(
    ("service", "name", "result"),
    [
        pytest.param(
            "s3", "ListObjectsV2", {"Name": "b", "Contents": [{"Key": "x"}, {"Key": "<&>"}]}, id="flattened list"
        ),
        pytest.param(
            "s3", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}, id="payload"
        ),
        pytest.param("s3", "PutObject", {"ETag": "e"}, id="header"),
        pytest.param(
            "route53", "GetChange", {"ChangeInfo": {"Id": "C1", "Status": "INSYNC", "SubmittedAt": NOW}}, id="timestamp"
        ),
        pytest.param("route53", "GetHostedZoneCount", {"HostedZoneCount": 3}, id="integer"),
        pytest.param(
            "route53", "GetReusableDelegationSet", {"DelegationSet": {"NameServers": ["a", "b"]}}, id="named items"
        ),
    ],
)
def test_botocore_reads_what_is_rendered(service: str, name: str, result: dict[str, Any]) -> None:
    """Renders an answer so that botocore reads what went in."""
    headers, body = rest_xml.render(operation(service, name), result)
    answer = {"status_code": 200, "headers": headers, "body": body}
    parsed = create_parser("rest-xml").parse(answer, operation(service, name).output_shape)
    del parsed["ResponseMetadata"]
    assert parsed == result


@pytest.mark.parametrize(
    ("service", "name", "path", "arguments"),
    [
        pytest.param(
            "s3",
            "DeleteObjects",
            {"Bucket": "b"},
            {"Bucket": "b", "MFA": "m", "Delete": {"Objects": [{"Key": "x"}, {"Key": "<&>"}], "Quiet": True}},
            id="path, header, payload and flattened list",
        ),
        pytest.param(
            "route53",
            "ListResourceRecordSets",
            {"Id": "Z1"},
            {"HostedZoneId": "Z1", "StartRecordName": "x", "MaxItems": "2"},
            id="path and query",
        ),
    ],
)
def test_what_botocore_sends_is_read(service: str, name: str, path: dict[str, str], arguments: dict[str, Any]) -> None:
    """Reads a request as botocore meant it."""
    model = operation(service, name)
    sent = create_serializer("rest-xml").serialize_to_request(arguments, model)
    request = Request(sent["method"], sent["url_path"], sent["query_string"], sent["headers"], sent["body"] or b"")
    assert rest_xml.parse(rest_xml.Route(model, path), request) == arguments
