"""What sync-once makes of a domain: whose records are whose, which routing, which limits, how it writes."""

from typing import Any

import pytest

from tests.sandbox.account import near, routed, simple
from tests.sandbox.world import World
from tests.support import forks
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    NYC_6,
    PLACES,
    SINGAPORE,
    actions,
    addresses,
    all_in_one,
    annotate,
    answers,
    at_fra,
    at_fra_and_nyc,
    ends,
    forget,
    no_place,
    no_place_shown,
    others,
    reported,
    settled,
    sync,
    synced,
    two_places,
    two_places_shown,
    verdict,
)

ALIAS = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d1.cloudfront.net.", "EvaluateTargetHealth": False}
FOREIGN: dict[str, list[dict[str, Any]]] = {
    "simple": [simple(DOMAIN, "A", "192.0.2.1", "192.0.2.2", ttl=300)],
    "weighted": [routed("a", {"Weight": 1}), routed("b", {"Weight": 0})],
    "latency": [routed("a", {"Region": "eu-central-1"})],
    "geolocation": [routed("a", {"GeoLocation": {"ContinentCode": "EU"}})],
    "geolocation-default": [routed("a", {"GeoLocation": {"CountryCode": "*"}})],
    "multivalue": [routed("a", {"MultiValueAnswer": True}), routed("b", {"MultiValueAnswer": True})],
    "failover": [routed("a", {"Failover": "SECONDARY"})],
    "geoproximity-with-bias": [near("mine", "50.11", "8.68", Bias=20)],
    "same-place-other-identifier": [near("mine", "50.11", "8.68")],
    "geoproximity-region": [routed("a", {"GeoProximityLocation": {"AWSRegion": "eu-central-1"}})],
    "other-family": [simple(DOMAIN, "AAAA", "2001:db8::1")],
    "alias": [{"Name": DOMAIN, "Type": "A", "AliasTarget": ALIAS}],
}


def test_every_address_record_of_a_domain_is_replaced(world: World) -> None:
    """Address records of a domain, of whatever routing and family, are replaced in one batch."""
    zone = two_places(world)
    domains = [f"{kind}.example.com" for kind in FOREIGN]
    for name, present in zip(domains, FOREIGN.values(), strict=True):
        world.route53.put(zone, *(each | {"Name": name} for each in present))
    forget(world)
    finished = forks.run(world, "sync-once", *(word for name in domains for word in ("--domain", name)))
    assert finished.returncode == 0, finished.stderr
    assert {name: answers(world, zone, name) for name in domains} == dict.fromkeys(domains, at_fra_and_nyc())
    assert len(world.route53.history) == len(domains)


def test_health_check_does_not_stand_in_the_way(world: World) -> None:
    """Record sets with a health check are replaced.

    DELETE repeats each member of a set, known to the program or not.
    """
    zone = no_place(world)
    check = world.route53.health_checks.create("theirs", {"Type": "TCP", "IPAddress": "5.0.0.1", "Port": 443})
    named = {"HealthCheckId": check["Id"]}
    world.route53.put(zone, routed("a", {"Weight": 3}) | named, routed("b", {"Weight": 3}))
    synced(world)
    assert answers(world, zone) == all_in_one()


def test_nothing_else_is_touched(world: World) -> None:
    """Records of other types, names and zones stay as they are."""
    zone = no_place(world)
    hidden = world.route53.zone("example.com", private=True)
    present = [
        simple(DOMAIN, "TXT", '"v=spf1 -all"'),
        simple(DOMAIN, "MX", "10 mail.example.com."),
        simple(DOMAIN, "CAA", '0 issue "letsencrypt.org"'),
        *(simple(name, "A", "192.0.2.9") for name in ("a.cdn.example.com", "*.cdn.example.com", "example.com")),
        *(simple(name, "AAAA", "2001:db8::9") for name in ("xcdn.example.com", "cdn-example.com.example.com")),
    ]
    world.route53.put(zone, *present, simple(DOMAIN, "A", "192.0.2.1"))
    world.route53.put(hidden, simple(DOMAIN, "A", "192.0.2.1"))
    before = others(world, zone), world.route53.records(hidden)
    synced(world)
    ends(world, "nyc-1")
    synced(world)
    assert (others(world, zone), world.route53.records(hidden)) == before
    assert addresses(world, zone) == {FRA_4, FRA_6}


def test_all_with_coordinates_turn_simple_routing_to_geoproximity_in_one_batch(world: World) -> None:
    """The switch from simple to geoproximity routing is one batch.

    Between two, the name answers with one family near and the other anywhere, or with nothing.
    """
    zone = no_place_shown(world)
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    annotate(world, "nyc-1", "aws-geoproximity-coordinates", NEW_YORK)
    synced(world)
    assert answers(world, zone) == at_fra_and_nyc()
    assert len(world.route53.history) == 1


def test_first_annotation_takes_no_other_node_out(world: World) -> None:
    """While only some nodes have coordinates, all are published in simple sets; a warning names those without."""
    zone = no_place(world)
    world.route53.put(zone, simple(DOMAIN, "A", "192.0.2.1", "192.0.2.2", ttl=300))
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    finished = synced(world)
    assert answers(world, zone) == all_in_one()
    warning = next(line for line in finished.stderr.splitlines() if line.startswith("warning"))
    assert "nyc-1" in warning
    assert "fra-1" not in warning


