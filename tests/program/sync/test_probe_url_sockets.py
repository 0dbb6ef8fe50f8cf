"""URLs asked of many addresses at once: what it costs, and what is left behind."""

import threading
import time
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from jobs.core.probe import Probe
from jobs.edges.probe import probe
from tests.sandbox.server import wait_until
from tests.support.probing import Refusing, loopback
from tests.support.web_servers import HOST, Manner, WebServer, authority_pem, web_servers

MANY = 100
CPU_SECONDS = 3.0
"""Of both sides of a hundred connections; reading the system's authorities for each of them would take four."""
ANY = "0.0.0.0"  # noqa: S104 - all of loopback's addresses


@pytest.fixture(autouse=True)
def _trusting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Trust the web servers' authority, among many others as usual."""
    usual = Path("/etc/ssl/certs/ca-certificates.crt")
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(authority_pem() + (usual.read_bytes() if usual.exists() else b""))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))


def https(port: int) -> Probe:
    """Ask for a page."""
    return Probe("https", port, HOST, "/")


def test_a_hundred_addresses_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred addresses answer, at less than 3 s of CPU time for both sides."""
    for limit in ("TOTAL_SECONDS", "URL_SECONDS"):
        monkeypatch.setattr(f"jobs.edges.probe.{limit}", 50.0)  # seven would be too few on a slow machine
    with web_servers([WebServer(ANY, 0)]) as (_, (port,)):
        targets = [(loopback(number), https(port)) for number in range(MANY)]
        before = time.process_time()
        answers, _ = probe(targets)
        assert time.process_time() - before < CPU_SECONDS
    assert answers == dict.fromkeys(targets)


@pytest.mark.parametrize("manner", ["falls silent", "drips its head", "drips its handshake"])
def test_servers_that_do_not_answer_in_time(monkeypatch: pytest.MonkeyPatch, manner: Manner) -> None:
    """Servers that answer byte by byte or not at all time out, and leave no thread behind.

    The watcher asks every few seconds for months.
    """
    monkeypatch.setattr("jobs.edges.probe.TOTAL_SECONDS", 50.0)  # seven would be too few on a slow machine
    with web_servers([WebServer(ANY, 0, manner=manner)]) as (_, (port,)):
        before = _asking()
        answers, _ = probe((loopback(number), https(port)) for number in range(10))
        assert [*answers.values()] == ["timed out"] * 10
        assert wait_until(lambda: _asking() <= before, 30), threading.enumerate()


def _asking() -> int:
    return sum(each.name.startswith("ThreadPoolExecutor") for each in threading.enumerate())


def test_each_url_has_an_answer_of_its_own() -> None:
    """Each URL asked of an address has an answer of its own."""
    kinds = [WebServer("127.0.0.1", 0), WebServer("127.0.0.1", 0, status=503), WebServer("127.0.0.1", 0, 200, "none")]
    here: IPv4Address = IPv4Address("127.0.0.1")
    with web_servers(kinds) as (_, (up, down, plain)), Refusing("127.0.0.1") as nobody:
        asked = [https(up), https(down), https(nobody.port), Probe("http", plain, HOST, "/")]
        answers, without_route = probe((here, each) for each in asked)
    assert without_route == frozenset()
    found = [answers[here, each] for each in asked]
    assert (found[0], found[1], found[3]) == (None, "status 503", None)
    assert "refused" in str(found[2])


def test_an_address_without_a_route_is_not_looked_at() -> None:
    """An address without a route gets no answer, and its family is given; where there is a route, it fails."""
    nowhere = ip_address("2001:db8::1")
    answers, without_route = probe([(nowhere, https(443))])
    assert (without_route == {6} and not answers) or answers[nowhere, https(443)] is not None
