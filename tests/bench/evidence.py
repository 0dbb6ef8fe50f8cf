"""`python -m tests.bench.evidence`: how long after its last sign of life a node has left DNS, and when none may leave.

Small clusters, each with a watcher, kubelets that renew their Leases every 10 s, and a sync for each Job the watcher
makes. A time ends when Route 53 has accepted the change; what a cluster needs to start a pod is not in it. With
KUBEBUILDER_ASSETS the same against a real API server and, if kube-controller-manager is there too, with its node
controller, whose grace period is the default.
"""

import argparse
import base64
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import urllib3

from tests.bench.reaction import JOBS, logged_in, pool, say
from tests.sandbox.contract.client import CRONJOBS, LEASES, STRATEGIC, Api, Json
from tests.sandbox.controlplane import ControlPlane, assets, control_plane, node_controller
from tests.sandbox.kubernetes import ADMIN_TOKEN
from tests.sandbox.server import wait_until
from tests.sandbox.world import PREFIX, PROGRAM, World
from tests.support.processes import network
from tests.support.watching import cronjob, started

DOMAIN = "cdn.example.com"
NODES = 4
RENEW_SECONDS = 10.0
PORT = 443
PATIENCE_SECONDS = 90.0


@dataclass
class Cluster:
    """A few nodes, their kubelets, and all that keeps them in DNS."""

    api: Api
    world: World
    zone: str
    environment: dict[str, str]
    addresses: list[str]
    renewed: dict[int, float] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)
    syncing: int = 0

    def shown(self) -> set[str]:
        """Give the addresses that DNS shows."""
        records = self.world.route53.records(self.zone, DOMAIN)
        return {record["Value"] for each in records for record in each.get("ResourceRecords", ())}

    def set_ready(self, number: int, status: str) -> None:
        """Give a node's Ready condition another status, as its kubelet or the node controller would."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now}
        answer = self.api.patch(
            self.api.path(f"-{number}") + "/status", {"status": {"conditions": [condition]}}, STRATEGIC
        )
        assert answer.status == 200, answer.json

    def sync(self) -> None:
        """Run sync-once as a Job's pod would."""
        selector = f"test={self.api.mine}"
        command = [*PROGRAM, "sync-once", "--domain", DOMAIN, "--node-label-selector", selector]
        subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def sync_now_and_then(self, times: int) -> None:
        """Run a sync every two seconds, so many times."""
        for _ in range(times):
            self.sync()
            time.sleep(2)

    def renew(self, number: int) -> None:
        """Renew a node's Lease as its kubelet does."""
        name, now = f"{self.api.mine}-{number}", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
        self.renewed[number] = time.monotonic()
        if self.api.patch(f"{LEASES}/{name}", {"spec": spec}, fieldManager="kubelet").status == 404:
            made = self.api.call("POST", LEASES, lease, query={"fieldManager": "kubelet"})
            assert made.status == 201, made.json

    def kubelet(self, number: int) -> None:
        """Renew a node's Lease until it falls silent."""
        time.sleep(random.uniform(0, RENEW_SECONDS))  # noqa: S311 - kubelets do not start together
        while not self.ended.is_set() and number not in self.silent:
            self.renew(number)
            self.ended.wait(RENEW_SECONDS)

    def run_jobs(self, events: Iterator[Json]) -> None:
        """Run a sync for each Job that appears."""
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ValueError):
            for event in events:
                if event["type"] == "ADDED":
                    self.syncing += 1
                    threading.Thread(target=self._run_job, daemon=True).start()

    def _run_job(self) -> None:
        self.sync()
        self.syncing -= 1


