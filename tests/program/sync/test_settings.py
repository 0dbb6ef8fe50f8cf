"""What sync-once makes of what the user has set up: which nodes may serve, of what family, at which place."""

from typing import Any

import pytest

from tests.sandbox.world import World
from tests.support.silent_nodes import Stopped, cluster, showing
from tests.support.sync_runs import (
    FRA_4,
    FRA_6,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    NYC_6,
    PLACES,
    SINGAPORE,
    addresses,
    all_in_one,
    annotate,
    answers,
    at_fra,
    at_fra_and_nyc,
    no_place_shown,
    reported,
    settled,
    shows,
    sync,
    synced,
    two_places,
    two_places_shown,
    verdict,
)


def taint(world: World, node: str, key: str) -> None:
    """Taint a node."""
    taints = [{"key": key, "effect": "NoSchedule"}]
    world.kubernetes.edit("Node", node, lambda each: each["spec"].update(taints=taints))


def label(world: World, node: str, **labels: str) -> None:
    """Label a node with its zone or region."""
    named = {f"topology.kubernetes.io/{name}": value for name, value in labels.items()}
    world.kubernetes.edit("Node", node, lambda each: each["metadata"]["labels"].update(named))


def biases(world: World, zone: str) -> dict[str, int]:
    """Give the bias of each set with one, by its identifier."""
    sets = [each for each in world.route53.records(zone) if "GeoProximityLocation" in each]
    return {each["SetIdentifier"].removeprefix(PLACES): each["GeoProximityLocation"].get("Bias", 0) for each in sets}


def test_a_taint_that_announces_the_end(world: World) -> None:
    """A node that is about to go leaves DNS first; the reason names the taint in text and JSON."""
    zone = two_places_shown(world)
    taint(world, "nyc-1", "aws-node-termination-handler/spot-itn")
    reason = verdict(reported(world, "--dry-run"), "nyc-1")["reason"]
    assert "(taint aws-node-termination-handler/spot-itn)" in reason
    assert reason in synced(world).stdout
    assert answers(world, zone) == at_fra()


def test_excluded_taints(world: World) -> None:
    """Nodes with a taint of the user's own leave; other taints do not matter."""
    zone = no_place_shown(world)
    taint(world, "nyc-1", "example.com/draining")
    synced(world)
    assert answers(world, zone) == all_in_one()
    reason = "excluded by its taint example.com/draining (--exclude-taint example.com/*)"
    assert reason in synced(world, "--exclude-taint", "example.com/*").stdout
    assert addresses(world, zone) == {FRA_4, FRA_6}


def test_cordoned_nodes_serve_on(world: World) -> None:
    """A cordoned node stays in DNS with --publish-cordoned, and leaves without it."""
    zone = no_place_shown(world)
    world.kubernetes.edit("Node", "nyc-1", lambda each: each["spec"].update(unschedulable=True))
    synced(world, "--publish-cordoned")
    assert answers(world, zone) == all_in_one()
    synced(world, KUBE_NODE_DNS_PUBLISH_CORDONED="true")
    assert answers(world, zone) == all_in_one()
    synced(world)
    assert addresses(world, zone) == {FRA_4, FRA_6}


def test_a_node_ready_for_a_moment_is_left_as_it_is() -> None:
    """A node that flaps is not added, one that is shown stays; a node up for long enough is published."""
    with Stopped() as world:
        zone = cluster(world, 4, shown=2)
        for number, seconds in ((1, 59), (2, 59), (3, 60)):
            world.kubernetes.set_ready(f"node-{number}", "True", age_seconds=seconds)
        finished = synced(world, "--min-ready-seconds", "60")
        assert answers(world, zone) == showing(0, 1, 3)
        reason = "Ready for less than 60 s (--min-ready-seconds)"
        assert f"warning: {reason}; stays in: node-1; kept out: node-2" in finished.stdout
        found = verdict(reported(world, "--min-ready-seconds", "60"), "node-2")
        assert (found["published"], found["addresses"][0]["reason"].startswith(reason)) == (False, True)
        world.wait(1)
        synced(world, "--min-ready-seconds", "60")
        assert answers(world, zone) == showing(0, 1, 2, 3)


@pytest.mark.parametrize(("family", "kept"), [("IPv4", {FRA_4, NYC_4}), ("IPv6", {FRA_6, NYC_6})])
def test_one_family(world: World, family: str, kept: set[str]) -> None:
    """The other family's addresses are withheld with the reason, and its record sets deleted."""
    zone = no_place_shown(world)
    domain = reported(world, "--ip-family", family)
    assert addresses(world, zone) == kept
    found = {each["address"]: each["reason"] for each in verdict(domain, "fra-1")["addresses"]}
    assert {reason for each, reason in found.items() if each not in kept} == {
        f"IPv{'6' if family == 'IPv4' else '4'} is not published (--ip-family)"
    }


def test_excluded_addresses(world: World) -> None:
    """Addresses in an excluded network are never published; the reason says so; a node with no other is skipped."""
    zone = no_place_shown(world)
    domain = reported(world, "--exclude-address", "5.161.0.0/16", "--exclude-address", NYC_6)
    assert addresses(world, zone) == {FRA_4, FRA_6}
    nyc = verdict(domain, "nyc-1")
    assert (nyc["published"], nyc["reason"]) == (False, "no address to publish")
    assert {each["reason"] for each in nyc["addresses"]} == {
        "excluded by --exclude-address 5.161.0.0/16",
        f"excluded by --exclude-address {NYC_6}/128",
    }


