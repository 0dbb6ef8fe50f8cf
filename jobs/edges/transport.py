"""Connections to one API server through urllib3: certificates as kubectl takes them, proxies, answers in time."""

import math
import ssl
import time
from collections.abc import Callable, Mapping
from http import client
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from msgspec import Struct

from jobs.core.errors import ConfigurationError
from jobs.edges.urllib3_names import (
    BaseHTTPResponse,
    HTTPConnection,
    HTTPConnectionPool,
    HTTPHeaderDict,
    HTTPResponse,
    HTTPSConnection,
    HTTPSConnectionPool,
    LocationValueError,
    PoolManager,
    ProxyManager,
    Timeout,
    create_urllib3_context,
    make_headers,
    parse_url,
    resolve_cert_reqs,
)

if TYPE_CHECKING:
    from socket import socket

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""How long the head of a response may take as a whole, and how long a server may be silent within the rest."""

_IDLE_CONNECTIONS = 16  # what is more is closed after use; a watcher has two threads, and one per CronJob
_CHECK_PROXY = "check proxy-url in the kubeconfig, HTTPS_PROXY and ALL_PROXY"


class Credentials(NamedTuple):
    """What a request is sent with."""

    authorization: str | None
    """The value of the header."""
    certificate_file: str | None = None
    key_file: str | None = None


class Login(Struct, frozen=True, eq=False):
    """How to reach an API server, and as whom. Files are read again for each connection: they may be replaced."""

    server: str
    """Its URL."""
    source: str
    """What it is taken from, for messages."""
    credentials: Callable[[], Credentials]
    """Gives those of the moment, for each request; raises Failure."""
    impersonation: tuple[tuple[str, str], ...] = ()
    """The headers by which one acts as somebody else; several may have one name."""
    ca_file: str | None = None
    ca_data: str | bytes | None = None
    """The authority's certificates; without them and without a file those of the system."""
    verify: bool = True
    server_name: str | None = None
    """The name in the server's certificate, where it is not the one in the URL."""
    assert_hostname: str | bool | None = None
    proxy: str | None = None
    proxy_headers: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        """Show none of its secrets."""
        return f"Login({self.source!r})"


class Transport:
    """Requests by one login; the caller decides what is tried again, and follows no redirect."""

    def __init__(self, login: Login) -> None:
        """Connect nowhere yet; raises ConfigurationError for a proxy that cannot be used."""
        self._login = login
        settings: dict[str, Any] = {
            "maxsize": _IDLE_CONNECTIONS,
            "cert_reqs": ssl.CERT_REQUIRED if login.verify else ssl.CERT_NONE,
            "ca_certs": login.ca_file,
            "ca_cert_data": login.ca_data,
            "server_hostname": login.server_name,
            "assert_hostname": login.assert_hostname,
        }
        proxy, headers = login.proxy, login.proxy_headers
        self._pools = _through(proxy, headers, settings) if proxy else PoolManager(**settings)
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> BaseHTTPResponse:
        """Send a request and give the response, of which no more than the head is read.

        Raises urllib3's errors, and Failure where there are no credentials.
        """
        authorization, certificate, key = self._login.credentials()
        self._pools.connection_pool_kw.update(cert_file=certificate, key_file=key)  # each has its own connections
        fields = HTTPHeaderDict(headers)
        if authorization:
            fields["Authorization"] = authorization
        for name, value in self._login.impersonation:
            fields.add(name, value)
        return self._pools.urlopen(
            method,
            self._login.server + path,
            headers=fields,
            body=body,
            timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            redirect=False,
            preload_content=False,
        )


def _through(proxy: str, headers: Mapping[str, str] | None, settings: Mapping[str, Any]) -> ProxyManager:
    """Connect through a proxy. No message shows its URL: a password may stand in it."""
    if proxy.lower().startswith("socks"):
        raise ConfigurationError(f"socks proxies are not supported, use an http proxy; {_CHECK_PROXY}")
    try:
        user, _, password = (parse_url(proxy).auth or "").partition(":")
        if user and not headers:  # urllib3 leaves it out
            headers = make_headers(proxy_basic_auth=f"{unquote(user)}:{unquote(password)}")
        return ProxyManager(proxy, proxy_headers=headers, **settings)
    except LocationValueError as error:
        raise ConfigurationError(f"the proxy to Kubernetes cannot be used; {_CHECK_PROXY}") from error


def expect(response: BaseHTTPResponse, seconds: float, silence_seconds: float | None = None) -> None:
    """Wait so many seconds from now on for all that is still to come of a response, and so many for its next bytes."""
    if isinstance(response.connection, Connection):  # there is none once all has come
        response.connection.expect(seconds, silence_seconds or READ_SECONDS)


class Connection(HTTPConnection):
    """A connection on which a response comes in time or fails with a timeout.

    The timeout of a socket is for one call only: a server that sends a byte now and then would never exceed it.
    """

    head_seconds = READ_SECONDS
    _until = math.inf
    _silence_seconds = READ_SECONDS

    def expect(self, seconds: float, silence_seconds: float) -> None:
        """Wait so many seconds from now on for all that is still to come, and so many for its next bytes."""
        self._until = time.monotonic() + seconds
        self._silence_seconds = silence_seconds

    def left(self) -> float:
        """Seconds to wait for the next bytes; raises TimeoutError when it is too late for them."""
        left = min(self._silence_seconds, self._until - time.monotonic())
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def connect(self) -> None:
        """Connect, through a proxy if there is one."""
        self.expect(READ_SECONDS, READ_SECONDS)  # a proxy has to answer in time, too
        super().connect()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own is
        """Read the head of a response."""
        self.expect(self.head_seconds, self.head_seconds)
        return super().getresponse()

    def response_class(self, sock: "socket", method: str | None = None) -> client.HTTPResponse:  # type: ignore[override]
        """Give what http.client reads a response with, of a server or of a proxy; it calls this instead of a class."""
        response = client.HTTPResponse(sock, method=method)
        response.fp = BufferedReader(_InTime(response.fp.detach(), sock, self.left))
        return response


class _SecureConnection(Connection, HTTPSConnection):
    """The same with TLS, in a context of its own: one that is kept would go on trusting authorities of the past."""

    def connect(self) -> None:
        self.ssl_context = kubectl_context(resolve_cert_reqs(self.cert_reqs))
        if not self.ca_certs and not self.ca_cert_data:
            self.ssl_context.load_default_certs()
        super().connect()


def kubectl_context(verify: ssl.VerifyMode) -> ssl.SSLContext:
    """Take certificates as kubectl: Python 3.13 refuses the authorities of EKS, without key usage and identifiers."""
    context = create_urllib3_context(cert_reqs=verify)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


class _Pool(HTTPConnectionPool):
    ConnectionCls = Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _InTime(RawIOBase):
    """What a socket receives, as long as there is time left."""

    def __init__(self, raw: RawIOBase, sock: "socket", left: Callable[[], float]) -> None:
        self._raw, self._sock, self._left = raw, sock, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any buffer
        self._sock.settimeout(self._left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()  # or the socket stays open
        super().close()
