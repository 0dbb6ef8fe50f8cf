"""Whatever the order in which overlapping runs take their turns, and whatever happens between two of their calls.

The real `sync_once` runs against the rules of the strict store. Every call of a run that reads records, nodes or
evidence, or writes, is a point at which another run may go on, the nodes may change, a third party may write, the run
may crash (a write may have been sent then), or a write may be answered by a timeout and arrive at any later step or
never. Two calls are no such points: a look for the zone and an Event commute with all that happens here.

A third party may also protect the A records from every change, or take such a protection away.

Two runs with at most one event beside the changes of the nodes are explored completely: 1,503 million interleavings in
fifteen scenarios, 14,947 and 15,334 million in two more, and far more with health checks. `python -m
tests.proofs.interleavings` goes through all of them, and shows how each mistake is found; here each scenario has one
kind of event. It is sound to judge a step once for all interleavings that lead through equal states: a state holds all
that its runs have been told, and a run that is told the same does the same.

Three runs with up to three events and twice as many changes of the nodes are a random sample: INTERLEAVINGS says how
many a scenario gets. What is promised stands in `laws`.
"""

import gc
import logging
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from jobs.core.progress import MAX_WRITES
from jobs.core.verdict import resolve_doubts
from tests.proofs.interleavings.explore import BrokenLaw, explore, sample
from tests.proofs.interleavings.laws import NEWEST, TRACELESS, WHOLE
from tests.proofs.interleavings.mistakes import MISTAKES, RestatesNoPrecondition
from tests.proofs.interleavings.runs import Edge
from tests.proofs.interleavings.scenarios import CHECKED, NAMED, ONE_TYPE_ADDED, PROTECTED, SCENARIOS, UNDONE
from tests.proofs.interleavings.state import EVENTS, Scenario
from tests.proofs.interleavings.world import World

LEAST = 20_000  # interleavings of two runs in every scenario
SAMPLE = int(os.environ.get("INTERLEAVINGS", "60"))  # interleavings of three runs in every scenario

USUAL_EVENTS = [each for each in EVENTS if each != "protection"]


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    """Do without logs and garbage collection: here each of them would cost as much as the exploration."""
    logging.disable()
    gc.disable()
    yield
    gc.enable()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_two_runs_and_one_event(scenario: Scenario) -> None:
    """Two runs and one event keep every law in every order."""
    event = USUAL_EVENTS[SCENARIOS.index(scenario) % len(USUAL_EVENTS)]  # `tests.proofs.interleavings` takes all
    explored = explore(World(scenario), [event], strict=[WHOLE])
    assert explored.interleavings.total() > LEAST
    assert set(explored.interleavings) == {event, "none"}


@pytest.mark.parametrize("scenario", [*SCENARIOS, PROTECTED], ids=lambda scenario: scenario.name)
def test_three_runs_and_several_events(scenario: Scenario) -> None:
    """Three runs and three events keep every law in a sample of orders."""
    world = World(replace(scenario, moments=2 * scenario.moments), runs=3)
    explored = sample(world, events=3, seed=[*NAMED].index(scenario.name), count=SAMPLE)
    assert explored.interleavings.total() == SAMPLE


@pytest.mark.parametrize(("mistake", "name", "law"), MISTAKES)
def test_mistake_is_found(mistake: type[Edge], name: str, law: str) -> None:
    """Each known mistake breaks a law that the exploration finds.

    Otherwise the tests above pass for a program that does not keep its promises.
    """
    with pytest.raises(BrokenLaw) as broken:
        explore(World(NAMED[name], mistake), ())
    assert broken.value.law == law


