"""watch: which changes of a node make a sync Job, which do not, what the Job is, and how many there are."""

import re
from collections.abc import Callable
from typing import TypeAlias

from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, PROGRAM, World
from tests.support import forks
from tests.support.processes import environment_of, isolated
from tests.support.sync_runs import Gate
from tests.support.watching import (
    STARTED,
    Json,
    Watcher,
    answered,
    cronjob,
    follows,
    job_number,
    jobs,
    names,
    settled,
    started,
    version_in,
    watching,
    words,
)

Edit: TypeAlias = Callable[[Json], object]
LONG = "s" * 52
"""As long as a CronJob's name may be."""
TEMPLATE = {"labels": {"app": "kube-node-dns"}, "annotations": {"example.com/team": "edge"}}


def annotate(**annotations: str) -> Edit:
    """Set annotations of kube-node-dns; `_` stands for `-`."""
    values = {PREFIX + key.replace("_", "-"): value for key, value in annotations.items()}
    return lambda node: node["metadata"]["annotations"].update(values)


def ready(status: str, message: str = "") -> Edit:
    """Change what the Ready condition says."""
    return lambda node: node["status"]["conditions"][0].update(status=status, message=message)


CHANGES: list[tuple[Edit, str]] = [
    (ready("False", "container runtime is down"), "container runtime is down"),
    (ready("Unknown"), "Ready is Unknown"),
    (lambda node: node["status"]["conditions"].clear(), "no Ready condition"),
    (lambda node: node["spec"].update(unschedulable=True), "cordoned"),
    (lambda node: node["metadata"].update(deletionTimestamp="2030-01-01T00:00:00Z"), "being deleted"),
    (
        lambda node: node["spec"].update(
            taints=[{"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"}]
        ),
        "being removed: the cluster autoscaler is about to remove it (taint ToBeDeletedByClusterAutoscaler)",
    ),
    (lambda node: node["metadata"]["labels"].pop("serve-public"), "no longer among the selected nodes"),
    (annotate(node_ips="5.75.128.99"), "5.75.128.99"),
    (annotate(aws_geoproximity_coordinates="1.35,103.82"), "1.35,103.82"),
    (annotate(aws_geoproximity_bias="-20"), "publishable with 5.75.128.10"),
    (annotate(boot_id="another"), "rebooted"),
    (annotate(public_ips="5.75.128.99"), "publishable with 5.75.128.99"),
    (annotate(public_ips="none"), "public-ips is not a list of addresses"),
]


def external(*found: str) -> Edit:
    """Set the addresses of type ExternalIP in the status."""
    return lambda node: node["status"].update(addresses=[{"type": "ExternalIP", "address": each} for each in found])


CHANGES_OF_A_CORDONED_NODE: list[Edit] = [
    annotate(aws_geoproximity_coordinates="1.35,103.82"),
    annotate(aws_geoproximity_bias="-20"),
    lambda node: node["metadata"]["labels"].update({"topology.kubernetes.io/zone": "ash"}),
    lambda node: node["metadata"].update(deletionTimestamp="2030-01-01T00:00:00Z"),
    lambda node: node["metadata"]["labels"].pop("serve-public"),
]
"""They decide the routing of all, and the bias of its place."""


def beat(node: Json) -> None:
    """Renew a node's status as its kubelet does every few minutes."""
    for condition in node["status"]["conditions"]:
        condition["lastHeartbeatTime"] = "2030-01-01T00:00:00Z"


NO_CHANGES: list[Edit] = [
    beat,
    ready("True", "kubelet is posting ready status"),
    lambda node: node["status"].update(images=[{"names": ["registry.example/app:1"], "sizeBytes": 1}]),
    lambda node: node["status"].update(capacity={"cpu": "4"}),
    external("5.75.128.99"),
    lambda node: node["status"]["conditions"].append({"type": "MemoryPressure", "status": "True"}),
    lambda node: node["metadata"]["labels"].update({"example.com/rack": "7"}),
    lambda node: node["metadata"]["annotations"].update({"example.com/note": "moved"}),
    annotate(node_ips=" 5.75.128.10 ", aws_geoproximity_coordinates="50.110, 8.68"),
]


def change_of(node: str, watcher: Watcher) -> str:
    """Wait until the last change that was noticed is one of this node; give it in words."""
    assert wait_until(lambda: watcher.changes[-1].startswith(f"{node}: ")), watcher.said
    return watcher.changes[-1]


