"""How far a run got with each domain, and what is reported of one that did not get there."""

from collections.abc import Callable
from typing import Any

import pytest

from jobs.core.errors import CheckGone, ConfigurationError, Conflict, Failure, LostRace, TemporaryError
from jobs.core.plan import Change, Plan
from jobs.core.progress import Domain, Progress
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import with_health_check
from jobs.core.zones import Zone
from tests.support.builders import DOMAIN, LIMA, PARIS, TOKYO, near, plain

REJECTED = Conflict("[protected]")
GONE = CheckGone("NoSuchHealthCheck")
LOST = TemporaryError("timed out")
LATE = Failure("not done within 45 s (--timeout)")
AT_PARIS, AT_TOKYO, AT_LIMA = near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.2"), near("A", LIMA, "5.0.0.3")
NEW_CHECK = Change(AT_PARIS, with_health_check(AT_PARIS, "c"))


def finished(*names: str) -> Progress:
    """Give a run that is done with its domains."""
    progress = Progress(names)
    for name in names:
        progress.finish(name)
    return progress


def test_a_run_begins_with_nothing_known() -> None:
    """Nothing is known of a domain before the run has looked at it, and it is open."""
    progress = Progress([DOMAIN])
    assert [*progress] == [Domain(DOMAIN)]
    assert progress.open == [DOMAIN]
    assert not progress[DOMAIN].has_written
    assert progress[DOMAIN].difference == Plan((), ())


def test_domains_stay_in_the_order_given() -> None:
    """Domains are in the order in which they were given, whichever is done first."""
    progress = Progress(["b.example", "a.example", "c.example"])
    progress.finish("c.example")
    assert [domain.name for domain in progress] == ["b.example", "a.example", "c.example"]
    assert progress.open == ["b.example", "a.example"]


@pytest.mark.parametrize(
    ("errors", "whole"),
    [
        pytest.param([], 0, id="no domain"),
        pytest.param([None, Failure("down")], 1, id="one failed"),
        pytest.param([Failure("down"), ConfigurationError("CNAME")], 2, id="one is misconfigured"),
    ],
)
def test_the_exit_status_of_a_run(errors: list[Failure | None], whole: int) -> None:
    """A run's exit status is the worst of its domains'."""
    names = [str(number) for number in range(len(errors))]
    progress = finished(*names)
    for name, error in zip(names, errors, strict=True):
        progress.note(name, error=error)
    assert progress.exit_status == whole


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        pytest.param(Domain(DOMAIN), 0, id="done"),
        pytest.param(Domain(DOMAIN, refusal="too few"), 3, id="refused"),
        pytest.param(Domain(DOMAIN, error=Failure("down")), 1, id="failed"),
        pytest.param(Domain(DOMAIN, error=ConfigurationError("CNAME")), 2, id="misconfigured"),
        pytest.param(Domain(DOMAIN, error=Failure("down"), refusal="too few"), 1, id="an error counts first"),
    ],
)
def test_the_exit_status_of_a_domain(domain: Domain, status: int) -> None:
    """A domain's exit status is that of its error, else 3 where --min-nodes refused."""
    assert domain.exit_status == status


def test_a_note_changes_nothing_else() -> None:
    """What is noted of a domain leaves what was known of it, and other domains, as they were."""
    progress = Progress(["a", "b"])
    progress.note("a", warnings=("careful",))
    progress.note("a", writes=1)
    assert [*progress] == [Domain("a", warnings=("careful",), writes=1), Domain("b")]


def test_what_is_not_done_is_given_up() -> None:
    """A domain that is still open fails with what ended the run."""
    progress = Progress([DOMAIN])
    assert progress.give_up(LATE)
    assert [*progress] == [Domain(DOMAIN, done=True, error=LATE)]


def test_what_went_wrong_before_goes_along() -> None:
    """The deadline's message keeps what went wrong before it."""
    progress = Progress(["a", "b"])
    progress.note("a", writes=1, error=TemporaryError("Rate exceeded"))
    progress.give_up(LATE)
    assert str(progress["a"].error) == "not done within 45 s (--timeout): Rate exceeded"
    assert (progress["a"].writes, progress["a"].done, progress["a"].exit_status) == (1, True, 1)
    assert progress["b"].error is LATE


def test_what_is_done_stays_so() -> None:
    """A domain that is done stays as it is when the run ends early."""
    progress = Progress(["a", "b"])
    progress.finish("a")
    progress.give_up(LATE)
    assert [*progress] == [Domain("a", done=True), Domain("b", done=True, error=LATE)]


def test_with_every_domain_done_there_is_nothing_to_give_up() -> None:
    """When every domain has its result, giving up changes nothing and says so: the failure needs a line of its own."""
    progress = finished("a", "b")
    assert not progress.give_up(LATE)
    assert progress.exit_status == 0


