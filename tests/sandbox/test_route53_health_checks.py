"""The double of Route 53 keeps health checks by the real rules, and answers as healthy and unhealthy ones make it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import Account, account, code, create, near, routed, simple
from tests.sandbox.route53 import Route53

TCP = {"Type": "TCP", "IPAddress": "5.0.0.1", "Port": 443}
HTTPS = {
    "Type": "HTTPS",
    "IPAddress": "5.0.0.1",
    "FullyQualifiedDomainName": "www.example.com",
    "EnableSNI": True,
    "ResourcePath": "/healthz",
}
FRANKFURT, NEW_YORK = ("50.11", "8.68"), ("40.71", "-74.01")


@pytest.fixture
def dns() -> Iterator[Account]:
    """Serve an account."""
    with account(Route53()) as served:
        yield served


def made(dns: Account, reference: str, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - members of all types
    """Make a check, of TCP unless said otherwise."""
    answer = dns.client.create_health_check(CallerReference=reference, HealthCheckConfig=settings or TCP)
    return dict(answer["HealthCheck"])


def refused(dns: Account, operation: str, **arguments: Any) -> str:  # noqa: ANN401 - as boto3 takes them
    """Make a call that must be refused, and give the code."""
    with pytest.raises(ClientError) as caught:
        getattr(dns.client, operation)(**arguments)
    return code(caught)


def refused_settings(dns: Account, settings: dict[str, Any]) -> str:
    """Make a check that must be refused, and give the code."""
    return refused(dns, "create_health_check", CallerReference="r", HealthCheckConfig=settings)


def test_a_check_is_as_it_was_sent_with_defaults(dns: Account) -> None:
    """A new check has Route 53's defaults, and a list and a look at it show the same."""
    check = made(dns, "one")
    assert check["HealthCheckConfig"] == {
        **TCP,
        "RequestInterval": 30,
        "FailureThreshold": 3,
        "MeasureLatency": False,
        "Inverted": False,
        "Disabled": False,
    }
    assert (check["CallerReference"], check["HealthCheckVersion"]) == ("one", 1)
    assert dns.client.get_health_check(HealthCheckId=check["Id"])["HealthCheck"] == check
    assert dns.client.list_health_checks()["HealthChecks"] == [check]
    assert dns.client.get_health_check_count()["HealthCheckCount"] == 1


def test_ipv6_comes_back_expanded(dns: Account) -> None:
    """An IPv6 address comes back in another form: who compares texts would never find it."""
    check = made(dns, "one", **TCP | {"IPAddress": "2600::1"})
    assert check["HealthCheckConfig"]["IPAddress"] == "2600:0000:0000:0000:0000:0000:0000:0001"


def test_the_same_reference_and_settings_give_the_check_that_is_there(dns: Account) -> None:
    """A request that is sent twice makes one check."""
    assert made(dns, "one")["Id"] == made(dns, "one")["Id"]
    assert made(dns, "two")["Id"] != made(dns, "one")["Id"]


def test_a_reference_is_used_once(dns: Account) -> None:
    """The same reference with other settings is refused, and so is that of a deleted check, whatever the settings."""
    check = made(dns, "r")
    assert refused_settings(dns, TCP | {"Port": 80}) == "HealthCheckAlreadyExists"
    dns.client.delete_health_check(HealthCheckId=check["Id"])
    assert refused_settings(dns, TCP) == "HealthCheckAlreadyExists"


