"""Traces of real clusters that once ended in an outage with exit status 0: what sync-once makes of each."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.sandbox.world import World
from tests.support import forks
from tests.support.probed_world import Scenario, near, near_6, nodes, probed, up
from tests.support.silent_nodes import Stopped, address, cluster, falls_silent, showing, turns_unknown
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    NYC_6,
    PLACES,
    WRITE,
    Gate,
    addresses,
    annotate,
    answers,
    at_fra,
    at_fra_and_nyc,
    breaks,
    returns,
    shows,
    sync,
    synced,
    two_places_shown,
)
from tests.support.web_servers import HOST, WebServer

SGP_4 = "5.223.50.3"
HTTPS = f"https://{HOST}/"


@pytest.fixture
def still() -> Iterator[Stopped]:
    """Give a world in which time stands still."""
    with Stopped() as fresh:
        yield fresh


def one_of_three_has_a_place(world: World) -> str:
    """Make three nodes, one of them with coordinates; give the zone's id."""
    world.node("fra-1", FRA_4, FRANKFURT)
    world.node("nyc-1", NYC_4)
    world.node("sgp-1", SGP_4)
    return world.route53.zone("example.com")


def test_1_nodes_without_a_place_that_are_away_for_a_while(world: World) -> None:
    """Of three nodes one has coordinates; the others are NotReady for a while, then back: simple routing throughout."""
    zone = one_of_three_has_a_place(world)
    synced(world)
    for change, expected in ((breaks, [FRA_4]), (returns, [NYC_4, SGP_4, FRA_4])):
        for node in ("nyc-1", "sgp-1"):
            change(world, node)
        assert "simple routing until every selected node has a place; without: nyc-1, sgp-1" in synced(world).stdout
        assert answers(world, zone) == {"A simple": sorted(expected)}


def test_1_nodes_without_a_place_whose_addresses_come_last(world: World) -> None:
    """An installation finds the addresses of the only node with coordinates first: simple routing throughout."""
    zone = one_of_three_has_a_place(world)
    found = {"fra-1": FRA_4, "nyc-1": NYC_4, "sgp-1": SGP_4}
    for node in found:
        world.kubernetes.edit("Node", node, lambda each: each["metadata"].update(annotations={}))
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    shown = []
    for node, ip in found.items():
        annotate(world, node, "node-ips", ip)
        synced(world)
        shown.append(ip)
        assert answers(world, zone) == {"A simple": sorted(shown)}


def test_2_the_only_node_with_a_place_dies(world: World) -> None:
    """DNS shows geoproximity of one node; it dies; a node without a place is published, simple, with a warning."""
    world.node("fra-1", f"{FRA_4},{FRA_6}", FRANKFURT)
    world.node("nyc-1", f"{NYC_4},{NYC_6}")
    zone = shows(world, world.route53.zone("example.com"), at_fra())
    breaks(world, "fra-1")
    finished = synced(world)
    assert answers(world, zone) == {"A simple": [NYC_4], "AAAA simple": [NYC_6]}
    assert "warning: simple routing instead of geoproximity: no node with a place can serve" in finished.stdout


def test_3_a_dead_node_with_two_addresses_leaves() -> None:
    """Of two nodes with two addresses each one is dead: with --probe it leaves."""
    found = nodes(f"{near(1)} {near(11)}", f"{near(2)} {near(12)}")
    outcome = probed(Scenario(found, up(near(1), near(11)), ["--probe", "tcp:443"]))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(11)}), outcome.err


def test_3_a_node_that_claims_eight_dead_addresses_protects_nobody() -> None:
    """One node claims eight dead addresses: the evidence against another one still counts."""
    claimed = " ".join(near(number) for number in range(20, 28))
    found = nodes(*map(near, range(1, 6)), claimed)
    outcome = probed(Scenario(found, up(*map(near, range(1, 5))), ["--probe", "tcp:443"]))
    assert (outcome.status, outcome.shown) == (0, set(map(near, range(1, 5)))), outcome.err


def test_4_a_second_failure_does_not_bring_the_first_node_back(still: Stopped) -> None:
    """Of three nodes one leaves by its Lease, then another falls silent too: that one stays in, the first stays out."""
    zone = cluster(still)
    falls_silent(still, 2)
    synced(still)
    assert answers(still, zone) == showing(0, 1)
    falls_silent(still, 1)
    finished = synced(still)
    assert answers(still, zone) == showing(0, 1)
    assert "lease not renewed in time: 2 of 3 nodes" in finished.stderr
    assert "stays in: node-1; kept out: node-2" in finished.stderr


@pytest.mark.parametrize("answers_ahead", [True, False], ids=["answers", "takes a renewal"])
def test_5_one_of_two_api_servers_is_ahead(still: Stopped, *, answers_ahead: bool) -> None:
    """The clock of one of two API servers is 20 s ahead, of the one that answers or of another: nobody leaves."""
    zone = cluster(still)
    ahead, right = (20, 0) if answers_ahead else (0, 20)
    for number in (0, 1):  # by the server that answers, the third by the other one
        still.kubernetes.renew_lease(f"node-{number}", age_seconds=4, ahead_seconds=ahead)
    still.kubernetes.renew_lease("node-2", age_seconds=9, ahead_seconds=right)
    still.kubernetes.answering_clock = lambda: still.moment + ahead
    finished = synced(still)
    assert (answers(still, zone), still.route53.history) == (showing(0, 1, 2), [])
    clock = "this machine's clock is more than 10 s behind the API server's"
    assert (clock in finished.stderr) is answers_ahead


