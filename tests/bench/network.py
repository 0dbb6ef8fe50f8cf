"""A network of the bench's own, in which public addresses of nodes answer, refuse, or fall silent as it wants."""

import asyncio
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterable
from typing import Any, Self

import pytest

from tests.support.odd_certificates import Style, authority
from tests.support.processes import network

HOST, PORT = "www.example.com", 443
URL = f"https://{HOST}/healthz"
_INSIDE = "KUBE_NODE_DNS_BENCH_INSIDE"
INTERFACE = "away"
"""An interface with a public address."""
_NETWORK = f"""
link {INTERFACE}
ip link set {INTERFACE} arp off
ip address add 5.76.0.1/32 dev {INTERFACE}
ip route add 5.75.0.0/16 dev {INTERFACE}
"""
"""What is on its way to 5.75.0.0/16 is lost, but for the addresses that loopback has."""


def enter(module: str) -> None:
    """Run this command again in such a network, unless it is in one."""
    if os.environ.pop(_INSIDE, ""):
        return
    try:
        inside = network(_NETWORK)
    except pytest.skip.Exception as error:
        sys.exit(f"the bench needs a network of its own: {error}")
    command = [*inside, sys.executable, "-m", module, *sys.argv[1:]]
    os.execvpe(command[0], command, {**os.environ, _INSIDE: "1"})  # noqa: S606 - no shell is wanted


class Sites:
    """A web server for https at each address, all of them in one thread, while the context lasts."""

    def __init__(self) -> None:
        """Make their certificate."""
        signer = authority()
        self.authority_pem = signer.pem
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        signer.issue(Style(names=(HOST,))).serve_with(self._tls)
        self._servers: dict[str, asyncio.Server] = {}
        self._ill: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # of clients that only connect
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        """Begin without an address."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all of them."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def serve(self, addresses: Iterable[str]) -> None:
        """Answer with a status of 200 at some more addresses."""
        addresses = list(addresses)
        _ip("".join(f"address add {each}/32 dev lo\n" for each in addresses))
        for each in addresses:
            self._servers[each] = self._run(asyncio.start_server(self._answer, each, PORT, ssl=self._tls))

    def fail(self, address: str) -> None:
        """Answer with a status of 503 from now on."""
        self._ill.add(address)

    def refuse(self, address: str) -> None:
        """Take no more connections."""
        server = self._servers.pop(address)
        self._loop.call_soon_threadsafe(server.close)

    def silence(self, *addresses: str) -> None:
        """Let whatever is sent there be lost."""
        _ip("".join(f"address del {each}/32 dev lo\n" for each in addresses))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            status = 503 if writer.get_extra_info("sockname")[0] in self._ill else 200
            writer.write(f"HTTP/1.1 {status} It\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # of a client that has had enough
        finally:
            writer.close()

    def _run(self, work: Coroutine[Any, Any, asyncio.Server]) -> asyncio.Server:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _ip(script: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True)
