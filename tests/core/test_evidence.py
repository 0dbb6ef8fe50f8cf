"""How much evidence against nodes and addresses is believed, and what becomes of them."""

from dataclasses import replace

import pytest

from jobs.core.evidence import DOUBT_SECONDS, Conclusion, Signs, conclude
from jobs.core.node import Condition, Node, NodeList
from jobs.core.verdict import Published, Skipped, Withheld
from tests.support.builders import NODE, PARIS, checks, ipv4, ipv6
from tests.support.judging import (
    FAULT,
    LEASE,
    NOW,
    SILENT,
    UNKNOWN,
    ages,
    alive,
    dead,
    dual,
    judged,
    kept,
    nodes,
    out,
    unknown,
)

SERVICE = "traefik/traefik"

MOST_BELIEVED = {1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 9: 3}
"""A third, rounded down; one always, unless it is the only one."""

CROWDS = [
    pytest.param(many, bad, bad if bad <= most else 0, id=f"{bad} of {many}")
    for many, most in MOST_BELIEVED.items()
    for bad in range(many + 1)
]


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_leases_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """Old Leases are believed of at most a third of the nodes; of one always, unless it is the only one.

    So an API server that is back from an outage empties nothing, and a single dead node still leaves DNS.
    """
    conclusion = judged(nodes(many), lease_ages=ages(*[31] * bad, *[4] * (many - bad)))
    ignored = (f"{LEASE}: {bad} of {many} nodes, {FAULT}",) if bad > believed else ()
    assert out(conclusion) == {f"n{number}": "lease not renewed for 31 s" for number in range(believed)}
    assert (conclusion.warnings, conclusion.condemned) == (ignored, tuple(out(conclusion)))


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_unknown_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """Ready=Unknown is believed of at most a third of the nodes; of one always, unless it is the only one."""
    found = [unknown(node, 5) if number < bad else node for number, node in enumerate(nodes(many))]
    conclusion = judged(found)
    ignored = (f"{UNKNOWN}: {bad} of {many} nodes, {FAULT}",) if bad > believed else ()
    assert out(conclusion) == {f"n{number}": f"not ready: {SILENT}" for number in range(believed)}
    assert (conclusion.warnings, conclusion.condemned) == (ignored, tuple(out(conclusion)))


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_addresses_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """Silence is believed of at most a third of the addresses; of one always, unless it is the only one.

    So an observer whose own uplink is down empties nothing.
    """
    answers = dead(*map(ipv4, range(bad))) | alive(*map(ipv4, range(bad, many)))
    conclusion = judged(nodes(many), answers=answers)
    ignored = (f"tcp 443 over IPv4: {bad} of {many} addresses, {FAULT}",) if bad > believed else ()
    assert out(conclusion) == {f"n{number}": "tcp 443 does not answer (timed out)" for number in range(believed)}
    assert (conclusion.warnings, conclusion.condemned) == (ignored, tuple(out(conclusion)))


def test_kinds_that_are_believed_one_by_one_are_not_together_when_they_are_too_many() -> None:
    """All kinds together are believed of at most a third of the nodes too."""
    silent = [unknown(node, 5) if number < 2 else node for number, node in enumerate(nodes(9))]
    leases = ages(4, 4, 31, 31, *[4] * 5)
    conclusion = judged(silent, lease_ages=leases, answers=dead(ipv4(8)) | alive(*map(ipv4, range(8))))
    assert len(kept(conclusion)) == 9
    assert conclusion.warnings == (f"evidence of all kinds together: 5 of 9 nodes, {FAULT}",)
    assert conclusion.condemned == ()


def test_kinds_that_are_believed_together() -> None:
    """Nodes that fail at once, each in another way, all leave when they are few enough together."""
    silent = [unknown(nodes(9)[0], 5), *nodes(9)[1:]]
    answers = dead(ipv4(2)) | alive(*map(ipv4, range(3, 9)))
    assert [*out(judged(silent, lease_ages=ages(4, 31, *[4] * 7), answers=answers))] == ["n0", "n1", "n2"]


def test_a_kind_that_is_ignored_leaves_the_others_in_force() -> None:
    """A kind that is not believed leaves the others in force.

    A false alarm does not hide a real failure that another kind has found.
    """
    answers = dead(*map(ipv6, range(6))) | dead(ipv4(3)) | alive(*(ipv4(number) for number in (0, 1, 2, 4, 5)))
    conclusion = judged(dual(6), lease_ages=ages(31, *[4] * 5), answers=answers)
    assert out(conclusion) == {"n0": "lease not renewed for 31 s"}
    assert kept(conclusion) == {*map(ipv4, range(1, 6)), *map(ipv6, range(1, 6))} - {ipv4(3)}
    assert conclusion.warnings == (f"tcp 443 over IPv6: 6 of 6 addresses, {FAULT}",)


