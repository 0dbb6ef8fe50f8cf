"""What sync-once makes of `--probe URL`: addresses that do not answer are left out, those that prove it stay."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.support.probed_world import Outcome, Scenario, near, near_6, nodes, probed
from tests.support.sync_runs import verdict
from tests.support.web_servers import HOST, Certificate, WebServer

HTTPS, HTTP = f"https://{HOST}", f"http://{HOST}"
THREE = nodes(*map(near, (1, 2, 3)))


def https(*third: WebServer, path: str = "/healthz") -> Scenario:
    """Let two nodes answer as they should, and the third as it may."""
    good = [WebServer(near(1)), WebServer(near(2))]
    return Scenario(THREE, [], ["--probe", f"{HTTPS}{path}", "--output", "json"], serve=[*good, *third])


def reasons(outcome: Outcome, node: str = "node-3") -> dict[str, Any]:
    """Give the reason why each address of a node is not published, None where it is."""
    return {each["address"]: each["reason"] for each in verdict(outcome.domain, node)["addresses"]}


def patiently(scenario: Scenario) -> Outcome:
    """Play a scenario whose third server is slow, until it is taken out, or for the third time.

    Two tries take six of the seven seconds; a machine that is busy for the seventh judges nobody.
    """
    for _ in range(3):
        outcome = probed(scenario)
        if outcome.shown == {near(1), near(2)}:
            break
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)}), outcome.err
    return outcome


def test_an_address_is_asked_as_curl_resolve_does() -> None:
    """Each address gets the URL's path and query for the URL's host, whatever the name resolves to, and once."""
    outcome = probed(https(WebServer(near(3)), path="/healthz?deep=1"))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2), near(3)}), outcome.err
    assert sorted(outcome.seen) == [(near(each), "GET /healthz?deep=1 HTTP/1.1", HOST, HOST) for each in (1, 2, 3)]


def test_ipv6_addresses_and_ports_of_ones_own() -> None:
    """A URL with a port asks each address of both families on that port, and names it in the header Host."""
    found = nodes(*(f"{near(number)} {near_6(number)}" for number in (1, 2, 3)))
    serve = [WebServer(each(number), 8443) for number in (1, 2, 3) for each in (near, near_6)]
    outcome = probed(Scenario(found, [], ["--probe", f"{HTTPS}:8443/"], serve=serve[:-1]))
    assert (outcome.status, outcome.shown) == (0, {each.address for each in serve[:-1]}), outcome.err
    assert {each.host for each in outcome.seen} == {f"{HOST}:8443"}
    assert f"{near_6(3)}: {HTTPS}:8443/ does not answer (" in outcome.out


@pytest.mark.parametrize(
    ("status", "reason"),
    [(399, None), (400, f"{HTTPS}/healthz does not answer (status 400)")],
)
def test_which_answers_count(status: int, reason: str | None) -> None:
    """An answer with a status of 200 to 399 is one; a redirect is not followed."""
    answers = [WebServer(near(1), status=204), WebServer(near(2), status=302), WebServer(near(3), status=status)]
    elsewhere = [WebServer(near(number), 81, certificate="none") for number in (2, 3)]
    outcome = probed(replace(https(), serve=[*answers, *elsewhere]))
    assert outcome.shown == {near(1), near(2), near(3)} - ({near(3)} if reason else set()), outcome.err
    assert all("/healthz" in each.line for each in outcome.seen)
    assert reasons(outcome) == {near(3): reason}


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        pytest.param("of another name", "not valid for 'www.example.com'", id="of another name"),
        pytest.param("of another authority", "unable to get local issuer certificate", id="of another authority"),
        pytest.param("expired", "certificate has expired", id="expired"),
        pytest.param("none", "(?i)wrong.version.number|record layer failure", id="plain HTTP"),
    ],
)
def test_a_certificate_has_to_be_valid_for_the_host(certificate: Certificate, words: str) -> None:
    """A node whose certificate is not valid for the host is withdrawn, and the reason says what is wrong."""
    outcome = probed(https(WebServer(near(3), certificate=certificate)))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)}), outcome.err
    assert re.search(words, reasons(outcome)[near(3)]), reasons(outcome)
    assert "subjectAltName" not in outcome.err  # urllib3's own match logs the whole certificate, at each try


def test_without_ssl_cert_file_an_authority_of_ones_own_is_unknown() -> None:
    """Without SSL_CERT_FILE the system's authorities count; when none of the nodes passes, all stay, with a warning."""
    outcome = probed(replace(https(WebServer(near(3))), variables={"SSL_CERT_FILE": ""}))
    assert outcome.shown == {near(1), near(2), near(3)}
    assert "3 of 3 nodes" in outcome.err


