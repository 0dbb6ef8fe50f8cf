"""`python -m tests.bench.reaction`: how soon a node that fails leaves DNS, and that none leaves that serves.

Many small clusters, each with kubelets that renew their Leases every 10 s, an ingress on each node, and a sync for each
Job that `watch` makes, or every minute. Seconds are from the event to the change that Route 53 has accepted, without
the start of a pod. Prints a Markdown table: least / median / most. Ends with an error if any node left that served, or
one came back that does not. With KUBEBUILDER_ASSETS all of it is against a real API server and, if
kube-controller-manager is there too, its node controller; else against the sandbox.
"""

import argparse
import base64
import contextlib
import itertools
import json
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import urllib3

from tests.bench import network
from tests.bench.clusters import Cluster, Plane, Records, cluster, they_serve
from tests.bench.outages import AWAY, OUTAGES, WAYS, ApiServerAway, Outage, Way
from tests.bench.readme import publish, rows
from tests.sandbox.contract.client import Api
from tests.sandbox.controlplane import assets, control_plane, node_controller
from tests.sandbox.kubernetes import ADMIN_TOKEN, kubeconfig
from tests.sandbox.world import World
from tests.support.processes import bare_environment

SIDE_BY_SIDE, IN_SANDBOX = 40, 15
"""How many clusters there are at once: they mostly wait, and more would wait for a processor."""
SETTING_UP = 4


class Bench:
    """All that clusters share: an API server, a Route 53 account, and a network."""

    def __init__(
        self, plane: Plane, world: World, sites: network.Sites, home: Path, settling: tuple[float, float]
    ) -> None:
        """Make a hosted zone, and what leads the program to all of it; an outage waits for so many seconds at least."""
        self.plane, self.sites, self._settling = plane, sites, settling
        self.records = Records(world.route53, world.route53.zone("example.com"))
        authority = home / "sites.pem"
        authority.write_bytes(sites.authority_pem)
        login = home / "kubeconfig"
        api = plane.api()
        pem = Path(api.pool.connection_pool_kw["ca_certs"]).read_bytes()
        login.write_text(json.dumps(kubeconfig(api.url, api.token, authority_pem=pem)), encoding="utf-8")
        account = world.route53.environment(world.dns.url)
        self._environment = bare_environment(KUBECONFIG=str(login), SSL_CERT_FILE=str(authority), **account)
        self._numbers = itertools.count()
        self._setting_up = threading.Semaphore(SETTING_UP)
        self.failures: list[str] = []

    def play(self, outage: Outage, way: Way) -> float | None:
        """Play one outage in a cluster of its own; what must not happen is noted, and the others go on."""
        try:
            return self._play(outage, way)
        except (AssertionError, urllib3.exceptions.HTTPError, threading.BrokenBarrierError) as error:
            self.failures.append(f"FAILED: {outage.words}, {way.words}: {error or type(error).__name__}")
            return None

    def _play(self, outage: Outage, way: Way) -> float | None:
        number, api = next(self._numbers), self.plane.api()
        addresses = [f"5.75.{number // 25}.{1 + 10 * (number % 25) + each}" for each in range(outage.nodes)]
        variables = {f"KUBE_NODE_DNS_{name}": value.format(api.mine) for name, value in way.variables.items()}
        environment = {**self._environment, **variables}
        made = Cluster(self.plane, api, self.sites, self.records, environment, addresses, way.has_watcher)
        with contextlib.ExitStack() as stack:
            with self._setting_up:
                stack.enter_context(cluster(made))
            time.sleep(random.uniform(*self._settling))  # noqa: S311 - at any moment between two renewals or looks
            seconds = outage.play(made)
            they_serve(made.addresses, made.gone, self.records.of(made.domain))
        return seconds

    def table(self, outages: Sequence[Outage], ways: Sequence[Way], count: int) -> list[list[str]]:
        """Play all outages in all ways, so many times, side by side; give the rows of the table."""
        plays = [(outage, way) for outage in outages for way in ways for _ in range(count)]
        with ThreadPoolExecutor(self.plane.side_by_side) as threads:
            figures = list(threads.map(lambda each: self.play(*each), plays))
        cells = (figures[first : first + count] for first in range(0, len(figures), count))
        return [[each.words, *(cell(next(cells), each.otherwise) for _ in ways)] for each in outages]

    def away(self, ways: Sequence[Way], count: int) -> list[list[str]]:
        """Let the API server be away in so many clusters for each way at once."""
        together = ApiServerAway(len(ways) * count)
        return self.table([Outage(AWAY, together, otherwise="none leaves")], ways, count)


