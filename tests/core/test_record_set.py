"""Record sets are equal when they answer alike, and go back to Route 53 as they were read."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from jobs.core.errors import TemporaryError
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import api_form, by_name, from_api, with_health_check, with_more
from tests.support.builders import DOMAIN, PARIS, alias, ipv4, multivalue, near, plain, read, routed


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
        pytest.param({"AZAffinity": {"Zone": "use1-az1"}}, "AZ affinity", id="AZ affinity"),
        pytest.param({"PolicyOfTheFuture": 1}, "other", id="unknown"),
        pytest.param({}, "other", id="unknown, of which only the identifier is seen"),
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
        pytest.param(plain("AAAA", "2600::2", "2600::1"), id="addresses in another order"),
        pytest.param(plain("AAAA", "2600:0::1", "2600::0002"), id="addresses in another notation"),
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
        pytest.param(plain("A", "5.0.0.2"), id="addresses"),
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


def test_settings_of_somebody_else_make_a_difference() -> None:
    """Two values of a setting that is not ours make a difference."""
    one, other = (read("A", ["5.0.0.1"], {"TrafficPolicyInstanceId": policy}) for policy in ("p", "q"))
    assert one != other


def test_another_health_check_makes_a_difference() -> None:
    """Two health checks make a difference, and are nothing of somebody else's."""
    one, other = (read("A", ["5.0.0.1"], {"HealthCheckId": check}) for check in ("h", "i"))
    assert one != other
    assert (one.health_check_id, one.extras) == ("h", "")


@pytest.mark.parametrize("check", ["i", None])
@pytest.mark.parametrize(
    "each",
    [
        pytest.param(near("A", PARIS, "5.0.0.9"), id="read"),
        pytest.param(replace(near("A", PARIS, "5.0.0.9"), raw=None), id="of our own making"),
        pytest.param(routed("A", "blue", {"Weight": 1, "HealthCheckId": "h"}, "5.0.0.9"), id="of somebody else"),
    ],
)
def test_a_health_check_changes_nothing_else(each: RecordSet, check: str | None) -> None:
    """A set that gets a health check, or loses it, keeps all else, in its value and in its API form."""
    checked = with_health_check(each, check)
    assert replace(checked, health_check_id=each.health_check_id) == each
    assert api_form(checked).get("HealthCheckId") == check == checked.health_check_id
    assert ("HealthCheckId" in api_form(checked)) is (check is not None), "Route 53 takes no null"
    assert {**api_form(checked), "HealthCheckId": None} == {**api_form(each), "HealthCheckId": None}
    assert from_api(api_form(checked)) == checked


def test_a_record_set_keeps_what_was_read() -> None:
    """A record set keeps exactly what was read, since DELETE must repeat it."""
    raw = {"Name": "CDN.example.com.", "Type": "AAAA", "TTL": 5, "ResourceRecords": [{"Value": "2600:0::1"}]}
    assert from_api(raw).raw == raw


@pytest.mark.parametrize("member", ["Name", "Type"])
def test_a_record_set_without_what_every_set_has(member: str) -> None:
    """A record set without name or type is refused. A truncated answer does not pass for a record set."""
    raw = {"Name": "x.example.com.", "Type": "A"}
    del raw[member]
    with pytest.raises(KeyError, match=member):
        from_api(raw)


def test_addresses_are_read_in_numeric_order() -> None:
    """Addresses are values in numeric order, however Route 53 lists them."""
    assert plain("A", "10.0.0.1", "9.0.0.1").addresses == (ip_address("9.0.0.1"), ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "each",
    [
        pytest.param(plain("TXT", '"5.0.0.1"'), id="text"),
        pytest.param(plain("NS", "ns.example.net"), id="name servers"),
        pytest.param(alias("A"), id="alias"),
    ],
)
def test_only_a_and_aaaa_sets_have_addresses(each: RecordSet) -> None:
    """A set of another type, and an alias, has no addresses, whatever its values look like."""
    assert each.addresses == ()


@pytest.mark.parametrize("value", ["www.example.com", "", "5.0.0", "5.0.0.1 "])
def test_a_value_that_is_not_an_address_is_refused(value: str) -> None:
    """An A or AAAA set with a value that is not an address is refused.

    A mangled answer does not pass for a set that has fewer addresses than it has.
    """
    with pytest.raises(ValueError, match="IPv4 or IPv6 address"):
        plain("A", value)


