"""Domain names, which hosted zone holds one, and which of its record sets are ours."""

import pytest

from jobs.core.errors import ConfigurationError
from jobs.core.zones import (
    Zone,
    as_listed,
    canonical,
    choose_zone,
    last_labels,
    listing_order,
    no_zone,
    owned,
    parse_domain,
    within,
)
from tests.sandbox import names as route53_names
from tests.support.builders import DOMAIN, ZONE, plain, routed


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("www.example.com", "www.example.com", id="plain"),
        pytest.param("WWW.Example.COM", "www.example.com", id="case does not matter"),
        pytest.param("www.example.com.", "www.example.com", id="nor a trailing dot"),
        pytest.param("*.example.com", "*.example.com", id="wildcard"),
        pytest.param("example.com", "example.com", id="apex"),
        pytest.param("_a_.example.com", "_a_.example.com", id="underscores"),
        pytest.param("1.example.com", "1.example.com", id="digits"),
        pytest.param("a.1.example", "a.1.example", id="digits within"),
        pytest.param("a-b.example.com", "a-b.example.com", id="hyphen"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", id="international"),
        pytest.param(f"{'a' * 63}.com", f"{'a' * 63}.com", id="longest label"),
        pytest.param("a." * 125 + "com.", "a." * 125 + "com", id="longest name"),
    ],
)
def test_a_domain_is_read(text: str, name: str) -> None:
    """A domain name is read in any case, with or without a trailing dot."""
    assert parse_domain(text) == name


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="root"),
        pytest.param("example.com..", id="two trailing dots"),
        pytest.param(".example.com", id="leading dot"),
        pytest.param("a..example.com", id="empty label"),
        pytest.param("-a.example.com", id="leading hyphen"),
        pytest.param("a-.example.com", id="trailing hyphen"),
        pytest.param("a b.example.com", id="space"),
        pytest.param("example.com\n", id="line break"),
        pytest.param("https://example.com", id="URL"),
        pytest.param("*", id="wildcard alone"),
        pytest.param("*.*.example.com", id="two wildcards"),
        pytest.param("a.*.example.com", id="wildcard within"),
        pytest.param("a*.example.com", id="wildcard as part of a label"),
        pytest.param("192.0.2.1", id="an address"),
        pytest.param(f"{'a' * 64}.com", id="label too long"),
        pytest.param("a." * 126 + "com", id="name too long"),
        pytest.param("a." * 125 + "comm", id="name too long by one"),
        pytest.param("example.com.1", id="digits last"),
    ],
)
def test_what_is_no_domain(text: str) -> None:
    """Anything else is refused in words that show the form. A typing error is not looked for in Route 53."""
    with pytest.raises(
        ValueError, match=r"^is not a domain name: write it like www\.example\.com or \*\.example\.com$"
    ):
        parse_domain(text)


@pytest.mark.parametrize("text", ["b\u00fccher.example", "\u212aube.example", "\u0661.example"])
def test_only_ascii(text: str) -> None:
    """A name that is not ASCII is refused. A look-alike character would be another domain than people see."""
    with pytest.raises(ValueError, match=r"^is not a domain name in ASCII: write international labels as xn--\.\.\.$"):
        parse_domain(text)


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        pytest.param("www.example.com.", "www.example.com", id="plain"),
        pytest.param("\\052.example.com.", "*.example.com", id="wildcard"),
        pytest.param("WWW.Example.com", "www.example.com", id="upper case, no dot"),
        pytest.param("\\344.example.com.", "\\344.example.com", id="another octal escape is nobody's"),
        pytest.param("a\\056b.example.com.", "a\\056b.example.com", id="a dot within a label parts none"),
        pytest.param("\\9.example.com.", "\\9.example.com", id="no escape"),
    ],
)
def test_route53_notation_is_undone(listed: str, name: str) -> None:
    """A wildcard is recognised as Route 53 lists it; any other escape stays."""
    assert canonical(listed) == name


@pytest.mark.parametrize("name", ["*.example.com", "www.example.com", "_a.example.com"])
def test_names_are_written_as_route53_lists_them(name: str) -> None:
    """Names are written as Route 53 lists them."""
    assert as_listed(name) == route53_names.canonical(name)


def test_escaping_is_undone() -> None:
    """A name that is written as listed and read again is the same."""
    assert canonical(as_listed("*.example.com")) == "*.example.com"


def test_domains_are_read_in_the_order_of_the_lists() -> None:
    """Domains are sorted as Route 53 lists them, in which a hyphen comes before the dot that ends a label.

    Domains of one page cost one call.
    """
    names = ["example.com", "a.example.com", "b.a.example.com", "a-b.example.com", "ab.example.com", "a.example.net"]
    assert sorted(names, key=listing_order) == sorted(names, key=route53_names.order)


def test_last_labels() -> None:
    """The last two labels, without a wildcard, begin the search for a zone."""
    found = ["*.a.example.com", "example.com", "com", "*.com"]
    assert [*map(last_labels, found), last_labels("a.b", 1)] == ["example.com", "example.com", "com", "com", "b"]


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        pytest.param("example.com", True, id="itself"),
        pytest.param("a.b.example.com", True, id="below"),
        pytest.param("evilexample.com", False, id="look-alike"),
        pytest.param("com", False, id="parent"),
        pytest.param("example.com.evil.net", False, id="as a prefix"),
    ],
)
def test_within(name: str, *, inside: bool) -> None:
    """A zone holds its own name and the names below it, not a look-alike."""
    assert within(name, "example.com") is inside


