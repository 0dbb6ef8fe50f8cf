"""watch against a real API server: the Jobs it makes there, two replicas, and a restart of the API server."""

import contextlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3

from tests.sandbox import controlplane
from tests.sandbox.contract.client import CRONJOBS, LEASES, READY, STRATEGIC, Api, Json
from tests.sandbox.kubernetes import kubeconfig
from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, PROGRAM
from tests.support.processes import bare_environment
from tests.support.watching import ANEW, STARTED, Watcher, cronjob, started, version_in, words

JOBS = "/apis/batch/v1/namespaces/default/jobs"


@dataclass(frozen=True)
class Cluster:
    """A CronJob and a node that can serve, on a real API server, and the Jobs made there; all bear the test's name."""

    api: Api
    kubeconfig: Path

    @property
    def name(self) -> str:
        """The name of node and CronJob, and the label that selects the node and marks the Jobs."""
        return self.api.mine

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client to the API server."""
        return bare_environment(KUBECONFIG=str(self.kubeconfig))

    def populate(self) -> None:
        """Create the CronJob and the node."""
        template = {"labels": {"test": self.name}, "annotations": {"example.com/team": "edge"}}
        answer = self.api.call("POST", CRONJOBS, cronjob(self.name, template=template))
        assert answer.status == 201, answer.json
        self.api.node(metadata={"annotations": {f"{PREFIX}node-ips": "5.75.128.10"}})
        self.set_ready("True")

    def add(self, suffix: str, address: str) -> None:
        """Create another node that can serve."""
        self.api.node(suffix, metadata={"annotations": {f"{PREFIX}node-ips": address}})
        self.set_ready("True", suffix)

    def set_ready(self, status: str, suffix: str = "") -> int:
        """Change a node's Ready condition as its kubelet does; give the version that shows it."""
        patch = {"status": {"conditions": [{**READY, "status": status}]}}
        answer = self.api.patch(self.api.path(suffix) + "/status", patch, STRATEGIC)
        assert answer.status == 200, answer.json
        return int(answer.version)

    def renew(self, suffix: str = "") -> None:
        """Renew a node's Lease as its kubelet does, or create it."""
        name, now = self.name + suffix, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        known = self.api.call("GET", f"{LEASES}/{name}")
        version = {"resourceVersion": known.version} if known.status == 200 else {}
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now}
        lease = {"metadata": {"name": name, **version}, "spec": spec}
        answer = self.api.call("PUT", f"{LEASES}/{name}", lease, query={"fieldManager": "kubelet"})
        assert answer.status in {200, 201}, answer.json

    @contextlib.contextmanager
    def renewing(self, *suffixes: str) -> Iterator[None]:
        """Keep the Leases of some nodes renewed while the context lasts."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(5):
                for suffix in suffixes:
                    self.renew(suffix)

        kubelets = threading.Thread(target=renew)
        kubelets.start()
        try:
            yield
        finally:
            ended.set()
            kubelets.join()

    def jobs(self) -> list[Json]:
        """Give the Jobs that the watchers made, oldest version first."""
        answer = self.api.call("GET", JOBS, query={"labelSelector": f"test={self.name}"})
        return sorted(answer.json["items"], key=version_in)

    def job_of(self, version: int) -> Json:
        """Wait for the Job that is named after a version."""
        assert wait_until(lambda: version in map(version_in, self.jobs()), 60), self.jobs()
        return next(job for job in self.jobs() if version_in(job) == version)

    def watching(self, *options: str) -> contextlib.AbstractContextManager[Watcher]:
        """Run a watcher."""
        selection = ("--node-label-selector", f"test={self.name}")
        common = ("--cronjob", self.name, "--namespace", "default", "--min-interval", "1", *selection)
        return started(self.environment, *common, *options)


@pytest.fixture
def cluster(real_api: Api, tmp_path: Path) -> Cluster:
    """Give the real API server, with a node and a CronJob of this test's own."""
    authority = Path(real_api.pool.connection_pool_kw["ca_certs"]).read_bytes()
    found = prepared(Api(real_api.url, real_api.pool, real_api.token, real_api.compact), authority, tmp_path)
    found.populate()
    return found


def prepared(api: Api, authority: bytes, folder: Path) -> Cluster:
    """Write the kubeconfig that leads to an API server."""
    path = folder / "kubeconfig"
    path.write_text(json.dumps(kubeconfig(api.url, api.token, authority_pem=authority)), encoding="utf-8")
    return Cluster(api, path)


