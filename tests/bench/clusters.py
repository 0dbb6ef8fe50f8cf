"""Small clusters that lose nodes: kubelets, a node controller, an ingress, and all that keeps the nodes in DNS."""

import contextlib
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, dropwhile

import urllib3

from tests.bench.network import Sites
from tests.sandbox.contract.client import CRONJOBS, LEASES, NODES, SLICES, STRATEGIC, Api, Json
from tests.sandbox.kubernetes_builders import endpoint, endpoint_slice
from tests.sandbox.route53 import Route53
from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, PROGRAM, Finished
from tests.support import forks
from tests.support.watching import cronjob

JOBS = "/apis/batch/v1/namespaces/default/jobs"
ZONE = "example.com"
RENEW_SECONDS = 10.0
GRACE_SECONDS = 50.0  # of the node controller, by default
CRON_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
ENDED = 143
"""The exit status of a watcher that is asked to end."""


@dataclass(frozen=True)
class Plane:
    """An API server with a node controller, if it has one, and how to make it unreachable."""

    name: str
    api: Callable[[], Api]
    side_by_side: int
    """How many clusters it can bear at once."""
    has_node_controller: bool
    leave: Callable[[], None]
    come_back: Callable[[], None]


class Records:
    """What Route 53 showed of each domain since when: every change at the moment it was accepted."""

    def __init__(self, route53: Route53, zone: str) -> None:
        """Follow an account."""
        self.route53, self.zone = route53, zone
        self._shown: dict[str, list[tuple[float, frozenset[str]]]] = {}
        threading.Thread(target=self._follow, daemon=True).start()

    def of(self, domain: str) -> list[tuple[float, frozenset[str]]]:
        """Give the addresses after each change of a domain, with the time."""
        return list(self._shown.get(domain, ()))

    def _follow(self) -> None:
        for number in count():
            while len(self.route53.history) <= number:
                time.sleep(0.005)
            for domain, found in self.route53.history[number].after.items():
                values = frozenset(each["Value"] for record_set in found for each in record_set["ResourceRecords"])
                self._shown.setdefault(domain.rstrip("."), []).append((time.monotonic(), values))


