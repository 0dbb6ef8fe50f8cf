"""The values are compared by what they mean, and user input is read strictly."""

from decimal import Decimal

import pytest

from jobs.core.model import (
    Address,
    Coordinates,
    MinNodes,
    Published,
    Skipped,
    Verdict,
    Withheld,
    numeric_order,
    record_set,
    withhold,
)
from jobs.core.text import one_line, quoted
from tests.support.builders import DOMAIN, PARIS, alias, ipv4, near, plain, published, read, routed, skipped


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param("12.34,56.78", "12.34,56.78", id="as documented"),
        pytest.param("-12.34,-56.78", "-12.34,-56.78", id="south and west"),
        pytest.param("+12.34,+56.78", "12.34,56.78", id="plus sign"),
        pytest.param("1,2", "1.00,2.00", id="no decimals are filled up"),
        pytest.param("1.5,2.5", "1.50,2.50", id="one decimal is filled up"),
        pytest.param("01.5,002", "1.50,2.00", id="leading zeros"),
        pytest.param("1.234,5.678", "1.23,5.68", id="more decimals are rounded"),
        pytest.param("0.125,0.135", "0.12,0.14", id="halves go to the even digit"),
        pytest.param("-0.125,-0.135", "-0.12,-0.14", id="negative halves too"),
        pytest.param("0.12500000000000000000000000000000001,0", "0.13,0.00", id="just over a half"),
        pytest.param("-0.00,-0", "0.00,0.00", id="no negative zero"),
        pytest.param("-0.001,-0.004", "0.00,0.00", id="nor one that rounding makes"),
        pytest.param(" 1.00 ,  2.00 ", "1.00,2.00", id="spaces around the numbers"),
        pytest.param("90,180", "90.00,180.00", id="the north and east ends"),
        pytest.param("-90.000,-180.000", "-90.00,-180.00", id="the south and west ends"),
    ],
)
def test_coordinates_are_read(text: str, form: str) -> None:
    """A place written in any usual way has one form: two decimals, rounded half-even, no negative zero."""
    assert str(Coordinates.parse(text)) == form


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "is not <latitude>,<longitude>", id="empty"),
        pytest.param("1.00", "is not <latitude>,<longitude>", id="one number"),
        pytest.param("1,2,3", "is not <latitude>,<longitude>", id="three numbers"),
        pytest.param("1;2", "is not <latitude>,<longitude>", id="wrong separator"),
        pytest.param("X1,2", "latitude 'X1' is not a decimal number", id="a letter before a number"),
        pytest.param(",2", "latitude '' is not a decimal number", id="no latitude"),
        pytest.param("1,", "longitude '' is not a decimal number", id="no longitude"),
        pytest.param("north,2", "latitude 'north' is not a decimal number", id="a word"),
        pytest.param(".5,2", "latitude '.5' is not a decimal number", id="no digit before the point"),
        pytest.param("1e1,2", "latitude '1e1' is not a decimal number", id="exponent"),
        pytest.param("1_0,2", "latitude '1_0' is not a decimal number", id="underscore"),
        pytest.param("nan,2", "latitude 'nan' is not a decimal number", id="not a number"),
        pytest.param("inf,2", "latitude 'inf' is not a decimal number", id="infinite"),
        pytest.param("--1,2", "latitude '--1' is not a decimal number", id="two signs"),
        pytest.param("- 1,2", "latitude '- 1' is not a decimal number", id="a space within"),
        pytest.param("\uff11,2", "latitude '\uff11' is not a decimal number", id="full-width digit"),
        pytest.param("\u0661,2", "latitude '\u0661' is not a decimal number", id="Arabic digit"),
        pytest.param("1,2\n", r"longitude '2\n' is not a decimal number", id="line break"),
        pytest.param("1,\t2", r"longitude '\t2' is not a decimal number", id="tab"),
        pytest.param("90.001,2", "latitude '90.001' is not between -90 and 90", id="range before rounding, north"),
        pytest.param("-90.001,2", "latitude '-90.001' is not between -90 and 90", id="range before rounding, south"),
        pytest.param("1,180.001", "longitude '180.001' is not between -180 and 180", id="range before rounding, east"),
        pytest.param(
            "1,-180.004", "longitude '-180.004' is not between -180 and 180", id="range before rounding, west"
        ),
        pytest.param("91,2", "latitude '91' is not between -90 and 90", id="too far north"),
    ],
)
def test_anything_else_is_no_place(text: str, words: str) -> None:
    """Anything else is refused in words that say which number is wrong."""
    with pytest.raises(ValueError, match=r".+") as caught:
        Coordinates.parse(text)
    assert words in str(caught.value)


