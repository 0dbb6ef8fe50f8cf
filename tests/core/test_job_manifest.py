"""The Job that the watcher makes of a CronJob: its name, its marks, its owner, and where its pod may run."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jobs.core.job_manifest import CronJob, job_of, staying_off, suffix_of
from jobs.core.sync_trigger import Trigger

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SYNC = CronJob("sync", "uid-1", suspended=False, labels={}, annotations={}, job_spec={"template": {"spec": {}}})
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
LINUX = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
ARM = {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}
SPREAD = {"podAntiAffinity": {REQUIRED: [{"topologyKey": "kubernetes.io/hostname"}]}}
LIKED = {PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [ARM]}}]}


def seen(
    version: str | None = "7", *, at: float = NOW.timestamp(), withdrawn_by_evidence: tuple[str, ...] = ()
) -> Trigger:
    """Give a trigger."""
    return Trigger("node-1: cordoned", datetime.fromtimestamp(at, UTC), version, withdrawn_by_evidence)


NAMES = [
    pytest.param("sync", "7", "sync-7", id="short"),
    pytest.param("s" * 52, "1234567890", "s" * 52 + "-1234567890", id="exactly 63"),
    pytest.param("s" * 52, "12345678901", "s" * 51 + "-12345678901", id="one too many"),
    pytest.param("s" * 52, str(2**64 - 1), "s" * 42 + f"-{2**64 - 1}", id="the largest version"),
    pytest.param("s" * 41 + "-" * 3 + "s" * 8, str(2**64 - 1), "s" * 41 + f"-{2**64 - 1}", id="cut at a hyphen"),
    pytest.param("s" * 40 + ".sync-fast-now", str(2**64 - 1), "s" * 40 + f".s-{2**64 - 1}", id="with a dot"),
    pytest.param("s" * 41 + ".sync-fast", str(2**64 - 1), "s" * 41 + f"-{2**64 - 1}", id="cut at a dot"),
]


@pytest.mark.parametrize(("cronjob", "version", "expected"), NAMES)
def test_a_jobs_name_fits_63_characters_and_keeps_the_version(cronjob: str, version: str, expected: str) -> None:
    """A Job's name has at most 63 characters and ends with the whole version."""
    name = job_of(replace(SYNC, name=cronjob), seen(version), 5)["metadata"]["name"]
    assert name == expected
    assert len(name) <= 63


TIMES = [
    pytest.param(1_900_000_000, 5, "1900000000", id="at the beginning of a window"),
    pytest.param(1_900_000_004.999, 5, "1900000000", id="at its end"),
    pytest.param(1_900_000_005, 5, "1900000005", id="the next"),
    pytest.param(1_900_000_003.7, 1, "1900000003", id="a second"),
    pytest.param(1_900_000_003, 7, "1899999997", id="no divisor of a minute"),
    pytest.param(1_900_003_599, 3600, "1900000800", id="an hour"),
]


@pytest.mark.parametrize(("at", "interval", "expected"), TIMES)
def test_what_no_version_shows_is_named_after_its_time_floored_to_the_interval(
    at: float, interval: int, expected: str
) -> None:
    """A trigger without a version has its time, rounded down to the interval, in the Job's name.

    Two replicas that see the same at about the same time make one Job.
    """
    assert job_of(SYNC, seen(None, at=at), interval)["metadata"]["name"] == f"sync-{expected}"


@given(st.floats(0, 2**32), st.integers(1, 3600))
def test_an_interval_later_the_name_is_another(at: float, interval: int) -> None:
    """An interval later the name is another one.

    The second of two triggers does not take the Job of the first for its own.
    """
    later = seen(None, at=at).seen_at + timedelta(seconds=interval)
    names = [suffix_of(seen(None, at=each), interval) for each in (at, later.timestamp())]
    assert int(names[1]) - int(names[0]) == interval


def test_a_version_counts_before_the_time() -> None:
    """Where there is a version, the time does not count.

    Two replicas that hear of a node's change at different times make one Job.
    """
    assert suffix_of(seen("7", at=1), 5) == suffix_of(seen("7", at=1000), 5) == "7"


def test_a_template_cannot_take_over_what_marks_the_job() -> None:
    """Annotations of the template do not replace those that mark the Job."""
    key = "cronjob.kubernetes.io/instantiate"
    template = {key: "auto", "kube-node-dns.kyle.space/change": "old"}
    metadata = job_of(replace(SYNC, annotations=template), seen(), 5)["metadata"]
    assert metadata["annotations"] == {key: "manual", "kube-node-dns.kyle.space/change": "node-1: cordoned"}


def test_the_owner_does_not_have_to_wait_for_the_job() -> None:
    """The owner reference does not block the owner's deletion.

    Otherwise the watcher would need the right to update the CronJob's finalizers.
    """
    (owner,) = job_of(SYNC, seen(), 5)["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": "sync",
        "uid": "uid-1",
        "controller": True,
    }


