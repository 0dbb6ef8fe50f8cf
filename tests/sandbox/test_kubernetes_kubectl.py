"""The double of the API server through the eyes of the real kubectl."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.certificates import loopback_certificate
from tests.sandbox.contract.client import Json
from tests.sandbox.kubernetes import Kubernetes, kubeconfig, node
from tests.sandbox.kubernetes_times import timestamp
from tests.sandbox.server import Server

Kubectl = Callable[..., str]


@pytest.fixture
def cluster() -> Kubernetes:
    """Give a cluster with two nodes."""
    kubernetes = Kubernetes()
    kubernetes.put(node("a", labels={"node-role.kubernetes.io/edge": ""}, annotations={"x": "1"}))
    kubernetes.put(node("b", ready="Unknown", cordoned=True))
    return kubernetes


@pytest.fixture
def kubectl(cluster: Kubernetes, tmp_path: Path) -> Iterator[Kubectl]:
    """Run the real kubectl against it; give what it prints."""
    certificate = loopback_certificate()
    with Server(cluster, tls=certificate.server_context()) as serving:
        config = tmp_path / "config"
        config.write_text(json.dumps(kubeconfig(serving.url, authority_pem=certificate.authority_pem)))
        environment = {**os.environ, "KUBECONFIG": str(config), "KUBECACHEDIR": str(tmp_path), "HOME": str(tmp_path)}

        def run(*arguments: str, document: Json | None = None) -> str:
            done = subprocess.run(
                [Path(sys.executable).with_name("kubectl"), *arguments],
                env=environment,
                input=json.dumps(document) if document else None,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield run


def test_kubectl_shows_nodes(kubectl: Kubectl) -> None:
    """Lets kubectl get, select, page and describe nodes."""
    first, second, third = (line.split() for line in kubectl("get", "nodes").splitlines())
    assert first == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert (second[:3], third[:3]) == (["a", "Ready", "edge"], ["b", "NotReady,SchedulingDisabled", "<none>"])
    assert json.loads(kubectl("get", "node", "a", "-o", "json"))["kind"] == "Node"
    assert kubectl("get", "nodes", "-o", "name", "--chunk-size=1").split() == ["node/a", "node/b"]
    assert kubectl("get", "nodes", "-l", "node-role.kubernetes.io/edge", "-o", "name").split() == ["node/a"]
    assert "Unschedulable:      true" in kubectl("describe", "node", "b")


def test_kubectl_changes_nodes(kubectl: Kubectl, cluster: Kubernetes) -> None:
    """Lets kubectl annotate, label, cordon, taint and patch nodes."""
    kubectl("annotate", "node", "a", "y=2", "x-")
    kubectl("label", "node", "a", "colour=red")
    kubectl("cordon", "a")
    kubectl("uncordon", "b")
    kubectl("taint", "node", "a", "k=v:NoExecute")
    kubectl(
        "patch", "node", "a", "--type=json", "-p", '[{"op": "add", "path": "/metadata/annotations/z", "value": ""}]'
    )
    ready = '{"status": {"conditions": [{"type": "Ready", "status": "False"}]}}'
    kubectl("patch", "node", "a", "--subresource=status", "-p", ready)
    a = cluster.get("Node", "a")
    assert a["metadata"]["annotations"] == {"y": "2", "z": ""}
    assert a["metadata"]["labels"]["colour"] == "red"
    assert a["spec"] == {"unschedulable": True, "taints": [{"key": "k", "value": "v", "effect": "NoExecute"}]}
    assert a["status"]["conditions"][0]["status"] == "False"
    assert "unschedulable" not in cluster.get("Node", "b")["spec"]


def test_kubectl_creates_and_deletes(kubectl: Kubectl) -> None:
    """Lets kubectl apply a manifest, again too, create and delete."""
    document: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "c"}}
    assert kubectl("apply", "-f", "-", document=document) == "node/c created\n"
    assert kubectl("apply", "-f", "-", document=document) == "node/c unchanged\n"
    lease: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    lease |= {"metadata": {"name": "c", "namespace": "kube-node-lease"}, "spec": {"holderIdentity": "c"}}
    assert kubectl("create", "-f", "-", document=lease) == "lease.coordination.k8s.io/c created\n"
    assert kubectl("delete", "node", "c").startswith('node "c" deleted')


def test_kubectl_starts_a_job_from_a_cronjob(kubectl: Kubectl, cluster: Kubernetes) -> None:
    """Lets kubectl create a Job from a CronJob: a resync now is one command."""
    container: Json = {"name": "c", "image": "i"}
    pod: Json = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": {"backoffLimit": 0, "template": pod}}}
    cluster.put({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "sync"}, "spec": spec})
    # Sent as JSON: kubectl's own request would be protobuf, which the double refuses.
    made = kubectl("create", "job", "now", "--from=cronjob/sync", "--dry-run=client", "-o", "json")
    kubectl("create", "-f", "-", document=json.loads(made))
    job = cluster.get("Job", "now", "default", api_version="batch/v1")
    assert (job["spec"]["backoffLimit"], job["metadata"]["generation"]) == (0, 1)
    assert job["metadata"]["ownerReferences"][0]["name"] == "sync"


def test_kubectl_shows_events(kubectl: Kubectl, cluster: Kubernetes) -> None:
    """Lets kubectl show Events, also in the description of their node."""
    moment = timestamp(cluster.clock() - 3.5 * 3600 - 1)
    document: Json = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "a.1", "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": "a", "uid": "a"},
        "reason": "WithdrawnFromDNS",
        "message": "cordoned",
        "type": "Warning",
        "source": {"component": "kube-node-dns"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
    assert kubectl("create", "-f", "-", document=document) == "event/a.1 created\n"
    described = kubectl("describe", "node", "a").splitlines()[-1]
    assert described.split() == ["Warning", "WithdrawnFromDNS", "3h30m", "kube-node-dns", "cordoned"]
    assert "Events:              <none>" in kubectl("describe", "node", "b")
    head, row = (line.split() for line in kubectl("get", "events").splitlines())
    assert head == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert row == ["3h30m", "Warning", "WithdrawnFromDNS", "node/a", "cordoned"]
    _, wide = (line.split() for line in kubectl("get", "events", "-o", "wide").splitlines())
    assert wide == [*row[:4], "kube-node-dns", "cordoned", "3h30m", "1", "a.1"]
    assert kubectl("events", "--for", "node/a").splitlines()[-1].split() == [*row[:3], "Node/a", "cordoned"]


def test_kubectl_shows_when_a_lease_was_renewed(kubectl: Kubectl, cluster: Kubernetes) -> None:
    """Lets kubectl show when a node's Lease was renewed."""
    cluster.renew_lease("a", renew_time="2026-11-24T15:12:05.123456Z")
    shown = kubectl("describe", "node", "a")
    assert "HolderIdentity:  a\n" in shown
    assert "RenewTime:       Tue, 24 Nov 2026 15:12:05 +0000\n" in shown
