"""cron/: what an operator applies, as kustomize renders it."""

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
    CONTAINERS,
    CRON,
    NAMES,
    NAMESPACE,
    Manifest,
    all_of,
    container,
    granted,
    job_spec,
    kustomize,
    one,
    pod_of,
    pod_spec,
    rendered,
    rights,
    service_account,
    with_suggestion,
)

COMMANDS = {"annotate": AnnotateSettings, "sync": SyncSettings, "watch": WatchSettings}
WORKLOADS = pytest.mark.parametrize("component", CONTAINERS)
SHORT = {"effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 5}
AWAY = [{"key": f"node.kubernetes.io/{problem}", **SHORT} for problem in ("not-ready", "unreachable")]
NOT_CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "operator": "DoesNotExist"}
PREFERRED = {"weight": 100, "preference": {"matchExpressions": [NOT_CONTROL_PLANE]}}
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


@pytest.mark.parametrize("overlay", NAMES)
@pytest.mark.parametrize("kubernetes", ["1.30", "1.37"])
def test_every_object_is_valid(overlay: str, kubernetes: str) -> None:
    """Every object is valid on the oldest and the newest Kubernetes. An installation does not stop half way."""
    for manifest in rendered(overlay):
        if manifest["kind"] != "PrometheusRule":
            kubernetes_validate.validate(manifest, kubernetes, strict=True)


@pytest.mark.parametrize("folder", [".", "sync", "watch", "alerts", "ready-service", "other-namespaces"])
def test_every_folder_renders_by_itself(folder: str) -> None:
    """`kubectl kustomize` renders each folder."""
    assert kustomize(CRON / folder)


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
        ("image", f"ghcr.io/kube-node-dns/kube-node-dns:{version('kube-node-dns')}"),
        ("securityContext.allowPrivilegeEscalation", False),
        ("securityContext.readOnlyRootFilesystem", True),
        ("securityContext.capabilities", {"drop": ["ALL"]}),
        ("securityContext.privileged", None),
        ("volumeMounts", None),
        ("ports", None),
    ],
)
def test_every_container_is_confined(component: str, setting: str, wanted: object) -> None:
    """Every container has a read-only root and no capability, volume or port, and the image of this version."""
    assert looked_up(container(component), setting) == wanted


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
    labels = one("base", "Namespace")["metadata"]["labels"]
    assert {key: value for key, value in labels.items() if key.startswith("pod-security")} == {
        "pod-security.kubernetes.io/enforce": "privileged"
    }


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
        ("spec.successfulJobsHistoryLimit", 10),
        ("spec.failedJobsHistoryLimit", 10),
        ("spec.jobTemplate.spec.backoffLimit", 0),
        ("spec.jobTemplate.spec.activeDeadlineSeconds", 180),
        ("spec.jobTemplate.spec.ttlSecondsAfterFinished", 86400),
        ("spec.jobTemplate.spec.template.spec.restartPolicy", "Never"),
        ("spec.jobTemplate.spec.template.spec.terminationGracePeriodSeconds", 5),
        ("spec.jobTemplate.spec.template.spec.tolerations", AWAY),
        ("spec.jobTemplate.spec.template.spec.affinity", ELSEWHERE),
    ],
)
def test_the_cron_job(path: str, wanted: object) -> None:
    """Syncs start every minute, overlap, end by a deadline and stay off nodes that fail.

    They neither stall behind a dead node nor kill each other nor pile up.
    """
    assert looked_up(one("base", "CronJob"), path) == wanted


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("spec.replicas", 2),
        ("spec.template.spec.tolerations", AWAY),
        ("spec.template.spec.affinity", ELSEWHERE),
        ("spec.template.spec.terminationGracePeriodSeconds", 5),
    ],
)
def test_the_watch_deployment(path: str, wanted: object) -> None:
    """There are two watchers, and they prefer nodes that are not public."""
    assert looked_up(one("watch", "Deployment"), path) == wanted


def test_two_watchers_are_on_two_nodes() -> None:
    """The two watchers are on two nodes where there are two; with one node left, both are on it."""
    (spread,) = pod_spec("watch")["topologySpreadConstraints"]
    labels = pod_of(one("watch", "Deployment"))["metadata"]["labels"]
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()
    assert (spread["topologyKey"], spread["maxSkew"]) == ("kubernetes.io/hostname", 1)
    assert (spread["whenUnsatisfiable"], spread["nodeTaintsPolicy"]) == ("DoNotSchedule", "Honor")


def test_watch_relaxes_the_schedule_and_nothing_else() -> None:
    """The component watch changes the CronJob's schedule and nothing else."""
    base, relaxed = one("base", "CronJob"), one("watch", "CronJob")
    assert relaxed["spec"]["schedule"] == "*/5 * * * *"
    assert {**relaxed, "spec": {**relaxed["spec"], "schedule": "* * * * *"}} == base


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


def _config() -> dict[str, dict[str, str]]:
    """Read config.env, and what it would be with every suggestion taken."""
    text = (CRON / "config.env").read_text(encoding="utf-8")
    active = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    return {"as it is": active, "with all": dict(re.findall(r"^#?(\w+)=(.*)$", text, re.MULTILINE))}


