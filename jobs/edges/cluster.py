"""What sync-once and watch need of Kubernetes: nodes, Leases and endpoints in, Jobs and Events out. No decision."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

from msgspec import Struct

from jobs.core.errors import TemporaryError
from jobs.core.job_manifest import CronJob
from jobs.core.node import LeaseAge, NodeList
from jobs.core.text import quoted
from jobs.edges import cluster_schema as kinds
from jobs.edges.api_server import ApiServer, BadRequest, Expired
from jobs.edges.clock import Clock, retrying
from jobs.edges.cluster_values import NodeEvent, node_event, node_of, nodes_ready_in, renewal
from jobs.edges.decode import Item, Page

if TYPE_CHECKING:  # only sync-once has any
    from jobs.core.explain import NodeNews

Value = TypeVar("Value")

PAGE_SIZE = 500  # objects per request: keeps memory flat with 5,000 nodes
MOST_PAGES = 200  # Kubernetes is made for 5,000 nodes: a list that goes on for longer never ends
STREAM_SECONDS = 25  # how long the server keeps one stream of events open: load balancers cut a silent one after 30 s
SILENCE_SECONDS = 35.0  # a stream silent for longer is dead: the server ends it, or sends a bookmark, before
LONGEST_EVENT = 1_000
_NODES = "/api/v1/nodes"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class _Listed(Struct, Generic[Value], frozen=True):
    """All of a list, at one moment by the API server's clock."""

    items: list[Value]
    moment: datetime
    resource_version: str


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
            found = self._listed(_NODES, kinds.NodePage, _selecting(label_selector), node_of)
        except BadRequest as error:  # nothing else in it can be wrong
            raise BadRequest(f"--node-label-selector {quoted(label_selector)}: {error}") from error
        return NodeList(tuple(found.items), found.moment, found.resource_version)

    def lease_ages(self) -> dict[str, LeaseAge]:
        """Give for each node how many seconds ago its kubelet has renewed its Lease, as a consistent read.

        `spec.renewTime` is by the node's clock; the time in `managedFields` is that of the API server which took the
        renewal, and the response's `Date` that of the one which answers. Raises Forbidden.
        """
        found = self._listed(_LEASES, kinds.LeasePage, {}, renewal)
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
        found = self._listed(path, kinds.EndpointSlicePage, query, nodes_ready_in)
        return frozenset().union(*found.items)

    def time(self) -> datetime:
        """Say what the API server's clock shows now."""
        return self._server.time()

    def clock_difference(self) -> float:
        """How many seconds this machine's clock is ahead of the API server's."""
        return (datetime.now(UTC) - self.time()).total_seconds()

    def _listed(
        self, path: str, type_: type[Page[Item]], query: Mapping[str, str], translate: Callable[[Item], Value]
    ) -> "_Listed[Value]":
        for attempt in retrying(self._clock, f"GET {path}, again from the start", on=Expired):
            with attempt:
                listed = self._pages(path, type_, {"limit": str(PAGE_SIZE), **query}, translate)
        return listed

    def _pages(
        self, path: str, type_: type[Page[Item]], query: Mapping[str, str], translate: Callable[[Item], Value]
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
        """Follow the nodes from a version on, until the server ends the stream.

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
            event = node_event(line) if line else None
            if event:
                yield event

    def cronjob(self, namespace: str, name: str) -> CronJob:
        """Read a CronJob."""
        raw = self._server.get(
            f"/apis/batch/v1/namespaces/{quote(namespace)}/cronjobs/{quote(name)}", kinds.CronJobObject
        )
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


def _selecting(label_selector: str) -> dict[str, str]:
    return {"labelSelector": label_selector} if label_selector else {}
