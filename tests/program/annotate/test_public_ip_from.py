"""--public-ip-from: what counts as an answer, what is a passing fault, and whom it asks.

A passing fault never empties an annotation: the run fails and writes nothing.
"""

import re
from typing import Any

import pytest

from tests.sandbox.world import PREFIX
from tests.support.machines import AWS, AZURE, GCP, METADATA, OTHER_URL, URL, Machine, Outcome, outcomes

PUBLIC, PUBLIC_6, BEFORE = "5.75.128.10", "2a01:4f8:c17:1::10", "5.75.128.99"
MAC = "0a:ff:c0:00:02:01"
MACS = "GET /latest/meta-data/network/interfaces/macs/"
TOKEN, IPV4S = "PUT /latest/api/token", f"{MACS}{MAC}/public-ipv4s"
INTERFACES = "GET /computeMetadata/v1/instance/network-interfaces/"
NETWORK, BALANCER = "GET /metadata/instance/network", "GET /metadata/loadbalancer"
BLACK_HOLE = f"ip address del {METADATA}/32 dev lo; ip route add {METADATA}/32 dev away"
HUGE = (200, "5" * 70_000)


def _machine(*sources: str, **facts: Any) -> Machine:  # noqa: ANN401 - handed on
    options = [word for source in sources for word in ("--public-ip-from", source)]
    annotations = {f"{PREFIX}node-ips": BEFORE, f"{PREFIX}boot-id": "0a1b2c3d"}
    return Machine(**{"options": options, "before": annotations, **facts})


def aws(**facts: Any) -> Machine:  # noqa: ANN401
    """Give an instance of EC2 with an address."""
    return _machine("aws", **{"firmware": AWS, "metadata": ("aws", {"public": {MAC: [PUBLIC]}}), **facts})


def gcp(*public: str, **facts: Any) -> Machine:  # noqa: ANN401
    """Give one of Compute Engine."""
    return _machine("gcp", **{"firmware": GCP, "metadata": ("gcp", {"public": public}), **facts})


def azure(what: dict[str, Any] | None = None, **facts: Any) -> Machine:  # noqa: ANN401
    """Give one of Azure, with a Standard address unless it is said."""
    metadata = ("azure", {"standard": [PUBLIC]} if what is None else what)
    return _machine("azure", **{"firmware": AZURE, "metadata": metadata, **facts})


def url(*answers: str, **facts: Any) -> Machine:  # noqa: ANN401
    """Give a machine that https services see at these addresses, by IP version."""
    seen_as = {f"ip.example.com/{6 if ':' in each else 4}": each for each in answers}
    return _machine(URL, **{"seen_as": seen_as, **facts})


def instead(operation: str, status: int, text: str = "") -> dict[str, Any]:
    """Let a service answer something else."""
    return {"instead": {operation: (status, text)}}


