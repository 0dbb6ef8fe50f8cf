"""sync-once under faults: what it has to do, and what must be true of it whatever goes wrong."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.proofs.faults.positions import Position, recorded, small_pages
from tests.proofs.faults.promises import LOST, Promise, for_good, once, words
from tests.sandbox.account import simple
from tests.sandbox.kubernetes_builders import endpoint, endpoint_slice
from tests.sandbox.server import FaultKind
from tests.sandbox.world import Finished, World
from tests.support import forks
from tests.support.dnsendpoints import DEFINITION, PUBLISH, objects, put_object, targets
from tests.support.dnsendpoints import endpoint as target
from tests.support.journal import Journal, check_history
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
    all_in_one,
    annotate,
    answers,
    at_fra_and_nyc,
    document,
    ends,
    forget,
    no_place_shown,
    others,
    shows,
    two_places,
)

SERVICE = "traefik/traefik"
SGP_4, SGP_6 = "5.223.50.3", "2a01:4ff:2f0:5::3"
Sets = dict[str, list[str]]


@dataclass(frozen=True)
class Scenario:
    """A run with something to do: `prepare` makes the world and gives the zone's id and what DNS must show in the end.

    Whatever the options, one batch is all it takes.
    """

    name: str
    prepare: Callable[[World], tuple[str, Sets]]
    options: Callable[[str], tuple[str, ...]] = lambda _zone: ()
    to_object: bool = False
    """Whether it publishes to a DNSEndpoint."""

    def shown(self, world: World, zone: str) -> Sets:
        """Give what the domain shows."""
        if not self.to_object:
            return answers(world, zone)
        return {kind: sorted(values) for kind, values in targets(world).items()}

    def writes(self, world: World) -> int:
        """Count the writes that were applied to what was there."""
        if not self.to_object:
            return len(world.route53.history)
        generation: int = objects(world)[DOMAIN]["metadata"]["generation"]
        return generation - 1

    @property
    def waits(self) -> bool:
        """Whether the run waits for INSYNC."""
        return "--wait" in self.options("")


def three_places(world: World) -> str:
    """Make nodes at three places with Leases and a ready endpoint each; give the zone's id."""
    zone = two_places(world)
    world.node("sgp-1", f"{SGP_4},{SGP_6}", SINGAPORE)
    for number, node in enumerate(("fra-1", "nyc-1", "sgp-1")):
        world.kubernetes.renew_lease(node, age_seconds=4)
        world.kubernetes.put(endpoint_slice("traefik", "traefik", [endpoint(node)], name=f"traefik-{number}"))
    world.route53.zone("sub.example.com")
    world.route53.put(zone, simple(f"{DOMAIN}.", "TXT", '"theirs"'), simple("www.example.com.", "A", "192.0.2.1"))
    return zone


def at_sgp() -> Sets:
    """Give what the third place looks like in DNS."""
    return {f"A {PLACES}{SINGAPORE}": [SGP_4], f"AAAA {PLACES}{SINGAPORE}": [SGP_6]}


def _withdraws(world: World) -> tuple[str, Sets]:
    zone = shows(world, three_places(world), {**at_fra_and_nyc(), **at_sgp()})
    ends(world, "sgp-1")
    return zone, at_fra_and_nyc()


def _creates(world: World) -> tuple[str, Sets]:
    return three_places(world), {**at_fra_and_nyc(), **at_sgp()}


def _switches(world: World) -> tuple[str, Sets]:
    zone = no_place_shown(world)
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    annotate(world, "nyc-1", "aws-geoproximity-coordinates", NEW_YORK)
    return zone, at_fra_and_nyc()


def _changes_object(world: World) -> tuple[str, Sets]:
    zone = three_places(world)
    world.kubernetes.define(DEFINITION)
    put_object(world, target("A", FRA_4, NYC_4, SGP_4), target("AAAA", FRA_6, NYC_6, SGP_6))
    ends(world, "sgp-1")
    return zone, {kind: sorted(values) for kind, values in all_in_one().items()}


WITHDRAWS = Scenario("withdraws a place", _withdraws, lambda _: ("--ready-service", SERVICE))
WAITS = Scenario("fills an empty name and waits", _creates, lambda zone: ("--wait", "--zone-id", zone))
SWITCHES = Scenario("turns to geoproximity", _switches)
TO_OBJECT = Scenario("changes a DNSEndpoint", _changes_object, lambda _: PUBLISH, to_object=True)
SCENARIOS = (WITHDRAWS, WAITS, SWITCHES, TO_OBJECT)