@contextlib.contextmanager
def cluster(api: Api, options: Sequence[str], number: int) -> Iterator[Cluster]:
    """Make a cluster whose nodes are all in DNS; `options` go to the watcher and, as variables, to the syncs."""
    api.call("POST", CRONJOBS, cronjob(api.mine, template={"labels": {"test": api.mine}}))
    with World() as world, logged_in(api) as login, contextlib.ExitStack() as stack:
        variables = {f"KUBE_NODE_DNS_{name}": value for name, value in (each.split("=") for each in options)}
        environment = {**login, **world.route53.environment(world.dns.url), **variables}
        addresses = [f"5.75.{number}.{1 + each}" for each in range(NODES)]
        made = Cluster(api, world, world.route53.zone("example.com"), environment, addresses)
        stack.callback(made.ended.set)
        for each, address in enumerate(addresses):
            api.node(f"-{each}", metadata={"annotations": {f"{PREFIX}node-ips": address}})
            made.set_ready(each, "True")
            made.renew(each)
            threading.Thread(target=made.kubelet, args=(each,), daemon=True).start()
        jobs = stack.enter_context(api.watch(JOBS, timeoutSeconds=3600))
        threading.Thread(target=made.run_jobs, args=(jobs,), daemon=True).start()
        common = ("--cronjob", api.mine, "--namespace", "default", "--node-label-selector", f"test={api.mine}")
        stack.enter_context(started(environment, *common))
        assert wait_until(lambda: made.shown() == set(addresses), PATIENCE_SECONDS), made.shown()
        time.sleep(RENEW_SECONDS)  # every kubelet has renewed once by itself
        yield made


def out_after(made: Cluster, since: float, address: str) -> float:
    """Wait until an address has left DNS, and no other; give the seconds since a moment."""
    left = wait_until(lambda: address not in made.shown(), PATIENCE_SECONDS)
    seconds = time.monotonic() - since
    assert left, "the node is in DNS still"
    assert made.shown() == set(made.addresses) - {address}
    return seconds


def lease_stops(made: Cluster) -> float:
    """Let a node lose its power at a random moment; give the seconds from its last renewal to its leaving DNS."""
    time.sleep(random.uniform(0, RENEW_SECONDS))  # noqa: S311 - no secret
    made.silent.add(0)
    return out_after(made, made.renewed[0], made.addresses[0])


def all_leases_stop(made: Cluster) -> float:
    """Let no Lease be renewed for 45 s, as when the observer's view is wrong; give how many addresses left DNS."""
    made.silent |= set(range(NODES))
    return most_missing(made, 45)


def most_turn_unknown(made: Cluster) -> float:
    """Let all nodes but one turn Unknown for 15 s together, with a sync every 2 s; give how many left DNS."""
    for number in range(1, NODES):
        made.set_ready(number, "Unknown")
    threading.Thread(target=made.sync_now_and_then, args=(6,), daemon=True).start()
    missing = most_missing(made, 15)
    for number in range(1, NODES):
        made.set_ready(number, "True")
    return max(missing, most_missing(made, 10))


def most_missing(made: Cluster, seconds: float) -> float:
    """Watch DNS for a while; give the most addresses that were missing at once."""
    missing = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        missing = max(missing, len(set(made.addresses) - made.shown()))
        time.sleep(0.05)
    return missing


class Ports:
    """A listener on each node's address, until one falls silent: then packets to it are dropped."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Listen; a queue that nobody empties is full after one connection."""
        self._silent: set[str] = set()
        self._sockets = {address: socket.create_server((address, PORT), backlog=0) for address in addresses}
        self._last: list[socket.socket] = []
        for address in addresses:
            threading.Thread(target=self._serve, args=(address,), daemon=True).start()

    def _serve(self, address: str) -> None:
        listener = self._sockets[address]
        listener.settimeout(0.05)
        while address not in self._silent:
            with contextlib.suppress(TimeoutError):
                listener.accept()[0].close()
        for _ in range(4):  # fill the queue
            filler = socket.socket()
            filler.setblocking(False)  # noqa: FBT003 - its name says it
            filler.connect_ex((address, PORT))
            self._last.append(filler)

    def silence(self, address: str) -> None:
        """Answer no more."""
        self._silent.add(address)