FAULTS: dict[str, tuple[Machine, str]] = {
    "aws, black hole": (aws(interfaces=BLACK_HOLE, metadata=None), "Connection to 169.254.169.254 timed out"),
    "aws, refused": (aws(metadata=None), "refused"),
    "aws, no token": (aws(**instead(TOKEN, 403)), "status 403"),
    "aws, a token of two lines": (aws(**instead(TOKEN, 200, "a\nb")), "not a token"),
    "aws, unauthorized": (aws(**instead(MACS, 401)), "status 401"),
    "aws, no list": (aws(**instead(MACS, 404)), "status 404"),
    "aws, an empty list": (aws(**instead(MACS, 200)), "not a list of interfaces"),
    "aws, a captive portal": (aws(**instead(MACS, 200, "<html>")), "not a list of interfaces"),
    "aws, unauthorized in the end": (aws(**instead(IPV4S, 401)), "status 401"),
    "aws, broken in the end": (aws(**instead(IPV4S, 500)), "status 500"),
    "aws, empty in the end": (aws(**instead(IPV4S, 200)), "not an address: ''"),
    "aws, nonsense in the end": (aws(**instead(IPV4S, 200, f"{PUBLIC} x")), "not an address: 'x'"),
    "aws, slow": (aws(fault={"kind": "slow", "operation": MACS}), "timed out|no answer within 5 s"),
    "aws, each answer slow": (aws(fault={"kind": "slow", "seconds": 1.9}), "no answer within 5 s"),
    "aws, huge": (aws(instead={MACS: HUGE}), "more than 64 KiB"),
    "gcp, refused": (gcp(metadata=None), "refused"),
    "gcp, not found": (gcp(PUBLIC, **instead(INTERFACES, 404)), "status 404"),
    "gcp, broken": (gcp(PUBLIC, **instead(INTERFACES, 500)), "status 500"),
    "gcp, somebody else": (gcp(PUBLIC, **instead(INTERFACES, 200, "[{}]")), "no header Metadata-Flavor"),
    "gcp, an address that is none": (gcp("somewhere"), "not an address: 'somewhere'"),
    "azure, refused": (azure(metadata=None), "refused"),
    "azure, no network": (azure(**instead(NETWORK, 404, '{"error": "Not found"}')), "status 404"),
    "azure, no load balancer yet": (azure(**instead(BALANCER, 404, '{"error": "Not found"}')), "status 404"),
    "azure, too often": (azure(fault={"kind": "throttled", "operation": "GET *"}), "status 429"),
    "azure, broken load balancer": (azure(**instead(BALANCER, 500)), "status 500"),
    "azure, nonsense": (azure(**instead(NETWORK, 200, '{"interface": []}')), "not what the service promises"),
    "azure, another nonsense": (azure(**instead(BALANCER, 200, "{}")), "not what the service promises"),
    "url, broken": (url(PUBLIC, **instead("GET /ip", 500)), "status 500"),
    "url, a redirect": (url(PUBLIC, **instead("GET /ip", 302)), "status 302, a redirect, which is not followed"),
    "url, nonsense": (url(PUBLIC, **instead("GET /ip", 200, "<html>")), "not an address: '<html>'"),
    "url, the other version": (
        _machine(URL, seen_as={"ip.example.com/4": PUBLIC_6}),
        f"over IPv4: the answer is an address of the other version: {PUBLIC_6}",
    ),
    "url, IPv6 alone fails": (url(PUBLIC, has_ipv6=True), "refused"),
    "url, a certificate that does not fit": (
        url(PUBLIC, certified="ip.example.org"),
        "not valid for 'ip.example.com'",
    ),
    "url, slow": (url(PUBLIC, fault={"kind": "slow"}), "timed out|no answer within 5 s"),
    "url, without end": (url(PUBLIC, drips="GET /ip"), "(?i)timed out|no answer within 5 s"),
    "url, a name that is none": (_machine("https://nowhere.example.com/ip"), "has no address of an IP version"),
    "url, no route": (url(PUBLIC, routes=False), "no route to the internet"),
    "urls that differ": (
        _machine(URL, OTHER_URL, seen_as={"ip.example.com/4": PUBLIC, "ip.example.net/4": BEFORE}),
        f"answers about IPv4 differ: {PUBLIC} by {URL}, {BEFORE} by {OTHER_URL}",
    ),
    "one of two sources": (
        _machine("aws", URL, firmware=AWS, metadata=None, seen_as={"ip.example.com/4": PUBLIC}),
        "refused",
    ),
}
"""What may pass, with the words for it."""

ANSWERS: dict[str, tuple[Machine, str]] = {
    "aws, none": (aws(metadata=("aws", {"public": {MAC: []}})), ""),
    "aws, several": (aws(metadata=("aws", {"public": {MAC: [PUBLIC, "5.75.128.9"]}})), f"5.75.128.9,{PUBLIC}"),
    "aws, at another address": (
        aws(variables={"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{METADATA}/"}, interfaces="true"),
        PUBLIC,
    ),
    "aws, by IPv6": (
        aws(
            variables={"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"},
            metadata_at="fd00:ec2::254",
            interfaces="ip address add fd00:ec2::254/128 dev lo nodad",
        ),
        PUBLIC,
    ),
    "gcp, none": (gcp(), ""),
    "gcp, an empty one": (gcp(""), ""),
    "gcp, at another address": (gcp(PUBLIC, variables={"GCE_METADATA_HOST": f"{METADATA}:80"}), PUBLIC),
    "azure, none": (azure({}), ""),
    "azure, null": (azure({"basic": None, "standard": []}), ""),
    "azure, both": (azure({"basic": "5.75.128.9", "standard": [PUBLIC]}), f"5.75.128.9,{PUBLIC}"),
    "url, carrier-grade NAT": (url("100.64.0.1"), ""),
    "url, both versions": (url(PUBLIC, PUBLIC_6, has_ipv6=True), f"{PUBLIC},{PUBLIC_6}"),
    "url, no route by IPv6": (url(PUBLIC), PUBLIC),
    "urls, one of two": (
        _machine(URL, OTHER_URL, "https://nowhere.example.com", seen_as={"ip.example.net/4": PUBLIC}),
        PUBLIC,
    ),
    "url, a service without IPv6": (_machine(OTHER_URL, seen_as={"ip.example.net/4": PUBLIC}, has_ipv6=True), PUBLIC),
    "a temporary address": (
        url(
            PUBLIC,
            PUBLIC_6,
            has_ipv6=True,
            interfaces=f"ip address add {PUBLIC_6}/64 dev eth0 nodad preferred_lft 0",
        ),
        PUBLIC,
    ),
}
"""Proper answers, with what is written."""

