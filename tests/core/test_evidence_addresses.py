"""What becomes of addresses that take no connection."""

from dataclasses import replace

from jobs.core.model import Published, Skipped, Withheld
from tests.support.builders import PARIS, ipv4, ipv6
from tests.support.judging import FAULT, alive, dead, dual, judged, kept, nodes, out


def test_a_node_with_one_dead_address_keeps_the_other() -> None:
    """A broken IPv6 uplink would take a node's IPv4 visitors away."""
    answers = dead(ipv6(1), why="no route to host") | alive(ipv6(0), ipv6(2), *map(ipv4, range(3)))
    [_, one, _] = judged(dual(3), answers=answers).verdicts
    withheld = (Withheld(ipv6(1), "tcp 443 does not answer (no route to host)"),)
    assert one == Published("n1", (ipv4(1),), None, withheld)


def test_a_node_whose_addresses_are_all_dead_is_skipped() -> None:
    """A node that cannot be reached would look published."""
    found = [replace(node, coordinates=str(PARIS)) for node in dual(3)]
    answers = dead(ipv4(1), ipv6(1)) | alive(ipv4(0), ipv6(0), ipv4(2), ipv6(2))
    conclusion = judged(found, answers=answers)
    reason = "tcp 443 does not answer (timed out)"
    assert conclusion.verdicts[1] == Skipped(
        "n1", reason, (), PARIS, (Withheld(ipv4(1), reason), Withheld(ipv6(1), reason))
    )
    assert conclusion.condemned == ("n1",)


def test_an_observer_without_ipv6_condemns_nobody() -> None:
    """A probe from a cluster without IPv6 would take every AAAA record away."""
    answers = dead(*map(ipv6, range(4)), why="network is unreachable") | alive(*map(ipv4, range(4)))
    conclusion = judged(dual(4), answers=answers)
    assert kept(conclusion) == {*map(ipv4, range(4)), *map(ipv6, range(4))}
    assert conclusion.warnings == (f"tcp 443 over IPv6: 4 of 4 addresses, {FAULT}",)


def test_each_port_is_a_kind_of_its_own() -> None:
    """A port that nobody serves would hide that another has died somewhere."""
    answers = dead(*map(ipv4, range(3)), port=80) | dead(ipv4(0)) | alive(ipv4(1), ipv4(2))
    conclusion = judged(nodes(3), answers=answers)
    assert out(conclusion) == {"n0": "tcp 443 does not answer (timed out)"}
    assert conclusion.warnings == (f"tcp 80 over IPv4: 3 of 3 addresses, {FAULT}",)


def test_of_several_dead_ports_the_first_is_named() -> None:
    """The reason would change from run to run, or grow without end."""
    answers = dead(ipv4(0)) | dead(ipv4(0), port=80) | alive(ipv4(1)) | alive(ipv4(1), port=80)
    assert out(judged(nodes(3), answers=answers)) == {"n0": "tcp 80 does not answer (timed out)"}


def test_an_address_that_there_was_no_time_to_ask_is_not_looked_at() -> None:
    """A probe cut short would be taken for an answer."""
    conclusion = judged(nodes(9), answers=dead(ipv4(0)) | alive(ipv4(1)))
    assert [*out(conclusion)] == ["n0"]


def test_an_address_that_there_was_no_time_to_ask_twice_stays() -> None:
    """One lost packet would take a node out."""
    conclusion = judged(nodes(3), answers=dead(ipv4(0), why="") | alive(ipv4(1), ipv4(2)))
    assert (out(conclusion), conclusion.warnings) == ({}, ())


def test_an_address_that_there_was_no_time_to_ask_twice_is_held_against_the_observer() -> None:
    """When half of a large cluster seems dead, those that were asked twice would leave DNS: few of many."""
    answers = dead(ipv4(0)) | dead(ipv4(1), ipv4(2), why="") | alive(*map(ipv4, range(3, 6)))
    conclusion = judged(nodes(6), answers=answers)
    assert out(conclusion) == {}
    assert conclusion.warnings == (f"tcp 443 over IPv4: 3 of 6 addresses, {FAULT}",)