@pytest.mark.parametrize(
    ("error", "is_done"),
    [
        pytest.param(TemporaryError("503"), False, id="temporary"),
        pytest.param(Failure("expired"), True, id="lasting"),
    ],
)
def test_a_failure_keeps_to_its_domains(error: Failure, *, is_done: bool) -> None:
    """A failure concerns the domains named, no others; only a lasting one finishes them."""
    progress = Progress(["a", "b", "c"])
    with progress.noting_failures_of("a", "c"):
        raise error
    failed = [Domain(name, done=is_done, error=error) for name in ("a", "c")]
    assert [*progress] == [failed[0], Domain("b"), failed[1]]


def test_a_defect_is_not_a_failure_of_a_domain() -> None:
    """An error that is not a failure goes on: it is reported as a defect, not as a state of DNS."""
    progress = Progress([DOMAIN])
    with pytest.raises(ZeroDivisionError), progress.noting_failures_of(DOMAIN):
        raise ZeroDivisionError
    assert progress.open == [DOMAIN]


def looked(progress: Progress, *shown: RecordSet) -> Domain:
    """Look at the domain and give what is known of it then."""
    progress.shows(DOMAIN, shown)
    return progress[DOMAIN]


def test_before_it_writes_a_run_changes_nothing() -> None:
    """What a domain shows at each look before the run writes is what the run begins from.

    What others do in the meantime, or a rejected write did not do, is not reported as a change of this run.
    """
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS)
    progress.rejected(DOMAIN, REJECTED)
    domain = looked(progress, AT_TOKYO, AT_LIMA)
    assert (domain.before, domain.after) == ((AT_TOKYO, AT_LIMA), (AT_TOKYO, AT_LIMA))
    assert domain.difference == Plan((), (AT_LIMA, AT_TOKYO))


def test_the_difference_is_between_the_first_look_and_the_last() -> None:
    """A run has changed what differs between the look before its first write and the last look."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS, AT_TOKYO)
    for number, shown in enumerate([(AT_PARIS,), (AT_PARIS, AT_LIMA)]):
        progress.written(DOMAIN, f"C{number}", shown)
        domain = looked(progress, *shown)
    assert domain.difference == Plan((Change(None, AT_LIMA), Change(AT_TOKYO, None)), (AT_PARIS,))


def test_what_a_run_has_undone_itself_is_not_a_change() -> None:
    """What a run has written and taken back is not a change."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS)
    progress.written(DOMAIN, "C1", [AT_TOKYO])
    progress.written(DOMAIN, "C2", [AT_PARIS])
    assert looked(progress, AT_PARIS).difference.changes == ()


def test_a_write_without_an_answer_may_have_changed_something() -> None:
    """Until the next look, a write without an answer counts as written."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS)
    progress.outcome_unknown(DOMAIN, LOST)
    assert progress[DOMAIN].has_written


def test_a_write_without_an_answer_that_was_applied_is_a_change() -> None:
    """When the next look shows a difference, a write without an answer was applied; its change id is lost."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS)
    progress.outcome_unknown(DOMAIN, LOST)
    domain = looked(progress, AT_TOKYO)
    assert (domain.unknown, domain.unconfirmed, domain.has_written) == (False, True, True)
    assert domain.difference.changes == (Change(None, AT_TOKYO), Change(AT_PARIS, None))
    assert looked(progress, AT_TOKYO).unconfirmed


def test_a_write_without_an_answer_that_was_not_applied_is_none() -> None:
    """When the next look shows no difference, a write without an answer has done nothing."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS)
    progress.outcome_unknown(DOMAIN, LOST)
    domain = looked(progress, AT_PARIS)
    assert (domain.unknown, domain.unconfirmed, domain.has_written) == (False, False, False)
    assert looked(progress, AT_TOKYO).difference.changes == ()


def test_refusals_while_nobody_was_faster_are_counted() -> None:
    """A rejection counts when the next look shows exactly the record sets that were expected, once each."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS, AT_TOKYO)
    assert progress[DOMAIN].rejections == 0
    for count in (1, 2):
        progress.rejected(DOMAIN, REJECTED)
        domain = looked(progress, AT_TOKYO, AT_PARIS)
        assert (domain.rejections, domain.expected) == (count, None)


@pytest.mark.parametrize(
    "shown", [(AT_PARIS,), (AT_PARIS, AT_TOKYO, AT_LIMA), (), (AT_PARIS, near("A", TOKYO, "5.0.0.2", ttl=5))]
)
def test_a_refusal_that_is_a_race_does_not_count(shown: tuple[RecordSet, ...]) -> None:
    """When the next look shows anything else somebody was faster, and what was counted before is forgotten."""
    progress = rejected_once()
    progress.rejected(DOMAIN, REJECTED)
    assert looked(progress, *shown).rejections == 0


