"""Logins of a kubeconfig that expire: they are renewed in time, and an expired one is never sent."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest
from trustme import CA

from jobs.edges import kubeconfig as module
from tests.sandbox.certificates import loopback_certificate
from tests.sandbox.kubernetes import kubeconfig
from tests.sandbox.server import FaultKind, Request, Response, Server, wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.logins import CREDENTIAL, LOGIN, plugin, secure, who, write
from tests.support.processes import complaint, login
from tests.support.watching import cronjob, watching

PAST = "2020-01-01T00:00:00Z"
SYNC = ("sync-once", "--domain", "cdn.example.com", "--min-nodes", "0")


def given(**status: object) -> str:
    """Write what a plugin gives."""
    return json.dumps(CREDENTIAL | {"status": status})


def jwt(expires: float, name: str) -> str:
    """Write an id-token."""
    claims = urlsafe_b64encode(json.dumps({"exp": expires, "sub": name}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


def test_a_tokens_file_is_read_each_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tokenFile counts before a token, and is read again when a minute has passed, and not before."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    class Standing(datetime):
        @classmethod
        def now(cls, _tz: tzinfo | None = None) -> Self:
            return cls.fromisoformat(moment.isoformat())

    monkeypatch.setattr(module, "datetime", Standing)
    config = kubeconfig("http://127.0.0.1:1", "old")
    config["users"][0]["user"]["tokenFile"] = "token"
    (tmp_path / "token").write_text("first\n", encoding="utf-8")
    credentials = module.login_from([write(tmp_path / "config", config)], None, "").credentials
    (tmp_path / "token").write_text("second", encoding="utf-8")
    moment += timedelta(seconds=59)
    assert credentials().authorization == "Bearer first"
    moment += timedelta(seconds=1)
    assert credentials().authorization == "Bearer second"


def test_an_empty_tokens_file_sends_nothing(cluster: World) -> None:
    """An empty tokenFile is an error of status 2, which names it; no request is made."""
    config = login(cluster, "")
    config["users"][0]["user"] = {"tokenFile": write(cluster.home / "token", "\n")}
    write(cluster.kubeconfig, config)
    assert "token is empty" in complaint(forks.run(cluster, *LOGIN), 2)
    assert cluster.cluster.calls == []


def failing(world: World, *runs: int) -> Path:
    """Log in with a plugin whose tokens have expired at once, and that fails at some of its runs."""
    count = world.home / "count"
    numbers = "|".join(map(str, runs))
    document = given(token=world.kubernetes.admin_token, expirationTimestamp=PAST)
    fail = f"case $(wc -l < {count}) in {numbers}) echo 'please log in' >&2; exit 3;; esac"
    plugin(world, f"echo >> {count}; {fail}; cat <<'END'\n{document}\nEND")
    return count


def test_an_expired_token_is_not_sent(cluster: World) -> None:
    """Where a plugin fails at a renewal the run fails with its words and status 1; the expired token is not sent."""
    failing(cluster, 3)
    cluster.route53.zone("example.com")
    assert "please log in" in forks.run(cluster, *SYNC).stderr
    assert len(cluster.cluster.calls) == 1


def test_the_watcher_goes_on_when_a_renewal_fails(cluster: World) -> None:
    """A renewal that fails is logged by the watcher, which goes on: the next may succeed."""
    cluster.kubernetes.put(cronjob())
    count = failing(cluster, 4, 5)
    with watching(cluster) as watcher:
        assert wait_until(lambda: any("please log in" in each for each in watcher.errors), 60)
        assert wait_until(lambda: "create jobs" in cluster.cluster.operations(), 60)
        assert watcher.process.poll() is None
    assert len(count.read_text("utf-8")) > 5


def certified(world: World, server: Server, authority_pem: bytes, *authorities: CA | None) -> None:
    """Log in with a plugin whose certificates have expired at once: each run's is of an authority, or is none."""
    for number, authority in enumerate(authorities, 1):
        issued = authority and authority.issue_cert("admin@example.com")
        status = {
            "clientCertificateData": issued.cert_chain_pems[0].bytes().decode() if issued else "x",
            "clientKeyData": issued.private_key_pem.bytes().decode() if issued else "x",
            "token": world.kubernetes.admin_token,
            "expirationTimestamp": PAST,
        }
        write(world.home / str(number), given(**status))
    count = world.home / "count"
    plugin(world, f"echo >> {count}; cat {world.home}/$(wc -l < {count})")
    config = json.loads(world.kubeconfig.read_text("utf-8"))
    config["clusters"] = kubeconfig(server.url, authority_pem=authority_pem)["clusters"]
    write(world.kubeconfig, config)


