"""The resources the API server double serves: one row each."""

from dataclasses import dataclass, field

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_schema import (
    BOOLEAN,
    INTEGER,
    METADATA,
    QUANTITY,
    STRING,
    TIME,
    UNTYPED,
    List,
    Map,
    Struct,
    Type,
)

_TAINT = Struct(
    "Taint", {"key": STRING, "value": STRING, "effect": STRING, "timeAdded": TIME}, {"key": "", "effect": ""}
)
_NODE_SPEC = Struct(
    "NodeSpec",
    {
        "podCIDR": STRING,
        "podCIDRs": List(STRING, unique=True),
        "providerID": STRING,
        "unschedulable": BOOLEAN,
        "taints": List(_TAINT),
    },
)
_CONDITION = Struct(
    "NodeCondition",
    {"type": STRING, "status": STRING, "lastHeartbeatTime": TIME, "lastTransitionTime": TIME}
    | {"reason": STRING, "message": STRING},
    {"type": "", "status": "", "lastHeartbeatTime": None, "lastTransitionTime": None},
)
_ADDRESS = Struct("NodeAddress", {"type": STRING, "address": STRING}, {"type": "", "address": ""})
_SYSTEM_INFO = (
    *("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion"),
    *("kubeProxyVersion", "operatingSystem", "architecture"),
)
_DAEMON = Struct("DaemonEndpoint", {"Port": INTEGER}, {"Port": 0})
_NODE_STATUS = Struct(
    "NodeStatus",
    {
        "capacity": Map(QUANTITY),
        "allocatable": Map(QUANTITY),
        "phase": STRING,
        "conditions": List(_CONDITION, key="type"),
        "addresses": List(_ADDRESS, key="type"),
        "daemonEndpoints": Struct("NodeDaemonEndpoints", {"kubeletEndpoint": _DAEMON}, {"kubeletEndpoint": {}}),
        "nodeInfo": Struct("NodeSystemInfo", dict.fromkeys(_SYSTEM_INFO, STRING), dict.fromkeys(_SYSTEM_INFO, "")),
        "images": List(UNTYPED),
        "volumesInUse": List(STRING),
        "volumesAttached": List(UNTYPED),
        "config": UNTYPED,
        "runtimeHandlers": List(UNTYPED),
        "features": UNTYPED,
    },
    {"daemonEndpoints": {}, "nodeInfo": {}},
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
    generation: bool = False
    """Counts changes of its spec in metadata.generation."""
    fields: frozenset[str] = frozenset()
    """Field selectors besides metadata.name and metadata.namespace."""
    short_names: tuple[str, ...] = ()
    members: dict[str, Type] = field(default_factory=dict)
    """What an object has besides apiVersion, kind and metadata."""
    always: dict[str, object] = field(default_factory=dict)
    """Members that are there even when empty."""

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def schema(self) -> Struct:
        """The whole object without apiVersion and kind."""
        return Struct(self.kind, {"metadata": METADATA, **self.members}, {"metadata": {}, **self.always})

    def discovery(self) -> list[Object]:
        """Describe it as API discovery does."""
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        row = {"name": self.plural, "singularName": self.kind.lower(), "namespaced": self.namespaced}
        rows: list[Object] = [{**row, "kind": self.kind, "verbs": verbs, "shortNames": list(self.short_names)}]
        if self.status:
            below = {"name": f"{self.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]}
            rows.append({**row, **below, "kind": self.kind})
        return rows


_LEASE_SPEC = Struct(
    "LeaseSpec",
    {
        "holderIdentity": STRING,
        "leaseDurationSeconds": INTEGER,
        "acquireTime": TIME,
        "renewTime": TIME,
        "leaseTransitions": INTEGER,
        "strategy": STRING,
        "preferredHolder": STRING,
    },
)
_SPEC_STATUS: dict[str, Type] = {"spec": UNTYPED, "status": UNTYPED}
_EVENT_FIELDS = frozenset(
    {f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")}
    | {"reason", "source", "type", "reportingComponent"}
)
_WORDS = ("reason", "message", "type", "action", "reportingComponent", "reportingInstance")
_EVENT_MEMBERS: dict[str, Type] = {
    **dict.fromkeys(("involvedObject", "source", "series", "related"), UNTYPED),
    **dict.fromkeys(_WORDS, STRING),
    **dict.fromkeys(("firstTimestamp", "lastTimestamp", "eventTime"), TIME),
    "count": INTEGER,
}
_ENDPOINT = Struct(
    "Endpoint",
    {
        "addresses": List(STRING, unique=True),
        **dict.fromkeys(("nodeName", "hostname", "zone"), STRING),
        **dict.fromkeys(("conditions", "targetRef", "hints", "deprecatedTopology"), UNTYPED),
    },
    {"addresses": None, "conditions": {}},
)

RESOURCES = (
    Resource(
        *("", "v1", "nodes", "Node"),
        namespaced=False,
        status=True,
        status_on_create=True,
        fields=frozenset({"spec.unschedulable"}),
        short_names=("no",),
        members={"spec": _NODE_SPEC, "status": _NODE_STATUS},
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
        fields=_EVENT_FIELDS,
        short_names=("ev",),
        members=_EVENT_MEMBERS,
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
        members={"spec": _LEASE_SPEC},
        always={"spec": {}},
    ),
    Resource(
        *("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
        namespaced=True,
        generation=True,
        members={"addressType": STRING, "endpoints": List(_ENDPOINT), "ports": List(UNTYPED)},
        always={"addressType": "", "endpoints": None, "ports": None},
    ),
)


def resource_of(group: str, version: str, plural: str) -> Resource | None:
    """Find the row of a resource."""
    key = (group, version, plural)
    return next((row for row in RESOURCES if (row.group, row.version, row.plural) == key), None)


def resource_of_kind(api_version: str, kind: str) -> Resource | None:
    """Find the row of a kind."""
    return next((row for row in RESOURCES if (row.api_version, row.kind) == (api_version, kind)), None)
