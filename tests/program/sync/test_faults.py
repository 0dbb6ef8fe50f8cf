"""What becomes of writes that are lost, late, throttled or undone: each plan is made again, at most three times."""

import pytest

from tests.sandbox.server import Call, Fault, wait_until
from tests.sandbox.world import Finished, World
from tests.support import forks
from tests.support.journal import LEASES, LIST, NODES, Journal, check_history
from tests.support.sync_runs import (
    DOMAIN,
    WRITE,
    all_in_one,
    answers,
    at_fra,
    at_fra_and_nyc,
    ends,
    forget,
    no_place,
    no_place_shown,
    returns,
    slow,
    sync,
    synced,
    two_places_shown,
)


def withdraws(world: World) -> tuple[str, dict[str, list[str]]]:
    """Prepare a run that withdraws a place."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    return zone, at_fra()


def disturbed(world: World, *faults: Fault) -> tuple[Finished, Journal]:
    """Run it with faults, and hold the run to what always must be."""
    journal = Journal(world)
    for fault in faults:
        (world.cluster if fault.operation in {NODES, LEASES} else world.dns).fail(fault)
    finished = sync(world, "--timeout", "30")
    check_history(world)
    if not any(fault.kind == "throttled" for fault in faults):
        journal.check()
    assert "Traceback" not in finished.stderr
    world.dns.heal()
    world.cluster.heal()
    return finished, journal


def test_write_that_arrives_late(world: World) -> None:
    """After a write that arrives late, and a further run, DNS shows the nodes that serve now."""
    zone, _ = withdraws(world)
    journal = Journal(world)
    world.dns.fail(slow(WRITE, 8.0))
    run = forks.start(world, "sync-once", "--domain", DOMAIN)
    assert wait_until(lambda: journal.writes > 0, 60)
    returns(world, "nyc-1")
    assert run.wait(60) == 0
    assert wait_until(lambda: all(call.status for call in world.dns.calls), 60)
    synced(world)
    assert answers(world, zone) == at_fra_and_nyc()
    check_history(world)
    journal.check()


def test_unknown_outcome_is_looked_at_and_not_resent(world: World) -> None:
    """A write whose answer was lost is looked up and not sent again, and its change is reported."""
    withdraws(world)
    finished, journal = disturbed(world, Fault("applied then dropped", WRITE, last=1))
    assert (finished.returncode, journal.writes) == (0, 1)
    assert "- A geoproximity 40.71,-74.01" in finished.stdout, "the change was made, and the result says so"


def test_throttled_write_is_sent_again_and_does_not_count(world: World) -> None:
    """A write that is throttled four times is sent a fifth time, and makes its change."""
    zone, wanted = withdraws(world)
    finished, journal = disturbed(world, Fault("throttled", WRITE, last=4))
    assert (finished.returncode, journal.writes) == (0, 5)
    assert answers(world, zone) == wanted


def meddle(world: World, zone: str) -> None:
    """Change the `A` sets of the domain as another tool might."""
    for each in world.route53.records(zone, DOMAIN):
        if each["Type"] == "A":
            changed = each | {"TTL": each["TTL"] + 1}
            world.route53.change(zone, {"Action": "UPSERT", "ResourceRecordSet": changed})


@pytest.mark.parametrize("older", [False, True], ids=["error", "older-error"])
def test_third_party_that_keeps_changing_the_set(world: World, older: bool) -> None:  # noqa: FBT001 - a table
    """A run that loses three races against another tool ends with status 1, and names domain and record set."""
    world.route53.older_batch_errors = older
    zone = no_place_shown(world)
    ends(world, "nyc-1")
    journal = Journal(world)
    journal.disturb = lambda call: meddle(world, zone) if call.operation == WRITE else None
    finished = sync(world)
    assert (finished.returncode, journal.writes) == (1, 3)
    (line,) = [line for line in finished.stderr.splitlines() if line.startswith("error")]
    assert DOMAIN in line
    assert "A simple" in line
    assert "do not match the current values" in line
    journal.check()


def test_third_party_that_undoes_each_write(world: World) -> None:
    """A run whose three writes are each undone ends with status 1, and names the record set."""
    zone = no_place_shown(world)
    journal = Journal(world)
    journal.disturb = lambda call: meddle(world, zone) if call.operation == LIST else None
    finished = sync(world)
    assert (finished.returncode, journal.writes) == (1, 3)
    assert "A simple" in finished.stderr
    journal.check()


def test_one_lost_race_is_won_the_second_time(world: World) -> None:
    """A run that loses one race against another writer logs it, and succeeds with its second write."""
    zone, wanted = withdraws(world)
    journal = Journal(world)
    journal.disturb = lambda call: meddle(world, zone) if (call.operation, call.number) == (WRITE, 1) else None
    finished = synced(world)
    assert (journal.writes, answers(world, zone)) == (2, wanted)
    assert "do not match" in finished.stderr
    journal.check()


def test_fight_over_one_domain_leaves_the_others_alone(world: World) -> None:
    """A domain that another tool fights over ends the run with status 1; the other domain is changed."""
    zone = no_place(world)
    journal = Journal(world)

    def disturb(call: Call) -> None:
        if call.operation == WRITE and f"<Name>{DOMAIN}" in call.request.body.decode():
            meddle(world, zone)

    synced(world)
    world.node("fra-2", "5.75.128.11")
    journal.disturb = disturb
    finished = forks.run(world, "sync-once", "--domain", DOMAIN, "--domain", "www.example.com")
    assert finished.returncode == 1
    assert answers(world, zone, "www.example.com") == all_in_one() | {
        "A simple": sorted([*all_in_one()["A simple"], "5.75.128.11"])
    }


def test_no_write_starts_in_the_last_ten_seconds(world: World) -> None:
    """A run with less than 10 s left starts no write, and ends with status 1 and the name of `--timeout`.

    There is no time to learn the outcome of such a write.
    """
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    world.cluster.fail(slow(NODES, 6.0))
    finished = sync(world, "--timeout", "15")
    assert finished.returncode == 1
    assert "--timeout" in finished.stderr
    assert (answers(world, zone), WRITE in world.dns.operations()) == (at_fra_and_nyc(), False)
    forget(world)
