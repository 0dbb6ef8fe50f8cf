"""Who owns which field: `metadata.managedFields` as the server keeps it for operation Update."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_schema import UNTYPED, List, Map, Struct, Type, Untyped, decode

Path: TypeAlias = tuple[str, ...]
_LIMIT = 10
_ANCIENT = "ancient-changes"
_SYSTEM = {
    ("f:metadata", f"f:{name}")
    for name in (
        *("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields"),
        *("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"),
    )
}


@dataclass(frozen=True)
class Writer:
    """Who writes, through which subresource and version, at which whole second (RFC 3339)."""

    manager: str
    api_version: str
    subresource: str
    time: str
    is_test: bool = False
    """A test that changes the world: it owns status and spec alike, and nothing is admitted or defaulted."""

    def entry(self, paths: set[Path]) -> Object:
        """Give the managedFields entry of this writer."""
        return {
            "manager": self.manager,
            "operation": "Update",
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(paths),
            **({"subresource": self.subresource} if self.subresource else {}),
        }

    def owns(self, entry: Object) -> bool:
        """Say whether an entry is this writer's own."""
        mine = (self.manager, self.api_version, self.subresource)
        return mine == (entry["manager"], entry["apiVersion"], entry.get("subresource", ""))


def tracked(resource: Resource, old: Object | None, new: Object, writer: Writer) -> Object:
    """Give `new` with the managedFields it gets.

    An object that has none, once created, gets none any more: whoever strips them switches the tracking off.
    """
    known = new["metadata"].get("managedFields")
    new = {**new, "metadata": {name: value for name, value in new["metadata"].items() if name != "managedFields"}}
    if old is not None and not known:
        return new
    aside = ("spec" if writer.subresource else "status") if resource.status and not writer.is_test else ""
    entries = _track(resource.schema, old or {}, new, writer, aside)
    if entries:
        new["metadata"]["managedFields"] = entries
    return new


def _track(schema: Struct, old: Object, new: Object, writer: Writer, not_owned: str) -> list[Object]:
    """Give the managedFields of `new`: the writer owns what it changed, nobody what is gone.

    Below the member `not_owned` nobody becomes an owner: that is status for a write of the main resource.
    """
    before, after = dict(_leaves(schema, old or decode(schema, {}))), dict(_leaves(schema, new))
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    taken = {path for path in changed if path[0] != f"f:{not_owned}"}
    entries, mine = [], set(taken)
    for entry in old.get("metadata", {}).get("managedFields", []):
        kept = {path for path in _paths(entry["fieldsV1"]) if path in after and path not in changed}
        if taken and writer.owns(entry):
            mine |= kept
        elif kept:
            entries.append({**entry, "fieldsV1": _tree(kept)})
    if taken:
        entries.append(writer.entry(mine))
    return sorted(_capped(entries), key=lambda entry: (entry["time"], _identity(entry)))


def _identity(entry: Object) -> tuple[str, str, str]:
    return entry["manager"], entry["apiVersion"], entry.get("subresource", "")


def _capped(entries: list[Object]) -> list[Object]:
    """Merge the oldest entries into one once there are more than ten, as the server does."""
    entries = sorted(entries, key=lambda entry: (entry["time"], _identity(entry)))
    while len(entries) > _LIMIT:
        first, second, *rest = entries
        paths = set(_paths(first["fieldsV1"])) | set(_paths(second["fieldsV1"]))
        writer = Writer(_ANCIENT, second["apiVersion"], "", second["time"])
        entries = [writer.entry(paths), *rest]
    return entries


def _leaves(schema: Type, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - JSON is anything
    """Give each field that can have an owner, with its value; what has fields has one besides those of its fields."""
    if path in _SYSTEM:
        return
    members = _members(schema, value)
    if members is None:
        yield path, value
        return
    if not isinstance(schema, Untyped) and path:
        yield path, None
    for step, below, item in members:
        yield from _leaves(below, item, (*path, step))


def _members(schema: Type, value: Any) -> list[tuple[str, Type, Any]] | None:  # noqa: ANN401 - JSON is anything
    """Give step, type and value of what is below a value, None if it is a leaf."""
    match schema, value:
        case Struct(fields=fields, atomic=False), dict():
            return [(f"f:{name}", fields[name], item) for name, item in value.items()]
        case Map(element), dict():
            return [(f"f:{name}", element, item) for name, item in value.items()]
        case List(element, key=key), list() if key:
            return [(f"k:{_json({key: item[key]})}", Map(UNTYPED), item) for item in value]
        case List(unique=True), list():
            return [(f"v:{_json(item)}", UNTYPED, item) for item in value]
        case Untyped(), dict():
            return [(f"f:{name}", schema, item) for name, item in value.items()]
    return None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _tree(paths: set[Path]) -> Object:
    root: Object = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
    for path in paths:
        node = root
        for step in path:
            node = node[step]
        if node:
            node["."] = {}
    return root


def _paths(tree: Object, path: Path = ()) -> Iterator[Path]:
    for step, below in tree.items():
        if step == ".":
            yield path
        elif below:
            yield from _paths(below, (*path, step))
        else:
            yield (*path, step)
