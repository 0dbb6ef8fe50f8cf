"""What one round of a sync owes the next: time for other zones, a known outcome, and an honest account."""

from tests.sandbox.server import Fault
from tests.sandbox.world import World
from tests.sync_runs import WRITE, document, forget, reported, settled, slow, sync, two_places

HANGING = ("--domain", "a.hanging.app", "--domain", "b.hanging.app")


def test_a_hanging_zone_is_asked_once_a_round(world: World) -> None:
    """Each domain of a zone that hangs would take seconds from the healthy ones, until none were left to write."""
    two_places(world)
    world.route53.zone("hanging.app")
    world.dns.fail(slow("ListResourceRecordSets", 60))
    finished = sync(world, *HANGING, "--output", "json")
    assert finished.returncode == 0
    first_round = world.dns.operations()[: world.dns.operations().index(WRITE)]
    assert first_round.count("ListResourceRecordSets") == 2
    assert {each["status"] for each in document(finished)["domains"]} == {"changed"}


def test_waiting_outlives_a_throttled_look(world: World) -> None:
    """A moment of throttling would make a written change a failed run."""
    two_places(world)
    world.dns.fail(Fault("throttled", "GetChange", last=7))
    assert sync(world, "--wait").returncode == 0


def test_a_lost_answer_cannot_be_waited_for(world: World) -> None:
    """`--wait` would say that every name server answers with the change, which nobody has asked."""
    two_places(world)
    world.dns.fail(Fault("applied then dropped", WRITE, last=1))
    finished = sync(world, "--wait")
    assert finished.returncode == 1
    assert "the answer with the change id was lost" in finished.stderr


def test_waiting_keeps_what_went_wrong_before(world: World) -> None:
    """A missing permission would look like something that passes."""
    two_places(world)
    world.cluster.fail(Fault("access denied", "list nodes", first=2))
    world.dns.fail(Fault("unavailable", "GetChange"))
    assert sync(world, "--wait", "--timeout", "20").returncode == 2


def test_writes_that_fail_are_not_blamed_on_somebody_else(world: World) -> None:
    """An operator would look for a rival where Route 53 has an outage."""
    two_places(world)
    world.dns.fail(Fault("unavailable", WRITE))
    domain = reported(world)
    assert "without a known outcome" in domain["error"]
    assert "somebody else" not in domain["error"]


def test_what_a_lost_answer_has_changed_is_not_told_as_unchanged(world: World) -> None:
    """The result would count the same record sets twice."""
    two_places(world)
    world.dns.fail(Fault("applied then dropped", WRITE, last=1))
    finished = sync(world)
    assert finished.returncode == 0
    assert "  0 record sets unchanged" in finished.stdout


def test_a_place_south_of_the_equator(world: World) -> None:
    """Half of the world could not be a default place: its latitude looks like an option."""
    settled(world, world.route53.zone("example.com"), "--min-nodes", "0")
    world.node("syd-1", "1.40.1.1")
    forget(world)
    finished = sync(world, "--default-coordinates", "-33.86,151.20")
    assert finished.returncode == 0, finished.stderr
    assert "A geoproximity -33.86,151.20" in finished.stdout