@pytest.mark.parametrize(
    "shown", [pytest.param((), id="dropped instead of left"), pytest.param(None, id="published instead of left")]
)
def test_what_is_not_left_as_it_is_is_found(monkeypatch: pytest.MonkeyPatch, shown: tuple[()] | None) -> None:
    """A program that drops or publishes what is to be left as it is breaks a law that the exploration finds."""
    monkeypatch.setattr("jobs.core.records.resolve_doubts", lambda verdict, _: resolve_doubts(verdict, shown))
    with pytest.raises(BrokenLaw) as broken:
        explore(World(NAMED["a second Lease that runs out, for a while"]), ())
    assert broken.value.law == "an address that is left as it is enters or leaves DNS"


def test_fight_without_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that never gives up is found to write more than three times."""
    monkeypatch.setattr("jobs.core.progress.MAX_WRITES", 1 + MAX_WRITES)
    with pytest.raises(BrokenLaw, match=f"more than {MAX_WRITES} plans are written"):
        explore(World(NAMED["simple: a node fails and returns"]))


def test_a_race_that_is_taken_for_a_wrong_configuration_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that calls the first rejection a matter of configuration is found: somebody may have undone a change."""
    monkeypatch.setattr("jobs.core.progress.MAX_REJECTIONS", 1)
    with pytest.raises(BrokenLaw, match="a lost race is taken for a wrong configuration"):
        explore(World(NAMED["simple: a node fails and returns"]), ["ours"])


def test_a_protection() -> None:
    """Two runs that meet a protection, which may be taken away, keep every law in every order.

    None writes a third time what is refused twice while nobody else changes it, nor calls a lost race a protection.
    """
    explored = explore(World(PROTECTED), ["protection"], strict=[WHOLE, TRACELESS])
    assert set(explored.interleavings) == {"protection", "none"}


def test_a_fight_with_a_protection_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that takes a third refusal to be sure is found."""
    monkeypatch.setattr("jobs.core.progress.MAX_REJECTIONS", 3)
    with pytest.raises(BrokenLaw, match="what is refused though nobody else changes it is written once more"):
        explore(World(PROTECTED), ())


def test_a_protection_that_is_taken_for_a_race_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that gives a protection up as a race is found."""
    monkeypatch.setattr("jobs.core.progress.MAX_REJECTIONS", 3)
    monkeypatch.setattr("jobs.core.progress.MAX_WRITES", 2)
    with pytest.raises(BrokenLaw, match="a protection is taken for a lost race"):
        explore(World(PROTECTED), ())


def test_health_checks() -> None:
    """Two runs that keep health checks, and a crash, keep every law in every order."""
    explored = explore(World(CHECKED[0]), ["crash"])  # `tests.proofs.interleavings` takes the other events too
    assert set(explored.interleavings) == {"crash", "none"}


@pytest.mark.parametrize(
    ("limit", "seconds", "law"),
    [
        pytest.param(
            "YOUNG_SECONDS", 1e9, "a record set names a health check that is not there", id="takes up old ones"
        ),
        pytest.param(
            "ORPHAN_SECONDS", -1, "a record set names a health check that is not there", id="deletes young ones"
        ),
        pytest.param("ORPHAN_SECONDS", 1e9, "one more run does not put it right: an hour", id="deletes none"),
    ],
)
def test_mistake_about_health_checks_is_found(
    monkeypatch: pytest.MonkeyPatch, limit: str, seconds: float, law: str
) -> None:
    """A run that takes up a check which another is deleting, or deletes one that another is naming, is found."""
    monkeypatch.setattr(f"jobs.core.check_assignment.{limit}", seconds)
    with pytest.raises(BrokenLaw, match=law):
        explore(World(CHECKED[0]), ())


def test_trace_tells_a_story() -> None:
    """The way to a broken law is described step by step."""
    with pytest.raises(BrokenLaw) as broken:
        explore(World(NAMED["the last A and the last AAAA"], RestatesNoPrecondition), ())
    assert broken.value.trace == [
        "run 1: reads the records: A: 5.0.0.1, AAAA: 2600::2",
        "run 1: lists the nodes",
        "run 2: reads the records: A: 5.0.0.1, AAAA: 2600::2",
        "run 1: writes - AAAA: 2600::2: accepted",
        "one fails, two returns",
        "run 2: lists the nodes",
        "run 2: writes - A: 5.0.0.1: accepted",
    ]


