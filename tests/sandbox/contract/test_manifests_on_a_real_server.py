"""cron/ on a real API server: it applies, twice the same; what each service account may do; what the policy refuses."""

import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from tests.sandbox.contract.client import MERGE, NODES, Answer, Api, Json
from tests.sandbox.controlplane import ControlPlane, assets, control_plane
from tests.sandbox.kubernetes import kubeconfig, node
from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, World
from tests.support.manifests import CONTAINERS, KUBECTL, NAMESPACE, one, pod_of, rendered, service_account
from tests.support.processes import environment_of, run
from tests.support.watching import started

OWN, OTHER = "n1", "n2"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"


@dataclass(frozen=True)
class Cluster:
    """A control plane where the folder is installed, with watch."""

    plane: ControlPlane
    api: Api
    home: Path

    def kubectl(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run kubectl as an administrator."""
        path = self.home / "admin.json"
        path.write_text(json.dumps(self.plane.kubeconfig()), encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(path)}
        command = [KUBECTL, *arguments]
        return subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=False)

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
        for left_over in (
            ("clusterrole,clusterrolebinding", "kube-node-dns-ready-service", "--ignore-not-found"),
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
        answer = self.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", body)
        assert answer.status == 201, answer.json
        return answer.json

    def login(self, token: str) -> str:
        """Write a kubeconfig with a token; give its path."""
        path = self.home / "token.json"
        document = kubeconfig(self.plane.url, token, authority_pem=self.plane.ca_path.read_bytes())
        path.write_text(json.dumps(document), encoding="utf-8")
        return str(path)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a control plane with two nodes, and install the folder there."""
    binaries = assets()
    if binaries is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    with control_plane(binaries) as plane, urllib3.PoolManager(retries=False, ca_certs=str(plane.ca_path)) as pool:
        api = Api(plane.url, pool, plane.admin_token, plane.compact)
        cluster = Cluster(plane, api, tmp_path_factory.mktemp("cluster"))
        for name in (OWN, OTHER):
            coordinates = {f"{PREFIX}aws-geoproximity-coordinates": "50.11,8.68"}
            document = node(name, labels={"serve-public": "true"}, annotations=coordinates)
            assert api.call("POST", NODES, document).status == 201
        cluster.apply("watch")
        yield cluster


@pytest.fixture(scope="module")
def bound(cluster: Cluster) -> str:
    """Give a token of an annotate pod on its node, once the policy has come into force."""
    token = cluster.token("annotate", cluster.pod("annotate", OWN))
    tries = itertools.count()

    def is_denied() -> bool:
        """Try a label of another value each time: setting the same again changes nothing, which the policy allows."""
        label = {"metadata": {"labels": {"probe": str(next(tries))}}}
        return _patched(cluster, token, OWN, label).status == 422

    assert wait_until(is_denied, 60)
    return token


def _patched(cluster: Cluster, token: str, name: str, change: Json) -> Answer:
    return cluster.api.call("PATCH", f"{NODES}/{name}", change, token=token, content_type=MERGE)


def _annotation(**values: str | None) -> Json:
    return {"metadata": {"annotations": {PREFIX + key.replace("_", "-"): value for key, value in values.items()}}}


@pytest.mark.parametrize(
    "overlay",
    [
        "base",
        "edited",
        "elsewhere",
        "elsewhere, one line",
        "elsewhere, two domains",
        "ready service",
        "two domains",
        "watch",
    ],
)
def test_applying_it_again_changes_nothing(cluster: Cluster, overlay: str) -> None:
    """Changes nothing, and warns of nothing, when the manifests are applied a second time."""
    cluster.apply(overlay)
    again = cluster.apply(overlay)
    cluster.reset()
    assert {name: said for name, said in again.items() if said != "unchanged"} == {}


def test_the_folder_applies_as_the_readme_says(cluster: Cluster) -> None:
    """Applies by the README's first command."""
    folder = Path(__file__).parents[3] / "cron"
    ended = cluster.kubectl("apply", "-k", str(folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    cluster.reset()


LEASES, EVENTS = "list leases in kube-node-lease", "create events in default"
MAY = {
    "annotate": {"patch nodes"},
    "sync": {"list nodes", LEASES, EVENTS},
    "watch": {"list nodes", "watch nodes", LEASES, f"get cronjobs/sync in {NAMESPACE}", f"create jobs in {NAMESPACE}"},
}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
OF_NODES = ("nodes", "nodes/status", "nodes/proxy")
OF_NAMESPACES = ("pods", "secrets", "configmaps", "serviceaccounts/token", "leases", "events", "endpointslices")
OF_BATCH = ("jobs", "cronjobs/sync", "cronjobs/x")
GROUPS = {
    **dict.fromkeys(("jobs", "cronjobs"), "batch"),
    "leases": "coordination.k8s.io",
    "endpointslices": "discovery.k8s.io",
}
NAMESPACES = (NAMESPACE, "default", "kube-node-lease", "kube-system")


@pytest.mark.parametrize("component", MAY)
def test_a_service_account_may_do_its_work_and_nothing_else(cluster: Cluster, component: str) -> None:
    """Gives each component the rights it uses and no more: nobody gets at the AWS credentials by them."""
    assert _rights(cluster, service_account(component), MAY[component]) == MAY[component]


@pytest.mark.parametrize("component", MAY)
def test_endpoints_are_for_those_who_ask_for_them(cluster: Cluster, component: str) -> None:
    """Gives the right to read endpoints with the component ready-service, and only with it."""
    more = {f"list endpointslices in {namespace}" for namespace in NAMESPACES}
    may = MAY[component] | (more if component in {"sync", "watch"} else set())
    cluster.apply("ready service")
    seen = _rights(cluster, service_account(component), may)
    cluster.reset()
    assert seen == may


@pytest.mark.parametrize("component", MAY)
def test_another_namespace_leaves_every_right(cluster: Cluster, component: str) -> None:
    """Gives the same rights in namespaces of other names."""
    account = service_account(component, "elsewhere, edited")
    may = {right.replace(NAMESPACE, account[0]) for right in MAY[component]}
    cluster.apply("elsewhere, edited")
    seen = _rights(cluster, account, may, {*NAMESPACES, account[0]})
    cluster.reset()
    assert seen == may


def _rights(
    cluster: Cluster, account: tuple[str, str], wanted: set[str], namespaces: Iterable[str] = NAMESPACES
) -> set[str]:
    """Give all that a service account may do; the server takes a moment before what was applied is in force."""
    user = "system:serviceaccount:{}:{}".format(*account)
    questions = [
        *itertools.product(VERBS, OF_NODES, [""]),
        *itertools.product(VERBS, (*OF_NAMESPACES, *OF_BATCH), namespaces),
    ]
    found: set[str] = set()

    def is_wanted() -> bool:
        nonlocal found
        found = {
            f"{verb} {resource}" + (namespace and f" in {namespace}")
            for verb, resource, namespace in questions
            if _may(cluster, user, verb, resource, namespace)
        }
        return found == wanted

    wait_until(is_wanted)
    return found


def _may(cluster: Cluster, user: str, verb: str, resource: str, namespace: str) -> bool:
    plural, _, rest = resource.partition("/")
    attributes = {"verb": verb, "group": GROUPS.get(plural, ""), "resource": plural, "namespace": namespace}
    attributes["name" if plural == "cronjobs" else "subresource"] = rest
    review = {"spec": {"user": user, "resourceAttributes": attributes}}
    answer = cluster.api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer.json["status"]["allowed"])


ALLOWED = [
    pytest.param(_annotation(node_ips="5.75.128.10,2a01:4f8:c17:1::10", boot_id="0a1b-2c3d"), id="set"),
    pytest.param(_annotation(node_ips=""), id="none found"),
    pytest.param(_annotation(node_ips=None, boot_id=None), id="removed"),
]
REFUSED = [
    pytest.param({"metadata": {"labels": {"a": "b"}}}, "nothing but annotations", id="label"),
    pytest.param({"metadata": {"finalizers": ["example.com/a"]}}, "nothing but annotations", id="finalizer"),
    pytest.param({"spec": {"unschedulable": True}}, "nothing but annotations", id="cordon"),
    pytest.param({"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}, "nothing but annotations", id="taint"),
    pytest.param({"metadata": {"annotations": {"a": "b"}}}, "no other annotation", id="foreign annotation"),
    pytest.param(_annotation(aws_geoproximity_coordinates="0,0"), "no other annotation", id="coordinates"),
    pytest.param(_annotation(aws_geoproximity_coordinates=None), "no other annotation", id="no coordinates"),
    pytest.param(_annotation(node_ips="localhost"), "node-ips is no list of addresses", id="no address"),
    pytest.param(_annotation(boot_id="no such thing"), "boot-id is no boot id", id="no boot id"),
]


@pytest.mark.parametrize("change", ALLOWED)
def test_the_policy_lets_annotate_work(cluster: Cluster, bound: str, change: Json) -> None:
    """Lets annotate write its annotations to its own node."""
    answer = _patched(cluster, bound, OWN, change)
    assert answer.status == 200, answer.json


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_the_policy_refuses_all_else(cluster: Cluster, bound: str, change: Json, message: str) -> None:
    """Refuses every other change of the node: who takes it over can neither cordon nor move it."""
    answer = _patched(cluster, bound, OWN, change)
    assert answer.status == 422
    assert message in answer.message


def test_the_policy_refuses_another_node(cluster: Cluster, bound: str) -> None:
    """Refuses a change of another node: who takes one over publishes no address as another's."""
    answer = _patched(cluster, bound, OTHER, _annotation(node_ips="203.0.113.66"))
    assert answer.status == 422
    assert "may only annotate its own node" in answer.message


def test_the_policy_refuses_a_token_without_a_node(cluster: Cluster, bound: str) -> None:
    """Refuses a token that is not bound to a node."""
    assert bound
    answer = _patched(cluster, cluster.token("annotate"), OWN, _annotation(node_ips="203.0.113.66"))
    assert answer.status == 422
    assert "may only annotate its own node" in answer.message


def test_the_policy_leaves_others_alone(cluster: Cluster, bound: str) -> None:
    """Leaves the writes of operators and kubelets alone."""
    assert bound
    change = {"metadata": {"labels": {"a": "b"}, **_annotation(aws_geoproximity_coordinates="1,2")["metadata"]}}
    assert cluster.api.patch(f"{NODES}/{OTHER}", change).status == 200


def test_the_program_annotates_with_what_it_is_given(cluster: Cluster, bound: str) -> None:
    """Runs annotate-once with the DaemonSet's token and environment."""
    environment = {"PATH": os.environ["PATH"], "KUBECONFIG": cluster.login(bound)}
    own = run(["annotate-once", "--node-name", OWN], environment)
    assert own.returncode == 0, own.stderr
    other = run(["annotate-once", "--node-name", OTHER], environment)
    assert other.returncode == 2
    assert "may only annotate its own node" in other.stderr


def test_the_program_syncs_with_what_it_is_given(cluster: Cluster, world: World) -> None:
    """Runs sync-once with the CronJob's token, and with the options of the ConfigMap."""
    zone = world.route53.zone("example.com")
    assert cluster.api.patch(f"{NODES}/{OTHER}", _annotation(node_ips="5.75.128.10")).status == 200
    config = one("base", "ConfigMap")["data"]
    environment = environment_of(world, **config) | {"KUBECONFIG": cluster.login(cluster.token("sync"))}
    finished = run(["sync-once"], environment)
    assert (finished.returncode, "warning" in finished.stderr) == (0, False), finished.stderr
    (shown,) = world.shown(zone, "example.com")
    assert shown.endswith(" 5.75.128.10")
    events = cluster.api.call("GET", "/api/v1/namespaces/default/events").json["items"]
    assert OTHER in {each["involvedObject"]["name"] for each in events}


def test_another_namespace_without_the_transformers_still_syncs(cluster: Cluster, world: World) -> None:
    """Syncs in another namespace without the transformers too, with a warning of what it may not read."""
    overlay = "elsewhere, one line"
    zone = world.route53.zone("example.com")
    assert cluster.api.patch(f"{NODES}/{OTHER}", _annotation(node_ips="5.75.128.10")).status == 200
    cluster.apply(overlay)
    wait_until(lambda: _may(cluster, "system:serviceaccount:elsewhere:kube-node-dns-sync", "list", "nodes", ""))
    environment = environment_of(world, **one(overlay, "ConfigMap")["data"])
    environment["KUBECONFIG"] = cluster.login(cluster.token("sync", overlay=overlay))
    finished = run(["sync-once"], environment)
    cluster.reset()
    assert finished.returncode == 0, finished.stderr
    (shown,) = world.shown(zone, "example.com")
    assert shown.endswith(" 5.75.128.10")
    warnings = [line for line in finished.stderr.splitlines() if line.startswith("warning: ")]
    refused = [re.findall('cannot (.*?) resource "(.*?)"', line) for line in warnings]
    assert sorted(refused) == [[("create", "events")], [("list", "leases")]]


def test_the_program_watches_with_what_it_is_given(cluster: Cluster) -> None:
    """Runs watch with the Deployment's token; the API server takes the Job that it makes."""
    environment = {"PATH": os.environ["PATH"], "KUBECONFIG": cluster.login(cluster.token("watch"))}
    options = ("--cronjob", "sync", "--namespace", NAMESPACE)
    with started({**environment, "KUBE_NODE_DNS_NODE_LABEL_SELECTOR": "serve-public=true"}, *options) as watcher:
        assert wait_until(lambda: bool(_owned(cluster)), 60), watcher.said
    job = _owned(cluster)[0]
    assert re.fullmatch("sync-[0-9]+", job["metadata"]["name"])
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["sync-once"]


def _owned(cluster: Cluster) -> list[Any]:
    """Give the Jobs that belong to the CronJob."""
    jobs = cluster.api.call("GET", JOBS).json["items"]
    return [job for job in jobs if [each["name"] for each in job["metadata"].get("ownerReferences", [])] == ["sync"]]


@pytest.mark.parametrize(("component", "refused"), [("annotate", "hostNetwork=true"), ("sync", ""), ("watch", "")])
def test_all_but_the_host_network_is_restricted(cluster: Cluster, component: str, refused: str) -> None:
    """Passes the Pod Security level `restricted`, but for annotate's host network."""
    namespace = f"strict-{component}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
    template = pod_of(one("watch", CONTAINERS[component], component))
    body = {"metadata": {"name": component}, "spec": {**template["spec"], "serviceAccountName": "default"}}
    account = {"metadata": {"name": "default"}}
    cluster.api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    answer = cluster.api.call("POST", f"/api/v1/namespaces/{namespace}/pods", body, query={"dryRun": "All"})
    if not refused:
        assert answer.status == 201, answer.json
        return
    assert answer.status == 403
    violations = answer.message.partition('latest": ')[2]
    assert violations == "host namespaces (hostNetwork=true)"
