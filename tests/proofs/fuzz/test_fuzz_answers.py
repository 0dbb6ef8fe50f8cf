"""Whatever a web server answers to a probe, or to the question for this machine's addresses: an answer, or a reason."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from itertools import cycle

from hypothesis import given
from hypothesis import strategies as st

from jobs.core.errors import Failure
from jobs.core.probe import Probe
from jobs.edges.fetch import LARGEST_BYTES, fetch
from jobs.edges.probe import probe
from tests.proofs.fuzz.values import examples

HERE = IPv4Address("127.0.0.1")
HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n127.0.0.1",
    b"HTTP/1.1 204 \r\n\r\n",
    b"HTTP/1.0 399 Odd\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
)
"""Proper responses; anything else is made of these."""
PIECES = (
    *(b"HTTP/1.1 ", b"HTTP/9.9 ", b"200", b"-1", b"99999999999999999999", b" OK", b"\r\n", b"\n", b"\r\n\r\n", b"\0"),
    *(b"Content-Length: -5", b"Content-Length: 5, 7", b"Transfer-Encoding: chunked", b"ffffffffffffffff\r\n"),
    *(b"Content-Encoding: gzip", b": ", b"\xff\xfe", b"X" * 70_000, b"A: b\r\n" * 200),
)
odd = st.lists(st.sampled_from([*HEADS, *PIECES]) | st.binary(max_size=20), max_size=8).map(b"".join)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, responses: list[bytes]) -> None:
        super().__init__((str(HERE), 0), _Connection)
        self.next = cycle(responses)
        self.lock = threading.Lock()


class _Connection(socketserver.BaseRequestHandler):
    """Sends what is next, whatever it is asked for."""

    server: _Server

    def handle(self) -> None:
        self.request.recv(4096)
        with self.server.lock:
            response = next(self.server.next)
        self.request.sendall(response)


@contextmanager
def served(*responses: bytes) -> Iterator[int]:
    """Send these in turn; give the port."""
    with _Server(list(responses)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@examples(0.1)
@given(st.lists(odd, min_size=20, max_size=20))
def test_an_address_answers_or_says_why_not(responses: list[bytes]) -> None:
    """A probe of any response is an answer or a reason in words, and nothing is raised."""
    with served(*responses) as port:
        targets = [(HERE, Probe("http", port, "www.example.com", f"/{number}")) for number in range(len(responses))]
        answers, without_route = probe(targets)
    assert without_route == frozenset()
    assert answers.keys() == set(targets)
    assert all(why is None or why.isprintable() for why in answers.values())


@examples(2)
@given(odd)
def test_a_service_replies_or_fails(response: bytes) -> None:
    """What asks for this machine's addresses gets a text of bounded size, or a failure; nothing else is raised."""
    with served(response) as port, suppress(Failure):
        assert len(fetch("GET", f"http://{HERE}:{port}/", {}).text) <= LARGEST_BYTES
