"""The slips can be made, and the tests that are to notice them are there."""

import re
from functools import cache

from tests.proofs.slips.slip import ROOT
from tests.proofs.slips.slips import SLIPS


@cache
def _text(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def test_every_slip_can_be_made() -> None:
    """The text that a slip changes stands once in its file, and the test that it names is there."""
    for slip in SLIPS:
        assert _text(slip.file).count(slip.before) == 1, slip
        assert slip.before != slip.after, slip
        file, _, test = slip.test.partition("::")
        assert re.search(rf"^def {test.partition('[')[0]}\(", _text(file), re.MULTILINE), slip


def test_every_promise_stands_once() -> None:
    """No promise is broken twice in the same way."""
    promises = [(slip.promise, slip.file) for slip in SLIPS]
    assert len(promises) == len(set(promises))
