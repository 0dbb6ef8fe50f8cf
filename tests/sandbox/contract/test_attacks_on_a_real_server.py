"""What a stolen token can do where cron/ is installed: real admission, real authorizers, Node among them."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox.contract.client import LEASES, MERGE, NODES, READY, STRATEGIC, Answer, Json
from tests.sandbox.contract.installed import OTHER, OWN, Installed, kubelet_token
from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX
from tests.support.attacks import ATTACKS, WITHDRAWN, Change, changed, in_container, made_by_watch
from tests.support.manifests import NAMESPACE, job_spec, service_account

CRONJOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
INTERNAL = {"type": "InternalIP", "address": "10.0.0.1"}
DRY = {"dryRun": "All"}


@pytest.fixture(scope="module")
def cluster(cluster_with_cron: Installed) -> Iterator[Installed]:
    """Give the control plane, with a CronJob that the Role of watch does not name, and a Secret."""
    sync = cluster_with_cron.api.call("GET", f"{CRONJOBS}/sync").json
    other = {"metadata": {"name": "other"}, "spec": sync["spec"]}
    assert cluster_with_cron.api.call("POST", CRONJOBS, other).status == 201
    secret = {"metadata": {"name": "aws-credentials"}, "stringData": {"AWS_SECRET_ACCESS_KEY": "secret"}}
    assert cluster_with_cron.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", secret).status == 201
    yield cluster_with_cron
    assert cluster_with_cron.api.call("DELETE", f"{CRONJOBS}/other").status == 200
    cluster_with_cron.reset()


def _cronjob(cluster: Installed, name: str = "sync") -> Json:
    return cluster.api.call("GET", f"{CRONJOBS}/{name}").json


def _created(cluster: Installed, token: str, job: Json) -> Answer:
    return cluster.api.call("POST", JOBS, job, token=token, query=DRY)


@pytest.fixture(scope="module")
def watch(cluster: Installed) -> str:
    """Give a token of watch, once the policy has come into force."""
    token = cluster.token("watch")
    evil = changed(made_by_watch(_cronjob(cluster)), in_container(image="registry.example.com/evil"))
    assert wait_until(lambda: _created(cluster, token, evil).status == 422, 60)
    return token


@pytest.mark.parametrize("withdrawn", WITHDRAWN)
def test_watch_may_make_its_jobs(cluster: Installed, watch: str, withdrawn: tuple[str, ...]) -> None:
    """Creates every Job that watch makes, with and without nodes to stay off."""
    answer = _created(cluster, watch, made_by_watch(_cronjob(cluster), withdrawn))
    assert answer.status == 201, answer.json


@pytest.mark.parametrize(("change", "message"), ATTACKS)
def test_watch_may_make_no_other_job(cluster: Installed, watch: str, change: Change, message: str) -> None:
    """Refuses every other Job: whoever has the token of watch gets neither the host nor the credentials."""
    answer = _created(cluster, watch, changed(made_by_watch(_cronjob(cluster)), change))
    assert answer.status == 422, answer.json
    assert message in answer.message


def test_several_cronjobs_need_no_other_policy(cluster: Installed, watch: str) -> None:
    """Creates Jobs of two CronJobs by one policy, each by its own template only."""
    cluster.apply("two domains")
    first, second = _cronjob(cluster), _cronjob(cluster, "sync-eu")
    own = made_by_watch(second)
    assert wait_until(lambda: _created(cluster, watch, own).status == 201, 60), _created(cluster, watch, own).json
    mixed = _created(cluster, watch, changed(made_by_watch(first), lambda job: job.update(spec=job_spec(second))))
    cluster.reset()
    assert mixed.status == 422
    assert cluster.api.call("DELETE", f"{CRONJOBS}/sync-eu").status == 200


def test_a_template_without_labels_makes_jobs_too(cluster: Installed, watch: str) -> None:
    """Creates the Job of a template that names no labels: the API server gives it those of its pods."""
    bare = {"spec": {"jobTemplate": {"metadata": {"labels": None}}}}
    assert cluster.api.call("PATCH", f"{CRONJOBS}/sync", bare, content_type=MERGE).status == 200
    job = made_by_watch(_cronjob(cluster))
    made = wait_until(lambda: _created(cluster, watch, job).status == 201, 60)
    answer = _created(cluster, watch, job)
    cluster.reset()
    assert made, answer.json


def test_others_may_create_any_job(cluster: Installed, watch: str) -> None:
    """Leaves Jobs made by hand, and those of the CronJob controller, alone."""
    assert watch
    job = changed(made_by_watch(_cronjob(cluster)), in_container(args=["sync-once", "--dry-run"]))
    assert _created(cluster, cluster.plane.admin_token, job).status == 201


def test_a_namespace_without_a_cronjob_is_left_alone(cluster: Installed, watch: str) -> None:
    """Lets others create Jobs where the policy finds no CronJob to compare with."""
    assert watch
    job = made_by_watch(_cronjob(cluster))
    del job["metadata"]["ownerReferences"]
    answer = cluster.api.call("POST", "/apis/batch/v1/namespaces/default/jobs", job, query=DRY)
    assert answer.status == 201, answer.json


def test_annotate_gets_nowhere_through_the_status(cluster: Installed) -> None:
    """Refuses annotate's token to change its node through `nodes/status`."""
    token = cluster.token("annotate", cluster.pod("annotate", OWN))
    change = {"metadata": {"annotations": {f"{PREFIX}node-ips": "203.0.113.66"}}}
    answer = cluster.api.call("PATCH", f"{NODES}/{OWN}/status", change, token=token, content_type=MERGE)
    assert answer.status == 403


