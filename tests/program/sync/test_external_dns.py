"""With a real ExternalDNS behind it, a DNSEndpoint leads to the record sets that publishing directly makes."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.account import simple
from tests.sandbox.world import World
from tests.support import forks
from tests.support.dnsendpoints import API_VERSION, DEFINITION, NAMESPACE, PUBLISH, objects, sync_object, synced_object
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    NYC_6,
    PLACES,
    SINGAPORE,
    annotate,
    answers,
    breaks,
    sync,
    synced,
)

BINARY = os.environ.get("EXTERNAL_DNS")
OWNER = "sandbox"
ROUTINGS = pytest.mark.parametrize("routing", ["simple", "geoproximity", "multivalue"])

pytestmark = pytest.mark.skipif(BINARY is None, reason="EXTERNAL_DNS names no binary of ExternalDNS")


@pytest.fixture
def world() -> Iterator[World]:
    """Give a cluster that knows DNSEndpoints, with three nodes at two places, one with a bias."""
    with World() as fresh:
        fresh.kubernetes.define(DEFINITION)
        fresh.node("fra-1", f"{FRA_4},{FRA_6}", FRANKFURT)
        fresh.node("nyc-1", f"{NYC_4},{NYC_6}", NEW_YORK)
        fresh.node("fra-2", "5.75.128.11", FRANKFURT)
        annotate(fresh, "nyc-1", "aws-geoproximity-bias", "20")
        yield fresh


def external_dns(world: World) -> int:
    """Let ExternalDNS run once, with the options that the README gives; give how many batches it has written."""
    before = len(world.route53.history)
    command = [
        str(Path(str(BINARY)).expanduser().absolute()),
        f"--kubeconfig={world.kubeconfig}",
        "--once",
        "--source=crd",
        "--provider=aws",
        "--policy=sync",
        "--registry=txt",
        f"--txt-owner-id={OWNER}",
        "--txt-wildcard-replacement=wildcard",
        "--domain-filter=example.com",
        "--managed-record-types=A",
        "--managed-record-types=AAAA",
        "--metrics-address=127.0.0.1:0",
    ]
    environment = {"PATH": os.defpath, "HOME": str(world.home), **world.environment}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stderr
    return len(world.route53.history) - before


def record_sets(world: World, zone: str) -> list[dict[str, Any]]:
    """Give the A and AAAA sets of the domain, in one order, a bias of 0 written or not."""
    found = [each for each in world.route53.records(zone, DOMAIN) if each["Type"] in {"A", "AAAA"}]
    for each in found:
        each["ResourceRecords"] = sorted(each["ResourceRecords"], key=str)
        if each.get("GeoProximityLocation", {}).get("Bias") == 0:
            del each["GeoProximityLocation"]["Bias"]
    return found


def owned(*types: str) -> list[dict[str, Any]]:
    """Write the TXT records by which ExternalDNS knows record sets as its own, just as it would write them.

    It deletes them by their whole content when the routing changes, and Route 53 refuses that of any other.
    """
    words = "heritage=external-dns", f"external-dns/owner={OWNER}", f"external-dns/resource=crd/{NAMESPACE}/{DOMAIN}"
    return [simple(f"{type_.lower()}-{DOMAIN}.", "TXT", f'"{",".join(words)}"', ttl=300) for type_ in types]


@ROUTINGS
def test_the_records_are_those_of_publishing_directly(world: World, routing: str) -> None:
    """In every routing policy the record sets are equal, and a second run of both changes nothing."""
    zone = world.route53.zone("example.com")
    synced(world, "--routing", routing)
    expected = record_sets(world, zone)
    own = [each for each in world.route53.records(zone) if each["Type"] in {"A", "AAAA"}]
    world.route53.change(zone, *({"Action": "DELETE", "ResourceRecordSet": each} for each in own))
    assert record_sets(world, zone) == []
    synced_object(world, "--routing", routing)
    assert external_dns(world) == 1
    assert record_sets(world, zone) == expected
    synced_object(world, "--routing", routing)
    assert external_dns(world) == 0
    dry = sync(world, "--routing", routing, "--dry-run", "--output", "json")
    assert '"status": "unchanged"' in dry.stdout, dry.stdout


@ROUTINGS
def test_a_failed_node_leaves(world: World, routing: str) -> None:
    """A node that fails leaves DNS at the next run of both; all at once, the last addresses stay."""
    zone = world.route53.zone("example.com")
    synced_object(world, "--routing", routing)
    external_dns(world)
    breaks(world, "nyc-1")
    synced_object(world, "--routing", routing)
    external_dns(world)
    left = {address for values in answers(world, zone).values() for address in values}
    assert left == {"5.75.128.10", "5.75.128.11", "2a01:4f8:c17:1::10"}
    for node in ("fra-1", "fra-2"):
        breaks(world, node)
    assert sync_object(world, "--routing", routing).returncode == 3
    assert external_dns(world) == 0
    assert {address for values in answers(world, zone).values() for address in values} == left


def test_a_wildcard(world: World) -> None:
    """A wildcard domain is published too, with the option by which its ownership records need no `*`."""
    zone = world.route53.zone("example.com")
    for routing in ("simple", "geoproximity"):
        finished = forks.run(world, "sync-once", "--domain", "*.example.com", *PUBLISH, "--routing", routing)
        assert finished.returncode == 0, finished.stderr
        assert [external_dns(world), external_dns(world)] == [1, 0]
    identifiers = {f"{type_} {PLACES}{place}" for type_ in ("A", "AAAA") for place in (FRANKFURT, NEW_YORK)}
    assert set(answers(world, zone, "\\052.example.com")) == identifiers


def test_a_switch_of_routing_never_empties_the_name(world: World) -> None:
    """ExternalDNS exchanges the policy in one batch."""
    zone = world.route53.zone("example.com")
    for routing in ("simple", "geoproximity", "multivalue", "simple"):
        synced_object(world, "--routing", routing)
        assert external_dns(world) == 1
    for batch in world.route53.history:
        assert {"A", "AAAA"} <= {each["Type"] for each in batch.after[f"{DOMAIN}."]}
    assert set(answers(world, zone)) == {"A simple", "AAAA simple"}


def test_the_hand_over_and_back(world: World) -> None:
    """The README's steps hand a domain over to ExternalDNS, and back, without a moment without records."""
    zone = world.route53.zone("example.com")
    synced(world)
    synced(world, "--routing", "simple")
    world.route53.put(zone, *owned("A", "AAAA"))
    before = record_sets(world, zone)
    synced_object(world, "--routing", "simple")
    external_dns(world)
    assert record_sets(world, zone) == before
    world.node("sgp-1", "5.223.50.3", SINGAPORE)
    synced_object(world, "--routing", "geoproximity")
    external_dns(world)
    assert f"A {PLACES}{SINGAPORE}" in answers(world, zone)

    shown = record_sets(world, zone)
    texts = [each for each in world.route53.records(zone) if each["Type"] == "TXT"]
    world.route53.change(zone, *({"Action": "DELETE", "ResourceRecordSet": each} for each in texts))
    external_dns(world)
    world.kubernetes.remove("DNSEndpoint", DOMAIN, NAMESPACE, api_version=API_VERSION)
    external_dns(world)
    assert record_sets(world, zone) == shown
    synced(world)
    assert set(answers(world, zone)) >= {f"A {PLACES}{FRANKFURT}", f"A {PLACES}{SINGAPORE}"}
    for batch in world.route53.history:
        assert any(each["Type"] == "A" for each in batch.after.get(f"{DOMAIN}.", [{"Type": "A"}]))


def test_without_the_ownership_records_the_sets_are_left_alone(world: World) -> None:
    """What the README warns of: ExternalDNS leaves record sets that it does not own, and says nothing."""
    zone = world.route53.zone("example.com")
    synced(world, "--routing", "simple")
    before = record_sets(world, zone)
    breaks(world, "nyc-1")
    synced_object(world, "--routing", "simple")
    external_dns(world)
    assert record_sets(world, zone) == before


def test_deleting_the_object_deletes_the_records(world: World) -> None:
    """What the README warns of: the object is what keeps the records."""
    zone = world.route53.zone("example.com")
    synced_object(world)
    external_dns(world)
    assert answers(world, zone)
    world.kubernetes.remove("DNSEndpoint", DOMAIN, NAMESPACE, api_version=API_VERSION)
    external_dns(world)
    assert answers(world, zone) == {}
    assert objects(world) == {}
