"""Passwords in the URL of a proxy or of an endpoint: what sync-once reports of a Route 53 that it cannot reach."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidProxiesConfigError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

from jobs.edges.aws_errors import translated
from tests.sandbox.world import World
from tests.support import forks
from tests.support.processes import complaint
from tests.support.sync_runs import DOMAIN, no_place, sync

COMMAND = ("sync-once", "--domain", DOMAIN)
JSON = ("--log-format", "json", "--output", "json")
QUICK = """
slept = [0.0]
now = clock.Clock.now
clock.Clock.now = lambda self: now(self) + slept[0]
clock.Clock.sleep = lambda self, seconds: slept.append(slept.pop() + seconds)
"""
"""Never wait, and count the time as if it had passed."""
LOGIN_URL = "http://me:SECRET@localhost:1"
NOWHERE = {"AWS_ENDPOINT_URL_ROUTE_53": "http://localhost:1", "NO_PROXY": "127.0.0.1"}
"""An endpoint to which any proxy leads, and a cluster to which none does."""


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ProxyConnectionError(proxy_url=LOGIN_URL), id="proxy"),
        pytest.param(ProxyConnectionError(proxy_url=f"http://socks5{LOGIN_URL[4:]}"), id="odd proxy"),
        pytest.param(EndpointConnectionError(endpoint_url=LOGIN_URL), id="endpoint"),
        pytest.param(ConnectTimeoutError(endpoint_url=LOGIN_URL), id="no connection in time"),
        pytest.param(ReadTimeoutError(endpoint_url=LOGIN_URL), id="no answer in time"),
        pytest.param(ConnectionClosedError(endpoint_url=LOGIN_URL), id="closed"),
        pytest.param(SSLError(endpoint_url=LOGIN_URL, error="no"), id="certificate"),
        pytest.param(HTTPClientError(error=f"Failed to parse: {LOGIN_URL}"), id="unexpected"),
        pytest.param(InvalidProxiesConfigError(error=LOGIN_URL), id="settings of the proxy"),
        pytest.param(ValueError(f"Invalid endpoint: {LOGIN_URL}"), id="settings of the endpoint"),
    ],
)
def test_no_error_of_aws_shows_a_login(error: BotoCoreError | ValueError) -> None:
    """An error that quotes a URL shows neither the user nor the password in it."""
    words = str(translated(error, "route53:GetChange on x"))
    assert "SECRET" not in words
    assert "me:" not in words


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        pytest.param({"HTTP_PROXY": LOGIN_URL}, ("-v",), id="proxy"),
        pytest.param({"HTTP_PROXY": "me:SECRET@localhost:1"}, ("-v", *JSON), id="proxy without scheme"),
        pytest.param({"AWS_ENDPOINT_URL_ROUTE_53": LOGIN_URL}, JSON, id="endpoint"),
    ],
)
def test_the_login_of_a_url_is_not_reported(world: World, variables: dict[str, Any], options: tuple[str, ...]) -> None:
    """A proxy or an endpoint that is not there is reported by its host, as text, as JSON and with -v."""
    no_place(world)
    finished = forks.start(world, *COMMAND, *options, change=QUICK, **NOWHERE | variables).finish()
    assert finished.returncode == 1, finished.stderr
    assert "localhost:1" in finished.stderr
    assert "SECRET" not in finished.stdout + finished.stderr


def test_a_socks_proxy_to_route_53_is_refused(world: World) -> None:
    """A SOCKS proxy is an error of status 2, which names the remedy and the variable but no password."""
    no_place(world)
    line = complaint(sync(world, **NOWHERE, HTTP_PROXY="socks5h://me:SECRET@localhost:1"), 2)
    assert "socks proxies are not supported, use an http proxy" in line
    assert "HTTP_PROXY" in line
    assert "SECRET" not in line
