"""What the fields of a kind are: enough of the API's types to decode, merge and track ownership as the server does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from msgspec import Raw

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_times import MICROSECONDS, SECONDS, normal


class DecodeError(Exception):
    """A value that the server's decoder does not accept."""


@dataclass(frozen=True)
class Scalar:
    """A string, number or boolean; `go` is the decoder's name for the type, `layout` that of a time."""

    accepts: tuple[type, ...]
    go: str
    pattern: str = ""
    layout: str = ""
    kept: bool = False
    """Is there even when empty: a pointer in Go."""


@dataclass(frozen=True)
class Struct:
    """An object with known fields: unknown ones are dropped, empty ones left out unless they are in `always`.

    An atomic one has one owner for all its fields.
    """

    go: str
    fields: Mapping[str, "Type"]
    always: Mapping[str, object] = field(default_factory=dict)
    atomic: bool = False


@dataclass(frozen=True)
class Map:
    """An object whose keys are data: labels, annotations, quantities by resource."""

    element: "Type"


@dataclass(frozen=True)
class List:
    """A list. `key` makes its items addressable by that member, `unique` by their value; otherwise it is atomic.

    One that is `kept` is there even when empty.
    """

    element: "Type"
    key: str = ""
    unique: bool = False
    kept: bool = False


@dataclass(frozen=True)
class Untyped:
    """Whatever JSON is there; lists in it are atomic."""


Type: TypeAlias = Scalar | Struct | Map | List | Untyped

STRING = Scalar((str,), "string")
BOOLEAN = Scalar((bool,), "bool")
INTEGER = Scalar((int,), "int64")
SMALL_INTEGER = Scalar((int,), "int32")
STRING_POINTER, BOOLEAN_POINTER, SMALL_INTEGER_POINTER = (
    replace(pointed, kept=True) for pointed in (STRING, BOOLEAN, SMALL_INTEGER)
)
TIME = Scalar((str,), "string", layout=SECONDS)
MICRO_TIME = Scalar((str,), "string", layout=MICROSECONDS)
QUANTITY = Scalar((str, int), "quantity", r"[+-]?\d+(\.\d*)?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")
UNTYPED = Untyped()
STRINGS = Map(STRING)
_INTEGERS = {"int32": range(-(1 << 31), 1 << 31), "int64": range(-(1 << 63), 1 << 63)}

OWNER_REFERENCE = Struct(
    "OwnerReference",
    {"apiVersion": STRING, "kind": STRING, "name": STRING, "uid": STRING}
    | {"controller": BOOLEAN_POINTER, "blockOwnerDeletion": BOOLEAN_POINTER},
    {"apiVersion": "", "kind": "", "name": "", "uid": ""},
)
MANAGED_FIELDS_ENTRY = Struct(
    "ManagedFieldsEntry",
    {"manager": STRING, "operation": STRING, "apiVersion": STRING, "time": TIME, "fieldsType": STRING}
    | {"fieldsV1": UNTYPED, "subresource": STRING},
)
METADATA = Struct(
    "ObjectMeta",
    {
        "name": STRING,
        "generateName": STRING,
        "namespace": STRING,
        "uid": STRING,
        "resourceVersion": STRING,
        "generation": INTEGER,
        "creationTimestamp": TIME,
        "deletionTimestamp": TIME,
        "deletionGracePeriodSeconds": INTEGER,
        "labels": STRINGS,
        "annotations": STRINGS,
        "ownerReferences": List(OWNER_REFERENCE, key="uid"),
        "finalizers": List(STRING, unique=True),
        "managedFields": List(MANAGED_FIELDS_ENTRY, kept=True),
    },
)


def decode(expected: Type, value: Any, path: str = "", owner: str = "") -> Any:  # noqa: ANN401 - JSON is anything
    """Give a value as the server would store it, or raise DecodeError in its decoder's words."""
    match expected:
        case Scalar():
            return _scalar(expected, value, path, owner)
        case Struct():
            return _struct(expected, value, path, owner)
        case Map(element):
            mapping: Object = _expect(dict, value, path, owner, _go(expected))
            return {key: decode(element, item, path, owner) for key, item in mapping.items()}
        case List(element):
            items: list[Any] = _expect(list, value, path, owner, _go(expected))
            return [decode(element, item, path, owner) for item in items]
        case Untyped():
            return value


def unknown_fields(expected: Type, value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON is anything
    """Name the members that no field takes: dropped silently unless the client asked for strictness."""
    match expected, value:
        case Struct(fields=fields), dict():
            for name, item in value.items():
                below = f"{path}.{name}".lstrip(".")
                if name in fields:
                    yield from unknown_fields(fields[name], item, below)
                elif below not in ("apiVersion", "kind"):
                    yield below
        case List(element), list():
            for index, item in enumerate(value):
                yield from unknown_fields(element, item, f"{path}[{index}]")


def _scalar(expected: Scalar, value: Any, path: str, owner: str) -> Any:  # noqa: ANN401 - JSON is anything
    if value is None:
        return expected.accepts[0]()
    if not isinstance(value, expected.accepts) or (isinstance(value, bool) and bool not in expected.accepts):
        raise _mismatch(value, path, owner, expected.go)
    if isinstance(value, int) and value not in _INTEGERS.get(expected.go, (value,)):
        raise _mismatch(value, path, owner, expected.go)
    if expected is QUANTITY:
        value = str(value)
    if expected.pattern and value and not re.fullmatch(expected.pattern, value):
        raise DecodeError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    try:
        return normal(value, expected.layout) if expected.layout else value
    except ValueError as error:
        raise DecodeError(str(error)) from None


def _struct(expected: Struct, value: Any, path: str, owner: str) -> Object:  # noqa: ANN401 - JSON is anything
    given: Object = _expect(dict, value, path, owner, _go(expected))
    result: Object = {}
    for name, kind in expected.fields.items():
        decoded = None
        if given.get(name) is not None:
            decoded = decode(kind, given[name], f"{path}.{name}".lstrip("."), expected.go)
        if decoded or (decoded is not None and _is_kept(kind)):
            result[name] = decoded
        elif name in expected.always:
            default = expected.always[name]
            result[name] = decode(kind, default) if isinstance(kind, Struct) else default
    return result


def _is_kept(kind: Type) -> bool:
    return isinstance(kind, Untyped) or (isinstance(kind, Scalar | List) and kind.kept)


def _go(expected: Type) -> str:
    """Name a type as the decoder's messages do."""
    match expected:
        case Scalar(go=go):
            return go
        case Struct(go=go):
            return f"v1.{go}"
        case Map(element):
            return f"map[string]{_go(element)}"
        case List(element):
            return f"[]{_go(element)}"
    return "interface {}"


def _expect(shape: type, value: Any, path: str, owner: str, go: str) -> Any:  # noqa: ANN401 - JSON is anything
    if value is None:
        return shape()
    if not isinstance(value, shape):
        raise _mismatch(value, path, owner, go)
    return value


def _mismatch(value: object, path: str, owner: str, go: str) -> DecodeError:
    names = ((bool, "bool"), ((int, float), "number"), (str, "string"), (list, "array"), ((dict, Raw), "object"))
    name = next(name for shape, name in names if isinstance(value, shape))
    if name == "number" and go in _INTEGERS:
        name = f"number {value}"  # an integer that has a fraction or is too large
    place = f"Go struct field {owner}.{path}" if path else "Go value"
    return DecodeError(f"json: cannot unmarshal {name} into {place} of type {go}")
