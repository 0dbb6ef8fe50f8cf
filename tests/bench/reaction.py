"""`python -m tests.bench.reaction`: how long after a node turned NotReady its sync Job is there.

A time begins just before the node's Ready condition is patched to False and ends when a watcher of Jobs learns of the
new one; it does not include the start of the Job's pod. Each time is of another node, in a quiet second. With
KUBEBUILDER_ASSETS a real API server is measured too.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import urllib3

from tests.sandbox.contract.client import CRONJOBS, READY, STRATEGIC, Api, Json
from tests.sandbox.controlplane import assets, control_plane
from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes, kubeconfig
from tests.sandbox.server import Server
from tests.sandbox.world import PREFIX
from tests.support.processes import bare_environment
from tests.support.watching import cronjob, started

JOBS = "/apis/batch/v1/namespaces/default/jobs"
QUIET_SECONDS = 1.2  # longer than the watcher's shortest --min-interval: each change is the first after a while


def main() -> None:
    """Measure each API server there is and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reaction", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=50, help="how many times are taken of each server (50)")
    repetitions = max(2, parser.parse_args().repetitions)
    say("| API server | times | fastest | median | 95 % | slowest |")
    say("| --- | --- | --- | --- | --- | --- |")
    with double() as api:
        say(row("sandbox", reactions(api, repetitions)))
    binaries = assets()
    if binaries is not None:
        with real(binaries) as api:
            say(row("kube-apiserver and etcd", reactions(api, repetitions)))


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def row(name: str, seconds: Sequence[float]) -> str:
    """Write a row of the table, in milliseconds."""
    figures = (min(seconds), statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1], max(seconds))
    return f"| {name} | {len(seconds)} | " + " | ".join(f"{1000 * each:.0f} ms" for each in figures) + " |"


@contextmanager
def double() -> Iterator[Api]:
    """Serve the sandbox's API server."""
    kubernetes = Kubernetes()
    with Server(kubernetes) as server, pool() as connections:
        yield Api(server.url, connections, ADMIN_TOKEN, kubernetes.compact)


@contextmanager
def real(binaries: Path) -> Iterator[Api]:
    """Run a real control plane."""
    with control_plane(binaries) as plane, pool(str(plane.ca_path)) as connections:
        yield Api(plane.url, connections, plane.admin_token, plane.compact)


def pool(authority: str | None = None) -> urllib3.PoolManager:
    """Make connections that show an API server's errors as they come."""
    return urllib3.PoolManager(retries=False, timeout=60.0, ca_certs=authority)


def reactions(api: Api, repetitions: int) -> list[float]:
    """Turn one node after the other NotReady; give the seconds until each one's Job was there."""
    api.call("POST", CRONJOBS, cronjob(api.mine, template={"labels": {"test": api.mine}}))
    nodes = [f"-{number}" for number in range(repetitions)]
    for number, node in enumerate(nodes):
        api.node(node, metadata={"annotations": {f"{PREFIX}node-ips": f"5.75.{number // 250}.{number % 250}"}})
        set_ready(api, node, "True")
    options = ("--cronjob", api.mine, "--namespace", "default", "--min-interval", "1")
    with api.watch(JOBS, timeoutSeconds=3600) as events, logged_in(api) as login, started(login, *options):
        next(events)
        return [reaction(api, node, events) for node in nodes]


def reaction(api: Api, node: str, events: Iterator[Json]) -> float:
    """Measure one node."""
    time.sleep(QUIET_SECONDS)
    begun = time.perf_counter()
    suffix = "-" + set_ready(api, node, "False")
    while not next(events)["object"]["metadata"]["name"].endswith(suffix):
        pass
    return time.perf_counter() - begun


def set_ready(api: Api, node: str, status: str) -> str:
    """Patch a node's Ready condition; give the version that shows it."""
    body = {"status": {"conditions": [{**READY, "status": status}]}}
    return api.patch(api.path(node) + "/status", body, STRATEGIC).version


@contextmanager
def logged_in(api: Api) -> Iterator[dict[str, str]]:
    """Give the environment that leads the watcher to an API server."""
    authority = api.pool.connection_pool_kw.get("ca_certs")
    pem = Path(authority).read_bytes() if authority else b""
    with tempfile.TemporaryDirectory(prefix="kube-node-dns-") as folder:
        path = Path(folder) / "kubeconfig"
        path.write_text(json.dumps(kubeconfig(api.url, api.token, authority_pem=pem)), encoding="utf-8")
        yield bare_environment(KUBECONFIG=str(path))


if __name__ == "__main__":
    main()