def test_places_by_label(world: World) -> None:
    """A node without coordinates is at the place of its zone label, else of its region, else at the default place."""
    nodes = {"a": FRA_4, "b": NYC_4, "c": "5.223.50.3", "d": "5.223.60.4"}
    for name, ip in nodes.items():
        world.node(name, ip)
    annotate(world, "a", "aws-geoproximity-coordinates", FRANKFURT)
    label(world, "a", zone="ash", region="us")
    label(world, "b", zone="ash", region="us")
    label(world, "c", zone="elsewhere", region="us")
    zone = world.route53.zone("example.com")
    places = f"ash={NEW_YORK}\nus=34.05,-118.24"
    synced(world, "--default-coordinates", SINGAPORE, KUBE_NODE_DNS_PLACE=places)
    assert answers(world, zone) == {
        f"A {PLACES}{FRANKFURT}": [FRA_4],
        f"A {PLACES}{NEW_YORK}": [NYC_4],
        f"A {PLACES}34.05,-118.24": ["5.223.50.3"],
        f"A {PLACES}{SINGAPORE}": ["5.223.60.4"],
    }


def test_an_annotation_that_is_no_place_is_a_warning(world: World) -> None:
    """A slip in the coordinates takes no node out of simple routing, and no default hides it."""
    zone = no_place_shown(world)
    annotate(world, "nyc-1", "aws-geoproximity-coordinates", "here")
    finished = synced(world, "--default-coordinates", SINGAPORE)
    assert answers(world, zone) == all_in_one()
    assert "warning: nyc-1 has no place: annotation kube-node-dns.kyle.space/aws-geoproximity-c" in finished.stdout


def test_the_bias_of_a_place(world: World) -> None:
    """A node's bias is that of its place; where nodes of a place differ the first by name counts, with a warning."""
    zone = two_places(world)
    world.node("fra-2", "5.75.128.11", FRANKFURT)
    annotate(world, "fra-1", "aws-geoproximity-bias", "-20")
    annotate(world, "fra-2", "aws-geoproximity-bias", "20")
    finished = synced(world)
    assert biases(world, zone) == {FRANKFURT: -20, NEW_YORK: 0}
    assert "differ in bias (fra-1: -20, fra-2: 20): that of fra-1 counts" in finished.stdout


def test_multivalue(world: World) -> None:
    """Each address is a set of its own; a failed one leaves alone, and so does the routing when it is taken back."""
    zone = settled(world, two_places(world), "--routing", "multivalue")
    assert answers(world, zone) == {
        **{f"A multivalue:{each}": [each] for each in (FRA_4, NYC_4)},
        **{f"AAAA multivalue:{each}": [each] for each in (FRA_6, NYC_6)},
    }
    assert all(each["MultiValueAnswer"] for each in world.route53.records(zone) if each["Type"] in {"A", "AAAA"})
    world.kubernetes.edit("Node", "nyc-1", lambda each: each["spec"].update(unschedulable=True))
    synced(world, "--routing", "multivalue")
    assert addresses(world, zone) == {FRA_4, FRA_6}
    world.kubernetes.edit("Node", "nyc-1", lambda each: each["spec"].update(unschedulable=False))
    synced(world)
    assert answers(world, zone) == at_fra_and_nyc()


def test_places_that_are_lost_altogether(world: World) -> None:
    """When no selected node has a place any longer the routing is simple, with a warning."""
    zone = two_places_shown(world)
    for node in ("fra-1", "nyc-1"):
        annotate(world, node, "aws-geoproximity-coordinates", None)
    assert "warning: simple routing instead of geoproximity: no selected node has a place any longer" in (
        synced(world).stdout
    )
    assert answers(world, zone) == all_in_one()


REFUSED = ("A", "AAAA")


def protected(world: World, zone: str) -> None:
    """Protect the name."""
    world.route53.protect(zone, "cdn.example.com", *REFUSED, comment="ask Ada")


def guarded(world: World, zone: str) -> None:
    """Switch a change guardrail on."""
    world.route53.guard_what_is_asked_for(zone, "cdn.example.com", *REFUSED)


@pytest.mark.parametrize(("how", "words"), [(protected, "ask Ada"), (guarded, "ACTIVE_RECORD_CHECK")])
def test_a_refusal_that_is_no_race(world: World, how: Any, words: str) -> None:  # noqa: ANN401 - one of the two above
    """What stands in the way is named in Route 53's own words after two writes, with exit status 2."""
    zone = shows(world, two_places(world), all_in_one())
    how(world, zone)
    options = ("--ip-family", "IPv4") if how is guarded else ()
    finished = sync(world, *options, "--output", "json")
    assert finished.returncode == 2
    (line,) = [each for each in finished.stderr.splitlines() if each.startswith("error: ")]
    assert words in line
    assert "record set protection or a change guardrail" in line
    assert world.dns.operations().count("ChangeResourceRecordSets") == 2
    assert (answers(world, zone), world.route53.history) == (all_in_one(), [])
