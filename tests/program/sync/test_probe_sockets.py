"""Connections to real sockets: which addresses answer, and how long it takes to know."""

import contextlib
import os
import resource
import socket
import threading
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

import pytest

from jobs.core.address import Address
from jobs.core.probe import Probe
from jobs.edges import probe as edge
from tests.support.probing import BlackHole, Refusing, listening, loopback

HERE, HERE_6 = ip_address("127.0.0.1"), ip_address("::1")


def probe(targets: Iterable[tuple[Address, int]]) -> dict[tuple[Address, int], str | None]:
    """Ask ports for TCP connections; give the answers by address and port."""
    answers, without_route = edge.probe((address, Probe("tcp", port)) for address, port in targets)
    assert without_route == frozenset()
    return {(address, asked.port): why for (address, asked), why in answers.items()}


def has_ipv6() -> bool:
    """Say whether there is an IPv6 loopback."""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@pytest.fixture(scope="module")
def hole() -> Iterator[BlackHole]:
    """Give a port that drops everything, on every address of loopback."""
    with BlackHole() as made:
        yield made


def open_files() -> set[str]:
    """Give the numbers of this process's open files; one of them is of looking."""
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as numbers


@contextlib.contextmanager
def room_for(connections: int) -> Iterator[None]:
    """Let this process open so many files more, and the three of an event loop."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = (number for number in range(soft) if str(number) not in open_files())
    highest = [number for number, _ in zip(free, range(connections + 3), strict=False)][-1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@needs_ipv6
def test_an_ipv6_address_that_listens_answers() -> None:
    """An IPv6 address that listens answers."""
    with listening("::1") as port:
        assert probe([(HERE_6, port)]) == {(HERE_6, port): None}


@needs_ipv6
def test_an_ipv6_address_where_nobody_listens_refuses() -> None:
    """An IPv6 address where nobody listens refuses the connection. A node may serve over IPv4 only."""
    with Refusing("::1") as port:
        assert probe([(HERE_6, port.port)]) == {(HERE_6, port.port): "connection refused"}


def test_each_target_has_an_answer_of_its_own(hole: BlackHole) -> None:
    """Each pair of address and port has an answer of its own."""
    with listening() as up, Refusing() as down:
        asked = [(loopback(1), up), (loopback(1), down.port), (loopback(2), up), (loopback(2), hole.port)]
        answers = probe(asked)
    assert [answers[target] for target in asked] == [None, "connection refused", None, "timed out"]


def test_nothing_to_ask() -> None:
    """Nothing to ask gives no answers."""
    assert probe([]) == {}


def test_a_lost_packet_is_made_good_by_a_second_try() -> None:
    """An address that answers only the second try has answered."""
    with BlackHole() as port:
        other = threading.Thread(target=port.drain_at_second_try, args=(loopback(3),))
        other.start()
        answers = probe([(loopback(3), port.port)])
        other.join()
        assert answers == {(loopback(3), port.port): None}


def test_a_port_that_opens_a_moment_later_is_made_good_by_a_second_try() -> None:
    """A port that opens a moment after it refused has answered. Its ingress may be restarted."""
    with Refusing() as port:
        later = threading.Timer(0.2, port.open)
        later.start()
        answers = probe([(loopback(4), port.port)])
        later.join()
        assert answers == {(loopback(4), port.port): None}


def test_no_more_connections_are_open_than_a_process_may_have(hole: BlackHole) -> None:
    """Under a limit of open files each answer is success or a timeout, and the healthy address answers."""
    with room_for(100), listening() as port:
        dead = [(loopback(number), hole.port) for number in range(300)]
        answers = probe([*dead[:80], (HERE, port), *dead[80:]])
    assert answers[HERE, port] is None
    assert {why for why in answers.values() if why} <= {"timed out"}


def test_as_many_as_that_are_asked_at_once(hole: BlackHole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty dead addresses are asked twice in a time in which, one after the other, a dozen could be."""
    monkeypatch.setattr("jobs.edges.probe.TOTAL_SECONDS", 50.0)  # seven would be too few on a slow machine
    answers = probe([(loopback(number), hole.port) for number in range(50)])
    assert [*answers.values()] == ["timed out"] * 50


def test_hundreds_of_dead_addresses_take_no_longer_and_those_not_asked_twice_are_not_judged(hole: BlackHole) -> None:
    """Asking ends in time: of hundreds of dead addresses none was asked twice, so none is judged.

    They are among the answers: left out, the few asked twice would look like all that are dead.
    """
    dead = [(loopback(number), hole.port) for number in range(900)]
    with listening() as port:
        answers = probe([*dead[:450], (HERE, port), *dead[450:]])
        assert answers[HERE, port] is None
    assert len(answers) > 300
    assert not any(answers.values())


def test_no_connection_is_left_open(hole: BlackHole) -> None:
    """No file is left open after asking. The watcher asks every few seconds for months."""
    with listening() as port, Refusing() as nobody:
        targets = [*((loopback(number), hole.port) for number in range(300)), (HERE, port), (HERE, nobody.port)]
        before = open_files()
        probe(targets)
        assert len(open_files()) == len(before)
