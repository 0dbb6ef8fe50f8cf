"""Certificates are verified as kubectl does: authorities of every age are taken, and a wrong one never is."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sandbox.kubernetes import kubeconfig
from tests.sandbox.server import Server, wait_until
from tests.sandbox.world import PROGRAM, World
from tests.support import forks
from tests.support.logins import LOGIN, in_a_pod, secure, who, write
from tests.support.odd_certificates import Issued, Style, authority, self_signed
from tests.support.pods import mounted, pod_variables, write_account
from tests.support.processes import complaint, environment_of
from tests.support.watching import cronjob, started

PLAIN = Style()


@dataclass(frozen=True)
class Shown:
    """What a server shows, and what its clients are told to trust."""

    trusted: Issued
    own: Issued
    between: tuple[Issued, ...] = ()


def issued_in(style: Style) -> Shown:
    """Let an authority of a style issue a server's certificate of that style."""
    trusted = authority(style)
    return Shown(trusted, trusted.issue(style))


def below_an_intermediate() -> Shown:
    """Trust an authority that another one has signed, which nobody trusts."""
    root = authority(PLAIN)
    between = root.issue(PLAIN, is_authority=True)
    return Shown(between, between.issue(PLAIN), (between,))


def pinned() -> Shown:
    """Trust the server's own certificate, and nobody who has signed it."""
    own = authority(PLAIN).issue(PLAIN)
    return Shown(own, own)


def signed_by_itself() -> Shown:
    """Trust the server's own certificate, which has no other authority."""
    own = self_signed(PLAIN)
    return Shown(own, own)


@contextmanager
def served(world: World, shown: Shown) -> Iterator[Server]:
    """Serve the cluster with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.own.serve_with(context, *shown.between)
    with Server(world.kubernetes, tls=context) as server:
        yield server


ACCEPTED = [
    pytest.param(lambda: issued_in(PLAIN), id="with everything"),
    pytest.param(lambda: issued_in(Style(key_usage=False)), id="no key usage"),
    pytest.param(lambda: issued_in(Style(key_identifiers=False)), id="no key identifiers"),
    pytest.param(lambda: issued_in(Style(critical=False)), id="basicConstraints not critical"),
    pytest.param(lambda: issued_in(Style(key_usage=False, key_identifiers=False, critical=False)), id="none of them"),
    pytest.param(below_an_intermediate, id="intermediate"),
    pytest.param(pinned, id="pinned"),
    pytest.param(signed_by_itself, id="signed by itself"),
]
"""What Go takes, and so kubectl. Of EKS and older clusters key usage and key identifiers are missing."""


@pytest.mark.parametrize("made", [each for each in ACCEPTED if each.id in {"none of them", "pinned"}])
def test_a_pod_takes_the_authorities_of_real_clusters(cluster: World, made: Callable[[], Shown]) -> None:
    """A pod verifies by the same rules as the next test, which has all kinds of authority."""
    shown = made()
    with served(cluster, shown) as server:
        assert who(in_a_pod(cluster, server, shown.trusted.pem), server) == "pod"


@pytest.mark.parametrize("made", ACCEPTED)
def test_a_kubeconfig_takes_the_authorities_of_real_clusters(cluster: World, made: Callable[[], Shown]) -> None:
    """A kubeconfig logs in with each kind of authority that kubectl takes."""
    shown = made()
    with served(cluster, shown) as server:
        write(cluster.kubeconfig, kubeconfig(server.url, "first", authority_pem=shown.trusted.pem))
        assert who(forks.run(cluster, *LOGIN), server) == "first"


def issued_for(*names: str) -> Shown:
    """Let the server's certificate be for other names."""
    trusted = authority()
    return Shown(trusted, trusted.issue(Style(names=names)))


def of_a_stranger() -> Shown:
    """Let another authority than the one that is trusted have issued it."""
    return Shown(authority(), authority().issue(PLAIN))


REFUSED = [
    pytest.param(of_a_stranger, "unable to get local issuer certificate", id="wrong authority"),
    pytest.param(lambda: issued_for("api.example.com"), "127.0.0.1", id="wrong name"),
    pytest.param(lambda: issued_for("127.0.0.2"), "127.0.0.1", id="wrong address"),
]


@pytest.mark.parametrize(("made", "named"), REFUSED)
@pytest.mark.parametrize("where", ["pod", "kubeconfig"])
def test_a_wrong_certificate_is_not_shown_the_token(
    cluster: World, where: str, made: Callable[[], Shown], named: str
) -> None:
    """A server with a wrong certificate gets no request, so no token; the error, of status 2, says what is wrong."""
    shown = made()
    with served(cluster, shown) as server:
        if where == "pod":
            finished = in_a_pod(cluster, server, shown.trusted.pem)
        else:
            write(cluster.kubeconfig, kubeconfig(server.url, "first", authority_pem=shown.trusted.pem))
            finished = forks.run(cluster, *LOGIN)
        assert server.calls == []
    line = complaint(finished, 2)
    assert "not trusted" in line
    assert named in line
    assert ("service account" if where == "pod" else "kubeconfig") in line


