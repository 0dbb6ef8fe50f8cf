"""The few members that are read of each kind of object in the Kubernetes API, for msgspec to decode."""

import contextlib
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec

from jobs.core.annotations import BIAS, BOOT_ID, COORDINATES, NODE_IPS, PUBLIC_IPS
from jobs.edges.decode import UNREADABLE, Data, ListMetadata, Object, Page

log = logging.getLogger(__name__)

Time = Annotated[datetime, msgspec.Meta(tz=True)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z", max_length=253)]
"""What the API server takes for the name of a node: it goes into the log, the result and Events as it is."""


class Identity(msgspec.Struct):
    """Which node it is."""

    name: Name


class Labels(msgspec.Struct):
    """The labels that say where a node is."""

    zone: str = msgspec.field(default="", name="topology.kubernetes.io/zone")
    region: str = msgspec.field(default="", name="topology.kubernetes.io/region")


class Annotations(msgspec.Struct):
    """The annotations that this program reads of a node."""

    node_ips: str | None = msgspec.field(default=None, name=NODE_IPS)
    boot_id: str | None = msgspec.field(default=None, name=BOOT_ID)
    public_ips: str | None = msgspec.field(default=None, name=PUBLIC_IPS)
    coordinates: str | None = msgspec.field(default=None, name=COORDINATES)
    bias: str | None = msgspec.field(default=None, name=BIAS)


class Metadata(Identity, rename="camel"):
    """What is needed of a node's metadata."""

    resource_version: str = ""
    labels: Labels | None = None
    annotations: Annotations | None = None
    deletion_timestamp: str | None = None


class Taint(msgspec.Struct):
    """A taint of a node."""

    key: str


class NodeSpec(msgspec.Struct):
    """How a node is to be used."""

    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class NodeCondition(msgspec.Struct, rename="camel"):
    """A condition of a node."""

    type: str
    status: str
    message: str | None = None
    last_transition_time: Time | None = None


class NodeInfo(msgspec.Struct):
    """The machine below a node."""

    boot_id: str | None = msgspec.field(default=None, name="bootID")


class NodeAddress(msgspec.Struct):
    """An address in a node's status."""

    type: str
    address: str


class NodeStatus(msgspec.Struct, rename="camel"):
    """How a node is. Its addresses are decoded one by one: a bad one must not cost the node."""

    conditions: list[NodeCondition] | None = None
    addresses: list[msgspec.Raw] | None = None
    node_info: NodeInfo | None = None

    def external_ips(self, most: int) -> Iterator[str]:
        """Give those of its first so many addresses that are of type ExternalIP, whatever they hold."""
        for raw in (self.addresses or ())[:most]:
            if b"ExternalIP" in bytes(raw):  # few are: thousands of nodes need not have all their addresses decoded
                with contextlib.suppress(*UNREADABLE):
                    address = msgspec.json.decode(raw, type=NodeAddress)
                    if address.type == "ExternalIP":
                        yield address.address


class Described(msgspec.Struct):
    """A node of which no more than its metadata is read."""

    metadata: Metadata


class Named(msgspec.Struct):
    """A node of which no more than its name is read."""

    metadata: Identity


class NodeObject(Object):
    """A node. `unreadable` says why no more than its metadata could be read; the API server has no such member."""

    metadata: Metadata
    spec: NodeSpec | None = None
    status: NodeStatus | None = None
    unreadable: str | None = None

    @classmethod
    def rescued(cls, data: Data, why: str) -> Self | None:
        """Keep its annotations if they can be read: it has a place in any case."""
        with contextlib.suppress(*UNREADABLE):
            return cls(msgspec.json.decode(data, type=Described).metadata, unreadable=why)
        with contextlib.suppress(*UNREADABLE):
            return cls(Metadata(msgspec.json.decode(data, type=Named).metadata.name), unreadable=why)
        log.warning("a node is left out, for not even its name can be read: %s", why)
        return None


class FieldsOfSpec(msgspec.Struct):
    """The fields of `spec` that a manager owns, as keys `f:<name>`."""

    spec: dict[str, msgspec.Raw] | None = msgspec.field(default=None, name="f:spec")


class ManagedFields(msgspec.Struct):
    """Who owns which fields, and when it last changed one of them, by the API server's clock."""

    manager: str = ""
    time: Time | None = None
    fields: FieldsOfSpec | None = msgspec.field(default=None, name="fieldsV1")


class ManagedMetadata(msgspec.Struct, rename="camel"):
    """Metadata of an object whose owners matter."""

    name: str
    managed_fields: list[ManagedFields] | None = None


class LeaseSpec(msgspec.Struct, rename="camel"):
    """How long a lease lasts; a kubelet renews its own after a quarter of that."""

    lease_duration_seconds: int | None = None
    renew_time: Time | None = None


class Lease(Object):
    """A lease."""

    metadata: ManagedMetadata
    spec: LeaseSpec | None = None


class Conditions(msgspec.Struct):
    """How an endpoint is; what is not said of `ready` means that it is."""

    ready: bool | None = None
    terminating: bool | None = None


class Endpoint(msgspec.Struct, rename="camel"):
    """An endpoint of a service."""

    conditions: Conditions | None = None
    node_name: str | None = None


class EndpointSlice(Object):
    """Some endpoints of a service."""

    endpoints: list[Endpoint] | None = None


class NodePage(Page[NodeObject], tag_field="kind", tag="NodeList"):
    """A page of nodes."""


class LeasePage(Page[Lease], tag_field="kind", tag="LeaseList"):
    """A page of leases."""


class EndpointSlicePage(Page[EndpointSlice], tag_field="kind", tag="EndpointSliceList"):
    """A page of endpoint slices."""


class Bookmark(msgspec.Struct):
    """How far a stream has come."""

    metadata: ListMetadata


class WatchEvent(msgspec.Struct):
    """A line of a stream."""

    type: str
    object: msgspec.Raw


class TemplateMetadata(msgspec.Struct):
    """What a Job takes over from the template of its CronJob."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class JobTemplate(msgspec.Struct):
    """The template of a CronJob's Jobs."""

    spec: dict[str, Any]
    metadata: TemplateMetadata = msgspec.field(default_factory=TemplateMetadata)


class CronJobMetadata(msgspec.Struct):
    """What an owner reference needs."""

    name: str
    uid: str


class CronJobSpec(msgspec.Struct, rename="camel"):
    """What a CronJob makes."""

    job_template: JobTemplate
    suspend: bool | None = None


class CronJobObject(msgspec.Struct):
    """A CronJob."""

    metadata: CronJobMetadata
    spec: CronJobSpec