def rejected_once() -> Progress:
    """Give a run whose first write was rejected though nobody was faster."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS, AT_TOKYO)
    progress.rejected(DOMAIN, REJECTED)
    assert looked(progress, AT_PARIS, AT_TOKYO).rejections == 1
    return progress


def test_a_look_without_a_refusal_counts_nothing() -> None:
    """Looks between two rejections change nothing."""
    assert looked(rejected_once(), AT_PARIS, AT_TOKYO).rejections == 1


FASTER, WRONG = LostRace("changed"), ConfigurationError("InvalidInput")


def lose_race(progress: Progress) -> None:
    """Be rejected because somebody else was faster, for certain."""
    progress.rejected(DOMAIN, FASTER)


def write(progress: Progress) -> None:
    """Write, and know it."""
    progress.written(DOMAIN, "C1", [AT_PARIS, AT_TOKYO])


def lose_answer(progress: Progress) -> None:
    """Write without an answer."""
    progress.outcome_unknown(DOMAIN, LOST)


def be_wrong(progress: Progress) -> None:
    """Name a health check for the first time in a write that can never be applied."""
    progress.note(DOMAIN, attempted=(NEW_CHECK,))
    progress.misconfigured(DOMAIN, WRONG)


@pytest.mark.parametrize(
    ("outcome", "error"), [(lose_race, FASTER), (write, None), (lose_answer, LOST), (be_wrong, WRONG)]
)
def test_any_other_outcome_ends_the_row_of_refusals(outcome: Callable[[Progress], None], error: Failure | None) -> None:
    """Rejections count in a row: a write with any other outcome begins again, and is counted as a write.

    What went wrong with the last write alone is remembered: a run that succeeds in the end has no error.
    """
    progress = rejected_once()
    outcome(progress)
    domain = looked(progress, AT_PARIS, AT_TOKYO)
    assert (domain.rejections, domain.writes, domain.error) == (0, 2, error)


def test_what_was_written_is_shown_before_it_is_looked_at() -> None:
    """A run that is cut short after a write reports what it has written."""
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS)
    progress.written(DOMAIN, "C1", [AT_TOKYO])
    assert progress[DOMAIN].difference.changes == (Change(None, AT_TOKYO), Change(AT_PARIS, None))


def test_a_second_refusal_that_is_no_race_ends_the_attempts() -> None:
    """What Route 53 rejects twice though nobody was faster fails with its words and where to look, for good."""
    progress = rejected_once()
    progress.check_attempts(DOMAIN, [])
    assert progress.open == [DOMAIN]
    progress.rejected(DOMAIN, REJECTED)
    looked(progress, AT_PARIS, AT_TOKYO)
    progress.check_attempts(DOMAIN, [])
    domain = progress[DOMAIN]
    assert (domain.done, domain.exit_status) == (True, 2)
    assert "[protected]" in str(domain.error)
    assert "record set protection" in str(domain.error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            None, "because somebody else keeps changing it, or the nodes keep changing", id="all were applied"
        ),
        pytest.param(LOST, "without a known outcome: timed out", id="unknown"),
        pytest.param(Conflict("refused"), "because somebody else keeps changing it: refused", id="refused"),
    ],
)
def test_too_many_writes_say_why(error: Failure | None, words: str) -> None:
    """After the last write a failure names what is still to change, others' changes first, and why."""
    ours, theirs = Change(AT_PARIS, near("A", PARIS, "5.0.0.2")), Change(None, plain("AAAA", "2600::1"))
    progress = Progress([DOMAIN])
    progress.note(DOMAIN, error=error, attempted=(ours,), writes=2)
    progress.check_attempts(DOMAIN, [ours, theirs])
    assert progress[DOMAIN].error is error
    progress.note(DOMAIN, writes=3)
    given_up = progress.copy()
    given_up.check_attempts(DOMAIN, [ours, theirs])
    assert str(given_up[DOMAIN].error) == f"AAAA simple: given up after 3 writes {words}"
    progress.check_attempts(DOMAIN, [ours, ours])
    assert str(progress[DOMAIN].error).startswith(f"A geoproximity {PARIS}, A geoproximity {PARIS}: given up")


@pytest.mark.parametrize(
    ("changes", "error", "is_about_checks"),
    [
        pytest.param([NEW_CHECK], REJECTED, True, id="it named a new one"),
        pytest.param([], CheckGone("c"), True, id="one is gone"),
        pytest.param([], REJECTED, False, id="it named none"),
    ],
)
def test_a_rejection_may_be_for_a_health_check(
    changes: list[Change], error: Conflict, *, is_about_checks: bool
) -> None:
    """A rejection that a health check may be the cause of is remembered, whatever becomes of the writes after it."""
    progress = Progress([DOMAIN])
    for attempted in (changes, []):
        progress.note(DOMAIN, attempted=tuple(attempted))
        progress.rejected(DOMAIN, error)
        assert progress[DOMAIN].checks_rejected is is_about_checks
        error = REJECTED


