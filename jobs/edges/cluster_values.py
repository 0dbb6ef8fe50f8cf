"""What Kubernetes says of nodes, as values of the core: what the API takes at any length is cut here. No decision."""

from datetime import datetime

from msgspec import Struct

from jobs.core.errors import TemporaryError
from jobs.core.node import Condition, Node
from jobs.core.text import shortened, stub
from jobs.edges import cluster_schema as kinds
from jobs.edges.api_server import Expired, Status
from jobs.edges.decode import decoded, object_in

LONGEST_MESSAGE = 300  # of a node's condition; the API server takes a megabyte
LONGEST_ADDRESSES, LONGEST_ANNOTATION = 4_096, 64  # the API server takes 256 KiB
MOST_ADDRESSES = 64  # of a node's status: the API server takes any number
USUAL_LEASE_SECONDS = 40  # a kubelet renews its Lease after a quarter of its duration, by default every 10 s


class NodeEvent(Struct, frozen=True):
    """What a stream of nodes reports: a node as it is now, or, without one, only how far the stream has come."""

    type: str
    resource_version: str
    node: Node | None = None


def node_of(raw: kinds.NodeObject) -> Node:
    """Translate a node; texts that may be of any length are cut, for runs keep them and report them."""
    spec, status = raw.spec or kinds.NodeSpec(), raw.status or kinds.NodeStatus()
    labels, annotations = raw.metadata.labels or kinds.Labels(), raw.metadata.annotations or kinds.Annotations()
    ready = next((each for each in status.conditions or () if each.type == "Ready"), None)
    return Node(
        name=raw.metadata.name,
        node_ips=_stub(annotations.node_ips, LONGEST_ADDRESSES),
        boot_id=_stub((status.node_info or kinds.NodeInfo()).boot_id) or "",
        annotated_boot_id=_stub(annotations.boot_id) or "",
        coordinates=_stub(annotations.coordinates),
        ready=_condition(ready) if ready else None,
        cordoned=bool(spec.unschedulable),
        deleting=raw.metadata.deletion_timestamp is not None,
        unreadable=raw.unreadable,
        bias=_stub(annotations.bias),
        zone=labels.zone,
        region=labels.region,
        taints=tuple(taint.key for taint in spec.taints or ()),
        public_ips=_stub(annotations.public_ips, LONGEST_ADDRESSES),
        external_ips=tuple(stub(each, LONGEST_ANNOTATION) for each in status.external_ips(MOST_ADDRESSES)),
    )


def _stub(text: str | None, most: int = LONGEST_ANNOTATION) -> str | None:
    return stub(text, most) if text else text


def _condition(raw: kinds.NodeCondition) -> Condition:
    message = shortened(raw.message or "", LONGEST_MESSAGE)
    return Condition(shortened(raw.status, LONGEST_MESSAGE), message, raw.last_transition_time)


def renewal(lease: kinds.Lease) -> tuple[str, datetime | None, datetime | None]:
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


def nodes_ready_in(slice_: kinds.EndpointSlice) -> set[str]:
    """Name the nodes of those endpoints that are ready and stay."""
    return {endpoint.node_name for endpoint in slice_.endpoints or () if endpoint.node_name and _is_ready(endpoint)}


def _is_ready(endpoint: kinds.Endpoint) -> bool:
    conditions = endpoint.conditions or kinds.Conditions()
    return conditions.ready is not False and not conditions.terminating


def node_event(line: bytes) -> NodeEvent | None:
    """Read an event; None for a node that is left out, as it is of lists."""
    event = decoded(line, kinds.WatchEvent, "watching nodes")
    if event.type == "ERROR":
        status = decoded(event.object, Status, "watching nodes")
        raise (Expired if status.code == 410 else TemporaryError)(f"watching nodes: {status.message}")
    if event.type == "BOOKMARK":
        return NodeEvent(event.type, decoded(event.object, kinds.Bookmark, "watching nodes").metadata.resource_version)
    node = object_in(event.object, kinds.NodeObject)
    return NodeEvent(event.type, node.metadata.resource_version, node_of(node)) if node else None
