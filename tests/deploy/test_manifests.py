"""cron/: what an operator applies, as kustomize renders it."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import kubernetes_validate
import pytest

from jobs.shell.annotate_command import Settings as AnnotateSettings
from jobs.shell.options import options, settings
from jobs.shell.sync_command import Settings as SyncSettings
from jobs.shell.watch_command import Settings as WatchSettings
from tests.support.manifests import (
    ANNOTATE_NAMESPACE,
    CONTAINERS,
    CRON,
    IMAGE,
    NAMES,
    NAMESPACE,
    Manifest,
    all_of,
    config_map,
    container,
    granted,
    job_spec,
    one,
    pod_of,
    pod_spec,
    rendered,
    rights,
    service_account,
)

COMMANDS = {"annotate": AnnotateSettings, "sync": SyncSettings, "watch": WatchSettings}
WORKLOADS = pytest.mark.parametrize("component", CONTAINERS)
STAYING = {"effect": "NoExecute", "operator": "Exists"}
STAY = [{"key": f"node.kubernetes.io/{problem}", **STAYING} for problem in ("not-ready", "unreachable")]
AWAY = [{**each, "tolerationSeconds": 5} for each in STAY]
ON_CONTROL_PLANES = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}
NOT_PUBLIC = {"key": "serve-public", "operator": "NotIn", "values": ["true"]}
PREFERRED = {"weight": 100, "preference": {"matchExpressions": [NOT_PUBLIC]}}
ELSEWHERE = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [PREFERRED]}}
OF_NODES = {"apiGroups": [""], "resources": ["nodes"]}
LISTING_LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]}
CREATING_EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}
LISTING_ENDPOINTS = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]}


def looked_up(document: Any, path: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Give what is at a path such as `spec.schedule`, None if nothing is."""
    for name in path.split("."):
        document = (document or {}).get(name)
    return document


@pytest.mark.parametrize("kubernetes", ["1.30", "1.37"])
def test_every_object_is_valid(kubernetes: str) -> None:
    """Every object of every overlay is valid on the oldest and the newest Kubernetes.

    An installation does not stop half way.
    """
    different = {json.dumps(each, sort_keys=True) for overlay in NAMES for each in rendered(overlay)}
    for manifest in map(json.loads, sorted(different)):
        if manifest["kind"] != "PrometheusRule":
            kubernetes_validate.validate(manifest, kubernetes, strict=True)


def test_the_files_are_tidy() -> None:
    """The linter yamllint finds nothing. A duplicate key would silently win, and `on` or `no` be read as a boolean."""
    rules = "{extends: default, rules: {line-length: {max: 120}, document-start: disable, truthy: {check-keys: true}}}"
    spaced = rules.replace("}}}", "}, comments: {min-spaces-from-content: 1}}}")
    ended = subprocess.run(
        [sys.executable, "-m", "yamllint", "-s", "-d", spaced, CRON], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@WORKLOADS
@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("runAsNonRoot", True),
        ("runAsUser", 65532),
        ("runAsGroup", 65532),
        ("seccompProfile", {"type": "RuntimeDefault"}),
    ],
)
def test_every_pod_runs_unprivileged(component: str, setting: str, wanted: object) -> None:
    """Every pod runs as the Pod Security standard `restricted` asks, as user 65532."""
    assert looked_up(pod_spec(component)["securityContext"], setting) == wanted


@WORKLOADS
@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("imagePullPolicy", "IfNotPresent"),
        ("image", f"{IMAGE}:{version('kube-node-dns')}"),
        ("securityContext.allowPrivilegeEscalation", False),
        ("securityContext.readOnlyRootFilesystem", True),
        ("securityContext.capabilities", {"drop": ["ALL"]}),
        ("securityContext.privileged", None),
        ("ports", None),
    ],
)
def test_every_container_is_confined(component: str, setting: str, wanted: object) -> None:
    """Every container has a read-only root and no capability or port, and the image of this version of nobody."""
    assert looked_up(container(component), setting) == wanted


