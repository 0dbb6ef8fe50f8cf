"""JSON of the API server, decoded into the few members that are read.

The API server stores and returns what a kubelet writes: times of any year, JSON nested 10,000 levels deep, keys that
are not UTF-8. An object that cannot be decoded costs itself alone, not the list or stream that it stands in.
"""

import logging
import re
from typing import Generic, Self, TypeVar, get_args

import msgspec

from jobs.core.errors import TemporaryError
from jobs.core.text import one_line, shortened

log = logging.getLogger(__name__)

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for data that it cannot decode into a type."""

DEEPEST = 100
"""How many levels of JSON are decoded: what is read lies less than 20 deep."""

Document = TypeVar("Document")
Data = bytes | bytearray | msgspec.Raw


class Object(msgspec.Struct):
    """An object that stands in lists."""

    @classmethod
    def rescued(cls, data: Data, why: str) -> Self | None:  # noqa: ARG003 - for those kinds that can make use of it
        """Make what can be made of an object that cannot be decoded as a whole; None: it counts as not there."""
        return None


Item = TypeVar("Item", bound=Object)


class ListMetadata(msgspec.Struct, rename="camel"):
    """The version that a list shows, and how to go on with it."""

    resource_version: str
    continue_: str = msgspec.field(default="", name="continue")


class _RawList(msgspec.Struct):
    kind: str
    metadata: ListMetadata
    items: list[msgspec.Raw]


class Page(msgspec.Struct, Generic[Item]):
    """A page of a list."""

    metadata: ListMetadata
    items: list[Item]

    @classmethod
    def one_by_one(cls, data: Data) -> Self:
        """Decode the items by themselves, and leave out what cannot be decoded; takes twice the time."""
        page = _decoded(data, _RawList)
        if page.kind != cls.__struct_config__.tag:
            raise msgspec.ValidationError(f"it is a {shortened(one_line(page.kind))}")
        (item,) = (get_args(field.type)[0] for field in msgspec.structs.fields(cls) if field.name == "items")
        found = (object_in(raw, item) for raw in page.items)
        return cls(page.metadata, [each for each in found if each is not None])


def decoded(data: Data, type_: type[Document], what: str) -> Document:
    """Decode JSON, and of a list those items that can be decoded.

    Raises TemporaryError for what the API server itself does not promise: it never counts as "nothing there".
    """
    try:
        return _decoded(data, type_)
    except UNREADABLE as error:
        raise TemporaryError(f"{what}: the answer is not what the API promises: {error}") from error


def _decoded(data: Data, type_: type[Document]) -> Document:
    try:
        return msgspec.json.decode(data, type=type_)
    except RecursionError:
        return _decoded(shallow(bytes(data)), type_)
    except UNREADABLE:
        if issubclass(type_, Page):
            return type_.one_by_one(data)
        raise


def object_in(data: Data, type_: type[Item]) -> Item | None:
    """Decode one object of a list or stream, or as much of it as is of use; None where that is nothing."""
    try:
        return msgspec.json.decode(data, type=type_)
    except UNREADABLE as error:
        why = shortened(one_line(str(error)), 200)
        log.debug("a %s cannot be read: %s", type_.__name__, why)
        return type_.rescued(data, why)


_BRACKET = re.compile(rb'[^][{}"]*+(?:"(?:[^"\\]++|\\.)*+"[^][{}"]*+)*+([][{}])', re.DOTALL)
"""A bracket outside strings, and all that stands before it."""


def shallow(data: bytes) -> bytes:
    """Put null in the place of everything in a JSON document that is nested deeper than DEEPEST.

    CPython limits how deep msgspec recurses, also in members that it skips: to 1,000 levels in 3.11, to 1,500 in 3.12
    and 10,000 in 3.13, which no program can change. A list of what the API server takes is deeper.
    """
    kept: list[bytes] = []
    depth = begin = 0
    for bracket in _BRACKET.finditer(data):
        end = bracket.end()
        if data[end - 1] in b"[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += data[begin : end - 1], b"null"
                begin = len(data)
        else:
            if depth == DEEPEST + 1:
                begin = end
            depth -= 1
    kept.append(data[begin:])
    return b"".join(kept)
