"""What sync-once makes of silent nodes: by their Leases, and by what the node controller says of them."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox.kubernetes_kinds import resource_of_kind
from tests.sandbox.server import Fault, FaultKind
from tests.sandbox.world import World
from tests.support.processes import complaint
from tests.support.silent_nodes import HOUR, Stopped, address, cluster, falls_silent, showing, turns_unknown
from tests.support.sync_runs import (
    LOOK,
    NO_OP,
    answers,
    document,
    forget,
    reported,
    sync,
    synced,
    verdict,
)

REASON = "lease not renewed for 31 s"
IGNORED = "lease not renewed in time: 2 of 3 nodes"


@pytest.fixture
def world() -> Iterator[World]:
    """Give a world whose API server's clock stands still, an hour behind ours."""
    with Stopped() as fresh:
        yield fresh


def test_a_silent_node_is_withdrawn(world: World) -> None:
    """A node that has not renewed its Lease for 31 s is withdrawn; the report and the log say why.

    Kubernetes itself needs most of a minute to notice.
    """
    zone = cluster(world)
    falls_silent(world, 1)
    finished = synced(world)
    assert answers(world, zone) == showing(0, 2)
    for text in (finished.stdout, finished.stderr):
        assert any(f"- {address(1)}" in line and f"node-1: {REASON}" in line for line in text.splitlines()), text
    assert re.search(rf"^node-1 +no +{address(1)} +{REASON}$", finished.stdout, re.MULTILINE)


def test_when_most_are_silent_nothing_is_withdrawn(world: World) -> None:
    """No node is withdrawn when two of three are silent, as after an outage of the API server; a warning says so."""
    zone = cluster(world)
    falls_silent(world, 0, 1)
    finished = synced(world)
    assert (answers(world, zone), world.route53.history) == (showing(0, 1, 2), [])
    assert re.search(rf"^  warning: {IGNORED}, ", finished.stdout, re.MULTILINE)
    assert IGNORED in complaint(finished, 0)


@pytest.mark.parametrize(
    ("ahead", "left", "words"),
    [
        pytest.param(-11, {0, 1}, "more than 10 s behind the API server's", id="behind"),
        pytest.param(-9, {0, 1}, None, id="a little behind"),
        pytest.param(9, {0}, None, id="a little ahead"),
        pytest.param(11, {0}, "more than 10 s ahead of the API server's", id="ahead"),
    ],
)
def test_this_machines_clock_withdraws_nobody(ahead: float, left: set[int], words: str | None) -> None:
    """On a machine whose clock is wrong a healthy node stays.

    A clock that is ahead delays no withdrawal; one that is behind delays those by Lease. More than 10 s bring a
    warning.
    """
    with Stopped(observer=ahead) as world:
        zone = cluster(world)
        falls_silent(world, 1, 2)
        turns_unknown(world, 2, seconds=31)
        finished = synced(world)
        assert answers(world, zone) == showing(*left)
        assert ("this machine's clock is" in finished.stderr) is (words is not None)
        assert (words or "") in finished.stderr


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_the_api_servers_clock_withdraws_nobody(ahead: float) -> None:
    """A control plane whose clock is wrong takes no healthy node out and keeps no dead one in; a warning says so."""
    with Stopped(server=ahead) as world:
        zone = cluster(world)
        falls_silent(world, 1)
        finished = synced(world)
        assert answers(world, zone) == showing(0, 2)
        assert "this machine's clock is more than 10 s" in finished.stderr


@pytest.mark.parametrize(
    ("option", "seconds", "left"),
    [
        pytest.param("15", 16, {0, 2}, id="shorter"),
        pytest.param("0", 9999, {0, 1, 2}, id="off"),
    ],
)
def test_lease_timeout(world: World, option: str, seconds: float, left: set[int]) -> None:
    """`--lease-timeout` sets after how long a silent node is withdrawn; with 0 no Leases are read."""
    zone = cluster(world)
    falls_silent(world, 1, seconds=seconds)
    synced(world, "--lease-timeout", option)
    assert answers(world, zone) == showing(*left)
    assert ("list leases" in world.cluster.operations()) is (option != "0")


def test_without_the_right_to_list_leases_the_run_goes_on(world: World) -> None:
    """Without the right to list Leases, the run goes by the nodes alone.

    A warning names the missing right, which an upgrade may need, and `--lease-timeout 0`.
    """
    zone = cluster(world)
    world.kubernetes.set_ready("node-0", "False", "PLEG is not healthy")
    falls_silent(world, 1)
    world.cluster.fail(Fault("access denied", "list leases"))
    finished = synced(world)
    assert answers(world, zone) == showing(1, 2)
    (warning,) = (line for line in finished.stderr.splitlines() if line.startswith("warning:"))
    assert "--lease-timeout 0" in warning
    assert 'cannot list resource "leases"' in warning