def test_only_what_a_kubeconfig_needs_can_be_written() -> None:
    """The components sync and watch have a megabyte of memory as /tmp; there is no other volume."""
    memory = [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]
    assert {name: pod_spec(name).get("volumes") for name in CONTAINERS} == {
        "annotate": None,
        "sync": memory,
        "watch": memory,
    }
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - where Python looks for it
    assert [container(name).get("volumeMounts") for name in CONTAINERS] == [None, mounts, mounts]


@WORKLOADS
def test_every_pod_runs_when_nodes_are_full(component: str) -> None:
    """Every pod has a priority above that of other workloads, which make room, and below that of the system's own."""
    (priority,) = all_of("watch", "PriorityClass")
    assert pod_spec(component)["priorityClassName"] == priority["metadata"]["name"]
    assert 0 < priority["value"] < 1_000_000_000
    assert "globalDefault" not in priority
    assert priority.get("preemptionPolicy", "PreemptLowerPriority") == "PreemptLowerPriority"


def test_nobody_can_reach_a_pod() -> None:
    """A network policy lets nobody in to sync and watch, and out as before."""
    (policy,) = all_of("watch", "NetworkPolicy")
    assert policy["metadata"]["namespace"] == NAMESPACE
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


def test_a_drain_leaves_a_watcher() -> None:
    """Of the watchers a drain takes one at a time; one that is not ready stops none."""
    spec = one("watch", "PodDisruptionBudget")["spec"]
    assert spec["selector"] == one("watch", "Deployment")["spec"]["selector"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


@WORKLOADS
def test_every_container_has_requests_and_limits(component: str) -> None:
    """Every container has requests and limits of CPU and memory."""
    resources = container(component)["resources"]
    assert {*resources["requests"]} == {*resources["limits"]} == {"cpu", "memory"}


@WORKLOADS
def test_a_token_is_mounted_where_it_is_used_only(component: str) -> None:
    """Each component has a service account of its own, whose token only its own pod mounts."""
    _, name = service_account(component)
    assert one("watch", "ServiceAccount", name)["automountServiceAccountToken"] is False
    assert pod_spec(component)["automountServiceAccountToken"] is True
    assert len(all_of("watch", "ServiceAccount")) == len(CONTAINERS)


@WORKLOADS
def test_a_service_sets_no_option(component: str) -> None:
    """No pod gets variables of Services.

    One named kube-node-dns would set KUBE_NODE_DNS_... in every pod of its namespace.
    """
    assert pod_spec(component)["enableServiceLinks"] is False


def test_annotate_alone_uses_the_host() -> None:
    """The component annotate alone uses the host, and only its network."""
    shared = {name: {key for key in pod_spec(name) if key.startswith("host")} for name in CONTAINERS}
    assert shared == {"annotate": {"hostNetwork"}, "sync": set(), "watch": set()}


def test_one_namespace_is_restricted_and_the_other_holds_annotate_alone() -> None:
    """Only the namespace of the DaemonSet admits host network, and nothing else runs there."""
    levels = {
        each["metadata"]["name"]: each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in all_of("watch", "Namespace")
    }
    assert levels == {NAMESPACE: "restricted", ANNOTATE_NAMESPACE: "privileged"}
    there = [each for each in rendered("watch") if each["metadata"].get("namespace") == ANNOTATE_NAMESPACE]
    assert sorted(each["kind"] for each in there) == ["ConfigMap", "DaemonSet", "ServiceAccount"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("spec.template.spec.hostNetwork", True),
        ("spec.template.spec.dnsPolicy", "Default"),
        ("spec.template.spec.nodeSelector", {"serve-public": "true"}),
        ("spec.template.spec.tolerations", [{"operator": "Exists"}]),
        ("spec.template.spec.terminationGracePeriodSeconds", 5),
        ("spec.updateStrategy.rollingUpdate.maxUnavailable", "25%"),
        ("spec.minReadySeconds", 60),
    ],
)
def test_the_daemon_set(path: str, wanted: object) -> None:
    """The DaemonSet runs on every public node, whatever its taints. A broken rollout stops after a quarter of them."""
    assert looked_up(one("base", "DaemonSet"), path) == wanted


