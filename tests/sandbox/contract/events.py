"""The Events that the contract is about."""

from tests.sandbox.contract.client import Api, Json

TIME = "2026-11-24T15:00:00Z"
MICRO_TIME = "2026-11-24T15:00:00.123456Z"
NEWER = {"eventTime": MICRO_TIME, "action": "Sync", "reportingComponent": "example.com/x", "reportingInstance": "x-1"}


def event(api: Api, **changes: object) -> Json:
    """Build an Event about this test's node, of the older form, which has no eventTime."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{api.mine}.1"},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": api.mine, "uid": api.mine},
        "reason": "WithdrawnFromDNS",
        "message": "cdn.example.com: withdrawn 5.75.128.10: cordoned",
        "type": "Warning",
        "source": {"component": "kube-node-dns"},
        "firstTimestamp": TIME,
        "lastTimestamp": TIME,
        "count": 1,
        "reportingComponent": "kube-node-dns",
        **changes,
    }


def about(namespace: str | None) -> Json:
    """Build the reference to an object in a namespace, or to a node."""
    return {"kind": "Node"} if namespace is None else {"kind": "Pod", "namespace": namespace}
