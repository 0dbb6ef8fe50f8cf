"""What sync-once refuses to take out of DNS, and what a dry run leaves alone."""

import pytest

from tests.sandbox.account import near, routed, simple
from tests.sandbox.world import World
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NO_OP,
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
    breaks,
    document,
    ends,
    no_place,
    no_place_shown,
    shows,
    sync,
    synced,
    two_places,
    two_places_shown,
)


def everybody_fails(world: World) -> None:
    """Let both nodes fail."""
    breaks(world, "fra-1")
    breaks(world, "nyc-1")


def test_last_nodes_stay_when_all_fail_at_once(world: World) -> None:
    """When all nodes fail at once none is withdrawn, and the run ends with status 3.

    It may be a fault of the control plane.
    """
    zone = two_places_shown(world)
    everybody_fails(world)
    finished = sync(world)
    assert finished.returncode == 3
    assert "--min-nodes" in finished.stderr
    assert (answers(world, zone), world.route53.history) == (at_fra_and_nyc(), [])
    assert world.dns.operations() == NO_OP


def test_silence_of_many_counts_once_it_lasts(world: World) -> None:
    """Ready=Unknown of all nodes is not believed for 30 s; then `--min-nodes` alone keeps them in."""
    zone = two_places_shown(world)
    for node in ("fra-1", "nyc-1"):
        ends(world, node)
    finished = synced(world, "--min-nodes", "0")
    assert "Ready=Unknown for less than 30 s: 2 of 2 nodes, more than a third: not believed" in finished.stderr
    assert (answers(world, zone), world.route53.history) == (at_fra_and_nyc(), [])
    for node in ("fra-1", "nyc-1"):
        ends(world, node, seconds_ago=31)
    assert sync(world).returncode == 3
    synced(world, "--min-nodes", "0")
    assert answers(world, zone) == {}


def test_no_selected_node_withdraws_nothing(world: World) -> None:
    """A selector that matches no node withdraws none, with status 3."""
    zone = two_places_shown(world)
    assert sync(world, "--node-label-selector", "serve-pulbic=true").returncode == 3
    assert answers(world, zone) == at_fra_and_nyc()


@pytest.mark.parametrize(
    ("option", "failed", "status"),
    [
        pytest.param("50%", 2, 0, id="half-of-four-is-two"),
        pytest.param("51%", 2, 3, id="rounded-up-to-three"),
        pytest.param("0%", 4, 3, id="even-0%-asks-for-one"),
        pytest.param("0", 4, 0, id="switched-off"),
    ],
)
def test_min_nodes(world: World, option: str, failed: int, status: int) -> None:
    """`--min-nodes` takes a number or a percentage, rounded up and at least one node; 0 switches it off."""
    zone = world.route53.zone("example.com")
    for number in range(4):
        world.node(f"node-{number}", f"5.75.128.{number}")
    shows(world, zone, {"A simple": [f"5.75.128.{number}" for number in range(4)]})
    for number in range(failed):
        breaks(world, f"node-{number}")
    assert sync(world, "--min-nodes", option).returncode == status
    left = range(failed if status == 0 else 0, 4)
    assert addresses(world, zone) == {f"5.75.128.{number}" for number in left}


def test_percentage_counts_selected_nodes(world: World) -> None:
    """A percentage of `--min-nodes` is of the selected nodes."""
    zone = world.route53.zone("example.com")
    for number in range(4):
        world.node(f"node-{number}", f"5.75.128.{number}", labels={"serve-public": str(number < 2).lower()})
    synced(world, "--node-label-selector", "serve-public=true", "--min-nodes", "100%")
    assert len(addresses(world, zone)) == 2


def test_zero_empties_the_name(world: World) -> None:
    """With `--min-nodes 0` the last nodes are withdrawn."""
    zone = two_places_shown(world)
    everybody_fails(world)
    synced(world, "--min-nodes", "0")
    assert answers(world, zone) == {}


def test_refused_run_adds_what_is_new(world: World) -> None:
    """A run that refuses to withdraw nodes still adds new ones, at old and new places."""
    zone = two_places_shown(world)
    everybody_fails(world)
    world.node("fra-2", "5.75.128.11", FRANKFURT)
    world.node("sgp-1", "5.223.50.3", SINGAPORE)
    assert sync(world, "--min-nodes", "3").returncode == 3
    expected = at_fra_and_nyc() | {f"A {PLACES}{SINGAPORE}": ["5.223.50.3"]}
    expected[f"A {PLACES}{FRANKFURT}"] = [FRA_4, "5.75.128.11"]
    assert {kind: sorted(values) for kind, values in answers(world, zone).items()} == {
        kind: sorted(values) for kind, values in expected.items()
    }


def test_refused_run_keeps_simple_routing(world: World) -> None:
    """A run that refuses to withdraw nodes keeps simple routing, and adds to it.

    A switch withdraws the nodes that are missing.
    """
    zone = no_place_shown(world)
    ends(world, "nyc-1")
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    world.node("fra-2", "5.75.128.11", FRANKFURT)
    assert sync(world, "--min-nodes", "3").returncode == 3
    assert answers(world, zone) == {"A simple": sorted([FRA_4, "5.75.128.11", NYC_4]), "AAAA simple": [FRA_6, NYC_6]}