@pytest.mark.parametrize("component", ["annotate", "sync", "watch"])
def test_each_knows_its_node(component: str) -> None:
    """Each has the name of the node it runs on: annotate-once writes to it, probes never accuse it."""
    field = {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    assert container(component, "watch")["env"] == [{"name": "KUBE_NODE_NAME", **field}]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("spec.schedule", "* * * * *"),
        ("spec.suspend", None),
        ("spec.concurrencyPolicy", "Allow"),
        ("spec.startingDeadlineSeconds", 30),
        ("spec.successfulJobsHistoryLimit", 30),
        ("spec.failedJobsHistoryLimit", 30),
        ("spec.jobTemplate.spec.backoffLimit", 0),
        ("spec.jobTemplate.spec.activeDeadlineSeconds", 180),
        ("spec.jobTemplate.spec.ttlSecondsAfterFinished", 86400),
        ("spec.jobTemplate.spec.template.spec.restartPolicy", "Never"),
        ("spec.jobTemplate.spec.template.spec.terminationGracePeriodSeconds", 5),
        ("spec.jobTemplate.spec.template.spec.tolerations", [ON_CONTROL_PLANES, *STAY]),
        ("spec.jobTemplate.spec.template.spec.affinity", ELSEWHERE),
    ],
)
def test_the_cron_job(path: str, wanted: object) -> None:
    """Syncs start every minute, overlap, end by a deadline, and prefer nodes that are not public.

    They neither stall behind a dead node nor kill each other nor pile up; and on a node in trouble the logs of those
    that have ended stay.
    """
    assert looked_up(one("base", "CronJob"), path) == wanted


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("spec.replicas", 2),
        ("spec.template.spec.tolerations", [ON_CONTROL_PLANES, *AWAY]),
        ("spec.template.spec.affinity", ELSEWHERE),
        ("spec.template.spec.terminationGracePeriodSeconds", 5),
    ],
)
def test_the_watch_deployment(path: str, wanted: object) -> None:
    """There are two watchers, and they prefer nodes that are not public."""
    assert looked_up(one("watch", "Deployment"), path) == wanted


def test_two_watchers_are_never_on_one_node() -> None:
    """The second watcher waits for a second node, also when that is dead, tainted or deleted.

    Moved to the first it would stay there for good, and a failure of that node would be seen by nobody.
    """
    (spread,) = pod_spec("watch")["topologySpreadConstraints"]
    labels = pod_of(one("watch", "Deployment"))["metadata"]["labels"]
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()
    assert (spread["topologyKey"], spread["maxSkew"], spread["minDomains"]) == ("kubernetes.io/hostname", 1, 2)
    assert (spread["whenUnsatisfiable"], spread["nodeTaintsPolicy"]) == ("DoNotSchedule", "Ignore")
    assert spread["matchLabelKeys"] == ["pod-template-hash"], "an update would wait for a third node"


def test_watch_leaves_the_schedule() -> None:
    """The component watch leaves the CronJob as it is: the next minute mends what watch and a sync saw differently."""
    assert one("watch", "CronJob") == one("base", "CronJob")


def test_the_permissions_are_exactly_these() -> None:
    """Each component has these rights and no other."""
    assert {name: list(granted(name)) for name in CONTAINERS} == {
        "annotate": [("", {**OF_NODES, "verbs": ["patch"]})],
        "sync": [
            ("", {**OF_NODES, "verbs": ["list"]}),
            ("default", CREATING_EVENTS),
            ("kube-node-lease", LISTING_LEASES),
        ],
        "watch": [
            ("", {**OF_NODES, "verbs": ["list", "watch"]}),
            (NAMESPACE, _of_batch("cronjobs", "get") | {"resourceNames": ["sync"]}),
            (NAMESPACE, _of_batch("jobs", "create")),
            ("kube-node-lease", LISTING_LEASES),
        ],
    }
    bindings = [*all_of("watch", "ClusterRoleBinding"), *all_of("watch", "RoleBinding")]
    assert [len(each["subjects"]) for each in bindings] == [1, 1, 1, 1, 1, 1, 1]


