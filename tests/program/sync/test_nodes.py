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
    annotate,
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


def test_wrong_coordinates_are_a_warning(world: World) -> None:
    """A node with wrong coordinates is published without a place, in simple routing; a warning says what is wrong."""
    world.node("fra-1", FRA_4, "50.11,8.68")
    world.node("nyc-1", NYC_4, "90.001,8.68")
    zone = world.route53.zone("example.com")
    domain = reported(world)
    found = verdict(domain, "nyc-1")
    assert (found["published"], found["coordinates"]) == (True, None)
    (warning,) = (each for each in domain["warnings"] if each.startswith("nyc-1 has no place: "))
    assert "latitude '90.001' is not between -90 and 90" in warning
    assert answers(world, zone) == {"A simple": [NYC_4, FRA_4]}


def test_coordinates_are_written_with_two_decimals(world: World) -> None:
    """Coordinates are written with two decimals, as Route 53 takes them."""
    written = {
        "50.125,-0.135": "50.12,-0.14",
        "50,8.5": "50.00,8.50",
        "-0.001,-0.00": "0.00,0.00",
        "-90,180": "-90.00,180.00",
    }
    for number, place in enumerate(written):
        world.node(f"node-{number}", f"5.75.128.{number}", place)
    zone = world.route53.zone("example.com")
    synced(world)
    assert answers(world, zone) == {
        f"A {PLACES}{place}": [f"5.75.128.{number}"] for number, place in enumerate(written.values())
    }


def test_equal_coordinates_share_a_record_set(world: World) -> None:
    """Nodes at equal coordinates share a record set, however those are written. Route 53 takes a place once."""
    world.node("fra-1", FRA_4, "50.1,8.68")
    world.node("fra-2", NYC_4, "50.10,8.680")
    zone = world.route53.zone("example.com")
    synced(world)
    assert answers(world, zone) == {f"A {PLACES}50.10,8.68": [NYC_4, FRA_4]}


def test_node_without_ready_condition_is_not_ready(world: World) -> None:
    """A node without a Ready condition is not ready."""
    world.node("fra-1", FRA_4)
    world.node("new-1", NYC_4)
    zone = world.route53.zone("example.com")
    world.kubernetes.edit("Node", "new-1", lambda node: node["status"].update(conditions=[]))
    assert "not ready" in verdict(reported(world), "new-1")["reason"]
    assert addresses(world, zone) == {FRA_4}


def test_node_being_deleted_is_skipped(world: World) -> None:
    """A node that is being deleted is skipped with that reason."""
    world.node("fra-1", FRA_4)
    world.node("old-1", NYC_4)
    zone = world.route53.zone("example.com")
    leaving = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    world.kubernetes.edit("Node", "old-1", lambda node: node["metadata"].update(leaving))
    assert "being deleted" in verdict(reported(world), "old-1")["reason"]
    assert addresses(world, zone) == {FRA_4}


def test_rebooted_node_is_skipped(world: World) -> None:
    """A node that has rebooted since it was annotated is skipped. Its old address may belong to another machine."""
    world.node("fra-1", FRA_4)
    world.node("nyc-1", NYC_4, boot_id="new", annotations={"kube-node-dns.kyle.space/boot-id": "old"})
    zone = world.route53.zone("example.com")
    assert "rebooted" in verdict(reported(world), "nyc-1")["reason"]
    assert addresses(world, zone) == {FRA_4}


def test_boot_id_that_tells_nothing_takes_nobody_out(world: World) -> None:
    """A node whose boot id is missing or empty on either side is published."""
    for number, (annotated, now) in enumerate([("same", "same"), (None, "new"), ("", "new"), ("old", "")]):
        world.node(f"node-{number}", f"5.75.128.{number}", boot_id=now)
        annotate(world, f"node-{number}", "boot-id", annotated)
    zone = world.route53.zone("example.com")
    synced(world)
    assert addresses(world, zone) == {f"5.75.128.{number}" for number in range(4)}


def test_spaces_around_addresses_are_accepted(world: World) -> None:
    """Spaces around annotated addresses are accepted."""
    world.node("fra-1", f" {FRA_4} , {NYC_4} ")
    zone = world.route53.zone("example.com")
    synced(world)
    assert addresses(world, zone) == {FRA_4, NYC_4}


def test_annotated_addresses_are_checked_again(world: World) -> None:
    """An annotated address that is not globally reachable is left out with that reason, the others are published."""
    world.node("fra-1", f"{FRA_4},192.168.1.1,fe80::1")
    zone = world.route53.zone("example.com")
    found = {each["address"]: each for each in verdict(reported(world), "fra-1")["addresses"]}
    assert addresses(world, zone) == {FRA_4}
    assert found[FRA_4] == {"address": FRA_4, "published": True, "reason": None}
    assert [found[each]["published"] for each in ("192.168.1.1", "fe80::1")] == [False, False]
    assert "globally reachable" in found["192.168.1.1"]["reason"]


def test_first_eight_addresses_of_a_family_are_taken(world: World) -> None:
    """The first eight annotated addresses of a family are published; the others are left out with a reason."""
    four = [f"5.75.128.{number}" for number in range(10, 20)]
    six = [f"2a01:4f8:c17:1::{number}" for number in range(1, 10)]
    world.node("fra-1", ",".join([*four, *six]))
    zone = world.route53.zone("example.com")
    left_out = [each for each in verdict(reported(world), "fra-1")["addresses"] if not each["published"]]
    assert addresses(world, zone) == {*four[:8], *six[:8]}
    assert [each["address"] for each in left_out] == [*four[8:], *six[8:]]
    assert all("8" in each["reason"] for each in left_out)


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


def test_text_shows_every_skipped_node_with_its_reason(world: World) -> None:
    """The text shows every skipped node with its reason."""
    world.node("fra-1", FRA_4)
    world.node("nyc-1", NYC_4, cordoned=True)
    world.node("sgp-1", "10.0.0.1")
    world.route53.zone("example.com")
    lines = synced(world).stdout.splitlines()
    assert any("nyc-1" in line and "cordoned" in line for line in lines)
    assert any("sgp-1" in line and "globally reachable" in line for line in lines)


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


def test_removed_node_is_withdrawn(world: World) -> None:
    """The address of a node that was removed from the cluster is withdrawn."""
    world.node("fra-1", FRA_4)
    world.node("nyc-1", NYC_4)
    zone = settled(world, world.route53.zone("example.com"))
    world.kubernetes.remove("Node", "nyc-1")
    finished = synced(world)
    assert addresses(world, zone) == {FRA_4}
    assert f"- {NYC_4}" in finished.stdout


def test_more_nodes_than_a_page_are_all_seen(world: World) -> None:
    """Nodes after the first page of 500 are published."""
    for number in range(600):
        world.node(f"node-{number:03d}", f"5.75.{number // 250}.{number % 250 + 1}" if number >= 590 else "")
    zone = world.route53.zone("example.com")
    synced(world)
    assert len(addresses(world, zone)) == 10