def test_a_set_of_another_name_that_cannot_be_read_is_left_out() -> None:
    """A name with a set that cannot be read is left out, whole; the sets of all other names are read."""
    page = [
        {"Name": f"{name}.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}
        for name, value in (("cdn", "5.0.0.1"), ("old", "5.75.128.010"), ("old", "5.0.0.2"), ("www", "5.0.0.3"))
    ]
    found = by_name(page, "cdn.example.com")
    assert {name: each.addresses for name, (each,) in found.items()} == {
        "cdn.example.com": (ip_address("5.0.0.1"),),
        "www.example.com": (ip_address("5.0.0.3"),),
    }


def test_a_set_of_the_name_asked_for_that_cannot_be_read() -> None:
    """A set of the name that is asked for is an error, which names the set, its value and the remedy."""
    good = {"Name": f"{DOMAIN}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "5.0.0.1"}]}
    odd = {"SetIdentifier": "blue", "Weight": 1, "ResourceRecords": [{"Value": "5.75.128.010"}]}
    with pytest.raises(TemporaryError, match=rf"A blue of {DOMAIN} cannot be read: '5.75.128.010'.*; correct"):
        by_name([good, good | odd], DOMAIN)


def test_a_simple_set_that_cannot_be_read_is_named_by_its_type() -> None:
    """A set without an identifier that cannot be read is named by its type alone."""
    odd = {"Name": f"{DOMAIN}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "5.75.128.010"}]}
    with pytest.raises(TemporaryError, match=rf"^record set A of {DOMAIN} cannot be read: "):
        by_name([odd], DOMAIN)


def test_a_place_that_is_none_is_refused() -> None:
    """A geoproximity set whose coordinates are not on Earth is refused."""
    point = {"Latitude": "91", "Longitude": "0"}
    with pytest.raises(ValueError, match="latitude '91' is not between -90 and 90"):
        routed("A", "x", {"GeoProximityLocation": {"Coordinates": point}}, "5.0.0.1")


def test_a_region_is_not_a_place() -> None:
    """A geoproximity set of an AWS Region has no coordinates; the Region tells it from others."""
    one, other = (
        routed("A", "x", {"GeoProximityLocation": {"AWSRegion": region}}, "5.0.0.1")
        for region in ("eu-west-1", "us-east-1")
    )
    assert one.coordinates is None
    assert one != other


def test_what_was_read_goes_back_as_it_was_read() -> None:
    """The API form of a set that was read is exactly what was read."""
    odd = routed("A", "blue", {"Weight": 1, "HealthCheckId": "h"}, "5.0.0.2", "5.0.0.1")
    assert api_form(odd) is odd.raw


@pytest.mark.parametrize(
    "each",
    [
        pytest.param(plain("A", "5.0.0.1", "5.0.0.2", ttl=0), id="simple"),
        pytest.param(near("AAAA", PARIS, "2600::1"), id="geoproximity"),
        pytest.param(near("AAAA", PARIS, "2600::1", bias=-20), id="geoproximity with a bias"),
        pytest.param(multivalue("A", "5.0.0.1"), id="multivalue"),
        pytest.param(with_health_check(multivalue("A", "5.0.0.1"), "h"), id="with a health check"),
        pytest.param(plain("A", "5.0.0.1", name="*.example.com"), id="wildcard"),
    ],
)
def test_a_set_of_our_own_making_reads_as_what_it_is(each: RecordSet) -> None:
    """The API form of a set of our own making, read back, is the same set. So a second look finds nothing to change."""
    ours = replace(each, raw=None)
    assert ours.raw is None
    assert api_form(ours) == each.raw
    assert from_api(api_form(ours)) == ours


ROWS = [
    pytest.param(plain("A", "5.0.0.9"), id="simple"),
    pytest.param(routed("A", "blue", {"Weight": 1, "HealthCheckId": "h"}, "5.0.0.9"), id="of somebody else"),
    pytest.param(RecordSet(DOMAIN, "A", (ipv4(9),), 60), id="of our own making"),
    pytest.param(replace(near("A", PARIS, "5.0.0.9", bias=7), raw=None), id="of our own making, with a bias"),
]


@pytest.mark.parametrize("each", ROWS)
def test_more_addresses_change_nothing_else(each: RecordSet) -> None:
    """A set that gains addresses keeps all else, in its value and in its API form."""
    larger = with_more(each, iter([ipv4(10), ipv4(1)]))
    assert larger.addresses == (ipv4(1), ipv4(9), ipv4(10))
    assert {record["Value"] for record in api_form(larger)["ResourceRecords"]} == {"5.0.0.1", "5.0.0.9", "5.0.0.10"}
    assert {**api_form(larger), "ResourceRecords": None} == {**api_form(each), "ResourceRecords": None}
    assert from_api(api_form(larger)) == larger


@pytest.mark.parametrize(
    ("record_set", "words"),
    [
        pytest.param(plain("A", "5.0.0.1"), "A simple", id="simple"),
        pytest.param(near("AAAA", PARIS, "2600::1"), "AAAA geoproximity 48.86,2.35", id="by its place"),
        pytest.param(multivalue("A", "5.0.0.1"), "A multivalue multivalue:5.0.0.1", id="by its address"),
        pytest.param(routed("A", "blue", {"Weight": 1}, "5.0.0.1"), "A weighted blue", id="by its identifier"),
        pytest.param(
            routed("A", " a\tb\nc\x9b2J ", {"Weight": 1}, "5.0.0.1"), "A weighted a b c2J", id="an odd identifier"
        ),
    ],
)
def test_which_set_of_its_name(record_set: object, words: str) -> None:
    """A record set is named by type, policy and place or identifier, on one line."""
    assert str(record_set) == words
