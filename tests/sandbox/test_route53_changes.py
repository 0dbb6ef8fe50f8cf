"""The double of Route 53 changes records by the real rules: exact, atomic, and with every error of a batch."""

import threading
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import Account, account, create, delete, near, routed, simple, upsert
from tests.sandbox.record_sets import Change, RecordSet
from tests.sandbox.route53 import Route53

WWW = simple("www.example.com", "A", "192.0.2.1", "192.0.2.2")


def ours(dns: Account, zone: str) -> list[RecordSet]:
    """Read what a test has put into its zone."""
    return [one for one in dns.service.records(zone) if one["Type"] not in ("NS", "SOA")]


def test_create_keeps_what_was_sent(dns: Account, zone: str) -> None:
    """Keeps every member of a geoproximity record set."""
    check = dns.service.health_checks.create("a reference", {"Type": "TCP", "IPAddress": "5.0.0.1", "Port": 443})
    sent = near("here", "12.30", "-1.00", Bias=-5) | {"HealthCheckId": check["Id"]}
    dns.change(zone, create(sent))
    assert ours(dns, zone) == [sent | {"Name": "cdn.example.com."}]


def test_create_of_an_existing_set_is_refused(dns: Account, zone: str) -> None:
    """Refuses to create a set that is there, and names it."""
    dns.service.put(zone, WWW)
    assert dns.refusal(zone, create(WWW | {"TTL": 5})) == (
        "InvalidChangeBatch",
        "[Tried to create resource record set [name='www.example.com.', type='A'] but it already exists]",
    )


def test_create_of_an_existing_identifier_is_refused(dns: Account, zone: str) -> None:
    """Refuses a second set of a name, type and set identifier, and names all three."""
    dns.service.put(zone, near("here", "1", "2"))
    code, message = dns.refusal(zone, create(near("here", "3", "4")))
    assert code == "InvalidChangeBatch"
    assert "[name='cdn.example.com.', type='A', set-identifier='here'] but it already exists" in message


def test_delete_of_a_missing_set_is_refused(dns: Account, zone: str) -> None:
    """Refuses to delete a set that is not there."""
    assert dns.refusal(zone, delete(WWW)) == (
        "InvalidChangeBatch",
        "[Tried to delete resource record set [name='www.example.com.', type='A'] but it was not found]",
    )


@pytest.mark.parametrize(
    ("current", "stale"),
    [
        pytest.param(WWW, WWW | {"TTL": 61}, id="ttl"),
        pytest.param(WWW, WWW | {"ResourceRecords": [{"Value": "192.0.2.1"}]}, id="a value is missing"),
        pytest.param(WWW, simple("www.example.com", "A", "192.0.2.1", "192.0.2.2", "192.0.2.3"), id="a value too many"),
        pytest.param(WWW, simple("www.example.com", "A", "192.0.2.1", "192.0.2.9"), id="another value"),
        pytest.param(near("a", "1", "2"), near("a", "1", "3"), id="location"),
        pytest.param(near("a", "1", "2", Bias=1), near("a", "1", "2", Bias=2), id="bias"),
        pytest.param(near("a", "1", "2"), near("a", "1", "2") | {"HealthCheckId": "x"}, id="health check"),
        pytest.param(routed("a", {"Weight": 1}), routed("a", {"Weight": 2}), id="weight"),
        pytest.param(routed("a", {"Weight": 1}), routed("a", {"Region": "eu-west-1"}), id="policy"),
    ],
)
def test_delete_must_repeat_the_current_set(dns: Account, zone: str, current: RecordSet, stale: RecordSet) -> None:
    """Refuses to delete a set that has changed since it was read: compare-and-swap rests on it."""
    dns.service.put(zone, current)
    before = ours(dns, zone)
    code, message = dns.refusal(zone, delete(stale))
    assert code == "InvalidChangeBatch"
    assert "but the values provided do not match the current values" in message
    assert ours(dns, zone) == before


def test_delete_takes_values_in_any_order(dns: Account, zone: str) -> None:
    """Deletes a set whose values are given in another order."""
    dns.service.put(zone, WWW)
    dns.change(zone, delete(WWW | {"ResourceRecords": WWW["ResourceRecords"][::-1]}))
    assert ours(dns, zone) == []


def test_delete_takes_what_a_listing_returned(dns: Account, zone: str) -> None:
    """Deletes a set given as it was listed."""
    dns.service.put(zone, near("a", "1.50", "-2", Bias=3) | {"Name": "*.example.com"})
    listed = dns.client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    dns.change(zone, *(delete(one) for one in listed if one["Type"] == "A"))
    assert ours(dns, zone) == []


def test_delete_of_one_identifier_leaves_the_others(dns: Account, zone: str) -> None:
    """Deletes the set of one name, type and identifier, and no other."""
    other = near("a", "1", "2") | {"Name": "other.example.com"}
    dns.service.put(zone, near("a", "1", "2"), near("b", "3", "4"), other)
    dns.change(zone, delete(near("a", "1", "2")))
    assert [(one["Name"], one["SetIdentifier"]) for one in ours(dns, zone)] == [
        ("cdn.example.com.", "b"),
        ("other.example.com.", "a"),
    ]