@contextmanager
def prepared(
    scenario: Scenario, clock: Callable[[], float] = time.time
) -> Iterator[tuple[World, str, Sets, tuple[str, ...]]]:
    """Make the world of a scenario; give it with the zone's id, what must be shown, and the command."""
    with World(clock=clock) as world:
        small_pages(world)
        zone, wanted = scenario.prepare(world)
        forget(world)
        yield world, zone, wanted, ("sync-once", "--domain", DOMAIN, *scenario.options(zone))


@cache
def positions(scenario: Scenario) -> tuple[Position, ...]:
    """Record the calls of a run in which nothing goes wrong."""
    with prepared(scenario) as (world, zone, wanted, command):
        finished = forks.run(world, *command)
        assert (finished.returncode, scenario.shown(world, zone)) == (0, wanted), finished.stderr
        return tuple(recorded(world))


@dataclass(frozen=True)
class SyncCase:
    """A run one call of which goes wrong, once or from then on."""

    scenario: Scenario
    position: Position
    kind: FaultKind
    lasting: bool = False

    def __str__(self) -> str:
        """Name it."""
        return f"{self.scenario.name}, {self.kind}{' for good' * self.lasting} at {self.position}"

    @property
    def promise(self) -> Promise:
        """Look it up in the table."""
        promised = for_good if self.lasting else once
        return promised(self.position.operation, self.kind, waits=self.scenario.waits)

    def check(self) -> None:
        """Run it, then hold log, result and DNS to the promise; the next run does what this one could not."""
        with prepared(self.scenario) as (world, zone, wanted, command):
            journal = Journal(world)
            before, foreign = self.scenario.shown(world, zone), others(world, zone)
            self.position.strike(world, self.kind, lasting=self.lasting)
            seconds = "15" if self.lasting else "40"
            finished = forks.start(world, *command, "--timeout", seconds, "--output", "json").finish(60)
            self._check_end(finished)
            self._check_dns(world, journal, self.scenario.shown(world, zone), (before, wanted), finished)
            self.position.heal(world)
            if finished.returncode:
                again = forks.run(world, *command)
                assert again.returncode == 0, again.stderr
            assert self.scenario.shown(world, zone) == wanted, finished.stderr
            assert others(world, zone) == foreign, "records of others are touched"
            check_history(world)

    def _check_end(self, finished: Finished) -> None:
        promise = self.promise
        log = finished.stderr
        assert finished.returncode == promise.status, f"ended with {finished.returncode}:\n{log}"
        assert all(re.match("(info|warning|error): ", line) for line in log.splitlines()), log
        found = document(finished)
        (domain,) = found["domains"]
        assert found["status"] == promise.status
        assert (domain["error"] is not None) == bool(promise.status)
        said = words(self.position.operation, self.kind)
        if promise.told:
            assert re.search(said, log), f"the log does not say {said}:\n{log}"
        elif promise.told is False:
            assert not re.search("^(warning|error)", log, re.MULTILINE), log
        if promise.status and self.kind not in LOST:
            assert re.search(said, domain["error"]), f"the result does not say {said}: {domain['error']}"

    def _check_dns(
        self, world: World, journal: Journal, shown: Sets, expected: tuple[Sets, Sets], finished: Finished
    ) -> None:
        """Hold DNS to the old or the new, the batch to being applied once, and each node to one Event at most."""
        assert shown in (expected if finished.returncode else expected[1:]), shown
        assert self.scenario.writes(world) == (shown != expected[0]), "applied twice"
        if self.kind != "throttled":
            journal.check()
        about = [each.value["involvedObject"]["name"] for each in world.kubernetes.store if _is_event(each)]
        assert len(set(about)) == len(about), "two Events about one node"
        if not finished.returncode and self.position.operation != "create events":
            old, new = (set().union(*each.values()) for each in expected)
            assert bool(about) == (old != new), "no Event about the change"


def _is_event(stored: Any) -> bool:  # noqa: ANN401 - the store's own
    return bool(stored.resource.kind == "Event")
