"""With --health-check each set that Route 53 chooses from has a check, made before it is named, deleted when idle."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.server import Call, Fault
from tests.sandbox.world import World
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NEW_YORK,
    NO_OP,
    NYC_4,
    NYC_6,
    SINGAPORE,
    WRITE,
    addresses,
    answers,
    at_fra,
    at_fra_and_nyc,
    breaks,
    forget,
    no_place,
    reported,
    sync,
    synced,
    two_places,
)

TCP = ("--health-check", "tcp:443")
NONE = ("--health-check", "none")
FRA_2 = "5.75.128.11"
AN_HOUR = 3601


@pytest.fixture
def zone(world: World) -> str:
    """Make two places with a check for each record set; give the zone's id."""
    zone = two_places(world)
    synced(world, *TCP)
    forget(world)
    return zone


def sets(world: World, zone: str) -> list[dict[str, Any]]:
    """Read the A and AAAA sets of the domain."""
    return [each for each in world.route53.records(zone, DOMAIN) if each["Type"] in {"A", "AAAA"}]


def asked(world: World, zone: str) -> dict[str, list[str]]:
    """Give the addresses that each record set's check asks, none for a set without; each must be there."""
    found = {}
    for each in sets(world, zone):
        kind = f"{each['Type']} {each.get('SetIdentifier', 'simple').rpartition(':')[2]}"
        found[kind] = sorted(_asked(world, each["HealthCheckId"])) if "HealthCheckId" in each else []
    return found


def _asked(world: World, check: str) -> Iterator[str]:
    settings = world.route53.health_checks.checks[check]["HealthCheckConfig"]
    for child in settings.get("ChildHealthChecks", ()):
        yield from _asked(world, child)
    if "IPAddress" in settings:
        yield settings["IPAddress"]


def expanded(address: str) -> str:
    """Give an IPv6 address as Route 53 returns it."""
    return {FRA_6: "2a01:04f8:0c17:0001:0000:0000:0000:0010", NYC_6: "2a01:04ff:00f0:0007:0000:0000:0000:0007"}[address]


def of_two_places() -> dict[str, list[str]]:
    """Give what the checks of two places ask."""
    return {
        f"A {FRANKFURT}": [FRA_4],
        f"A {NEW_YORK}": [NYC_4],
        f"AAAA {FRANKFURT}": [expanded(FRA_6)],
        f"AAAA {NEW_YORK}": [expanded(NYC_6)],
    }


def made(world: World) -> int:
    """Count the calls that make a check."""
    return world.dns.operations().count("CreateHealthCheck")


def theirs(world: World) -> str:
    """Make a check of somebody else, and give its id."""
    settings = {"Type": "TCP", "IPAddress": NYC_4, "Port": 443}
    return str(world.route53.health_checks.create("theirs", settings)["Id"])


def test_without_the_option_nothing_is_asked(world: World) -> None:
    """Without --health-check no request is made for health checks: the rights that it needs are not."""
    zone = two_places(world)
    synced(world)
    breaks(world, "nyc-1")
    synced(world)
    assert not [each for each in world.dns.operations() if "HealthCheck" in each]
    assert not [each for each in sets(world, zone) if "HealthCheckId" in each]


def test_each_set_has_the_check_of_its_addresses(world: World) -> None:
    """A set of one address has its check, one of several a check that wants one of them healthy."""
    zone = two_places(world)
    world.node("fra-2", FRA_2, FRANKFURT)
    synced(world, *TCP)
    assert asked(world, zone) == of_two_places() | {f"A {FRANKFURT}": [FRA_4, FRA_2]}
    (of_both,) = (
        each["HealthCheckConfig"]
        for each in world.route53.health_checks.checks.values()
        if each["HealthCheckConfig"]["Type"] == "CALCULATED"
    )
    assert of_both["HealthThreshold"] == 1


def test_checks_are_made_before_the_records_that_name_them(world: World) -> None:
    """Four checks are made, then a fresh look is written in one batch: a check without a record serves nobody."""
    two_places(world)
    synced(world, *TCP)
    assert world.dns.operations() == [
        *NO_OP,
        "ListHealthChecks",
        *["CreateHealthCheck"] * 4,
        "ListResourceRecordSets",
        "ListHealthChecks",
        WRITE,
        "ListResourceRecordSets",
        "ListHealthChecks",
    ]


def test_a_no_op_run_costs_a_page_of_checks(world: World, zone: str) -> None:
    """A run with nothing to do lists the checks once, and asks nothing else."""
    synced(world, *TCP)
    assert (world.dns.operations(), bool(zone)) == ([*NO_OP, "ListHealthChecks"], True)