def test_a_server_that_does_not_answer_in_time() -> None:
    """A node whose server takes the connection but answers byte by byte is withdrawn."""
    outcome = patiently(https(WebServer(near(3), manner="drips its head")))
    assert reasons(outcome) == {near(3): f"{HTTPS}/healthz does not answer (timed out)"}


def test_a_server_that_hangs_up() -> None:
    """A node whose server takes the connection and then closes it is withdrawn."""
    outcome = probed(https(WebServer(near(3), manner="hangs up")))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)}), outcome.err


def test_bodies_are_not_read() -> None:
    """A page that never ends, or is large, neither holds the run up nor fails the probe."""
    endless = [WebServer(near(number), manner="never ends its body") for number in (1, 2, 3)]
    outcome = probed(replace(https(), serve=endless))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2), near(3)}), outcome.err
    assert len(outcome.seen) == 3


def test_no_proxy_is_used() -> None:
    """Probes use no proxy of the environment. A proxy answers in the place of every node, or of none."""
    nowhere = "http://127.0.0.1:9/"
    proxies = {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "ALL_PROXY": nowhere, "https_proxy": nowhere}
    scenario = https()
    arguments = [*scenario.arguments, "--probe", f"{HTTP}/"]
    plain = [WebServer(near(number), 80, certificate="none") for number in (1, 2)]
    outcome = probed(
        replace(
            scenario,
            arguments=arguments,
            serve=[*scenario.serve, *plain],
            variables={**proxies, "NO_PROXY": "127.0.0.1"},
        )
    )
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)}), outcome.err


def test_http_asks_without_tls() -> None:
    """An http:// URL is asked on port 80 and accuses those that do not answer."""
    serve = [WebServer(near(number), 80, certificate="none") for number in (1, 2)]
    outcome = probed(Scenario(THREE, [], ["--probe", f"{HTTP}/"], serve=serve))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)}), outcome.err
    assert {(each.line, each.host, each.server_name) for each in outcome.seen} == {("GET / HTTP/1.1", HOST, "")}


def test_all_probes_run_at_once_within_seven_seconds() -> None:
    """Slow servers behind several probes leave time for the write: each URL is tried twice, all within 7 s."""
    serve = [WebServer(near(number), port) for number in (1, 2) for port in (443, 8443)]
    serve += [WebServer(near(3), port, manner="drips its head") for port in (443, 8443)]
    options = ["--probe", f"{HTTPS}/a", "--probe", f"{HTTPS}:8443/b", "--probe", "tcp:443", "-v", "--output", "json"]
    outcome = patiently(Scenario(THREE, [], options, serve=serve))
    looks = 2  # one before the write and one after it
    asked = Counter(each.line for each in outcome.seen if each.address == near(3))
    assert asked == dict.fromkeys(("GET /a HTTP/1.1", "GET /b HTTP/1.1"), 2 * looks)


def test_no_route_for_a_family_is_a_remark() -> None:
    """Where there is no IPv6, URLs say nothing about IPv6 addresses: they stay, and the log says so, as no warning.

    Many pod networks have no IPv6; a warning in every run would hide those that call for somebody.
    """
    found = nodes(*(f"{near(number)} {near_6(number)}" for number in (1, 2, 3)))
    serve = [WebServer(near(number)) for number in (1, 2)]
    outcome = probed(Scenario(found, [], ["--probe", f"{HTTPS}/"], serve=serve), has_ipv6=False)
    assert outcome.shown == {near(1), near(2), *map(near_6, (1, 2, 3))}, outcome.err
    assert "info: no route to IPv6 from here: those addresses are not probed" in outcome.err


UNKNOWN = Scenario(
    nodes(near(1), near(2), f"{near(3)} {near_6(3)}"),
    [],
    ["--probe", f"{HTTPS}/", "--output", "json"],
    unknown=["node-3"],
)


def test_an_answer_acquits_one_address() -> None:
    """Of a node that is Unknown for minutes the address that answers stays, the other goes."""
    serve = [WebServer(each) for each in (near(1), near(2), near_6(3))]
    outcome = probed(replace(UNKNOWN, serve=serve))
    assert outcome.shown == {near(1), near(2), near_6(3)}, outcome.err
    assert reasons(outcome) == {near_6(3): None, near(3): "not ready: Kubelet stopped posting."}


@pytest.mark.parametrize("answer", [WebServer(near(3), status=404), WebServer(near(3), certificate="of another name")])
def test_a_stranger_at_the_address_acquits_nobody(answer: WebServer) -> None:
    """A recycled address that answers, but not as the host, goes with its node."""
    serve = [WebServer(near(1)), WebServer(near(2)), answer]
    assert probed(replace(UNKNOWN, serve=serve)).shown == {near(1), near(2)}
