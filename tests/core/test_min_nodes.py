"""--min-nodes: when it refuses; then nothing leaves DNS, and what fits is added."""

from ipaddress import ip_address

import pytest

from jobs.core.min_nodes import MinNodes, grown, without_withdrawals
from jobs.core.record_set import RecordSet
from jobs.core.records import Wanted
from jobs.core.route53_form import api_form
from jobs.core.verdict import Published, Skipped, Verdict, Withheld
from tests.support.builders import (
    LIMA,
    PARIS,
    TOKYO,
    alias,
    ipv4,
    ipv6,
    multivalue,
    near,
    place,
    plain,
    published,
    routed,
    skipped,
)

GEO = {"GeoProximityLocation": {"AWSRegion": "eu-west-1"}}
AFFINE = routed("A", "a", {"AZAffinity": {"Zone": "use1-az1"}}, "5.0.0.9")
UNKNOWN = routed("A", "b", {}, "5.0.0.9")
WEIGHTED = routed("A", "blue", {"Weight": 1}, "5.0.0.9")
BIASED = routed(
    "A",
    "paris",
    {"GeoProximityLocation": {"Coordinates": {"Latitude": "48.86", "Longitude": "2.35"}, "Bias": 10}},
    "5.0.0.9",
)
REGIONAL = routed("A", "eu", GEO, "5.0.0.9")
OUR_NAME = routed("A", "multivalue:5.0.0.1", {"MultiValueAnswer": True}, "5.0.0.9")
SAME_NAME = routed("A", f"geoproximity-coords:{PARIS}", GEO, "5.0.0.9")


def four(count: int, *, start: int = 0) -> list[str]:
    """Give that many IPv4 addresses."""
    return [str(ipv4(start + number)) for number in range(count)]


@pytest.mark.parametrize(
    ("text", "selected", "required"),
    [
        pytest.param("0", 10, 0, id="0 switches it off"),
        pytest.param("1", 0, 1, id="a number stands whatever is selected"),
        pytest.param("3", 100, 3, id="a number"),
        pytest.param("50%", 10, 5, id="a percentage"),
        pytest.param("50%", 11, 6, id="rounded up"),
        pytest.param("1%", 1, 1, id="rounded up from nearly nothing"),
        pytest.param("100%", 7, 7, id="all"),
        pytest.param("0%", 7, 1, id="0% is at least one"),
        pytest.param("50%", 0, 1, id="of no nodes is at least one"),
        pytest.param("29%", 100, 29, id="without floating-point noise"),
        pytest.param("100%", 500, 500, id="all of many"),
    ],
)
def test_min_nodes_required(text: str, selected: int, required: int) -> None:
    """A percentage is rounded up and at least one; a number stands whatever is selected."""
    assert MinNodes.parse(text).required(selected) == required


@pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "101%", "one", "1 %", "1%%", "\u0661", "1234567890", "+1"])
def test_min_nodes_refuses(text: str) -> None:
    """Anything but a number or a percentage up to 100% is refused."""
    with pytest.raises(ValueError, match=r"^is neither a number of nodes nor a percentage from 0% to 100%$"):
        MinNodes.parse(text)


@pytest.mark.parametrize("text", ["0", "2", "0%", "50%"])
def test_min_nodes_is_shown_as_given(text: str) -> None:
    """The setting is shown as it was given."""
    assert str(MinNodes.parse(text)) == text


