"""JSON as the server's decoder takes it: nested up to 10,000 levels deep, which Python's decoders do not take."""

import re
import uuid
from typing import Any

import msgspec

DEEPEST = 10_000
_KEPT = 100
"""From this depth on a value stays as it was written, as `msgspec.Raw`: it is not looked into."""
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]')
_SHOWN = 30


def read(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Read JSON; raises ValueError, of what is nested too deep in the words of the server's decoder."""
    if body.count(b"{") + body.count(b"[") <= _KEPT:
        return msgspec.json.decode(body)
    shallow, deep = _cut(body)
    return _whole(msgspec.json.decode(shallow), deep)


def _cut(body: bytes) -> tuple[bytes, dict[str, msgspec.Raw]]:
    """Put a name in the place of each value that is nested too deep for Python; give these values by name."""
    shallow, deep = bytearray(), {}
    depth = end = 0
    for mark in _MARKS.finditer(body):
        if mark[0] in (b"{", b"["):
            depth += 1
            if depth > DEEPEST:
                shown = body[:_SHOWN].decode(errors="replace")
                raise ValueError(f"invalid character '{mark[0].decode()}' exceeded max depth ({shown} ...)")
            if depth == _KEPT + 1:
                shallow += body[end : mark.start()]
                end = mark.start()
        elif mark[0] in (b"}", b"]"):
            depth -= 1
            if depth == _KEPT:
                name = f"{uuid.uuid4()}"
                shallow += msgspec.json.encode(name)
                deep[name] = msgspec.Raw(body[end : mark.end()])
                end = mark.end()
    return bytes(shallow + body[end:]), deep


def _whole(document: Any, deep: dict[str, msgspec.Raw]) -> Any:  # noqa: ANN401 - JSON is anything
    match document:
        case dict():
            return {key: _whole(value, deep) for key, value in document.items()}
        case list():
            return [_whole(value, deep) for value in document]
        case str():
            return deep.get(document, document)
    return document
