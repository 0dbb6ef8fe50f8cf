"""Responses read within a time and a size, for one gone wrong must cost a run neither; urllib3's errors in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs.core.errors import TemporaryError
from jobs.core.text import one_line
from jobs.edges.transport import expect
from jobs.edges.urllib3_names import HTTPError, NameResolutionError

if TYPE_CHECKING:
    from jobs.edges.urllib3_names import BaseHTTPResponse

RESPONSE_SECONDS = 30.0  # after its head, over a slow line: a page of fat nodes has six megabytes
LARGEST_RESPONSE_BYTES = 64 * 2**20  # ten times a page of 500 nodes with 50 images each; a pod's memory holds it
LARGEST_LINE_BYTES = 8 * 2**20  # an object in etcd has 1.5 MB
_CHUNK_BYTES = 2**17  # 64 MiB in chunks of what TLS hands over at a time would be a tenth of a second


def whole(response: "BaseHTTPResponse", what: str) -> bytearray:
    """Read a response to its end; raises TemporaryError when it breaks off, is late or too large."""
    data = bytearray()
    expect(response, RESPONSE_SECONDS)
    for chunk in _chunks(response, f"{what}: the answer"):
        data += chunk
        if len(data) > LARGEST_RESPONSE_BYTES:
            raise TemporaryError(f"{what}: the answer has more than {LARGEST_RESPONSE_BYTES >> 20} MiB")
    return data


def lines(response: "BaseHTTPResponse", what: str, silence_seconds: float) -> Iterator[bytes]:
    """Read a response line by line; raises TemporaryError when it breaks off, or a line takes too long to come."""
    line = bytearray()
    expect(response, silence_seconds, silence_seconds)
    for chunk in _chunks(response, f"{what}: the stream"):
        begin, *others = chunk.split(b"\n")
        line += begin
        for other in others:
            yield bytes(line)
            line = bytearray(other)
        if others:
            expect(response, silence_seconds, silence_seconds)
        elif len(line) > LARGEST_LINE_BYTES:
            raise TemporaryError(f"{what}: a line of the stream has no end")
    if line:
        raise TemporaryError(f"{what}: the stream ended in the middle of a line")


def _chunks(response: "BaseHTTPResponse", what: str) -> Iterator[bytes]:
    """Read what there is, as it comes: a chunk may be announced larger than it will ever get."""
    try:
        while chunk := response.read1(_CHUNK_BYTES):
            yield chunk
    except (HTTPError, OSError) as error:
        raise TemporaryError(f"{what} broke off: {reason(error)}") from error
    finally:
        response.close()


def reason(error: BaseException) -> str:
    """Say what an error of urllib3 is about, without the names of the objects that raised it."""
    if isinstance(error, HTTPError):  # with the error behind it, if any
        words = (reason(each) if isinstance(each, Exception) else one_line(str(each)) for each in error.args)
        return ": ".join(each.rstrip(".") for each in words).rpartition("): ")[2]
    return one_line(str(error)) or type(error).__name__


def not_resolved(error: object, remedy: str) -> str | None:
    """Say which name does not resolve and what to check, where that is what an error of urllib3 is about."""
    if not isinstance(error, NameResolutionError):
        return None
    name, _, why = reason(error).removeprefix("Failed to resolve ").partition(" (")
    return f"the name {name} does not resolve ({why}; {remedy}"
