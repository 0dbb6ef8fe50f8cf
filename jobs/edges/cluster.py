"""What the jobs need of Kubernetes: nodes in, annotations and Jobs out. No decision."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

from msgspec import Struct

from jobs.core.annotations import BIAS, BOOT_ID, COORDINATES, NODE_IPS, PUBLIC_IPS
from jobs.core.errors import TemporaryError
from jobs.core.node import Condition, LeaseAge, Node, NodeList
from jobs.core.sync_job import CronJob
from jobs.core.text import quoted, shortened, stub
from jobs.edges import cluster_schema as kinds
from jobs.edges.api_server import ApiServer, BadRequest, Expired, Status
from jobs.edges.clock import Clock, retrying
from jobs.edges.decode import Item, List, decoded, object_in

if TYPE_CHECKING:  # only sync-once has any
    from jobs.core.explain import NodeNews

Value = TypeVar("Value")

PAGE_SIZE = 500  # objects per request: keeps memory flat with 5,000 nodes
MOST_PAGES = 200  # Kubernetes is made for 5,000 nodes: a list that goes on for longer never ends
STREAM_SECONDS = 60  # how long the server keeps one stream of events open
SILENCE_SECONDS = 70.0  # a stream silent for longer is dead: the server ends it, or sends a bookmark, before
LONGEST_EVENT = 1_000
LONGEST_MESSAGE = 300  # of a node's condition; the API server takes a megabyte
LONGEST_ADDRESSES, LONGEST_ANNOTATION = 4_096, 64  # the API server takes 256 KiB
MOST_ADDRESSES = 64  # of a node's status: the API server takes any number
USUAL_LEASE_SECONDS = 40  # a kubelet renews its Lease after a quarter of its duration, by default every 10 s
_NODES = "/api/v1/nodes"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class _Listed(Struct, Generic[Value], frozen=True):
    """All of a list, at one moment by the API server's clock."""

    items: list[Value]
    moment: datetime
    resource_version: str


class NodeEvent(Struct, frozen=True):
    """What a stream of nodes tells: a node as it is now, or, without one, only how far the stream has come."""

    type: str
    resource_version: str
    node: Node | None = None