def test_equal_places_are_equal_as_numbers() -> None:
    """Two notations of one place are equal.

    Otherwise they would be two record sets at one location, which Route 53 refuses.
    """
    assert Coordinates(Decimal(1), Decimal(2)) == Coordinates.parse("1.00,2.00")


def test_long_text_is_shown_short() -> None:
    """Text of more than 80 characters is cut."""
    assert quoted("x" * 1000) == quoted("x" * 81) == "'" + "x" * 77 + "...'"


def test_short_text_is_shown_whole() -> None:
    """Text of up to 80 characters is shown whole."""
    assert quoted("x" * 80) == "'" + "x" * 80 + "'"


def test_messages_stay_one_line() -> None:
    """A message becomes one line without control characters.

    It can neither forge lines of the report nor control the terminal.
    """
    assert one_line(" a\nb\t c\x1b[31m\x00 ") == "a b c[31m"


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
    ("member", "policy"),
    [
        pytest.param({"GeoProximityLocation": {"AWSRegion": "eu-west-1"}}, "geoproximity", id="geoproximity"),
        pytest.param({"Weight": 0}, "weighted", id="weighted, even 0"),
        pytest.param({"Region": "eu-west-1"}, "latency", id="latency"),
        pytest.param({"GeoLocation": {"CountryCode": "NZ"}}, "geolocation", id="geolocation"),
        pytest.param({"Failover": "PRIMARY"}, "failover", id="failover"),
        pytest.param({"MultiValueAnswer": True}, "multivalue", id="multivalue"),
        pytest.param({"CidrRoutingConfig": {"CollectionId": "c", "LocationName": "*"}}, "IP-based", id="IP-based"),
    ],
)
def test_policy_of_a_record_set(member: dict[str, object], policy: str) -> None:
    """Each routing policy of Route 53 is recognised by its member."""
    assert routed("A", "x", member, "5.0.0.1").policy == policy


def test_a_record_set_without_policy_is_simple() -> None:
    """A record set without such a member is simple."""
    assert plain("A", "5.0.0.1").policy == "simple"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(plain("AAAA", "2600::2", "2600::1"), id="values in another order"),
        pytest.param(plain("AAAA", "2600:0::1", "2600::0002"), id="values in another notation"),
        pytest.param(plain("AAAA", "2600::1", "2600::2", name=DOMAIN.upper()), id="name in upper case"),
    ],
)
def test_equal_answers_make_equal_record_sets(other: object) -> None:
    """Order, notation and case make no difference."""
    assert plain("AAAA", "2600::1", "2600::2") == other


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(near("A", PARIS, "5.0.0.1", identifier="geoproximity-coords:48.86,2.35"), id="itself"),
        pytest.param(
            routed(
                "A",
                "geoproximity-coords:48.86,2.35",
                {"GeoProximityLocation": {"Coordinates": {"Latitude": "+48.860", "Longitude": "2.35"}, "Bias": 0}},
                "5.0.0.1",
            ),
            id="another notation of the place and no bias",
        ),
    ],
)
def test_equal_places_make_equal_record_sets(other: object) -> None:
    """The notation of a place makes no difference."""
    assert near("A", PARIS, "5.0.0.1") == other


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(plain("A", "5.0.0.1", ttl=300), id="TTL"),
        pytest.param(plain("A", "5.0.0.2"), id="values"),
        pytest.param(plain("AAAA", "5.0.0.1"), id="type"),
        pytest.param(plain("A", "5.0.0.1", name="other.example.com"), id="name"),
        pytest.param(read("A", ["5.0.0.1"], {"HealthCheckId": "h"}), id="health check"),
        pytest.param(alias("A"), id="alias"),
    ],
)
def test_whatever_changes_answers_makes_a_difference(other: object) -> None:
    """Whatever changes the answers makes a difference."""
    assert plain("A", "5.0.0.1") != other


def test_a_bias_makes_a_difference() -> None:
    """A bias makes a difference."""
    point = {"Coordinates": {"Latitude": "48.86", "Longitude": "2.35"}, "Bias": 20}
    other = routed("A", "geoproximity-coords:48.86,2.35", {"GeoProximityLocation": point}, "5.0.0.1")
    assert near("A", PARIS, "5.0.0.1") != other


