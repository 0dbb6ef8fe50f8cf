"""How far a run got with each domain, and what is said of one that did not get there."""

import pytest

from jobs.core.errors import ConfigurationError, Failure, TemporaryError
from jobs.core.progress import Outcome, Outcomes, exit_status, given_up, settling, unsettled
from tests.support.builders import DOMAIN

LATE = Failure("not done within 45 s (--timeout)")


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        pytest.param([], 0, id="no domain"),
        pytest.param([None, Failure("down")], 1, id="one failed"),
        pytest.param([Failure("down"), ConfigurationError("CNAME")], 2, id="one is misconfigured"),
    ],
)
def test_the_exit_status_of_a_run(statuses: list[Failure | None], whole: int) -> None:
    """A CronJob would not see that a domain was left behind."""
    assert exit_status({str(number): Outcome("", error=error) for number, error in enumerate(statuses)}) == whole


def test_domains_that_still_want_something() -> None:
    """A domain that is done would be asked for again, or one that is not be forgotten."""
    outcomes = {"a": Outcome("a", settled=True), "b": Outcome("b")}
    assert unsettled(outcomes) == ["b"]


def test_what_is_not_settled_is_given_up() -> None:
    """A run without time left would call itself done."""
    outcomes: Outcomes = {}
    given_up(outcomes, [DOMAIN], LATE)
    assert outcomes == {DOMAIN: Outcome(DOMAIN, settled=True, error=LATE)}


def test_what_went_wrong_before_is_told_along() -> None:
    """The deadline would hide why the time was not enough."""
    outcomes = {"a": Outcome("a", writes=1, error=TemporaryError("Rate exceeded")), "b": Outcome("b")}
    given_up(outcomes, outcomes, LATE)
    assert str(outcomes["a"].error) == "not done within 45 s (--timeout): Rate exceeded"
    assert (outcomes["a"].writes, outcomes["a"].settled, outcomes["a"].exit_status) == (1, True, 1)
    assert outcomes["b"].error is LATE


def test_what_is_settled_stays_so() -> None:
    """A domain that is as it should be would be told to have failed, because another took too long."""
    done = Outcome("a", settled=True)
    outcomes = {"a": done, "b": Outcome("b")}
    given_up(outcomes, outcomes, LATE)
    assert (outcomes["a"], outcomes["b"].settled) == (done, True)


@pytest.mark.parametrize(
    ("error", "settled"),
    [pytest.param(TemporaryError("503"), False, id="temporary"), pytest.param(Failure("expired"), True, id="lasting")],
)
def test_a_failure_keeps_to_its_domain(error: Failure, *, settled: bool) -> None:
    """One bad domain would stop the others, or a passing error would end a domain."""
    outcomes = {"a": Outcome("a"), "b": Outcome("b")}
    with settling(outcomes, "a"):
        raise error
    assert outcomes == {"a": Outcome("a", settled=settled, error=error), "b": Outcome("b")}
