"""annotate-once when its one call goes wrong, once or for good: it ends as the table promises."""

from tests.proofs.faults.annotating import AnnotateCase, positions
from tests.proofs.faults.positions import check_all
from tests.proofs.faults.promises import KINDS


def test_the_call_that_goes_wrong() -> None:
    """Whatever fault its call meets, once or for good, annotate-once ends as the table promises."""
    cases = [AnnotateCase(each, kind, lasting) for each in positions() for kind in KINDS for lasting in (False, True)]
    check_all(cases, at_once=16)