@dataclass
class Cluster:
    """A few nodes, all of which are in DNS at first."""

    plane: Plane
    api: Api
    sites: Sites
    records: Records
    environment: Mapping[str, str]
    addresses: Sequence[str]
    has_watcher: bool
    ended: threading.Event = field(default_factory=threading.Event)
    gone: dict[str, float] = field(default_factory=dict)
    """Addresses that may be missing from DNS, since when."""
    syncs: list[Finished] = field(default_factory=list)
    """All runs of sync-once that have ended."""
    _silent: set[int] = field(default_factory=set)
    _renewed: dict[int, float] = field(default_factory=dict)
    _next: dict[int, float] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """The domain that shows the nodes."""
        return f"{self.api.mine}.{ZONE}"

    def shown(self) -> frozenset[str]:
        """Give the addresses that DNS shows."""
        return frozenset().union(*(values for _, values in self.records.of(self.domain)[-1:]))

    # What goes wrong

    def lose_kubelet(self, number: int) -> None:
        """Let a node's Lease be renewed no more."""
        self._silent.add(number)

    def lose_ingress(self, number: int) -> None:
        """Let a node's ingress end: its port refuses, and its endpoint is not ready."""
        self.sites.refuse(self.addresses[number])
        ready = {"endpoints": self._endpoints(without=number)}
        answer = self.api.patch(f"{SLICES}/{self.api.mine}", ready)
        assert answer.status == 200, answer.json

    def excuse(self, number: int) -> float:
        """Say that a node does not serve from now on; give the time."""
        self.gone[self.addresses[number]] = time.monotonic()
        return self.gone[self.addresses[number]]

    # What keeps it going

    def sync(self, *, forked: bool = False) -> Finished:
        """Run sync-once as a Job's pod would, forked for a fraction of the price."""
        arguments = ("sync-once", "--domain", self.domain, "--node-label-selector", f"test={self.api.mine}")
        if forked:
            finished = forks.fork(arguments, self.environment).finish()
        else:
            command = [*PROGRAM, *arguments]
            finished = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        self.syncs.append(finished)
        return finished

    def synced(self, status: int) -> None:
        """Run it, and assert that it exits with a status."""
        finished = self.sync(forked=True)
        assert finished.returncode == status, f"a sync exited with {finished.returncode}: {finished.stderr[-1000:]}"

    def sync_every_minute(self) -> None:
        """Run a sync whenever the CronJob would."""
        self.ended.wait(random.uniform(0, CRON_SECONDS))  # noqa: S311 - of another minute each time
        while not self.ended.is_set():
            threading.Thread(target=self.sync, daemon=True).start()
            self.ended.wait(CRON_SECONDS)

    def run_jobs(self) -> None:
        """Run a sync for each Job that the watcher makes."""
        seen: set[str] = set()
        while not self.ended.wait(0.1):
            with (
                contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ValueError, AssertionError),
                self.api.watch(JOBS, timeoutSeconds=3600) as events,
            ):
                for event in events:
                    name = event["object"]["metadata"].get("name")
                    if event["type"] == "ADDED" and name not in seen:
                        threading.Thread(target=self.sync, kwargs={"forked": not seen}, daemon=True).start()
                        seen.add(name)

    def run_kubelets(self) -> None:
        """Renew Leases; where there is no node controller, do its part as well, and that first."""
        while not self.ended.wait(0.2):
            now = time.monotonic()
            for number, renewed in list(self._renewed.items()):  # of those that are there by now
                with contextlib.suppress(urllib3.exceptions.HTTPError, AssertionError):  # soon again
                    if not self.plane.has_node_controller and now - renewed > GRACE_SECONDS:
                        self.set_ready(number, "Unknown")
                        self._renewed[number] = float("inf")  # so it says that once
                    if number not in self._silent and now >= self._next[number]:
                        self.renew(number)

    def renew(self, number: int) -> None:
        """Renew a node's Lease as its kubelet does."""
        name, moment = f"{self.api.mine}-{number}", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": moment}
        answer = self.api.patch(f"{LEASES}/{name}", {"spec": spec}, fieldManager="kubelet")
        if answer.status == 404:
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
            answer = self.api.call("POST", LEASES, lease, query={"fieldManager": "kubelet"})
        assert answer.status in {200, 201}, answer.data
        now = time.monotonic()
        self._next[number], self._renewed[number] = now + RENEW_SECONDS, now

    def set_ready(self, number: int, status: str) -> None:
        """Give a node's Ready condition another status, as its kubelet or the node controller would."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now}
        path = self.api.path(f"-{number}") + "/status"
        answer = self.api.patch(path, {"status": {"conditions": [condition]}}, STRATEGIC)
        assert answer.status == 200, answer.json

    def populate(self) -> None:
        """Make nodes, a Service with an endpoint on each, and a CronJob."""
        self.sites.serve(self.addresses)
        for number, address in enumerate(self.addresses):
            self.api.node(f"-{number}", metadata={"annotations": {f"{PREFIX}node-ips": address}})
            self.set_ready(number, "True")
            self.renew(number)
            self._next[number] -= random.uniform(0, RENEW_SECONDS)  # noqa: S311 - kubelets do not start together
        made = self.api.call(
            "POST", SLICES, endpoint_slice("default", self.api.mine, self._endpoints(), name=self.api.mine)
        )
        assert made.status == 201, made.json
        self.api.call("POST", CRONJOBS, cronjob(self.api.mine, template={"labels": {"test": self.api.mine}}))

    def clear(self) -> None:
        """Take away what others would have to read along."""
        for number in range(len(self.addresses)):
            for path in (NODES, LEASES):
                with contextlib.suppress(urllib3.exceptions.HTTPError):
                    self.api.call("DELETE", f"{path}/{self.api.mine}-{number}")

    def _endpoints(self, without: int | None = None) -> list[Json]:
        names = [f"{self.api.mine}-{number}" for number in range(len(self.addresses))]
        return [endpoint(name, ready=number != without) for number, name in enumerate(names)]


@contextlib.contextmanager
def cluster(made: Cluster) -> Iterator[Cluster]:
    """Keep a cluster going while the context lasts, from the moment that DNS shows all of its nodes."""
    work = [made.run_kubelets, made.run_jobs if made.has_watcher else made.sync_every_minute]
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    threads[0].start()
    made.populate()
    made.synced(0)
    threads[1].start()
    common = ("--cronjob", made.api.mine, "--namespace", "default", "--node-label-selector", f"test={made.api.mine}")
    watcher = forks.fork(("watch", *common), made.environment) if made.has_watcher else None
    ended = ENDED
    try:
        assert wait_until(lambda: made.shown() == set(made.addresses), PATIENCE_SECONDS), made.shown()
        assert wait_until(lambda: len(made.syncs) > made.has_watcher, PATIENCE_SECONDS), "the watcher has made no Job"
        yield made
    finally:
        made.ended.set()
        if watcher:
            watcher.send_signal(signal.SIGTERM)
            ended = watcher.finish().returncode or 0
        threads[0].join()
        made.clear()
    assert ended == ENDED, f"the watcher had ended with {ended}"


def they_serve(
    addresses: Sequence[str], gone: Mapping[str, float], shown: Sequence[tuple[float, frozenset[str]]]
) -> None:
    """Assert that DNS, once it showed all, lacked an address only after it was gone, and showed none again that is."""
    missing: set[str] = set()
    for moment, values in dropwhile(lambda each: each[1] != set(addresses), shown):
        before, missing = missing, set(addresses) - values
        wrongly = {each for each in missing if gone.get(each, moment) >= moment}
        assert not wrongly, f"{wrongly} left DNS, but serves"
        assert before <= missing, f"{before - missing} came back, but does not serve"
