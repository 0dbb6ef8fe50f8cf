"""A loopback HTTP server that remembers what it was asked and fails on command."""

import contextlib
import fnmatch
import http.server
import select
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

from urllib3 import HTTPHeaderDict

FaultKind = Literal[
    "throttled",  # the service's own "too many requests"
    "unavailable",  # 503
    "access denied",  # the service's own refusal
    "expired token",  # the service's own word for credentials that were good once
    "malformed",  # 200 with a body that is not what the API promises
    "empty",  # 200 without a body
    "slow",  # answered after `seconds`
    "reset",  # connection reset, request not processed
    "refused",  # the same, and every new connection is refused for `seconds`
    "applied then dropped",  # processed, then the connection is reset
    "applied then silent",  # processed, then nothing for `seconds`
]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the calls `first` to `last` (1-based, of those that match) of an operation.

    `operation` is a glob over the service's operation names (`ListResourceRecordSets`, `patch nodes`). Calls are
    counted from the moment the fault is set; `last=None` means for good.
    """

    kind: FaultKind
    operation: str = "*"
    first: int = 1
    last: int | None = None
    seconds: float = 60.0


@dataclass(frozen=True)
class Request:
    """One HTTP request as it arrived; `headers` are found whatever their case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """What to answer; `body` may be an iterable of chunks, which are sent as they come (a watch).

    A "Date" among the `headers` replaces the machine's own: the time at a service with a clock of its own.

    An empty chunk sends nothing but ends the response if nobody listens any more: yield one now and then.
    """

    status: int
    body: bytes | Iterable[bytes] = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    verbatim: bool = False
    """Whether the chunks of `body` are all that is sent, status line and headers included: no HTTP at all."""


@dataclass
class Call:
    """One request in the server's memory; `number` counts the calls of its operation from 1, `fault` befalls it."""

    operation: str
    number: int
    request: Request
    fault: Fault | None = None
    status: int | None = None
    over: bool = False
    """Whether nothing will come of it any more: it was answered, or dropped, after whatever delay."""


class Service(Protocol):
    """What a double implements: the rules of the real system, without HTTP."""

    def operation(self, request: Request) -> str:
        """Name the operation a request asks for."""

    def answer(self, request: Request) -> Response:
        """Process a request; called by many threads."""

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Give the service's own form of `throttled`, `unavailable`, `access denied`, `expired token`, `malformed`."""


class Server:
    """Serves one `Service` on a free port of loopback, or at an address of one's own, in threads of this process."""

    def __init__(
        self, service: Service, *, tls: ssl.SSLContext | None = None, at: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        """Bind a port and listen."""
        self.service = service
        self.calls: list[Call] = []
        self.before: Callable[[Call], None] = lambda _call: None
        """Called before a request is processed: the place to change the world between two calls."""
        self._faults: list[tuple[Fault, list[Call]]] = []
        self._lock = threading.Lock()
        self._tls = tls
        self._stopping = threading.Event()
        self._http: _Http | None = None
        self._host = at[0]
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._reserved = socket.socket(family)  # never listens: it keeps the port from others while nobody does
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(at)
        self._port: int = self._reserved.getsockname()[1]
        self.listen()

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients find this server."""
        return f"http{'s' if self._tls else ''}://{self._host}:{self._port}"

    def __enter__(self) -> Self:
        """Nothing more to do: a server listens from its making."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; connections still open end with their threads."""
        self._stopping.set()
        self.refuse()
        self._reserved.close()

    def listen(self) -> None:
        """Accept connections (again) on the same port."""
        with self._lock:
            if self._http is None and not self._stopping.is_set():
                self._http = _Http((self._host, self._port), self, self._tls)
                threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self) -> None:
        """Refuse every new connection until `listen`, and end the open ones."""
        with self._lock:
            listening, self._http = self._http, None
        if listening is not None:
            listening.shutdown()
            listening.server_close()
            listening.end_connections()

    def fail(self, *faults: Fault) -> None:
        """Set faults; the first that matches a call decides."""
        with self._lock:
            self._faults += [(fault, []) for fault in faults]

    def heal(self) -> None:
        """Take every fault away and forget the calls counted for them."""
        with self._lock:
            self._faults.clear()

    def operations(self) -> list[str]:
        """Name the operations called so far, in order."""
        with self._lock:
            return [call.operation for call in self.calls]

    def record(self, request: Request) -> Call:
        """Note a call with the fault that is due for it."""
        operation = self.service.operation(request)
        with self._lock:
            call = Call(operation, 1 + sum(known.operation == operation for known in self.calls), request)
            self.calls.append(call)
            for fault, seen in self._faults:
                if fnmatch.fnmatchcase(operation, fault.operation):
                    seen.append(call)
                    if call.fault is None and fault.first <= len(seen) <= (fault.last or len(seen)):
                        call.fault = fault
        return call

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the server."""
        self._stopping.wait(seconds)

    def refuse_for(self, seconds: float) -> None:
        """Refuse connections for a while, in the background."""

        def outage() -> None:
            self.refuse()
            self.pause(seconds)
            self.listen()

        threading.Thread(target=outage, daemon=True).start()


class _Http(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = allow_reuse_port = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], owner: Server, tls: ssl.SSLContext | None) -> None:
        self.owner = owner
        self.open: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def end_connections(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS' own would go on in clear

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may leave whenever they like."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Http

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: `Server.calls` has what came."""

    def serve(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = {key: values[-1] for key, values in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client is gone
            self._reset()
            return
        request = Request(
            self.command, urllib.parse.unquote(url.path), query, HTTPHeaderDict(self.headers.items()), body
        )
        owner = self.server.owner
        call = owner.record(request)
        try:
            owner.before(call)
            response = self._under_fault(owner, request, call.fault) if call.fault else owner.service.answer(request)
            if response is None:
                self._reset()
            else:
                call.status = response.status
                self._send(response)
        finally:
            call.over = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve  # noqa: N815 - the base class names them so

    def _under_fault(self, owner: Server, request: Request, fault: Fault) -> Response | None:
        match fault.kind:
            case "slow":
                owner.pause(fault.seconds)
                return owner.service.answer(request)
            case "reset":
                return None
            case "refused":
                owner.refuse_for(fault.seconds)
                return None
            case "applied then dropped":
                owner.service.answer(request)
                return None
            case "applied then silent":
                owner.service.answer(request)
                owner.pause(fault.seconds)
                return None
            case "empty":
                return Response(200)
            case kind:
                return owner.service.failure(kind, request)

    def _reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _send(self, response: Response) -> None:
        if response.verbatim and not isinstance(response.body, bytes):
            self.close_connection = True
            for chunk in response.body:
                self.wfile.write(chunk)
                self.wfile.flush()
            return
        self.send_response_only(response.status)
        headers = {"Date": self.date_time_string(), "Content-Type": response.content_type, **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if isinstance(response.body, bytes):
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for chunk in response.body:
            if chunk:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            elif self._is_left_alone():
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def _is_left_alone(self) -> bool:
        """Say whether client or server has ended this connection: only then is there anything to read."""
        poll = select.poll()
        poll.register(self.connection, select.POLLIN)
        return bool(poll.poll(0))


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Look every few milliseconds until something is true; say whether it became so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
