"""What the fuzz tests share: servers and clients that outlive an example."""

from collections.abc import Iterator

import pytest

from tests.proofs.fuzz.site import Site
from tests.sandbox.world import World


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Give a cluster and an account with clients; each example renews them."""
    with World() as world, pytest.MonkeyPatch.context() as patch:
        for name, value in world.environment.items():
            patch.setenv(name, value)
        yield Site(world)
