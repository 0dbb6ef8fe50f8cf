"""The double of Route 53 refuses the record sets that the real one refuses."""

from typing import Any

import pytest

from tests.sandbox.account import Account, create, delete, near, routed, simple, upsert
from tests.sandbox.record_sets import RecordSet

REGIONS = {"GeoProximityLocation": {"AWSRegion": "eu-west-1"}}
POLICIES: list[dict[str, Any]] = [
    {"Weight": 1},
    {"Region": "eu-west-1"},
    {"GeoLocation": {"CountryCode": "NZ"}},
    REGIONS,
    {"Failover": "PRIMARY"},
    {"MultiValueAnswer": True},
    {"CidrRoutingConfig": {"CollectionId": "00000000-0000-4000-8000-000000000000", "LocationName": "*"}},
]


def at(location: dict[str, Any]) -> RecordSet:
    """Write a geoproximity set with any location."""
    return routed("a", {"GeoProximityLocation": location})


@pytest.mark.parametrize("policy", [pytest.param(policy, id=next(iter(policy))) for policy in POLICIES])
def test_every_policy_is_kept(dns: Account, zone: str, policy: dict[str, Any]) -> None:
    """Keeps a set of any policy as it was made, so that it can be deleted."""
    dns.service.put(zone, routed("a", policy))
    listed = dns.client.list_resource_record_sets(HostedZoneId=zone, StartRecordName="cdn.example.com")
    assert listed["ResourceRecordSets"] == [routed("a", policy) | {"Name": "cdn.example.com."}]
    dns.change(zone, delete(listed["ResourceRecordSets"][0]))


@pytest.mark.parametrize("policy", [pytest.param(policy, id=next(iter(policy))) for policy in POLICIES])
def test_policies_and_simple_routing_do_not_mix(dns: Account, zone: str, policy: dict[str, Any]) -> None:
    """Refuses sets of any policy beside a simple one, and a simple one beside others."""
    plain = simple("cdn.example.com", "A", "192.0.2.9")
    dns.service.put(zone, plain)
    code, message = dns.refusal(zone, create(routed("a", policy)))
    assert code == "InvalidChangeBatch"
    assert message == (
        "[RRSet with DNS name cdn.example.com., type A, SetIdentifier a cannot be created as other RRSets exist "
        "with the same name and type.]"
    )
    dns.change(zone, delete(plain), create(routed("a", policy)))
    code, message = dns.refusal(zone, create(plain))
    assert code == "InvalidChangeBatch"
    assert "type A cannot be created as other RRSets exist with the same name and type." in message


def test_two_policies_do_not_mix(dns: Account, zone: str) -> None:
    """Refuses a second policy for a name and type; another type may have another."""
    dns.service.put(zone, near("a", "1", "2"))
    assert dns.refusal(zone, create(routed("b", {"Weight": 1})))[0] == "InvalidChangeBatch"
    dns.change(zone, create(simple("cdn.example.com", "AAAA", "2001:db8::1")))


@pytest.mark.parametrize(
    "record_set",
    [
        pytest.param(routed("a", {"Weight": 1, "Region": "eu-west-1"}), id="two policies"),
        pytest.param(simple("x.example.com", "A", "192.0.2.1") | {"SetIdentifier": "a"}, id="identifier, no policy"),
        pytest.param(simple("x.example.com", "A", "192.0.2.1") | {"Weight": 1}, id="policy, no identifier"),
        pytest.param(
            simple("x.example.com", "A", "192.0.2.1") | {"MultiValueAnswer": False}, id="false, no identifier"
        ),
        pytest.param(routed("a" * 129, {"Weight": 1}), id="identifier too long"),
        pytest.param(routed("a", {"Weight": 256}), id="weight too large"),
        pytest.param(routed("a", {"Region": "nowhere-1"}), id="no such region"),
        pytest.param(simple("x.example.com", "BOGUS", "x"), id="no such type"),
        pytest.param({"Name": "x.example.com", "Type": "A", "TTL": 60}, id="no values"),
        pytest.param({"Name": "x.example.com", "Type": "A", "ResourceRecords": [{"Value": "192.0.2.1"}]}, id="no ttl"),
        pytest.param(simple("x.example.com", "A", "192.0.2.1", ttl=2**31), id="ttl too large"),
    ],
)
def test_malformed_sets_are_invalid_input(dns: Account, zone: str, record_set: RecordSet) -> None:
    """Answers InvalidInput to a set that breaks the schema, whatever is in the zone."""
    assert dns.refusal(zone, create(record_set))[0] == "InvalidInput"


