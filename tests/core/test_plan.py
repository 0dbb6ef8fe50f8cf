"""From record sets as they are and as they should be to one change batch that Route 53 takes."""

from collections.abc import Iterable

import pytest

from jobs.core.errors import ConfigurationError
from jobs.core.plan import Change, Plan, batch, calculate
from jobs.core.record_set import RecordSet
from jobs.core.records import MAX_ADDRESSES
from jobs.core.route53_form import api_changes, api_form, with_health_check
from tests.support.builders import LIMA, PARIS, TOKYO, alias, ipv4, ipv6, multivalue, near, plain, routed

OLD, NEW = plain("A", "5.0.0.1"), plain("A", "5.0.0.2")
AT_PARIS, AT_TOKYO, AT_LIMA = near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.2"), near("A", LIMA, "5.0.0.3")
SIX_AT_PARIS, SIX_AT_TOKYO = near("AAAA", PARIS, "2600::1"), near("AAAA", TOKYO, "2600::2")


def many(type_: str, count: int, *, start: int = 0) -> RecordSet:
    """Give a simple set of many addresses."""
    number = ipv4 if type_ == "A" else ipv6
    return plain(type_, *(str(number(start + each)) for each in range(count)))


def foreign(type_: str, sets: int, count: int) -> list[RecordSet]:
    """Give weighted sets of somebody else, each of many addresses."""
    number = ipv4 if type_ == "A" else ipv6
    return [
        routed(type_, f"x{each}", {"Weight": 1}, *(str(number(1000 * each + value)) for value in range(count)))
        for each in range(sets)
    ]


def sent(current: Iterable[RecordSet], wanted: Iterable[RecordSet]) -> tuple[Change, ...]:
    """Go all the way from two states to a batch."""
    return batch(calculate(current, wanted))


def preconditions(current: Iterable[RecordSet], wanted: Iterable[RecordSet]) -> list[RecordSet]:
    """Give the sets that a batch only restates."""
    return [change.subject for change in sent(current, wanted) if change.is_unchanged]


@pytest.mark.parametrize(
    ("current", "wanted", "plan"),
    [
        pytest.param([], [], Plan((), ()), id="nothing"),
        pytest.param([], [NEW], Plan((Change(None, NEW),), ()), id="created"),
        pytest.param([OLD], [], Plan((Change(OLD, None),), ()), id="deleted"),
        pytest.param([OLD], [NEW], Plan((Change(OLD, NEW),), ()), id="replaced"),
        pytest.param([OLD], [OLD], Plan((), (OLD,)), id="unchanged"),
        pytest.param(
            [AT_PARIS, AT_TOKYO],
            [AT_LIMA, AT_PARIS],
            Plan((Change(None, AT_LIMA), Change(AT_TOKYO, None)), (AT_PARIS,)),
            id="by set identifier",
        ),
        pytest.param(
            [OLD], [AT_PARIS], Plan((Change(OLD, None), Change(None, AT_PARIS)), ()), id="simple to geoproximity"
        ),
        pytest.param(
            [SIX_AT_PARIS], [AT_PARIS], Plan((Change(None, AT_PARIS), Change(SIX_AT_PARIS, None)), ()), id="by type"
        ),
    ],
)
def test_calculate(current: list[RecordSet], wanted: list[RecordSet], plan: Plan) -> None:
    """The plan creates what is missing, deletes what is not wanted, replaces what differs and keeps the rest."""
    assert calculate(current, wanted) == plan


def test_another_notation_is_no_change() -> None:
    """Another notation of the same address is not a change."""
    assert calculate([plain("AAAA", "2600:0::A")], [plain("AAAA", "2600::a")]).changes == ()


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        pytest.param(Change(None, NEW), NEW, id="created"),
        pytest.param(Change(OLD, None), OLD, id="deleted"),
        pytest.param(Change(OLD, NEW), NEW, id="replaced"),
    ],
)
def test_subject_of_a_change(change: Change, subject: RecordSet) -> None:
    """The subject of a change is the record set after it, or the one that it deletes."""
    assert change.subject == subject


