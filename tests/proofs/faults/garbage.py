"""Servers that answer what no server should: nonsense, too slowly, or without end."""

import gzip
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.sandbox.server import Response
from tests.support.instead import MAKES


@dataclass(frozen=True)
class Garbage:
    """A kind of wrong answer, and by which words it is told."""

    name: str
    makes: MAKES
    words: str


def _body(content: bytes) -> MAKES:
    return lambda right: replace(right, body=content)


def _changed(change: Callable[[Any], object]) -> MAKES:
    """Change the JSON document of the right answer."""

    def make(right: Response) -> Response:
        assert isinstance(right.body, bytes)
        document = json.loads(right.body)
        change(document)
        return replace(right, body=json.dumps(document).encode())

    return make


def _go_on() -> Callable[[Any], object]:
    """Let each page go on where the first one did."""
    begun: dict[str, Any] = {}

    def change(page: Any) -> None:  # noqa: ANN401 - JSON
        page["metadata"] = begun.setdefault("metadata", page["metadata"])

    return change


def _half(right: Response) -> Response:
    assert isinstance(right.body, bytes)
    return replace(right, body=right.body[: len(right.body) // 2])


def _instead(old: bytes, new: bytes) -> MAKES:
    def make(right: Response) -> Response:
        assert isinstance(right.body, bytes)
        assert old in right.body
        return replace(right, body=right.body.replace(old, new))

    return make


def _gzip(content: Callable[[bytes], bytes]) -> MAKES:
    """Say that it is compressed, whatever it is."""

    def make(right: Response) -> Response:
        assert isinstance(right.body, bytes)
        return replace(right, body=content(right.body), headers={**right.headers, "Content-Encoding": "gzip"})

    return make


@cache
def _bomb() -> bytes:
    """Compress more than a run takes."""
    return gzip.compress(bytes(2**27), 1)


def _half_gzip(content: bytes) -> bytes:
    whole = gzip.compress(content)
    return whole[: len(whole) // 2]


def _compressed_nothing(right: Response) -> Response:
    """Send an empty block of gzip every quarter of a second, and never the end."""

    def blocks() -> Iterator[bytes]:
        yield gzip.compress(b"")[:10]
        while True:
            yield b"\x00\x00\x00\xff\xff"
            time.sleep(0.25)

    return replace(right, body=blocks(), headers={**right.headers, "Content-Encoding": "gzip"})


def _dripping(right: Response) -> Response:
    """Send a byte a second, and never the end."""

    def drops() -> Iterator[bytes]:
        while True:
            yield b" "
            time.sleep(1)
            yield b""

    return replace(right, body=drops())


def _verbatim(begin: bytes, again: bytes) -> MAKES:
    chunks = (again for _ in itertools.count())
    return lambda right: replace(right, body=itertools.chain([begin], chunks), verbatim=True)


_MEGABYTE = b"x" * 2**20
_NONSENSE = random.Random(0).randbytes(4096)  # noqa: S311 - no secret
ENDLESS_BODY = Garbage(
    "endless body", lambda right: replace(right, body=itertools.repeat(_MEGABYTE)), "more than 64 MiB"
)
DRIPPING = Garbage("a byte a second", _dripping, r"timed out|\(--timeout\)")
COMPRESSED_NOTHING = Garbage("compressed nothing", _compressed_nothing, r"timed out|\(--timeout\)")
ENDLESS_IN_TIME = (DRIPPING, COMPRESSED_NOTHING)
ANY = (
    Garbage("random bytes", _body(_NONSENSE), "not what the API promises|unreadable answer"),
    Garbage("HTML", _body(b"<html><body>login</body></html>"), "promise|unreadable answer"),
    Garbage("half of it", _half, "not what the API promises|unreadable answer"),
    DRIPPING,
    Garbage(
        "endless chunk size",
        _verbatim(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
        "broke off|unreachable",
    ),
    Garbage("endless header", _verbatim(b"HTTP/1.1 200 OK\r\nX-Endless: ", b"x" * 65536), "unreachable"),
    Garbage("endless headers", _verbatim(b"HTTP/1.1 200 OK\r\n", b"X-Another: one\r\n" * 1000), "unreachable"),
    Garbage("no HTTP", _verbatim(b"SSH-2.0-OpenSSH_9.6\r\n", _NONSENSE), "unreachable"),
)
OF_KUBERNETES = (
    *ANY,
    ENDLESS_BODY,  # botocore reads those of AWS, and knows no limit: there the pod's memory is the limit
    Garbage("not compressed", _gzip(bytes), "failed to decode"),
    Garbage("half of it compressed", _gzip(_half_gzip), "not what the API promises"),
    Garbage("compressed a thousandfold", _gzip(lambda _: _bomb()), "more than 64 MiB"),
    COMPRESSED_NOTHING,
    Garbage("another kind", _changed(lambda page: page.update(kind="PodList")), "not what the API promises"),
    Garbage("items of another type", _changed(lambda page: page.update(items={})), "not what the API promises"),
    Garbage("nested without end", _body(b'{"kind":' + b'{"a":' * 100_000), "not what the API promises"),
    Garbage(
        "nested in a node", _instead(b'"items":[{', b'"items":[{"x":' + b"[" * 100_000), "not what the API promises"
    ),
    Garbage("endless pages", _changed(_go_on()), "200 pages"),
)
OF_RECORDS = (
    *ANY,
    Garbage("nested without end", _body(b"<a>" * 100_000), "unreadable answer"),
    Garbage(
        "endless pages",
        _instead(
            b"<IsTruncated>false</IsTruncated>",
            b"".join(
                (
                    b"<IsTruncated>true</IsTruncated><NextRecordName>cdn.example.com.</NextRecordName>",
                    b"<NextRecordType>A</NextRecordType>",
                )
            ),
        ),
        "20 pages",
    ),
)
OF_ZONES = (
    Garbage(
        "endless pages",
        _instead(
            b"<IsTruncated>false</IsTruncated>",
            b"".join(
                (
                    b"<IsTruncated>true</IsTruncated><NextDNSName>example.com.</NextDNSName>",
                    b"<NextHostedZoneId>Z00000001SANDBOX</NextHostedZoneId>",
                )
            ),
        ),
        "200 pages",
    ),
)