def is_done(watcher: Watcher, version: int) -> bool:
    """Say whether a watcher has said that the Job of a version was created, or is there already."""
    return any(f"-{version} created" in line or f"-{version} is there already" in line for line in watcher.said)


def test_one_job_is_made_at_start_up(cluster: Cluster) -> None:
    """Makes one Job when it starts, for what happened before."""
    with cluster.watching() as watcher:
        assert wait_until(lambda: bool(cluster.jobs()), 30), watcher.said
        assert [words(job) for job in cluster.jobs()] == [STARTED]
        assert watcher.errors == []


def test_a_node_that_turns_not_ready_makes_a_job(cluster: Cluster) -> None:
    """Makes a Job, named after the version, for a node that is no longer ready."""
    with cluster.watching():
        assert wait_until(lambda: bool(cluster.jobs()), 30)
        job = cluster.job_of(cluster.set_ready("False"))
    assert words(job) == f"{cluster.name}: not ready: Ready is False"
    assert job["metadata"]["name"].startswith(f"{cluster.name}-")


def test_a_node_that_loses_its_label_makes_a_job(cluster: Cluster) -> None:
    """Makes a Job for a node that is no longer selected."""
    with cluster.watching():
        assert wait_until(lambda: bool(cluster.jobs()), 30)
        answer = cluster.api.patch(cluster.api.path(), {"metadata": {"labels": {"test": None}}})
        job = cluster.job_of(int(answer.version))
    assert words(job) == f"{cluster.name}: no longer among the selected nodes"


def test_a_deleted_node_makes_a_job(cluster: Cluster) -> None:
    """Makes a Job for a node that was deleted."""
    with cluster.watching():
        assert wait_until(lambda: bool(cluster.jobs()), 30)
        cluster.api.call("DELETE", cluster.api.path())
        assert wait_until(lambda: len(cluster.jobs()) == 2, 30)
    assert words(cluster.jobs()[1]) == f"{cluster.name}: no longer among the selected nodes"