def test_a_no_op_run_costs_a_page_for_all_domains(world: World, zone: str) -> None:
    """Several domains share one list, page by page."""
    other = ("--domain", "www.example.com")
    synced(world, *TCP, *other)
    forget(world)
    world.route53.health_checks_a_page = 3
    synced(world, *TCP, *other)
    assert world.dns.operations() == [*NO_OP, *["ListHealthChecks"] * 3]
    assert asked(world, zone) == of_two_places()


@pytest.mark.parametrize(
    ("value", "interval", "settings"),
    [
        pytest.param("tcp:8443", "30", {"Type": "TCP", "Port": 8443, "RequestInterval": 30}, id="tcp"),
        pytest.param(
            "http://cdn.example.com:8080/up?x=1",
            "10",
            {
                "Type": "HTTP",
                "Port": 8080,
                "FullyQualifiedDomainName": "cdn.example.com",
                "ResourcePath": "/up?x=1",
                "RequestInterval": 10,
            },
            id="http",
        ),
        pytest.param(
            "https://cdn.example.com",
            "10",
            {
                "Type": "HTTPS",
                "Port": 443,
                "FullyQualifiedDomainName": "cdn.example.com",
                "ResourcePath": "/",
                "EnableSNI": True,
            },
            id="https",
        ),
    ],
)
def test_other_settings_replace_the_checks(
    world: World, zone: str, value: str, interval: str, settings: dict[str, Any]
) -> None:
    """Other settings make other checks, which replace the old ones: checks are never changed."""
    synced(world, "--health-check", value, "--health-check-interval", interval)
    checks = world.route53.health_checks.checks
    for each in sets(world, zone):
        assert checks[each["HealthCheckId"]]["HealthCheckConfig"].items() >= settings.items()
    assert "UpdateHealthCheck" not in world.dns.operations()


def test_multivalue_sets_have_checks(world: World) -> None:
    """With multivalue routing each address has a check, and a dead one is not answered."""
    zone = no_place(world)
    synced(world, *TCP, "--routing", "multivalue")
    world.route53.health_checks.down = {NYC_4}
    assert world.route53.served(zone, DOMAIN, "A") == [FRA_4]


def test_a_dead_place_is_skipped_without_us(world: World, zone: str) -> None:
    """Without an API server, and so without a run that could help, a dead place is not answered."""
    world.cluster.refuse()
    world.route53.health_checks.down = {NYC_4, NYC_6}
    assert world.route53.served(zone, DOMAIN, "A", NEW_YORK) == [FRA_4]
    assert world.route53.served(zone, DOMAIN, "AAAA", NEW_YORK) == [FRA_6]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("throttled", 1), ("malformed", 1), ("access denied", 2)],
)
def test_checks_that_cannot_be_made_keep_no_address_out(world: World, zone: str, kind: Any, status: int) -> None:  # noqa: ANN401 - a kind of fault
    """Whatever goes wrong with making checks, the addresses are published; all sets of a type have one or none has."""
    world.node("sgp-1", "5.223.50.3", SINGAPORE)
    world.dns.fail(Fault(kind, "CreateHealthCheck"))
    finished = sync(world, *TCP)
    assert (finished.returncode, "error: health checks: " in finished.stderr.replace(f"{DOMAIN}: ", "")) == (
        status,
        True,
    )
    assert answers(world, zone) == at_fra_and_nyc() | {f"A geoproximity-coords:{SINGAPORE}": ["5.223.50.3"]}
    of_a = {f"A {each}": list[str]() for each in (FRANKFURT, NEW_YORK, SINGAPORE)}
    assert asked(world, zone) == of_two_places() | of_a
    world.dns.heal()
    synced(world, *TCP)
    assert asked(world, zone) == of_two_places() | {f"A {SINGAPORE}": ["5.223.50.3"]}


def test_a_full_account_keeps_no_address_out(world: World) -> None:
    """With no room for another check the addresses are published, and the status says that somebody has to act."""
    zone = two_places(world)
    world.route53.health_checks.most = 3
    domain = reported(world, *TCP)
    assert (domain["status"], "TooManyHealthChecks" in domain["error"]) == ("failed", True)
    assert answers(world, zone) == at_fra_and_nyc()
    assert sync(world, *TCP).returncode == 2


def test_a_list_that_cannot_be_had_leaves_all_checks(world: World, zone: str) -> None:
    """When the checks cannot be listed each set keeps the one that it has, and a withdrawal is written all the same."""
    world.dns.fail(Fault("throttled", "ListHealthChecks"))
    breaks(world, "nyc-1")
    finished = sync(world, *TCP)
    assert finished.returncode == 1
    assert answers(world, zone) == at_fra()
    assert asked(world, zone) == {key: value for key, value in of_two_places().items() if FRANKFURT in key}
    assert {each for each in world.dns.operations() if "HealthCheck" in each} == {"ListHealthChecks"}


