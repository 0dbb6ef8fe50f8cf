"""A real control plane where cron/ is installed, with watch; two nodes are there, each with its kubelet's token."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import urllib3
import yaml

from tests.sandbox.contract.client import NODES, Api, Json
from tests.sandbox.controlplane import ControlPlane, control_plane
from tests.sandbox.kubernetes import kubeconfig, node
from tests.sandbox.world import PREFIX
from tests.support.manifests import CONTAINERS, KUBECTL, NAMESPACE, one, pod_of, rendered, service_account

OWN, OTHER = "n1", "n2"
"""The nodes: the one that a test's token belongs to, and another."""


@dataclass(frozen=True)
class Installed:
    """A control plane where the folder is installed, with watch."""

    plane: ControlPlane
    api: Api
    home: Path

    def kubectl(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run kubectl as an administrator."""
        return self._run([KUBECTL, *arguments], given=given)

    def shell(self, script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
        """Run a shell's commands in a folder, as an administrator who has kubectl."""
        return self._run(["bash", "-c", script], folder=folder)

    def _run(
        self, command: list[str], *, given: str = "", folder: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        path = self.home / "admin.json"
        path.write_text(json.dumps(self.plane.kubeconfig()), encoding="utf-8")
        programs = f"{Path(KUBECTL).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": programs, "HOME": str(self.home), "KUBECONFIG": str(path)}
        return subprocess.run(
            command, env=environment, input=given, cwd=folder, capture_output=True, text=True, check=False
        )

    def apply(self, overlay: str) -> dict[str, str]:
        """Apply an overlay, without a warning; give what kubectl says of each object."""
        manifests = [each for each in rendered(overlay) if each["kind"] != "PrometheusRule"]
        ended = self.kubectl("apply", "-f", "-", given=yaml.safe_dump_all(manifests))
        assert (ended.returncode, ended.stderr) == (0, "")
        said = dict(line.rsplit(" ", 1) for line in ended.stdout.splitlines())
        assert len(said) == len(manifests)
        return said

    def reset(self) -> None:
        """Install what each test expects, in whatever order they come; apply removes nothing by itself."""
        self.apply("watch")
        policies = "validatingadmissionpolicy,validatingadmissionpolicybinding"
        for left_over in (
            ("clusterrole,clusterrolebinding", "kube-node-dns-ready-service", "--ignore-not-found"),
            (policies, "kube-node-dns-kubelets", "--ignore-not-found"),
            ("role,rolebinding", "kube-node-dns-dnsendpoints", f"--namespace={NAMESPACE}", "--ignore-not-found"),
            ("role,rolebinding", "--all", "--namespace=elsewhere"),
        ):
            ended = self.kubectl("delete", *left_over)
            assert ended.returncode == 0, ended.stderr

    def token(self, component: str, bound_to: Json | None = None, overlay: str = "watch") -> str:
        """Ask for a token of a component's service account, bound to a Pod if one is given."""
        namespace, name = service_account(component, overlay)
        reference = bound_to and {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": bound_to["metadata"]["name"],
            "uid": bound_to["metadata"]["uid"],
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {"spec": {"expirationSeconds": 3600, **({"boundObjectRef": reference} if reference else {})}}
        answer = self.api.call("POST", path, body)
        assert answer.status == 201, answer.json
        return str(answer.json["status"]["token"])

    def pod(self, component: str, node_name: str) -> Json:
        """Create a component's pod on a node, as its controller and the scheduler would."""
        template = pod_of(one("watch", CONTAINERS[component], component))
        metadata = {**template["metadata"], "generateName": f"{component}-"}
        body = {"metadata": metadata, "spec": {**template["spec"], "nodeName": node_name}}
        namespace, _ = service_account(component)
        answer = self.api.call("POST", f"/api/v1/namespaces/{namespace}/pods", body)
        assert answer.status == 201, answer.json
        return answer.json

    def login(self, token: str) -> str:
        """Write a kubeconfig with a token; give its path."""
        path = self.home / "token.json"
        document = kubeconfig(self.plane.url, token, authority_pem=self.plane.ca_path.read_bytes())
        path.write_text(json.dumps(document), encoding="utf-8")
        return str(path)


@contextlib.contextmanager
def installed(binaries: Path, home: Path) -> Iterator[Installed]:
    """Start a control plane with two nodes and their kubelets' tokens, and install the folder there."""
    kubelets = {kubelet_token(name): f"system:node:{name}" for name in (OWN, OTHER)}
    with (
        control_plane(binaries, kubelets) as plane,
        urllib3.PoolManager(retries=False, ca_certs=str(plane.ca_path)) as pool,
    ):
        api = Api(plane.url, pool, plane.admin_token, plane.compact)
        cluster = Installed(plane, api, home)
        for name in (OWN, OTHER):
            coordinates = {f"{PREFIX}aws-geoproximity-coordinates": "50.11,8.68"}
            document = node(name, labels={"serve-public": "true"}, annotations=coordinates)
            assert api.call("POST", NODES, document).status == 201
        cluster.apply("watch")
        yield cluster


def kubelet_token(name: str) -> str:
    """Give the token of a node's kubelet."""
    return f"kubelet-of-{name}"
