"""The columns of `kubectl get nodes`: the server prints them, kubectl only aligns them."""

import datetime as dt
import time
from collections.abc import Sequence

import msgspec

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_store import Stored

_COLUMNS = ("Name", "Status", "Roles", "Age", "Version")
_ROLE = "node-role.kubernetes.io/"


def is_offered(resource: Resource, accept: str) -> bool:
    """Say whether the client wants a table and this resource has one; other resources come as objects."""
    return resource.kind == "Node" and "as=Table" in accept.partition(",")[0]


def table(entries: Sequence[Stored], metadata: Object) -> bytes:
    """Give objects as rows."""
    columns = [
        {"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": "", "priority": 0}
        for name in _COLUMNS
    ]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns}
    return msgspec.json.encode({**head, "rows": [_row(entry) for entry in entries]})


def _row(entry: Stored) -> Object:
    metadata, status = entry.value["metadata"], entry.value["status"]
    roles = sorted(label.removeprefix(_ROLE) for label in entry.labels if label.startswith(_ROLE))
    cells = [
        metadata["name"],
        _status(entry.value),
        ",".join(roles) or "<none>",
        _age(metadata["creationTimestamp"]),
        status["nodeInfo"]["kubeletVersion"],
    ]
    marker = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return {"cells": cells, "object": marker}


def _status(value: Object) -> str:
    conditions = value["status"].get("conditions", [])
    ready = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), None)
    word = {"True": "Ready", None: "Unknown"}.get(ready, "NotReady")
    return f"{word},SchedulingDisabled" if value["spec"].get("unschedulable") else word


def _age(created: str) -> str:
    seconds = max(0, int(time.time() - dt.datetime.fromisoformat(created).timestamp()))
    units = ((86400, 2 * 86400, "d"), (3600, 3 * 3600, "h"), (60, 120, "m"))
    return next((f"{seconds // size}{unit}" for size, least, unit in units if seconds >= least), f"{seconds}s")
