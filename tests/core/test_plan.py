"""From record sets as they are and as they should be to change batches that Route 53 takes."""

from collections.abc import Iterable

import pytest

from jobs.core.errors import ConfigurationError
from jobs.core.model import RecordSet
from jobs.core.plan import Batch, Change, Plan, api_changes, batches, calculate
from tests.support.builders import LIMA, PARIS, TOKYO, alias, ipv4, ipv6, near, plain, routed

OLD, NEW = plain("A", "5.0.0.1"), plain("A", "5.0.0.2")
AT_PARIS, AT_TOKYO, AT_LIMA = near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.2"), near("A", LIMA, "5.0.0.3")
SIX_AT_PARIS, SIX_AT_TOKYO = near("AAAA", PARIS, "2600::1"), near("AAAA", TOKYO, "2600::2")


def many(type_: str, count: int, *, start: int = 0) -> RecordSet:
    """Give a simple set of many values."""
    number = ipv4 if type_ == "A" else ipv6
    return plain(type_, *(str(number(start + each)) for each in range(count)))


def foreign(type_: str, sets: int, count: int) -> list[RecordSet]:
    """Give weighted sets of somebody else, each of many values."""
    number = ipv4 if type_ == "A" else ipv6
    return [
        routed(type_, f"x{each}", {"Weight": 1}, *(str(number(1000 * each + value)) for value in range(count)))
        for each in range(sets)
    ]


def cut(current: Iterable[RecordSet], wanted: Iterable[RecordSet]) -> tuple[Batch, ...]:
    """Go all the way from two states to batches."""
    return batches(calculate(current, wanted))


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
    ("change", "current", "shows"),
    [
        pytest.param(Change(None, NEW), [NEW], True, id="created"),
        pytest.param(Change(None, NEW), [], False, id="not created"),
        pytest.param(Change(OLD, NEW), [OLD], False, id="not replaced"),
        pytest.param(Change(OLD, None), [], True, id="deleted"),
        pytest.param(Change(OLD, None), [NEW], False, id="deleted, then made by somebody else"),
        pytest.param(Change(AT_PARIS, None), [AT_TOKYO], True, id="deleted, another stays"),
    ],
)
def test_whether_a_change_was_made(change: Change, current: list[RecordSet], *, shows: bool) -> None:
    """A change was made when DNS shows what it leads to."""
    assert change.shows_in(current) is shows


def test_no_changes_make_no_batch() -> None:
    """A plan without changes makes no batch."""
    assert cut([OLD], [OLD]) == ()


def test_both_types_go_into_one_batch() -> None:
    """Changes of both types go into one batch."""
    [batch] = cut([AT_PARIS, SIX_AT_PARIS], [AT_TOKYO, SIX_AT_TOKYO])
    assert {change.subject.type for change in batch} == {"A", "AAAA"}


def test_a_policy_switch_is_one_batch() -> None:
    """A switch of the routing policy is one batch. The name is not empty in between."""
    [batch] = cut([OLD, plain("AAAA", "2600::1")], [AT_PARIS, AT_TOKYO, SIX_AT_PARIS])
    assert len(batch) == 5


def test_a_full_exchange_of_one_type_fits() -> None:
    """Exchanging all values of the longest type fits one batch."""
    [batch] = cut([many("AAAA", 400)], [many("AAAA", 400, start=400)])
    assert batch == (Change(many("AAAA", 400), many("AAAA", 400, start=400)),)


def test_1000_elements_fit() -> None:
    """1,000 elements fit one batch."""
    assert len(cut(foreign("A", 2, 300), [many("A", 400)])) == 1


def test_more_elements_are_cut_by_type() -> None:
    """More than 1,000 elements are divided by type."""
    first, second = cut([many("A", 300), many("AAAA", 201)], [many("A", 300, start=300), many("AAAA", 200, start=300)])
    assert {each.subject.type for each in first} ^ {each.subject.type for each in second} == {"A", "AAAA"}


EIGHT_HUNDRED_CHARACTERS = [str(ipv4(number)) for number in (8, 9, *range(10, 97), *range(100, 110))]


@pytest.mark.parametrize(
    ("values", "count"),
    [
        pytest.param(EIGHT_HUNDRED_CHARACTERS, 1, id="32,000 characters fit"),
        pytest.param([*EIGHT_HUNDRED_CHARACTERS, "5.0.1.1"], 2, id="more are cut by type"),
    ],
)
def test_characters_of_a_batch(values: list[str], count: int) -> None:
    """32,000 characters of values fit one batch; more are divided by type."""
    assert len(cut([many("AAAA", 400)], [many("AAAA", 400, start=400), plain("A", *values)])) == count


