"""What is in the kinds the API server double serves, in the words of Go's types."""

from tests.sandbox.kubernetes_schema import (
    BOOLEAN,
    BOOLEAN_POINTER,
    INTEGER,
    MICRO_TIME,
    QUANTITY,
    SMALL_INTEGER,
    SMALL_INTEGER_POINTER,
    STRING,
    STRING_POINTER,
    TIME,
    UNTYPED,
    List,
    Map,
    Scalar,
    Struct,
    Type,
)

_TAINT = Struct(
    "Taint", {"key": STRING, "value": STRING, "effect": STRING, "timeAdded": TIME}, {"key": "", "effect": ""}
)
NODE_SPEC = Struct(
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
NODE_STATUS = Struct(
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

LEASE_SPEC = Struct(
    "LeaseSpec",
    {
        "holderIdentity": STRING_POINTER,
        "leaseDurationSeconds": SMALL_INTEGER_POINTER,
        "acquireTime": MICRO_TIME,
        "renewTime": MICRO_TIME,
        "leaseTransitions": SMALL_INTEGER_POINTER,
    },
)

_REFERENCES = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_REFERENCE = Struct("ObjectReference", dict.fromkeys(_REFERENCES, STRING), atomic=True)
_SERIES = Struct("EventSeries", {"count": SMALL_INTEGER, "lastObservedTime": MICRO_TIME}, {"lastObservedTime": None})

EVENT: dict[str, Type] = {
    "involvedObject": _REFERENCE,
    "reason": STRING,
    "message": STRING,
    "source": Struct("EventSource", {"component": STRING, "host": STRING}),
    "firstTimestamp": TIME,
    "lastTimestamp": TIME,
    "count": SMALL_INTEGER,
    "type": STRING,
    "eventTime": MICRO_TIME,
    "series": _SERIES,
    "action": STRING,
    "related": _REFERENCE,
    "reportingComponent": STRING,
    "reportingInstance": STRING,
}
EVENT_ALWAYS: dict[str, object] = {
    "involvedObject": {},
    "source": {},
    **dict.fromkeys(("firstTimestamp", "lastTimestamp", "eventTime")),
    "reportingComponent": "",
    "reportingInstance": "",
}
EVENT_FIELDS = frozenset(f"involvedObject.{name}" for name in _REFERENCES) | {
    *("reason", "reportingComponent", "source", "type"),
}

_CONDITIONS = Struct("EndpointConditions", dict.fromkeys(("ready", "serving", "terminating"), BOOLEAN_POINTER))
_ENDPOINT = Struct(
    "Endpoint",
    {
        "addresses": List(STRING),
        "conditions": _CONDITIONS,
        "hostname": STRING_POINTER,
        "targetRef": _REFERENCE,
        "deprecatedTopology": Map(STRING),
        "nodeName": STRING_POINTER,
        "zone": STRING_POINTER,
        "hints": UNTYPED,
    },
    {"addresses": None, "conditions": {}},
)
_PORT = Struct(
    "EndpointPort",
    {
        "name": STRING_POINTER,
        "protocol": Scalar((str,), "v1.Protocol", kept=True),
        "port": SMALL_INTEGER_POINTER,
        "appProtocol": STRING_POINTER,
    },
    {"name": "", "protocol": "TCP"},
)
ENDPOINT_SLICE: dict[str, Type] = {
    "addressType": Scalar((str,), "v1.AddressType"),
    "endpoints": List(_ENDPOINT),
    "ports": List(_PORT),
}
ENDPOINT_SLICE_ALWAYS: dict[str, object] = {"addressType": "", "endpoints": None, "ports": None}
