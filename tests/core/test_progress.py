"""How far a run got with each domain, and what is reported of one that did not get there."""

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
    """A run's exit status is the worst of its domains'."""
    assert exit_status({str(number): Outcome("", error=error) for number, error in enumerate(statuses)}) == whole


def test_domains_that_still_want_something() -> None:
    """Only domains that are not settled are asked for again."""
    outcomes = {"a": Outcome("a", settled=True), "b": Outcome("b")}
    assert unsettled(outcomes) == ["b"]


def test_what_is_not_settled_is_given_up() -> None:
    """A domain without an outcome fails with what ended the run."""
    outcomes: Outcomes = {}
    given_up(outcomes, [DOMAIN], LATE)
    assert outcomes == {DOMAIN: Outcome(DOMAIN, settled=True, error=LATE)}


def test_what_went_wrong_before_is_told_along() -> None:
    """The deadline's message keeps what went wrong before it."""
    outcomes = {"a": Outcome("a", writes=1, error=TemporaryError("Rate exceeded")), "b": Outcome("b")}
    given_up(outcomes, outcomes, LATE)
    assert str(outcomes["a"].error) == "not done within 45 s (--timeout): Rate exceeded"
    assert (outcomes["a"].writes, outcomes["a"].settled, outcomes["a"].exit_status) == (1, True, 1)
    assert outcomes["b"].error is LATE


def test_what_is_settled_stays_so() -> None:
    """A domain that is settled stays so when the run ends early."""
    done = Outcome("a", settled=True)
    outcomes = {"a": done, "b": Outcome("b")}
    given_up(outcomes, outcomes, LATE)
    assert (outcomes["a"], outcomes["b"].settled) == (done, True)


@pytest.mark.parametrize(
    ("error", "settled"),
    [pytest.param(TemporaryError("503"), False, id="temporary"), pytest.param(Failure("expired"), True, id="lasting")],
)
def test_a_failure_keeps_to_its_domain(error: Failure, *, settled: bool) -> None:
    """A failure concerns its domain alone; only a lasting one settles it."""
    outcomes = {"a": Outcome("a"), "b": Outcome("b")}
    with settling(outcomes, "a"):
        raise error
    assert outcomes == {"a": Outcome("a", settled=settled, error=error), "b": Outcome("b")}