def test_an_alias_counts_as_an_element() -> None:
    """An alias counts as one element."""
    other = alias("A", SetIdentifier="alias", Weight=1)
    assert len(cut([*foreign("A", 1, 300), other, many("AAAA", 300)], [many("A", 400)])) == 2


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(foreign("A", 3, 334), id="too many elements"),
        pytest.param(foreign("AAAA", 3, 300), id="too many characters"),
    ],
)
def test_one_type_too_large_is_a_configuration_error(current: list[RecordSet]) -> None:
    """One type that fits no batch is a configuration error that says what to do by hand."""
    with pytest.raises(ConfigurationError, match=f"the {current[0].type} record sets .* delete them by hand"):
        cut(current, [])


def test_too_large_beside_a_type_that_fits_changes_nothing() -> None:
    """One type that fits no batch stops the other type too.

    A configuration error does not leave the domain half done.
    """
    with pytest.raises(ConfigurationError, match="the AAAA record sets"):
        cut([OLD, *foreign("AAAA", 3, 300)], [NEW])


def test_cut_by_type_the_name_is_never_left_empty() -> None:
    """Of two batches the one that creates goes first. The name has an answer in between."""
    first, _ = cut(foreign("A", 2, 350), [many("AAAA", 400)])
    assert {change.subject.type for change in first} == {"AAAA"}


@pytest.mark.parametrize(
    ("current", "wanted", "witnesses"),
    [
        pytest.param([AT_PARIS, AT_TOKYO], [AT_PARIS], [AT_PARIS], id="withdraws, one stays"),
        pytest.param([AT_PARIS, AT_TOKYO], [AT_PARIS, AT_LIMA], [AT_PARIS], id="a new set is none that stays"),
        pytest.param([AT_PARIS], [], [], id="nothing stays"),
        pytest.param([AT_PARIS], [AT_PARIS, AT_TOKYO], [], id="withdraws nothing"),
        pytest.param(
            [AT_PARIS, AT_TOKYO, AT_LIMA],
            [AT_PARIS, near("A", LIMA, "5.0.0.4")],
            [],
            id="one that stays is replaced anyway",
        ),
        pytest.param([OLD], [AT_PARIS], [], id="policy switch"),
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
    ],
)
def test_witness(current: list[RecordSet], wanted: list[RecordSet], witnesses: list[RecordSet]) -> None:
    """A batch that withdraws restates one set that stays, of the same type.

    Two runs that each withdraw another place do not empty the name together.
    """
    [batch] = cut(current, wanted)
    assert [change.subject for change in batch if change.is_witness] == witnesses


def test_the_smallest_set_is_the_witness() -> None:
    """The witness is the smallest set that stays."""
    large = near("A", LIMA, "5.0.0.7", "5.0.0.8")
    [batch] = cut([large, AT_PARIS, AT_TOKYO], [large, AT_PARIS])
    assert [change for change in batch if change.is_witness] == [Change(AT_PARIS, AT_PARIS)]


def test_witness_when_a_whole_type_is_withdrawn() -> None:
    """Where a whole type is withdrawn, the witness is of the other type.

    Two runs, one withdrawing all IPv4 and one all IPv6 nodes, do not empty the name together.
    """
    [batch] = cut([AT_PARIS, SIX_AT_TOKYO], [AT_PARIS])
    assert Change(AT_PARIS, AT_PARIS) in batch


def test_witness_from_the_batch_before() -> None:
    """The second of two batches restates a set of the first.

    The last set of one type does not go just after another run has taken the new ones away.
    """
    new = near("A", TOKYO, *(str(ipv4(1000 + each)) for each in range(350)))
    leaving = many("AAAA", 400)
    _, last = cut([many("A", 350), leaving], [AT_PARIS, new])
    assert last == (Change(leaving, None), Change(AT_PARIS, AT_PARIS))


def test_large_withdrawal_goes_without_a_witness() -> None:
    """A withdrawal that fits only without a witness goes without one."""
    leaving = many("AAAA", 400)
    assert cut([many("A", 400), leaving], [many("A", 400)]) == ((Change(leaving, None),),)


def test_api_changes_delete_before_they_create() -> None:
    """All deletions come before all creations, since Route 53 processes a batch in order."""
    changes = api_changes([Change(None, AT_PARIS), Change(OLD, None), Change(AT_TOKYO, AT_TOKYO)])
    assert changes == [
        {"Action": "DELETE", "ResourceRecordSet": OLD.raw},
        {"Action": "DELETE", "ResourceRecordSet": AT_TOKYO.raw},
        {"Action": "CREATE", "ResourceRecordSet": AT_PARIS.raw},
        {"Action": "CREATE", "ResourceRecordSet": AT_TOKYO.raw},
    ]


def test_api_changes_repeat_exactly_what_was_read() -> None:
    """A deletion repeats exactly what was read."""
    odd = plain("AAAA", "2600:0::A", "2600::1", name="CDN.example.com")
    [change] = api_changes([Change(odd, None)])
    assert change["ResourceRecordSet"] is odd.raw


def test_no_changes_in_the_api_form() -> None:
    """No change is no request."""
    assert api_changes([]) == []
