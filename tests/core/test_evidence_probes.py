"""What answers and silence of addresses say, by probe and family, and where they were asked from."""

import pytest
from msgspec.structs import replace

from jobs.core.verdict import Published, Skipped, Withheld
from tests.support.builders import PARIS, evidence_settings, ipv4, ipv6
from tests.support.judging import DOUBTED, HTTP, TCP, alive, dead, doubted, dual, having, judged, kept, nodes, out

OTHER = "tcp:80"


def test_a_node_with_one_dead_address_keeps_the_other() -> None:
    """A node with one dead address stays with the other."""
    answers = dead(ipv6(1), why="no route to host") | alive(ipv6(0), ipv6(2), *map(ipv4, range(3)))
    [_, one, _] = judged(dual(3), answers=answers).verdicts
    withheld = (Withheld(ipv6(1), "tcp 443 does not answer (no route to host)"),)
    assert one == Published("n1", (ipv4(1),), None, withheld)


@pytest.mark.parametrize(
    ("why", "skipped"),
    [
        pytest.param(
            ("timed out", "timed out"),
            Skipped("n1", "tcp 443 does not answer (timed out)", (ipv4(1), ipv6(1)), PARIS),
            id="alike",
        ),
        pytest.param(
            ("timed out", "connection refused"),
            Skipped(
                "n1",
                "tcp 443 does not answer (timed out)",
                (),
                PARIS,
                (
                    Withheld(ipv4(1), "tcp 443 does not answer (timed out)"),
                    Withheld(ipv6(1), "tcp 443 does not answer (connection refused)"),
                ),
            ),
            id="each in its way",
        ),
    ],
)
def test_a_node_whose_addresses_are_all_dead_is_skipped(why: tuple[str, str], skipped: Skipped) -> None:
    """A node whose addresses are all dead is skipped, for its one reason or each address with its own."""
    found = [replace(node, coordinates=str(PARIS)) for node in dual(3)]
    answers = dead(ipv4(1), why=why[0]) | dead(ipv6(1), why=why[1])
    conclusion = judged(found, answers=answers | alive(ipv4(0), ipv6(0), ipv4(2), ipv6(2)))
    assert conclusion.verdicts[1] == skipped
    assert conclusion.withdrawn_by_evidence == ("n1",)


def test_an_observer_without_ipv6_withdraws_nobody() -> None:
    """Each family is a kind of its own: an observer without IPv6 withdraws nobody."""
    answers = dead(*map(ipv6, range(4)), why="network is unreachable") | alive(*map(ipv4, range(4)))
    conclusion = judged(dual(4), answers=answers)
    assert kept(conclusion) == {*map(ipv4, range(4))}
    assert {address for _, address in doubted(conclusion)} == {*map(ipv6, range(4))}
    assert conclusion.causes == (f"tcp 443 over IPv6: 4 of 4 nodes, {DOUBTED}",)


def test_each_probe_is_a_kind_of_its_own() -> None:
    """Each probe is a kind of its own: one that nobody answers does not hide another that has died."""
    answers = dead(*map(ipv4, range(3)), probe=OTHER) | dead(ipv4(0)) | alive(ipv4(1), ipv4(2))
    conclusion = judged(nodes(3), answers=answers)
    assert out(conclusion) == {"n0": "tcp 443 does not answer (timed out)"}
    assert set(doubted(conclusion)) == {("n1", ipv4(1)), ("n2", ipv4(2))}
    assert conclusion.causes == (f"tcp 80 over IPv4: 3 of 3 nodes, {DOUBTED}",)


def test_a_url_that_is_not_answered_accuses() -> None:
    """An address that does not answer a URL leaves like one that takes no connection."""
    answers = dead(ipv4(0), probe=HTTP, why="status 503") | alive(ipv4(1), ipv4(2), probe=HTTP)
    assert out(judged(nodes(3), answers=answers)) == {"n0": "http://www.example.com/ does not answer (status 503)"}


def test_of_several_probes_that_are_not_answered_the_first_is_named() -> None:
    """The reason names the first of several probes that were asked for."""
    answers = dead(ipv4(0)) | dead(ipv4(0), probe=OTHER) | alive(ipv4(1)) | alive(ipv4(1), probe=OTHER)
    for first, second in ((TCP, OTHER), (OTHER, TCP)):
        conclusion = judged(nodes(3), asked=evidence_settings(probes=(first, second)), answers=answers)
        assert out(conclusion) == {"n0": f"{first.replace(':', ' ')} does not answer (timed out)"}


