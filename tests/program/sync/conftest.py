"""What several files of sync-once's tests need."""

from collections.abc import Iterator

import pytest

from tests.sandbox.world import World
from tests.support.dnsendpoints import DEFINITION
from tests.support.sync_runs import two_places


@pytest.fixture
def dnsendpoints(world: World) -> Iterator[None]:
    """Let the cluster have two nodes and know DNSEndpoints; nobody asks AWS."""
    world.kubernetes.define(DEFINITION)
    two_places(world)
    yield
    assert world.dns.operations() == []