@pytest.mark.parametrize(
    ("current", "wanted", "kept"),
    [
        pytest.param([], [plain("A", "5.0.0.1")], [plain("A", "5.0.0.1")], id="no records: what is wanted, simple"),
        pytest.param([], [near("A", PARIS, "5.0.0.1")], [near("A", PARIS, "5.0.0.1")], id="no records: geoproximity"),
        pytest.param([plain("A", "5.0.0.9")], [], [plain("A", "5.0.0.9")], id="nothing wanted: all stays"),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [plain("A", "5.0.0.1")],
            [plain("A", "5.0.0.9", "5.0.0.1")],
            id="addresses kept and gained",
        ),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.2")],
            [plain("A", "5.0.0.9", "5.0.0.1", "5.0.0.2")],
            id="a simple set gains all, the policy stays",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.9"), near("A", TOKYO, "5.0.0.8")],
            [near("A", PARIS, "5.0.0.1")],
            [near("A", PARIS, "5.0.0.9", "5.0.0.1"), near("A", TOKYO, "5.0.0.8")],
            id="a place gains its own",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.9")],
            [near("A", LIMA, "5.0.0.1")],
            [near("A", PARIS, "5.0.0.9"), near("A", LIMA, "5.0.0.1")],
            id="a new place fits geoproximity",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.9")],
            [plain("A", "5.0.0.1")],
            [near("A", PARIS, "5.0.0.9")],
            id="a simple set does not fit geoproximity",
        ),
        pytest.param(
            [BIASED], [near("A", PARIS, "5.0.0.9")], [BIASED], id="somebody else's set at the place stays as it is"
        ),
        pytest.param([SAME_NAME], [near("A", PARIS, "5.0.0.1")], [SAME_NAME], id="our identifier at another place"),
        pytest.param(
            [REGIONAL],
            [near("A", PARIS, "5.0.0.1")],
            [REGIONAL, near("A", PARIS, "5.0.0.1")],
            id="a place beside a region",
        ),
        pytest.param([REGIONAL], [plain("A", "5.0.0.1")], [REGIONAL], id="a simple set does not fit a region"),
        pytest.param([WEIGHTED], [plain("A", "5.0.0.1")], [WEIGHTED], id="another policy stays"),
        pytest.param([WEIGHTED], [near("A", PARIS, "5.0.0.1")], [WEIGHTED], id="another policy takes no place"),
        pytest.param([AFFINE], [plain("A", "5.0.0.1")], [AFFINE], id="an affinity to zones stays"),
        pytest.param([UNKNOWN], [plain("A", "5.0.0.1")], [UNKNOWN], id="a policy of the future stays"),
        pytest.param([alias("A")], [plain("A", "5.0.0.1")], [alias("A")], id="an alias stays"),
        pytest.param(
            [multivalue("A", "5.0.0.9")],
            [multivalue("A", "5.0.0.1")],
            [multivalue("A", "5.0.0.9"), multivalue("A", "5.0.0.1")],
            id="a new multivalue set fits multivalue",
        ),
        pytest.param(
            [multivalue("A", "5.0.0.9")], [multivalue("A", "5.0.0.9")], [multivalue("A", "5.0.0.9")], id="not twice"
        ),
        pytest.param(
            [OUR_NAME], [multivalue("A", "5.0.0.1")], [OUR_NAME], id="our identifier for somebody else's address"
        ),
        pytest.param(
            [multivalue("A", "5.0.0.9")], [plain("A", "5.0.0.1")], [multivalue("A", "5.0.0.9")], id="no simple set"
        ),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [multivalue("A", "5.0.0.1"), multivalue("A", "5.0.0.2")],
            [plain("A", "5.0.0.9", "5.0.0.1", "5.0.0.2")],
            id="a simple set gains multivalue ones",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.9", bias=7)],
            [near("A", PARIS, "5.0.0.1", bias=-7)],
            [near("A", PARIS, "5.0.0.9", "5.0.0.1", bias=7)],
            id="the bias stays",
        ),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [plain("A", "5.0.0.9"), plain("AAAA", "2600::1")],
            [plain("A", "5.0.0.9"), plain("AAAA", "2600::1")],
            id="the other type is added in the same policy",
        ),
        pytest.param(
            [near("AAAA", PARIS, "2600::9")],
            [near("A", LIMA, "5.0.0.1")],
            [near("A", LIMA, "5.0.0.1"), near("AAAA", PARIS, "2600::9")],
            id="the other type is added at its place",
        ),
        pytest.param(
            [plain("A", "5.0.0.9"), near("AAAA", PARIS, "2600::9")],
            [near("A", LIMA, "5.0.0.9"), near("AAAA", LIMA, "2600::1")],
            [plain("A", "5.0.0.9"), near("AAAA", PARIS, "2600::9"), near("AAAA", LIMA, "2600::1")],
            id="each type keeps its own policy",
        ),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [near("A", PARIS, "5.0.0.9"), near("AAAA", PARIS, "2600::1")],
            [plain("A", "5.0.0.9")],
            id="the other type does not fit the policy",
        ),
        pytest.param(
            [plain("A", "5.0.0.9", ttl=300)],
            [plain("A", "5.0.0.9", ttl=60)],
            [plain("A", "5.0.0.9", ttl=300)],
            id="TTL",
        ),
    ],
)
def test_nothing_is_withdrawn(current: list[RecordSet], wanted: list[RecordSet], kept: list[RecordSet]) -> None:
    """Each set keeps its addresses and gains the wanted ones; wanted sets that fit the policy are added."""
    assert set(grown(current, wanted)) == set(kept)


def test_somebody_elses_set_at_a_place_gains_with_its_own_settings() -> None:
    """A set that gains addresses keeps its other settings."""
    [larger] = grown([BIASED], [near("A", PARIS, "5.0.0.1")])
    records = [{"Value": "5.0.0.9"}, {"Value": "5.0.0.1"}]
    assert api_form(larger) == {**api_form(BIASED), "ResourceRecords": records}


def test_addresses_are_kept_as_they_are_written() -> None:
    """Addresses stay as they are written, whatever their notation."""
    [larger] = grown([plain("AAAA", "2600:0::9")], [plain("AAAA", "2600::9", "2600::1")])
    assert api_form(larger)["ResourceRecords"] == [{"Value": "2600:0::9"}, {"Value": "2600::1"}]


