"""Proxies to the API server: those of a kubeconfig and of the environment, and what they are not used for."""

from collections.abc import Iterator

import pytest
from kubernetes.client.rest import should_bypass_proxies

from jobs.edges.proxies import is_exempt
from tests.sandbox.certificates import Certificate
from tests.sandbox.kubernetes import kubeconfig
from tests.sandbox.server import Server
from tests.sandbox.world import World
from tests.support import forks
from tests.support.connect_proxy import Proxy
from tests.support.logins import LOGIN, encoded, in_a_pod, secure, who, write
from tests.support.processes import complaint


@pytest.fixture
def served(cluster: World) -> Iterator[tuple[Server, Certificate]]:
    """Serve the cluster."""
    with secure(cluster) as (server, certificate):
        yield server, certificate


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Run a proxy."""
    with Proxy() as running:
        yield running


def through(cluster: World, served: tuple[Server, Certificate], proxy_url: str | None = None) -> None:
    """Log in with a kubeconfig, through the proxy that it names if any."""
    server, certificate = served
    config = kubeconfig(server.url, "first", authority_pem=certificate.authority_pem)
    if proxy_url:
        config["clusters"][0]["cluster"]["proxy-url"] = proxy_url
    write(cluster.kubeconfig, config)


@pytest.mark.parametrize("variables", [{}, {"NO_PROXY": "example.com"}, {"HTTPS_PROXY": "http://127.0.0.1:1"}], ids=str)
def test_the_proxy_of_a_kubeconfig_is_used(
    cluster: World, served: tuple[Server, Certificate], proxy: Proxy, variables: dict[str, str]
) -> None:
    """proxy-url is used, whatever proxy the environment has."""
    through(cluster, served, proxy.url)
    assert who(forks.run(cluster, *LOGIN, **variables), served[0]) == "first"
    assert proxy.asked == [f"127.0.0.1:{served[0].port}"]


@pytest.mark.parametrize(
    ("where", "name"),
    [("pod", "ALL_PROXY"), *(("kubeconfig", name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"))],
)
def test_the_proxy_of_the_environment_is_used(
    cluster: World, served: tuple[Server, Certificate], proxy: Proxy, where: str, name: str
) -> None:
    """The proxy of the usual variables is used, in a pod and with a kubeconfig."""
    variables = {name: proxy.url}
    if where == "pod":
        finished = in_a_pod(cluster, served[0], served[1].authority_pem, **variables)
    else:
        through(cluster, served)
        finished = forks.run(cluster, *LOGIN, **variables)
    assert who(finished, served[0]) in {"pod", "first"}
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("where", ["pod", "kubeconfig", "proxy-url"])
def test_no_proxy_exempts_a_server(
    cluster: World, served: tuple[Server, Certificate], proxy: Proxy, where: str
) -> None:
    """A server that NO_PROXY names is reached without the proxy."""
    variables = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "10.0.0.0/8,127.0.0.0/8"}
    if where == "pod":
        finished = in_a_pod(cluster, served[0], served[1].authority_pem, **variables)
    else:
        through(cluster, served, proxy.url if where == "proxy-url" else None)
        finished = forks.run(cluster, *LOGIN, **variables)
    assert who(finished, served[0]) in {"pod", "first"}
    assert proxy.asked == []


def test_a_proxy_is_given_the_password_in_its_url(
    cluster: World, served: tuple[Server, Certificate], proxy: Proxy
) -> None:
    """A proxy gets the name and password in its URL; the API server does not."""
    proxy.password = "me:s cret"  # noqa: S105 - opens a double
    through(cluster, served, proxy.url.replace("//", "//me:s%20cret@"))
    assert who(forks.run(cluster, *LOGIN), served[0]) == "first"
    (call,) = served[0].calls
    assert encoded(b"me:s cret") not in str(call.request.headers)


def test_a_proxy_that_refuses_is_named_without_its_password(
    cluster: World, served: tuple[Server, Certificate], proxy: Proxy
) -> None:
    """A proxy that refuses is named in the error, of status 1, without its password."""
    proxy.password = "me:other"  # noqa: S105 - opens a double
    through(cluster, served, proxy.url.replace("//", "//me:SECRET@"))
    finished = forks.run(cluster, *LOGIN, "-v")
    assert finished.returncode == 1
    assert "proxy: Tunnel connection failed: 407" in finished.stderr
    assert "SECRET" not in finished.stderr
    assert encoded(b"me:SECRET") not in finished.stderr


def test_a_proxy_that_is_not_there_is_named(cluster: World, served: tuple[Server, Certificate]) -> None:
    """A proxy that cannot be reached is named in the error, of status 1, without its password."""
    through(cluster, served, "http://me:SECRET@127.0.0.1:1")
    finished = forks.run(cluster, *LOGIN, "-v")
    assert finished.returncode == 1
    assert "Unable to connect to proxy" in finished.stderr
    assert "refused" in finished.stderr
    assert "SECRET" not in finished.stderr


@pytest.mark.parametrize(
    ("where", "scheme"),
    [("pod", "socks5"), ("environment", "socks5h"), ("proxy-url", "SOCKS4"), ("proxy-url", "socks5")],
)
def test_a_socks_proxy_is_refused_with_the_remedy(
    cluster: World, served: tuple[Server, Certificate], where: str, scheme: str
) -> None:
    """A SOCKS proxy is an error of status 2, which says that an http proxy is supported."""
    url = f"{scheme}://me:SECRET@127.0.0.1:1080"
    variables = {"HTTPS_PROXY": url} if where != "proxy-url" else {}
    if where == "pod":
        finished = in_a_pod(cluster, served[0], served[1].authority_pem, **variables)
    else:
        through(cluster, served, url if where == "proxy-url" else None)
        finished = forks.run(cluster, *LOGIN, **variables)
    line = complaint(finished, 2)
    assert "socks proxies are not supported" in line
    assert "http proxy" in line
    assert "HTTPS_PROXY and ALL_PROXY" in line
    assert "SECRET" not in line


def test_a_proxy_that_answers_byte_by_byte_is_given_up(
    cluster: World, served: tuple[Server, Certificate], proxy: Proxy
) -> None:
    """A proxy that answers byte by byte is given up after a timeout, and the next connection is used."""
    proxy.drips = True
    through(cluster, served, proxy.url)
    finished = forks.start(cluster, *LOGIN, change=IMPATIENT).finish()
    assert who(finished, served[0]) == "first"
    assert "timed out" in finished.stderr


IMPATIENT = "from jobs.edges import transport; transport.READ_SECONDS = 1.0"
"""Wait for an answer for one second."""

EXEMPTIONS = [
    ("https://10.1.2.3:6443", "10.0.0.0/8", True),
    ("https://10.1.2.3:6443", "10.1.2.3/8", True),
    ("https://10.1.2.3:6443", "11.0.0.0/8", False),
    ("https://10.1.2.3:6443", "10.1.2.3", True),
    ("https://10.1.2.3:6443", "10.1.2.3:6443", True),
    ("https://10.1.2.3:6443", "10.1.2.3:443", False),
    ("https://10.1.2.3:6443", ".2.3", True),
    ("https://[fd00::1]:6443", "fd00::/8", True),
    ("https://[fd00::1]:6443", "10.0.0.0/8", False),
    ("https://api.example.com:6443", "example.com", True),
    ("https://api.example.com:6443", ".example.com", True),
    ("https://api.example.com:6443", "*.example.com", False),
    ("https://api.example.com:6443", "EXAMPLE.com:6443", True),
    ("https://API.example.com:6443", "api.example.com", True),
    ("https://api.example.com:6443", "example.com:443", False),
    ("https://badexample.com:6443", "example.com", False),
    ("https://api.example.com", "other.com, example.com ,", True),
    ("https://api.example.com", "*", True),
    ("https://api.example.com", "", False),
    ("https://api.example.com", " , ,", False),
    ("https://api.example.com.", ".", True),
    ("https://me:secret@api.example.com:6443", "api.example.com:6443", False),
    ("https://", "example.com", True),
]


@pytest.mark.parametrize(("server", "no_proxy", "exempt"), EXEMPTIONS)
def test_no_proxy_is_read_as_the_official_client_reads_it(server: str, no_proxy: str, exempt: bool) -> None:  # noqa: FBT001 - a table
    """NO_PROXY exempts the servers that the official client exempts."""
    assert is_exempt(server, no_proxy) == should_bypass_proxies(server, no_proxy) == exempt