@pytest.mark.parametrize(
    "settings",
    [
        *(
            pytest.param(TCP | {"IPAddress": address}, id=address)
            for address in ("10.0.0.1", "100.64.0.1", "192.0.2.1", "224.0.0.1", "fe80::1", "fd00::1", "2001:db8::1")
        ),
        pytest.param({"Type": "TCP", "IPAddress": "5.0.0.1"}, id="TCP without a port"),
        pytest.param({"Type": "TCP", "Port": 443}, id="neither an address nor a name"),
        pytest.param(TCP | {"ResourcePath": "/"}, id="TCP with a path"),
        pytest.param(TCP | {"EnableSNI": True}, id="TCP with SNI"),
        pytest.param(TCP | {"Type": "HTTP", "EnableSNI": True}, id="HTTP with SNI"),
        pytest.param(TCP | {"RequestInterval": 20}, id="another interval"),
        pytest.param(TCP | {"FailureThreshold": 11}, id="a high threshold"),
        pytest.param(TCP | {"ChildHealthChecks": []}, id="TCP with children"),
        pytest.param({"Type": "CALCULATED", "HealthThreshold": 1}, id="no children"),
        pytest.param(
            {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": ["x"]}, id="a child is not there"
        ),
        pytest.param(HTTPS | {"ResourcePath": "/" * 256}, id="a long path"),
    ],
)
def test_settings_that_are_refused(dns: Account, settings: dict[str, Any]) -> None:
    """Settings that Route 53 does not take are InvalidInput."""
    assert refused_settings(dns, settings) == "InvalidInput"


def test_https_asks_for_a_name(dns: Account) -> None:
    """A check of a URL has a name, a path and SNI."""
    assert made(dns, "one", **HTTPS)["HealthCheckConfig"].items() >= {**HTTPS, "Port": 443}.items()


def test_an_account_has_200(dns: Account) -> None:
    """An account has at most 200 checks, unless AWS raises the number."""
    for number in range(200):
        dns.service.health_checks.create(f"{number}", TCP)
    assert refused_settings(dns, TCP) == "TooManyHealthChecks"


def test_lists_have_pages_of_100(dns: Account) -> None:
    """A list gives at most 100 checks at once, and says where it goes on."""
    ids = {dns.service.health_checks.create(f"{number}", TCP)["Id"] for number in range(120)}
    first = dns.client.list_health_checks(MaxItems="1000")
    second = dns.client.list_health_checks(Marker=first["NextMarker"])
    assert [len(page["HealthChecks"]) for page in (first, second)] == [100, 20]
    assert (first["IsTruncated"], second["IsTruncated"]) == (True, False)
    assert {check["Id"] for page in (first, second) for check in page["HealthChecks"]} == ids


def test_a_child_is_deleted_after_its_parent(dns: Account) -> None:
    """A check that a CALCULATED one names is in use."""
    child = made(dns, "one")["Id"]
    parent = made(dns, "two", Type="CALCULATED", ChildHealthChecks=[child], HealthThreshold=1)["Id"]
    assert refused(dns, "delete_health_check", HealthCheckId=child) == "HealthCheckInUse"
    for check in (parent, child):
        dns.client.delete_health_check(HealthCheckId=check)
    assert refused(dns, "delete_health_check", HealthCheckId=child) == "NoSuchHealthCheck"
    assert refused(dns, "get_health_check", HealthCheckId=child) == "NoSuchHealthCheck"


def test_an_update_compares_versions(dns: Account) -> None:
    """A check that somebody else has changed meanwhile is not changed; the type cannot be."""
    check = made(dns, "one")["Id"]
    updated = dns.client.update_health_check(HealthCheckId=check, HealthCheckVersion=1, Port=80)["HealthCheck"]
    assert (updated["HealthCheckVersion"], updated["HealthCheckConfig"]["Port"]) == (2, 80)
    stale = {"HealthCheckId": check, "HealthCheckVersion": 1, "Port": 90}
    assert refused(dns, "update_health_check", **stale) == "HealthCheckVersionMismatch"


def test_record_sets_name_checks_that_are_there(dns: Account) -> None:
    """A record set that names a check which is not there is refused; one that goes may name anything."""
    zone = dns.service.zone("example.com")
    named = routed("a", {"MultiValueAnswer": True}) | {"HealthCheckId": "none"}
    assert dns.refusal(zone, create(named))[0] == "NoSuchHealthCheck"
    check = made(dns, "one")["Id"]
    dns.change(zone, create(named | {"HealthCheckId": check}))
    dns.client.delete_health_check(HealthCheckId=check)
    dns.change(zone, {"Action": "DELETE", "ResourceRecordSet": named | {"HealthCheckId": check}})


def placed(dns: Account, *, checked: bool) -> str:
    """Make two places, each with a check if asked; give the zone."""
    zone = dns.service.zone("example.com")
    for address, place in (("5.0.0.1", FRANKFURT), ("5.0.0.2", NEW_YORK)):
        check = dns.service.health_checks.create(address, TCP | {"IPAddress": address})
        named = {"HealthCheckId": check["Id"]} if checked else {}
        dns.service.put(zone, near(address, *place) | simple("cdn.example.com", "A", address) | named)
    return zone


@pytest.mark.parametrize(
    ("down", "served"),
    [
        pytest.param(set[str](), "5.0.0.1", id="all are healthy"),
        pytest.param({"5.0.0.1"}, "5.0.0.2", id="the next nearest instead of a dead one"),
        pytest.param({"5.0.0.2"}, "5.0.0.1", id="a dead place elsewhere"),
        pytest.param({"5.0.0.1", "5.0.0.2"}, "5.0.0.1", id="all unhealthy count as healthy"),
    ],
)
def test_the_nearest_healthy_place_is_served(dns: Account, down: set[str], served: str) -> None:
    """Of geoproximity sets the unhealthy are passed over, and the nearest of the others answers."""
    zone = placed(dns, checked=True)
    dns.service.health_checks.down = down
    assert dns.service.served(zone, "cdn.example.com", "A", "48.86,2.35") == [served]


def test_a_set_without_a_check_is_always_healthy(dns: Account) -> None:
    """Without checks a dead place is served."""
    zone = placed(dns, checked=False)
    dns.service.health_checks.down = {"5.0.0.1"}
    assert dns.service.served(zone, "cdn.example.com", "A", "48.86,2.35") == ["5.0.0.1"]


def test_a_bias_makes_a_place_reach_further(dns: Account) -> None:
    """A bias of 99 makes New York the nearest place for Paris, one of -99 Frankfurt the farthest."""
    zone = dns.service.zone("example.com")
    new_york = near("nyc", *NEW_YORK, Bias=99) | {"ResourceRecords": [{"Value": "192.0.2.2"}]}
    dns.service.put(zone, near("fra", *FRANKFURT), new_york)
    assert dns.service.served(zone, "cdn.example.com", "A", "48.86,2.35") == ["192.0.2.2"]
    zone = dns.service.zone("example.net")
    sets = [near("fra", *FRANKFURT, Bias=-99), near("nyc", *NEW_YORK) | {"ResourceRecords": [{"Value": "192.0.2.2"}]}]
    dns.service.put(zone, *(each | {"Name": "cdn.example.net"} for each in sets))
    assert dns.service.served(zone, "cdn.example.net", "A", "48.86,2.35") == ["192.0.2.2"]


def test_multivalue_answers_with_eight_healthy(dns: Account) -> None:
    """Of multivalue sets eight healthy ones answer."""
    zone = dns.service.zone("example.com")
    for number in range(1, 11):
        check = dns.service.health_checks.create(f"{number}", TCP | {"IPAddress": f"5.0.0.{number}"})
        each = routed(f"{number:02}", {"MultiValueAnswer": True}, f"5.0.0.{number}") | {"HealthCheckId": check["Id"]}
        dns.service.put(zone, each)
    dns.service.health_checks.down = {"5.0.0.1"}
    assert dns.service.served(zone, "cdn.example.com", "A") == [f"5.0.0.{number}" for number in range(2, 10)]


def test_simple_routing_ignores_checks(dns: Account) -> None:
    """With simple routing a dead address is served."""
    zone = dns.service.zone("example.com")
    check = dns.service.health_checks.create("one", TCP)
    dns.service.put(zone, simple("cdn.example.com", "A", "5.0.0.1") | {"HealthCheckId": check["Id"]})
    dns.service.health_checks.down = {"5.0.0.1"}
    assert dns.service.served(zone, "cdn.example.com", "A") == ["5.0.0.1"]


def test_a_calculated_check_wants_as_many_healthy_as_it_says(dns: Account) -> None:
    """With a threshold of 1 one healthy child is enough; with 0 none is needed, with 3 of two no number is enough."""
    checks = dns.service.health_checks
    children = [checks.create(each, TCP | {"IPAddress": each})["Id"] for each in ("5.0.0.1", "5.0.0.2")]
    by_threshold = [
        checks.create(f"{most}", {"Type": "CALCULATED", "ChildHealthChecks": children, "HealthThreshold": most})["Id"]
        for most in (0, 1, 2, 3)
    ]
    assert [checks.is_healthy(each) for each in by_threshold] == [True, True, True, False]
    checks.down = {"5.0.0.1"}
    assert [checks.is_healthy(each) for each in by_threshold] == [True, True, False, False]
    checks.down = {"5.0.0.1", "5.0.0.2"}
    assert [checks.is_healthy(each) for each in by_threshold] == [True, False, False, False]


def test_a_test_can_let_time_pass(dns: Account) -> None:
    """Checks are made older, by the time that a client keeps in the reference too."""
    checks = dns.service.health_checks
    check = checks.create("ours:1700000000000", TCP)["Id"]
    before = checks.created[check]
    checks.age(3600)
    assert (before - checks.created[check], checks.checks[check]["CallerReference"]) == (3600, "ours:1699996400000")