def test_changes_that_matter_are_noticed(cluster: World) -> None:
    """A change that decides whether or how a node is published is noticed, and a Job made of the last of them."""
    names = {f"node-{number}": case for number, case in enumerate(CHANGES)}
    for name in names:
        cluster.node(name, "5.75.128.10", "50.11,8.68", boot_id="boot-1")
    with watching(cluster, "--node-label-selector", "serve-public=true") as watcher:
        job_number(cluster, 1)
        follows(cluster)
        for name, (edit, reason) in names.items():
            last = cluster.kubernetes.edit("Node", name, edit)
            assert reason in change_of(name, watcher)
        assert wait_until(lambda: version_in(jobs(cluster)[-1]) == version(last))


def test_changes_of_a_node_that_cannot_serve_are_noticed(cluster: World) -> None:
    """A change of a cordoned node that the routing goes by is noticed.

    The routing goes by all selected nodes, whatever their health.
    """
    for number in range(len(CHANGES_OF_A_CORDONED_NODE)):
        cluster.node(f"sgp-{number}", "5.223.50.3", cordoned=True)
    options = ("--node-label-selector", "serve-public=true", "--place", "ash=39.04,-77.49")
    with watching(cluster, *options) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        for number, edit in enumerate(CHANGES_OF_A_CORDONED_NODE):
            cluster.kubernetes.edit("Node", f"sgp-{number}", edit)
            change_of(f"sgp-{number}", watcher)


def test_a_cordoned_node_that_comes_makes_a_job(cluster: World) -> None:
    """A cordoned node that is added makes a Job.

    A node without a place decides the routing, even before it can serve.
    """
    with watching(cluster):
        job_number(cluster, 1)
        cluster.node("sgp-1", "5.223.50.3", cordoned=True)
        assert words(job_number(cluster, 2)) == "sgp-1: cordoned"


def test_external_ips_make_a_job_when_they_count(cluster: World) -> None:
    """With --external-ip an address that comes or goes in the status is a change, other entries are none."""
    with watching(cluster, "--external-ip") as watcher:
        job_number(cluster, 1)
        cluster.kubernetes.edit("Node", "fra-1", external("5.75.128.99", "junk"))
        assert "publishable with 5.75.128.10 5.75.128.99" in words(job_number(cluster, 2))
        cluster.kubernetes.edit("Node", "fra-1", external("5.75.128.99", "other junk"))
        cluster.kubernetes.edit("Node", "fra-1", external())
        assert words(job_number(cluster, 3)).startswith("fra-1: publishable with 5.75.128.10 at")
    assert len(watcher.changes) == 3


def test_a_node_that_comes_goes_or_can_serve_again_makes_a_job(cluster: World) -> None:
    """A node that is added, deleted, or Ready again makes a Job, which says so."""
    cluster.kubernetes.set_ready("fra-1", "False")
    with watching(cluster):
        job_number(cluster, 1)
        cluster.node("sgp-1", "5.223.50.3")
        assert "5.223.50.3" in words(job_number(cluster, 2))
        cluster.kubernetes.remove("Node", "sgp-1")
        assert words(job_number(cluster, 3)) == "sgp-1: no longer among the selected nodes"
        cluster.kubernetes.set_ready("fra-1", "True")
        assert "publishable with 5.75.128.10 at 50.11,8.68" in words(job_number(cluster, 4))


def test_updates_that_change_nothing_in_dns_make_no_job(cluster: World) -> None:
    """Heartbeats and other updates that change nothing in DNS make no Job."""
    with watching(cluster) as watcher:
        job_number(cluster, 1)
        follows(cluster)
        for edit in NO_CHANGES:
            cluster.kubernetes.edit("Node", "fra-1", edit)
        cluster.kubernetes.set_ready("nyc-1", "False")
        assert wait_until(lambda: len(watcher.changes) > 1)
        assert [line.partition(":")[0] for line in watcher.changes] == [STARTED + "\n", "nyc-1"]


