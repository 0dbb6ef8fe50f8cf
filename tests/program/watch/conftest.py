"""What several files of watch's tests need."""

import pytest

from tests.sandbox.world import World
from tests.support.watching import populated


@pytest.fixture
def cluster(world: World) -> World:
    """Give a cluster of two nodes that can serve, with the CronJob `sync`."""
    return populated(world)
