"""What the jobs need of Kubernetes: nodes in, annotations out."""

import secrets
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from jobs.apiserver import ApiServer, Expired
from jobs.model import Condition, Node
from jobs.records import BOOT_ID, COORDINATES, NODE_IPS
from jobs.retry import Clock, patiently

PAGE_SIZE = 500  # nodes a request: keeps memory flat with 5,000
_NODES = "/api/v1/nodes"


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class _Taint(msgspec.Struct):
    key: str


class _Spec(msgspec.Struct):
    unschedulable: bool | None = None
    taints: list[_Taint] | None = None


class _Condition(msgspec.Struct):
    type: str
    status: str
    message: str | None = None


class _NodeInfo(msgspec.Struct):
    boot_id: str | None = msgspec.field(default=None, name="bootID")


class _Status(msgspec.Struct, rename="camel"):
    conditions: list[_Condition] | None = None
    node_info: _NodeInfo | None = None


class _Node(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec | None = None
    status: _Status | None = None


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str
    continue_: str = msgspec.field(default="", name="continue")


class _NodeList(msgspec.Struct, tag_field="kind", tag="NodeList"):
    metadata: _ListMetadata
    items: list[_Node]


class _Manager(msgspec.Struct):
    manager: str = ""


class _PatchedMetadata(msgspec.Struct, rename="camel"):
    managed_fields: list[_Manager] | None = None


class _PatchedNode(msgspec.Struct, tag_field="kind", tag="Node"):
    metadata: _PatchedMetadata


class Cluster:
    """One Kubernetes API server, seen by one run."""

    def __init__(self, server: ApiServer, clock: Clock) -> None:
        """Take a server that is logged in to."""
        self._server = server
        self._clock = clock

    def nodes(self, label_selector: str) -> tuple[Node, ...]:
        """List the nodes that match a label selector ("" for all), as they are now: a consistent read.

        Raises ConfigurationError with the API server's own words for a bad selector or a missing permission.
        """
        return patiently(self._clock, "listing nodes again from the start", on=Expired)(self._nodes, label_selector)

    def _nodes(self, label_selector: str) -> tuple[Node, ...]:
        query = {"limit": str(PAGE_SIZE)} | ({"labelSelector": label_selector} if label_selector else {})
        found: list[Node] = []
        while True:
            page = self._server.get(_NODES, _NodeList, query)
            found += map(_node, page.items)
            if not page.metadata.continue_:
                return tuple(found)
            query["continue"] = page.metadata.continue_

    def annotate(self, node: str, annotations: Mapping[str, str | None]) -> bool:
        """Set annotations of a node (None removes one) with a single patch; say whether it changed anything.

        The API server makes a manager the owner of just the fields it changed. The patch goes by a name of its own,
        so it stands among the answer's managers if, and only if, something changed. (A node that was made without a
        single label or annotation has no managers; then nobody can tell, and the answer is yes.)
        """
        manager = f"kube-node-dns-{secrets.token_hex(8)}"
        body = {"metadata": {"annotations": annotations}}
        patched = self._server.patch(f"{_NODES}/{quote(node, safe='')}", _PatchedNode, body, {"fieldManager": manager})
        managers = patched.metadata.managed_fields
        return managers is None or any(entry.manager == manager for entry in managers)


def _node(raw: _Node) -> Node:
    spec, status = raw.spec or _Spec(), raw.status or _Status()
    annotations = raw.metadata.annotations or {}
    ready = next((each for each in status.conditions or () if each.type == "Ready"), None)
    taints = {taint.key for taint in spec.taints or ()}
    return Node(
        name=raw.metadata.name,
        node_ips=annotations.get(NODE_IPS),
        boot_id=(status.node_info and status.node_info.boot_id) or "",
        annotated_boot_id=annotations.get(BOOT_ID, ""),
        coordinates=annotations.get(COORDINATES),
        ready=Condition(ready.status, ready.message or "") if ready else None,
        cordoned=bool(spec.unschedulable),
        deleting=raw.metadata.deletion_timestamp is not None or "ToBeDeletedByClusterAutoscaler" in taints,
    )
