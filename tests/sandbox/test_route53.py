"""The double of Route 53 finds, lists and pages zones and records as the real one does."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import Account, account, code, create, near, simple
from tests.sandbox.route53 import Route53
from tests.sandbox.zones import Refused


@pytest.fixture
def fresh() -> Iterator[Account]:
    """Serve an account without zones."""
    with account(Route53()) as served:
        yield served


def names(zones: list[dict[str, Any]]) -> list[str]:
    """List the names of zones."""
    return [zone["Name"] for zone in zones]


# Hosted zones


def test_a_public_zone_begins_with_ns_and_soa(dns: Account) -> None:
    """Makes a zone with NS and SOA, and answers with its name servers and a change to wait for."""
    made = dns.client.create_hosted_zone(
        Name="Made.example", CallerReference="made", HostedZoneConfig={"Comment": "mine", "PrivateZone": False}
    )
    assert made["HostedZone"]["Id"].startswith("/hostedzone/Z")
    assert made["HostedZone"]["Name"] == "made.example."
    assert made["HostedZone"]["Config"] == {"Comment": "mine", "PrivateZone": False}
    assert made["HostedZone"]["ResourceRecordSetCount"] == 2
    assert made["ChangeInfo"]["Status"] == "PENDING"
    assert made["Location"].endswith(made["HostedZone"]["Id"])
    found = dns.client.get_hosted_zone(Id=made["HostedZone"]["Id"])
    assert found["HostedZone"] == made["HostedZone"]
    assert found["DelegationSet"] == made["DelegationSet"]
    listed = dns.client.list_resource_record_sets(HostedZoneId=made["HostedZone"]["Id"])["ResourceRecordSets"]
    assert [(one["Name"], one["Type"]) for one in listed] == [("made.example.", "NS"), ("made.example.", "SOA")]


def test_a_private_zone_belongs_to_a_vpc(dns: Account) -> None:
    """Makes a private zone beside a public one of the same name, with its VPC instead of name servers."""
    vpc = {"VPCRegion": "eu-west-1", "VPCId": "vpc-1"}
    dns.service.zone("both.example")
    made = dns.client.create_hosted_zone(Name="both.example", CallerReference="private", VPC=vpc)
    assert made["HostedZone"]["Config"]["PrivateZone"] is True
    assert made["VPC"] == vpc
    assert dns.client.get_hosted_zone(Id=made["HostedZone"]["Id"])["VPCs"] == [vpc]


def test_a_caller_reference_is_used_once(dns: Account) -> None:
    """Refuses a CreateHostedZone that is sent twice."""
    dns.client.create_hosted_zone(Name="once.example", CallerReference="once")
    with pytest.raises(dns.client.exceptions.HostedZoneAlreadyExists):
        dns.client.create_hosted_zone(Name="once.example", CallerReference="once")


def test_a_vpc_sees_one_zone_of_a_name(dns: Account) -> None:
    """Refuses a second private zone of a name for one VPC."""
    dns.service.zone("twice.example", private=True)
    with pytest.raises(Refused) as caught:
        dns.service.zone("twice.example", private=True)
    assert caught.value.code == "ConflictingDomainExists"


def test_a_zone_has_a_valid_name(dns: Account) -> None:
    """Refuses zone names that break the rules of DNS."""
    with pytest.raises(dns.client.exceptions.InvalidDomainName):
        dns.client.create_hosted_zone(Name="a..example", CallerReference="bad")


def test_only_an_empty_zone_is_deleted(dns: Account, zone: str) -> None:
    """Refuses to delete a zone that has more than NS and SOA."""
    record_set = simple("www.example.com", "A", "192.0.2.1")
    dns.service.put(zone, record_set)
    with pytest.raises(dns.client.exceptions.HostedZoneNotEmpty):
        dns.client.delete_hosted_zone(Id=zone)
    dns.service.change(zone, {"Action": "DELETE", "ResourceRecordSet": record_set})
    dns.client.delete_hosted_zone(Id=zone)
    with pytest.raises(dns.client.exceptions.NoSuchHostedZone):
        dns.client.get_hosted_zone(Id=zone)


def test_an_unknown_zone_is_404(dns: Account) -> None:
    """Answers NoSuchHostedZone to whatever is asked of a zone that is not there."""
    for call in (
        lambda: dns.client.get_hosted_zone(Id="ZNONE"),
        lambda: dns.client.list_resource_record_sets(HostedZoneId="ZNONE"),
        lambda: dns.change("ZNONE", create(simple("www.example.com", "A", "192.0.2.1"))),
    ):
        with pytest.raises(dns.client.exceptions.NoSuchHostedZone) as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_an_id_may_carry_its_kind(dns: Account, zone: str) -> None:
    """Takes ids as the API returns them, `/hostedzone/Z…`."""
    assert dns.client.get_hosted_zone(Id=f"/hostedzone/{zone}")["HostedZone"]["Id"] == f"/hostedzone/{zone}"
    change = dns.change(f"/hostedzone/{zone}", create(simple("www.example.com", "A", "192.0.2.1")))
    assert change["Id"].startswith("/change/C")
    assert dns.client.get_change(Id=change["Id"])["ChangeInfo"]["Id"] == change["Id"]


def test_zones_are_counted_and_tagged(fresh: Account) -> None:
    """Answers the everyday calls around zones."""
    zone = fresh.service.zone("example.com")
    assert fresh.client.get_hosted_zone_count()["HostedZoneCount"] == 1
    tags = fresh.client.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)["ResourceTagSet"]
    assert (tags["ResourceId"], tags["Tags"]) == (zone, [])
    assert fresh.client.update_hosted_zone_comment(Id=zone, Comment="x")["HostedZone"]["Config"]["Comment"] == "x"


def test_list_hosted_zones_pages_by_a_hundred(fresh: Account) -> None:
    """Lists every zone once, a hundred per page."""
    made = {fresh.service.zone(f"z{number}.example", private=number % 2 == 0) for number in range(101)}
    pages = list(fresh.client.get_paginator("list_hosted_zones").paginate())
    assert [len(page["HostedZones"]) for page in pages] == [100, 1]
    assert {zone["Id"] for page in pages for zone in page["HostedZones"]} == {f"/hostedzone/{one}" for one in made}
    assert fresh.client.list_hosted_zones(MaxItems="1000")["MaxItems"] == "100"


def test_zones_by_name_are_ordered_by_reversed_labels(fresh: Account) -> None:
    """Orders zones by reversed labels, the dot as a character: a hyphen sorts before it."""
    for name in ("b.example.com", "example.org", "example-x.com", "example.com", "com.example", "a.example.com"):
        fresh.service.zone(name)
    listed = fresh.client.list_hosted_zones_by_name()
    assert names(listed["HostedZones"]) == [
        "example-x.com.",
        "example.com.",
        "a.example.com.",
        "b.example.com.",
        "com.example.",
        "example.org.",
    ]
    assert listed["IsTruncated"] is False
    assert listed["MaxItems"] == "100"
    assert "NextDNSName" not in listed


def test_dns_name_is_where_the_list_starts(fresh: Account) -> None:
    """Begins the list at `DNSName`, and filters nothing."""
    for name in ("a.example", "c.example", "b.c.example"):
        fresh.service.zone(name)
    listed = fresh.client.list_hosted_zones_by_name(DNSName="B.example")
    assert names(listed["HostedZones"]) == ["c.example.", "b.c.example."]
    assert listed["DNSName"] == "B.example"


def test_zones_of_one_name_are_paged_by_id(fresh: Account) -> None:
    """Goes on by id where a page ends between two zones of one name."""
    ids = sorted(fresh.service.zone("example.com", private=private) for private in (False, True))
    first = fresh.client.list_hosted_zones_by_name(MaxItems="1")
    assert [zone["Id"] for zone in first["HostedZones"]] == [f"/hostedzone/{ids[0]}"]
    assert (first["IsTruncated"], first["MaxItems"]) == (True, "1")
    assert (first["NextDNSName"], first["NextHostedZoneId"]) == ("example.com.", ids[1])
    second = fresh.client.list_hosted_zones_by_name(
        DNSName=first["NextDNSName"], HostedZoneId=first["NextHostedZoneId"], MaxItems="1"
    )
    assert [zone["Id"] for zone in second["HostedZones"]] == [f"/hostedzone/{ids[1]}"]
    assert second["IsTruncated"] is False


def test_zones_by_name_hold_a_hundred_a_page(fresh: Account) -> None:
    """Lists at most a hundred zones per page, whatever `MaxItems` asks."""
    for number in range(101):
        fresh.service.zone(f"z{number:03}.example")
    listed = fresh.client.list_hosted_zones_by_name(MaxItems="500")
    assert (len(listed["HostedZones"]), listed["IsTruncated"], listed["MaxItems"]) == (100, True, "100")
    assert listed["NextDNSName"] == "z100.example."


@pytest.mark.parametrize("size", ["0", "-1", "many"])
def test_max_items_is_a_positive_number(dns: Account, size: str) -> None:
    """Answers InvalidInput to nonsense in `MaxItems`."""
    with pytest.raises(ClientError) as caught:
        dns.client.list_hosted_zones_by_name(MaxItems=size)
    assert code(caught) == "InvalidInput"


# Record sets


def test_records_are_ordered_by_reversed_labels_type_and_identifier(dns: Account, zone: str) -> None:
    """Orders record sets by name, then type, then set identifier."""
    dns.service.put(
        zone,
        simple("b.example.com", "TXT", '"x"'),
        simple("b.example.com", "AAAA", "2001:db8::1"),
        simple("a.b.example.com", "A", "192.0.2.1"),
        simple("b-c.example.com", "A", "192.0.2.1"),
        simple("*.example.com", "A", "192.0.2.1"),
        near("two", "1", "2"),
        near("one", "3", "4"),
    )
    listed = dns.client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [(one["Name"], one["Type"], one.get("SetIdentifier")) for one in listed] == [
        ("example.com.", "NS", None),
        ("example.com.", "SOA", None),
        (r"\052.example.com.", "A", None),
        ("b-c.example.com.", "A", None),
        ("b.example.com.", "AAAA", None),
        ("b.example.com.", "TXT", None),
        ("a.b.example.com.", "A", None),
        ("cdn.example.com.", "A", "one"),
        ("cdn.example.com.", "A", "two"),
    ]


@pytest.mark.parametrize(
    ("start", "first"),
    [
        pytest.param({"Name": "b.example.com"}, ("b.example.com.", "A"), id="name"),
        pytest.param({"Name": "B.Example.COM.", "Type": "AAAA"}, ("b.example.com.", "TXT"), id="type after the first"),
        pytest.param({"Name": "b.example.com", "Type": "TXT"}, ("b.example.com.", "TXT"), id="type"),
        pytest.param({"Name": "b.example.com", "Type": "CNAME"}, ("b.example.com.", "TXT"), id="no such type"),
        pytest.param({"Name": "ab.example.com"}, ("b.example.com.", "A"), id="no such name"),
        pytest.param({"Name": "example.com"}, ("example.com.", "NS"), id="apex"),
        pytest.param({"Name": "com"}, ("example.com.", "NS"), id="before the zone"),
        pytest.param({"Name": "b.example.com", "Type": "TXT", "Identifier": "x"}, ("c.example.com.", "A"), id="beyond"),
    ],
)
def test_a_listing_starts_at_or_after_a_position(
    dns: Account, zone: str, start: dict[str, str], first: tuple[str, str]
) -> None:
    """Begins a listing with the first record set that is not before the start parameters."""
    dns.service.put(
        zone,
        simple("b.example.com", "A", "192.0.2.1"),
        simple("b.example.com", "TXT", '"x"'),
        simple("c.example.com", "A", "192.0.2.1"),
    )
    position = {f"StartRecord{part}": value for part, value in start.items()}
    listed = dns.client.list_resource_record_sets(HostedZoneId=zone, **position)["ResourceRecordSets"]
    assert (listed[0]["Name"], listed[0]["Type"]) == first


def test_a_wildcard_is_found_by_either_spelling(dns: Account, zone: str) -> None:
    """Takes `*` and its octal form as one start position."""
    dns.service.put(zone, simple("*.example.com", "A", "192.0.2.1"))
    for name in ("*.example.com", r"\052.example.com."):
        listed = dns.client.list_resource_record_sets(HostedZoneId=zone, StartRecordName=name)["ResourceRecordSets"]
        assert [one["Name"] for one in listed] == [r"\052.example.com."]


@pytest.mark.parametrize(
    "start",
    [
        pytest.param({"StartRecordType": "A"}, id="type without a name"),
        pytest.param(
            {"StartRecordName": "b.example.com", "StartRecordIdentifier": "x"}, id="identifier without a type"
        ),
    ],
)
def test_an_incomplete_position_is_invalid_input(dns: Account, zone: str, start: dict[str, str]) -> None:
    """Refuses a type without a name, and an identifier without a type."""
    with pytest.raises(ClientError) as caught:
        dns.client.list_resource_record_sets(HostedZoneId=zone, **start)
    assert code(caught) == "InvalidInput"


def test_a_page_holds_300_records(dns: Account, zone: str) -> None:
    """Lists at most 300 record sets per page, whatever `MaxItems` asks, and says so."""
    dns.service.put(zone, *(simple(f"h{number:03}.example.com", "A", "192.0.2.1") for number in range(300)))
    listed = dns.client.list_resource_record_sets(HostedZoneId=zone, MaxItems="1000")
    assert (len(listed["ResourceRecordSets"]), listed["IsTruncated"], listed["MaxItems"]) == (300, True, "300")
    assert (listed["NextRecordName"], listed["NextRecordType"]) == ("h298.example.com.", "A")
    assert "NextRecordIdentifier" not in listed


def test_a_page_may_end_inside_a_name(dns: Account, zone: str) -> None:
    """Goes on within one name and type by `NextRecordIdentifier`, as boto3's paginator does."""
    dns.service.put(zone, *(near(f"id-{number}", str(number), "0") for number in range(5)))
    listed = dns.client.list_resource_record_sets(HostedZoneId=zone, StartRecordName="cdn.example.com", MaxItems="2")
    following = listed["NextRecordName"], listed["NextRecordType"], listed["NextRecordIdentifier"]
    assert following == ("cdn.example.com.", "A", "id-2")
    pages = dns.client.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone, PaginationConfig={"PageSize": 2}
    )
    found = [one.get("SetIdentifier") for page in pages for one in page["ResourceRecordSets"]]
    assert found == [None, None, "id-0", "id-1", "id-2", "id-3", "id-4"]


