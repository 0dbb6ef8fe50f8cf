"""The rest-xml protocol of AWS from the server's side, driven by botocore's own service model.

Shapes are walked generically: what a member is called and where it travels (path, query, header, body) stands in the
model, so a new operation needs no code here.
"""

import datetime as dt
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from tests.sandbox.server import Request


class MalformedError(Exception):
    """A request that is not what the service model describes."""


class Route(NamedTuple):
    """An operation of the service and what its path gives."""

    operation: OperationModel
    path: dict[str, str]


@functools.cache
def service(name: str) -> ServiceModel:
    """Load botocore's model of a service."""
    return botocore.session.get_session().get_service_model(name)


@functools.cache
def _routes(name: str) -> list[tuple[str, re.Pattern[str], OperationModel]]:
    operations = map(service(name).operation_model, service(name).operation_names)
    return [(operation.http["method"], _pattern(operation.http["requestUri"]), operation) for operation in operations]


def _pattern(uri: str) -> re.Pattern[str]:
    """Match a path; an id may come with its kind before it (`/hostedzone/Z1`)."""
    parts = re.split(r"\{(\w+)\+?\}", uri.rstrip("/"))
    groups = (rf"(?P<{name}>(?:/\w+/)?[^/]+)" for name in parts[1::2])
    return re.compile("".join(re.escape(text) + next(groups, "") for text in parts[::2]) + "/?")


def route(name: str, request: Request) -> Route | None:
    """Find the operation a request asks for."""
    for method, pattern, operation in _routes(name):
        if method == request.method and (found := pattern.fullmatch(request.path)):
            return Route(operation, found.groupdict())
    return None


def parse(route: Route, request: Request) -> dict[str, Any]:
    """Read the arguments of an operation; `MalformedError` if they break the model."""
    shape = route.operation.input_shape
    if shape is None:
        return {}
    arguments = _outside(shape, route, request) | _inside(shape, request.body)
    for problem in violations(shape, arguments):
        raise MalformedError(problem)
    return arguments


def _outside(shape: StructureShape, route: Route, request: Request) -> dict[str, Any]:
    """Read the members that travel in path, query string and headers."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    places: dict[str, Mapping[str, str]] = {"uri": route.path, "querystring": request.query, "header": headers}
    found = {}
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        wire = member.serialization.get("name", name)
        text = places.get(place, {}).get(wire.lower() if place == "header" else wire)
        if text is not None:
            found[name] = _scalar(member, text)
    return found


def _inside(shape: StructureShape, body: bytes) -> dict[str, Any]:
    """Read the members that travel in the body."""
    if not body.strip():
        return {}
    try:
        root = ET.fromstring(body)  # noqa: S314 - only the tests' own clients can reach this server
    except ET.ParseError as error:
        raise MalformedError(f"Invalid XML ; {error}") from error
    if payload := shape.serialization.get("payload"):
        return {payload: _value(shape.members[payload], root)}
    return _structure(shape, root, {name for name, one in shape.members.items() if "location" not in one.serialization})


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _structure(shape: StructureShape, element: ET.Element, names: Iterable[str]) -> dict[str, Any]:
    members = {_wire_name(name, shape.members[name]): name for name in names}
    found: dict[str, Any] = {}
    for child in element:
        if _tag(child) not in members:
            raise MalformedError(f"Invalid XML ; content was found starting with element '{_tag(child)}'")
        name = members[_tag(child)]
        member = shape.members[name]
        if member.serialization.get("flattened"):
            found.setdefault(name, []).append(_value(member.member, child))
        else:
            found[name] = _value(member, child)
    return found


def _wire_name(name: str, member: Shape) -> str:
    """Name the element of a member; a flattened list has no element of its own, and may name its items."""
    flat = member.serialization.get("flattened")
    inner = member.member.serialization.get("name") if flat else None
    return str(inner or member.serialization.get("name", name))


def _value(shape: Shape, element: ET.Element) -> object:
    match shape.type_name:
        case "structure":
            return _structure(shape, element, shape.members)
        case "list":
            return [_value(shape.member, child) for child in element]
        case _:
            return _scalar(shape, element.text or "")


def _scalar(shape: Shape, text: str) -> str | int | bool:
    if shape.type_name in ("integer", "long"):
        try:
            return int(text)
        except ValueError as error:
            raise MalformedError(f"Invalid XML ; '{text}' is not a valid value for '{shape.type_name}'") from error
    if shape.type_name == "boolean":
        if text not in ("true", "false", "1", "0"):
            raise MalformedError(f"Invalid XML ; '{text}' is not a valid value for 'boolean'")
        return text in ("true", "1")
    return text


def violations(shape: Shape, value: object, where: str = "request") -> Iterator[str]:
    """Say where a value breaks the model's members, lengths, ranges, patterns and enumerations."""
    limits = shape.metadata
    match value:
        case dict():
            yield from (
                f"Missing field '{name}' in {where}" for name in limits.get("required", ()) if name not in value
            )
            yield from (f"Unexpected field '{name}' in {where}" for name in value if name not in shape.members)
            for name, member in value.items():
                if name in shape.members:
                    yield from violations(shape.members[name], member, name)
        case list():
            yield from _range(limits, len(value), where)
            for item in value:
                yield from violations(shape.member, item, where)
        case str():
            yield from _range(limits, len(value), where)
            if "enum" in limits and value not in limits["enum"]:
                yield f"Value '{value}' at '{where}' is not one of [{', '.join(limits['enum'])}]"
            if "pattern" in limits and not re.fullmatch(limits["pattern"], value, re.ASCII):
                yield f"Value '{value}' at '{where}' does not match {limits['pattern']}"
        case int() if not isinstance(value, bool):
            yield from _range(limits, value, where)


def _range(limits: Mapping[str, Any], size: int, where: str) -> Iterator[str]:
    if not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"Value at '{where}' is not between {limits.get('min', 0)} and {limits.get('max', 'any')}: {size}"


def render(operation: OperationModel, result: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """Write a result as headers and body."""
    shape = operation.output_shape
    headers = {}
    root = ET.Element(shape.name, xmlns=_namespace(operation))
    for name, value in result.items():
        member = shape.members[name]
        if member.serialization.get("location") == "header":
            headers[member.serialization["name"]] = str(value)
        else:
            _append(root, member, name, value)
    payload = shape.serialization.get("payload")
    return headers, document(root[0] if payload else root)


def _namespace(operation: OperationModel) -> str:
    version = operation.service_model.api_version
    return f"https://{operation.service_model.metadata['globalEndpoint']}/doc/{version}/"


def document(root: ET.Element) -> bytes:
    """Serialise a document with its declaration."""
    return b'<?xml version="1.0"?>\n' + ET.tostring(root)


def _append(parent: ET.Element, shape: Shape, name: str, value: Any) -> None:  # noqa: ANN401 - any shape's value
    tag = _wire_name(name, shape)
    if shape.type_name == "list":
        flat = shape.serialization.get("flattened")
        holder = parent if flat else ET.SubElement(parent, tag)
        for item in value:
            _append(holder, shape.member, tag if flat else "member", item)
        return
    element = ET.SubElement(parent, tag)
    if shape.type_name == "structure":
        for member, inner in value.items():
            _append(element, shape.members[member], member, inner)
    else:
        element.text = _text(value)


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime():
            return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        case _:
            return str(value)
