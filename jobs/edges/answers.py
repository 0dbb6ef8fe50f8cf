"""How much is read of what a server sends: one gone wrong must cost neither the memory of a run nor all its time."""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from jobs.core.errors import TemporaryError
from jobs.core.text import one_line
from jobs.edges.clock import Clock

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

LARGEST_ANSWER_BYTES = 64 * 2**20  # ten times a page of 500 nodes with 50 images each; a pod's memory holds it
LARGEST_LINE_BYTES = 8 * 2**20  # an object in etcd has 1.5 MB
_CHUNK_BYTES = 2**14  # what TLS hands over at a time; gzip makes 16 MiB of it at the most


def whole(answer: "BaseHTTPResponse", clock: Clock, what: str, seconds: float) -> bytearray:
    """Read an answer to its end and unpack it; raises TemporaryError when it breaks off, or is too long for the limits.

    urllib3 would unpack it too, but would not come back from an answer of which nothing ever comes out.
    """
    packed = answer.headers.get("Content-Encoding") == "gzip"
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    data = bytearray()
    end = clock.now() + seconds
    for chunk in _chunks(answer, f"{what}: the answer"):
        try:
            data += unpack.decompress(chunk) if packed else chunk
        except zlib.error as error:
            raise TemporaryError(f"{what}: the answer cannot be unpacked: {error}") from error
        late = clock.now() > end
        if late or len(data) > LARGEST_ANSWER_BYTES:
            why = f"has not ended after {seconds:.0f} s" if late else f"has more than {LARGEST_ANSWER_BYTES >> 20} MiB"
            raise TemporaryError(f"{what}: the answer {why}")
    return data


def lines(answer: "BaseHTTPResponse", clock: Clock, what: str, silence_seconds: float) -> Iterator[bytes]:
    """Read an answer line by line; raises TemporaryError when it breaks off, or a line takes too long to come."""
    rest = b""
    heard = clock.now()
    for chunk in _chunks(answer, f"{what}: the stream"):
        *complete, rest = (rest + chunk).split(b"\n")
        yield from complete
        if complete:
            heard = clock.now()
        elif clock.now() - heard > silence_seconds or len(rest) > LARGEST_LINE_BYTES:
            raise TemporaryError(f"{what}: a line of the stream has no end")
    if rest:
        raise TemporaryError(f"{what}: the stream ended in the middle of a line")


def _chunks(answer: "BaseHTTPResponse", what: str) -> Iterator[bytes]:
    """Read what there is, as it comes: a chunk may be announced larger than it will ever get."""
    try:
        while chunk := answer.read1(_CHUNK_BYTES, decode_content=False):
            yield chunk
    except (HTTPError, OSError) as error:
        raise TemporaryError(f"{what} broke off: {reason(error)}") from error
    finally:
        answer.close()


def reason(error: BaseException) -> str:
    """Give the last words of an error of urllib3, which begin with the object that raised it."""
    return one_line(str(error)).rpartition(">: ")[2] or type(error).__name__
