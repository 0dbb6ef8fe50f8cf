"""Which rows of the table a test run tries; `python -m tests.proofs.faults` tries them all."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

Row = TypeVar("Row")

ALL = "KUBE_NODE_DNS_ALL_FAULTS"
"""The variable that makes the tests try every row; its value does not matter."""


def sample(rows: Sequence[Row], count: int) -> list[Row]:
    """Take so many rows, the same each time, or all if the environment says so."""
    if ALL in os.environ or count >= len(rows):
        return list(rows)
    return random.Random(0).sample(rows, count)  # noqa: S311 - no secret
