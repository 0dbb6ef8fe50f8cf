"""What tests and stories put into the API server, and how clients are told where it is."""

import base64
import time
from collections.abc import Mapping, Sequence

from tests.sandbox.kubernetes_access import ADMIN_TOKEN
from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_objects import timestamp

_UP_SECONDS = 86400  # a node in the sandbox has been as it is for a day


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
) -> Object:
    """Build a Node as a kubelet registers it, for `Kubernetes.put`."""
    metadata = {"name": name, "labels": dict(labels or {}), "annotations": dict(annotations or {})}
    status = {
        "conditions": [ready_condition(ready, message, timestamp(time.time() - _UP_SECONDS))],
        "nodeInfo": {"bootID": boot_id, "kubeletVersion": "v1.36.0", "operatingSystem": "linux"},
    }
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


def ready_condition(status: str, message: str, now: str) -> Object:
    """Build the condition a kubelet reports, or its lifecycle controller when the kubelet is silent."""
    reason = {"True": "KubeletReady", "False": "KubeletNotReady"}.get(status, "NodeStatusUnknown")
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    return {"type": "Ready", "status": status, "reason": reason, "message": message, **times}


def endpoint_slice(
    namespace: str, service: str, endpoints: Sequence[Object] | None, *, name: str | None = None
) -> Object:
    """Build a slice of a service's endpoints, for `Kubernetes.put`; None as the server shows a slice without any."""
    labels = {"kubernetes.io/service-name": service}
    metadata = {"name": name or f"{service}-abcde", "namespace": namespace, "labels": labels}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": None if endpoints is None else list(endpoints),
        "ports": [{"name": "https", "port": 443, "protocol": "TCP"}],
    }


def endpoint(
    node_name: str | None, *, ready: bool | None = True, terminating: bool | None = None, address: str = "10.42.0.7"
) -> Object:
    """Build an endpoint; None leaves a condition out."""
    conditions = {"ready": ready, "serving": ready, "terminating": terminating}
    known = {name: value for name, value in conditions.items() if value is not None}
    where = {} if node_name is None else {"nodeName": node_name}
    return {"addresses": [address], "conditions": known, **where}