def test_a_node_whose_lease_stops_gets_a_job_whose_pod_stays_off_it(cluster: Cluster) -> None:
    """Makes a Job in time for a node that is silent, and keeps the Job's pod off it."""
    for suffix, address in (("-1", "5.75.128.11"), ("-2", "5.75.128.12")):
        cluster.add(suffix, address)
        cluster.renew(suffix)
    with cluster.renewing("-1", "-2"), cluster.watching("--lease-timeout", "15") as watcher:
        assert wait_until(lambda: bool(cluster.jobs()), 30)
        renewed = time.monotonic()
        cluster.renew()
        assert wait_until(lambda: len(cluster.jobs()) == 2, 60), watcher.said
        assert time.monotonic() - renewed >= 14  # Leases are dated in whole seconds
        assert watcher.errors == watcher.warnings == []
    job = cluster.jobs()[1]
    assert re.fullmatch(f"{cluster.name}: lease not renewed for (1[5-9]|[2-6][0-9]) s", words(job))
    field = {"key": "metadata.name", "operator": "NotIn", "values": [cluster.name]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    assert job["spec"]["template"]["spec"]["affinity"] == affinity


def test_heartbeats_make_no_job(cluster: Cluster) -> None:
    """Makes no Job for heartbeats."""
    with cluster.watching() as watcher:
        assert wait_until(lambda: bool(cluster.jobs()), 30)
        for second in range(30):
            beat = {**READY, "lastHeartbeatTime": f"2030-01-01T00:00:{second:02}Z"}
            body = {"status": {"conditions": [beat]}}
            cluster.api.patch(cluster.api.path() + "/status", body, STRATEGIC)
        cluster.job_of(cluster.set_ready("False"))
        assert len(watcher.changes) == 2


def test_the_job_equals_the_one_that_kubectl_creates(cluster: Cluster) -> None:
    """Makes the Job that `kubectl create job --from=cronjob/...` makes: it is cleaned up like that one."""
    kubectl = [str(Path(PROGRAM[0]).with_name("kubectl")), "create", "job", f"{cluster.name}-0"]
    subprocess.run([*kubectl, f"--from=cronjob/{cluster.name}"], env=cluster.environment, check=True)
    with cluster.watching():
        assert wait_until(lambda: len(cluster.jobs()) == 2, 30)
    by_hand, made = map(comparable, cluster.jobs())
    assert made == by_hand


def comparable(job: Json) -> Json:
    """Give what a Job has from its maker: without its identity and what the API server derives from that."""
    metadata, spec = job["metadata"], dict(job["spec"])
    spec.pop("selector")
    spec["template"] = {**spec["template"], "metadata": {"labels": {"app": "sync"}}}
    annotations = {key: value for key, value in metadata["annotations"].items() if not key.startswith(PREFIX)}
    owners = metadata["ownerReferences"]
    return {"labels": metadata["labels"], "annotations": annotations, "ownerReferences": owners, "spec": spec}


def test_two_replicas_make_one_job_for_a_change(cluster: Cluster) -> None:
    """Makes one Job for a change that two replicas see, without an error in either."""
    with cluster.watching() as one, cluster.watching() as other:
        assert wait_until(lambda: any("Job " in line for line in one.said), 30)
        assert wait_until(lambda: any("Job " in line for line in other.said), 30)
        before = len(cluster.jobs())
        version = cluster.set_ready("False")
        assert wait_until(lambda: is_done(one, version) and is_done(other, version), 30), (one.said, other.said)
        assert (one.errors, other.errors) == ([], [])
    assert len(cluster.jobs()) == before + 1


def test_a_replica_that_is_killed_is_not_missed(cluster: Cluster) -> None:
    """Goes on with the other replica when one is killed."""
    with cluster.watching() as one, cluster.watching() as other:
        assert wait_until(lambda: bool(one.changes) and bool(other.changes), 30)
        one.process.kill()
        one.ends()
        cluster.job_of(cluster.set_ready("False"))
        assert other.process.poll() is None


@dataclass(frozen=True)
class Restartable:
    """etcd, and an API server on it that can be killed and started again."""

    home: Path
    command: list[str]
    plane: controlplane.ControlPlane

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Run the API server while the context lasts, then kill it: it would say goodbye for half a minute."""
        log = self.home / "kube-apiserver.log"
        with log.open("wb") as out, subprocess.Popen(self.command, stdout=out, stderr=out) as server:
            try:
                controlplane._wait_until_ready(self.plane, server, log)  # noqa: SLF001 - it offers no restart
                yield
            finally:
                server.kill()


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[Restartable]:
    """Run etcd, and prepare an API server on it."""
    binaries = controlplane.assets()
    if binaries is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    etcd_url = f"http://127.0.0.1:{controlplane._free_port()}"  # noqa: SLF001
    port = controlplane._free_port()  # noqa: SLF001
    etcd = [str(binaries / "etcd"), *controlplane._etcd_options(tmp_path, etcd_url)]  # noqa: SLF001
    with controlplane._process(tmp_path / "etcd.log", etcd):  # noqa: SLF001
        options = controlplane._server_options(tmp_path, etcd_url, port, {})  # noqa: SLF001
        plane = controlplane.ControlPlane(f"https://127.0.0.1:{port}", tmp_path / "ca.pem", etcd_url)
        yield Restartable(tmp_path, [str(binaries / "kube-apiserver"), *options], plane)


def test_an_api_server_that_is_killed_and_comes_back_loses_no_change(restartable: Restartable) -> None:
    """Makes Jobs for what happened while the API server was away, and follows the nodes again."""
    plane = restartable.plane
    with urllib3.PoolManager(ca_certs=str(plane.ca_path), retries=False, timeout=20.0) as pool:
        api = Api(plane.url, pool, plane.admin_token, plane.compact)
        cluster = prepared(api, plane.ca_path.read_bytes(), restartable.home)
        with contextlib.ExitStack() as running:
            with restartable.served():
                cluster.populate()
                watcher = running.enter_context(cluster.watching())
                assert wait_until(lambda: bool(cluster.jobs()), 30)
            assert wait_until(lambda: any("unreachable" in line for line in watcher.said), 30)
            with restartable.served():
                version = cluster.set_ready("False")
                assert wait_until(lambda: any(version_in(job) >= version for job in cluster.jobs()), 90)
                again = cluster.set_ready("True")
                assert wait_until(lambda: any(version_in(job) >= again for job in cluster.jobs()), 90)
                assert wait_until(lambda: ANEW in map(words, cluster.jobs()), 90)
                assert watcher.process.poll() is None
