"""What somebody with the token of watch may try: Jobs that differ from what watch makes, with the reason to refuse."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from jobs.core.job_manifest import CronJob, job_of
from jobs.core.sync_trigger import Trigger
from tests.support.manifests import Manifest

Change: TypeAlias = Callable[[Manifest], object]
POD = "the Job's pod must be that of the CronJob's template, but for node affinity"
AFFINITY = "the Job's pod must have the template's affinity to pods"
POD_METADATA = "the Job's pod must have the labels and annotations of the CronJob's template"
SETTINGS = "the Job must have the settings of the CronJob's template"
METADATA = "the Job must have the labels and annotations of the CronJob's template"
OWNER = "may only create Jobs that belong to a CronJob of its Role"
THAT_OWNER = "may only create Jobs that belong to the CronJob that there is"
WITHDRAWN = [
    pytest.param((), id="nobody accused"),
    pytest.param(("n1",), id="a node accused"),
    pytest.param(("n1", "n2"), id="two nodes accused"),
]


def made_by_watch(cronjob: Manifest, withdrawn: tuple[str, ...] = ()) -> Manifest:
    """Give the Job that watch makes of a CronJob of the API server's."""
    template, metadata = cronjob["spec"]["jobTemplate"], cronjob["metadata"]
    its = template.get("metadata", {})
    known = CronJob(
        metadata["name"],
        metadata["uid"],
        suspended=False,
        labels=its.get("labels", {}),
        annotations=its.get("annotations", {}),
        job_spec=template["spec"],
    )
    trigger = Trigger("n1: cordoned", datetime.now(UTC), "7", withdrawn)
    job: Manifest = json.loads(json.dumps(job_of(known, trigger, 5)))
    return job


def changed(job: Manifest, change: Change) -> Manifest:
    """Give a Job after a change."""
    new = copy.deepcopy(job)
    change(new)
    return new


def in_pod(**settings: object) -> Change:
    """Set fields of the pod."""
    return lambda job: job["spec"]["template"]["spec"].update(settings)


def in_container(**settings: object) -> Change:
    """Set fields of the container."""
    return lambda job: job["spec"]["template"]["spec"]["containers"][0].update(settings)


def in_spec(**settings: object) -> Change:
    """Set fields of the Job's spec."""
    return lambda job: job["spec"].update(settings)


def in_owner(**settings: object) -> Change:
    """Set fields of the owner."""
    return lambda job: job["metadata"]["ownerReferences"][0].update(settings)


def in_metadata(kind: str, values: object) -> Change:
    """Set labels, annotations or finalizers of the Job."""

    def change(job: Manifest) -> None:
        known = job["metadata"].get(kind)
        job["metadata"][kind] = {**known, **values} if isinstance(known, dict) and isinstance(values, dict) else values

    return change


def in_pod_metadata(kind: str, values: dict[str, str]) -> Change:
    """Add labels or annotations of the pod."""

    def change(job: Manifest) -> None:
        metadata = job["spec"]["template"].setdefault("metadata", {})
        metadata[kind] = {**metadata.get(kind, {}), **values}

    return change


def _add(where: str, what: Manifest) -> Change:
    def change(job: Manifest) -> None:
        pod = job["spec"]["template"]["spec"]
        pod[where] = [*pod.get(where, ()), what]

    return change


def _in_affinity(kind: str, value: object) -> Change:
    return lambda job: job["spec"]["template"]["spec"]["affinity"].update({kind: value})


