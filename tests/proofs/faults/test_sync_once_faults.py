"""sync-once when any one of its calls goes wrong, once or for good: it ends as the table promises."""

import pytest

from tests.proofs.faults.positions import check_all
from tests.proofs.faults.promises import KINDS
from tests.proofs.faults.sample import sample
from tests.proofs.faults.syncing import SCENARIOS, TO_OBJECT, Scenario, SyncCase, positions
from tests.sandbox.server import FaultKind
from tests.support.dnsendpoints import CHANGE, GET
from tests.support.sync_runs import WRITE

AT_ROUTE53 = [each for each in SCENARIOS if each is not TO_OBJECT]
SCENARIO = pytest.mark.parametrize("scenario", AT_ROUTE53, ids=lambda each: each.name)


@SCENARIO
@pytest.mark.parametrize("kind", KINDS)
def test_one_call_that_goes_wrong(scenario: Scenario, kind: FaultKind) -> None:
    """Whatever fault one of its calls meets, sync-once ends as the table promises."""
    found = positions(scenario)
    writes = [each for each in found if each.operation == WRITE]
    rest = [each for each in found if each.operation != WRITE]
    check_all([SyncCase(scenario, each, kind) for each in (*writes, *sample(rest, 2))])


@SCENARIO
def test_a_call_that_goes_wrong_for_good(scenario: Scenario) -> None:
    """Whatever fault a call meets for good, sync-once ends as the table promises and says what it waited for."""
    rows = [(position, kind) for position in positions(scenario) for kind in KINDS]
    check_all([SyncCase(scenario, *row, lasting=True) for row in sample(rows, 8)], at_once=8)


def test_a_call_about_a_dnsendpoint_that_goes_wrong() -> None:
    """Whatever fault reading or writing a DNSEndpoint meets, once or for good, sync-once ends as the table promises."""
    found = [each for each in positions(TO_OBJECT) if "dnsendpoints" in each.operation]
    first = [next(each for each in found if each.operation == operation) for operation in (GET, CHANGE)]
    rows = [(position, kind) for position in first for kind in KINDS]
    lasting = [SyncCase(TO_OBJECT, *row, lasting=True) for row in sample(rows, 6)]
    check_all([*lasting, *(SyncCase(TO_OBJECT, *row) for row in rows)], at_once=14)