def test_an_address_already_there_is_not_gained_again() -> None:
    """An address that a set has already, in whatever notation, is not added to it, since Route 53 refuses that."""
    assert grown([plain("AAAA", "2600:0::9")], [plain("AAAA", "2600::9")]) == (plain("AAAA", "2600::9"),)


def test_a_simple_set_grows_to_250() -> None:
    """A simple set grows to 250 addresses, no further, so that its exchange always fits one batch."""
    [larger] = grown([plain("A", *four(248))], [plain("A", *four(10, start=500))])
    assert larger.addresses == tuple(map(ip_address, four(248) + four(2, start=500)))


def test_a_place_to_publish_to_may_take_fewer() -> None:
    """Where fewer addresses fit than Route 53 takes, a set grows no further than that."""
    [larger] = grown([plain("A", *four(48))], [plain("A", *four(10, start=500))], 50)
    assert larger.addresses == tuple(map(ip_address, four(48) + four(2, start=500)))
    assert grown([plain("A", *four(60))], [plain("A", *four(10, start=500))], 50) == (plain("A", *four(60)),)


def test_all_sets_together_grow_to_250() -> None:
    """All sets of a type together grow to 250 addresses, no further."""
    current = [near("A", PARIS, *four(124)), near("A", TOKYO, *four(124, start=200))]
    wanted = [near("A", PARIS, *four(5, start=500)), near("A", TOKYO, *four(5, start=600))]
    assert sum(len(each.addresses) for each in grown(current, wanted)) == 250


def test_more_than_250_of_somebody_else_stay() -> None:
    """Sets with more than 250 addresses stay as they are."""
    current = [near("A", place(number), *four(20, start=20 * number)) for number in range(13)]
    assert grown(current, [near("A", place(3), "5.9.9.9"), near("A", place(40), "5.9.9.8")]) == tuple(current)
    over = plain("A", *four(251))
    assert grown([over], [plain("A", *four(5, start=500))]) == (over,)


def test_a_new_place_is_added_whole_or_not_at_all() -> None:
    """A new place is added whole or not at all."""
    current = [near("A", PARIS, *four(249))]
    wanted = [near("A", LIMA, *four(2, start=500)), near("A", TOKYO, *four(1, start=600))]
    assert grown(current, wanted) == (*current, wanted[1])


def test_no_more_than_30_places() -> None:
    """Places are added up to 30."""
    current = [near("A", place(number), str(ipv4(number))) for number in range(29)]
    wanted = [near("A", place(50), "5.9.0.1"), near("A", place(51), "5.9.0.2")]
    assert grown(current, wanted) == (*current, wanted[0])


def test_no_more_than_100_multivalue_sets() -> None:
    """Multivalue sets are added up to 100."""
    current = [multivalue("A", str(ipv4(number))) for number in range(99)]
    wanted = [multivalue("A", "5.9.0.1"), multivalue("A", "5.9.0.2")]
    assert grown(current, wanted) == (*current, wanted[0])


def test_each_type_has_limits_of_its_own() -> None:
    """A type that is full leaves the other its space."""
    current = [plain("A", *four(250)), plain("AAAA", str(ipv6(0)))]
    assert grown(current, [plain("AAAA", str(ipv6(1)))])[1].addresses == (ipv6(0), ipv6(1))


def test_new_places_share_what_space_there_is() -> None:
    """New places share what is left of the limit."""
    current = [near("A", PARIS, *four(240))]
    wanted = [near("A", LIMA, *four(6, start=500)), near("A", TOKYO, *four(6, start=600))]
    assert grown(current, wanted) == (*current, wanted[0])


def test_a_set_that_grows_leaves_new_places_less_space() -> None:
    """What a present set gains is no longer there for new places."""
    current = [near("A", PARIS, *four(247))]
    wanted = [near("A", PARIS, *four(2, start=500)), near("A", TOKYO, *four(2, start=600))]
    assert grown(current, wanted) == (near("A", PARIS, *four(247), *four(2, start=500)),)


KEPT = "--min-nodes keeps the present record sets, which have no room for it"


def test_addresses_without_a_place_in_the_present_sets_are_withheld() -> None:
    """After a refusal, addresses that the present record sets do not take are withheld with that reason.

    So the report calls nothing published that DNS does not show.
    """
    both = published("a", "5.0.0.1 2600::1", PARIS)
    lost = published("c", "2600::3")
    gone = skipped("d", "5.0.0.4")
    verdicts: tuple[Verdict, ...] = (both, lost, gone)
    asked = Wanted((near("A", PARIS, "5.0.0.1"), near("AAAA", PARIS, "2600::1")), verdicts, ("careful",), 2)
    current = [plain("A", "5.0.0.9")]
    assert without_withdrawals(current, asked) == Wanted(
        (plain("A", "5.0.0.1", "5.0.0.9"),),
        (
            Published("a", (ipv4(1),), PARIS, (Withheld(ip_address("2600::1"), KEPT),)),
            Skipped("c", KEPT, (ip_address("2600::3"),), None),
            gone,
        ),
        ("careful",),
        2,
    )
