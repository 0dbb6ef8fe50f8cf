"""An HTTP proxy on loopback that opens tunnels, as those do that stand before clusters."""

import base64
import contextlib
import select
import socket
import threading
import time
from typing import Self


class Proxy:
    """A proxy, running while the context lasts."""

    def __init__(self) -> None:
        """Bind a free port."""
        self.asked: list[str] = []
        """The hosts and ports that tunnels were asked for."""
        self.password: str | None = None
        """`name:password` of whoever may use it; None for everybody."""
        self.drips = False
        """Whether the first answer comes byte by byte and never ends."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Accept connections."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Accept no more."""
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            target = head.split()[1].decode()
            self.asked.append(target)
            wanted = self.password and b"Basic " + base64.b64encode(self.password.encode())
            if self.drips:
                self.drips = False
                self._drip(client)
            elif wanted and wanted not in head:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            else:
                host, _, port = target.rpartition(":")
                with socket.create_connection((host.strip("[]"), int(port))) as server:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _copy(client, server)

    @staticmethod
    def _drip(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 Connection established\r\nX-Slow: ")
        while True:
            client.sendall(b"0")
            time.sleep(0.1)


def _copy(*ends: socket.socket) -> None:
    """Hand over what comes on either connection until one of them ends."""
    while True:
        readable, _, _ = select.select(ends, [], [])
        for end in readable:
            data = end.recv(65536)
            if not data:
                return
            ends[end is ends[0]].sendall(data)
