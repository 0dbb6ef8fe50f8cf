"""What a kubeconfig can hold: tokens, certificates and passwords; and what is said of one that cannot be used."""

import base64
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.sandbox.kubernetes import kubeconfig
from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.logins import LOGIN, encoded, secure, who, with_client_certificate, write
from tests.support.processes import GRACE_SECONDS, complaint, login


def test_a_token_can_come_from_a_file(cluster: World) -> None:
    """A token is read from tokenFile; the newline at its end reaches no header."""
    token = cluster.home / "token"
    token.write_text("\nsecond \n", encoding="utf-8")
    config = login(cluster, "")
    config["users"][0]["user"] = {"tokenFile": str(token)}
    write(cluster.kubeconfig, config)
    assert who(forks.run(cluster, *LOGIN), cluster.cluster) == "second"


def test_white_space_around_a_token_reaches_no_header_of_any_request(cluster: World) -> None:
    """A token that ends in a newline is good for each request of a run, not only for the first."""
    write(cluster.kubeconfig, login(cluster, " first\n"))
    cluster.route53.zone("example.com")
    finished = forks.run(cluster, "sync-once", "--domain", "cdn.example.com", "--min-nodes", "0")
    assert finished.returncode == 0, finished.stderr
    assert len(cluster.cluster.calls) > 1
    assert {call.request.headers["Authorization"] for call in cluster.cluster.calls} == {"Bearer first"}


def test_one_can_act_as_somebody_else(cluster: World) -> None:
    """`as` and its companions are sent with each request, each group in a header of its own."""
    config = login(cluster, "first")
    config["users"][0]["user"] |= {"as": "me", "as-groups": ["a", "b"], "as-user-extra": {"x/y": ["z"]}}
    write(cluster.kubeconfig, config)
    assert who(forks.run(cluster, *LOGIN), cluster.cluster) == "first"
    (call,) = cluster.cluster.calls
    headers = [(name.lower(), value) for name, value in call.request.headers.items() if name.startswith("Imp")]
    groups = [("impersonate-group", "a"), ("impersonate-group", "b")]
    assert headers == [("impersonate-user", "me"), *groups, ("impersonate-extra-x%2fy", "z")]


def test_a_scheme_in_capitals_is_checked_for_its_certificate(cluster: World) -> None:
    """HTTPS:// is https:// with the authority of the kubeconfig."""
    with secure(cluster) as (server, certificate):
        url = server.url.replace("https", "HTTPS")
        write(cluster.kubeconfig, kubeconfig(url, "first", authority_pem=certificate.authority_pem))
        assert who(forks.run(cluster, *LOGIN), server) == "first"


def test_a_name_and_a_password_log_in(cluster: World) -> None:
    """Basic authentication is sent as kubectl sends it."""
    config = login(cluster, "")
    config["users"][0]["user"] = {"username": "me", "password": "secret"}
    write(cluster.kubeconfig, config)
    complaint(forks.run(cluster, *LOGIN), 1)  # the sandbox takes tokens only
    (call,) = cluster.cluster.calls
    assert call.request.headers["Authorization"] == f"Basic {encoded(b'me:secret')}"


def test_a_client_certificate_logs_in_and_leaves_no_key_behind(cluster: World) -> None:
    """A client certificate logs in, and the run leaves no key in its temporary folder."""
    temporary = cluster.home / "tmp"
    temporary.mkdir()
    with secure(cluster, client_certificates=True) as (server, certificate):
        write(cluster.kubeconfig, with_client_certificate(server, certificate))
        assert who(forks.run(cluster, *LOGIN, TMPDIR=str(temporary)), server) == "first"
    assert list(temporary.iterdir()) == []


def test_sigterm_leaves_no_key_behind(cluster: World) -> None:
    """A run that SIGTERM ends leaves no key in its temporary folder either."""
    temporary = cluster.home / "tmp"
    temporary.mkdir()
    with secure(cluster, client_certificates=True) as (server, certificate):
        server.fail(Fault("slow"))
        write(cluster.kubeconfig, with_client_certificate(server, certificate))
        process = forks.start(cluster, *LOGIN, TMPDIR=str(temporary))
        assert wait_until(lambda: bool(server.calls), 30)
        assert list(temporary.iterdir()), "the keys are expected in files while the program runs"
        process.terminate()
        assert process.wait(GRACE_SECONDS) == 143
    assert list(temporary.iterdir()) == []


CRASH = """
import os
from pathlib import Path
from jobs.watch import Watcher

def crash(self):
    assert list(Path(os.environ["TMPDIR"]).iterdir()), "the keys are expected in files while the program runs"
    1 / 0

Watcher._follow_nodes = crash
"""


def test_a_watcher_that_crashes_leaves_no_key_behind(cluster: World) -> None:
    """A watcher with a thread that crashes ends with status 1 and one line, and leaves no key behind."""
    temporary = cluster.home / "tmp"
    temporary.mkdir()
    with secure(cluster, client_certificates=True) as (server, certificate):
        write(cluster.kubeconfig, with_client_certificate(server, certificate))
        command = ("watch", "--cronjob", "sync", "--namespace", "default")
        finished = forks.start(cluster, *command, change=CRASH, TMPDIR=str(temporary)).finish()
    assert "unexpected ZeroDivisionError: division by zero; please report this" in complaint(finished, 1)
    assert list(temporary.iterdir()) == []


UNREADABLE = encoded(b"no PEM")