def test_nodes_that_are_not_selected_make_no_job(cluster: World) -> None:
    """Changes of a node that the selector leaves out make no Job."""
    cluster.node("db-1", "5.75.128.66", labels={"serve-public": "false"})
    with watching(cluster, "--node-label-selector", "serve-public=true") as watcher:
        job_number(cluster, 1)
        follows(cluster)
        cluster.kubernetes.set_ready("db-1", "False")
        cluster.kubernetes.remove("Node", "db-1")
        cluster.kubernetes.set_ready("nyc-1", "False")
        assert wait_until(lambda: len(watcher.changes) > 1)
        assert [line.partition(":")[0] for line in watcher.changes] == [STARTED + "\n", "nyc-1"]


def test_start_up_without_any_node_makes_a_job_too(world: World) -> None:
    """A Job is made at start-up even if there is no node.

    The last one may have been deleted while no watcher was there.
    """
    world.kubernetes.put(cronjob())
    with watching(world):
        assert words(job_number(world, 1)) == STARTED


def test_a_change_after_a_quiet_time_makes_a_job_at_once(cluster: World) -> None:
    """A change after a quiet interval makes a Job without waiting for another one."""
    with watching(cluster, interval=3, change=forks.TIMELESS) as watcher:
        assert wait_until(lambda: turns(watcher) == JOB_AND_INTERVAL)
        cluster.kubernetes.set_ready("fra-1", "False")
        assert wait_until(lambda: turns(watcher)[:3] == [*JOB_AND_INTERVAL, JOB_AND_INTERVAL[0]])


def test_changes_within_the_interval_make_one_job(cluster: World) -> None:
    """All changes since the last Job make one Job, named after the last, and there is an interval between two Jobs."""
    first = Gate(cluster.cluster, "create jobs")
    with watching(cluster, interval=3, change=forks.TIMELESS) as watcher:
        first.reached()
        follows(cluster)
        for ready in ("False", "True", "False", "True"):
            cluster.kubernetes.set_ready("fra-1", ready)
        last = cluster.kubernetes.set_ready("nyc-1", "False")
        assert wait_until(lambda: any("nyc-1: not ready" in each for each in watcher.changes))
        first.open()
        second = job_number(cluster, 2)
        later = cluster.kubernetes.set_ready("nyc-1", "True")
        third = job_number(cluster, 3)
        assert wait_until(lambda: turns(watcher) == JOB_AND_INTERVAL * 3)
    assert words(second).endswith("nyc-1: not ready: Ready is False")
    assert (version_in(second), version_in(third)) == (version(last), version(later))


JOB_AND_INTERVAL = ["a Job", "slept for 3 s\n"]


def turns(watcher: Watcher) -> list[str]:
    """List the Jobs that the watcher says it has made, and the intervals of three seconds that it has waited."""
    lines = (re.sub("info: Job .* created: .*\n", "a Job", line) for line in list(watcher.said))
    return [line for line in lines if line in JOB_AND_INTERVAL]


def version(document: Json) -> int:
    """Give an object's resourceVersion as the number it is."""
    return int(document["metadata"]["resourceVersion"])


def test_the_job_is_what_kubectl_would_create_from_the_cronjob(cluster: World) -> None:
    """A Job has the spec, labels, annotations and owner that `kubectl create job --from` gives it, and the change."""
    stored = cluster.kubernetes.put(cronjob(template=TEMPLATE))
    with watching(cluster):
        job = job_number(cluster, 1)
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "sync", "uid": stored["metadata"]["uid"]}
    assert job["spec"] == stored["spec"]["jobTemplate"]["spec"]
    assert job["metadata"]["labels"] == TEMPLATE["labels"]
    assert job["metadata"]["annotations"] == {
        "example.com/team": "edge",
        "cronjob.kubernetes.io/instantiate": "manual",
        f"{PREFIX}change": STARTED,
    }
    assert job["metadata"]["ownerReferences"] == [{**owner, "controller": True}]


def test_the_job_is_named_after_the_cronjob_and_the_version_that_shows_the_change(cluster: World) -> None:
    """A Job is named after its CronJob and the resourceVersion of the node that changed.

    So two replicas make one Job, and its name shows which write of the node it answers.
    """
    cluster.kubernetes.put(cronjob(LONG))
    with watching(cluster, "--cronjob", LONG):
        job_number(cluster, 2)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        job_number(cluster, 4)
    assert sorted(names(cluster)[2:]) == [f"{LONG}-{version(changed)}", f"sync-{version(changed)}"]


