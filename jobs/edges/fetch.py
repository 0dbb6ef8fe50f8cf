"""Small requests to services that know a machine's addresses: bounded in time and size, by no proxy, to no redirect."""

import logging
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from jobs.core.errors import Failure
from jobs.core.text import one_line, shortened
from jobs.edges.pinned import HEAD_SECONDS, pinned_pool
from jobs.edges.responses import reason
from jobs.edges.transport import expect
from jobs.edges.urllib3_names import HTTPError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
LARGEST_BYTES = 2**16

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6, None: socket.AF_UNSPEC}
_FAR_AWAY = {4: "198.41.0.4", 6: "2001:503:ba3e::2:30"}  # a.root-servers.net, to which nothing is sent
_NO_ADDRESS = {getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")}


class NoAddress(Failure):
    """The host has no address of the IP version asked for."""


class Reply(NamedTuple):
    """What a service answers, whatever its status."""

    status: int
    headers: Mapping[str, str]
    text: str


def routed_versions() -> Iterator[int]:
    """Name the IP versions by which this machine has a route to the internet.

    Connecting a datagram socket sends nothing: the kernel looks for a route, and for an address to send from.
    """
    for version, address in _FAR_AWAY.items():
        try:
            with socket.socket(_FAMILIES[version], socket.SOCK_DGRAM) as asking:
                asking.connect((address, 53))
                source = asking.getsockname()[0]
        except OSError:
            continue
        if not ip_address(source.partition("%")[0]).is_link_local:  # no answer finds its way back to one
            yield version


def fetch(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    version: int | None = None,
    context: ssl.SSLContext | None = None,
) -> Reply:
    """Ask a service, by one IP version if that is given, and with TLS if there is a context.

    Raises NoAddress, and Failure where no answer comes: at most 2 s are waited for a connection and 3 s for the head.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if context else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "User-Agent": "kube-node-dns", **headers}
    began, outcome = time.monotonic(), "no answer"
    try:
        for address in _addresses(url, host, port, version):
            try:
                reply = _asked(method, target, headers, (address, port, host), context)
            except (HTTPError, OSError) as error:
                outcome = reason(error)
                continue
            outcome = str(reply.status)
            return reply
    finally:
        log.debug("%s %s: %s in %.0f ms", method, url, outcome, 1000 * (time.monotonic() - began))
    raise Failure(f"{method} {url}: {outcome}")


def good(reply: Reply, what: str) -> str:
    """Give the text of a success; raises Failure for any other status."""
    if reply.status == 200:
        return reply.text
    hint = ", a redirect, which is not followed" if 300 <= reply.status < 400 else ""
    said = shortened(one_line(reply.text), 200)
    raise Failure(f"{what}: status {reply.status}{hint}{f': {said}' if said else ''}")


def _addresses(url: str, host: str, port: int, version: int | None) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, _FAMILIES[version], socket.SOCK_STREAM)
    except socket.gaierror as error:
        family = f" of IPv{version}" if version else ""
        if error.errno in _NO_ADDRESS:
            raise NoAddress(f"{url}: {host} has no address{family}") from error
        raise Failure(f"{url}: the address{family} of {host} cannot be looked up: {error.strerror}") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _asked(
    method: str, target: str, headers: Mapping[str, str], server: tuple[str, int, str], context: ssl.SSLContext | None
) -> Reply:
    address, port, host = server
    pool = pinned_pool(address, port, host, CONNECT_SECONDS, context)
    try:
        response = pool.urlopen(method, target, headers=headers, retries=False, redirect=False, preload_content=False)
        expect(response, HEAD_SECONDS)
        data = response.read(LARGEST_BYTES + 1, decode_content=False)
        response.close()
    finally:
        pool.close()
    if len(data) > LARGEST_BYTES:
        raise OSError(f"the answer has more than {LARGEST_BYTES >> 10} KiB")
    return Reply(response.status, response.headers, data.decode("utf-8", "replace"))