def test_several_kinds_against_the_same_node_count_it_once() -> None:
    """A node that several kinds accuse counts once, and keeps its place and its other reasons."""
    placed = replace(nodes(3)[0], coordinates=str(PARIS), node_ips=f"{ipv4(0)},10.0.0.1")
    answers = dead(ipv4(0)) | alive(ipv4(1), ipv4(2))
    [one, *_] = judged([placed, *nodes(3)[1:]], lease_ages=ages(31, 4, 4), answers=answers).verdicts
    assert (one.node, one.addresses, one.coordinates, len(one.withheld)) == ("n0", (ipv4(0),), PARIS, 1)


FACTS = {
    "cordoned": replace(NODE, cordoned=True),
    "not ready": replace(NODE, ready=Condition("False", "", NOW)),
    "being deleted": replace(NODE, deleting=True),
    "without condition": replace(NODE, ready=None),
    "Unknown for 30 s": unknown(NODE, 30),
    "Unknown, nobody knows since when": replace(NODE, ready=Condition("Unknown", "")),
}


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_facts_are_not_limited(fact: Node) -> None:
    """Facts are believed of any number of nodes."""
    conclusion = judged([replace(fact, name=node.name, node_ips=node.node_ips) for node in nodes(4)])
    assert len(out(conclusion)) == 4
    assert (conclusion.warnings, conclusion.condemned) == ((), ())


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_nodes_that_are_out_already_are_not_looked_at(fact: Node) -> None:
    """Nodes that are out by facts count neither for nor against the others.

    Otherwise nodes long gone would make the failing share of the others look small, or large.
    """
    gone = [replace(fact, name=node.name, node_ips=node.node_ips) for node in nodes(9)[:6]]
    two = judged([*gone, *nodes(9)[6:]], lease_ages=ages(*[99] * 6, 31, 31, 4))
    one = judged([*gone, *nodes(9)[6:]], lease_ages=ages(*[4] * 6, 31, 4, 4))
    assert two.warnings == (f"{LEASE}: 2 of 3 nodes, {FAULT}",)
    assert one.condemned == ("n6",)
    silent = judged([*gone, *(unknown(node, 5) for node in nodes(9)[6:8]), nodes(9)[8]])
    assert silent.warnings == (f"{UNKNOWN}: 2 of 3 nodes, {FAULT}",)


@pytest.mark.parametrize(
    ("seconds", "is_doubted"),
    [
        pytest.param(-3600, True, id="a controller whose clock is an hour ahead"),
        pytest.param(0, True, id="just now"),
        pytest.param(DOUBT_SECONDS - 1, True, id="29 s"),
        pytest.param(DOUBT_SECONDS, False, id="30 s"),
        pytest.param(DOUBT_SECONDS + 1, False, id="31 s"),
        pytest.param(86400, False, id="a day"),
    ],
)
def test_how_long_unknown_is_doubted(seconds: float, *, is_doubted: bool) -> None:
    """Ready=Unknown is evidence for 30 s and a fact from then on."""
    conclusion = judged([unknown(node, seconds) for node in nodes(3)])
    assert bool(conclusion.warnings) is is_doubted
    assert len(out(conclusion)) == (0 if is_doubted else 3)


def test_a_node_that_is_doubted_is_judged_by_its_other_facts() -> None:
    """A node whose Ready=Unknown is doubted is still judged by its other facts."""
    found = [replace(unknown(nodes(3)[0], 5), cordoned=True), *nodes(3)[1:]]
    assert out(judged(found)) == {"n0": "cordoned"}


def test_the_lease_of_a_node_that_is_doubted_does_not_count_again() -> None:
    """The Lease of an Unknown node is not a second accusation."""
    found = [*(unknown(node, 5) for node in nodes(9)[:4]), *nodes(9)[4:]]
    conclusion = judged(found, lease_ages=ages(*[50] * 4, *[4] * 5))
    assert (out(conclusion), conclusion.warnings) == (
        {},
        (f"{UNKNOWN}: 4 of 9 nodes, {FAULT}",),
    )