@pytest.mark.parametrize(
    ("about", "members", "named"),
    [
        pytest.param("cluster", {"server": "https://me:SECRET@127.0.0.1:99999"}, "server", id="address, no port"),
        pytest.param("cluster", {"server": "htps://me:SECRET@127.0.0.1"}, "server", id="address, no scheme"),
        pytest.param("cluster", {"server": "me:SECRET@127.0.0.1:6443"}, "server", id="address, scheme left out"),
        pytest.param("cluster", {"server": "https://me:SECRET@[::1"}, "kubeconfig", id="address, half a bracket"),
        pytest.param(
            "cluster",
            {"server": "https://me:SECRET@a\u2100b", "proxy-url": "http://127.0.0.1:1"},
            "kubeconfig",
            id="address, odd characters, and a proxy",
        ),
        pytest.param("cluster", {"proxy-url": "http://me:SECRET@127.0.0.1:99999"}, "proxy-url", id="proxy, no port"),
        pytest.param("cluster", {"proxy-url": "htp://me:SECRET@127.0.0.1"}, "proxy-url", id="proxy, no scheme"),
        pytest.param("cluster", {"proxy-url": "http://me:SECRET@a..b:1"}, "proxy-url", id="proxy, no name"),
        pytest.param("cluster", {"proxy-url": 8080}, "proxy-url", id="proxy, a number"),
        pytest.param("cluster", {"certificate-authority-data": UNREADABLE}, "certificate", id="authority"),
        pytest.param(
            "user",
            {"client-certificate-data": UNREADABLE, "client-key-data": UNREADABLE},
            "certificate",
            id="client certificate",
        ),
        pytest.param("user", {"token": ["SECRET"]}, "token", id="token, a list"),
        pytest.param("user", {"as": "SECRET\n", "token": "first"}, "header", id="as, two lines"),
        pytest.param("user", {"token": "SECRET\u4e2d"}, "token", id="token"),
        pytest.param("user", {"token": "SECRET\nSECRET"}, "token", id="token, two lines"),
    ],
)
def test_what_cannot_be_used_of_a_kubeconfig_is_reported_once_without_a_secret(
    cluster: World, about: str, members: Mapping[str, str], named: str
) -> None:
    """A member that cannot be used is an error of status 2 in one line, which names it; no secret is shown."""
    with secure(cluster) as (server, certificate):
        config = kubeconfig(server.url, "first", authority_pem=certificate.authority_pem)
        config[f"{about}s"][0][about].update(members)
        write(cluster.kubeconfig, config)
        finished = forks.run(cluster, *LOGIN, "-v")
    line = "\n".join(each for each in finished.stderr.splitlines() if not each.startswith("debug: "))
    assert finished.returncode == 2, finished.stderr
    assert len(line.splitlines()) == 1
    assert named in line
    assert "SECRET" not in finished.stderr + finished.stdout
    assert "u4e2d" not in line


def test_a_name_that_does_not_resolve_is_called_so(cluster: World) -> None:
    """A server's name that does not resolve is reported as such, with the advice to check the kubeconfig."""
    write(cluster.kubeconfig, kubeconfig("https://api.cluster.invalid:6443", "first"))
    finished = forks.run(cluster, *LOGIN)
    assert finished.returncode == 1
    assert "api.cluster.invalid' does not resolve" in finished.stderr
    assert "check the kubeconfig" in finished.stderr


def test_a_key_that_belongs_to_another_certificate_is_reported_once(cluster: World) -> None:
    """A key of another certificate is an error of status 2 in one line."""
    with secure(cluster, client_certificates=True) as (server, certificate):
        config = with_client_certificate(server, certificate)
        other = with_client_certificate(server, certificate)["users"][0]["user"]["client-key-data"]
        config["users"][0]["user"]["client-key-data"] = other
        write(cluster.kubeconfig, config)
        assert "certificate or key" in complaint(forks.run(cluster, *LOGIN), 2)


def test_a_key_behind_a_password_is_reported_once(cluster: World) -> None:
    """An encrypted key is an error of status 2 in one line. No job can ask for its password."""
    with secure(cluster, client_certificates=True) as (server, certificate):
        config = with_client_certificate(server, certificate)
        user = config["users"][0]["user"]
        key = load_pem_private_key(base64.b64decode(user["client-key-data"]), None)
        locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"SECRET"))
        user["client-key-data"] = encoded(locked)
        write(cluster.kubeconfig, config)
        assert "private key is encrypted" in complaint(forks.run(cluster, *LOGIN), 2)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="not YAML"),
        pytest.param("users: [{name: me, user: {token: !SECRET x}}]", id="a tag"),
        pytest.param("just text", id="text"),
        pytest.param("- a\n- list\n", id="list"),
        pytest.param("\x00\x01", id="binary"),
        pytest.param("apiVersion: v1\nkind: Config\n", id="nothing in it"),
        pytest.param("current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]", id="no cluster"),
    ],
)
def test_a_kubeconfig_that_is_none_is_named_in_plain_words(cluster: World, text: str) -> None:
    """A broken kubeconfig is an error of status 2, which names the file, without words of Python."""
    write(cluster.kubeconfig, text)
    line = complaint(forks.run(cluster, *LOGIN), 2)
    assert str(cluster.kubeconfig) in line
    assert "SECRET" not in line
    assert [word for word in ("'str' object", "'list' object", "indices", "NoneType", "KeyError") if word in line] == []
