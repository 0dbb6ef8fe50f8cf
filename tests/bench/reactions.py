"""How soon a failed node leaves DNS: by the watcher's Job and a sync for it, and by the alternatives."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.bench import evidence, reaction
from tests.bench.evidence import Cluster, cluster, out_after
from tests.bench.figures import Measure
from tests.bench.programs import EAGER_SECONDS, OURS, VARIABLES, Program
from tests.bench.residents import staying
from tests.bench.scenes import Scene, Size, address_of, name_of
from tests.sandbox.contract.client import Api
from tests.sandbox.controlplane import assets, control_plane
from tests.sandbox.server import wait_until
from tests.sandbox.world import World
from tests.support.builders import evidence_settings

Make = Callable[[], Api]
JOB, ACCEPTED = "node patched NotReady → Job created", "node patched NotReady → change accepted"
LEASE = "Lease stops → change accepted"
LEFT, CORDONED = "node patched NotReady → left DNS", "node cordoned → left DNS"
NUMBER = 200
"""Of the cluster among those that `evidence` makes: it gives the nodes' addresses."""
WAIT_SECONDS = 20.0


def reactions(chosen: Sequence[Program], jobs: int, changes: int, clusters: int) -> Iterator[Measure]:
    """Measure so many times of each kind, against the sandbox and, where there is one, a real API server.

    Where most of a time is spent waiting, things go on side by side: Leases of all clusters, and the alternatives.
    """
    with ExitStack() as stack:
        servers = {"sandbox": evidence.double(stack.enter_context(World()))}
        binaries = assets()
        if binaries is not None:
            servers["kube-apiserver"] = evidence.real(stack.enter_context(control_plane(binaries)))
        for server, make in servers.items():
            by = f"{OURS}, {server}"
            yield Measure(JOB, by, "s", tuple(reaction.reactions(make(), jobs)))
            with cluster(make(), ("MIN_INTERVAL=1",), NUMBER) as made:
                yield Measure(
                    ACCEPTED, by, "s", tuple(_not_ready(made) for _ in range(changes)), "without a pod's start"
                )
        with ThreadPoolExecutor() as threads:
            silent = {server: threads.submit(_lease_stops, make, clusters) for server, make in servers.items()}
            others = threads.submit(lambda: list(_alternatives(chosen)))
        for server, figures in silent.items():
            remark = f"from its last renewal; `--lease-timeout` is {evidence_settings().lease_timeout_seconds} s"
            yield Measure(LEASE, f"{OURS}, {server}", "s", figures.result(), remark)
        if binaries is None:
            remark = "not measured: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver"
            yield Measure(f"{JOB}, and the others", f"{OURS}, kube-apiserver", "s", (), remark)
        yield from others.result()


def _lease_stops(make: Make, clusters: int) -> tuple[float, ...]:
    (title,) = [title for title, (scenario, _, _) in evidence.SCENARIOS.items() if scenario is evidence.lease_stops]
    return tuple(evidence.measured(make, title, evidence.lease_stops, (), clusters))


def _not_ready(made: Cluster) -> float:
    """Turn a node NotReady; give the seconds until it has left DNS, and let it come back.

    No sync may be under way: it would see the node on its second look, before one could start for it.
    """
    time.sleep(reaction.QUIET_SECONDS)
    assert wait_until(lambda: made.syncing == 0, evidence.PATIENCE_SECONDS)
    since = time.monotonic()
    made.set_ready(0, "False")
    seconds = out_after(made, since, made.addresses[0])
    made.set_ready(0, "True")
    assert wait_until(lambda: made.shown() == set(made.addresses), evidence.PATIENCE_SECONDS), made.shown()
    return seconds


def _alternatives(chosen: Sequence[Program]) -> Iterator[Measure]:
    """Measure how soon a node leaves DNS with an alternative that stays, at its shortest interval."""
    given = {program.name: program for program in chosen}
    for name, variable in VARIABLES.items():
        if (program := given.get(name)) is None:
            yield Measure(LEFT, name, "s", (), f"not given ({variable} names no binary)")
        else:
            yield from _left(program)


def _left(program: Program) -> Iterator[Measure]:
    command = program.eager or program.stays
    assert command is not None
    with Scene(Size(nodes=4)) as scene, staying(scene, program, command):
        account = scene.account(program.name)
        if not wait_until(lambda: len(account.shown()[0]) == scene.size.nodes, WAIT_SECONDS):
            yield Measure(LEFT, program.name, "s", (), "it did not publish the nodes")
            return
        fails: dict[str, Callable[[], object]] = {
            LEFT: lambda: scene.kubernetes.set_ready(name_of(0), "False"),
            CORDONED: lambda: scene.cordon(cordoned=True),
        }
        often = f"looking every {EAGER_SECONDS:.0f} s" if program.eager else "told of each change"
        for what, fail in fails.items():
            time.sleep(reaction.QUIET_SECONDS)
            since = time.monotonic()
            fail()
            if wait_until(lambda: address_of(0) not in account.shown()[0], WAIT_SECONDS):
                yield Measure(what, program.name, "s", (time.monotonic() - since,), often)
            else:
                yield Measure(what, program.name, "s", (), f"stays for {WAIT_SECONDS:.0f} s and more, {often}")
