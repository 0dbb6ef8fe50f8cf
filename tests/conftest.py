"""What every test that runs the program needs."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.sandbox.world import World

settings.register_profile("here", deadline=None, derandomize=True)
settings.load_profile("here")


@pytest.fixture
def world() -> Iterator[World]:
    """Give a fresh cluster and a fresh Route 53 account on loopback."""
    with World() as fresh:
        yield fresh
