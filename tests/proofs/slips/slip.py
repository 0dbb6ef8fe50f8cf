"""What a slip is: one change of one file."""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]


class Slip(NamedTuple):
    """A change that breaks a promise: in `file`, `before` becomes `after`; then `test` (a node id) has to fail."""

    promise: str
    file: str
    before: str
    after: str
    test: str