def test_the_right_to_list_may_be_missing(world: World, zone: str) -> None:
    """Without the right to list checks the run says which is missing, and ends with 2."""
    world.dns.fail(Fault("access denied", "ListHealthChecks"))
    finished = sync(world, *TCP)
    assert (finished.returncode, "route53:ListHealthChecks" in finished.stderr) == (2, True)
    assert asked(world, zone) == of_two_places()


def test_a_check_that_vanishes_is_a_lost_race(world: World) -> None:
    """A check that somebody deletes before the records are written is made again."""
    zone = two_places(world)
    checks = world.route53.health_checks

    def delete(call: Call) -> None:
        if call.operation == WRITE and call.number == 1:
            checks.delete(next(iter(checks.checks)))

    world.dns.before = delete
    synced(world, *TCP)
    assert asked(world, zone) == of_two_places()
    assert world.dns.operations().count(WRITE) == 3, "refused, without checks, and with them"


def test_a_check_that_is_gone_is_replaced(world: World, zone: str) -> None:
    """A check that somebody has deleted under a record set is made again, within the same reference's days too."""
    checks = world.route53.health_checks
    checks.delete(next(each["HealthCheckId"] for each in sets(world, zone)))
    checks.age(AN_HOUR)
    synced(world, *TCP)
    assert asked(world, zone) == of_two_places()


def test_a_check_of_several_that_loses_one_meanwhile_is_a_lost_race(world: World, zone: str) -> None:
    """When somebody deletes a check that one of several addresses was to stand on, the next run puts it right."""
    world.node("fra-2", FRA_2, FRANKFURT)
    checks = world.route53.health_checks

    def lose(call: Call) -> None:
        if b"CALCULATED" in call.request.body:
            (lost,) = (each["Id"] for each in checks.checks.values() if FRA_2 in str(each))
            checks.delete(lost)

    world.dns.before = lose
    finished = sync(world, *TCP)
    assert (finished.returncode, "is gone since it was listed" in finished.stderr) == (1, True), finished.stderr
    world.dns.before = lambda _call: None
    synced(world, *TCP)
    assert asked(world, zone) == of_two_places() | {f"A {FRANKFURT}": [FRA_4, FRA_2]}


def test_sets_that_are_refused_for_their_checks_are_written_without(world: World) -> None:
    """When Route 53 refuses every set that names a check, the addresses are published, and the status tells."""
    zone = two_places(world)
    world.route53.refuse_checks_in_records = True
    finished = sync(world, *TCP)
    assert finished.returncode == 1, finished.stderr
    assert answers(world, zone) == at_fra_and_nyc()


def test_a_set_that_is_refused_for_the_check_it_has_is_written_without(world: World) -> None:
    """When Route 53 does not take the checks that it lists, a dead address leaves all the same; the status tells."""
    zone = two_places(world)
    world.node("fra-2", FRA_2, FRANKFURT)
    synced(world, *TCP)
    world.route53.refuse_checks_in_records = True
    breaks(world, "fra-2")
    finished = sync(world, *TCP)
    assert (finished.returncode, "NoSuchHealthCheck" in finished.stderr) == (1, True), finished.stderr
    assert answers(world, zone) == at_fra_and_nyc()
    assert not any(asked(world, zone).values())
    world.route53.refuse_checks_in_records = False
    synced(world, *TCP)
    assert asked(world, zone) == of_two_places()


def test_only_old_idle_checks_of_ours_are_deleted(world: World, zone: str) -> None:
    """A check that no record names goes after an hour, in a run that has nothing to write; those of others never."""
    stranger = theirs(world)
    checks = world.route53.health_checks
    breaks(world, "nyc-1")
    synced(world, *TCP)
    synced(world, *TCP)
    assert len(checks.checks) == 5, "younger than an hour"
    checks.age(AN_HOUR)
    forget(world)
    synced(world, *TCP)
    assert world.dns.operations() == [*NO_OP, "ListHealthChecks", *["DeleteHealthCheck"] * 2]
    assert checks.checks.keys() == {each["HealthCheckId"] for each in sets(world, zone)} | {stranger}