def _of_batch(resource: str, verb: str) -> Manifest:
    return {"apiGroups": ["batch"], "resources": [resource], "verbs": [verb]}


def test_endpoints_are_for_those_who_ask_for_them() -> None:
    """Only the component ready-service gives sync and watch the right to list EndpointSlices."""
    more = {name: rights(name, "ready service") - rights(name) for name in CONTAINERS}
    reading = {("list", "endpointslices", "")}
    assert more == {"annotate": set(), "sync": reading, "watch": reading}
    assert one("ready service", "ClusterRole", "kube-node-dns-ready-service")["rules"] == [LISTING_ENDPOINTS]


def _config(file: str) -> dict[str, dict[str, str]]:
    """Give the variables of a file, as it is and with those that are comments."""
    text = (CRON / file).read_text(encoding="utf-8")
    active = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    return {"as it is": active, "with all": dict(re.findall(r"^#?(\w+)=(.*)$", text, re.MULTILINE))}


@pytest.mark.parametrize("which", ["as it is", "with all"])
@pytest.mark.parametrize(("file", "components"), [("config.env", ("sync", "watch")), ("annotate.env", ("annotate",))])
def test_each_variable_is_an_option(file: str, components: tuple[str, ...], which: str) -> None:
    """Each variable, also one that is a comment, is an option of the file's commands with a value that it takes."""
    chosen = _config(file)[which]
    commands = [COMMANDS[name] for name in components]
    assert {*chosen} <= {option.variable for command in commands for option in options(command)}
    for command in commands:
        settings(command, {}, chosen)


def test_the_config_is_as_promised() -> None:
    """The file config.env sets what the README's first steps say, and annotate.env nothing."""
    wanted = {"DOMAIN": "example.com", "NODE_LABEL_SELECTOR": "serve-public=true", "TTL": "60", "LEASE_TIMEOUT": "25"}
    assert config_map("sync", "base")["data"] == {f"KUBE_NODE_DNS_{key}": value for key, value in wanted.items()}
    assert "data" not in config_map("annotate", "base")


@pytest.mark.parametrize("overlay", ["watch", "edited", "elsewhere", "elsewhere, edited"])
@WORKLOADS
def test_every_pod_reads_the_config(component: str, overlay: str) -> None:
    """Every pod takes its environment from the ConfigMap, whatever the hash in its name."""
    name = config_map(component, overlay)["metadata"]["name"]
    assert {"configMapRef": {"name": name}} in container(component, overlay)["envFrom"]


def test_an_edited_config_is_rolled_out() -> None:
    """An edited config.env makes a ConfigMap of another name.

    Pods do not keep the old values until somebody restarts them.
    """
    for component, edit in (("sync", {"TTL": "300"}), ("annotate", {"EXCLUDE_INTERFACE": "wg0"})):
        before, after = config_map(component, "watch"), config_map(component, "edited")
        edited = {f"KUBE_NODE_DNS_{key}": value for key, value in edit.items()}
        assert after["data"] == {**before.get("data", {}), **edited}
        assert before["metadata"]["name"] != after["metadata"]["name"]


@pytest.mark.parametrize("overlay", ["dnsendpoint", "dnsendpoint, two domains", "elsewhere, dnsendpoint"])
def test_a_sync_to_dnsendpoints_gets_no_credentials(overlay: str) -> None:
    """Every CronJob of an overlay with DNSEndpoints publishes to them, without the AWS Secret."""
    for cronjob in all_of(overlay, "CronJob"):
        (container,) = pod_of(cronjob)["spec"]["containers"]
        assert {"name": "KUBE_NODE_DNS_PUBLISH_TO", "value": "dnsendpoint"} in container["env"]
        assert [set(each) for each in container["envFrom"]] == [{"configMapRef"}]


