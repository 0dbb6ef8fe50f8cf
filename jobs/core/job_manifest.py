"""The Job that the watcher makes of a CronJob: its name, its owner, and where its pod may run. Pure."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from jobs.core.annotations import ANNOTATIONS

if TYPE_CHECKING:  # the edge reads CronJobs in sync-once too, where nothing of watch is loaded
    from jobs.core.sync_trigger import Trigger

LONGEST_JOB_NAME = 63
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class CronJob(Struct, frozen=True):
    """A CronJob, with what a Job made from it takes over."""

    name: str
    uid: str
    suspended: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    job_spec: Mapping[str, Any]


def job_of(cronjob: CronJob, trigger: "Trigger", min_interval_seconds: int) -> dict[str, Any]:
    """Make the Job that `kubectl create job --from=cronjob/NAME` would, off the nodes that evidence speaks against.

    The owner reference does not block the owner's deletion: that would need the right to update the CronJob where the
    API server enforces it.
    """
    nodes = trigger.withdrawn_by_evidence
    suffix = f"-{suffix_of(trigger, min_interval_seconds)}"
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": cronjob.name, "uid": cronjob.uid, "controller": True}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": cronjob.name[: LONGEST_JOB_NAME - len(suffix)].rstrip("-.") + suffix,
            "labels": cronjob.labels,
            "annotations": {
                **cronjob.annotations,
                "cronjob.kubernetes.io/instantiate": "manual",
                ANNOTATIONS + "change": trigger.words,
            },
            "ownerReferences": [owner],
        },
        "spec": staying_off(nodes, cronjob.job_spec) if nodes else cronjob.job_spec,
    }


def suffix_of(trigger: "Trigger", min_interval_seconds: int) -> str:
    """Name a Job after the version that shows the change, so that two replicas that see the same make one Job.

    What no version shows is named after its time, floored to the interval, in seconds since 1970.
    """
    if trigger.resource_version is not None:
        return trigger.resource_version
    seconds = int(trigger.seen_at.timestamp())
    return str(seconds - seconds % min_interval_seconds)


def staying_off(nodes: Iterable[str], job_spec: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a Job's pod off some nodes, whatever else its affinity asks: the scheduler believes in them still.

    A field takes one value a requirement. Terms are alternatives, so each gets them all; but a term that asks for
    nothing matches no node, and stays so.
    """
    fields = [{"key": "metadata.name", "operator": "NotIn", "values": [node]} for node in nodes]
    template = job_spec["template"]
    affinity = template["spec"].get("affinity") or {}
    of_nodes = affinity.get("nodeAffinity") or {}
    required = of_nodes.get(_REQUIRED) or {}
    terms = [
        {**term, "matchFields": [*(term.get("matchFields") or ()), *fields]} if any(term.values()) else term
        for term in required.get("nodeSelectorTerms") or ()
    ]
    required = {**required, "nodeSelectorTerms": terms or [{"matchFields": fields}]}
    affinity = {**affinity, "nodeAffinity": {**of_nodes, _REQUIRED: required}}
    return {**job_spec, "template": {**template, "spec": {**template["spec"], "affinity": affinity}}}