def test_a_run_that_writes_deletes_nothing(world: World, zone: str) -> None:
    """Name servers follow a write within a minute; until then some may still ask for the check of a set that went."""
    checks = world.route53.health_checks
    checks.age(AN_HOUR)
    breaks(world, "nyc-1")
    synced(world, *TCP)
    assert "DeleteHealthCheck" not in world.dns.operations()
    synced(world, *TCP)
    assert checks.checks.keys() == {each["HealthCheckId"] for each in sets(world, zone)}


def test_checks_of_another_domain_are_not_touched(world: World, zone: str) -> None:
    """Each domain has checks of its own, whatever becomes of another's."""
    synced(world, *TCP, "--domain", "www.example.com")
    world.route53.health_checks.age(AN_HOUR)
    synced(world, *NONE)
    checks = world.route53.health_checks.checks
    named = [each["HealthCheckId"] for each in world.route53.records(zone, "www.example.com")]
    assert sorted(checks) == sorted(named)


def test_none_takes_all_checks_off_and_deletes_them(world: World, zone: str) -> None:
    """`--health-check none` leaves none of ours, whatever its age, with children and idle ones, and those of others."""
    stranger = theirs(world)
    world.node("fra-2", FRA_2, FRANKFURT)
    synced(world, *TCP)
    breaks(world, "nyc-1")
    synced(world, *TCP)
    synced(world, *NONE)
    assert world.route53.health_checks.checks.keys() == {stranger}
    assert asked(world, zone) == {f"A {FRANKFURT}": [], f"AAAA {FRANKFURT}": []}


def test_none_that_is_refused_by_min_nodes_takes_the_checks_off(world: World, zone: str) -> None:
    """With every node down the addresses stay, and the checks go: nothing is withdrawn by that."""
    breaks(world, "fra-1")
    breaks(world, "nyc-1")
    assert sync(world, *NONE).returncode == 3
    assert (answers(world, zone), world.route53.health_checks.checks) == (at_fra_and_nyc(), {})


def test_a_check_that_cannot_be_deleted_is_reported(world: World, zone: str) -> None:
    """A check that one of somebody else still names stays, with the reason, and the status tells."""
    child = sets(world, zone)[0]["HealthCheckId"]
    calculated = {"Type": "CALCULATED", "ChildHealthChecks": [child], "HealthThreshold": 1}
    world.route53.health_checks.create("theirs", calculated)
    finished = sync(world, *NONE)
    assert (finished.returncode, "HealthCheckInUse" in finished.stderr) == (2, True)
    assert addresses(world, zone) == {FRA_4, FRA_6, NYC_4, NYC_6}


def test_leaving_the_option_out_takes_the_checks_off_with_a_warning(world: World, zone: str) -> None:
    """Without the option the sets lose their checks, without a request, and a warning says how to delete those."""
    finished = synced(world)
    assert "run once with --health-check none" in finished.stderr
    assert not [each for each in sets(world, zone) if "HealthCheckId" in each]
    assert not [each for each in world.dns.operations() if "HealthCheck" in each]
    assert "warning" not in synced(world).stderr


def test_a_check_that_is_gone_keeps_no_address_out_of_a_refused_run(world: World, zone: str) -> None:
    """Without the option a refused run adds addresses to sets whose checks somebody has deleted, and exits with 3."""
    for each in list(world.route53.health_checks.checks):
        world.route53.health_checks.delete(each)
    world.node("fra-2", FRA_2, FRANKFURT)
    breaks(world, "nyc-1")
    finished = sync(world, "--min-nodes", "3")
    assert finished.returncode == 3, finished.stderr
    assert addresses(world, zone) == {FRA_4, FRA_6, NYC_4, NYC_6, FRA_2}


def test_a_dry_run_says_how_many(world: World) -> None:
    """A dry run lists the checks, makes none, and says how many would be made and deleted, in both forms."""
    two_places(world)
    words = "health checks: 4 would be made, 0 would be deleted"
    finished = synced(world, *TCP, "--dry-run")
    assert f"  warning: {words}\n" in finished.stdout
    assert "+ A geoproximity 40.71,-74.01  ttl 60  health check (new)" in finished.stdout
    domain = reported(world, *TCP, "--dry-run")
    assert (domain["warnings"], domain["status"]) == ([words], "would change")
    assert {each["record_set"]["HealthCheckId"] for each in domain["changes"]} == {"(new)"}
    assert made(world) == 0


def test_the_shortest_run_publishes_without_making_checks(world: World) -> None:
    """With too little time for checks and records, records come first."""
    zone = two_places(world)
    finished = sync(world, *TCP, "--timeout", "15")
    assert (finished.returncode, "raise --timeout" in finished.stderr) == (1, True)
    assert (answers(world, zone), made(world)) == (at_fra_and_nyc(), 0)
