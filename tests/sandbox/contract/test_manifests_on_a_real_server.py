"""cron/ on a real API server: it applies, twice the same; what each service account may do; what the policy refuses."""

import itertools
import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.contract.client import MERGE, NODES, Answer, Json
from tests.sandbox.contract.definition import dnsendpoint_definition
from tests.sandbox.contract.installed import OTHER, OWN, Installed
from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, World
from tests.support.manifests import (
    ANNOTATE_NAMESPACE,
    CONTAINERS,
    NAMESPACE,
    beside,
    config_map,
    container,
    one,
    pod_of,
    service_account,
)
from tests.support.processes import environment_of, run
from tests.support.readme_overlays import README, of_the_readme
from tests.support.watching import started

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"


@pytest.fixture(scope="module")
def cluster(cluster_with_cron: Installed) -> Iterator[Installed]:
    """Give the control plane, as it was before once the tests are through."""
    yield cluster_with_cron
    cluster_with_cron.reset()


@pytest.fixture(scope="module")
def bound(cluster: Installed) -> str:
    """Give a token of an annotate pod on its node, once the policy has come into force."""
    token = cluster.token("annotate", cluster.pod("annotate", OWN))
    tries = itertools.count()

    def is_denied() -> bool:
        """Try a label of another value each time: setting the same again changes nothing, which the policy allows."""
        label = {"metadata": {"labels": {"probe": str(next(tries))}}}
        return _patched(cluster, token, OWN, label).status == 422

    assert wait_until(is_denied, 60)
    return token


def _patched(cluster: Installed, token: str, name: str, change: Json) -> Answer:
    return cluster.api.call("PATCH", f"{NODES}/{name}", change, token=token, content_type=MERGE)


def _annotation(**values: str | None) -> Json:
    return {"metadata": {"annotations": {PREFIX + key.replace("_", "-"): value for key, value in values.items()}}}


SAID_OF_NO_CHANGE = {"poddisruptionbudget.policy/watch": "configured"}
"""kubectl replaces this kind's selector by itself each time; the API server finds nothing to change."""


@pytest.mark.parametrize(
    "overlay",
    [
        "base",
        "dnsendpoint",
        "edited",
        "elsewhere",
        "elsewhere, two domains",
        "kubelets",
        "pinned",
        "ready service",
        "two domains",
        "watch",
    ],
)
def test_applying_it_again_changes_nothing(cluster: Installed, overlay: str) -> None:
    """Changes nothing, and warns of nothing, when the manifests are applied a second time."""
    cluster.apply(overlay)
    again = cluster.apply(overlay)
    cluster.reset()
    assert {name: said for name, said in again.items() if said != "unchanged"}.items() <= SAID_OF_NO_CHANGE.items()