@pytest.mark.parametrize("ttl", [0, 2**31 - 1])
def test_ttl_bounds_are_allowed(dns: Account, zone: str, ttl: int) -> None:
    """Takes the smallest and the largest TTL."""
    dns.change(zone, create(simple("x.example.com", "A", "192.0.2.1", ttl=ttl)))


def test_longest_identifier_is_allowed(dns: Account, zone: str) -> None:
    """Takes a set identifier of 128 characters."""
    dns.change(zone, create(routed("a" * 128, {"Weight": 1})))


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        pytest.param("40.7128", "0", id="four decimals"),
        pytest.param("0", "0.123", id="three decimals"),
        pytest.param("90.01", "0", id="beyond the pole"),
        pytest.param("-91", "0", id="beyond the other pole"),
        pytest.param("0", "180.01", id="beyond the date line"),
        pytest.param("0", "-181", id="beyond it westwards"),
        pytest.param("100", "0", id="three digits of latitude"),
        pytest.param(".5", "0", id="no digit before the point"),
        pytest.param("0", "1e1", id="exponent"),
        pytest.param("0", " 1", id="space"),
        pytest.param("٣", "0", id="other digits"),
        pytest.param("0", "north", id="no number"),
    ],
)
def test_bad_coordinates_are_invalid_input(dns: Account, zone: str, latitude: str, longitude: str) -> None:
    """Refuses coordinates with more than two decimals, off the globe, or that are not numbers."""
    assert dns.refusal(zone, create(near("a", latitude, longitude)))[0] == "InvalidInput"


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        pytest.param("90", "180", id="upper ends"),
        pytest.param("-90.00", "-180.0", id="lower ends"),
        pytest.param("+1.5", "-0.00", id="signs"),
        pytest.param("1.", "001", id="odd but good"),
    ],
)
def test_good_coordinates_are_kept_as_written(dns: Account, zone: str, latitude: str, longitude: str) -> None:
    """Keeps coordinates as they are written."""
    dns.change(zone, create(near("a", latitude, longitude)))
    stored = dns.service.records(zone, "cdn.example.com")[0]["GeoProximityLocation"]["Coordinates"]
    assert stored == {"Latitude": latitude, "Longitude": longitude}


@pytest.mark.parametrize(
    "location",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Bias": 1}, id="bias alone"),
        pytest.param({"AWSRegion": "eu-west-1", "LocalZoneGroup": "us-east-1-bue-1"}, id="two"),
        pytest.param({"AWSRegion": "eu-west-1", "Coordinates": {"Latitude": "1", "Longitude": "2"}}, id="another two"),
        pytest.param({"AWSRegion": "eu-west-1", "Bias": 100}, id="bias too large"),
    ],
)
def test_a_geoproximity_location_is_one_place(dns: Account, zone: str, location: dict[str, Any]) -> None:
    """Refuses a location of none or two places, or with a bias beyond 99."""
    assert dns.refusal(zone, create(at(location)))[0] == "InvalidInput"


@pytest.mark.parametrize(
    "location",
    [
        pytest.param({"AWSRegion": "eu-west-1", "Bias": 99}, id="region"),
        pytest.param({"LocalZoneGroup": "us-east-1-bue-1", "Bias": -99}, id="local zone group"),
        pytest.param({"Coordinates": {"Latitude": "1", "Longitude": "2"}, "Bias": 0}, id="coordinates"),
    ],
)
def test_every_kind_of_location_is_kept(dns: Account, zone: str, location: dict[str, Any]) -> None:
    """Keeps a region, a local zone group or coordinates, with a bias."""
    dns.change(zone, create(at(location)))
    assert dns.service.records(zone, "cdn.example.com")[0]["GeoProximityLocation"] == location


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(near("a", "1.50", "2"), near("b", "1.50", "2"), id="equal"),
        pytest.param(near("a", "1.50", "0"), near("b", "+1.5", "-0.00"), id="equal as numbers"),
        pytest.param(near("a", "1", "2"), near("b", "1", "2", Bias=9), id="bias is no place"),
        pytest.param(routed("a", REGIONS), routed("b", REGIONS), id="region"),
    ],
)
def test_a_place_is_taken_once(dns: Account, zone: str, first: RecordSet, second: RecordSet) -> None:
    """Refuses a second set at one place for a name and type; another type may be there."""
    dns.service.put(zone, first)
    assert dns.refusal(zone, create(second))[0] == "InvalidChangeBatch"
    assert dns.refusal(zone, upsert(second))[0] == "InvalidChangeBatch"
    dns.change(zone, create(second | {"Type": "AAAA", "ResourceRecords": [{"Value": "2001:db8::1"}]}))