def test_no_bias_is_a_bias_of_0() -> None:
    """A bias of 0 is the same as none. A set that somebody has touched in the console is not rewritten."""
    location = {"Coordinates": {"Latitude": "48.86", "Longitude": "2.35"}}
    sets = [routed("A", "x", {"GeoProximityLocation": {**location, **bias}}, "5.0.0.1") for bias in ({}, {"Bias": 0})]
    assert sets[0] == sets[1]
    assert sets[0].extras == ""


def test_settings_of_somebody_else_are_told_apart() -> None:
    """Two values of a setting that is not ours make a difference."""
    one, other = (read("A", ["5.0.0.1"], {"HealthCheckId": check}) for check in ("h", "i"))
    assert one != other


def test_a_record_set_keeps_what_was_read() -> None:
    """A record set keeps exactly what was read, since DELETE must repeat it."""
    raw = {"Name": "CDN.example.com.", "Type": "AAAA", "TTL": 5, "ResourceRecords": [{"Value": "2600:0::1"}]}
    assert record_set(raw).raw == raw


@pytest.mark.parametrize("member", ["Name", "Type"])
def test_a_record_set_without_what_every_set_has(member: str) -> None:
    """A record set without name or type is refused. A truncated answer does not pass for a record set."""
    raw = {"Name": "x.example.com.", "Type": "A"}
    del raw[member]
    with pytest.raises(KeyError, match=member):
        record_set(raw)


def test_values_that_are_no_addresses_are_kept() -> None:
    """Values that are not addresses are kept as they are."""
    assert plain("TXT", '"hello"').values == ('"hello"',)


def test_numeric_order() -> None:
    """Addresses sort by number, IPv4 before IPv6, and anything else after them."""
    assert sorted(["x", "2600::", "10.0.0.1", "9.0.0.1"], key=numeric_order) == ["9.0.0.1", "10.0.0.1", "2600::", "x"]


@pytest.mark.parametrize(
    ("record_set", "words"),
    [
        pytest.param(plain("A", "5.0.0.1"), "A simple", id="simple"),
        pytest.param(near("AAAA", PARIS, "2600::1"), "AAAA geoproximity 48.86,2.35", id="by its place"),
        pytest.param(routed("A", "blue", {"Weight": 1}, "5.0.0.1"), "A weighted blue", id="by its identifier"),
        pytest.param(
            routed("A", " a\tb\nc\x9b2J ", {"Weight": 1}, "5.0.0.1"), "A weighted a b c2J", id="an odd identifier"
        ),
    ],
)
def test_which_set_of_its_name(record_set: object, words: str) -> None:
    """A record set is named by type, policy and place or identifier, on one line."""
    assert str(record_set) == words


ONE, TWO, EARLIER = ipv4(1), ipv4(2), Withheld(ipv4(9), "earlier")
UP = Published("a", (ONE, TWO), PARIS, (EARLIER,))


@pytest.mark.parametrize(
    ("verdict", "refused", "after"),
    [
        pytest.param(UP, {}, UP, id="nothing"),
        pytest.param(UP, {("b", ONE): "dead"}, UP, id="another node's"),
        pytest.param(
            UP,
            {("a", ONE): "dead"},
            Published("a", (TWO,), PARIS, (EARLIER, Withheld(ONE, "dead"))),
            id="one of two",
        ),
        pytest.param(
            UP,
            {("a", TWO): "late", ("a", ONE): "dead"},
            Skipped("a", "dead", (), PARIS, (EARLIER, Withheld(ONE, "dead"), Withheld(TWO, "late"))),
            id="all",
        ),
        pytest.param(
            published("b", "5.0.0.1"),
            {("a", ONE): "dead"},
            published("b", "5.0.0.1"),
            id="an address that two nodes share",
        ),
        pytest.param(skipped("a", "5.0.0.1"), {("a", ONE): "dead"}, skipped("a", "5.0.0.1"), id="of a skipped node"),
    ],
)
def test_withhold(verdict: Verdict, refused: dict[tuple[str, Address], str], after: Verdict) -> None:
    """The refused addresses of that node alone are withheld, each with its reason.

    A node without any left is skipped.
    """
    assert withhold(verdict, refused) == after