def test_the_whole_job() -> None:
    """The Job has the template's labels, annotations and spec."""
    job = job_of(replace(SYNC, labels={"app": "sync"}, annotations={"a": "b"}), seen(), 5)
    del job["metadata"]["ownerReferences"]
    assert job == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "sync-7",
            "labels": {"app": "sync"},
            "annotations": {
                "a": "b",
                "cronjob.kubernetes.io/instantiate": "manual",
                "kube-node-dns.kyle.space/change": "node-1: cordoned",
            },
        },
        "spec": SYNC.job_spec,
    }


def test_a_job_with_nobody_withdrawn_has_the_template_as_it_is() -> None:
    """With nobody withdrawn the Job's spec is the template's."""
    assert job_of(SYNC, seen(), 5)["spec"] == {"template": {"spec": {}}}


def test_a_job_stays_off_the_nodes_that_are_withdrawn() -> None:
    """The Job's pod may run on any node but the withdrawn."""
    spec = job_of(SYNC, seen(None, withdrawn_by_evidence=("node-1",)), 5)["spec"]
    assert affinity_of(spec) == {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchFields": [off("node-1")]}]}}}


def off(node: str) -> dict[str, Any]:
    """Give the requirement that keeps a pod off a node; the API takes one name in it."""
    return {"key": "metadata.name", "operator": "NotIn", "values": [node]}


def affinity_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Give the affinity of a Job's pod."""
    affinity: dict[str, Any] = spec["template"]["spec"]["affinity"]
    return affinity


def required(*terms: object) -> dict[str, Any]:
    """Give the alternatives of which a pod's node must fulfil one."""
    return {REQUIRED: {"nodeSelectorTerms": list(terms)}}


OFF = {"matchFields": [off("dead-1"), off("dead-2")]}
OTHERS = {"key": "metadata.name", "operator": "NotIn", "values": ["reserved"]}
AFFINITIES = [
    pytest.param(None, {"nodeAffinity": required(OFF)}, id="none"),
    pytest.param({}, {"nodeAffinity": required(OFF)}, id="empty"),
    pytest.param(SPREAD, {**SPREAD, "nodeAffinity": required(OFF)}, id="of pods only"),
    pytest.param({"nodeAffinity": None}, {"nodeAffinity": required(OFF)}, id="null"),
    pytest.param({"nodeAffinity": LIKED}, {"nodeAffinity": {**LIKED, **required(OFF)}}, id="preferred only"),
    pytest.param(
        {"nodeAffinity": {**LIKED, **required({"matchExpressions": [LINUX]})}},
        {"nodeAffinity": {**LIKED, **required({"matchExpressions": [LINUX], **OFF})}},
        id="required",
    ),
    pytest.param(
        {"nodeAffinity": required({"matchExpressions": [LINUX]}, {"matchExpressions": [ARM]})},
        {"nodeAffinity": required({"matchExpressions": [LINUX], **OFF}, {"matchExpressions": [ARM], **OFF})},
        id="several terms",
    ),
    pytest.param(
        {"nodeAffinity": required({"matchFields": [OTHERS]}, {"matchExpressions": [ARM], "matchFields": None})},
        {
            "nodeAffinity": required(
                {"matchFields": [OTHERS, off("dead-1"), off("dead-2")]}, {"matchExpressions": [ARM], **OFF}
            )
        },
        id="fields already",
    ),
    pytest.param(
        {"nodeAffinity": required({}, {"matchExpressions": []}, {"matchExpressions": [LINUX]})},
        {"nodeAffinity": required({}, {"matchExpressions": []}, {"matchExpressions": [LINUX], **OFF})},
        id="a term that asks for nothing matches no node",
    ),
    pytest.param({"nodeAffinity": required({})}, {"nodeAffinity": required({})}, id="only such a term"),
]


@pytest.mark.parametrize(("affinity", "expected"), AFFINITIES)
def test_staying_off_keeps_what_else_the_affinity_asks(
    affinity: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    """Staying off nodes is added to every alternative of the template's affinity and changes nothing else."""
    pod = {"restartPolicy": "Never", **({} if affinity is None else {"affinity": affinity})}
    spec = {"backoffLimit": 0, "template": {"metadata": {"labels": {"app": "sync"}}, "spec": pod}}
    found = staying_off(["dead-1", "dead-2"], spec)
    assert affinity_of(found) == expected
    without = copy.deepcopy(found)
    del without["template"]["spec"]["affinity"]
    assert without == {
        "backoffLimit": 0,
        "template": {"metadata": {"labels": {"app": "sync"}}, "spec": {"restartPolicy": "Never"}},
    }


@pytest.mark.parametrize(("affinity", "expected"), AFFINITIES)
def test_staying_off_leaves_the_template_as_it_was(affinity: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    """The template itself is not changed. The next Job may run on nodes that have come back."""
    spec = {"template": {"spec": {"affinity": affinity}}}
    before = copy.deepcopy(spec)
    assert affinity_of(staying_off(["dead-1", "dead-2"], spec)) == expected
    assert spec == before