class Cluster:
    """One Kubernetes API server, seen by one run."""

    def __init__(self, server: ApiServer, clock: Clock) -> None:
        """Take a server that is logged in to."""
        self._server = server
        self._clock = clock

    def nodes(self, label_selector: str) -> NodeList:
        """List the nodes that match a label selector ("" for all), as they are now: a consistent read.

        Raises ConfigurationError with the API server's own words for a bad selector or a missing permission.
        """
        try:
            found = self._listed(_NODES, kinds.NodeList, _selecting(label_selector), _node)
        except BadRequest as error:  # nothing else in it can be wrong
            raise BadRequest(f"--node-label-selector {quoted(label_selector)}: {error}") from error
        return NodeList(tuple(found.items), found.moment, found.resource_version)

    def lease_ages(self) -> dict[str, LeaseAge]:
        """Give for each node how many seconds ago its kubelet has renewed its Lease, as a consistent read.

        `spec.renewTime` is by the node's clock; the time in `managedFields` is that of the API server which took the
        renewal, and the answer's `Date` that of the one which answers. Raises Forbidden.
        """
        found = self._listed(_LEASES, kinds.LeaseList, {}, _renewal)
        now = datetime.now(UTC)
        return {
            node: LeaseAge((found.moment - noted).total_seconds(), (now - renewed).total_seconds())
            for node, noted, renewed in found.items
            if noted and renewed
        }

    def ready_nodes(self, service: str) -> frozenset[str]:
        """Name the nodes on which an endpoint of a service (`namespace/name`) is ready and stays."""
        namespace, _, name = service.partition("/")
        path = f"/apis/discovery.k8s.io/v1/namespaces/{quote(namespace)}/endpointslices"
        query = _selecting(f"kubernetes.io/service-name={name}")
        found = self._listed(path, kinds.EndpointSliceList, query, _ready_nodes)
        return frozenset().union(*found.items)

    def time(self) -> datetime:
        """Tell what the API server's clock shows now."""
        return self._server.time()

    def clock_difference(self) -> float:
        """How many seconds this machine's clock is ahead of the API server's."""
        return (datetime.now(UTC) - self.time()).total_seconds()

    def _listed(
        self, path: str, type_: type[List[Item]], query: Mapping[str, str], translate: Callable[[Item], Value]
    ) -> "_Listed[Value]":
        for attempt in retrying(self._clock, f"GET {path}, again from the start", on=Expired):
            with attempt:
                listed = self._pages(path, type_, {"limit": str(PAGE_SIZE), **query}, translate)
        return listed

    def _pages(
        self, path: str, type_: type[List[Item]], query: Mapping[str, str], translate: Callable[[Item], Value]
    ) -> "_Listed[Value]":
        page, moment = self._server.dated(path, type_, query)  # the pages that follow show the same moment
        items = [*map(translate, page.items)]
        for _ in range(MOST_PAGES):
            if not page.metadata.continue_:
                return _Listed(items, moment, page.metadata.resource_version)
            page, _ = self._server.dated(path, type_, {**query, "continue": page.metadata.continue_})
            items += map(translate, page.items)
        raise TemporaryError(f"GET {path}: the list has not ended after {MOST_PAGES} pages")

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
            event = _node_event(line) if line else None
            if event:
                yield event

    def cronjob(self, namespace: str, name: str) -> CronJob:
        """Read a CronJob."""
        raw = self._server.get(f"/apis/batch/v1/namespaces/{quote(namespace)}/cronjobs/{quote(name)}", kinds.CronJob)
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

    def create_event(self, news: "NodeNews") -> None:
        """Create an Event about a node, for `kubectl describe node`; tried once, since it is no more than news."""
        now = self.time().strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{news.node[:200].rstrip('-.')}.{secrets.token_hex(8)}", "namespace": "default"},
            "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": news.node, "uid": news.node},
            "reason": "WithdrawnFromDNS" if news.withdrawn else "PublishedToDNS",
            "message": news.message[:LONGEST_EVENT],
            "type": "Warning" if news.withdrawn else "Normal",
            "source": {"component": "kube-node-dns"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self._server.post("/api/v1/namespaces/default/events", event)


def _node(raw: kinds.Node) -> Node:
    """Translate a node; texts that may be of any length are cut, for runs keep them and report them."""
    spec, status = raw.spec or kinds.NodeSpec(), raw.status or kinds.NodeStatus()
    annotations = raw.metadata.annotations or {}

    def annotation(key: str, most: int = LONGEST_ANNOTATION) -> str | None:
        return stub(annotations[key], most) if key in annotations else None

    ready = next((each for each in status.conditions or () if each.type == "Ready"), None)
    labels = raw.metadata.labels or kinds.Labels()
    return Node(
        name=raw.metadata.name,
        node_ips=annotation(NODE_IPS, LONGEST_ADDRESSES),
        boot_id=stub((status.node_info and status.node_info.boot_id) or "", LONGEST_ANNOTATION),
        annotated_boot_id=annotation(BOOT_ID) or "",
        coordinates=annotation(COORDINATES),
        ready=_condition(ready) if ready else None,
        cordoned=bool(spec.unschedulable),
        deleting=raw.metadata.deletion_timestamp is not None,
        unreadable=raw.unreadable,
        bias=annotation(BIAS),
        zone=labels.zone,
        region=labels.region,
        taints=tuple(taint.key for taint in spec.taints or ()),
        public_ips=annotation(PUBLIC_IPS, LONGEST_ADDRESSES),
        external_ips=tuple(stub(each, LONGEST_ANNOTATION) for each in status.external_ips(MOST_ADDRESSES)),
    )


def _condition(raw: kinds.NodeCondition) -> Condition:
    message = shortened(raw.message or "", LONGEST_MESSAGE)
    return Condition(shortened(raw.status, LONGEST_MESSAGE), message, raw.last_transition_time)


def _renewal(lease: kinds.Lease) -> tuple[str, datetime | None, datetime | None]:
    """Say whose Lease it is and when it was renewed, by the API server and by the node.

    None if that is not known, or usually done less often.
    """
    name, spec = lease.metadata.name, lease.spec or kinds.LeaseSpec()
    if (spec.lease_duration_seconds or 0) > USUAL_LEASE_SECONDS:
        return name, None, None
    times = (
        entry.time
        for entry in lease.metadata.managed_fields or ()
        if entry.time and entry.fields and "f:renewTime" in (entry.fields.spec or ())
    )
    return name, max(times, default=None), spec.renew_time


def _ready_nodes(slice_: kinds.EndpointSlice) -> set[str]:
    return {endpoint.node_name for endpoint in slice_.endpoints or () if endpoint.node_name and _is_ready(endpoint)}


def _is_ready(endpoint: kinds.Endpoint) -> bool:
    conditions = endpoint.conditions or kinds.Conditions()
    return conditions.ready is not False and not conditions.terminating


def _selecting(label_selector: str) -> dict[str, str]:
    return {"labelSelector": label_selector} if label_selector else {}


def _node_event(line: bytes) -> NodeEvent | None:
    """Read an event; None for a node that is left out, as it is of lists."""
    event = decoded(line, kinds.WatchEvent, "watching nodes")
    if event.type == "ERROR":
        status = decoded(event.object, Status, "watching nodes")
        raise (Expired if status.code == 410 else TemporaryError)(f"watching nodes: {status.message}")
    if event.type == "BOOKMARK":
        return NodeEvent(event.type, decoded(event.object, kinds.Bookmark, "watching nodes").metadata.resource_version)
    node = object_in(event.object, kinds.Node)
    return NodeEvent(event.type, node.metadata.resource_version, _node(node)) if node else None