def test_sync_alone_gets_credentials_and_they_may_be_absent() -> None:
    """The component sync alone gets the Secret with credentials, and starts without it."""
    secrets = {name: [each for each in container(name)["envFrom"] if "secretRef" in each] for name in CONTAINERS}
    optional = {"secretRef": {"name": "aws-credentials", "optional": True}}
    assert secrets == {"annotate": [], "sync": [optional], "watch": []}


@pytest.mark.parametrize("overlay", [name for name in NAMES if name.startswith("elsewhere")])
def test_other_namespaces_are_others_everywhere(overlay: str) -> None:
    """An overlay's two namespaces are those of every object, subject and alert, Leases' and Events' Roles aside."""
    ours = {"elsewhere", "elsewhere-annotate"}
    assert {each["metadata"]["name"] for each in all_of(overlay, "Namespace")} == ours
    for manifest in rendered(overlay):
        fixed = {"default", "kube-node-lease"} if manifest["kind"] in {"Role", "RoleBinding"} else set()
        assert manifest["metadata"].get("namespace", "elsewhere") in ours | fixed
        assert {each["namespace"] for each in manifest.get("subjects", ())} <= ours
    assert one(overlay, "DaemonSet")["metadata"]["namespace"] == "elsewhere-annotate"


@pytest.mark.parametrize(
    ("overlay", "at_home"),
    [
        ("elsewhere", "ready service"),
        ("elsewhere, edited", "edited"),
        ("elsewhere, two domains", "two domains"),
        ("elsewhere, dnsendpoint", "dnsendpoint"),
    ],
)
@WORKLOADS
def test_another_namespace_leaves_every_right(component: str, overlay: str, at_home: str) -> None:
    """In another namespace each component has the same rights.

    A Role for Leases or Events that moved along would allow nothing.
    """
    rules = [("elsewhere" if where == NAMESPACE else where, rule) for where, rule in granted(component, at_home)]
    assert list(granted(component, overlay)) == rules


def test_older_clusters_can_do_without_the_policy() -> None:
    """The overlay for Kubernetes before 1.30 leaves out the admission policy and its binding alone."""
    kinds = {each["kind"] for each in rendered("base")} - {each["kind"] for each in rendered("older")}
    assert kinds == {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    assert len(rendered("base")) - len(rendered("older")) == len(kinds)


def test_a_second_domain_has_its_own_nodes() -> None:
    """A second CronJob has its own domain and nodes, and watch makes Jobs of both."""
    first, second = (one("two domains", "CronJob", name) for name in ("sync", "sync-eu"))
    (extra,) = pod_of(second)["spec"]["containers"]
    names = [each["name"] for each in extra["env"]]
    assert names == ["KUBE_NODE_NAME", "KUBE_NODE_DNS_DOMAIN", "KUBE_NODE_DNS_NODE_LABEL_SELECTOR"]
    extra["env"] = extra["env"][:1]
    assert job_spec(first)["template"]["spec"] | {"containers": [extra]} == job_spec(first)["template"]["spec"]
    roles = [rule for _, rule in granted("watch", "two domains") if rule["resources"] == ["cronjobs"]]
    assert [rule["resourceNames"] for rule in roles] == [["sync", "sync-eu"]]
    assert container("watch", "two domains")["args"] == ["watch", "--cronjob", "sync", "--cronjob", "sync-eu"]


def test_one_entry_names_every_image() -> None:
    """An overlay's `images:` gives every container the user's image by its digest, components' too."""
    images = {
        entry["image"]
        for kind in CONTAINERS.values()
        for each in all_of("pinned", kind)
        for entry in pod_of(each)["spec"]["containers"]
    }
    (image,) = images
    assert re.fullmatch("registry.example.com/me/kube-node-dns@sha256:[0-9a-f]{64}", image)
