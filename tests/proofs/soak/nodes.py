"""Nodes that come and go, fail and recover, and are annotated well and badly, at random."""

import random
import threading
from typing import Any

from tests.sandbox.world import World
from tests.support.sync_runs import FRANKFURT, NEW_YORK, SINGAPORE, annotate

PLACES = (FRANKFURT, NEW_YORK, SINGAPORE, "-33.87,151.21")
NAMES = tuple(f"node-{number}" for number in range(7))


class Nodes:
    """The nodes of a world, which change when they are told to."""

    def __init__(self, world: World, chance: random.Random) -> None:
        """Begin with all but the last one, ready and at their places."""
        self._world, self._chance = world, chance
        self._lock = threading.Lock()
        self._there: set[str] = set()
        self._silent: set[str] = set()
        for name in NAMES[:-1]:
            self._add(name)

    def renew_leases(self) -> None:
        """Let each kubelet but the silent ones have renewed its Lease four seconds ago."""
        with self._lock:
            for name in self._there:
                self._renew(name)

    def change(self) -> None:
        """Let something happen to one of them."""
        with self._lock:
            name = self._chance.choice(NAMES)
            if name not in self._there:
                self._add(name)
            else:
                self._chance.choice(
                    (self._ready, self._ready, self._lease, self._cordon, self._annotate, self._remove)
                )(name)

    def _add(self, name: str) -> None:
        self._there.add(name)
        self._silent.discard(name)
        self._world.node(name, self._addresses(), self._chance.choice(PLACES))
        self._renew(name)

    def _remove(self, name: str) -> None:
        if len(self._there) > 3:
            self._there.discard(name)
            self._world.kubernetes.remove("Node", name)

    def _ready(self, name: str) -> None:
        status = self._chance.choice(("True", "True", "False", "Unknown"))
        self._world.kubernetes.set_ready(name, status, "by chance", age_seconds=self._chance.choice((5, 40)))

    def _lease(self, name: str) -> None:
        (self._silent.discard if name in self._silent else self._silent.add)(name)
        self._renew(name)

    def _cordon(self, name: str) -> None:
        def turn(node: dict[str, Any]) -> None:
            node["spec"]["unschedulable"] = not node["spec"].get("unschedulable", False)

        self._world.kubernetes.edit("Node", name, turn)

    def _annotate(self, name: str) -> None:
        if self._chance.random() < 0.5:
            annotate(
                self._world, name, "node-ips", self._chance.choice((self._addresses(), self._addresses(), "", "?"))
            )
        else:
            place = self._chance.choice((*PLACES, *PLACES, "95.00,8.68", None))
            annotate(self._world, name, "aws-geoproximity-coordinates", place)

    def _renew(self, name: str) -> None:
        self._world.kubernetes.renew_lease(name, age_seconds=31 if name in self._silent else 4)

    def _addresses(self) -> str:
        number = self._chance.randrange(1, 250)
        return self._chance.choice((f"5.75.128.{number}", f"5.75.128.{number},2a01:4f8:c17:1::{number:x}"))
