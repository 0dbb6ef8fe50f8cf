"""What a node writes into its own objects costs sync-once that object alone."""

from typing import Any

import pytest

from tests.sandbox.world import World
from tests.support.kubelets import DEEP, ODD_TIMES, claims, ready_since
from tests.support.sync_runs import (
    FRA_4,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    PLACES,
    addresses,
    annotate,
    answers,
    reported,
    settled,
    synced,
    verdict,
)

RENEWS: dict[str, Any] = {"f:spec": {"f:renewTime": {}}}
UNREADABLE = "its Node object cannot be read: Invalid RFC3339 encoded datetime"


@pytest.fixture
def zone(world: World) -> str:
    """Give a domain with a node that is well, and one that writes what it likes."""
    world.node("fra-1", FRA_4)
    world.node("odd-1", NYC_4)
    for node in ("fra-1", "odd-1"):
        world.kubernetes.renew_lease(node)
    return world.route53.zone("example.com")


@pytest.mark.parametrize("time", ODD_TIMES.values(), ids=ODD_TIMES)
def test_a_node_that_cannot_be_decoded_is_skipped_alone(world: World, zone: str, time: str) -> None:
    """Skips the node with the reason, and publishes the other one."""
    ready_since(world, "odd-1", time)
    domain = reported(world)
    found = verdict(domain, "odd-1")
    assert (domain["status"], found["published"]) == ("changed", False)
    assert found["reason"].startswith(UNREADABLE)
    assert addresses(world, zone) == {FRA_4}


def test_a_node_that_cannot_be_decoded_is_withdrawn(world: World, zone: str) -> None:
    """Takes its addresses out of DNS: nobody knows whether it is well."""
    settled(world, zone)
    ready_since(world, "odd-1", ODD_TIMES["year-10000"])
    finished = synced(world)
    assert any(f"- {NYC_4}" in line and UNREADABLE in line for line in finished.stdout.splitlines()), finished.stdout
    assert addresses(world, zone) == {FRA_4}


def test_a_node_that_cannot_be_decoded_keeps_its_place(world: World, zone: str) -> None:
    """Shows its coordinates, which do not depend on the member that is unreadable."""
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    annotate(world, "odd-1", "aws-geoproximity-coordinates", NEW_YORK)
    ready_since(world, "odd-1", ODD_TIMES["year-0"])
    assert verdict(reported(world), "odd-1")["coordinates"] == NEW_YORK
    assert answers(world, zone) == {f"A {PLACES}{FRANKFURT}": [FRA_4]}


def test_all_other_pages_of_a_list_are_read(world: World, zone: str) -> None:
    """Publishes the nodes of the page with the odd one and those of the page after it."""
    for number in range(600):
        world.node(f"node-{number:03}", f"5.75.{number // 250}.{number % 250 + 1}" if number >= 595 else "")
    ready_since(world, "node-003", ODD_TIMES["year-10000"])
    synced(world)
    assert len(addresses(world, zone)) == 7


@pytest.mark.parametrize("time", ODD_TIMES.values(), ids=ODD_TIMES)
def test_a_lease_that_cannot_be_decoded_is_not_looked_at(world: World, zone: str, time: str) -> None:
    """Publishes its node; the Lease of another node, which is overdue, still counts."""
    world.node("old-1", "5.161.40.8")
    world.kubernetes.renew_lease("old-1", age_seconds=60)
    claims(world, "Lease", "odd-1", RENEWS, time)
    domain = reported(world)
    assert "lease not renewed" in verdict(domain, "old-1")["reason"]
    assert addresses(world, zone) == {FRA_4, NYC_4}


def test_depth_costs_a_node_nothing(world: World, zone: str) -> None:
    """Publishes a node whose object is nested as deep as the API server takes it."""
    claims(world, "Node", "odd-1", DEEP)
    synced(world)
    assert addresses(world, zone) == {FRA_4, NYC_4}


def test_depth_costs_a_lease_nothing(world: World, zone: str) -> None:
    """Looks at the renewals of a Lease that is nested as deep as the API server takes it, and at all others."""
    world.kubernetes.renew_lease("odd-1", age_seconds=60)
    claims(world, "Lease", "odd-1", DEEP)
    assert "lease not renewed" in verdict(reported(world), "odd-1")["reason"]
    assert addresses(world, zone) == {FRA_4}


def test_a_message_is_cut(world: World, zone: str) -> None:
    """Reports the beginning of a message that has a megabyte."""
    world.kubernetes.set_ready("odd-1", "False", "disk is gone " * 80_000)
    reason = verdict(reported(world), "odd-1")["reason"]
    assert reason.startswith("not ready: disk is gone disk is gone")
    assert len(reason) < 400
    assert addresses(world, zone) == {FRA_4}


@pytest.mark.parametrize("annotation", ["node-ips", "public-ips"])
def test_addresses_that_are_too_long_are_not_read(world: World, zone: str, annotation: str) -> None:
    """Skips the node with the annotation's name and length."""
    annotate(world, "odd-1", annotation, ",".join([NYC_4] * 400))
    reason = verdict(reported(world), "odd-1")["reason"]
    assert reason.startswith(f"annotation kube-node-dns.kyle.space/{annotation}")
    assert "4399 characters; at most 4096" in reason
    assert len(reason) < 250
    assert addresses(world, zone) == {FRA_4}


@pytest.mark.parametrize("annotation", ["aws-geoproximity-coordinates", "aws-geoproximity-bias"])
def test_a_place_that_is_too_long_is_not_read(world: World, zone: str, annotation: str) -> None:
    """Publishes the node, without a place or bias, with a warning; to parse 240 kB of zeros took 100 MB."""
    annotate(world, "odd-1", annotation, f"{'0' * 240_000}.0,0")
    domain = reported(world)
    (warning,) = (each for each in domain["warnings"] if each.startswith("odd-1 has no "))
    assert "240004 characters; at most 64)" in warning
    assert len(warning) < 250
    assert addresses(world, zone) == {FRA_4, NYC_4}


def test_addresses_of_a_usual_length_are_read(world: World, zone: str) -> None:
    """Publishes a node with a list of addresses that is as long as it may be."""
    annotate(world, "odd-1", "node-ips", f"{FRA_4},{' ' * (4096 - len(FRA_4) - len(NYC_4) - 1)}{NYC_4}")
    synced(world)
    assert addresses(world, zone) == {FRA_4, NYC_4}


def test_a_boot_id_that_is_too_long_is_another_boot(world: World, zone: str) -> None:
    """Skips the node, as with any boot id that is not the machine's own."""
    world.node("odd-1", NYC_4, boot_id="b" * 100, annotations={"kube-node-dns.kyle.space/boot-id": "b" * 101})
    assert "rebooted" in verdict(reported(world), "odd-1")["reason"]
    assert addresses(world, zone) == {FRA_4}