def test_a_large_zone_costs_no_more(dns: Account, zone: str) -> None:
    """Reads and changes one name of ten thousand at about the cost of one in an empty zone."""

    def cost(label: str) -> float:
        began = time.process_time()
        for number in range(20):
            dns.service.put(zone, simple(f"{label}-{number}.example.com", "A", "192.0.2.1"))
            assert len(dns.service.records(zone, f"{label}-{number}.example.com")) == 1
        return time.process_time() - began

    small = min(cost(label) for label in "abc")
    for hundred in range(98):
        dns.service.put(zone, *(simple(f"h{hundred}-{number}.example.com", "A", "192.0.2.1") for number in range(100)))
    assert min(cost(label) for label in "xyz") < 20 * small  # a look at each would be hundreds of times as much


# Changes on their way


def test_a_change_is_pending_for_some_polls() -> None:
    """Answers GetChange with PENDING for some polls, then with INSYNC for good."""
    with account(Route53(pending_polls=2, pending_seconds=3600)) as slow:
        zone = slow.service.zone("example.com")
        change = slow.change(zone, create(simple("www.example.com", "A", "192.0.2.1")))
        assert change["Status"] == "PENDING"
        polls = [slow.client.get_change(Id=change["Id"])["ChangeInfo"]["Status"] for _ in range(4)]
    assert polls == ["PENDING", "PENDING", "INSYNC", "INSYNC"]


def test_a_change_is_pending_for_some_time() -> None:
    """Ends a change after its time, however often it was asked."""
    now = time.time()
    service = Route53(pending_polls=1_000, pending_seconds=60, clock=lambda: now)
    with account(service) as slow:
        zone = service.zone("example.com")
        change = slow.change(zone, create(simple("www.example.com", "A", "192.0.2.1")))
        assert slow.client.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "PENDING"
        service.clock = lambda: now + 60
        assert slow.client.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "INSYNC"


def test_a_change_keeps_its_comment(dns: Account, zone: str) -> None:
    """Gives the comment of a batch back with its change."""
    batch = {"Comment": "why", "Changes": [create(simple("www.example.com", "A", "192.0.2.1"))]}
    change = dns.client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]
    assert dns.client.get_change(Id=change["Id"])["ChangeInfo"]["Comment"] == "why"


def test_an_unknown_change_is_404(dns: Account) -> None:
    """Answers NoSuchChange to an id that it never gave."""
    with pytest.raises(dns.client.exceptions.NoSuchChange) as caught:
        dns.client.get_change(Id="CNONE")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
