"""Every fault at every call of a run: it ends as promised, DNS comes right, and never shows less than it should."""

import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any, get_args

import pytest

from tests.sandbox.server import Call, Fault, FaultKind, wait_until
from tests.sandbox.world import Finished, World
from tests.sync_runs import (
    DOMAIN,
    FRA_4,
    FRANKFURT,
    NEW_YORK,
    WRITE,
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
    slow,
    sync,
    synced,
    two_places,
    two_places_shown,
)

LIST, NODES, LEASES = "ListResourceRecordSets", "list nodes", "list leases"
READS = [("ListHostedZonesByName", 1), (LIST, 1), (NODES, 1), (LEASES, 1), (LIST, 2), (NODES, 2), (LEASES, 2)]
IDS = ["zones", "records", "nodes", "leases", "records-again", "nodes-again", "leases-again"]
KINDS = [kind for kind in get_args(FaultKind) if kind != "applied then silent"]
"""Silence costs the six seconds of a read timeout: it has a test of its own."""
PASSING = [kind for kind in KINDS if kind not in {"slow", "applied then dropped", "access denied", "expired token"}]
PROMISED = {"access denied": 2, "expired token": 1}


class Journal:
    """The calls to both servers in the order in which they came."""

    def __init__(self, world: World) -> None:
        """Begin to note them."""
        self.calls: list[Call] = []
        self.disturb: Callable[[Call], object] = lambda _call: None
        world.dns.before = world.cluster.before = self._note

    def _note(self, call: Call) -> None:
        self.calls.append(call)
        self.disturb(call)

    def rounds(self) -> list[list[Call]]:
        """Cut the calls after each write; the last piece has none."""
        pieces: list[list[Call]] = [[]]
        for call in self.calls:
            pieces[-1].append(call)
            if call.operation == WRITE:
                pieces.append([])
        return pieces

    def check(self) -> None:
        """No batch is sent without a fresh look at the records, then at the nodes, then at their Leases."""
        for piece in self.rounds()[:-1]:
            looks = [call.operation for call in piece]
            assert LIST in looks, "written without reading the records"
            assert NODES in looks[looks.index(LIST) :], "written without listing the nodes afterwards"
            assert LEASES in looks[looks.index(NODES) :], "written without listing the Leases afterwards"

    @property
    def writes(self) -> int:
        """How often a batch was sent."""
        return len(self.rounds()) - 1


def creates(world: World) -> tuple[str, dict[str, list[str]]]:
    """Prepare a run that fills an empty name."""
    return two_places(world), at_fra_and_nyc()


