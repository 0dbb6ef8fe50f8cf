"""What one round of a sync owes the next: time for other zones, a known outcome, and an honest account."""

import pytest

from tests.sandbox.account import simple
from tests.sandbox.server import Fault
from tests.sandbox.world import World
from tests.support import forks
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    NEW_YORK,
    NYC_4,
    PLACES,
    WRITE,
    addresses,
    document,
    ends,
    forget,
    reported,
    settled,
    slow,
    sync,
    synced,
    two_places,
)

AGAIN = {
    "a silent answer": (Fault("applied then silent", "ListResourceRecordSets", last=1), "looking again"),
    "an empty answer": (Fault("empty", "ListResourceRecordSets", last=1), "trying again"),
}
HANGING = ("--domain", "a.hanging.app", "--domain", "b.hanging.app")


def test_a_hanging_zone_is_asked_once_a_round(world: World) -> None:
    """A zone that does not answer is read once in a round, however many domains it has; all are synced in the end."""
    two_places(world)
    world.route53.zone("hanging.app")
    world.dns.fail(slow("ListResourceRecordSets", 60))
    finished = sync(world, *HANGING, "--output", "json")
    assert finished.returncode == 0
    first_round = world.dns.operations()[: world.dns.operations().index(WRITE)]
    assert first_round.count("ListResourceRecordSets") == 2
    assert {each["status"] for each in document(finished)["domains"]} == {"changed"}


@pytest.mark.parametrize(("fault", "words"), AGAIN.values(), ids=AGAIN)
def test_trouble_that_has_passed_is_told(world: World, fault: Fault, words: str) -> None:
    """A call that succeeds only when it is repeated leaves one warning."""
    two_places(world)
    world.dns.fail(fault)
    (line,) = (line for line in synced(world).stderr.splitlines() if line.startswith("warning"))
    assert words in line


def test_waiting_outlives_a_throttled_look(world: World) -> None:
    """`--wait` succeeds although its first seven questions are throttled."""
    two_places(world)
    world.dns.fail(Fault("throttled", "GetChange", last=7))
    assert sync(world, "--wait").returncode == 0


def test_a_lost_answer_cannot_be_waited_for(world: World) -> None:
    """`--wait` fails with status 1 when the answer with the change id was lost, and says so."""
    two_places(world)
    world.dns.fail(Fault("applied then dropped", WRITE, last=1))
    finished = sync(world, "--wait")
    assert finished.returncode == 1
    assert "the answer with the change id was lost" in finished.stderr


def test_an_outage_while_waiting_is_told(world: World) -> None:
    """The error of a `--wait` that an outage ends says what was waited for, and names the outage."""
    two_places(world)
    world.dns.fail(Fault("unavailable", "GetChange"))
    error = reported(world, "--wait", "--timeout", "15")["error"]
    assert "is not INSYNC before the deadline" in error
    assert "ServiceUnavailable" in error


def test_a_look_without_an_answer_while_waiting_is_told(world: World) -> None:
    """A question of `--wait` that has no answer is logged, and asked again."""
    two_places(world)
    world.dns.fail(slow("GetChange", 8, last=1))
    assert "asking again" in synced(world, "--wait").stderr


def test_waiting_without_the_right_to_ask_is_a_wrong_setting(world: World) -> None:
    """`--wait` asks once for what it may not see, and exits with 2: asking again would not help."""
    two_places(world)
    world.dns.fail(Fault("access denied", "GetChange"))
    finished = sync(world, "--wait")
    assert (finished.returncode, world.dns.operations().count("GetChange")) == (2, 1)
    assert "GetChange" in finished.stderr.splitlines()[-1]


def test_a_domain_with_nothing_to_wait_for_does_not_wait(world: World) -> None:
    """`--wait` fails a domain whose change is not heard of with 1, says that it was written, and spares others."""
    two_places(world)
    synced(world)
    world.route53.zone("hanging.app")
    world.dns.fail(slow("GetChange", 60, last=None))
    finished = sync(world, "--domain", "a.hanging.app", "--wait", "--timeout", "15", "--output", "json")
    shown, hanging = document(finished)["domains"]
    assert finished.returncode == 1
    assert (shown["status"], hanging["status"]) == ("unchanged", "failed")
    assert "written, but" in hanging["error"]


def test_a_zone_whose_writes_hang_does_not_keep_others_from_theirs(world: World) -> None:
    """A domain whose plan has become old while another was written goes first in the next round."""
    two_places(world)
    world.route53.zone("waits.app")
    world.dns.fail(slow(WRITE, 60, last=1))
    world.cluster.fail(slow("list leases", 5, last=1))
    finished = sync(world, "--domain", "a.waits.app", "--output", "json")
    assert finished.returncode == 0, finished.stderr
    written = [call.request.path for call in world.dns.calls if call.operation == WRITE]
    assert written == [written[0], written[1], written[0]]
    assert written[0] != written[1]


def test_waiting_keeps_what_went_wrong_before(world: World) -> None:
    """A missing permission sets the status to 2 even if `--wait` then fails with an outage."""
    two_places(world)
    world.cluster.fail(Fault("access denied", "list nodes", first=2))
    world.dns.fail(Fault("unavailable", "GetChange"))
    assert sync(world, "--wait", "--timeout", "20").returncode == 2


