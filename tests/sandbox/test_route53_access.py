"""The double of Route 53 checks who asks and how often, fails in Route 53's words, and serves the AWS command line."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tests.sandbox.account import Account, account, boto, code, create, simple
from tests.sandbox.route53 import Route53
from tests.sandbox.server import Fault, FaultKind
from tests.sandbox.sigv4 import Key
from tests.sandbox.zones import Refused

WWW = simple("www.example.com", "A", "192.0.2.1")


@pytest.fixture
def dns() -> Iterator[Account]:
    """Serve an account of this test's own."""
    with account(Route53()) as served:
        yield served


def refused(dns: Account, access_key: str, secret: str, token: str | None = None) -> tuple[str, str, int]:
    """Ask with other credentials and return code, message and status of the refusal."""
    with contextlib.closing(boto(dns.server.url, access_key, secret, token)) as client:
        with pytest.raises(ClientError) as caught:
            client.list_hosted_zones_by_name(DNSName="example.com")
        response = caught.value.response
        return code(caught), response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


# Who asks


def ask(dns: Account, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, str]:
    """Send a request of any form and return status and body."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", dns.server.port)) as connection:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def signed(dns: Account, method: str, path: str, body: bytes = b"", service: str = "route53") -> dict[str, str]:
    """Sign a request and return its headers."""
    request = AWSRequest(method, f"{dns.server.url}{path}", data=body)
    SigV4Auth(Credentials(dns.service.access_key, dns.service.secret_key), service, "us-east-1").add_auth(request)
    return dict(request.headers)


def test_an_unsigned_request_is_refused(dns: Account) -> None:
    """Refuses a request without a signature."""
    status, body = ask(dns, "GET", "/2013-04-01/hostedzone", {})
    assert status == 403
    assert "<Code>MissingAuthenticationToken</Code>" in body


def test_half_a_signature_is_refused(dns: Account) -> None:
    """Refuses an Authorization header of another form."""
    headers = signed(dns, "GET", "/2013-04-01/hostedzone") | {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    status, body = ask(dns, "GET", "/2013-04-01/hostedzone", headers)
    assert status == 403
    assert "<Code>IncompleteSignature</Code>" in body


@pytest.mark.parametrize(
    ("path", "body", "service"),
    [
        pytest.param("/2013-04-01/hostedzone", b"", "s3", id="for another service"),
        pytest.param("/2013-04-01/hostedzonecount", b"", "route53", id="for another path"),
        pytest.param("/2013-04-01/hostedzone?maxitems=1", b"", "route53", id="for another query"),
        pytest.param("/2013-04-01/hostedzone", b"x", "route53", id="for another body"),
    ],
)
def test_a_signature_covers_the_whole_request(dns: Account, path: str, body: bytes, service: str) -> None:
    """Refuses a signature made for another service, path, query or body."""
    headers = signed(dns, "GET", path, body, service)
    status, text = ask(dns, "GET", "/2013-04-01/hostedzone", headers)
    assert status == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in text


def test_an_unknown_key_is_refused(dns: Account) -> None:
    """Answers InvalidClientTokenId to a key that the account does not have."""
    assert refused(dns, "AKIDNOBODY", "x")[::2] == ("InvalidClientTokenId", 403)


def test_a_wrong_secret_is_refused(dns: Account) -> None:
    """Answers SignatureDoesNotMatch to a signature with a wrong secret."""
    assert refused(dns, dns.service.access_key, "wrong")[::2] == ("SignatureDoesNotMatch", 403)


def test_temporary_credentials_need_their_token(dns: Account) -> None:
    """Takes a session token with its own key only, and that key with it only."""
    dns.service.keys["ASIDSANDBOX"] = Key("secret", token="session")  # noqa: S106 - opens nothing but this double
    assert refused(dns, "ASIDSANDBOX", "secret")[::2] == ("InvalidClientTokenId", 403)
    assert refused(dns, dns.service.access_key, dns.service.secret_key, "session")[0] == "InvalidClientTokenId"
    with contextlib.closing(boto(dns.server.url, "ASIDSANDBOX", "secret", "session")) as client:
        assert client.list_hosted_zones()["HostedZones"] == []


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        pytest.param(301 + 5, "Signature expired", id="the client is late"),
        pytest.param(-301 - 5, "Signature not yet current", id="the client is early"),
    ],
)
def test_a_clock_five_minutes_off_is_refused(dns: Account, skew: float, words: str) -> None:
    """Refuses a request signed five minutes ago or ahead, in words of its own."""
    dns.service.clock = lambda: time.time() + skew
    error, message, status = refused(dns, dns.service.access_key, dns.service.secret_key)
    assert (error, status) == ("SignatureDoesNotMatch", 403)
    assert message.startswith(words)


@pytest.mark.parametrize("skew", [290, -290])
def test_a_clock_less_than_five_minutes_off_is_fine(dns: Account, skew: float) -> None:
    """Takes a request of a clock that is a little wrong."""
    dns.service.clock = lambda: time.time() + skew
    assert dns.client.list_hosted_zones()["HostedZones"] == []


def test_a_key_may_call_what_it_is_allowed(dns: Account) -> None:
    """Names user, action and resource when a permission is missing."""
    dns.service.keys["AKIDREADER"] = Key("secret", user="reader", actions=frozenset({"ListResourceRecordSets"}))
    zone = dns.service.zone("example.com")
    error, message, status = refused(dns, "AKIDREADER", "secret")
    assert (error, status) == ("AccessDenied", 403)
    assert message == (
        "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: route53:ListHostedZonesByName "
        "because no identity-based policy allows the route53:ListHostedZonesByName action"
    )
    with contextlib.closing(boto(dns.server.url, "AKIDREADER", "secret")) as client:
        assert len(client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]) == 2
        with pytest.raises(ClientError) as caught:
            client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [create(WWW)]})
    assert caught.value.response["Error"]["Message"] == (
        "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: route53:ChangeResourceRecordSets "
        f"on resource: arn:aws:route53:::hostedzone/{zone} because no identity-based policy allows the "
        "route53:ChangeResourceRecordSets action"
    )


def test_odd_characters_are_signed_alike(dns: Account) -> None:
    """Encodes paths and query strings for the signature as botocore does."""
    zone = dns.service.zone("example.com")
    listed = dns.client.list_resource_record_sets(HostedZoneId=zone, StartRecordName="a b+c%20~*&=/é.example.com")
    assert listed["IsTruncated"] is False
    with pytest.raises(dns.client.exceptions.NoSuchHostedZone):
        dns.client.get_hosted_zone(Id="Z 1+%20~*")


# How often


def repeat(call: Callable[[], object], answers: list[object]) -> None:
    """Call until it fails."""
    while True:
        answers.append(call())


def calls_until_throttled(call: Callable[[], object]) -> int:
    """Count the calls that are answered before one is throttled."""
    answers: list[object] = []
    with pytest.raises(ClientError) as caught:
        repeat(call, answers)
    response = caught.value.response
    assert (response["Error"]["Code"], response["Error"]["Message"]) == ("Throttling", "Rate exceeded")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return len(answers)


def test_requests_are_throttled_when_asked() -> None:
    """Throttles an account after 50 requests at once, then at 10 per second."""
    now = time.time()
    service = Route53(throttle=True, clock=lambda: now)
    with account(service) as dns:
        assert calls_until_throttled(dns.client.list_hosted_zones) == 50
        assert calls_until_throttled(dns.client.list_hosted_zones_by_name) == 0
        service.clock = lambda: now + 1
        assert calls_until_throttled(dns.client.list_hosted_zones_by_name) == 10


def test_record_changes_have_a_bucket_of_their_own() -> None:
    """Counts the changes of batches by themselves; a throttled batch changes nothing."""
    now = time.time()
    with account(Route53(throttle=True, changes_burst=3, changes_refill=1, clock=lambda: now)) as dns:
        zone = dns.service.zone("example.com")
        two = [create(simple(f"{name}.example.com", "A", "192.0.2.1")) for name in "ab"]
        dns.change(zone, *two)
        third, fourth = (create(simple(f"{name}.example.com", "A", "192.0.2.1")) for name in "cd")
        assert dns.refusal(zone, third, fourth) == ("Throttling", "Rate exceeded")
        dns.change(zone, third)
        assert len(dns.service.records(zone)) == 5


def test_nothing_is_throttled_by_default(dns: Account) -> None:
    """Throttles nothing unless a test asks for it."""
    for _ in range(60):
        dns.client.get_hosted_zone_count()


# What goes wrong


@pytest.mark.parametrize(
    ("kind", "expected", "status"),
    [
        pytest.param("throttled", "Throttling", 400, id="throttled"),
        pytest.param("unavailable", "ServiceUnavailable", 503, id="unavailable"),
        pytest.param("access denied", "AccessDenied", 403, id="access denied"),
        pytest.param("expired token", "ExpiredToken", 403, id="expired token"),
    ],
)
def test_faults_have_route_53s_form(dns: Account, kind: FaultKind, expected: str, status: int) -> None:
    """Fails one operation on command, in Route 53's words, and leaves the others alone."""
    zone = dns.service.zone("example.com")
    dns.server.fail(Fault(kind, "ChangeResourceRecordSets", last=1))
    with pytest.raises(ClientError) as caught:
        dns.change(zone, create(WWW))
    assert (code(caught), caught.value.response["ResponseMetadata"]["HTTPStatusCode"]) == (expected, status)
    assert len(dns.client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]) == 2
    dns.change(zone, create(WWW))
    assert dns.server.operations() == ["ChangeResourceRecordSets", "ListResourceRecordSets", "ChangeResourceRecordSets"]


