"""The Events that sync-once leaves about nodes: what `kubectl describe node` tells when the log is gone."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.server import Fault, FaultKind
from tests.sandbox.world import World
from tests.support import forks
from tests.support.manifests import KUBECTL
from tests.support.silent_nodes import Stopped, address, cluster, falls_silent, showing
from tests.support.sync_runs import DOMAIN, WRITE, addresses, annotate, answers, slow, sync, synced

REASON = "lease not renewed for 31 s"


@pytest.fixture
def world() -> Iterator[World]:
    """Give a world whose API server's clock stands still."""
    with Stopped() as fresh:
        yield fresh


def events(world: World) -> dict[str, dict[str, Any]]:
    """Give every Event there is, by the node it is about; there must be one at most."""
    found = [each.value for each in world.kubernetes.store if each.resource.kind == "Event"]
    by_node = {each["involvedObject"]["name"]: each for each in found}
    assert len(by_node) == len(found)
    return by_node


def messages(world: World) -> dict[str, tuple[str, str]]:
    """Give reason and message of the Event about each node."""
    return {node: (each["reason"], each["message"]) for node, each in events(world).items()}


def kubectl(world: World, *arguments: str) -> str:
    """Give what kubectl prints."""
    command = [KUBECTL, f"--kubeconfig={world.kubeconfig}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_withdrawn_node_gets_an_event(world: World) -> None:
    """A node that is withdrawn gets an Event with domain, address and reason."""
    cluster(world)
    falls_silent(world, 1)
    synced(world)
    message = f"{DOMAIN}: withdrawn {address(1)}: {REASON}"
    assert messages(world) == {"node-1": ("WithdrawnFromDNS", message)}


def test_a_published_node_gets_an_event(world: World) -> None:
    """A node that is published gets an Event with domain and address, which is not a warning."""
    cluster(world, shown=2)
    synced(world)
    assert messages(world) == {"node-2": ("PublishedToDNS", f"{DOMAIN}: published {address(2)}")}
    assert events(world)["node-2"]["type"] == "Normal"


def test_the_event_is_one_that_kubectl_finds_and_dates(world: World) -> None:
    """An Event has the node, the times and the source by which kubectl finds and dates it."""
    cluster(world)
    falls_silent(world, 1)
    synced(world)
    event = events(world)["node-1"]
    now = world.kubernetes.get("Lease", "node-1", "kube-node-lease", api_version="coordination.k8s.io/v1")
    assert event["metadata"]["namespace"] == "default"
    assert event["involvedObject"] == {"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": "node-1"}
    assert (event["type"], event["count"], event["source"]) == ("Warning", 1, {"component": "kube-node-dns"})
    assert event["firstTimestamp"] == event["lastTimestamp"] > now["metadata"]["managedFields"][0]["time"]


def test_an_event_tells_of_all_domains_and_families(world: World) -> None:
    """A node gets one Event for all domains and both families."""
    cluster(world)
    annotate(world, "node-1", "node-ips", f"{address(1)},2a01:4f8:c17:1::10")
    synced(world, "--domain", "a.example.com")
    (first,) = (message for node, (_, message) in messages(world).items() if node == "node-1")
    both = f"{address(1)} 2a01:4f8:c17:1::10"
    assert first == f"{DOMAIN}: published 2a01:4f8:c17:1::10; a.example.com: published {both}"
    assert world.cluster.operations().count("create events") == 3


def test_a_refused_withdrawal_leaves_no_event(world: World) -> None:
    """A withdrawal that `--min-nodes` refuses leaves no Event."""
    cluster(world)
    falls_silent(world, 1)
    assert sync(world, "--min-nodes", "3").returncode == 3
    assert "create events" not in world.cluster.operations()


def test_a_failed_write_leaves_no_event(world: World) -> None:
    """A write that Route 53 refuses leaves no Event."""
    cluster(world)
    falls_silent(world, 1)
    world.dns.fail(Fault("access denied", WRITE))
    assert sync(world).returncode == 2
    assert "create events" not in world.cluster.operations()


@pytest.mark.parametrize("kind", ["applied then dropped", "throttled"])
def test_a_write_whose_answer_was_lost_leaves_one_event(world: World, kind: FaultKind) -> None:
    """A write that fails once, or whose answer is lost, leaves one Event."""
    zone = cluster(world)
    falls_silent(world, 1)
    world.dns.fail(Fault(kind, WRITE, last=1))
    synced(world)
    assert answers(world, zone) == showing(0, 2)
    assert messages(world) == {"node-1": ("WithdrawnFromDNS", f"{DOMAIN}: withdrawn {address(1)}: {REASON}")}


def test_what_was_done_before_the_run_failed_is_told(world: World) -> None:
    """The change of one domain leaves its Event although another domain fails."""
    cluster(world)
    falls_silent(world, 1)
    assert sync(world, "--domain", "cdn.example.org").returncode == 2
    assert messages(world) == {"node-1": ("WithdrawnFromDNS", f"{DOMAIN}: withdrawn {address(1)}: {REASON}")}


@pytest.mark.parametrize("kind", ["access denied", "unavailable", "malformed"])
def test_an_event_that_cannot_be_written_is_no_failure(world: World, kind: FaultKind) -> None:
    """An Event that cannot be written is a warning, and no others are tried; the run succeeds."""
    zone = cluster(world, shown=1)
    world.cluster.fail(Fault(kind, "create events"))
    finished = synced(world)
    (warning,) = (line for line in finished.stderr.splitlines() if line.startswith("warning:"))
    assert "no Event about node-1" in warning
    assert world.cluster.operations().count("create events") == 1
    assert answers(world, zone) == showing(0, 1, 2)


def test_an_event_that_takes_long_is_no_failure(world: World) -> None:
    """A run whose Event takes longer than its whole time still ends with 0, and says that there is none."""
    zone = cluster(world)
    falls_silent(world, 1)
    world.cluster.fail(slow("create events", 60))
    finished = synced(world, "--timeout", "20")
    assert "no Event about node-1" in finished.stderr
    assert answers(world, zone) == showing(0, 2)


def test_a_deadline_that_comes_while_events_are_written_is_no_failure(world: World) -> None:
    """A run that has done all its work and only writes Events at its deadline ends with 0 and its result."""
    zone = cluster(world)
    falls_silent(world, 1)
    world.cluster.fail(slow("create events", 60))
    patient = "from jobs import sync_once; sync_once.EVENTS_SECONDS = 60.0"
    finished = forks.start(world, "sync-once", "--domain", DOMAIN, "--timeout", "20", change=patient).finish()
    assert finished.returncode == 0, finished.stderr
    assert "cdn.example.com · zone" in finished.stdout
    assert f"node-1: {REASON}" in finished.stdout
    assert answers(world, zone) == showing(0, 2)


def test_a_run_that_waits_is_not_done_before_it_has_waited(world: World) -> None:
    """Slow Events do not let `--wait` succeed before Route 53 is in sync."""
    cluster(world)
    falls_silent(world, 1)
    world.route53.pending_polls, world.route53.pending_seconds = 1000, 3600
    world.cluster.fail(
        Fault("slow", "list nodes", last=1, seconds=3),
        Fault("slow", "list nodes", first=2, seconds=5),
        slow("create events", 60),
    )
    finished = sync(world, "--wait", "--timeout", "15")
    assert (finished.returncode, "INSYNC" in finished.stderr) == (1, True)


def test_many_events_do_not_hold_up_a_run(world: World) -> None:
    """Slow Events of many nodes are left out after a few, and the run succeeds."""
    zone = cluster(world, 12, shown=1)
    world.cluster.fail(slow("create events", 1, last=None))
    synced(world, "--timeout", "20")
    assert 1 <= len(events(world)) <= 5
    assert addresses(world, zone) == {address(number) for number in range(12)}


def test_any_name_of_a_node_will_do(world: World) -> None:
    """A node with a name of any length and form, a dot or hyphen where it is cut, gets an Event without a warning."""
    middles = ("n" * 54, "." + "n" * 53, "-" + "n" * 53)
    names = ["a", *("n" * 199 + middle for middle in middles), "n" * 197 + ".x-" + "n" * 53]
    cluster(world, 1)
    for number, name in enumerate(names, 1):
        world.node(name, address(number))
    finished = synced(world)
    assert finished.stderr.count("warning") == 0, finished.stderr
    assert messages(world) == {
        name: ("PublishedToDNS", f"{DOMAIN}: published {address(number)}") for number, name in enumerate(names, 1)
    }


def test_a_message_of_many_addresses_is_cut(world: World) -> None:
    """The message of an Event about many addresses has at most 1024 characters."""
    cluster(world, 1)
    many = [f"2a01:4f8:c17:1234:5678:9abc:def0:{number:x}" for number in range(0x1000, 0x1008)]
    annotate(world, "node-0", "node-ips", ",".join([address(0), *many]))
    domains = [part for number in range(5) for part in ("--domain", f"{'x' * 60}{number}.example.com")]
    synced(world, *domains)
    assert 900 < len(messages(world)["node-0"][1]) <= 1024


def test_kubectl_tells_the_story(world: World) -> None:
    """`kubectl events` and `kubectl describe node` show both the withdrawal and the return of a node."""
    cluster(world)
    falls_silent(world, 1)
    synced(world)
    world.kubernetes.renew_lease("node-1")
    synced(world)
    stories = [
        ["Warning", "WithdrawnFromDNS", f"{DOMAIN}: withdrawn {address(1)}: {REASON}"],
        ["Normal", "PublishedToDNS", f"{DOMAIN}: published {address(1)}"],
    ]
    for command in (("events", "--for", "node/node-1"), ("describe", "node", "node-1")):
        lines = kubectl(world, *command).splitlines()
        assert all(any(all(word in line for word in story) for line in lines) for story in stories), lines