@pytest.mark.parametrize("which", ["as it is", "with all"])
def test_each_variable_is_an_option(which: str) -> None:
    """Each variable of config.env, also one that is a comment, is an option with a value that it takes."""
    chosen = _config()[which]
    known = {option.variable for command in COMMANDS.values() for option in options(command)}
    assert {*chosen} <= known
    for command in COMMANDS.values():
        settings(command, {}, chosen)


def test_the_config_is_as_promised() -> None:
    """config.env sets what the README's first steps say."""
    wanted = {"DOMAIN": "example.com", "NODE_LABEL_SELECTOR": "serve-public=true", "TTL": "60", "LEASE_TIMEOUT": "25"}
    assert one("base", "ConfigMap")["data"] == {f"KUBE_NODE_DNS_{key}": value for key, value in wanted.items()}


@pytest.mark.parametrize("overlay", ["watch", "edited", "elsewhere", "elsewhere, edited"])
@WORKLOADS
def test_every_pod_reads_the_config(component: str, overlay: str) -> None:
    """Every pod takes its environment from the ConfigMap, whatever the hash in its name."""
    name = one(overlay, "ConfigMap")["metadata"]["name"]
    assert {"configMapRef": {"name": name}} in container(component, overlay)["envFrom"]


def test_an_edited_config_is_rolled_out() -> None:
    """An edited config.env makes a ConfigMap of another name.

    Pods do not keep the old values until somebody restarts them.
    """
    before, after = one("watch", "ConfigMap"), one("edited", "ConfigMap")
    assert after["data"] == {**before["data"], "KUBE_NODE_DNS_TTL": "300"}
    assert before["metadata"]["name"] != after["metadata"]["name"]


def test_sync_alone_gets_credentials_and_they_may_be_absent() -> None:
    """The component sync alone gets the Secret with credentials, and starts without it."""
    secrets = {name: [each for each in container(name)["envFrom"] if "secretRef" in each] for name in CONTAINERS}
    optional = {"secretRef": {"name": "aws-credentials", "optional": True}}
    assert secrets == {"annotate": [], "sync": [optional], "watch": []}


@pytest.mark.parametrize("overlay", [name for name in NAMES if name.startswith("elsewhere")])
def test_another_namespace_is_another_everywhere(overlay: str) -> None:
    """An overlay's namespace is that of every object and every subject, but for the Roles of Leases and Events."""
    assert one(overlay, "Namespace")["metadata"]["name"] == "elsewhere"
    for manifest in rendered(overlay):
        fixed = {"default", "kube-node-lease"} if manifest["kind"] in {"Role", "RoleBinding"} else set()
        assert manifest["metadata"].get("namespace", "elsewhere") in {"elsewhere", *fixed}
        assert {each["namespace"] for each in manifest.get("subjects", ())} <= {"elsewhere"}


@pytest.mark.parametrize(
    ("overlay", "at_home"),
    [
        ("elsewhere", "ready service"),
        ("elsewhere, edited", "edited"),
        ("elsewhere, two domains", "two domains"),
    ],
)
@WORKLOADS
def test_another_namespace_leaves_every_right(component: str, overlay: str, at_home: str) -> None:
    """In another namespace each component has the same rights.

    A Role for Leases or Events that moved along would allow nothing.
    """
    rules = [("elsewhere" if where == NAMESPACE else where, rule) for where, rule in granted(component, at_home)]
    assert list(granted(component, overlay)) == rules


@WORKLOADS
def test_another_namespace_without_the_transformers_loses_little(component: str) -> None:
    """Without the transformers every right moves to the other namespace: Leases and Events are lost, nodes are not."""
    moved = {(verb, resource, where and "elsewhere") for verb, resource, where in rights(component)}
    assert rights(component, "elsewhere, one line") == moved


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


def test_a_digest_can_be_pinned() -> None:
    """The suggestion in kustomization.yaml pins every image by its digest."""
    images = {
        entry["image"]
        for each in with_suggestion(0)
        if each["kind"] in CONTAINERS.values()
        for entry in pod_of(each)["spec"]["containers"]
    }
    (image,) = images
    assert re.fullmatch("ghcr.io/kube-node-dns/kube-node-dns(:[^@]*)?@sha256:[0-9a-f]{64}", image)


def test_a_role_can_be_given_to_sync() -> None:
    """The suggestion for EKS gives sync's service account, and no other, a role."""
    annotated = {
        each["metadata"]["name"]: each["metadata"]["annotations"]
        for each in with_suggestion(1)
        if "annotations" in each["metadata"]
    }
    _, name = service_account("sync")
    assert annotated == {name: {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/kube-node-dns"}}


def test_sync_can_be_kept_on_machines_with_a_profile() -> None:
    """The suggestion for instance profiles keeps sync on nodes that have one."""
    (cronjob,) = (each for each in with_suggestion(2) if each["kind"] == "CronJob")
    assert pod_of(cronjob)["spec"]["nodeSelector"] == {"example.com/ec2": "true"}