def test_the_overlay_of_the_readme_is_installed_and_its_pods_admitted(cluster: Installed, tmp_path: Path) -> None:
    """Takes the overlay that the README writes, by the command that it gives, and each pod of its workloads."""
    folder = beside({"my-cluster/kustomization.yaml": of_the_readme()}, tmp_path) / "my-cluster"
    ended = cluster.kubectl("apply", "-k", str(folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    for component, kind in CONTAINERS.items():
        namespace, _ = service_account(component)
        shown = cluster.kubectl("-n", namespace, "get", kind, component, "-o", "json")
        body = {"metadata": {"name": "x"}, "spec": pod_of(json.loads(shown.stdout))["spec"]}
        answer = cluster.api.call("POST", f"/api/v1/namespaces/{namespace}/pods", body, query={"dryRun": "All"})
        assert (answer.status, answer.headers.get("Warning")) == (201, None), answer.json
        assert answer.json["spec"]["containers"][0]["image"].startswith("ghcr.io/OWNER/")
    cluster.reset()


def test_the_readmes_wait_ends_with_the_first_addresses(cluster: Installed) -> None:
    """Waits as the README says until every public node is annotated."""
    for name in (OWN, OTHER):
        assert cluster.api.patch(f"{NODES}/{name}", _annotation(node_ips="5.75.128.10")).status == 200
    (command,) = re.findall(r"^kubectl (wait node .*?)\n(?!  )", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ended = cluster.kubectl(*shlex.split(command.replace("\\\n", " ")))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_steps_of_the_readme_can_be_run_again(cluster: Installed, tmp_path: Path) -> None:
    """Takes the commands of the README, up to the first sync, as often as they are run: also to change a setting."""
    for name in (OWN, OTHER):
        assert cluster.api.patch(f"{NODES}/{name}", _annotation(node_ips="5.75.128.10")).status == 200
    (steps,) = re.findall(
        r"```sh\n(kubectl label .*?)^\S+ -n \S+ wait job", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    beside({"aws.env": "AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n"}, tmp_path)
    cluster.kubectl("-n", NAMESPACE, "delete", "secret/aws-credentials", "--ignore-not-found")
    for _ in range(2):
        ended = cluster.shell("set -euo pipefail\n" + steps.replace("fra-1", OWN), tmp_path)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert cluster.kubectl("-n", NAMESPACE, "delete", "secret/aws-credentials", "job/first").returncode == 0
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
NAMESPACES = (NAMESPACE, ANNOTATE_NAMESPACE, "default", "kube-node-lease", "kube-system")


@pytest.mark.parametrize("component", MAY)
def test_a_service_account_may_do_its_work_and_nothing_else(cluster: Installed, component: str) -> None:
    """Gives each component the rights it uses and no more: nobody gets at the AWS credentials by them."""
    assert _rights(cluster, service_account(component), MAY[component]) == MAY[component]


@pytest.mark.parametrize("component", MAY)
def test_endpoints_are_for_those_who_ask_for_them(cluster: Installed, component: str) -> None:
    """Gives the right to read endpoints with the component ready-service, and only with it."""
    more = {f"list endpointslices in {namespace}" for namespace in NAMESPACES}
    may = MAY[component] | (more if component in {"sync", "watch"} else set())
    cluster.apply("ready service")
    seen = _rights(cluster, service_account(component), may)
    cluster.reset()
    assert seen == may


@pytest.mark.parametrize("component", MAY)
def test_another_namespace_leaves_every_right(cluster: Installed, component: str) -> None:
    """Gives the same rights in namespaces of other names."""
    account = service_account(component, "elsewhere, edited")
    may = {right.replace(NAMESPACE, "elsewhere") for right in MAY[component]}
    cluster.apply("elsewhere, edited")
    seen = _rights(cluster, account, may, {*NAMESPACES, "elsewhere", account[0]})
    cluster.reset()
    assert seen == may


def _rights(
    cluster: Installed, account: tuple[str, str], wanted: set[str], namespaces: Iterable[str] = NAMESPACES
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


def _may(cluster: Installed, user: str, verb: str, resource: str, namespace: str) -> bool:
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
    pytest.param(_annotation(public_ips="203.0.113.66"), "no other annotation", id="public-ips"),
    pytest.param(_annotation(node_ips="localhost"), "node-ips is no list of addresses", id="no address"),
    pytest.param(_annotation(boot_id="no such thing"), "boot-id is no boot id", id="no boot id"),
]


@pytest.mark.parametrize("change", ALLOWED)
def test_the_policy_lets_annotate_work(cluster: Installed, bound: str, change: Json) -> None:
    """Lets annotate write its annotations to its own node."""
    answer = _patched(cluster, bound, OWN, change)
    assert answer.status == 200, answer.json


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_the_policy_refuses_all_else(cluster: Installed, bound: str, change: Json, message: str) -> None:
    """Refuses every other change of the node: who takes it over can neither cordon nor move it."""
    answer = _patched(cluster, bound, OWN, change)
    assert answer.status == 422
    assert message in answer.message


def test_the_policy_refuses_another_node(cluster: Installed, bound: str) -> None:
    """Refuses a change of another node: who takes one over publishes no address as another's."""
    answer = _patched(cluster, bound, OTHER, _annotation(node_ips="203.0.113.66"))
    assert answer.status == 422
    assert "may only annotate its own node" in answer.message


def test_the_policy_refuses_a_token_without_a_node(cluster: Installed, bound: str) -> None:
    """Refuses a token that is not bound to a node."""
    assert bound
    answer = _patched(cluster, cluster.token("annotate"), OWN, _annotation(node_ips="203.0.113.66"))
    assert answer.status == 422
    assert "may only annotate its own node" in answer.message


def test_the_policy_leaves_others_alone(cluster: Installed, bound: str) -> None:
    """Leaves the writes of operators and kubelets alone."""
    assert bound
    change = {"metadata": {"labels": {"a": "b"}, **_annotation(aws_geoproximity_coordinates="1,2")["metadata"]}}
    assert cluster.api.patch(f"{NODES}/{OTHER}", change).status == 200


def test_the_program_annotates_with_what_it_is_given(cluster: Installed, bound: str) -> None:
    """Runs annotate-once with the DaemonSet's token and environment."""
    environment = {"PATH": os.environ["PATH"], "KUBECONFIG": cluster.login(bound)}
    own = run(["annotate-once", "--node-name", OWN], environment)
    assert own.returncode == 0, own.stderr
    other = run(["annotate-once", "--node-name", OTHER], environment)
    assert other.returncode == 2
    assert "may only annotate its own node" in other.stderr


def test_the_program_syncs_with_what_it_is_given(cluster: Installed, world: World) -> None:
    """Runs sync-once with the CronJob's token, and with the options of the ConfigMap."""
    zone = world.route53.zone("example.com")
    assert cluster.api.patch(f"{NODES}/{OTHER}", _annotation(node_ips="5.75.128.10")).status == 200
    config = config_map("sync", "base")["data"]
    environment = environment_of(world, **config) | {"KUBECONFIG": cluster.login(cluster.token("sync"))}
    finished = run(["sync-once"], environment)
    assert (finished.returncode, "warning" in finished.stderr) == (0, False), finished.stderr
    (shown,) = world.shown(zone, "example.com")
    assert shown.endswith(" 5.75.128.10")
    events = cluster.api.call("GET", "/api/v1/namespaces/default/events").json["items"]
    assert OTHER in {each["involvedObject"]["name"] for each in events}


def test_the_program_writes_dnsendpoints_with_what_it_is_given(cluster: Installed) -> None:
    """Runs sync-once with the token and the environment of the component dnsendpoint: it creates, then changes."""
    assert cluster.api.call("POST", *dnsendpoint_definition()).status in (201, 409)
    cluster.apply("dnsendpoint")
    objects = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{NAMESPACE}/dnsendpoints"
    assert wait_until(lambda: cluster.api.call("GET", objects).status == 200)
    config = config_map("sync", "dnsendpoint")["data"]
    (own,) = (each["value"] for each in container("sync", "dnsendpoint")["env"] if "PUBLISH_TO" in each["name"])
    environment = {"PATH": os.environ["PATH"], **config, "KUBE_NODE_DNS_PUBLISH_TO": own}
    environment["KUBECONFIG"] = cluster.login(cluster.token("sync", overlay="dnsendpoint"))
    for address in ("5.75.128.10", "5.75.128.11"):
        assert cluster.api.patch(f"{NODES}/{OTHER}", _annotation(node_ips=address)).status == 200
        finished = run(["sync-once", "--dnsendpoint-namespace", NAMESPACE], environment)
        assert (finished.returncode, "warning" in finished.stderr) == (0, False), finished.stderr
        (endpoint,) = cluster.api.call("GET", f"{objects}/example.com").json["spec"]["endpoints"]
        assert (endpoint["dnsName"], endpoint["targets"]) == ("example.com", [address])
    cluster.reset()


def test_the_program_watches_with_what_it_is_given(cluster: Installed) -> None:
    """Runs watch with the Deployment's token; the API server takes the Job that it makes."""
    environment = {"PATH": os.environ["PATH"], "KUBECONFIG": cluster.login(cluster.token("watch"))}
    options = ("--cronjob", "sync", "--namespace", NAMESPACE)
    with started({**environment, "KUBE_NODE_DNS_NODE_LABEL_SELECTOR": "serve-public=true"}, *options) as watcher:
        assert wait_until(lambda: bool(_owned(cluster)), 60), watcher.said
    job = _owned(cluster)[0]
    assert re.fullmatch("sync-[0-9]+", job["metadata"]["name"])
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["sync-once"]


def _owned(cluster: Installed) -> list[Any]:
    """Give the Jobs that belong to the CronJob."""
    jobs = cluster.api.call("GET", JOBS).json["items"]
    return [job for job in jobs if [each["name"] for each in job["metadata"].get("ownerReferences", [])] == ["sync"]]


@pytest.mark.parametrize("component", CONTAINERS)
def test_a_namespace_admits_its_pods_without_a_warning(cluster: Installed, component: str) -> None:
    """Admits each pod in its namespace, under the level that the namespace enforces."""
    template = pod_of(one("watch", CONTAINERS[component], component))
    namespace, _ = service_account(component)
    answer = cluster.api.call(
        "POST",
        f"/api/v1/namespaces/{namespace}/pods",
        {"metadata": {"generateName": f"{component}-"}, "spec": template["spec"]},
        query={"dryRun": "All"},
    )
    assert (answer.status, answer.headers.get("Warning")) == (201, None), answer.json


def test_host_network_is_admitted_in_one_namespace_only(cluster: Installed) -> None:
    """Refuses annotate's pod, for its host network alone, where sync and watch run."""
    template = pod_of(one("watch", "DaemonSet"))
    body = {"metadata": {"name": "annotate"}, "spec": {**template["spec"], "serviceAccountName": "kube-node-dns-sync"}}
    answer = cluster.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", body, query={"dryRun": "All"})
    assert answer.status == 403
    assert answer.message.partition('latest": ')[2] == "host namespaces (hostNetwork=true)"