def test_limit_a_look_that_finds_nothing_to_do() -> None:
    """A known limit: a run with nothing to do does not see what was written since it read the records.

    So DNS is no older than the moment when the last of the runs began its last look; it may be older than its nodes.
    """
    with pytest.raises(BrokenLaw) as broken:
        explore(World(NAMED["simple: a node fails and returns"]), (), strict=[NEWEST])
    assert broken.value.trace == [
        "run 1: reads the records: A: 5.0.0.1 5.0.0.2, AAAA: 2600::1 2600::2",
        "run 2: reads the records: A: 5.0.0.1 5.0.0.2, AAAA: 2600::1 2600::2",
        "two fails",
        "run 1: lists the nodes",
        "run 1: writes - A: 5.0.0.1 5.0.0.2; - AAAA: 2600::1 2600::2; + A: 5.0.0.1; + AAAA: 2600::1: accepted",
        "run 1: reads the records: A: 5.0.0.1, AAAA: 2600::1",
        "run 1: lists the nodes; ends well",
        "two returns",
        "run 2: lists the nodes; ends well",
    ]


def test_limit_the_first_set_of_a_type_during_a_switch() -> None:
    """A known limit: a batch that creates AAAA does not notice a switch of A.

    Nor could a batch that switches A notice a new AAAA. The next look of the runs puts it right: all other laws hold.
    """
    assert explore(World(ONE_TYPE_ADDED)).interleavings.total() > LEAST
    with pytest.raises(BrokenLaw) as broken:
        explore(World(ONE_TYPE_ADDED), (), strict=[WHOLE])
    assert broken.value.trace == [
        "run 1: reads the records: A: 5.0.0.1",
        "run 1: lists the nodes",
        "run 2: reads the records: A: 5.0.0.1",
        "run 1: writes - A: 5.0.0.1; + A at 48.86,2.35: 5.0.0.1: accepted",
        "two joins without coordinates",
        "run 2: lists the nodes",
        "run 2: writes + AAAA: 2600::2: accepted",
    ]


def test_limit_a_race_that_is_undone_before_the_next_look() -> None:
    """A known limit: a race whose traces another run has removed counts as a refusal by something in the way.

    It takes a true one beside it: without any protection no order of these runs leads to a wrong configuration.
    """
    with pytest.raises(BrokenLaw) as broken:
        explore(World(UNDONE), (), strict=[TRACELESS])
    assert broken.value.law == TRACELESS
    assert broken.value.trace[:-1] == [
        "run 1: reads the records: A: 5.0.0.1 5.0.0.2, AAAA: 2600::1",
        "run 1: lists the nodes",
        "run 1: writes - A: 5.0.0.1 5.0.0.2; + A: 5.0.0.1: refused",
        "run 1: reads the records: A: 5.0.0.1 5.0.0.2, AAAA: 2600::1",
        "run 2: reads the records: A: 5.0.0.1 5.0.0.2, AAAA: 2600::1",
        "two returns with IPv6",
        "run 1: lists the nodes",
        "run 2: lists the nodes",
        "run 2: writes - AAAA: 2600::1; + AAAA: 2600::1 2600::2: accepted",
        "run 1: writes - AAAA: 2600::1; + AAAA: 2600::1 2600::2: refused",
        "run 2: reads the records: A: 5.0.0.1 5.0.0.2, AAAA: 2600::1 2600::2",
        "two loses its IPv6",
        "run 2: lists the nodes",
        "run 2: writes - AAAA: 2600::1 2600::2; + AAAA: 2600::1: accepted",
        "run 1: reads the records: A: 5.0.0.1 5.0.0.2, AAAA: 2600::1",
        "two fails again",
    ]
    assert "Route 53 refuses to change these record sets" in broken.value.trace[-1]