def test_an_address_that_there_was_no_time_to_ask_is_not_looked_at() -> None:
    """An address that was not asked is neither accused nor counted."""
    conclusion = judged(nodes(9), answers=dead(ipv4(0)) | alive(ipv4(1)))
    assert [*out(conclusion)] == ["n0"]
    assert judged(nodes(9), answers=dead(ipv4(0))).causes == (f"tcp 443 over IPv4: 1 of 1 nodes, {DOUBTED}",)


def test_an_address_that_there_was_no_time_to_ask_twice_stays() -> None:
    """An address that was silent once and not asked again stays. One lost packet takes no node out."""
    conclusion = judged(nodes(3), answers=dead(ipv4(0), why="") | alive(ipv4(1), ipv4(2)))
    assert (out(conclusion), doubted(conclusion), conclusion.causes) == ({}, {}, ())


def test_an_address_that_there_was_no_time_to_ask_twice_is_held_against_the_observer() -> None:
    """Nodes that were silent once count towards too many.

    Otherwise, of half a large cluster that seems dead, those that were asked twice would leave DNS.
    """
    answers = dead(ipv4(0)) | dead(ipv4(1), ipv4(2), why="") | alive(*map(ipv4, range(3, 6)))
    conclusion = judged(nodes(6), answers=answers)
    assert set(doubted(conclusion)) == {("n0", ipv4(0))}
    assert conclusion.causes == (f"tcp 443 over IPv4: 3 of 6 nodes, {DOUBTED}",)


def test_a_node_that_is_accused_and_suspect_is_one_node() -> None:
    """A node with one dead address and another that is not sure counts once."""
    found = [having(nodes(6)[0], ipv4(0), ipv4(100)), *nodes(6)[1:]]
    answers = dead(ipv4(0), ipv4(1)) | dead(ipv4(100), why="") | alive(*map(ipv4, range(2, 6)))
    conclusion = judged(found, answers=answers)
    assert (kept(conclusion), doubted(conclusion)) == ({ipv4(100), *map(ipv4, range(2, 6))}, {})


def test_probes_never_accuse_the_node_they_are_sent_from() -> None:
    """The node that the probes are sent from is never accused: many networks have no way back to oneself."""
    asked = evidence_settings(probes=(TCP,), observer="n0")
    for many in (2, 3, 6):
        answers = dead(ipv4(0)) | alive(*map(ipv4, range(1, many)))
        conclusion = judged(nodes(many), asked=asked, answers=answers)
        assert (len(kept(conclusion)), conclusion.causes) == (many, ())


def test_the_node_that_probes_are_sent_from_counts_as_looked_at() -> None:
    """The observer's own node counts among those looked at, for nobody's and for everybody's good.

    Of two nodes the other one's failure is believed; a silent observer is not one of too many.
    """
    asked = evidence_settings(probes=(TCP,), observer="n0")
    assert [*out(judged(nodes(2), asked=asked, answers=dead(ipv4(1)) | alive(ipv4(0))))] == ["n1"]
    assert [*out(judged(nodes(2), asked=asked, answers=dead(ipv4(0), ipv4(1))))] == ["n1"]
    three = judged(nodes(3), asked=asked, answers=dead(*map(ipv4, range(3))))
    assert set(doubted(three)) == {("n1", ipv4(1)), ("n2", ipv4(2))}
    assert three.causes == (f"tcp 443 over IPv4: 2 of 3 nodes, {DOUBTED}",)


def test_an_address_that_the_observer_shares_accuses_the_other_alone() -> None:
    """A dead address that the observer's node shares is withheld of the other node, and stays the observer's."""
    shared = ipv4(99)
    found = [having(nodes(3)[0], shared), having(nodes(3)[1], ipv4(1), shared), nodes(3)[2]]
    asked = evidence_settings(probes=(TCP,), observer="n0")
    conclusion = judged(found, asked=asked, answers=dead(shared) | alive(ipv4(1), ipv4(2)))
    assert conclusion.verdicts[0] == Published("n0", (shared,), None)
    assert conclusion.verdicts[1].addresses == (ipv4(1),)


def test_answers_to_what_was_not_asked_for_do_not_count() -> None:
    """Only the probes asked for count."""
    assert out(judged(nodes(3), asked=evidence_settings(), answers=dead(ipv4(0)) | alive(ipv4(1), ipv4(2)))) == {}
