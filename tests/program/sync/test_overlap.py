"""Runs of sync-once that overlap: whatever they saw and whenever they write, DNS ends with the newest nodes."""

import random
import threading
from collections.abc import Callable

import pytest

from tests.sandbox.server import Call
from tests.sandbox.world import Finished, World
from tests.support import forks
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    SINGAPORE,
    WRITE,
    Gate,
    addresses,
    answers,
    at_fra,
    at_fra_and_nyc,
    at_nyc,
    breaks,
    ends,
    no_place_shown,
    returns,
    slow,
    synced,
    two_places,
    two_places_shown,
)

RUN = ("sync-once", "--domain", DOMAIN)


def check_never_empty(world: World) -> None:
    """Expect that the name has answered with both families all the time, and never with two policies."""
    for batch in world.route53.history:
        sets = [each for each in batch.after[f"{DOMAIN}."] if each["Type"] in {"A", "AAAA"}]
        assert {each["Type"] for each in sets} == {"A", "AAAA"}
        assert len({"GeoProximityLocation" in each for each in sets}) == 1


def overtaken(world: World, meanwhile: Callable[[], object]) -> tuple[Finished, Finished]:
    """Hold a run before its write; let the world change and a second run see it and end; then let the first go on."""
    gate = Gate(world.dns, WRITE)
    first = forks.start(world, *RUN)
    gate.reached()
    meanwhile()
    second = forks.run(world, *RUN)
    gate.open()
    return first.finish(), second


def both_done(runs: tuple[Finished, Finished]) -> None:
    """Expect success of both."""
    assert [each.returncode for each in runs] == [0, 0], [each.stderr for each in runs]


def test_older_view_does_not_bring_a_failed_node_back(world: World) -> None:
    """A run with an older view does not bring back a node that another run has withdrawn meanwhile."""
    zone = two_places(world)
    both_done(overtaken(world, lambda: ends(world, "nyc-1")))
    assert answers(world, zone) == at_fra()


def test_older_view_does_not_take_a_returned_node_out(world: World) -> None:
    """A run with an older view does not withdraw a node that another run has seen return."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    both_done(overtaken(world, lambda: returns(world, "nyc-1")))
    assert answers(world, zone) == at_fra_and_nyc()
    check_never_empty(world)


def test_two_runs_that_withdraw_different_places_do_not_empty_the_name(world: World) -> None:
    """Two runs that each withdraw another place leave DNS with the place that serves now, and the name never empty."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")

    def flip() -> None:
        returns(world, "nyc-1")
        ends(world, "fra-1")

    both_done(overtaken(world, flip))
    assert answers(world, zone) == at_nyc()
    check_never_empty(world)


def test_two_runs_that_withdraw_different_places_at_the_same_moment(world: World) -> None:
    """Two runs whose writes arrive together, each withdrawing another place, leave DNS with the place that serves."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    both = threading.Barrier(2, timeout=60)
    writes: list[Call] = []
    lock = threading.Lock()

    def flip() -> None:
        returns(world, "nyc-1")
        ends(world, "fra-1")
        others.append(forks.start(world, *RUN))

    def meet(call: Call) -> None:
        if call.operation != WRITE:
            return
        with lock:
            writes.append(call)
            number = len(writes)
        if number == 1:
            flip()
        if number <= 2:
            both.wait()

    world.dns.before = meet
    others: list[forks.Forked] = []
    first = forks.run(world, *RUN)
    both_done((first, others[0].finish()))
    assert answers(world, zone) == at_nyc()
    check_never_empty(world)


def test_simple_set_changed_by_both(world: World) -> None:
    """Of two runs that change a simple set, the later write keeps what the earlier one did."""
    zone = no_place_shown(world)
    world.node("sgp-1", "5.223.50.3")

    def flip() -> None:
        ends(world, "nyc-1")
        world.node("syd-1", "5.223.60.4")

    both_done(overtaken(world, flip))
    assert addresses(world, zone) >= {FRA_4, "5.223.50.3", "5.223.60.4"}
    assert NYC_4 not in addresses(world, zone)
    check_never_empty(world)


def test_two_runs_fill_an_empty_name(world: World) -> None:
    """Of two runs that fill an empty name both succeed; one batch is applied, and one run reports it as its own."""
    zone = two_places(world)
    first, second = overtaken(world, lambda: None)
    both_done((first, second))
    assert answers(world, zone) == at_fra_and_nyc()
    assert len(world.route53.history) == 1
    assert ["+ A geoproximity" in each.stdout for each in (first, second)] == [False, True]


def test_run_overtaken_by_two(world: World) -> None:
    """A run that two others have overtaken leaves DNS as the newest of them made it."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    gate = Gate(world.dns, WRITE)
    first = forks.start(world, *RUN)
    gate.reached()
    for change, node in ((returns, "nyc-1"), (ends, "fra-1")):
        change(world, node)
        synced(world)
    gate.open()
    assert first.finish().returncode == 0
    assert answers(world, zone) == at_nyc()
    check_never_empty(world)


def test_view_that_grew_old_in_the_second_look(world: World) -> None:
    """A run whose look after its write has grown old does not undo what a newer run has written meanwhile."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    gate = Gate(world.dns, "ListResourceRecordSets", 2)
    first = forks.start(world, *RUN)
    gate.reached()
    returns(world, "nyc-1")
    synced(world)
    gate.open()
    assert first.finish().returncode == 0
    assert answers(world, zone) == at_fra_and_nyc()
    check_never_empty(world)


def flipping(world: World, names: tuple[str, ...], chance: random.Random) -> Callable[[Call], None]:
    """Let one node fail or return before some of the first node lists; never all of them at a time."""
    down: set[str] = set()
    lists: list[Call] = []
    lock = threading.Lock()

    def flip(call: Call) -> None:
        with lock:
            lists.append(call)
            if len(lists) > 6 or chance.random() < 0.3:
                return
            name = chance.choice(names)
            if name in down:
                down.remove(name)
                returns(world, name)
            elif len(down) < len(names) - 1:
                down.add(name)
                breaks(world, name)

    return flip


@pytest.mark.parametrize("seed", range(2))
def test_three_runs_while_nodes_flip(world: World, seed: int) -> None:
    """Three runs at once while nodes fail and return leave DNS with those that serve.

    If one of them fails, the next run does it. Meanwhile the name is never empty, nor of two policies.
    """
    places = {"fra-1": FRANKFURT, "nyc-1": NEW_YORK, "sgp-1": SINGAPORE}
    zone = world.route53.zone("example.com")
    for number, (name, place) in enumerate(places.items()):
        world.node(name, f"5.75.128.{number},2a01:4f8:c17:1::{number}", place if seed % 2 else None)
    synced(world)
    chance = random.Random(seed)  # noqa: S311 - no secret
    world.cluster.before = flipping(world, tuple(places), chance)
    for operation in (WRITE, "ListResourceRecordSets"):
        world.dns.fail(slow(operation, 0.1 + 0.3 * chance.random(), last=None))
    world.cluster.fail(slow("list nodes", 0.2 * chance.random(), last=None))
    runs = [each.finish() for each in [forks.start(world, *RUN) for _ in range(3)]]
    check_never_empty(world)
    assert {each.returncode for each in runs} <= {0, 1}
    if any(each.returncode for each in runs):
        world.dns.heal()
        synced(world)
    serving = {
        f"5.75.128.{number}"
        for number, name in enumerate(places)
        if world.kubernetes.get("Node", name)["status"]["conditions"][-1]["status"] == "True"
    }
    assert {each for each in addresses(world, zone) if "." in each} == serving
