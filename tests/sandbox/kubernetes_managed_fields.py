"""Who owns which field: `metadata.managedFields` as the server keeps it for operation Update."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_schema import UNTYPED, List, Map, Struct, Type, Untyped, decode
from tests.sandbox.kubernetes_times import seconds_of

Path: TypeAlias = tuple[str, ...]
_DEEP = "{"
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
        return _identity(entry) == (self.manager, "Update", self.api_version, self.subresource)


def tracked(resource: Resource, old: Object | None, new: Object, writer: Writer) -> Object:
    """Give `new` with the managedFields it gets: the client's, or those there were, with what this write changes.

    A client's that cannot be decoded count as not sent. Who sends an empty list, or `[{}]`, switches the tracking of
    an object off; only sent ones switch it on again.
    """
    sent = new["metadata"].get("managedFields")
    known = (old or {}).get("metadata", {}).get("managedFields", [])
    new = {**new, "metadata": {name: value for name, value in new["metadata"].items() if name != "managedFields"}}
    if old is not None and (sent in ([], [{}]) or not (sent or known)):
        return new
    aside = ("spec" if writer.subresource else "status") if resource.status and not writer.is_test else ""
    understood = _understood(resource, sent) if sent else None
    entries = _track(resource.strict_schema, old or {}, new, known if understood is None else understood, writer, aside)
    if entries:
        new["metadata"]["managedFields"] = entries
    return new


def is_same(one: Object, other: Object) -> bool:
    """Say whether two versions of an object differ in nothing but the times of managedFields: then none is written."""
    return _untimed(one) == _untimed(other)


def _untimed(value: Object) -> Object:
    entries = [{**entry, "time": None} for entry in value["metadata"].get("managedFields", [])]
    return {**value, "metadata": {**value["metadata"], "managedFields": entries}}


def _understood(resource: Resource, sent: list[Object]) -> list[Object] | None:
    """Give the entries that a client has sent, the last of each owner; None if one cannot be decoded.

    Those without fields, and those of a version that there is not, are forgotten.
    """
    entries = {}
    for entry in sent:
        if entry.get("operation") not in ("Apply", "Update") or entry.get("fieldsType") != "FieldsV1":
            return None
        if not _is_tree(entry.get("fieldsV1")):
            return None
        entries[_identity(entry)] = entry
    return [each for each in entries.values() if each["fieldsV1"] and each.get("apiVersion") == resource.api_version]


def _is_tree(fields: object) -> bool:
    return isinstance(fields, dict) and all(
        (step == "." or step[:2] in ("f:", "k:", "v:", "i:"))
        and (below is None or isinstance(below, msgspec.Raw) or _is_tree(below))
        for step, below in fields.items()
    )


def _track(
    schema: Struct, old: Object, new: Object, known: list[Object], writer: Writer, not_owned: str
) -> list[Object]:
    """Give the managedFields of `new`: the writer owns what it changed; what is gone has no owner.

    The writer does not become the owner of what is below `not_owned`: status, for a write of the main resource.
    """
    before, after = dict(_leaves(schema, old or decode(schema, {}))), dict(_leaves(schema, new))
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    taken = {path for path in changed if path[0] != f"f:{not_owned}"}
    entries, mine = [], set(taken)
    for entry in known:
        kept = set(_paths(entry["fieldsV1"])) - changed - (before.keys() - after.keys())
        if taken and writer.owns(entry):
            mine |= kept
        elif kept:
            entries.append({**entry, "fieldsV1": _tree(kept)})
    if taken:
        entries.append(writer.entry(mine))
    return _capped(entries)


def _identity(entry: Object) -> tuple[str, str, str, str]:
    return entry.get("manager", ""), entry["operation"], entry.get("apiVersion", ""), entry.get("subresource", "")


def _order(entry: Object) -> tuple[str, float, str, str, str]:
    manager, operation, api_version, subresource = _identity(entry)
    return operation, seconds_of(entry["time"]) if "time" in entry else 0.0, manager, api_version, subresource


def _capped(entries: list[Object]) -> list[Object]:
    """Sort entries by age, and merge the oldest updates into one once there are more than ten, as the server does."""
    entries = sorted(entries, key=_order)
    first = sum(entry["operation"] == "Apply" for entry in entries)
    while len(entries) - first > _LIMIT:
        one, two = entries[first : first + 2]
        paths = set(_paths(one["fieldsV1"])) | set(_paths(two["fieldsV1"]))
        writer = Writer(_ANCIENT, two["apiVersion"], "", two["time"])
        entries[first : first + 2] = [writer.entry(paths)]
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
        for step, below in zip(path, (*path[1:], ""), strict=True):
            if below.startswith(_DEEP):
                node[step] = msgspec.Raw(below.encode())
                break
            node = node.setdefault(step, {})
    for path in paths:
        node = root
        for step in () if path[-1].startswith(_DEEP) else path:
            node = node[step]
        if node is not root and node:
            node["."] = {}
    return root


def _paths(tree: Object, path: Path = ()) -> Iterator[Path]:
    """Give the path of each field in a set; of what is nested too deep to be read, its text is the last step."""
    for step, below in tree.items():
        if step == ".":
            yield path
        elif isinstance(below, msgspec.Raw):
            yield (*path, step, bytes(below).decode())
        elif below:
            yield from _paths(below, (*path, step))
        else:
            yield (*path, step)