def test_writes_that_fail_are_not_blamed_on_somebody_else(world: World) -> None:
    """Writes that fail in an outage are reported as without a known outcome, not as another writer's work."""
    two_places(world)
    world.dns.fail(Fault("unavailable", WRITE))
    domain = reported(world)
    assert "without a known outcome" in domain["error"]
    assert "somebody else" not in domain["error"]


def test_what_a_lost_answer_has_changed_is_not_told_as_unchanged(world: World) -> None:
    """Record sets changed by a write whose answer was lost are not counted as unchanged."""
    two_places(world)
    world.dns.fail(Fault("applied then dropped", WRITE, last=1))
    finished = sync(world)
    assert finished.returncode == 0
    assert "  0 record sets unchanged" in finished.stdout


def test_a_place_south_of_the_equator(world: World) -> None:
    """`--default-coordinates` takes a negative latitude as a separate word."""
    settled(world, world.route53.zone("example.com"), "--min-nodes", "0")
    world.node("syd-1", "1.40.1.1")
    forget(world)
    finished = sync(world, "--default-coordinates", "-33.86,151.20")
    assert finished.returncode == 0, finished.stderr
    assert "A geoproximity -33.86,151.20" in finished.stdout


@pytest.mark.parametrize(
    "notation",
    [
        pytest.param({"Coordinates": {"Latitude": "50.11", "Longitude": "8.68"}, "Bias": 0}, id="bias of zero"),
        pytest.param({"Coordinates": {"Latitude": "+50.11", "Longitude": "8.68"}}, id="plus sign"),
    ],
)
def test_a_precondition_is_restated_as_it_was_read(world: World, notation: dict[str, object]) -> None:
    """A place is withdrawn beside a set whose location is written in another notation."""
    zone = world.route53.zone("example.com")
    world.node("fra-1", FRA_4, FRANKFURT)
    world.node("nyc-1", NYC_4, NEW_YORK)
    own = {"SetIdentifier": PLACES + FRANKFURT, "GeoProximityLocation": notation}
    world.route53.put(zone, simple(f"{DOMAIN}.", "A", FRA_4) | own)
    synced(world)
    ends(world, "nyc-1")
    synced(world)
    assert addresses(world, zone) == {FRA_4}


def test_a_precondition_keeps_the_notation_of_its_values(world: World) -> None:
    """A place is withdrawn beside a set whose IPv6 address is written in full and in capitals, and which stays."""
    zone = world.route53.zone("example.com")
    world.node("fra-1", FRA_6, FRANKFURT)
    world.node("nyc-1", "2a01:4ff:f0:7::7", NEW_YORK)
    location = {"Coordinates": {"Latitude": "50.11", "Longitude": "8.68"}}
    own = {"SetIdentifier": PLACES + FRANKFURT, "GeoProximityLocation": location}
    world.route53.put(zone, simple(f"{DOMAIN}.", "AAAA", "2A01:04F8:0C17:0001:0:0:0:0010") | own)
    synced(world)
    ends(world, "nyc-1")
    synced(world)
    assert addresses(world, zone) == {"2A01:04F8:0C17:0001:0:0:0:0010"}


def test_a_dot_within_a_label_is_no_boundary(world: World) -> None:
    """A record whose name has an escaped dot where the domain has a boundary stays."""
    zone = world.route53.zone("example.com")
    world.node("fra-1", FRA_4)
    world.route53.put(zone, simple("cdn\\056eu.example.com.", "A", "9.9.9.9"))
    finished = forks.run(world, "sync-once", "--domain", "cdn.eu.example.com")
    assert finished.returncode == 0, finished.stderr
    assert addresses(world, zone, "cdn\\056eu.example.com") == {"9.9.9.9"}


NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/file", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x"},
            id="web identity",
        ),
        pytest.param(
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/no/such/file",
            },
            id="container",
        ),
    ],
)
def test_a_missing_credentials_file_is_a_wrong_setting(world: World, variables: dict[str, str]) -> None:
    """A missing file of AWS credentials ends the run with status 2, and the error names it."""
    two_places(world)
    finished = sync(world, **NO_KEYS, **variables)
    assert finished.returncode == 2, finished.stderr
    assert "/no/such/file" in finished.stderr


def test_a_line_break_in_a_key_is_a_wrong_setting_and_not_shown(world: World) -> None:
    """A line break in an AWS key ends the run with status 2, and no signature is shown.

    A Secret made with `echo` has one.
    """
    two_places(world)
    finished = sync(world, "-v", AWS_ACCESS_KEY_ID=f"{world.route53.access_key}\n")
    assert finished.returncode == 2
    assert "line break" in finished.stderr
    assert "Signature" not in finished.stderr + finished.stdout


def test_a_line_break_in_a_token_is_not_shown(world: World) -> None:
    """A line break in the cluster's token ends the run with status 2, and the token is not shown."""
    two_places(world)
    config = world.kubeconfig.read_text("utf-8").replace('"token": "', '"token": "hush\\nhush-')
    world.kubeconfig.write_text(config, "utf-8")
    finished = sync(world, "-v")
    assert finished.returncode == 2
    assert "no header may hold" in finished.stderr
    assert "hush" not in finished.stderr + finished.stdout