def port_stops(made: Cluster) -> float:
    """Let a node's uplink be cut at a random moment; give the seconds from there to its leaving DNS."""
    ports = Ports(made.addresses)
    time.sleep(random.uniform(8, 13))  # noqa: S311 - the watcher has seen all of them answer
    assert made.shown() == set(made.addresses)
    begun = time.monotonic()
    ports.silence(made.addresses[0])
    return out_after(made, begun, made.addresses[0])


Scenario = Callable[[Cluster], float]
SCENARIOS: dict[str, tuple[Scenario, tuple[str, ...], str]] = {
    "a node's Lease stops, default options": (lease_stops, (), "s"),
    "all Leases stop at once": (all_leases_stop, (), "withdrawn"),
    "three of four nodes Unknown for 15 s": (most_turn_unknown, (), "withdrawn"),
}
PROBED: dict[str, tuple[Scenario, tuple[str, ...], str]] = {
    "a node's address falls silent, `--probe tcp:443`": (port_stops, (f"PROBE=tcp:{PORT}",), "s"),
}


def measured(
    make: Callable[[], Api], title: str, scenario: Scenario, options: tuple[str, ...], count: int
) -> list[float]:
    """Run a scenario in so many clusters side by side."""
    offset = 1 + 40 * list({**SCENARIOS, **PROBED}).index(title)

    def once(number: int) -> float:
        with cluster(make(), options, offset + number) as made:
            return scenario(made)

    with ThreadPoolExecutor(count) as workers:
        return list(workers.map(once, range(count)))


def row(server: str, title: str, unit: str, figures: Sequence[float]) -> str:
    """Write a row of the table."""
    shown = [
        f"{each:.1f}" if unit == "s" else f"{each:.0f}"
        for each in (min(figures), statistics.median(figures), max(figures))
    ]
    return f"| {title} | {server} | {len(figures)} | {' | '.join(shown)} | {unit} |"


def double(world: World) -> Callable[[], Api]:
    """Give what makes a client of a sandbox's API server."""
    config = json.loads(world.kubeconfig.read_text(encoding="utf-8"))
    authority = world.home / "authority.pem"
    authority.write_bytes(base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]))
    connections = pool(str(authority))
    return lambda: Api(world.cluster.url, connections, ADMIN_TOKEN, world.kubernetes.compact)


def real(plane: ControlPlane) -> Callable[[], Api]:
    """Give what makes a client of a real API server."""
    connections = pool(str(plane.ca_path))
    return lambda: Api(plane.url, connections, plane.admin_token, plane.compact)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.evidence", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7, help="how many clusters of each kind (7)")
    parser.add_argument("--probes-only", action="store_true", help=argparse.SUPPRESS)  # inside a network of its own
    arguments = parser.parse_args()
    count = max(1, arguments.repetitions)
    if arguments.probes_only:
        measure("sandbox", PROBED, count)
        return
    say("| what happens | API server | clusters | least | median | most | |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    measure("sandbox", SCENARIOS, count)
    probe_inside(count)
    binaries = assets()
    if binaries is not None:
        with contextlib.ExitStack() as stack:
            plane = stack.enter_context(control_plane(binaries))
            name = "kube-apiserver"
            if (binaries / "kube-controller-manager").is_file():
                stack.enter_context(node_controller(binaries, plane))
                name += " and node controller"
            for title, (scenario, options, unit) in SCENARIOS.items():
                say(row(name, title, unit, measured(real(plane), title, scenario, options, count)))


def measure(server: str, scenarios: dict[str, tuple[Scenario, tuple[str, ...], str]], count: int) -> None:
    """Measure scenarios against the sandbox."""
    with World() as world:
        for title, (scenario, options, unit) in scenarios.items():
            say(row(server, title, unit, measured(double(world), title, scenario, options, count)))


def probe_inside(count: int) -> None:
    """Measure probes in a network of its own, where the nodes' addresses belong to loopback."""
    inside = network("ip address add local 5.75.0.0/16 dev lo")
    command = [*inside, sys.executable, "-m", "tests.bench.evidence", "--probes-only", f"--repetitions={count}"]
    subprocess.run(command, env=dict(os.environ), check=True)


if __name__ == "__main__":
    main()
