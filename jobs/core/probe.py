"""What addresses are asked for, by option: a TCP connection, or an answer to a URL. Pure."""

import re
from typing import NamedTuple, Self

from jobs.core.text import HOST

_URL = re.compile(rf"https?://(?P<host>{HOST})(:(?P<port>[0-9]{{1,5}}))?(?P<path>[/?][!-\"$-~]*)?")
"""Without a user, which nobody may see, and a fragment, which no server sees."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Probe(NamedTuple):
    """A TCP connection to a port (scheme `tcp`, no host), or a URL, asked of each address as `curl --resolve` does."""

    scheme: str
    port: int
    host: str = ""
    path: str = ""

    @property
    def acquits(self) -> bool:
        """Whether an answer proves who gave it: over TLS, with a certificate that is valid for the host."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The header Host of a URL (RFC 9110, 7.2)."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Give the form of the option, as short as it can be."""
        return f"tcp {self.port}" if self.scheme == "tcp" else f"{self.scheme}://{self.authority}{self.path}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `tcp:PORT`, `http://HOST[:PORT][/PATH]` or `https://…`; raises ValueError with a text for people."""
        scheme, _, rest = text.partition(":")
        if scheme == "tcp":
            if not re.fullmatch("[1-9][0-9]{0,4}", rest) or int(rest) > 65535:
                raise ValueError("is not tcp:PORT with a port from 1 to 65535, such as tcp:443")
            return cls("tcp", int(rest))
        if scheme not in _DEFAULT_PORTS or not re.fullmatch("[!-~]+", text):
            raise ValueError("is neither tcp:PORT nor a URL that begins with http:// or https://")
        url = _URL.fullmatch(text)
        port = int(url["port"]) if url and url["port"] else _DEFAULT_PORTS[scheme]
        if not url or not 1 <= port <= 65535:
            raise ValueError(f"is not {scheme}://HOST[:PORT][/PATH], such as {scheme}://www.example.com/healthz")
        path = url["path"] or "/"
        return cls(scheme, port, url["host"].lower(), path if path.startswith("/") else f"/{path}")
