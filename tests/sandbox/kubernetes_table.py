"""The columns of `kubectl get nodes` and `kubectl get events`: the server prints them, kubectl only aligns them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_store import Stored
from tests.sandbox.kubernetes_times import age, seconds_of

Cells = list[str | int]
_ROLE = "node-role.kubernetes.io/"


@dataclass(frozen=True)
class _Table:
    """The columns of a kind, those only `-o wide` shows, and an object's cells at a time of the day."""

    columns: tuple[str, ...]
    wide: tuple[str, ...]
    cells: Callable[[Object, float], Cells]


def is_offered(resource: Resource, accept: str) -> bool:
    """Say whether the client wants a table and this resource has one; other resources come as objects."""
    return resource.kind in _TABLES and "as=Table" in accept.partition(",")[0]


def table(resource: Resource, entries: Sequence[Stored], metadata: Object, now: float) -> bytes:
    """Give objects as rows; ages are up to `now`."""
    kind = _TABLES[resource.kind]
    columns = [
        {"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": ""}
        | {"priority": int(name in kind.wide)}
        for name in kind.columns
    ]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns}
    rows = [{"cells": kind.cells(entry.value, now), "object": _marker(entry.value)} for entry in entries]
    return msgspec.json.encode({**head, "rows": rows})


def _marker(value: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"]}


def _node(value: Object, now: float) -> Cells:
    metadata, status = value["metadata"], value["status"]
    labels = metadata.get("labels", {})
    roles = sorted(label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE))
    return [
        metadata["name"],
        _status(value),
        ",".join(roles) or "<none>",
        _since(metadata["creationTimestamp"], now),
        status["nodeInfo"]["kubeletVersion"],
    ]


def _status(value: Object) -> str:
    conditions = value["status"].get("conditions", [])
    ready = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), None)
    word = {"True": "Ready", None: "Unknown"}.get(ready, "NotReady")
    return f"{word},SchedulingDisabled" if value["spec"].get("unschedulable") else word


def _event(value: Object, now: float) -> Cells:
    about, series = value["involvedObject"], value.get("series")
    first = _since(value["firstTimestamp"] or value["eventTime"], now)
    last = _since(value["lastTimestamp"], now) if value["lastTimestamp"] else first
    name = about.get("name", "")
    return [
        _since(series["lastObservedTime"], now) if series else last,
        value.get("type", ""),
        value.get("reason", ""),
        about.get("kind", "").lower() + (f"/{name}" if name else ""),
        about.get("fieldPath", ""),
        _source(value),
        value.get("message", "").strip(),
        first,
        series.get("count", 0) if series else value.get("count", 1),
        value["metadata"]["name"],
    ]


def _source(value: Object) -> str:
    source = value["source"]
    component = source.get("component") or value["reportingComponent"]
    host = source.get("host") or value["reportingInstance"]
    return f"{component}, {host}" if host else component


def _since(time: str | None, now: float) -> str:
    return age(now - seconds_of(time)) if time else "<unknown>"


_TABLES = {
    "Node": _Table(("Name", "Status", "Roles", "Age", "Version"), (), _node),
    "Event": _Table(
        ("Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count", "Name"),
        ("Subobject", "Source", "First Seen", "Count", "Name"),
        _event,
    ),
}