def test_a_place_can_be_handed_over(dns: Account, zone: str) -> None:
    """Takes a set at a place that another one leaves in the same batch."""
    dns.service.put(zone, near("a", "1", "2"))
    dns.change(zone, delete(near("a", "1", "2")), create(near("b", "1", "2")))
    dns.change(zone, upsert(near("b", "1.0", "2.0")))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"Region": "eu-west-1"}, {"Region": "eu-west-1"}, id="latency"),
        pytest.param({"GeoLocation": {"CountryCode": "NZ"}}, {"GeoLocation": {"CountryCode": "NZ"}}, id="geolocation"),
    ],
)
def test_other_locations_are_taken_once_too(
    dns: Account, zone: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Refuses a second latency or geolocation set at one place."""
    dns.service.put(zone, routed("a", first))
    assert dns.refusal(zone, create(routed("b", second)))[0] == "InvalidChangeBatch"


def test_thirty_places_of_a_name_and_type(dns: Account, zone: str) -> None:
    """Refuses the 31st geoproximity set, unless one leaves in the same batch."""
    dns.service.put(zone, *(near(str(number), str(number), "0") for number in range(30)))
    assert dns.refusal(zone, create(near("more", "89", "0")))[0] == "InvalidChangeBatch"
    dns.change(zone, delete(near("7", "7", "0")), create(near("more", "89", "0")))


def test_a_hundred_weighted_sets_of_a_name_and_type(dns: Account, zone: str) -> None:
    """Refuses the 101st set of another policy."""
    dns.service.put(zone, *(routed(str(number), {"Weight": 1}) for number in range(100)))
    assert dns.refusal(zone, create(routed("more", {"Weight": 1})))[0] == "InvalidChangeBatch"


@pytest.mark.parametrize("type_", ["A", "TXT"])
def test_nothing_stands_beside_a_cname(dns: Account, zone: str, type_: str) -> None:
    """Refuses every other type at the name of a CNAME."""
    dns.service.put(zone, simple("www.example.com", "CNAME", "example.net"))
    code, message = dns.refusal(zone, create(simple("www.example.com", type_, {"A": "192.0.2.1", "TXT": '"x"'}[type_])))
    assert code == "InvalidChangeBatch"
    assert (
        f"RRSet of type {type_} with DNS name www.example.com. is not permitted because a conflicting RRSet" in message
    )


def test_a_cname_stands_beside_nothing(dns: Account, zone: str) -> None:
    """Refuses a CNAME at a name that has another type."""
    dns.service.put(zone, simple("www.example.com", "AAAA", "2001:db8::1"))
    code, message = dns.refusal(zone, upsert(simple("www.example.com", "CNAME", "example.net")))
    assert code == "InvalidChangeBatch"
    assert "RRSet of type CNAME with DNS name www.example.com. is not permitted" in message


def test_no_cname_at_the_apex(dns: Account, zone: str) -> None:
    """Refuses a CNAME at the zone's own name."""
    assert dns.refusal(zone, create(simple("example.com", "CNAME", "example.net")))[0] == "InvalidChangeBatch"


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        pytest.param("A", "2001:db8::1", id="ipv6 in A"),
        pytest.param("A", "192.0.2.256", id="no octet"),
        pytest.param("A", "192.0.2", id="too short"),
        pytest.param("A", "192.0.2.1/32", id="prefix"),
        pytest.param("A", " 192.0.2.1", id="space"),
        pytest.param("AAAA", "192.0.2.1", id="ipv4 in AAAA"),
        pytest.param("AAAA", "2001:db8::g", id="no digit"),
        pytest.param("AAAA", "fe80::1%eth0", id="zone index"),
        pytest.param("TXT", "no quotes", id="unquoted text"),
        pytest.param("MX", "mail.example.com", id="no priority"),
    ],
)
def test_bad_values_are_refused(dns: Account, zone: str, type_: str, value: str) -> None:
    """Refuses values that are not of their type's form."""
    assert dns.refusal(zone, create(simple("x.example.com", type_, value)))[0] == "InvalidChangeBatch"


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        pytest.param("TXT", '"v=spf1 -all" "second string"', id="TXT"),
        pytest.param("MX", "10 mail.example.com", id="MX"),
        pytest.param("NS", "ns.example.net", id="NS"),
        pytest.param("CNAME", "other.example.net.", id="CNAME"),
        pytest.param("PTR", "host.example.net", id="PTR"),
        pytest.param("SRV", "1 10 5269 xmpp.example.com", id="SRV"),
        pytest.param("CAA", '0 issue "ca.example.net"', id="CAA"),
        pytest.param("AAAA", "2001:0DB8::1", id="AAAA"),
    ],
)
def test_other_types_are_kept(dns: Account, zone: str, type_: str, value: str) -> None:
    """Keeps sets of other types as they are."""
    dns.change(zone, create(simple("x.example.com", type_, value)))
    assert dns.service.records(zone, "x.example.com") == [simple("x.example.com.", type_, value)]