@pytest.mark.parametrize(
    ("change", "is_unchanged"),
    [
        pytest.param(Change(OLD, OLD), True, id="restated"),
        pytest.param(Change(OLD, NEW), False, id="replaced"),
        pytest.param(Change(None, NEW), False, id="created"),
        pytest.param(Change(OLD, None), False, id="deleted"),
    ],
)
def test_an_unchanged_set_is_only_restated(change: Change, *, is_unchanged: bool) -> None:
    """A change only restates what is there when both its sides are the same record set."""
    assert change.is_unchanged is is_unchanged


def test_what_stays_is_as_it_was_read() -> None:
    """An unchanged set is the one that was read, not the wanted one: a precondition must repeat its notation."""
    read, asked = plain("AAAA", "2600:0::A"), plain("AAAA", "2600::a")
    [unchanged] = calculate([read], [asked]).unchanged
    assert unchanged is read


def test_a_plan_knows_what_it_leads_to() -> None:
    """What changes and what stays make all of the domain's record sets, in one order."""
    plan = calculate([AT_PARIS, AT_TOKYO], [AT_LIMA, AT_PARIS])
    assert plan.record_sets == tuple(sorted([AT_LIMA, AT_PARIS], key=lambda each: each.key))
    assert calculate([OLD], []).record_sets == ()


def test_no_changes_make_no_batch() -> None:
    """A plan without changes makes an empty batch."""
    assert sent([OLD], [OLD]) == ()


def test_both_types_go_into_one_batch() -> None:
    """Changes of both types go into one batch."""
    changes = sent([AT_PARIS, SIX_AT_PARIS], [AT_TOKYO, SIX_AT_TOKYO])
    assert {change.subject.type for change in changes} == {"A", "AAAA"}


def test_a_policy_switch_is_one_batch() -> None:
    """A switch of the routing policy is one batch. The name is not empty in between."""
    assert len(sent([OLD, plain("AAAA", "2600::1")], [AT_PARIS, AT_TOKYO, SIX_AT_PARIS])) == 5


def test_a_full_exchange_fits() -> None:
    """Exchanging as many addresses of both types as a domain may have fits one batch."""
    changes = sent(
        [many("A", MAX_ADDRESSES), many("AAAA", MAX_ADDRESSES)],
        [many("A", MAX_ADDRESSES, start=500), many("AAAA", MAX_ADDRESSES, start=500)],
    )
    assert len(changes) == 2


TOO_LARGE = r"^the record sets that stand at this name are too large .* \(1000 values, 32000 characters\); delete them"


def test_1000_elements_fit_and_no_more() -> None:
    """1,000 elements fit one batch; one more is a configuration error that says what to do by hand."""
    assert len(sent(foreign("A", 3, 250), [many("A", 250)])) == 4
    with pytest.raises(ConfigurationError, match=TOO_LARGE):
        sent([*foreign("A", 3, 250), routed("A", "x", {"Weight": 1}, "5.0.0.1")], [many("A", 250)])


EIGHT_HUNDRED_CHARACTERS = [str(ipv4(number)) for number in (8, 9, *range(10, 97), *range(100, 110))]


def test_32000_characters_fit_and_no_more() -> None:
    """32,000 characters of values fit one batch; more are a configuration error."""
    long = foreign("AAAA", 2, 400)  # 39 characters each
    assert len(sent([*long, plain("A", *EIGHT_HUNDRED_CHARACTERS)], [])) == 3
    with pytest.raises(ConfigurationError, match=TOO_LARGE):
        sent([*long, plain("A", *EIGHT_HUNDRED_CHARACTERS, "5.0.1.1")], [])


def test_an_alias_counts_as_an_element() -> None:
    """An alias counts as one element."""
    other = alias("A", SetIdentifier="alias", Weight=1)
    assert len(sent([*foreign("A", 3, 333), other], [])) == 4
    with pytest.raises(ConfigurationError, match=TOO_LARGE):
        sent([*foreign("A", 4, 250), other], [])