MESH = Scenario(
    nodes(*(f"{near(number)} {near_6(number)}" for number in (1, 2, 3))),
    [],
    ["--probe", HTTPS, "--ready-service", "traefik/traefik"],
    unknown=["node-1", "node-2", "node-3"],
    serve=[WebServer(each(number)) for number in (1, 2, 3) for each in (near, near_6)],
)


@pytest.mark.parametrize("ready", [[], ["node-1"]], ids=["nowhere", "on one"])
def test_6_the_mesh_is_broken_and_all_nodes_answer(ready: list[str]) -> None:
    """All nodes are Unknown for minutes, and their endpoints not ready, but all answer https://: all stay."""
    outcome = probed(replace(MESH, endpoints=ready))
    assert outcome.status == 0, outcome.err
    assert outcome.shown == {each for found in MESH.nodes.values() for each in found}


def test_6_an_address_that_is_a_strangers_by_now_acquits_nobody() -> None:
    """A node is Unknown for minutes, and whoever has its address now answers http:// with a redirect: it leaves."""
    redirecting = [WebServer(near(number), 80, 302, "none") for number in (1, 2, 3)]
    scenario = Scenario(
        nodes(*map(near, (1, 2, 3))), [], ["--probe", f"http://{HOST}/"], unknown=["node-3"], serve=redirecting
    )
    outcome = probed(scenario)
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)}), outcome.err


def test_7_an_ingress_that_listens_on_ipv4_only(world: World) -> None:
    """The nodes have IPv6, their ingress does not: --ip-family IPv4 removes the AAAA sets."""
    zone = two_places_shown(world)
    synced(world, "--ip-family", "IPv4")
    assert answers(world, zone) == {f"A {PLACES}{FRANKFURT}": [FRA_4], f"A {PLACES}{NEW_YORK}": [NYC_4]}


def test_8_nine_of_ten_nodes_lose_their_label(world: World) -> None:
    """Of ten nodes nine lose their label at once: with --min-nodes 50% nothing is withdrawn."""
    zone = cluster(world, 10)
    for number in range(1, 10):
        world.kubernetes.edit("Node", f"node-{number}", lambda node: node["metadata"]["labels"].clear())
    options = ("--node-label-selector", "serve-public=true", "--min-nodes")
    finished = sync(world, *options, "50%")
    assert finished.returncode == 3
    assert (addresses(world, zone), world.route53.history) == ({*map(address, range(10))}, [])
    assert "9 addresses would go because no selected node has them" in finished.stderr
    synced(world, *options, "1")
    assert answers(world, zone) == showing(0)


def test_8_a_node_changes_its_prefix(world: World) -> None:
    """A node with two IPv6 addresses gets another prefix: --min-nodes 50% does not stand in the way."""
    world.node("fra-1", "2a01:4f8:c17:2::1,2a01:4f8:c17:2::2")
    zone = shows(world, world.route53.zone("example.com"), {"AAAA simple": ["2a01:4f8:c17:1::1", "2a01:4f8:c17:1::2"]})
    synced(world, "--min-nodes", "50%")
    assert addresses(world, zone) == {"2a01:4f8:c17:2::1", "2a01:4f8:c17:2::2"}


def test_9_two_runs_withdraw_ipv6_of_different_places(world: World) -> None:
    """Two runs that overlap withdraw the AAAA sets of different places, whose A sets stay: AAAA is never empty."""
    zone = two_places_shown(world)
    gate = Gate(world.dns, WRITE)
    annotate(world, "fra-1", "node-ips", FRA_4)
    first = forks.start(world, "sync-once", "--domain", DOMAIN)
    gate.reached()
    annotate(world, "fra-1", "node-ips", f"{FRA_4},{FRA_6}")
    annotate(world, "nyc-1", "node-ips", NYC_4)
    synced(world)
    gate.open()
    assert first.finish().returncode == 0
    expected = at_fra_and_nyc()
    del expected[f"AAAA {PLACES}{NEW_YORK}"]
    assert answers(world, zone) == expected
    for batch in world.route53.history:
        assert {each["Type"] for each in batch.after[f"{DOMAIN}."]} >= {"A", "AAAA"}


@pytest.mark.parametrize("dead", [(), (3,)], ids=["nobody", "one"])
def test_11_the_api_server_was_away(still: Stopped, dead: tuple[int, ...]) -> None:
    """After two minutes without an API server all nodes are Unknown, and recover one by one, the last after 108 s.

    Their Leases are young: nobody leaves but one that is really dead.
    """
    alive = [number for number in range(4) if number not in dead]
    zone = cluster(still, 4)
    turns_unknown(still, *range(4), seconds=0, lease_seconds=130)
    for recovers, seconds in ((None, 0), (alive[0], 31), (alive[1], 29), (None, 30), (alive[2], 18)):
        still.wait(seconds)
        for number in alive:
            still.kubernetes.renew_lease(f"node-{number}", age_seconds=9)
        if recovers is not None:
            returns(still, f"node-{recovers}")
        synced(still)
        assert answers(still, zone) == showing(*alive)
    assert address(3) in addresses(still, zone) or dead
