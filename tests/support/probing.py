"""Sockets to be probed: ports that answer, refuse, or fall silent."""

import contextlib
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

from tests.sandbox.server import wait_until

_SYN_SENT = "02"


def loopback(number: int) -> IPv4Address:
    """Give one of many addresses of loopback."""
    return IPv4Address("127.1.0.0") + number


@contextlib.contextmanager
def listening(host: str = "0.0.0.0", port: int = 0) -> Iterator[int]:  # noqa: S104 - all of loopback's addresses
    """Answer connections; give the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=4096) as listener:
        yield listener.getsockname()[1]


class Refusing:
    """A port on which nobody listens until it is `opened`."""

    def __init__(self, host: str = "0.0.0.0", port: int = 0) -> None:  # noqa: S104 - as above
        """Own the port, so that nobody else gets it, but do not listen."""
        self._owner = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._owner.bind((host, port))
        self.port: int = self._owner.getsockname()[1]

    def open(self) -> None:
        """Answer from now on."""
        self._owner.listen()

    def __enter__(self) -> Self:
        """Own it from the beginning."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._owner.close()


class BlackHole:
    """A port that drops each packet: its queue is full, and nobody empties it until `drain`."""

    def __init__(self, host: str = "0.0.0.0", port: int = 0) -> None:  # noqa: S104 - all of loopback's addresses
        """Listen with a queue that has room for one, and fill it."""
        self._listener = socket.create_server((host, port), backlog=0)
        self.port: int = self._listener.getsockname()[1]
        self._queued: list[socket.socket] = []
        while self._takes_another():
            pass

    def _takes_another(self) -> bool:
        host = self._listener.getsockname()[0]
        connection = socket.socket()
        self._queued.append(connection)
        connection.settimeout(0.3)
        try:
            connection.connect((host if host != "0.0.0.0" else "127.0.0.1", self.port))  # noqa: S104 - as above
        except TimeoutError:
            return False
        return True

    def drain(self) -> None:
        """Answer from now on."""
        self._listener.listen(4096)

    def __enter__(self) -> Self:
        """Listen from the beginning."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        for each in (*self._queued, self._listener):
            each.close()

    def asking(self, address: IPv4Address) -> set[str]:
        """Give the local ports from which somebody waits for an answer of this port."""
        remote = f"{int.from_bytes(address.packed, 'little'):08X}:{self.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        return {row[1] for row in rows if row[2] == remote and row[3] == _SYN_SENT}

    def drain_at_second_try(self, address: IPv4Address) -> bool:
        """Answer as soon as somebody asks for the second time; return whether anybody did."""
        asked: set[str] = set()

        def twice() -> bool:
            asked.update(self.asking(address))
            return len(asked) > 1

        asked_twice = wait_until(twice)
        self.drain()
        return asked_twice
