"""What tests and stories put into the API server, and the kubeconfig that leads clients to it."""

import base64
import time
from collections.abc import Iterable, Mapping, Sequence

from tests.sandbox.kubernetes_access import ADMIN_TOKEN
from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_times import timestamp

_UP_SECONDS = 86_400  # a node in the sandbox has been as it is for a day


def node(
    name: str,
    *,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    ready: str = "True",
    message: str = "",
    boot_id: str = "",
    cordoned: bool = False,
    taints: tuple[Mapping[str, str], ...] = (),
    addresses: Iterable[tuple[str, str]] = (),
    now: float | None = None,
) -> Object:
    """Build a Node that has been up for a day, for `Kubernetes.put`; `now` is by the clock of its API server.

    `addresses` are those of its status, as type and address.
    """
    now = time.time() if now is None else now
    metadata = {"name": name, "labels": dict(labels or {}), "annotations": dict(annotations or {})}
    status: Object = {
        "conditions": [ready_condition(ready, message, now, now - _UP_SECONDS)],
        "nodeInfo": {"bootID": boot_id, "kubeletVersion": "v1.36.0", "operatingSystem": "linux"},
    }
    if found := [{"type": type_, "address": address} for type_, address in addresses]:
        status["addresses"] = found
    spec = {"unschedulable": cordoned, "taints": [dict(taint) for taint in taints]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def kubeconfig(url: str, token: str = ADMIN_TOKEN, *, authority_pem: bytes = b"") -> Object:
    """Build a kubeconfig; dumped as JSON it is a file that every client reads.

    `authority_pem` is needed for https. kubectl sends no token over plain http: it needs https.
    """
    trust = {"certificate-authority-data": base64.b64encode(authority_pem).decode()} if authority_pem else {}
    cluster = {"server": url, **trust}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "sandbox", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        "current-context": "sandbox",
    }


def ready_condition(status: str, message: str, now: float, since: float) -> Object:
    """Build the condition a kubelet reports, or the node controller once it has not heard of the kubelet."""
    reason = {"True": "KubeletReady", "False": "KubeletNotReady"}.get(status, "NodeStatusUnknown")
    heard = since if status == "Unknown" else now
    times = {"lastHeartbeatTime": timestamp(heard), "lastTransitionTime": timestamp(since)}
    return {"type": "Ready", "status": status, "reason": reason, "message": message, **times}


def lease(node: str, renew_time: str) -> Object:
    """Build the Lease that a kubelet renews every ten seconds."""
    spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": renew_time}
    metadata = {"name": node, "namespace": "kube-node-lease"}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def endpoint_slice(
    namespace: str, service: str, endpoints: Sequence[Object] | None, *, name: str | None = None
) -> Object:
    """Build a slice of a service's endpoints, for `Kubernetes.put`; None, or none, is null once it is stored."""
    labels = {"kubernetes.io/service-name": service}
    metadata = {"name": name or f"{service}-abcde", "namespace": namespace, "labels": labels}
    addresses = [address for endpoint in endpoints or () for address in endpoint["addresses"]]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv6" if any(":" in address for address in addresses) else "IPv4",
        "endpoints": None if endpoints is None else list(endpoints),
        "ports": [{"name": "https", "port": 443, "protocol": "TCP"}],
    }


def endpoint(
    node_name: str | None, *, ready: bool | None = True, terminating: bool | None = None, address: str = "10.42.0.1"
) -> Object:
    """Build an endpoint; None leaves its node, or a condition, out."""
    conditions = {"ready": ready, "serving": ready, "terminating": terminating}
    known = {name: value for name, value in conditions.items() if value is not None}
    where = {} if node_name is None else {"nodeName": node_name}
    return {"addresses": [address], "conditions": known, **where}