def test_upsert_creates_and_replaces(dns: Account, zone: str) -> None:
    """Creates or overwrites by UPSERT, whatever was there."""
    dns.change(zone, upsert(WWW))
    dns.change(zone, upsert(WWW | {"TTL": 5}))
    assert [one["TTL"] for one in ours(dns, zone)] == [5]


@pytest.mark.parametrize(
    ("current", "wanted"),
    [
        pytest.param(simple("cdn.example.com", "A", "192.0.2.1"), near("a", "1", "2"), id="simple to geoproximity"),
        pytest.param(near("a", "1", "2"), simple("cdn.example.com", "A", "192.0.2.1"), id="geoproximity to simple"),
        pytest.param(routed("a", {"Weight": 1}), near("a", "1", "2"), id="weighted to geoproximity"),
    ],
)
def test_upsert_cannot_change_the_policy(dns: Account, zone: str, current: RecordSet, wanted: RecordSet) -> None:
    """Refuses an UPSERT to another routing policy; DELETE and CREATE do it."""
    dns.service.put(zone, current)
    assert dns.refusal(zone, upsert(wanted))[0] == "InvalidChangeBatch"
    dns.change(zone, delete(current), create(wanted))
    assert ours(dns, zone) == [wanted | {"Name": "cdn.example.com."}]


def test_delete_and_create_of_one_key_is_a_compare_and_swap(dns: Account, zone: str) -> None:
    """Replaces a set by DELETE and CREATE once; sent again they are refused."""
    dns.service.put(zone, WWW)
    swap = (delete(WWW), create(WWW | {"TTL": 5}))
    dns.change(zone, *swap)
    assert [one["TTL"] for one in ours(dns, zone)] == [5]
    assert dns.refusal(zone, *swap)[0] == "InvalidChangeBatch"


def test_only_one_of_many_swaps_wins(dns: Account, zone: str) -> None:
    """Applies one of eight swaps of the same set at once."""
    dns.service.put(zone, WWW)
    won: list[int] = []

    def swap(ttl: int) -> None:
        try:
            dns.change(zone, delete(WWW), create(WWW | {"TTL": ttl}))
        except ClientError:
            return
        won.append(ttl)

    threads = [threading.Thread(target=swap, args=(ttl,)) for ttl in range(100, 108)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one["TTL"] for one in ours(dns, zone)] == won


def test_changes_are_processed_in_order(dns: Account, zone: str) -> None:
    """Refuses a CREATE before the DELETE that would make space for it."""
    alias = simple("www.example.com", "CNAME", "example.net")
    dns.service.put(zone, WWW)
    assert dns.refusal(zone, create(alias), delete(WWW))[0] == "InvalidChangeBatch"
    dns.change(zone, delete(WWW), create(alias))
    assert [one["Type"] for one in ours(dns, zone)] == ["CNAME"]


def test_a_set_is_deleted_once(dns: Account, zone: str) -> None:
    """Refuses the second DELETE of a set in one batch."""
    dns.service.put(zone, WWW)
    assert dns.refusal(zone, delete(WWW), delete(WWW))[0] == "InvalidChangeBatch"


def test_a_batch_applies_whole_or_not_at_all(dns: Account, zone: str) -> None:
    """Applies no change of a batch that has a bad one."""
    good, bad = simple("good.example.com", "A", "192.0.2.1"), simple("evilexample.com", "A", "192.0.2.1")
    assert dns.refusal(zone, create(good), create(bad), delete(WWW))[0] == "InvalidChangeBatch"
    assert ours(dns, zone) == []


def test_every_error_of_a_batch_is_reported(dns: Account, zone: str) -> None:
    """Reports all errors of a batch, in one bracketed list."""
    dns.service.put(zone, WWW)
    missing = simple("gone.example.com", "AAAA", "2001:db8::1")
    code, message = dns.refusal(zone, create(WWW), delete(missing))
    assert code == "InvalidChangeBatch"
    assert message == (
        "[Tried to create resource record set [name='www.example.com.', type='A'] but it already exists, "
        "Tried to delete resource record set [name='gone.example.com.', type='AAAA'] but it was not found]"
    )


def test_older_error_form_has_no_code(dns: Account, zone: str) -> None:
    """Answers on request in the form of older API versions, which botocore reads as an empty code."""
    dns.service.older_batch_errors = True
    try:
        code, _ = dns.refusal(zone, delete(WWW))
    finally:
        dns.service.older_batch_errors = False
    assert code == ""


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        pytest.param("WWW.Example.COM", "www.example.com.", id="lower case"),
        pytest.param("www.example.com.", "www.example.com.", id="trailing dot"),
        pytest.param("*.example.com", r"\052.example.com.", id="wildcard"),
        pytest.param(r"\052.example.com", r"\052.example.com.", id="escaped wildcard"),
        pytest.param("_a-1.example.com", "_a-1.example.com.", id="plain characters"),
        pytest.param("a@b.example.com", r"a\100b.example.com.", id="octal"),
    ],
)
def test_names_are_canonical(dns: Account, zone: str, name: str, stored: str) -> None:
    """Stores each spelling of a name in one form."""
    dns.change(zone, create(simple(name, "A", "192.0.2.1")))
    assert [one["Name"] for one in ours(dns, zone)] == [stored]


