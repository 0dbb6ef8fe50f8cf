"""Which nodes sync-once publishes, and what it says of the others."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.world import World
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    NYC_4,
    PLACES,
    addresses,
    answers,
    ends,
    reported,
    settled,
    sync,
    synced,
    verdict,
)

GONE = {"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"}


CANNOT_SERVE: dict[str, tuple[str | None, dict[str, Any], str]] = {
    "cordoned": (NYC_4, {"cordoned": True}, "cordoned"),
    "not-ready": (NYC_4, {"ready": "False", "message": "PLEG is not healthy"}, "PLEG is not healthy"),
    "ready-unknown": (NYC_4, {"ready": "Unknown", "message": "stopped posting"}, "stopped posting"),
    "being-scaled-down": (NYC_4, {"taints": (GONE,)}, "cluster autoscaler is about to remove it"),
    "never-looked": (None, {}, "node-ips"),
    "looked-and-found-none": ("", {}, "found none"),
    "no-list": ("5.161.40.7;5.161.40.8", {}, "5.161.40.7;5.161.40.8"),
    "only-private-addresses": ("10.0.0.1,fd00::1", {}, "globally reachable"),
    "only-translated-addresses": ("64:ff9b::102:304", {}, "globally reachable"),
}


@pytest.fixture(scope="module")
def skipped() -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Run it once for one good node and many that are not; give the document and the addresses in DNS."""
    with World() as world:
        world.node("fra-1", FRA_4)
        for name, (ips, facts, _) in CANNOT_SERVE.items():
            world.node(name, ips, **facts)
        zone = world.route53.zone("example.com")
        yield reported(world), addresses(world, zone)


@pytest.mark.parametrize("name", CANNOT_SERVE)
def test_node_that_cannot_serve_is_skipped(skipped: tuple[dict[str, Any], set[str]], name: str) -> None:
    """A node that cannot serve, or has no public address, is skipped with the reason."""
    domain, published = skipped
    found = verdict(domain, name)
    said = [found["reason"], *(each["reason"] for each in found["addresses"])]
    assert (found["published"], any(CANNOT_SERVE[name][2] in each for each in said)) == (False, True), found
    assert published == {FRA_4}


def test_equal_coordinates_share_a_record_set(world: World) -> None:
    """Nodes at equal coordinates share a record set, however those are written. Route 53 takes a place once."""
    world.node("fra-1", FRA_4, "50.1,8.68")
    world.node("fra-2", NYC_4, "50.10,8.680")
    zone = world.route53.zone("example.com")
    synced(world)
    assert answers(world, zone) == {f"A {PLACES}50.10,8.68": [NYC_4, FRA_4]}


def test_only_nodes_of_the_selector_are_published(world: World) -> None:
    """Only nodes that the selector matches are published."""
    world.node("fra-1", FRA_4)
    world.node("db-1", NYC_4, labels={"serve-public": "false"})
    zone = world.route53.zone("example.com")
    synced(world, "--node-label-selector", "serve-public=true,!role")
    assert addresses(world, zone) == {FRA_4}


def test_all_nodes_are_selected_by_default(world: World) -> None:
    """Without a selector all nodes are selected."""
    world.node("fra-1", FRA_4, labels={"serve-public": "false"})
    zone = world.route53.zone("example.com")
    synced(world)
    assert addresses(world, zone) == {FRA_4}


def test_message_of_a_node_stays_one_line(world: World) -> None:
    """A line break in a node's message begins no line of the result, and no escape character is printed."""
    world.node("fra-1", FRA_4)
    world.node("bad-1", NYC_4, ready="False", message="down\nfra-1  no  \x1b[31mcordoned")
    world.route53.zone("example.com")
    finished = synced(world, "-v")
    assert sum(line.startswith("fra-1") for line in finished.stdout.splitlines()) == 1
    assert "\x1b" not in finished.stdout + finished.stderr


def test_removed_address_comes_with_node_and_reason(world: World) -> None:
    """The report and the log name the node and the reason of an address that leaves."""
    world.node("fra-1", FRA_4)
    world.node("nyc-1", NYC_4)
    settled(world, world.route53.zone("example.com"))
    ends(world, "nyc-1")
    finished = sync(world)
    for text in (finished.stdout, finished.stderr):
        assert any(
            f"- {NYC_4}" in line and "nyc-1" in line and "Kubelet stopped posting" in line for line in text.splitlines()
        ), text
    assert DOMAIN in finished.stdout