def test_too_large_beside_a_type_that_fits_changes_nothing() -> None:
    """One type that fits no batch stops the other type too.

    A configuration error does not leave the domain half done.
    """
    with pytest.raises(ConfigurationError, match=TOO_LARGE):
        sent([OLD, *foreign("AAAA", 3, 300)], [NEW])


@pytest.mark.parametrize(
    ("current", "wanted", "restated"),
    [
        pytest.param([AT_PARIS, AT_TOKYO], [AT_PARIS], [AT_PARIS], id="withdraws, one stays"),
        pytest.param([AT_PARIS, AT_TOKYO], [AT_PARIS, AT_LIMA], [AT_PARIS], id="a new set is not one that stays"),
        pytest.param([AT_PARIS], [], [], id="nothing stays"),
        pytest.param([AT_PARIS], [AT_PARIS, AT_TOKYO], [], id="withdraws nothing"),
        pytest.param(
            [AT_PARIS, AT_TOKYO, AT_LIMA],
            [AT_PARIS, near("A", LIMA, "5.0.0.4")],
            [],
            id="one that stays is replaced anyway",
        ),
        pytest.param([OLD], [AT_PARIS], [], id="policy switch"),
        pytest.param([OLD, SIX_AT_PARIS], [AT_PARIS, SIX_AT_PARIS], [], id="policy switch of one type"),
        pytest.param(
            [AT_PARIS, SIX_AT_PARIS, SIX_AT_TOKYO],
            [AT_PARIS, SIX_AT_PARIS],
            [SIX_AT_PARIS],
            id="of the type that is withdrawn from",
        ),
        pytest.param(
            [AT_PARIS, AT_TOKYO, SIX_AT_PARIS, SIX_AT_TOKYO],
            [AT_PARIS, SIX_AT_TOKYO],
            [AT_PARIS, SIX_AT_TOKYO],
            id="one for each type",
        ),
        pytest.param(
            [AT_PARIS, AT_TOKYO, SIX_AT_PARIS, SIX_AT_TOKYO],
            [AT_PARIS, near("AAAA", PARIS, "2600::9")],
            [AT_PARIS],
            id="a replaced set of the other type does not do",
        ),
        pytest.param([AT_PARIS, SIX_AT_TOKYO], [AT_PARIS], [AT_PARIS], id="of the other type, where a whole type goes"),
        pytest.param(
            [AT_PARIS, SIX_AT_TOKYO], [SIX_AT_TOKYO], [SIX_AT_TOKYO], id="of the other type, the other way round"
        ),
        pytest.param(
            [AT_PARIS, SIX_AT_PARIS, SIX_AT_TOKYO],
            [SIX_AT_PARIS],
            [SIX_AT_PARIS],
            id="one for both types, once",
        ),
    ],
)
def test_precondition(current: list[RecordSet], wanted: list[RecordSet], restated: list[RecordSet]) -> None:
    """For each type of which a batch takes sets away and changes none, it restates one set that stays.

    Of the same type if there is one: two runs that each withdraw another place, or all of one type each, do not empty
    the name together.
    """
    assert preconditions(current, wanted) == restated


def test_runs_that_each_withdraw_another_place_of_a_type_clash() -> None:
    """Two runs that withdraw AAAA of different places, both with A sets that stay, change or restate a common AAAA set.

    A precondition of type A alone would let both succeed and leave AAAA empty.
    """
    current = [AT_PARIS, AT_TOKYO, SIX_AT_PARIS, SIX_AT_TOKYO]
    first, second = (sent(current, [each for each in current if each != gone]) for gone in current[2:])
    touched = [{change.before for change in changes if change.before} for changes in (first, second)]
    assert {each.type for each in touched[0] & touched[1]} == {"AAAA"}