def test_refused_run_keeps_geoproximity_routing(world: World) -> None:
    """A run that refuses to withdraw nodes keeps geoproximity routing and every place."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    annotate(world, "fra-1", "aws-geoproximity-coordinates", None)
    assert sync(world, "--min-nodes", "2").returncode == 3
    assert answers(world, zone) == at_fra_and_nyc()


def test_refused_run_keeps_records_of_another_policy(world: World) -> None:
    """A run that refuses to withdraw nodes leaves records of another routing policy as they are."""
    zone = no_place(world)
    world.route53.put(zone, routed("a", {"Weight": 1}), routed("b", {"Weight": 2}))
    before = answers(world, zone)
    everybody_fails(world)
    assert sync(world).returncode == 3
    assert answers(world, zone) == before


def test_refused_run_adds_a_missing_family(world: World) -> None:
    """A run that refuses to withdraw nodes adds the family that DNS does not show."""
    zone = world.route53.zone("example.com")
    world.route53.put(zone, near(f"{PLACES}{FRANKFURT}", "50.11", "8.68"))
    world.node("fra-1", f"{FRA_4},{FRA_6}", FRANKFURT)
    assert sync(world, "--min-nodes", "2").returncode == 3
    assert answers(world, zone) == {
        f"A {PLACES}{FRANKFURT}": ["192.0.2.1", FRA_4],
        f"AAAA {PLACES}{FRANKFURT}": [FRA_6],
    }


def test_domain_without_records_gets_what_is_wanted(world: World) -> None:
    """A domain without records gets the nodes that serve, even if they are too few; the status is 3."""
    zone = two_places(world)
    ends(world, "nyc-1")
    assert sync(world, "--min-nodes", "2").returncode == 3
    assert answers(world, zone) == at_fra()


def test_refusal_is_told_even_if_nothing_would_have_left(world: World) -> None:
    """Too few nodes are reported with status 3 even if none was to leave."""
    no_place_shown(world)
    finished = sync(world, "--min-nodes", "3", "--output", "json")
    (domain,) = document(finished)["domains"]
    assert (finished.returncode, domain["status"], domain["changes"]) == (3, "refused", [])
    assert "2 of 2" in domain["error"]


def test_refused_domain_recovers_by_itself(world: World) -> None:
    """Once enough nodes serve again, the next run succeeds and withdraws the other."""
    zone = two_places_shown(world)
    everybody_fails(world)
    assert sync(world).returncode == 3
    world.kubernetes.set_ready("fra-1", "True")
    synced(world)
    assert answers(world, zone) == at_fra()


def test_dry_run_writes_nothing(world: World) -> None:
    """A dry run writes nothing, and shows the addresses that come and go."""
    zone = no_place(world)
    world.route53.put(zone, simple(DOMAIN, "A", "192.0.2.1"))
    world.route53.history.clear()
    finished = synced(world, "--dry-run")
    assert (world.route53.history, world.dns.operations()) == ([], NO_OP)
    assert answers(world, zone) == {"A simple": ["192.0.2.1"]}
    for address in (f"+ {FRA_4}", f"+ {NYC_6}", "- 192.0.2.1"):
        assert address in finished.stdout


def test_dry_run_tells_what_the_run_does(world: World) -> None:
    """A dry run reports just what the run after it does, but for the status."""
    zone = no_place(world)
    world.route53.put(zone, simple(DOMAIN, "A", "192.0.2.1", ttl=5), simple(DOMAIN, "AAAA", FRA_6))
    (preview,) = document(synced(world, "--dry-run", "--output", "json"))["domains"]
    (made,) = document(synced(world, "--output", "json"))["domains"]
    assert (preview.pop("status"), made.pop("status")) == ("would change", "changed")
    assert preview == made


def test_dry_run_exits_like_the_run_when_refused(world: World) -> None:
    """A dry run of a refused change ends with status 3, reports what it adds, and writes nothing."""
    zone = two_places_shown(world)
    everybody_fails(world)
    world.node("fra-2", "5.75.128.11", FRANKFURT)
    finished = sync(world, "--dry-run", "--min-nodes", "2", "--output", "json")
    (domain,) = document(finished)["domains"]
    assert (finished.returncode, domain["status"]) == (3, "refused")
    assert [each["action"] for each in domain["changes"]] == ["DELETE", "CREATE"]
    assert (answers(world, zone), world.route53.history) == (at_fra_and_nyc(), [])


def test_dry_run_exits_like_the_run_when_misconfigured(world: World) -> None:
    """A dry run with a domain without a zone ends with status 2, shows the other's changes, and writes nothing."""
    no_place(world)
    finished = sync(world, "--dry-run", "--domain", "cdn.example.org")
    assert finished.returncode == 2
    assert "would change" in finished.stdout
    assert world.route53.history == []


def test_dry_run_of_nothing_to_do(world: World) -> None:
    """A dry run with nothing to do does not say that it would change anything."""
    zone = no_place_shown(world)
    assert "would change" not in synced(world, "--dry-run").stdout
    assert answers(world, zone) == all_in_one()


def test_dry_run_can_be_set_by_the_environment(world: World) -> None:
    """`KUBE_NODE_DNS_DRY_RUN=true` makes a dry run, which writes nothing."""
    no_place(world)
    assert sync(world, KUBE_NODE_DNS_DRY_RUN="true").returncode == 0
    assert world.route53.history == []
