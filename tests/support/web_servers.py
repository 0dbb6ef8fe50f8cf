"""Small web servers on addresses of one's own choice, some of which are not what they should be."""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from tests.support.odd_certificates import Issued, Style, authority

HOST = "www.example.com"
"""The name in the certificates."""

Certificate = Literal["good", "of another name", "of another authority", "expired", "none"]
Manner = Literal["answers", "never ends its body", "falls silent", "drips its head", "drips its handshake", "hangs up"]

_LONGEST_HEAD = 2**16
_DRIP_SECONDS = 0.2
_HANDSHAKE = b"\x16\x03"
"""How a client begins who takes a server of plain HTTP for one with TLS."""


class Seen(NamedTuple):
    """A request as a server got it."""

    address: str
    line: str
    host: str
    server_name: str
    """What the client asked for in its TLS handshake (SNI)."""


@dataclass(frozen=True)
class WebServer:
    """Where a server listens, and what it does; `none` as its certificate is plain HTTP."""

    address: str
    port: int = 443
    status: int = 200
    certificate: Certificate = "good"
    manner: Manner = "answers"


@cache
def _authorities() -> tuple[Issued, Issued]:
    return authority(), authority()


def authority_pem() -> bytes:
    """Give what a client has to trust: the authority of the good certificates."""
    return _authorities()[0].pem


def _context(certificate: Certificate, names: Callable[[str], None]) -> ssl.SSLContext | None:
    if certificate == "none":
        return None
    ours, others = _authorities()
    style = {"of another name": Style(names=("other.example.com",)), "expired": Style(names=(HOST,), days=(-3, -1))}
    signer = others if certificate == "of another authority" else ours
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signer.issue(style.get(certificate, Style(names=(HOST,)))).serve_with(context)
    context.sni_callback = lambda _, name, __: names(name or "")
    return context


class _Listener(socketserver.ThreadingTCPServer):
    """Serves one of them, each connection in a thread of its own."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 4096

    def __init__(self, kind: WebServer, seen: list[Seen]) -> None:
        self.address_family = socket.AF_INET6 if ":" in kind.address else socket.AF_INET
        self.kind, self.seen = kind, seen
        self.stopping = threading.Event()
        self.server_name = threading.local()
        self.context = _context(kind.certificate, lambda name: setattr(self.server_name, "value", name))
        super().__init__((kind.address, kind.port), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    """One connection: a request, then what the server is like."""

    server: _Listener

    def handle(self) -> None:
        kind = self.server.kind
        with contextlib.suppress(OSError):  # of a client that has had enough
            if kind.manner == "drips its handshake":
                self.request.recv(_LONGEST_HEAD)
                self.drip(self.request, _HANDSHAKE + b"\x03\x3f\xff")
                return
            if self.server.context is None:
                self.answer(self.request)
                return
            with self.server.context.wrap_socket(
                self.request, server_side=True, do_handshake_on_connect=False
            ) as connection:
                connection.do_handshake()
                self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        kind = self.server.kind
        line, headers = _head(connection)
        name = getattr(self.server.server_name, "value", "")
        self.server.seen.append(Seen(kind.address, line, headers.get("host", ""), name))
        answer = f"HTTP/1.1 {kind.status} Whatever\r\nLocation: http://{kind.address}:81/\r\n"
        match kind.manner:
            case "answers":
                connection.sendall(f"{answer}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            case "never ends its body":
                connection.sendall(f"{answer}\r\n".encode())
                self.drip(connection, b"")
            case "falls silent":
                self.server.stopping.wait()
            case "drips its head":
                self.drip(connection, f"{answer}X: ".encode())
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def drip(self, connection: socket.socket, begin: bytes) -> None:
        """Send something, then a byte now and then as long as somebody listens."""
        connection.sendall(begin)
        while not self.server.stopping.wait(_DRIP_SECONDS):
            connection.sendall(b"x")


def _head(connection: socket.socket) -> tuple[str, dict[str, str]]:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
        more = connection.recv(_LONGEST_HEAD)
        if not more:
            raise ConnectionError
        head += more
        if head.startswith(_HANDSHAKE):
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            raise ConnectionError
    line, *lines = head.decode("ascii").splitlines()
    pairs = (each.partition(":") for each in lines if each)
    return line, {name.lower(): value.strip() for name, _, value in pairs}


@contextlib.contextmanager
def web_servers(kinds: Sequence[WebServer]) -> Iterator[tuple[list[Seen], list[int]]]:
    """Serve all of these while the context lasts; give the requests so far, in the order they came, and the ports."""
    seen: list[Seen] = []
    with contextlib.ExitStack() as stack:
        ports = []
        for kind in kinds:
            listener = stack.enter_context(_Listener(kind, seen))
            stack.callback(listener.shutdown)
            stack.callback(listener.stopping.set)
            threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
            ports.append(listener.server_address[1])
        yield seen, ports
