"""A server that sends byte by byte holds no job up for longer than a timeout."""

import time
from collections.abc import Iterator

import pytest

from tests.sandbox.server import Response, wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.instead import Instead
from tests.support.sync_runs import DOMAIN, addresses
from tests.support.watching import jobs, populated, version_in, watching

IMPATIENT = """
from jobs.edges import cluster, responses, transport
transport.READ_SECONDS = responses.RESPONSE_SECONDS = cluster.SILENCE_SECONDS = 2.0
"""
"""Wait for 2 s where the program waits for 10 or more."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
IN_HEAD = HEAD + b"X-Slow: "
IN_CHUNK_SIZE = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
IN_BODY = HEAD + b"Content-Length: 1000000\r\n\r\n"


def dripping(world: World, operation: str, begin: bytes) -> None:
    """Let the first answer to an operation begin as given and go on byte by byte, until nobody listens."""
    first = iter([True])

    def drops() -> Iterator[bytes]:
        yield begin
        while True:
            yield b"0"
            time.sleep(0.1)

    Instead(
        world.cluster, operation, 1, lambda right: Response(200, drops(), verbatim=True) if next(first, None) else right
    )


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
    dripping(world, "list nodes", begin)
    finished = forks.start(world, "sync-once", "--domain", DOMAIN, change=IMPATIENT).finish()
    assert finished.returncode == 0, finished.stderr
    assert "imed out" in finished.stderr
    assert addresses(world, zone) == {"5.75.128.10"}


@pytest.mark.parametrize("operation", ["list nodes", "watch nodes", "list leases", "get cronjobs", "create jobs"])
def test_a_watcher_is_not_silenced(world: World, operation: str) -> None:
    """A node that fails while an answer drips gets its Job through the next connection; the call is made again."""
    dripping(populated(world), operation, IN_BODY)
    with watching(world, change=IMPATIENT):
        assert wait_until(lambda: operation in world.cluster.operations(), 60)
        changed = int(world.kubernetes.set_ready("fra-1", "False")["metadata"]["resourceVersion"])
        assert wait_until(lambda: any(version_in(job) >= changed for job in jobs(world)), 60)
        assert wait_until(lambda: world.cluster.operations().count(operation) > 1, 60)