@pytest.mark.parametrize(
    ("limit", "age", "is_out"),
    [
        pytest.param(25, 24, False, id="young"),
        pytest.param(25, 25, True, id="old enough"),
        pytest.param(40, 39, False, id="another limit"),
        pytest.param(15, 15, True, id="the lowest limit"),
        pytest.param(0, 9999, False, id="off"),
        pytest.param(25, -1, False, id="renewed after the answer was dated"),
    ],
)
def test_lease_timeout(limit: int, age: float, *, is_out: bool) -> None:
    """A Lease is old from --lease-timeout on; 0 switches it off."""
    conclusion = judged(nodes(3), limit, lease_ages=ages(age, 4, 4))
    assert out(conclusion) == ({"n0": f"lease not renewed for {age} s"} if is_out else {})


def test_a_node_without_a_lease_is_not_looked_at() -> None:
    """A node without a Lease is not accused of it."""
    conclusion = judged(nodes(3), lease_ages={"n1": 4, "elsewhere": 99})
    assert (out(conclusion), conclusion.warnings) == ({}, ())


def test_the_only_lease_that_is_seen_condemns_nobody() -> None:
    """The only Lease that is seen condemns nobody, however many nodes there are."""
    conclusion = judged(nodes(3), lease_ages={"n1": 99})
    assert conclusion.warnings == (f"{LEASE}: 1 of 1 nodes, {FAULT}",)


@pytest.mark.parametrize(
    ("limit", "seconds", "believed"),
    [
        pytest.param(25, (31, 14, 4), False, id="two of three may have stopped"),
        pytest.param(25, (31, 13, 4), True, id="the second may only be waiting for its turn"),
        pytest.param(25, (25, 14), False, id="both have stopped, one just after its turn"),
        pytest.param(40, (40, 29, 4), False, id="a longer limit, two may have stopped"),
        pytest.param(40, (40, 28, 4), True, id="a longer limit, the second has been renewed since"),
        pytest.param(15, (15, 13, 4), False, id="the lowest limit, the second is overdue"),
        pytest.param(15, (15, 12, 4), True, id="the lowest limit, the second is not"),
        pytest.param(25, (31, 31, 24, 4, 4, 4), False, id="three of six"),
        pytest.param(25, (31, 24, 4, 4, 4, 4), True, id="two of six, of which one has time left"),
    ],
)
def test_leases_that_are_overdue_are_held_against_the_observer(
    limit: int, seconds: tuple[float, ...], *, believed: bool
) -> None:
    """Leases that are overdue but not yet old count towards too many.

    Otherwise nodes whose Leases stop together would leave one by one, each as the only one.
    """
    gone = {"n0": f"lease not renewed for {seconds[0]} s"} if believed else {}
    assert out(judged(nodes(len(seconds)), limit, lease_ages=ages(*seconds))) == gone


def test_leases_that_are_only_overdue_are_no_news() -> None:
    """Leases that are overdue, of which none is old, cause no warning."""
    assert judged(nodes(3), lease_ages=ages(24, 24, 24)).warnings == ()


@pytest.mark.parametrize(
    ("serving", "reasons"),
    [
        pytest.param({SERVICE: {"n0", "n1", "n2"}}, {}, id="everywhere"),
        pytest.param({SERVICE: {"n0", "n2"}}, {"n1": f"no ready endpoint of {SERVICE}"}, id="not on one"),
        pytest.param(
            {SERVICE: {"n0"}}, dict.fromkeys(("n1", "n2"), f"no ready endpoint of {SERVICE}"), id="on one: no evidence"
        ),
        pytest.param(
            {SERVICE: {"other"}}, dict.fromkeys(("n0", "n1", "n2"), f"no ready endpoint of {SERVICE}"), id="elsewhere"
        ),
        pytest.param(
            {SERVICE: {"n0"}, "a/b": {"n0", "n1"}},
            {"n1": f"no ready endpoint of {SERVICE}", "n2": f"no ready endpoint of {SERVICE}, a/b"},
            id="every service is needed",
        ),
    ],
)
def test_ready_endpoints_are_facts(serving: dict[str, set[str]], reasons: dict[str, str]) -> None:
    """A node needs a ready endpoint of each Service, however many nodes lack one."""
    conclusion = judged(nodes(3), serving={name: frozenset(found) for name, found in serving.items()})
    assert (out(conclusion), conclusion.warnings, conclusion.condemned) == (reasons, (), ())


def test_a_service_that_is_ready_nowhere_is_ignored() -> None:
    """A Service that is ready nowhere is ignored with a warning. A typing error in its name does not empty DNS."""
    conclusion = judged(nodes(3), serving={SERVICE: frozenset(), "a/b": frozenset({"n0", "n1"})})
    assert out(conclusion) == {"n2": "no ready endpoint of a/b"}
    assert conclusion.warnings == (
        f"no endpoint of {SERVICE} is ready on any node: --ready-service {SERVICE} is ignored",
    )


