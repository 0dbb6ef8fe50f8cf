"""What a kubelet may write into its own objects, though no kubelet does."""

from typing import Any

import msgspec

from tests.sandbox.world import World

LEASES, LEASE_VERSION = "kube-node-lease", "coordination.k8s.io/v1"
ODD_TIMES = {
    "year-0": "0000-01-01T00:00:00Z",
    "year-before-0": "0000-01-01T00:00:00+01:00",
    "year-10000": "9999-12-31T23:59:59-01:00",
}
"""Times that the API server takes, and gives back with a year that Python does not have."""

_LEVELS_ABOVE = 4  # of an object, around the fields of a managedFields entry
_NESTED = 10_000 - _LEVELS_ABOVE
DEEP = {"f:a": msgspec.Raw(b'{"f:a":' * (_NESTED - 2) + b"{}" + b"}" * (_NESTED - 2))}
"""Fields that give an object the 10,000 levels which the API server takes."""


def ready_since(world: World, node: str, time: str) -> None:
    """Let a node's condition have changed at a time."""
    world.kubernetes.edit("Node", node, lambda each: each["status"]["conditions"][0].update(lastTransitionTime=time))


def claims(world: World, kind: str, name: str, fields: Any, time: str | None = None) -> None:  # noqa: ANN401 - JSON
    """Add a manager that does not exist to a Node or a Lease; without a time it never wrote anything."""
    version, namespace = (LEASE_VERSION, LEASES) if kind == "Lease" else ("v1", "")
    entry = {"manager": "stranger", "operation": "Update", "apiVersion": version, "fieldsType": "FieldsV1"}

    def change(document: dict[str, Any]) -> None:
        document["metadata"].setdefault("managedFields", []).append({**entry, "time": time, "fieldsV1": fields})

    world.kubernetes.edit(kind, name, change, namespace, api_version=version)