def test_leases_that_cannot_be_read_withdraw_nothing(world: World) -> None:
    """A run that cannot read the Leases fails with status 1 and withdraws nothing."""
    zone = cluster(world)
    falls_silent(world, 1)
    world.cluster.fail(Fault("unavailable", "list leases"))
    finished = sync(world, "--timeout", "15")
    assert finished.returncode == 1
    assert "/leases: " in finished.stderr.splitlines()[-1]
    assert (answers(world, zone), world.route53.history) == (showing(0, 1, 2), [])


@pytest.mark.parametrize("kind", ["malformed", "reset"])
def test_leases_that_can_be_read_in_the_end(world: World, kind: FaultKind) -> None:
    """One failed list of Leases is repeated, and the run succeeds."""
    zone = cluster(world)
    falls_silent(world, 1)
    world.cluster.fail(Fault(kind, "list leases", last=1))
    synced(world)
    assert answers(world, zone) == showing(0, 2)


def without_managers(world: World, number: int) -> None:
    """Let a Lease have nothing that tells when its fields were changed."""
    rewrite(world, number, lambda metadata: metadata.pop("managedFields"))


def owned_by_nobody(world: World, number: int) -> None:
    """Let a Lease have managers, none of which owns its renewTime."""

    def change(metadata: dict[str, Any]) -> None:
        (entry,) = metadata["managedFields"]
        metadata["managedFields"] = [{**entry, "fieldsV1": {"f:metadata": {}, "f:spec": {"f:holderIdentity": {}}}}]

    rewrite(world, number, change)


def rewrite(world: World, number: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the metadata of a Lease behind the API server's back."""
    resource = resource_of_kind("coordination.k8s.io/v1", "Lease")
    assert resource
    stored = world.kubernetes.store.get(resource, f"kube-node-lease/node-{number}")
    assert stored
    metadata = dict(stored.value["metadata"])
    change(metadata)
    value = {**stored.value, "metadata": metadata}
    world.kubernetes.store.write(resource, stored.key, lambda _: value)


@pytest.mark.parametrize("silent_about", [without_managers, owned_by_nobody])
def test_a_lease_that_does_not_tell_is_not_looked_at(world: World, silent_about: Callable[[World, int], None]) -> None:
    """A Lease without the time of its last renewal in its managed fields neither withdraws its node nor counts."""
    zone = cluster(world)
    falls_silent(world, 0, 1)
    silent_about(world, 0)
    domain = reported(world)
    assert answers(world, zone) == showing(0, 2)
    assert domain["warnings"] == []


def test_the_newest_owner_of_the_time_counts(world: World) -> None:
    """Of several managers that own a Lease's renewTime, the newest counts."""
    zone = cluster(world)

    def also_owned(metadata: dict[str, Any]) -> None:
        (entry,) = metadata["managedFields"]
        metadata["managedFields"] = [{**entry, "manager": "other", "time": "2020-01-01T00:00:00Z"}, entry]

    rewrite(world, 1, also_owned)
    synced(world)
    assert answers(world, zone) == showing(0, 1, 2)


def test_leases_are_listed_page_by_page(world: World) -> None:
    """A silent node whose Lease stands after the first page of 500 is withdrawn."""
    zone = cluster(world)
    for number in range(600):
        world.kubernetes.renew_lease(f"aaa-{number:03d}")
    falls_silent(world, 1)
    synced(world, "--dry-run")
    assert world.cluster.operations() == [*LOOK, "list leases"]
    synced(world)
    assert answers(world, zone) == showing(0, 2)


def test_leases_are_read_after_the_nodes_as_they_are_now(world: World) -> None:
    """Leases are listed after the nodes, and not from the API server's cache.

    An older Lease makes a healthy node look dead.
    """
    cluster(world)
    synced(world)
    nodes, leases = world.cluster.calls
    assert [nodes.operation, leases.operation] == LOOK
    assert "resourceVersion" not in leases.request.query


def test_one_look_is_enough_for_all_domains(world: World) -> None:
    """Several domains share one list of nodes and Leases before the changes, and one after."""
    zone = cluster(world)
    more = ("--domain", "a.example.com", "--domain", "b.example.com")
    synced(world, *more)
    forget(world)
    falls_silent(world, 1)
    synced(world, *more)
    assert world.cluster.operations()[:4] == [*LOOK, *LOOK]
    assert "list" not in " ".join(world.cluster.operations()[4:])
    assert answers(world, zone, "b.example.com") == showing(0, 2)


def test_a_dry_run_tells_and_changes_nothing(world: World) -> None:
    """A dry run reports that a silent node would be withdrawn, and why, and writes nothing."""
    zone = cluster(world)
    falls_silent(world, 1)
    finished = synced(world, "--dry-run")
    assert f"node-1: {REASON}" in finished.stdout
    assert (answers(world, zone), world.dns.operations()) == (showing(0, 1, 2), NO_OP)
    (only,) = document(sync(world, "--dry-run", "--output", "json"))["domains"]
    assert (only["status"], verdict(only, "node-1")["reason"]) == ("would change", REASON)