@pytest.mark.parametrize("family", ["A", "AAAA"])
def test_node_without_place_does_not_turn_geoproximity_off(world: World, family: str) -> None:
    """A geoproximity set of either family keeps that routing; a node without coordinates stays out, with a warning."""
    zone = two_places(world)
    world.node("new-1", "5.223.50.3")
    near_fra = near(f"{PLACES}{FRANKFURT}", "50.11", "8.68")
    value = {"ResourceRecords": [{"Value": FRA_4 if family == "A" else FRA_6}], "Type": family}
    other = simple(DOMAIN, "AAAA", NYC_6) if family == "A" else simple(DOMAIN, "A", NYC_4)
    world.route53.put(zone, near_fra | value, other)
    domain = reported(world)
    assert answers(world, zone) == at_fra_and_nyc()
    assert "no coordinates" in verdict(domain, "new-1")["reason"]
    assert [each.startswith("new-1 could serve, but has no coordinates") for each in domain["warnings"]] == [True]


def test_node_that_moves_changes_its_place(world: World) -> None:
    """A node whose coordinates change is published at the new place alone."""
    zone = two_places_shown(world)
    annotate(world, "nyc-1", "aws-geoproximity-coordinates", SINGAPORE)
    synced(world)
    assert answers(world, zone) == at_fra() | {f"A {PLACES}{SINGAPORE}": [NYC_4], f"AAAA {PLACES}{SINGAPORE}": [NYC_6]}


def test_ttl_is_changed(world: World) -> None:
    """A new `--ttl` is set on all record sets in one batch, and the log names the old one."""
    zone = two_places_shown(world)
    finished = synced(world, "--ttl", "0")
    assert {line.split()[1] for line in world.shown(zone)} == {"0"}
    assert answers(world, zone) == at_fra_and_nyc()
    assert (len(world.route53.history), "60" in finished.stderr) == (1, True)


def test_writes_are_delete_and_create(world: World) -> None:
    """Writes are DELETE and CREATE. UPSERT overwrites what another run has found out meanwhile."""
    settled_zone = no_place(world)
    synced(world)
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    annotate(world, "nyc-1", "aws-geoproximity-coordinates", NEW_YORK)
    synced(world, "--ttl", "5")
    ends(world, "nyc-1")
    synced(world)
    assert actions(world) == {"CREATE", "DELETE"}
    assert answers(world, settled_zone) == at_fra()


def test_withdrawal_restates_a_set_that_stays(world: World) -> None:
    """A withdrawal of a place also deletes and creates a set that stays, which is not reported as a change.

    So two runs that withdraw different places cannot empty the name together.
    """
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    domain = reported(world)
    (batch,) = world.route53.history
    for family in ("A", "AAAA"):
        done = {
            (change["Action"], change["ResourceRecordSet"]["SetIdentifier"])
            for change in batch.changes
            if change["ResourceRecordSet"]["Type"] == family
        }
        stays = f"{PLACES}{FRANKFURT}"
        assert done == {("CREATE", stays), ("DELETE", stays), ("DELETE", f"{PLACES}{NEW_YORK}")}
    assert answers(world, zone) == at_fra()
    shown = [(each["action"], each["record_set"]["SetIdentifier"]) for each in domain["changes"]]
    assert shown == 2 * [("DELETE", f"{PLACES}{NEW_YORK}")], "a precondition is no change"


def crowded(world: World, nodes: int) -> str:
    """Make nodes with five addresses of either family each; give the zone's id."""
    for number in range(nodes):
        ipv4 = [f"5.75.{number}.{last}" for last in range(5)]
        ipv6 = [f"2a01:4f8:1111:1111:1111:1111:{0x1000 + number:x}:{0x1000 + last:x}" for last in range(5)]
        world.node(f"node-{number:02d}", ",".join([*ipv4, *ipv6]))
    return world.route53.zone("example.com")


def test_a_full_domain_is_switched_in_one_batch(world: World) -> None:
    """The largest exchange there can be fits one change batch: A and AAAA never differ in policy."""
    zone = settled(world, crowded(world, 50))
    for number in range(50):
        annotate(world, f"node-{number:02d}", "aws-geoproximity-coordinates", f"{number % 25}.00,1.00")
    synced(world)
    (batch,) = world.route53.history
    assert {change["ResourceRecordSet"]["Type"] for change in batch.changes} == {"A", "AAAA"}
    assert (len(answers(world, zone)), len(addresses(world, zone))) == (50, 500)


def test_limit_never_blocks_a_withdrawal(world: World) -> None:
    """A full domain withholds a new node with the reason, until a failed one leaves."""
    zone = settled(world, crowded(world, 50))
    world.node("a-new-node", "5.223.50.3")
    reason = verdict(reported(world), "a-new-node")["reason"]
    assert (reason, world.route53.history) == ("over the limit of 250 A addresses per domain", [])
    ends(world, "node-07")
    synced(world)
    found = addresses(world, zone)
    assert ("5.75.7.0" in found, "5.223.50.3" in found) == (False, True)


def test_sets_too_large_to_replace_are_an_error_of_the_domain(world: World) -> None:
    """Record sets too large to replace in one batch are an error of their domain, which stays as it is.

    Other domains are synced.
    """
    zone = no_place(world)
    for part in range(3):
        values = [f"198.51.{part}.{number}" for number in range(250)] + [f"198.52.{part}.{n}" for n in range(150)]
        world.route53.put(zone, simple(DOMAIN, "A", *values) | {"SetIdentifier": f"s{part}", "Weight": 1})
    before = answers(world, zone)
    finished = sync(world, "--domain", "www.example.com")
    assert finished.returncode == 2
    assert "too large" in finished.stderr
    assert (answers(world, zone), answers(world, zone, "www.example.com")) == (before, all_in_one())