def test_values_of_a_set_are_distinct(dns: Account, zone: str) -> None:
    """Refuses the same address twice in one set."""
    code, message = dns.refusal(zone, create(simple("x.example.com", "A", "192.0.2.1", "192.0.2.1")))
    assert code == "InvalidChangeBatch"
    assert "Duplicate Resource Record" in message


ALIAS = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "D1.cloudfront.net", "EvaluateTargetHealth": False}


def test_an_alias_is_kept(dns: Account, zone: str) -> None:
    """Keeps an alias, with a target instead of TTL and values, and deletes it as it was listed."""
    dns.change(zone, create({"Name": "example.com", "Type": "A", "AliasTarget": ALIAS}))
    stored = next(one for one in dns.service.records(zone) if one["Type"] == "A")
    assert stored["AliasTarget"] == ALIAS | {"DNSName": "d1.cloudfront.net."}
    dns.change(zone, delete(stored))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"TTL": 60}, id="ttl"),
        pytest.param({"TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}, id="ttl and values"),
    ],
)
def test_an_alias_has_no_ttl_and_no_values(dns: Account, zone: str, more: dict[str, Any]) -> None:
    """Refuses an alias with a TTL or values."""
    record_set = {"Name": "x.example.com", "Type": "A", "AliasTarget": ALIAS} | more
    assert dns.refusal(zone, create(record_set))[0] == "InvalidInput"


def test_an_alias_inside_the_zone_has_a_target(dns: Account, zone: str) -> None:
    """Refuses an alias to a name of the zone that is not there, nor comes in the same batch."""
    alias = {
        "Name": "x.example.com",
        "Type": "A",
        "AliasTarget": ALIAS | {"HostedZoneId": zone, "DNSName": "y.example.com"},
    }
    assert dns.refusal(zone, create(alias))[0] == "InvalidChangeBatch"
    outside = alias | {"AliasTarget": ALIAS | {"HostedZoneId": zone}}
    assert dns.refusal(zone, create(outside))[0] == "InvalidChangeBatch"
    dns.change(zone, create(simple("y.example.com", "A", "192.0.2.1")), create(alias))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{'a' * 64}.example.com", id="label of 64"),
        pytest.param("a..example.com", id="empty label"),
        pytest.param("*a.example.com", id="half a wildcard"),
        pytest.param(".".join(["abcdefg"] * 31) + ".example.com", id="256 octets"),
    ],
)
def test_names_keep_the_rules_of_dns(dns: Account, zone: str, name: str) -> None:
    """Refuses labels of more than 63 characters, names of more than 255 octets, and half a wildcard."""
    assert dns.refusal(zone, create(simple(name, "A", "192.0.2.1")))[0] == "InvalidChangeBatch"
