"""The resources the API server double serves: one row each."""

from dataclasses import dataclass, field, replace

from tests.sandbox.kubernetes_custom import DNSENDPOINT
from tests.sandbox.kubernetes_errors import Object, qualified
from tests.sandbox.kubernetes_schema import METADATA, UNTYPED, Struct, Type
from tests.sandbox.kubernetes_types import (
    ENDPOINT_SLICE,
    ENDPOINT_SLICE_ALWAYS,
    EVENT,
    EVENT_ALWAYS,
    EVENT_FIELDS,
    LEASE_SPEC,
    NODE_SPEC,
    NODE_STATUS,
)


@dataclass(frozen=True)
class Resource:
    """One resource of the API."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    status: bool = False
    """Has a status subresource."""
    status_on_create: bool = False
    """Keeps the status a client creates it with."""
    create_on_update: bool = False
    """A PUT of an object that is not there creates it."""
    needs_version: bool = False
    """A PUT must say which version it replaces."""
    any_name: bool = False
    """Takes every name that can stand in a path."""
    generation: bool = False
    """Counts changes of its spec in metadata.generation."""
    fields: frozenset[str] = frozenset()
    """Field selectors besides metadata.name and metadata.namespace."""
    short_names: tuple[str, ...] = ()
    members: dict[str, Type] = field(default_factory=dict)
    """What an object has besides apiVersion, kind and metadata."""
    always: dict[str, object] = field(default_factory=dict)
    """Members that are there even when empty."""
    declared: dict[str, Type] = field(default_factory=dict)
    """Of a custom resource: what its definition says of `members`, which are decoded without it."""

    @property
    def name(self) -> str:
        """Its full name, which is that of its definition where it is a custom resource: `dnsendpoints.example.com`."""
        return qualified(self.plural, self.group)

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def schema(self) -> Struct:
        """The whole object without apiVersion and kind."""
        return Struct(self.kind, {"metadata": METADATA, **self.members}, {"metadata": {}, **self.always})

    @property
    def strict_schema(self) -> Struct:
        """The same with all that its definition says."""
        return replace(self.schema, fields={**self.schema.fields, **self.declared})

    def discovery(self) -> list[Object]:
        """Describe it as API discovery does."""
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        row = {"name": self.plural, "singularName": self.kind.lower(), "namespaced": self.namespaced}
        rows: list[Object] = [{**row, "kind": self.kind, "verbs": verbs, "shortNames": list(self.short_names)}]
        if self.status:
            below = {"name": f"{self.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]}
            rows.append({**row, **below, "kind": self.kind})
        return rows


_SPEC_STATUS: dict[str, Type] = {"spec": UNTYPED, "status": UNTYPED}

RESOURCES = (
    Resource(
        *("", "v1", "nodes", "Node"),
        namespaced=False,
        status=True,
        status_on_create=True,
        fields=frozenset({"spec.unschedulable"}),
        short_names=("no",),
        members={"spec": NODE_SPEC, "status": NODE_STATUS},
        always={"spec": {}, "status": {}},
    ),
    Resource(
        *("", "v1", "namespaces", "Namespace"),
        namespaced=False,
        status=True,
        fields=frozenset({"status.phase"}),
        short_names=("ns",),
        members=_SPEC_STATUS,
    ),
    Resource(
        *("", "v1", "pods", "Pod"),
        namespaced=True,
        status=True,
        fields=frozenset({"spec.nodeName", "status.phase"}),
        short_names=("po",),
        members=_SPEC_STATUS,
    ),
    Resource(
        *("", "v1", "events", "Event"),
        namespaced=True,
        create_on_update=True,
        any_name=True,
        fields=EVENT_FIELDS,
        short_names=("ev",),
        members=EVENT,
        always=EVENT_ALWAYS,
    ),
    Resource(
        *("batch", "v1", "jobs", "Job"),
        namespaced=True,
        status=True,
        generation=True,
        fields=frozenset({"status.successful"}),
        members=_SPEC_STATUS,
    ),
    Resource(
        *("batch", "v1", "cronjobs", "CronJob"),
        namespaced=True,
        status=True,
        generation=True,
        short_names=("cj",),
        members=_SPEC_STATUS,
    ),
    Resource(
        *("coordination.k8s.io", "v1", "leases", "Lease"),
        namespaced=True,
        create_on_update=True,
        needs_version=True,
        members={"spec": LEASE_SPEC},
        always={"spec": {}},
    ),
    Resource(
        *("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
        namespaced=True,
        generation=True,
        members=ENDPOINT_SLICE,
        always=ENDPOINT_SLICE_ALWAYS,
    ),
    Resource(
        *("externaldns.k8s.io", "v1alpha1", "dnsendpoints", "DNSEndpoint"),
        namespaced=True,
        status=True,
        needs_version=True,
        generation=True,
        members=_SPEC_STATUS,
        declared=DNSENDPOINT,
    ),
)
"""The last one is a custom resource: it is served where it is defined."""


def resource_of(group: str, version: str, plural: str) -> Resource | None:
    """Find the row of a resource."""
    key = (group, version, plural)
    return next((row for row in RESOURCES if (row.group, row.version, row.plural) == key), None)


def resource_of_kind(api_version: str, kind: str) -> Resource | None:
    """Find the row of a kind."""
    return next((row for row in RESOURCES if (row.api_version, row.kind) == (api_version, kind)), None)
