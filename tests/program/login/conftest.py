"""What every test of logging in needs."""

import pytest

from tests.sandbox.kubernetes import User
from tests.sandbox.world import World
from tests.support.processes import NODE


@pytest.fixture
def cluster(world: World) -> World:
    """Give a cluster that knows this node and accepts any of a few tokens."""
    world.node(NODE)
    world.kubernetes.tokens.update({token: User(token) for token in ("first", "second", "pod")})
    return world