def test_a_kubelet_gets_what_runs_on_its_node(cluster: Installed) -> None:
    """Gives a kubelet the credentials of sync, and the tokens, where their pods run, and nowhere else.

    Hence sync and watch prefer nodes that are not public.
    """
    pods = {component: cluster.pod(component, OWN) for component in ("sync", "watch")}
    secret = f"/api/v1/namespaces/{NAMESPACE}/secrets/aws-credentials"

    def may_read(node: str) -> bool:
        return cluster.api.call("GET", secret, token=kubelet_token(node)).status == 200

    assert wait_until(lambda: may_read(OWN), 60)
    assert not may_read(OTHER)
    namespace, name = service_account("watch")
    metadata = pods["watch"]["metadata"]
    reference = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
    body = {"spec": {"expirationSeconds": 3600, "boundObjectRef": reference}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    statuses = [cluster.api.call("POST", path, body, token=kubelet_token(node)).status for node in (OWN, OTHER)]
    assert statuses == [201, 403]


def _annotations(**values: str | None) -> Json:
    return {"metadata": {"annotations": {PREFIX + key.replace("_", "-"): value for key, value in values.items()}}}


def _labels(**values: str | None) -> Json:
    return {"metadata": {"labels": {key.replace("_", "-"): value for key, value in values.items()}}}


@pytest.fixture(scope="module")
def kubelet(cluster: Installed) -> Callable[..., Answer]:
    """Give requests by a node's kubelet, once the optional component has come into force."""
    cluster.apply("kubelets")
    tries = itertools.count()

    def patched(change: Json, below: str = "", kind: str = MERGE, **query: str) -> Answer:
        path = f"{NODES}/{OWN}{below}"
        return cluster.api.call("PATCH", path, change, token=kubelet_token(OWN), content_type=kind, query=query)

    def is_refused() -> bool:
        return patched(_annotations(probe=str(next(tries)))).status == 422

    assert wait_until(is_refused, 60)
    return patched


@pytest.mark.parametrize("below", ["", "/status"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_annotations(public_ips="203.0.113.66"), id="public-ips"),
        pytest.param(_annotations(node_ips="203.0.113.66"), id="node-ips"),
        pytest.param(_annotations(aws_geoproximity_coordinates=None), id="no coordinates"),
        pytest.param(_labels(serve_public="no"), id="another label"),
        pytest.param(_labels(serve_public=None), id="no label"),
    ],
)
def test_a_kubelet_does_not_decide_what_is_published(kubelet: Callable[..., Answer], change: Json, below: str) -> None:
    """Refuses a kubelet what would publish or hide a node, through its status too."""
    answer = kubelet(change, below)
    assert answer.status == 422
    assert "a kubelet may not change" in answer.message


@pytest.mark.usefixtures("kubelet")
def test_a_kubelet_does_not_register_as_public(cluster: Installed) -> None:
    """Refuses a new node that says itself that it is public, and takes it without the label."""
    statuses = []
    assert cluster.api.call("DELETE", f"{NODES}/{OTHER}").status == 200
    for labels in ({"serve-public": "true"}, {"zone": "a"}):
        body: Json = {"metadata": {"name": OTHER, "labels": labels}}
        statuses.append(cluster.api.call("POST", NODES, body, token=kubelet_token(OTHER)).status)
    assert cluster.api.patch(f"{NODES}/{OTHER}", _labels(serve_public="true")).status == 200
    assert statuses == [422, 201]


@pytest.mark.parametrize(
    ("change", "below", "kind"),
    [
        pytest.param({"status": {"conditions": [{**READY, "status": "True"}]}}, "/status", STRATEGIC, id="status"),
        pytest.param(
            {"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}},
            "/status",
            STRATEGIC,
            id="address",
        ),
        pytest.param({"metadata": {"annotations": {"volumes.example.com/x": "y"}}}, "", MERGE, id="annotation"),
        pytest.param(_labels(zone="a"), "", MERGE, id="label"),
    ],
)
def test_a_kubelet_may_do_its_work(kubelet: Callable[..., Answer], change: Json, below: str, kind: str) -> None:
    """Takes what kubelets send: heartbeats, addresses, and labels and annotations of others."""
    answer = kubelet(change, below, kind)
    assert answer.status == 200, answer.json


@pytest.mark.usefixtures("kubelet")
def test_a_kubelet_may_renew_its_lease(cluster: Installed) -> None:
    """Takes a kubelet's Lease."""
    lease: dict[str, Any] = {"metadata": {"name": OWN}, "spec": {"holderIdentity": OWN, "leaseDurationSeconds": 40}}
    answer = cluster.api.call("POST", LEASES, lease, token=kubelet_token(OWN), query=DRY)
    assert answer.status == 201, answer.json
