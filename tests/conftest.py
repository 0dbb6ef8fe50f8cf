"""What every test that runs the program needs."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from tests.sandbox.world import World

settings.register_profile("here", deadline=None, derandomize=True, max_examples=30)
settings.register_profile("brief", settings.get_profile("here"), max_examples=10)  # for --quick
settings.register_profile(  # one failure is enough there, however large
    "mutants", settings.get_profile("brief"), phases=[Phase.explicit, Phase.generate]
)
settings.register_profile("long", deadline=None, max_examples=2_000, print_blob=True)  # others each time
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "here"))


@pytest.fixture
def world() -> Iterator[World]:
    """Give a fresh cluster and a fresh Route 53 account on loopback."""
    with World() as fresh:
        yield fresh