def withdraws(world: World) -> tuple[str, dict[str, list[str]]]:
    """Prepare a run that withdraws a place."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    return zone, at_fra()


def switches(world: World) -> tuple[str, dict[str, list[str]]]:
    """Prepare a run that turns simple routing to geoproximity."""
    zone = no_place_shown(world)
    annotate(world, "fra-1", "aws-geoproximity-coordinates", FRANKFURT)
    annotate(world, "nyc-1", "aws-geoproximity-coordinates", NEW_YORK)
    return zone, at_fra_and_nyc()


def check_history(world: World) -> None:
    """After each batch the name answers, and all of its sets have one policy."""
    for batch in world.route53.history:
        sets = [each for each in batch.after[f"{DOMAIN}."] if each["Type"] in {"A", "AAAA"}]
        assert {each["Type"] for each in sets} == {"A", "AAAA"}, "a family is gone"
        assert len({"GeoProximityLocation" in each for each in sets}) == 1, "half switched"
        assert {change["Action"] for change in batch.changes} <= {"DELETE", "CREATE"}


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


def comes_right(world: World, zone: str, wanted: dict[str, list[str]], finished: Finished) -> None:
    """Expect that a run with 0 has done its work; after any other, the next one does it."""
    if finished.returncode:
        synced(world)
        check_history(world)
    assert answers(world, zone) == wanted, finished.stderr


def one_fault(world: World, prepare: Callable[[World], Any], position: tuple[str, int], kind: FaultKind) -> None:
    """Let one call of a run go wrong once."""
    zone, wanted = prepare(world)
    operation, number = position
    finished, _ = disturbed(world, Fault(kind, operation, first=number, last=number, seconds=0.5))
    assert finished.returncode == PROMISED.get(kind, 0), finished.stderr
    comes_right(world, zone, wanted, finished)


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("position", READS, ids=IDS)
def test_read_that_fails_once(world: World, position: tuple[str, int], kind: FaultKind) -> None:
    """A failed node would stay in DNS, or take the others with it, because one call went wrong."""
    one_fault(world, withdraws, position, kind)


@pytest.mark.parametrize("kind", list(PROMISED))
@pytest.mark.parametrize("position", [(LIST, 1), (NODES, 1), (LIST, 2)], ids=["records", "nodes", "records-again"])
def test_read_that_is_refused(world: World, position: tuple[str, int], kind: FaultKind) -> None:
    """A missing permission would look like an outage, or an outage like a missing permission."""
    one_fault(world, withdraws, position, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prepare", [creates, withdraws, switches])
def test_write_that_fails_once(world: World, prepare: Callable[[World], Any], kind: FaultKind) -> None:
    """The name would be left half done, or empty, because one call went wrong."""
    one_fault(world, prepare, (WRITE, 1), kind)


@pytest.mark.parametrize("position", [(WRITE, 1), (LIST, 2)], ids=["write", "records-again"])
def test_answer_that_never_comes(world: World, position: tuple[str, int]) -> None:
    """A connection that went silent would take the whole run with it."""
    zone, wanted = withdraws(world)
    operation, number = position
    finished, _ = disturbed(world, Fault("applied then silent", operation, first=number, last=number))
    assert finished.returncode == 0, finished.stderr
    comes_right(world, zone, wanted, finished)
    assert len(world.route53.history) == 1, "what was applied needs no second batch"


def test_write_that_arrives_late(world: World) -> None:
    """A batch that everybody gave up for lost would undo what was decided since."""
    zone, _ = withdraws(world)
    journal = Journal(world)
    world.dns.fail(slow(WRITE, 8.0))
    process = world.start("sync-once", "--domain", DOMAIN)
    assert wait_until(lambda: journal.writes > 0, 60)
    world.kubernetes.set_ready("nyc-1", "True")
    assert process.wait(60) == 0
    process.communicate()
    assert wait_until(lambda: all(call.status for call in world.dns.calls), 60)
    synced(world)
    assert answers(world, zone) == at_fra_and_nyc()
    check_history(world)
    journal.check()


def test_unknown_outcome_is_looked_at_and_not_resent(world: World) -> None:
    """A batch resent blindly would be refused, or undo what another run has done since."""
    withdraws(world)
    finished, journal = disturbed(world, Fault("applied then dropped", WRITE, last=1))
    assert (finished.returncode, journal.writes) == (0, 1)
    assert "- A geoproximity 40.71,-74.01" in finished.stdout, "the change was made, and the result says so"


def test_throttled_write_is_sent_again_and_does_not_count(world: World) -> None:
    """In a busy account the run would give up after three attempts that changed nothing."""
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
    """Two tools would fight for ever over one name, and nobody would learn of it."""
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
    """The run would report success although DNS shows something else already."""
    zone = no_place_shown(world)
    journal = Journal(world)
    journal.disturb = lambda call: meddle(world, zone) if call.operation == LIST else None
    finished = sync(world)
    assert (finished.returncode, journal.writes) == (1, 3)
    assert "A simple" in finished.stderr
    journal.check()


def test_one_lost_race_is_won_the_second_time(world: World) -> None:
    """A user who edits a record by hand at the wrong moment would make the run fail."""
    zone, wanted = withdraws(world)
    journal = Journal(world)
    journal.disturb = lambda call: meddle(world, zone) if (call.operation, call.number) == (WRITE, 1) else None
    finished = synced(world)
    assert (journal.writes, answers(world, zone)) == (2, wanted)
    assert "do not match" in finished.stderr
    journal.check()


def test_fight_over_one_domain_leaves_the_others_alone(world: World) -> None:
    """A tool that fights over one name would freeze all others."""
    zone = no_place(world)
    journal = Journal(world)

    def disturb(call: Call) -> None:
        if call.operation == WRITE and f"<Name>{DOMAIN}" in call.request.body.decode():
            meddle(world, zone)

    synced(world)
    world.node("fra-2", "5.75.128.11")
    journal.disturb = disturb
    finished = world.run("sync-once", "--domain", DOMAIN, "--domain", "www.example.com")
    assert finished.returncode == 1
    assert answers(world, zone, "www.example.com") == all_in_one() | {
        "A simple": sorted([*all_in_one()["A simple"], "5.75.128.11"])
    }


def asleep(process: subprocess.Popen[str], seconds: float) -> None:
    """Suspend a process for a while, as closing a laptop does."""
    process.send_signal(signal.SIGSTOP)
    threading.Timer(seconds, process.send_signal, [signal.SIGCONT]).start()


def test_plan_that_has_grown_old_is_not_applied(world: World) -> None:
    """A laptop that was suspended between looking and writing would bring back nodes that failed meanwhile."""
    zone = no_place(world)
    journal = Journal(world)
    started = threading.Event()
    processes: list[subprocess.Popen[str]] = []

    def disturb(call: Call) -> None:
        if call.operation == NODES and call.number == 1:
            started.wait(60)
            asleep(processes[0], 11.0)

    journal.disturb = disturb
    processes.append(world.start("sync-once", "--domain", DOMAIN))
    started.set()
    assert wait_until(lambda: bool(world.cluster.calls) and world.cluster.calls[0].status == 200, 60)
    ends(world, "nyc-1")
    _, err = processes[0].communicate(timeout=90)
    assert processes[0].returncode == 0, err
    assert [call.operation for call in journal.calls][:6].count(NODES) >= 2
    (batch,) = world.route53.history
    assert "5.161.40.7" not in str(batch.changes)
    assert FRA_4 in addresses(world, zone)


def test_no_write_starts_in_the_last_ten_seconds(world: World) -> None:
    """A write whose outcome nobody waits for would be left to chance."""
    zone = two_places_shown(world)
    ends(world, "nyc-1")
    world.cluster.fail(slow(NODES, 6.0))
    finished = sync(world, "--timeout", "15")
    assert finished.returncode == 1
    assert "--timeout" in finished.stderr
    assert (answers(world, zone), WRITE in world.dns.operations()) == (at_fra_and_nyc(), False)
    forget(world)