@pytest.mark.parametrize(
    ("errors", "is_refused"),
    [
        pytest.param([CheckGone("another"), GONE], True, id="twice"),
        pytest.param([REJECTED, GONE], False, id="for the first time"),
        pytest.param([GONE, REJECTED], False, id="then for something else"),
    ],
)
def test_the_second_rejection_for_a_check_that_is_gone_says_that_none_is_taken(
    errors: list[Conflict], *, is_refused: bool
) -> None:
    """When the checks that the list shows are gone for Route 53, a write names none, and the exit status shows it."""
    progress = Progress([DOMAIN])
    for error in errors:
        progress.rejected(DOMAIN, error)
    assert progress[DOMAIN].error is errors[-1]
    assert progress[DOMAIN].checks_refused is is_refused
    assert (progress[DOMAIN].checks_error is GONE) is is_refused


def test_a_write_that_can_never_be_applied_is_tried_without_its_new_checks() -> None:
    """The first configuration error of a write that names a new health check leaves the domain open, the next not."""
    progress = Progress([DOMAIN])
    progress.note(DOMAIN, attempted=(NEW_CHECK,))
    progress.misconfigured(DOMAIN, WRONG)
    assert progress[DOMAIN] == Domain(DOMAIN, attempted=(NEW_CHECK,), error=WRONG, writes=1, checks_rejected=True)
    progress.misconfigured(DOMAIN, WRONG)
    assert (progress[DOMAIN].done, progress[DOMAIN].writes) == (True, 1)


def test_a_write_without_new_checks_that_can_never_be_applied_fails() -> None:
    """A configuration error of a write that names no new health check fails its domain at once."""
    progress = Progress([DOMAIN])
    progress.misconfigured(DOMAIN, WRONG)
    assert (progress[DOMAIN].done, progress[DOMAIN].error) == (True, WRONG)


def test_a_lost_write_is_compared_with_the_last_look() -> None:
    """After a confirmed write, one without an answer that has done nothing is not taken for applied.

    Otherwise --wait fails for a change id that never was.
    """
    progress = Progress([DOMAIN])
    looked(progress, AT_PARIS)
    progress.written(DOMAIN, "C1", [AT_TOKYO])
    looked(progress, AT_TOKYO)
    progress.outcome_unknown(DOMAIN, LOST)
    assert not looked(progress, AT_TOKYO).unconfirmed


def test_a_copy_stays_as_it_is() -> None:
    """A copy does not change any more, whatever becomes of the progress it was made of."""
    progress = Progress([DOMAIN])
    copy = progress.copy()
    progress.finish(DOMAIN)
    assert (copy.open, progress.open) == ([DOMAIN], [])


def test_where_a_domain_is_published() -> None:
    """A domain is in a hosted zone or in a DNSEndpoint."""
    assert Domain(DOMAIN, Zone("Z1", "example.com", private=False)).where == "zone example.com (Z1)"
    assert Domain(DOMAIN, dnsendpoint=f"edge/{DOMAIN}").where == f"DNSEndpoint edge/{DOMAIN}"


@pytest.mark.parametrize(
    ("members", "status", "words"),
    [
        pytest.param({}, 0, None, id="all is well"),
        pytest.param(
            {"checks_error": Failure("busy")},
            1,
            "health checks: busy",
            id="checks",
        ),
        pytest.param({"checks_error": ConfigurationError("denied")}, 2, "health checks: denied", id="checks, for good"),
        pytest.param(
            {"checks_error": ConfigurationError("denied"), "error": Failure("gone")},
            2,
            "gone; health checks: denied",
            id="both",
        ),
        pytest.param(
            {"checks_error": Failure("busy"), "refusal": "too few"},
            1,
            "too few; health checks: busy",
            id="checks, and refused",
        ),
        pytest.param({"refusal": "too few"}, 3, "too few", id="refused"),
        pytest.param({"error": Failure("gone"), "refusal": "too few"}, 1, "gone", id="records, and refused"),
    ],
)
def test_what_goes_wrong_with_checks_is_in_the_status(members: dict[str, Any], status: int, words: str | None) -> None:
    """What goes wrong with health checks counts for the exit status; its words come after those about the records."""
    domain = Domain(DOMAIN, done=True, **members)
    assert domain.exit_status == status
    assert domain.trouble == words
    assert (domain.failure is None) == (domain.error is None and (domain.refusal is not None or words is None))
