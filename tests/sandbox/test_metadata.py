"""The doubles of metadata services refuse what the real ones refuse."""

import json

import pytest

from tests.sandbox.metadata import Aws, Azure, CallersAddress, Gcp, Told
from tests.sandbox.server import Request

MAC, PUBLIC = "0a:ff:c0:00:02:01", "5.75.128.10"
MACS = "/latest/meta-data/network/interfaces/macs/"
INTERFACES = "/computeMetadata/v1/instance/network-interfaces/"
LIFE, TOKEN = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"
AWS, GCP, AZURE = Aws({MAC: [PUBLIC], "0a:ff:c0:00:02:02": []}), Gcp([PUBLIC]), Azure(PUBLIC)
KNOWN = AWS.answer(Request("PUT", "/latest/api/token", {}, {LIFE: "60"}, b"")).body
assert isinstance(KNOWN, bytes)
WITH_TOKEN = {TOKEN: KNOWN.decode()}
GOOGLE, METADATA = {"Metadata-Flavor": "Google"}, {"Metadata": "true"}
NETWORK, BALANCER = "/metadata/instance/network", "/metadata/loadbalancer"


@pytest.mark.parametrize(
    ("service", "method", "path", "query", "headers", "status"),
    [
        pytest.param(AWS, "GET", "/latest/api/token", {}, {LIFE: "60"}, 405, id="aws, token by GET"),
        pytest.param(AWS, "PUT", "/latest/api/token", {}, {}, 400, id="aws, token without a life"),
        pytest.param(AWS, "PUT", "/latest/api/token", {}, {LIFE: "21601"}, 400, id="aws, token of a long life"),
        pytest.param(AWS, "PUT", "/latest/api/token", {}, {LIFE: "9", "X-Forwarded-For": "a"}, 403, id="aws, proxy"),
        pytest.param(AWS, "GET", MACS, {}, {}, 401, id="aws, no token"),
        pytest.param(AWS, "GET", MACS, {}, {TOKEN: "made-up"}, 401, id="aws, a made-up token"),
        pytest.param(AWS, "GET", MACS, {}, WITH_TOKEN, 200, id="aws, list"),
        pytest.param(AWS, "PUT", MACS, {}, WITH_TOKEN, 405, id="aws, list by PUT"),
        pytest.param(AWS, "GET", f"{MACS}{MAC}/public-ipv4s", {}, WITH_TOKEN, 200, id="aws, addresses"),
        pytest.param(AWS, "GET", f"{MACS}0a:ff:c0:00:02:02/public-ipv4s", {}, WITH_TOKEN, 404, id="aws, none"),
        pytest.param(AWS, "GET", f"{MACS}{MAC}/public-ips", {}, WITH_TOKEN, 404, id="aws, another category"),
        pytest.param(GCP, "GET", INTERFACES, {"recursive": "true"}, GOOGLE, 200, id="gcp"),
        pytest.param(GCP, "GET", INTERFACES, {"recursive": "true"}, {}, 403, id="gcp, no flavor"),
        pytest.param(GCP, "GET", INTERFACES[:-1], {"recursive": "true"}, GOOGLE, 301, id="gcp, no slash"),
        pytest.param(GCP, "GET", INTERFACES, {}, GOOGLE, 404, id="gcp, not all of it"),
        pytest.param(GCP, "POST", INTERFACES, {"recursive": "true"}, GOOGLE, 405, id="gcp, POST"),
        pytest.param(AZURE, "GET", NETWORK, {"api-version": "2021-02-01"}, METADATA, 200, id="azure"),
        pytest.param(AZURE, "GET", NETWORK, {"api-version": "2021-02-01"}, {}, 400, id="azure, no header"),
        pytest.param(AZURE, "GET", NETWORK, {}, METADATA, 400, id="azure, no version"),
        pytest.param(AZURE, "GET", BALANCER, {"api-version": "2020-10-01"}, METADATA, 404, id="azure, no balancer"),
        pytest.param(AZURE, "GET", "/metadata", {"api-version": "2021-02-01"}, METADATA, 404, id="azure, elsewhere"),
        pytest.param(AZURE, "PUT", NETWORK, {"api-version": "2021-02-01"}, METADATA, 405, id="azure, PUT"),
        pytest.param(CallersAddress(PUBLIC), "GET", "/", {}, {}, 404, id="url, another path"),
    ],
)
def test_what_is_refused(
    service: Told, method: str, path: str, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    """A request with a wrong method, path, header or token has the status that it has in the cloud."""
    assert service.answer(Request(method, path, query, headers, b"")).status == status


def test_what_they_say_of_no_address() -> None:
    """Without an address GCP and Azure answer with an empty one, or say that there is no load balancer."""
    found = [
        Gcp([""]).answer(Request("GET", INTERFACES, {"recursive": "true"}, GOOGLE, b"")),
        Azure().answer(Request("GET", NETWORK, {"api-version": "2021-02-01"}, METADATA, b"")),
        Azure().answer(Request("GET", BALANCER, {"api-version": "2020-10-01"}, METADATA, b"")),
    ]
    gcp, network, balancer = (json.loads(each.body) for each in found if isinstance(each.body, bytes))
    assert gcp[0]["accessConfigs"][0]["externalIp"] == ""
    assert network["interface"][0]["ipv4"]["ipAddress"][0]["publicIpAddress"] == ""
    assert "No load balancer metadata is found" in balancer["error"]
