"""A server that sends byte by byte holds no job up for longer than a timeout."""

import itertools
import sys
import time
from collections.abc import Iterator

import pytest

from tests.sandbox.server import FaultKind, Request, Response, Server, Service, wait_until
from tests.sandbox.world import World
from tests.support.processes import environment_of, run
from tests.support.sync_runs import DOMAIN, addresses
from tests.support.watching import cronjob, jobs, started, version_in

IMPATIENT = (
    sys.executable,
    "-c",
    """
from jobs.__main__ import main
from jobs.edges import responses, cluster, transport
transport.READ_SECONDS = responses.RESPONSE_SECONDS = cluster.SILENCE_SECONDS = 2.0
main()
""",
)
"""The program, but that it waits for 2 s where it waits for 10 or more."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
IN_HEAD = HEAD + b"X-Slow: "
IN_CHUNK_SIZE = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
IN_BODY = HEAD + b"Content-Length: 1000000\r\n\r\n"


class Dripping:
    """A service whose first answer to an operation begins as given and goes on byte by byte, until nobody listens."""

    def __init__(self, server: Server, operation: str, begin: bytes) -> None:
        """Put it between the server and its service."""
        self._service: Service = server.service
        self._slow, self._begin, self._count = operation, begin, itertools.count()
        server.service = self

    def operation(self, request: Request) -> str:
        """Name the operation."""
        return self._service.operation(request)

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Fail as the service does."""
        return self._service.failure(kind, request)

    def answer(self, request: Request) -> Response:
        """Answer as the service does, but for the one."""
        if self.operation(request) != self._slow or next(self._count):
            return self._service.answer(request)
        return Response(200, self._drops(), verbatim=True)

    def _drops(self) -> Iterator[bytes]:
        yield self._begin
        while True:
            yield b"0"
            time.sleep(0.1)


WHERE = [
    pytest.param(IN_HEAD, id="head"),
    pytest.param(IN_CHUNK_SIZE, id="chunk size"),
    pytest.param(IN_BODY, id="body"),
]


@pytest.mark.parametrize("begin", WHERE)
def test_a_sync_asks_again(world: World, begin: bytes) -> None:
    """A sync gives up an answer that comes byte by byte, and succeeds with the next one."""
    zone = world.route53.zone("example.com")
    world.node("fra-1", "5.75.128.10")
    Dripping(world.cluster, "list nodes", begin)
    finished = run(("sync-once", "--domain", DOMAIN), environment_of(world), program=IMPATIENT)
    assert finished.returncode == 0, finished.stderr
    assert "imed out" in finished.stderr
    assert addresses(world, zone) == {"5.75.128.10"}


@pytest.mark.parametrize("begin", WHERE)
@pytest.mark.parametrize("operation", ["list nodes", "watch nodes", "list leases", "get cronjobs", "create jobs"])
def test_a_watcher_is_not_silenced(world: World, operation: str, begin: bytes) -> None:
    """A node that fails while an answer drips gets its Job through the next connection; the call is made again."""
    world.node("fra-1", "5.75.128.10")
    world.node("nyc-1", "5.161.40.7")
    world.kubernetes.put(cronjob())
    Dripping(world.cluster, operation, begin)
    options = ("--cronjob", "sync", "--namespace", "default", "--min-interval", "1")
    with started(environment_of(world), *options, command=IMPATIENT):
        assert wait_until(lambda: operation in world.cluster.operations(), 60)
        changed = int(world.kubernetes.set_ready("fra-1", "False")["metadata"]["resourceVersion"])
        assert wait_until(lambda: any(version_in(job) >= changed for job in jobs(world)), 60)
        assert wait_until(lambda: world.cluster.operations().count(operation) > 1, 60)
