"""Go through all orders of steps, or through a sample of them, until a law is broken."""

import random
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from tests.proofs.interleavings.laws import Laws
from tests.proofs.interleavings.state import EVENTS, State, Step, Turn
from tests.proofs.interleavings.trace import told
from tests.proofs.interleavings.world import World

EVENT_CHANCE = 0.15
"""How often a step of a sample is an event, if there may be one."""

Path = list[tuple[State, Step, State]]


class BrokenLaw(AssertionError):
    """A law does not hold; says which, and how it came to that."""

    def __init__(self, law: str, path: Path) -> None:
        """Take the steps from the start on."""
        self.law = law
        self.trace = told(path)
        super().__init__("\n  ".join([law, *self.trace]))


@dataclass
class Explored:
    """How much was gone through: interleavings by the events in them, and the states that they lead through."""

    interleavings: Counter[str] = field(default_factory=Counter)
    states: int = 0


def explore(world: World, kinds: Iterable[str] = EVENTS, events: int = 1, strict: Container[str] = ()) -> Explored:
    """Go through every interleaving, shortest first; raises BrokenLaw.

    Whichever way led to a state, the same can happen next, so a state is gone on from once for all ways of the same
    length. Interleavings are counted all the same: they are the ways to where all runs have ended.
    """
    laws = Laws(world, strict)
    origin: dict[State, tuple[State, Step]] = {}
    ways = {world.start: 1}
    found = Explored()
    while ways:
        found.states += len(ways)
        following: dict[State, int] = {}
        for state, count in ways.items():
            if state.over():
                found.interleavings[_named(state)] += count
            for turn in world.turns(state, kinds, events):
                step, after = turn.take()
                for law in laws.broken(state, step, after):
                    raise BrokenLaw(law, [*_path(state, origin), (state, step, after)])
                origin.setdefault(after, (state, step))
                following[after] = following.get(after, 0) + count
        ways = following
    return found


def _path(state: State, origin: dict[State, tuple[State, Step]]) -> Path:
    path: Path = []
    while state in origin:
        before, step = origin[state]
        path.insert(0, (before, step, state))
        state = before
    return path


def sample(world: World, events: int, seed: int, count: int) -> Explored:
    """Go through so many interleavings at random; raises BrokenLaw."""
    laws = Laws(world)
    chance = random.Random(seed)  # noqa: S311 - no secret
    found = Explored()
    for _ in range(count):
        path: Path = []
        state = world.start
        while turns := [*world.turns(state, EVENTS, events)]:
            step, after = _chosen(turns, chance).take()
            path.append((state, step, after))
            for law in laws.broken(state, step, after):
                raise BrokenLaw(law, path)
            state = after
        found.interleavings[_named(state)] += 1
        found.states += len(path)
    return found


def _chosen(turns: Sequence[Turn], chance: random.Random) -> Turn:
    kinds = sorted({turn.event for turn in turns if turn.event})
    event = chance.choice(kinds) if kinds and chance.random() < EVENT_CHANCE else None
    return chance.choice([turn for turn in turns if turn.event == event] or turns)


def _named(state: State) -> str:
    return ", ".join(sorted(state.events)) or "none"
