"""What the jobs need of Kubernetes: nodes in, annotations and Jobs out. No decision."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from jobs.apiserver import ApiServer, BadRequest, Expired, Status, decoded
from jobs.errors import TemporaryError
from jobs.model import Condition, Node, quoted
from jobs.records import BOOT_ID, COORDINATES, NODE_IPS
from jobs.retry import Clock, patiently

PAGE_SIZE = 500  # nodes a request: keeps memory flat with 5,000
STREAM_SECONDS = 60  # how long the server keeps one stream of events open
SILENCE_SECONDS = 70.0  # a stream silent for longer is dead: the server ends it, or sends a bookmark, before
_NODES = "/api/v1/nodes"


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    resource_version: str = ""
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


class _Bookmark(msgspec.Struct):
    metadata: _ListMetadata


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _TemplateMetadata(msgspec.Struct):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _JobTemplate(msgspec.Struct):
    spec: dict[str, Any]
    metadata: _TemplateMetadata = msgspec.field(default_factory=_TemplateMetadata)


class _CronJobMetadata(msgspec.Struct):
    name: str
    uid: str


class _CronJobSpec(msgspec.Struct, rename="camel"):
    job_template: _JobTemplate
    suspend: bool | None = None


class _CronJob(msgspec.Struct):
    metadata: _CronJobMetadata
    spec: _CronJobSpec


@dataclass(frozen=True)
class NodeEvent:
    """What a stream of nodes tells: a node as it is now, or, without one, only how far the stream has come."""

    type: str
    resource_version: str
    node: Node | None = None


@dataclass(frozen=True)
class CronJob:
    """A CronJob, with what a Job made from it takes over."""

    name: str
    uid: str
    suspended: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    job_spec: Mapping[str, Any]


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
        return self.nodes_at(label_selector)[0]

    def nodes_at(self, label_selector: str) -> tuple[tuple[Node, ...], str]:
        """List the nodes as `nodes` does, with the resource version that the list shows."""
        return patiently(self._clock, "listing nodes again from the start", on=Expired)(self._nodes, label_selector)

    def _nodes(self, label_selector: str) -> tuple[tuple[Node, ...], str]:
        query = {"limit": str(PAGE_SIZE), **_selecting(label_selector)}
        found: list[Node] = []
        while True:
            try:
                page = self._server.get(_NODES, _NodeList, query)
            except BadRequest as error:  # nothing else in it can be wrong
                raise BadRequest(f"--node-label-selector {quoted(label_selector)}: {error}") from error
            found += map(_node, page.items)
            if not page.metadata.continue_:
                return tuple(found), page.metadata.resource_version
            query["continue"] = page.metadata.continue_

    def node_events(self, label_selector: str, resource_version: str) -> Iterator[NodeEvent]:
        """Follow the nodes from a version on, until the server ends the stream after a minute.

        Raises Expired when it no longer has the version, TemporaryError when the stream breaks off or falls silent.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(STREAM_SECONDS),
            "resourceVersion": resource_version,
            **_selecting(label_selector),
        }
        for line in self._server.lines(_NODES, query, SILENCE_SECONDS):
            if line:
                yield _node_event(line)

    def cronjob(self, namespace: str, name: str) -> CronJob:
        """Read a CronJob."""
        raw = self._server.get(f"/apis/batch/v1/namespaces/{quote(namespace)}/cronjobs/{quote(name)}", _CronJob)
        template = raw.spec.job_template
        return CronJob(
            raw.metadata.name,
            raw.metadata.uid,
            bool(raw.spec.suspend),
            template.metadata.labels or {},
            template.metadata.annotations or {},
            template.spec,
        )

    def create_job(self, namespace: str, job: Mapping[str, Any]) -> None:
        """Create a Job; raises AlreadyExists."""
        self._server.post(f"/apis/batch/v1/namespaces/{quote(namespace)}/jobs", job)

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


def _selecting(label_selector: str) -> dict[str, str]:
    return {"labelSelector": label_selector} if label_selector else {}


def _node_event(line: bytes) -> NodeEvent:
    event = decoded(line, _Event, "watching nodes")
    if event.type == "ERROR":
        status = decoded(event.object, Status, "watching nodes")
        raise (Expired if status.code == 410 else TemporaryError)(f"watching nodes: {status.message}")
    if event.type == "BOOKMARK":
        return NodeEvent(event.type, decoded(event.object, _Bookmark, "watching nodes").metadata.resource_version)
    node = decoded(event.object, _Node, "watching nodes")
    return NodeEvent(event.type, node.metadata.resource_version, _node(node))