TOP = Zone("Z1", "example.com", private=False)
SUB = Zone("Z2", "cdn.example.com", private=False)
TWIN = Zone("Z3", "example.com", private=False)
HIDDEN = Zone("Z4", "www.cdn.example.com", private=True)
OTHER = Zone("Z5", "evilexample.com", private=False)


@pytest.mark.parametrize(
    ("domain", "zones", "chosen"),
    [
        pytest.param("example.com", [TOP], TOP, id="the apex"),
        pytest.param("www.example.com", [TOP], TOP, id="below the apex"),
        pytest.param("www.cdn.example.com", [TOP, SUB], SUB, id="the longest name"),
        pytest.param("cdn.example.com", [SUB, TOP], SUB, id="whatever the order"),
        pytest.param("www.example.com", [TOP, SUB], TOP, id="not a sibling"),
        pytest.param("www.cdn.example.com", [TOP, HIDDEN], TOP, id="not a private one"),
        pytest.param("www.cdn.example.com", [TOP, TWIN, SUB], SUB, id="twins do not matter above it"),
        pytest.param("*.cdn.example.com", [TOP, SUB], SUB, id="wildcard"),
        pytest.param("www.example.com", [OTHER], None, id="only a look-alike"),
        pytest.param("www.example.com", [], None, id="nothing"),
    ],
)
def test_the_zone_of_a_domain(domain: str, zones: list[Zone], chosen: Zone | None) -> None:
    """The zone of a domain is the public one with the longest name that holds it."""
    assert choose_zone(domain, zones) == chosen


def test_two_zones_of_the_same_name() -> None:
    """Two public zones of one name are an error that names both and --zone-id."""
    with pytest.raises(ConfigurationError) as caught:
        choose_zone("www.example.com", [TOP, TWIN])
    assert str(caught.value) == (
        "two public hosted zones could hold it: example.com (Z1) and example.com (Z3); choose one with --zone-id"
    )


def test_no_zone_but_a_private_one() -> None:
    """Where only private zones hold the domain, the error names them."""
    hidden = [HIDDEN, Zone("Z6", "example.com", private=True)]
    assert str(no_zone("www.cdn.example.com", [TOP, *hidden])) == (
        "only a private hosted zone holds it: www.cdn.example.com (Z4, private), example.com (Z6, private); "
        "create a public one"
    )


def test_no_zone_but_similar_ones() -> None:
    """Where no zone holds the domain, the error names zones with similar names."""
    assert str(no_zone("exmple.com", [TOP, TWIN])) == (
        "no public hosted zone of this account holds it; "
        "zones seen that come near: example.com (Z1), example.com (Z3); "
        "create the zone, or check the domain and the AWS account"
    )


def test_no_more_than_three_similar_zones() -> None:
    """At most three similar zones are named."""
    zones = [Zone(f"Z{number}", f"example{number}.com", private=False) for number in range(1, 6)]
    assert str(no_zone("example.com", zones)).count("(Z") == 3


def test_zones_that_are_half_alike_come_near() -> None:
    """A zone whose name is half alike counts as similar."""
    assert "abcd.net (Z1)" in str(no_zone("abcde.org", [Zone("Z1", "abcd.net", private=False)]))


def test_no_zone_at_all() -> None:
    """Without a similar zone the error says so."""
    assert "zones seen that come near: none" in str(no_zone("example.com", [Zone("Z9", "zzz.org", private=False)]))


def test_no_zone_is_a_configuration_error() -> None:
    """No zone is a configuration error, which only a person can mend."""
    assert no_zone("example.com", []).exit_status == 2


def test_the_order_of_lists_is_that_of_labels_from_the_right() -> None:
    """The order of lists goes by labels from the right."""
    assert listing_order("a-b.example.com") == "com.example.a-b."


MX = plain("MX", "10 mail.example.com")
CNAME = plain("CNAME", "www.example.com")
NS = plain("NS", "ns.example.net")
WEIGHTED = routed("AAAA", "blue", {"Weight": 1}, "2600::1")


def test_a_and_aaaa_are_ours_whatever_their_policy() -> None:
    """All A and AAAA sets of the name are ours, whatever their policy; no other type is."""
    assert owned(DOMAIN, ZONE, [plain("A", "5.0.0.1"), WEIGHTED, MX]) == (plain("A", "5.0.0.1"), WEIGHTED)


def test_a_cname_is_a_configuration_error() -> None:
    """A CNAME at the name is a configuration error that says what to do."""
    with pytest.raises(
        ConfigurationError, match=r"^a CNAME record stands at this name; delete it, or choose another name$"
    ):
        owned(DOMAIN, ZONE, iter([CNAME]))


def test_a_delegation_is_a_configuration_error() -> None:
    """NS records at a name below the zone's are a configuration error.

    Records would be written where no resolver looks.
    """
    with pytest.raises(ConfigurationError, match="NS records delegate this name out of the zone"):
        owned(DOMAIN, ZONE, [plain("A", "5.0.0.1"), NS])


def test_the_zones_own_ns_are_no_delegation() -> None:
    """The NS records of the zone's own name are not an error."""
    assert owned(DOMAIN, DOMAIN, [NS, plain("A", "5.0.0.1")]) == (plain("A", "5.0.0.1"),)