def test_multivalue_sets_have_a_precondition_too() -> None:
    """Withdrawing one of several multivalue sets restates one that stays."""
    one, two, three = (multivalue("A", f"5.0.0.{number}") for number in (1, 2, 3))
    assert preconditions([one, two, three], [two, three]) == [two]


def test_the_smallest_set_is_the_precondition() -> None:
    """The precondition is the smallest set that stays."""
    large = near("A", LIMA, "5.0.0.7", "5.0.0.8")
    assert preconditions([large, AT_PARIS, AT_TOKYO], [large, AT_PARIS]) == [AT_PARIS]


def test_a_batch_with_its_precondition_has_no_set_twice() -> None:
    """No record set is deleted or created twice in a batch, which Route 53 would refuse."""
    changes = sent([AT_PARIS, SIX_AT_PARIS, SIX_AT_TOKYO], [SIX_AT_PARIS])
    assert len({change.subject.key for change in changes}) == len(changes) == 3


def test_api_changes_delete_before_they_create() -> None:
    """All deletions come before all creations, since Route 53 processes a batch in order."""
    changes = api_changes([Change(None, AT_PARIS), Change(OLD, None), Change(AT_TOKYO, AT_TOKYO)])
    assert changes == [
        {"Action": "DELETE", "ResourceRecordSet": api_form(OLD)},
        {"Action": "DELETE", "ResourceRecordSet": api_form(AT_TOKYO)},
        {"Action": "CREATE", "ResourceRecordSet": api_form(AT_PARIS)},
        {"Action": "CREATE", "ResourceRecordSet": api_form(AT_TOKYO)},
    ]


def test_api_changes_repeat_exactly_what_was_read() -> None:
    """A deletion repeats exactly what was read."""
    odd = plain("AAAA", "2600:0::A", "2600::1", name="CDN.example.com")
    [change] = api_changes([Change(odd, None)])
    assert change["ResourceRecordSet"] is odd.raw


def test_no_changes_in_the_api_form() -> None:
    """No change is no request."""
    assert api_changes([]) == []


@pytest.mark.parametrize(
    ("current", "wanted", "withdraws"),
    [
        pytest.param([plain("A", "5.0.0.1")], [plain("A", "5.0.0.1", "5.0.0.2")], False, id="one comes"),
        pytest.param([plain("A", "5.0.0.1", "5.0.0.2")], [plain("A", "5.0.0.1")], True, id="one goes"),
        pytest.param([plain("A", "5.0.0.1")], [plain("A", "5.0.0.2")], True, id="one instead of another"),
        pytest.param([near("A", PARIS, "5.0.0.1")], [near("A", TOKYO, "5.0.0.1")], False, id="one moves"),
        pytest.param(
            [near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.1")],
            [near("A", TOKYO, "5.0.0.1")],
            False,
            id="one stays elsewhere",
        ),
        pytest.param([plain("A", "5.0.0.1")], [], True, id="all go"),
    ],
)
def test_what_a_withdrawal_is(current: list[RecordSet], wanted: list[RecordSet], withdraws: bool) -> None:  # noqa: FBT001 - a table
    """A plan withdraws when an address leaves the domain, not when it moves within it."""
    assert calculate(current, wanted).withdraws is withdraws


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        pytest.param(None, "c", True, id="a new set with one"),
        pytest.param(None, None, False, id="a new set without"),
        pytest.param("b", "c", True, id="another"),
        pytest.param("c", "c", False, id="the same"),
        pytest.param("c", None, False, id="none any longer"),
    ],
)
def test_which_change_names_a_new_check(before: str | None, after: str | None, names: bool) -> None:  # noqa: FBT001 - a table
    """A change names a new health check when its set did not have that."""
    old = with_health_check(near("A", PARIS, "5.0.0.1"), before) if before else None
    assert Change(old, with_health_check(near("A", PARIS, "5.0.0.1"), after)).names_new_check is names


def test_a_set_that_goes_names_no_check() -> None:
    """A set that goes names no new health check."""
    assert not Change(with_health_check(near("A", PARIS, "5.0.0.1"), "c"), None).names_new_check