def test_a_malformed_answer_is_no_xml(dns: Account) -> None:
    """Sends an answer that is cut short on command, which is not XML."""
    zone = dns.service.zone("example.com")
    dns.server.fail(Fault("malformed"))
    with pytest.raises(ResponseParserError):
        dns.client.list_resource_record_sets(HostedZoneId=zone)


def test_what_is_not_implemented_says_so(dns: Account) -> None:
    """Answers NotImplemented to operations that it does not do."""
    with pytest.raises(ClientError) as caught:
        dns.client.list_traffic_policies()
    assert code(caught) == "NotImplemented"


def test_an_unknown_path_is_404(dns: Account) -> None:
    """Answers 404 to a path of no operation, and calls it `unknown`."""
    headers = signed(dns, "GET", "/2013-04-01/nothing")
    status, body = ask(dns, "GET", "/2013-04-01/nothing", headers)
    assert status == 404
    assert "<Code>UnknownOperationException</Code>" in body
    assert dns.server.operations() == ["unknown"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<ChangeResourceRecordSetsRequest><Change", id="cut short"),
        pytest.param(
            b"<ChangeResourceRecordSetsRequest><Other/></ChangeResourceRecordSetsRequest>", id="other element"
        ),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_body_of_another_form_is_invalid_input(dns: Account, body: bytes) -> None:
    """Answers InvalidInput to a body that is not the API's XML."""
    path = f"/2013-04-01/hostedzone/{dns.service.zone('example.com')}/rrset/"
    status, text = ask(dns, "POST", path, signed(dns, "POST", path, body), body)
    assert status == 400
    assert "<Code>InvalidInput</Code>" in text


def test_put_obeys_the_rules(dns: Account) -> None:
    """Refuses from a test too what Route 53 would refuse."""
    zone = dns.service.zone("example.com")
    dns.service.put(zone, WWW)
    for record_set in (WWW, WWW | {"TTL": -1}, simple("x.example.com", "A", "nowhere")):
        with pytest.raises(Refused):
            dns.service.put(zone, record_set)


# The AWS command line


def aws(dns: Account, home: Path, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    """Run the AWS command line against the double and read its output."""
    program = Path(sys.executable).with_name("aws")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)} | dns.service.environment(dns.server.url)
    output = subprocess.run(
        [program, "--output", "json", "route53", *arguments], env=environment, capture_output=True, check=True
    ).stdout
    return json.loads(output) if output else None


def test_the_aws_command_line_works(tmp_path: Path) -> None:
    """Lets the AWS command line make a zone, change, wait and list."""
    with account(Route53(pending_polls=0)) as dns:
        made = aws(dns, tmp_path, "create-hosted-zone", "--name", "example.com", "--caller-reference", "cli")
        zone = made["HostedZone"]["Id"]
        assert [one["Id"] for one in aws(dns, tmp_path, "list-hosted-zones")["HostedZones"]] == [zone]
        batch = json.dumps({"Changes": [create(WWW)]})
        arguments = ("change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", batch)
        change = aws(dns, tmp_path, *arguments)["ChangeInfo"]
        aws(dns, tmp_path, "wait", "resource-record-sets-changed", "--id", change["Id"])
        listed = aws(dns, tmp_path, "list-resource-record-sets", "--hosted-zone-id", zone)["ResourceRecordSets"]
        assert listed[2:] == [WWW | {"Name": "www.example.com."}]
