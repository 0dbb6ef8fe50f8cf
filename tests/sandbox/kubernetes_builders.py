"""What tests and stories put into the API server, and how clients are told where it is."""

import base64
import time
from collections.abc import Mapping

from tests.sandbox.kubernetes_access import ADMIN_TOKEN
from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_objects import timestamp


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
        "conditions": [ready_condition(ready, message, timestamp(time.time()))],
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
