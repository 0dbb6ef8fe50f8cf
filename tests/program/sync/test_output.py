"""What a run of sync-once tells: the document, the diff, the log, its exit status; and how long it waits."""

import pytest

from tests.sandbox.account import simple
from tests.sandbox.server import Call
from tests.sandbox.world import World
from tests.support import forks
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    PLACES,
    WRITE,
    annotate,
    answers,
    document,
    ends,
    forget,
    no_place,
    settled,
    sync,
    synced,
    two_places,
    two_places_shown,
)


def test_document_of_a_change(world: World) -> None:
    """The JSON document of a change has the documented members, in full."""
    zone = world.route53.zone("example.com")
    present = simple(f"{DOMAIN}.", "A", "192.0.2.1", ttl=300)
    world.route53.put(zone, present)
    world.node("fra-1", f"{FRA_4},{FRA_6},10.0.0.1", FRANKFURT)
    world.node("nyc-1", NYC_4, NEW_YORK, cordoned=True)
    latitude, longitude = FRANKFURT.split(",")
    wanted = {
        "Name": f"{DOMAIN}.",
        "SetIdentifier": f"{PLACES}{FRANKFURT}",
        "GeoProximityLocation": {"Coordinates": {"Latitude": latitude, "Longitude": longitude}},
        "TTL": 60,
    }
    found = document(synced(world, "--output", "json"))
    private = found["domains"][0]["nodes"][0]["addresses"].pop()
    assert (private["address"], private["published"], bool(private["reason"])) == ("10.0.0.1", False, True)
    changes = [
        {"action": "DELETE", "record_set": present},
        {"action": "CREATE", "record_set": wanted | {"Type": "A", "ResourceRecords": [{"Value": FRA_4}]}},
        {"action": "CREATE", "record_set": wanted | {"Type": "AAAA", "ResourceRecords": [{"Value": FRA_6}]}},
    ]
    nodes = [
        {
            "name": "fra-1",
            "published": True,
            "reason": None,
            "addresses": [{"address": each, "published": True, "reason": None} for each in (FRA_4, FRA_6)],
            "coordinates": FRANKFURT,
        },
        {
            "name": "nyc-1",
            "published": False,
            "reason": "cordoned",
            "addresses": [{"address": NYC_4, "published": False, "reason": "cordoned"}],
            "coordinates": NEW_YORK,
        },
    ]
    domain: dict[str, object] = {"name": DOMAIN, "zone_id": zone, "status": "changed", "error": None, "warnings": []}
    assert found == {"dry_run": False, "status": 0, "domains": [domain | {"changes": changes, "nodes": nodes}]}


def test_document_stands_alone_on_standard_output(world: World) -> None:
    """Standard output holds the JSON document alone, and the log goes to standard error."""
    no_place(world)
    finished = synced(world, "--output", "json", "-v")
    assert set(document(finished)) == {"dry_run", "status", "domains"}
    assert finished.stderr