def test_an_earlier_reason_of_a_node_stays() -> None:
    """A node that is out already keeps its reason."""
    found = [replace(nodes(3)[0], cordoned=True), *nodes(3)[1:]]
    conclusion = judged(found, serving={SERVICE: frozenset({"n1", "n2"})}, lease_ages=ages(99, 4, 4))
    assert out(conclusion) == {"n0": "cordoned"}


def test_warnings_of_what_was_not_seen_come_first() -> None:
    """What could not be seen is among the warnings."""
    conclusion = conclude(NodeList((), NOW, "1"), Signs(warnings=("no right",)), checks())
    assert conclusion == Conclusion((), ("no right",))


def test_a_node_with_one_dead_address_keeps_the_other() -> None:
    """A node with one dead address stays with the other."""
    answers = dead(ipv6(1), why="no route to host") | alive(ipv6(0), ipv6(2), *map(ipv4, range(3)))
    [_, one, _] = judged(dual(3), answers=answers).verdicts
    withheld = (Withheld(ipv6(1), "tcp 443 does not answer (no route to host)"),)
    assert one == Published("n1", (ipv4(1),), None, withheld)


def test_a_node_whose_addresses_are_all_dead_is_skipped() -> None:
    """A node whose addresses are all dead is skipped, each address with its reason."""
    found = [replace(node, coordinates=str(PARIS)) for node in dual(3)]
    answers = dead(ipv4(1), ipv6(1)) | alive(ipv4(0), ipv6(0), ipv4(2), ipv6(2))
    conclusion = judged(found, answers=answers)
    reason = "tcp 443 does not answer (timed out)"
    assert conclusion.verdicts[1] == Skipped(
        "n1", reason, (), PARIS, (Withheld(ipv4(1), reason), Withheld(ipv6(1), reason))
    )
    assert conclusion.condemned == ("n1",)


def test_an_observer_without_ipv6_condemns_nobody() -> None:
    """Each family is a kind of its own: an observer without IPv6 condemns nobody."""
    answers = dead(*map(ipv6, range(4)), why="network is unreachable") | alive(*map(ipv4, range(4)))
    conclusion = judged(dual(4), answers=answers)
    assert kept(conclusion) == {*map(ipv4, range(4)), *map(ipv6, range(4))}
    assert conclusion.warnings == (f"tcp 443 over IPv6: 4 of 4 addresses, {FAULT}",)


def test_each_port_is_a_kind_of_its_own() -> None:
    """Each port is a kind of its own: one that nobody serves does not hide another that has died."""
    answers = dead(*map(ipv4, range(3)), port=80) | dead(ipv4(0)) | alive(ipv4(1), ipv4(2))
    conclusion = judged(nodes(3), answers=answers)
    assert out(conclusion) == {"n0": "tcp 443 does not answer (timed out)"}
    assert conclusion.warnings == (f"tcp 80 over IPv4: 3 of 3 addresses, {FAULT}",)


def test_of_several_dead_ports_the_first_is_named() -> None:
    """The reason names the lowest of several dead ports."""
    answers = dead(ipv4(0)) | dead(ipv4(0), port=80) | alive(ipv4(1)) | alive(ipv4(1), port=80)
    assert out(judged(nodes(3), answers=answers)) == {"n0": "tcp 80 does not answer (timed out)"}


def test_an_address_that_there_was_no_time_to_ask_is_not_looked_at() -> None:
    """An address that was not asked is neither accused nor counted."""
    conclusion = judged(nodes(9), answers=dead(ipv4(0)) | alive(ipv4(1)))
    assert [*out(conclusion)] == ["n0"]


def test_an_address_that_there_was_no_time_to_ask_twice_stays() -> None:
    """An address that was silent once and not asked again stays. One lost packet takes no node out."""
    conclusion = judged(nodes(3), answers=dead(ipv4(0), why="") | alive(ipv4(1), ipv4(2)))
    assert (out(conclusion), conclusion.warnings) == ({}, ())


def test_an_address_that_there_was_no_time_to_ask_twice_is_held_against_the_observer() -> None:
    """Addresses that were silent once count towards too many.

    Otherwise, of half a large cluster that seems dead, those that were asked twice would leave DNS.
    """
    answers = dead(ipv4(0)) | dead(ipv4(1), ipv4(2), why="") | alive(*map(ipv4, range(3, 6)))
    conclusion = judged(nodes(6), answers=answers)
    assert out(conclusion) == {}
    assert conclusion.warnings == (f"tcp 443 over IPv4: 3 of 6 addresses, {FAULT}",)