def cell(plays: Sequence[float | None], otherwise: str) -> str:
    """Write what a cell of the table says."""
    figures = [each for each in plays if each is not None]
    if not figures:
        return otherwise
    least_median_most = (min(figures), statistics.median(figures), max(figures))
    stay = f" ({len(plays) - len(figures)} of {len(plays)} stay)" if len(figures) < len(plays) else ""
    return " / ".join(f"{each:.1f}" for each in least_median_most) + stay


def connections(authority: Path) -> urllib3.PoolManager:
    """Make connections for all threads, which give up soon and show an API server's errors as they come."""
    return urllib3.PoolManager(retries=False, timeout=10.0, ca_certs=str(authority), maxsize=64)


@contextlib.contextmanager
def double(world: World, home: Path) -> Iterator[Plane]:
    """Serve the sandbox's API server."""
    login = json.loads(world.kubeconfig.read_text(encoding="utf-8"))
    authority = home / "authority.pem"
    authority.write_bytes(base64.b64decode(login["clusters"][0]["cluster"]["certificate-authority-data"]))
    pool = connections(authority)

    def api() -> Api:
        return Api(world.cluster.url, pool, ADMIN_TOKEN, world.kubernetes.compact)

    yield Plane("the sandbox", api, IN_SANDBOX, False, world.cluster.refuse, world.cluster.listen)  # noqa: FBT003 - see there


@contextlib.contextmanager
def real(binaries: Path) -> Iterator[Plane]:
    """Run a real control plane, whose API server hangs when it is away."""
    with control_plane(binaries) as plane, contextlib.ExitStack() as stack:
        if has_controller := (binaries / "kube-controller-manager").is_file():
            stack.enter_context(node_controller(binaries, plane))
        assert plane.server is not None
        pool = connections(plane.ca_path)

        def api() -> Api:
            return Api(plane.url, pool, plane.admin_token, plane.compact)

        name = f"kube-apiserver {api().call('GET', '/version').json['gitVersion']}"
        yield Plane(
            name + " with its node controller" * has_controller,
            api,
            SIDE_BY_SIDE,
            has_controller,
            partial(plane.server.send_signal, signal.SIGSTOP),
            partial(plane.server.send_signal, signal.SIGCONT),
        )


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reaction", description=__doc__)
    parser.add_argument(
        "--repetitions", type=int, default=5, metavar="N", help="clusters of each kind (5, in the sandbox 3)"
    )
    parser.add_argument("--quick", action="store_true", help="one cluster, in the sandbox: to try it out")
    parser.add_argument("--write", action="store_true", help="put the table into tests/README.md")
    arguments = parser.parse_args()
    network.enter("tests.bench.reaction")
    binaries = None if arguments.quick else assets()
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        world, sites = stack.enter_context(World()), stack.enter_context(network.Sites())
        plane = stack.enter_context(real(binaries) if binaries else double(world, home))
        bench = Bench(plane, world, sites, home, (0, 0) if arguments.quick else (5, 15))
        count = 1 if arguments.quick else max(1, min(arguments.repetitions, plane.side_by_side // len(WAYS)))
        ways = WAYS[1:2] if arguments.quick else WAYS
        body = bench.table(OUTAGES[-1:] if arguments.quick else OUTAGES, ways, count)[::-1]
        if not arguments.quick:
            body += bench.away(ways, count)
    head = ["seconds from … to the change", *(way.words for way in ways)]
    text = f"{rows(head, *body)}\n{count} cluster{'s' * (count > 1)} of each kind, against {plane.name}.\n"
    publish("reaction", text, write=arguments.write and not bench.failures)
    if bench.failures:
        sys.exit("\n".join(bench.failures))


if __name__ == "__main__":
    main()