WRONG: dict[str, tuple[Machine, str]] = {
    "disabled": (aws(variables={"AWS_EC2_METADATA_DISABLED": "true"}), "AWS_EC2_METADATA_DISABLED is true"),
    "https": (
        aws(variables={"AWS_EC2_METADATA_SERVICE_ENDPOINT": "https://a"}),
        "AWS_EC2_METADATA_SERVICE_ENDPOINT is not the address",
    ),
    "no host": (gcp(variables={"GCE_METADATA_HOST": "a:b"}), "GCE_METADATA_HOST is not the address"),
}

Table = dict[str, Outcome]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Table:
    """Run those that the chosen tests ask for, one after the other."""
    specs = [getattr(item, "callspec", None) for item in request.session.items if item.fspath == request.path]
    names = {spec.params["name"] if spec else None for spec in specs}
    every = {
        name: machine
        for name, (machine, _) in {**FAULTS, **ANSWERS, **WRONG}.items()
        if name in names or None in names  # some tests do not say which they ask for
    }
    results, _ = outcomes([*every.values()])
    return dict(zip(every, results, strict=True))


def errors(outcome: Outcome) -> str:
    """Give the one error line."""
    (line,) = (line for line in outcome.err.splitlines() if line.startswith("error: "))
    return line


@pytest.mark.parametrize("name", FAULTS)
def test_a_passing_fault_writes_nothing(found: Table, name: str) -> None:
    """Ends with 1, says what was wrong, and leaves the annotations as they were; no source keeps it for long."""
    outcome, words = found[name], FAULTS[name][1]
    assert outcome.status == 1, outcome.err
    assert outcome.seconds < 40  # drips go on for a minute
    assert re.search(words, errors(outcome)), outcome.err
    assert outcome.node_ips == BEFORE
    assert outcome.document["status"] == 1


@pytest.mark.parametrize("name", ANSWERS)
def test_proper_answers(found: Table, name: str) -> None:
    """Writes what a service that answers properly says, also that there is none."""
    outcome = found[name]
    assert outcome.status == 0, outcome.err
    assert outcome.node_ips == ANSWERS[name][1]


@pytest.mark.parametrize("name", WRONG)
def test_variables_that_cannot_be_used(found: Table, name: str) -> None:
    """Says which variable is wrong, and ends with 2."""
    outcome = found[name]
    assert outcome.status == 2, outcome.err
    assert WRONG[name][1] in errors(outcome)
    assert (outcome.node_ips, outcome.asked) == (BEFORE, [])


def test_a_service_that_failed_beside_another_is_a_warning(found: Table) -> None:
    """One answer per IP version is enough; what failed is reported."""
    warnings = [line for line in found["urls, one of two"].err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert any(URL in line and "refused" in line for line in warnings)
    assert any("nowhere.example.com" in line for line in warnings)


@pytest.mark.parametrize(
    ("name", "address", "reason"),
    [
        pytest.param("url, carrier-grade NAT", "100.64.0.1", "Shared Address Space", id="not reachable"),
        pytest.param("a temporary address", PUBLIC_6, "deprecated address", id="not to be relied on"),
    ],
)
def test_an_answer_that_is_left_out_has_its_reason(found: Table, name: str, address: str, reason: str) -> None:
    """An answer that is not to be published is shown with its source and the reason."""
    (told,) = (each for each in found[name].document["left_out"] if each["source"] == URL)
    assert told["address"] == address
    assert told["interface"] is None
    assert reason in told["reason"]


def test_redirects_are_not_followed(found: Table) -> None:
    """A service is asked once, whatever it answers."""
    assert found["url, a redirect"].asked == ["GET /ip"]
