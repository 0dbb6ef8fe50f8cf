"""Where sync-once takes a node's addresses from: annotate-once, the user, or the Node's status."""

import msgspec
import pytest

from jobs.edges.cluster_schema import NodeStatus
from tests.sandbox.world import World
from tests.support.sync_runs import FRA_4, FRA_6, NYC_4, addresses, annotate, reported, synced, verdict

CLOUDS = "5.223.50.3"
INTERNAL = ("InternalIP", "10.0.0.1")


@pytest.fixture
def zone(world: World) -> str:
    """Give a domain with one node, whose status has an address of the cloud."""
    status = [("Hostname", "fra-1"), INTERNAL, ("ExternalIP", CLOUDS), ("ExternalDNS", "fra-1.example.com")]
    world.node("fra-1", FRA_4, addresses=status)
    return world.route53.zone("example.com")


def test_the_users_addresses_replace_all_others(world: World, zone: str) -> None:
    """With public-ips a node is published with those, whatever annotate-once and the status say, and after a reboot."""
    annotate(world, "fra-1", "public-ips", f"{NYC_4}, {FRA_6}")
    annotate(world, "fra-1", "boot-id", "another-boot")
    world.kubernetes.edit("Node", "fra-1", lambda node: node["status"]["nodeInfo"].update(bootID="this-boot"))
    synced(world, "--external-ip")
    assert addresses(world, zone) == {NYC_4, FRA_6}


def test_external_ips_join_when_asked_for(world: World, zone: str) -> None:
    """With --external-ip the addresses of that type in the status count too, and no other type does."""
    synced(world)
    assert addresses(world, zone) == {FRA_4}
    synced(world, "--external-ip")
    assert addresses(world, zone) == {FRA_4, CLOUDS}


def test_a_node_that_annotate_once_never_saw(world: World, zone: str) -> None:
    """With --external-ip a node needs no annotation at all, also one with an address of each family."""
    world.node("k3s-1", addresses=[INTERNAL, ("ExternalIP", NYC_4), ("ExternalIP", FRA_6)])
    synced(world, "--external-ip")
    assert addresses(world, zone) == {FRA_4, CLOUDS, NYC_4, FRA_6}


JUNK = {
    "a host's name": [("ExternalIP", "ec2-5-75-128-10.example.com")],
    "empty": [("ExternalIP", "")],
    "a network": [("ExternalIP", "5.161.40.0/24")],
    "a megabyte": [("ExternalIP", "5" * 100_000)],
    "control characters": [("ExternalIP", "5.161.40.7\n\x1b[2J")],
    "another type": [("externalip", NYC_4), ("ExternalIPs", NYC_4)],
    "64 before it": [("InternalIP", f"10.0.0.{number}") for number in range(61)],
}


def test_junk_in_the_status_is_passed_over(world: World, zone: str) -> None:
    """Entries that are not addresses cost the node nothing; of so many no more than 64 are read."""
    for number, found in enumerate(JUNK.values()):
        status = [
            *found,
            ("ExternalIP", f"5.223.51.{number}"),
            INTERNAL,
            ("InternalIP", "10.0.0.2"),
            ("ExternalIP", f"5.223.52.{number}"),
        ]
        world.node(f"node-{number}", None, addresses=status)
    synced(world, "--external-ip")
    expected = {f"5.223.51.{number}" for number in range(len(JUNK))}
    expected |= {f"5.223.52.{number}" for number in range(len(JUNK) - 1)}
    assert addresses(world, zone) == {FRA_4, CLOUDS} | expected


@pytest.mark.parametrize("entry", ["7", "null", "[]", '{"type": "ExternalIP"}', '{"type": 1, "address": []}'])
def test_an_entry_that_cannot_be_decoded_costs_itself_alone(entry: str) -> None:
    """An entry of the status that is not what the API promises costs neither the node nor the entries beside it."""
    good = '{"type": "ExternalIP", "address": "5.161.40.7"}'
    status = msgspec.json.decode(f'{{"addresses": [{good}, {entry}, {good}]}}', type=NodeStatus)
    assert [*status.external_ips(64)] == [NYC_4, NYC_4]


def test_every_address_is_checked_again(world: World, zone: str) -> None:
    """Private addresses are withheld with their reason, whoever has named them."""
    world.node("nyc-1", addresses=[("ExternalIP", "10.0.0.7"), ("ExternalIP", NYC_4)])
    annotate(world, "fra-1", "public-ips", "100.64.0.1")
    domain = reported(world, "--external-ip")
    assert {each["address"]: each["published"] for each in verdict(domain, "nyc-1")["addresses"]} == {
        "10.0.0.7": False,
        NYC_4: True,
    }
    assert verdict(domain, "fra-1")["reason"] == "no address to publish"
    assert addresses(world, zone) == {NYC_4}