def test_a_plugins_token_and_certificate_both_count(cluster: World) -> None:
    """A plugin may give a token and a client certificate; a certificate that has expired is renewed."""
    with secure(cluster, client_certificates=True) as (server, certificate):
        stranger = loopback_certificate().authority
        certified(cluster, server, certificate.authority_pem, stranger, certificate.authority)
        assert who(forks.run(cluster, *LOGIN), server) == cluster.kubernetes.admin_token


def test_a_new_certificate_is_used_from_the_next_request_on(cluster: World) -> None:
    """A certificate that a plugin has renewed is used at once, and not only where a connection has ended."""
    cluster.route53.zone("example.com")
    with secure(cluster, client_certificates=True) as (server, certificate):
        good = certificate.authority
        certified(cluster, server, certificate.authority_pem, good, good, None)
        assert "a certificate or key" in forks.run(cluster, *SYNC).stderr
        assert len(server.calls) == 1


@pytest.mark.parametrize(
    "status", [{}, {"token": ""}, {"clientCertificateData": "x"}, {"token": "SECRET", "expirationTimestamp": "SECRET"}]
)
def test_half_a_credential_is_none(cluster: World, status: dict[str, object]) -> None:
    """Where a plugin gives neither a token nor a certificate with its key, nothing is sent; status 1."""
    plugin(cluster, f"cat <<'END'\n{given(**status)}\nEND")
    line = complaint(forks.run(cluster, *LOGIN), 1)
    assert "exec: " in line
    assert "SECRET" not in line
    assert cluster.cluster.calls == []


class Issuer:
    """An OIDC provider that gives one id-token, or none."""

    def __init__(self, token: str | None) -> None:
        """Give this one."""
        self.url, self._token = "", token

    def operation(self, request: Request) -> str:
        """Name the request by its path."""
        return request.path

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Fail in no manner of its own."""
        raise NotImplementedError(kind, request)

    def answer(self, request: Request) -> Response:
        """Answer discovery (OpenID Connect Discovery, 4) and the token endpoint (OpenID Connect Core, 12.2)."""
        if self._token is None:
            return Response(503)
        if request.path.startswith("/.well-known/"):
            return Response(200, json.dumps({"token_endpoint": f"{self.url}/token"}).encode())
        answer = {"access_token": "x", "token_type": "Bearer", "id_token": self._token, "refresh_token": "r2"}
        return Response(200, json.dumps(answer).encode())


@pytest.mark.parametrize("is_given", [True, False])
def test_an_oidc_token_is_renewed_or_not_sent(cluster: World, is_given: bool) -> None:  # noqa: FBT001 - a row
    """An OIDC token that has expired is renewed; where the provider gives none, the run fails and nothing is sent."""
    token = jwt(4e9, "new")
    cluster.kubernetes.tokens[token] = cluster.kubernetes.tokens["first"]
    issuer = Issuer(token if is_given else None)
    with Server(issuer) as server:
        issuer.url = server.url
        about = {"idp-issuer-url": server.url, "client-id": "c", "client-secret": "SECRET", "refresh-token": "SECRET"}
        config = login(cluster, "")
        provider = {"name": "oidc", "config": about | {"id-token": jwt(1e9, "old")}}
        config["users"][0]["user"] = {"auth-provider": provider}
        write(cluster.kubeconfig, config)
        finished = forks.run(cluster, *LOGIN, OAUTHLIB_INSECURE_TRANSPORT="1")
    if is_given:
        assert who(finished, cluster.cluster) == token
    else:
        assert "auth-provider oidc" in complaint(finished, 1)
        assert cluster.cluster.calls == []


@pytest.mark.parametrize("members", [{"client-secret": "SECRET"}, {"id-token": "SECRET"}], ids=["none", "no JWT"])
def test_an_oidc_login_without_an_id_token_sends_nothing(cluster: World, members: dict[str, str]) -> None:
    """An OIDC login without an id-token that is one is an error of status 2, without a secret; nothing is sent."""
    config = login(cluster, "")
    config["users"][0]["user"] = {"auth-provider": {"name": "oidc", "config": members}}
    write(cluster.kubeconfig, config)
    line = complaint(forks.run(cluster, *LOGIN), 2)
    assert "id-token" in line
    assert "SECRET" not in line
    assert cluster.cluster.calls == []