def test_spellings_of_a_name_are_one_name(dns: Account, zone: str) -> None:
    """Refuses to create a name a second time in another spelling."""
    dns.service.put(zone, simple("*.example.com", "A", "192.0.2.1"))
    assert dns.refusal(zone, create(simple(r"\052.EXAMPLE.com.", "A", "192.0.2.1")))[0] == "InvalidChangeBatch"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("evilexample.com", id="look-alike"),
        pytest.param("example.com.evil.net", id="suffix"),
        pytest.param("com", id="parent"),
    ],
)
def test_names_stay_in_their_zone(dns: Account, zone: str, name: str) -> None:
    """Refuses names outside the zone: it ends at a label boundary."""
    code, message = dns.refusal(zone, create(simple(name, "A", "192.0.2.1")))
    assert code == "InvalidChangeBatch"
    assert "is not permitted in zone example.com" in message


@pytest.mark.parametrize("type_", ["NS", "SOA"])
def test_the_apex_keeps_its_own_records(dns: Account, zone: str, type_: str) -> None:
    """Lets the zone's own NS and SOA be replaced, but not removed."""
    own = next(one for one in dns.service.records(zone) if one["Type"] == type_)
    assert dns.refusal(zone, delete(own))[0] == "InvalidChangeBatch"
    dns.change(zone, upsert(own | {"TTL": 300}))
    assert {one["TTL"] for one in dns.service.records(zone) if one["Type"] == type_} == {300}


def test_history_tells_how_names_stood_after_each_batch(dns: Account, zone: str) -> None:
    """Keeps for tests what each name answered after each batch."""
    dns.change(zone, create(WWW))
    dns.refusal(zone, create(WWW))
    dns.change(zone, delete(WWW))
    states = [batch.after["www.example.com."] for batch in dns.service.history if batch.zone_id == zone]
    assert states == [[WWW | {"Name": "www.example.com."}], []]


def test_a_zone_holds_so_many_record_sets() -> None:
    """Counts NS and SOA towards the zone's quota, and never blocks a removal."""
    with account(Route53(record_sets_per_zone=3)) as small:
        zone = small.service.zone("example.com")
        small.change(zone, create(WWW))
        more = simple("more.example.com", "A", "192.0.2.1")
        assert small.refusal(zone, create(more))[0] == "InvalidChangeBatch"
        small.change(zone, delete(WWW), create(more))
        assert small.client.get_hosted_zone(Id=zone)["HostedZone"]["ResourceRecordSetCount"] == 3


def host(number: int) -> str:
    """Write an address of its own for each number."""
    return f"10.0.{number // 250}.{number % 250}"


def many(name: str, count: int) -> RecordSet:
    """Write a record set of many addresses."""
    return simple(f"{name}.example.com", "A", *map(host, range(count)))


def test_a_request_holds_a_thousand_elements(dns: Account, zone: str) -> None:
    """Refuses the 1,001st ResourceRecord element of a batch."""
    full = [create(many("a", 400)), create(many("b", 400)), create(many("c", 200))]
    code, message = dns.refusal(zone, *full, create(simple("d.example.com", "A", "192.0.2.1")))
    assert code == "InvalidChangeBatch"
    assert "Number of records limit of 1000 exceeded." in message
    dns.change(zone, *full)


def test_upsert_counts_twice(dns: Account, zone: str) -> None:
    """Counts the elements of an UPSERT twice."""
    full = [upsert(many("a", 250)), upsert(many("b", 250))]
    assert dns.refusal(zone, *full, create(simple("d.example.com", "A", "192.0.2.1")))[0] == "InvalidChangeBatch"
    dns.change(zone, *full)


def text(name: str, values: int) -> RecordSet:
    """Write a TXT set whose values have exactly 250 characters each."""
    return simple(f"{name}.example.com", "TXT", *(f'"{number:0248}"' for number in range(values)))


@pytest.mark.parametrize(
    ("action", "fits"), [pytest.param(create, 128, id="create"), pytest.param(upsert, 64, id="upsert")]
)
def test_a_request_holds_32000_characters(
    dns: Account, zone: str, action: Callable[[RecordSet], Change], fits: int
) -> None:
    """Refuses a batch whose values have more than 32,000 characters, those of an UPSERT twice."""
    code, message = dns.refusal(zone, action(text("a", fits)), create(simple("b.example.com", "TXT", '""')))
    assert code == "InvalidChangeBatch"
    assert "RDATA character limit of 32000 exceeded." in message
    dns.change(zone, action(text("a", fits)))


def test_a_set_holds_400_values(dns: Account, zone: str) -> None:
    """Refuses the 401st value of a record set."""
    assert dns.refusal(zone, create(many("a", 401)))[0] == "InvalidChangeBatch"
    dns.change(zone, create(many("a", 400)))