def test_each_write_is_a_line_of_the_log(world: World) -> None:
    """Each record set that is written is a line of the log, with domain, zone, place and node."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    lines = synced(world).stderr.splitlines()
    for family in ("A", "AAAA"):
        (line,) = (each for each in lines if f" {family} " in each)
        assert all(words in line for words in (DOMAIN, zone, "40.71,-74.01", "nyc-1"))


def test_a_warning_about_several_domains_is_told_once(world: World) -> None:
    """A warning that holds for several domains is one line of the log, and stands in the document of each."""
    no_place(world)
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    ends(world, "fra-1")
    ends(world, "nyc-1")
    finished = sync(world, "--domain", "www.example.com", "--domain", "cdn.example.org", "--output", "json")
    doubted, simple_routing = (line for line in finished.stderr.splitlines() if line.startswith("warning"))
    assert doubted.startswith(f"warning: {DOMAIN}, www.example.com: Ready=Unknown for less than 30 s: 2 of 2 nodes")
    assert simple_routing.startswith(f"warning: {DOMAIN}, www.example.com: simple routing")
    assert [len(each["warnings"]) for each in document(finished)["domains"]] == [2, 2, 0]


def test_a_warning_about_one_domain_names_that_alone(world: World) -> None:
    """A warning that holds for one domain names that domain alone."""
    zone = two_places_shown(world)
    world.node("sgp-1", "5.223.50.3")
    lines = [each for each in sync(world, "--domain", "www.example.com").stderr.splitlines() if "warning" in each]
    assert [line.partition(";")[0].partition(", set")[0] for line in lines] == [
        f"warning: {DOMAIN}: sgp-1 could serve, but has no coordinates: this domain has geoproximity routing",
        "warning: www.example.com: simple routing until every selected node has a place",
    ]
    assert answers(world, zone, "www.example.com") == {
        "A simple": sorted([FRA_4, NYC_4, "5.223.50.3"]),
        "AAAA simple": sorted([FRA_6, "2a01:4ff:f0:7::7"]),
    }


@pytest.mark.parametrize("polls", [0, 2])
def test_wait_returns_when_route53_is_in_sync(world: World, polls: int) -> None:
    """`--wait` asks for the state of the change until Route 53 is in sync, and no longer."""
    world.route53.pending_polls, world.route53.pending_seconds = polls, 3600
    no_place(world)
    finished = synced(world, "--wait", "--output", "json")
    assert world.dns.operations().count("GetChange") == polls + 1
    assert document(finished)["domains"][0]["status"] == "changed"


def test_worst_outcome_is_the_exit_status(world: World) -> None:
    """The exit status is the worst of the domains: misconfigured, then failed, then refused."""
    zone = no_place(world)
    kept, fought = (simple(f"{name}.example.com", "A", FRA_4, NYC_4, ttl=77) for name in ("kept", "fought"))
    world.route53.put(zone, kept, fought)

    def fight(call: Call) -> None:
        if call.operation == WRITE and b"fought" in call.request.body:
            (now,) = (each for each in world.route53.records(zone, "fought.example.com") if each["Type"] == "A")
            changed = now | {"TTL": now["TTL"] + 1}
            both = [{"Action": "UPSERT", "ResourceRecordSet": changed}]
            world.route53.change(zone, *both)

    world.dns.before = fight
    forget(world)
    world.node("fra-3", "5.75.128.12")
    names = ("fought.example.com", "kept.example.com", "a.example.org")
    arguments = [word for name in names for word in ("--domain", name)]
    finished = forks.run(world, "sync-once", *arguments, "--min-nodes", "4", "--output", "json")
    found = document(finished)
    assert (finished.returncode, found["status"]) == (2, 2), finished.stderr
    assert [each["status"] for each in found["domains"]] == ["failed", "refused", "failed"]


@pytest.mark.parametrize("dry", [False, True], ids=["written", "dry run"])
def test_a_node_that_lost_its_label_is_named(world: World, *, dry: bool) -> None:
    """Withdrawn addresses of a node that is not selected any more have the node and the reason, in Events as well."""
    selector = ("--node-label-selector", "serve-public=true")
    settled(world, two_places(world), *selector)
    world.kubernetes.edit("Node", "fra-1", lambda node: node["metadata"].update(labels={}))
    finished = synced(world, *selector, *["--dry-run"] * dry)
    assert f"- {FRA_4}  fra-1: does not match --node-label-selector serve-public=true" in finished.stdout
    events = [each.value for each in world.kubernetes.store if each.resource.kind == "Event"]
    assert ("WithdrawnFromDNS" in {each["reason"] for each in events if "fra-1" in str(each)}) is not dry


def test_an_address_of_a_deleted_node_is_on_no_node(world: World) -> None:
    """Withdrawn addresses of a node whose object is gone are said to be on no node."""
    selector = ("--node-label-selector", "serve-public=true")
    settled(world, two_places(world), *selector)
    world.kubernetes.remove("Node", "fra-1")
    finished = synced(world, *selector)
    assert f"- {FRA_4}  no node has this address" in finished.stdout
