"""What sync-once refuses to take out of DNS, and what a dry run leaves alone."""

from tests.sandbox.account import routed, simple
from tests.sandbox.world import World
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NO_OP,
    PLACES,
    SINGAPORE,
    addresses,
    answers,
    at_fra_and_nyc,
    breaks,
    document,
    ends,
    forget,
    no_place,
    sync,
    synced,
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


def test_percentage_counts_selected_nodes(world: World) -> None:
    """A percentage of `--min-nodes` is of the selected nodes."""
    zone = world.route53.zone("example.com")
    for number in range(4):
        world.node(f"node-{number}", f"5.75.128.{number}", labels={"serve-public": str(number < 2).lower()})
    synced(world, "--node-label-selector", "serve-public=true", "--min-nodes", "100%")
    assert len(addresses(world, zone)) == 2


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


def test_refused_run_keeps_records_of_another_policy(world: World) -> None:
    """A run that refuses to withdraw nodes leaves records of another routing policy as they are."""
    zone = no_place(world)
    world.route53.put(zone, routed("a", {"Weight": 1}), routed("b", {"Weight": 2}))
    before = answers(world, zone)
    everybody_fails(world)
    assert sync(world).returncode == 3
    assert answers(world, zone) == before


def test_dry_run_tells_what_the_run_does(world: World) -> None:
    """A dry run reports just what the run after it does, but for the status, and writes nothing."""
    zone = no_place(world)
    world.route53.put(zone, simple(DOMAIN, "A", "192.0.2.1", ttl=5), simple(DOMAIN, "AAAA", FRA_6))
    forget(world)
    (preview,) = document(synced(world, "--dry-run", "--output", "json"))["domains"]
    assert (world.route53.history, world.dns.operations()) == ([], NO_OP)
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


def test_dry_run_can_be_set_by_the_environment(world: World) -> None:
    """`KUBE_NODE_DNS_DRY_RUN=true` makes a dry run, which writes nothing."""
    no_place(world)
    assert sync(world, KUBE_NODE_DNS_DRY_RUN="true").returncode == 0
    assert world.route53.history == []