def test_the_template_is_read_anew_for_each_job(cluster: World) -> None:
    """The CronJob's template is read again for each Job, which so runs the current image."""

    def upgrade(document: Json) -> None:
        document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] = "sync:2"

    with watching(cluster):
        job_number(cluster, 1)
        cluster.kubernetes.edit("CronJob", "sync", upgrade, "default", api_version="batch/v1")
        cluster.kubernetes.set_ready("fra-1", "False")
        job = job_number(cluster, 2)
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "sync:2"


def test_two_replicas_make_one_job_for_a_change(cluster: World) -> None:
    """Two replicas make one Job for a change, and neither reports an error."""
    with watching(cluster) as one, watching(cluster) as other:
        follows(cluster, 2)
        assert wait_until(lambda: settled(cluster) == 2)
        before = names(cluster)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        assert wait_until(lambda: settled(cluster) == 4)
        assert (one.errors, other.errors) == ([], [])
    assert names(cluster) == [*before, f"sync-{version(changed)}"]


def test_each_cronjob_gets_its_job(cluster: World) -> None:
    """A change makes a Job from each CronJob that is named."""
    cluster.kubernetes.put(cronjob("sync-static"))
    with watching(cluster, "--cronjob", "sync-static"):
        job_number(cluster, 2)
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        job_number(cluster, 4)
    assert sorted(names(cluster)[2:]) == [f"sync-{version(changed)}", f"sync-static-{version(changed)}"]


def test_a_cronjob_that_is_missing_does_not_hold_up_the_others(cluster: World) -> None:
    """A CronJob that is missing brings one error, and the others get their Jobs."""
    with watching(cluster, "--cronjob", "missing", interval=2) as watcher:
        job_number(cluster, 1)
        assert wait_until(lambda: answered(cluster, "get cronjobs", 404) > 1)
        cluster.kubernetes.set_ready("fra-1", "False")
        job_number(cluster, 2)
        (error,) = watcher.errors
    assert "default/missing" in error
    assert 'cronjobs.batch "missing" not found' in error


def test_a_cronjob_that_comes_late_gets_its_job(world: World) -> None:
    """A CronJob that is created after the watcher has started gets its first Job without a change."""
    with watching(world) as watcher:
        assert wait_until(lambda: answered(world, "get cronjobs", 404) > 1)
        world.kubernetes.put(cronjob())
        assert words(job_number(world, 1)) == STARTED
        assert watcher.process.poll() is None


def test_a_suspended_cronjob_gets_no_job(cluster: World) -> None:
    """A suspended CronJob gets no Job at a change, which is logged and is no error; the others get theirs."""
    cluster.kubernetes.put(cronjob("paused", suspend=True))
    with watching(cluster, "--cronjob", "paused") as watcher:
        assert wait_until(lambda: any("paused is suspended" in line for line in watcher.said))
        cluster.kubernetes.set_ready("fra-1", "False")
        job_number(cluster, 2)
        assert wait_until(lambda: sum("paused is suspended" in line for line in watcher.said) == 2)
        assert watcher.errors == []
    assert {name.rpartition("-")[0] for name in names(cluster)} == {"sync"}


def test_a_cronjob_that_goes_on_gets_the_job_of_the_next_change(cluster: World) -> None:
    """A CronJob that is resumed gets a Job at the next change, without a restart of the watcher."""
    cluster.kubernetes.put(cronjob(suspend=True))
    with watching(cluster) as watcher:
        assert wait_until(lambda: any("is suspended" in line for line in watcher.said))
        cluster.kubernetes.put(cronjob())
        changed = cluster.kubernetes.set_ready("fra-1", "False")
        assert version_in(job_number(cluster, 1)) == version(changed)


IN_THE_NAMESPACE_EDGE = """
set -eu
mount -t tmpfs tmpfs /var/run
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
printf edge > /var/run/secrets/kubernetes.io/serviceaccount/namespace
exec "$@"
"""


def test_the_namespace_is_the_pods_own(world: World) -> None:
    """Without `--namespace` the namespace is that of the pod."""
    world.kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge"}})
    document = cronjob()
    document["metadata"]["namespace"] = "edge"
    world.kubernetes.put(document)
    command = (*isolated("mount"), "sh", "-c", IN_THE_NAMESPACE_EDGE, "sh", *PROGRAM)
    with started(environment_of(world), "--cronjob", "sync", command=command):
        job_number(world, 1)
    (path,) = [call.request.path for call in world.cluster.calls if call.operation == "create jobs"]
    assert path == "/apis/batch/v1/namespaces/edge/jobs"
