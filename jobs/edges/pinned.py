"""Connections to an address of one's choice, for probes and for services that know this machine's addresses."""

import ssl

from jobs.edges.transport import Connection, kubectl_context
from jobs.edges.urllib3_names import HTTPConnectionPool, HTTPSConnection, HTTPSConnectionPool, Timeout

HEAD_SECONDS = 3.0
"""How long the head of a response may take as a whole."""


def pinned_pool(
    address: str, port: int, host: str, seconds: float, context: ssl.SSLContext | None
) -> HTTPConnectionPool:
    """Give connections to an address, whatever the name of the host in the URL resolves to (as `curl --resolve`).

    With TLS if there is a context; certificates have to be valid for the host, by the authorities in that.
    """
    timeout = Timeout(connect=seconds, read=seconds)
    if context is None:
        return _HastyPool(address, port, timeout=timeout)
    return _HastySecurePool(
        address,
        port,
        timeout=timeout,
        cert_reqs="CERT_REQUIRED",
        ssl_context=context,
        server_hostname=host,
    )


class _HastyConnection(Connection):
    head_seconds = HEAD_SECONDS


class _HastySecureConnection(Connection, HTTPSConnection):
    head_seconds = HEAD_SECONDS


class _HastyPool(HTTPConnectionPool):
    ConnectionCls = _HastyConnection


class _HastySecurePool(HTTPSConnectionPool):
    ConnectionCls = _HastySecureConnection


def public_context() -> ssl.SSLContext:
    """Trust the system's authorities and SSL_CERT_FILE. For many connections: to read them takes 40 ms of CPU."""
    context = kubectl_context(ssl.CERT_REQUIRED)
    context.load_default_certs()
    return context