_SHELL: Manifest = {"name": "shell", "image": "registry.example.com/evil"}
_NEAR: Manifest = {
    "requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "bank"}}}
    ]
}
ATTACKS = [
    pytest.param(in_container(image="registry.example.com/evil"), POD, id="image"),
    pytest.param(in_container(command=["sh"]), POD, id="command"),
    pytest.param(in_container(args=["sync-once", "--min-nodes", "0"]), POD, id="arguments"),
    pytest.param(in_container(env=[{"name": "AWS_ENDPOINT_URL", "value": "https://x.example"}]), POD, id="environment"),
    pytest.param(in_container(envFrom=[{"secretRef": {"name": "other"}}]), POD, id="another Secret"),
    pytest.param(in_container(securityContext={"privileged": True}), POD, id="privileged"),
    pytest.param(in_container(imagePullPolicy="Always"), POD, id="pull policy"),
    pytest.param(in_container(lifecycle={"postStart": {"exec": {"command": ["sh"]}}}), POD, id="hook"),
    pytest.param(in_container(volumeMounts=[]), POD, id="no mounts"),
    pytest.param(_add("containers", _SHELL), POD, id="container"),
    pytest.param(_add("initContainers", _SHELL), POD, id="init container"),
    pytest.param(_add("volumes", {"name": "root", "hostPath": {"path": "/"}}), POD, id="volume of the host"),
    pytest.param(_add("volumes", {"name": "s", "secret": {"secretName": "aws-credentials"}}), POD, id="volume"),
    pytest.param(_add("tolerations", {"operator": "Exists"}), POD, id="toleration"),
    pytest.param(in_pod(nodeName="n1"), POD, id="node"),
    pytest.param(in_pod(nodeSelector={"kubernetes.io/hostname": "n1"}), POD, id="node selector"),
    pytest.param(in_pod(serviceAccountName="kube-node-dns-watch"), POD, id="service account"),
    pytest.param(in_pod(hostNetwork=True), POD, id="host network"),
    pytest.param(in_pod(hostPID=True), POD, id="host's processes"),
    pytest.param(in_pod(restartPolicy="OnFailure"), POD, id="restarts"),
    pytest.param(in_pod(priorityClassName="system-node-critical"), POD, id="priority"),
    pytest.param(lambda job: job["spec"]["template"]["spec"].pop("priorityClassName"), POD, id="no priority"),
    pytest.param(in_pod(securityContext={}), POD, id="security context"),
    pytest.param(in_pod(hostAliases=[{"ip": "192.0.2.1", "hostnames": ["x.example"]}]), POD, id="host aliases"),
    pytest.param(in_pod(imagePullSecrets=[{"name": "other"}]), POD, id="pull secret"),
    pytest.param(in_pod(activeDeadlineSeconds=9), POD, id="deadline of the pod"),
    pytest.param(in_pod(runtimeClassName="other"), POD, id="runtime"),
    pytest.param(in_pod(schedulerName="other"), POD, id="scheduler"),
    pytest.param(_in_affinity("podAffinity", _NEAR), AFFINITY, id="near others' pods"),
    pytest.param(_in_affinity("podAntiAffinity", _NEAR), AFFINITY, id="away from others' pods"),
    pytest.param(in_pod_metadata("labels", {"app": "bank"}), POD_METADATA, id="a pod of somebody else's Service"),
    pytest.param(
        in_pod_metadata("labels", {"app.kubernetes.io/name": "bank"}), POD_METADATA, id="another name of the pod"
    ),
    pytest.param(in_pod_metadata("annotations", {"example.com/inject": "yes"}), POD_METADATA, id="an injector"),
    pytest.param(in_spec(parallelism=1000, completions=1000), SETTINGS, id="a thousand at once"),
    pytest.param(in_spec(parallelism=0), SETTINGS, id="none"),
    pytest.param(in_spec(backoffLimit=1000), SETTINGS, id="a thousand tries"),
    pytest.param(in_spec(activeDeadlineSeconds=10**9), SETTINGS, id="for years"),
    pytest.param(in_spec(ttlSecondsAfterFinished=0), SETTINGS, id="without a trace"),
    pytest.param(in_spec(suspend=True), SETTINGS, id="suspended"),
    pytest.param(in_spec(managedBy="example.com/other"), SETTINGS, id="another controller"),
    pytest.param(in_spec(completionMode="Indexed"), SETTINGS, id="indexed"),
    pytest.param(in_spec(podFailurePolicy={"rules": []}), SETTINGS, id="failures that do not count"),
    pytest.param(in_metadata("labels", {"app": "bank"}), METADATA, id="label"),
    pytest.param(in_metadata("annotations", {"example.com/queue": "other"}), METADATA, id="annotation"),
    pytest.param(in_metadata("finalizers", ["example.com/stays"]), METADATA, id="finalizer"),
    pytest.param(lambda job: job["metadata"].pop("ownerReferences"), OWNER, id="no owner"),
    pytest.param(
        lambda job: job["metadata"]["ownerReferences"].append(
            {**job["metadata"]["ownerReferences"][0], "uid": "other", "controller": False}
        ),
        OWNER,
        id="two owners",
    ),
    pytest.param(in_owner(name="other"), OWNER, id="an owner that is not of its Role"),
    pytest.param(in_owner(kind="Job"), OWNER, id="an owner of another kind"),
    pytest.param(in_owner(apiVersion="example.com/v1"), OWNER, id="an owner of another group"),
    pytest.param(in_owner(controller=False), OWNER, id="an owner that does not control it"),
    pytest.param(in_owner(uid="7d8ae1ef-0000-4000-8000-000000000000"), THAT_OWNER, id="an owner of the past"),
]