def test_a_cluster_without_an_authority_in_the_kubeconfig_must_be_trusted_by_the_system(cluster: World) -> None:
    """Without certificate-authority the certificates of the system count, and nothing else does."""
    with secure(cluster) as (server, _):
        write(cluster.kubeconfig, kubeconfig(server.url, "first"))
        assert "not trusted" in complaint(forks.run(cluster, *LOGIN), 2)
        assert server.calls == []


def test_the_systems_authorities_are_trusted_without_one_in_the_kubeconfig(cluster: World) -> None:
    """A cluster behind a public certificate, as hosted ones are, needs none in the kubeconfig."""
    with secure(cluster) as (server, certificate):
        write(cluster.kubeconfig, kubeconfig(server.url, "first"))
        system = write(cluster.home / "system.pem", certificate.authority_pem.decode())
        assert who(forks.run(cluster, *LOGIN, SSL_CERT_FILE=system), server) == "first"


def test_an_expired_certificate_may_be_renewed_before_the_next_try(cluster: World) -> None:
    """An expired certificate is an error of status 1, which a later run can pass; no request is made.

    It may also be this machine's clock.
    """
    trusted = authority()
    with served(cluster, Shown(trusted, trusted.issue(Style(days=(-2, -1))))) as server:
        finished = in_a_pod(cluster, server, trusted.pem)
        assert server.calls == []
    assert finished.returncode == 1, finished.stderr
    assert "certificate has expired" in finished.stderr


def test_insecure_skip_tls_verify_takes_any_certificate(cluster: World) -> None:
    """With insecure-skip-tls-verify a certificate of another name and an unknown authority is taken."""
    with served(cluster, issued_for("api.example.com")) as server:
        config = kubeconfig(server.url, "first")
        config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
        write(cluster.kubeconfig, config)
        assert who(forks.run(cluster, *LOGIN), server) == "first"


@pytest.mark.parametrize(("name", "status"), [("api.example.com", 0), ("other.example.com", 2)])
def test_tls_server_name_is_the_name_in_the_certificate(cluster: World, name: str, status: int) -> None:
    """tls-server-name is the name that the certificate is verified by. A tunnel or load balancer may have another."""
    shown = issued_for("api.example.com")
    with served(cluster, shown) as server:
        config = kubeconfig(server.url, "first", authority_pem=shown.trusted.pem)
        config["clusters"][0]["cluster"]["tls-server-name"] = name
        write(cluster.kubeconfig, config)
        assert forks.run(cluster, *LOGIN).returncode == status
        assert len(server.calls) == (status == 0)


@dataclass
class Rotating:
    """A server with a watcher in a pod, whose certificate and authority can be replaced."""

    server: Server
    context: ssl.SSLContext
    trust: Path
    first: Issued
    """The authority at the beginning."""
    handshakes: int = 0
    """How often a connection has begun."""

    def replace(self, trusted: Issued, own: Issued) -> None:
        """Let the pod trust an authority and the server show a certificate; all calls and connections begin again."""
        self.server.refuse()
        self.trust.write_bytes(trusted.pem)
        own.serve_with(self.context)
        self.server.calls.clear()
        self.handshakes = 0
        self.server.listen()

    def count(self, *_: object) -> None:
        """Count a connection."""
        self.handshakes += 1


@pytest.fixture
def rotating(cluster: World) -> Iterator[Rotating]:
    """Let a watcher follow the nodes."""
    cluster.kubernetes.put(cronjob())
    first, context = authority(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    first.issue(PLAIN).serve_with(context)
    account = write_account(cluster.home / "serviceaccount", first.pem, cluster.kubernetes.admin_token)
    with Server(cluster.kubernetes, tls=context) as server:
        rotating = Rotating(server, context, account / "ca.crt", first)
        context.sni_callback = rotating.count
        environment = environment_of(cluster, **pod_variables(server.port))
        options = ("--cronjob", "sync", "--namespace", "default")
        with started(environment, *options, command=(*mounted(account), *PROGRAM)):
            assert wait_until(lambda: "watch nodes" in server.operations(), 60)
            yield rotating


def test_an_authority_is_replaced_under_a_watcher(rotating: Rotating) -> None:
    """A watcher follows the nodes through a cluster's new authority, without a restart."""
    second = authority()
    rotating.replace(second, second.issue(PLAIN))
    assert wait_until(lambda: "watch nodes" in rotating.server.operations(), 60)


def test_an_authority_that_was_taken_out_is_trusted_no_more(rotating: Rotating) -> None:
    """A watcher makes no request of a server with a certificate of the former authority once it trusts another."""
    rotating.replace(authority(), rotating.first.issue(PLAIN))
    assert wait_until(lambda: rotating.handshakes > 3, 60)
    assert rotating.server.calls == []
