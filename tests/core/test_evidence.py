"""How much evidence against nodes is believed, and that what is not believed leaves them as they are."""

import pytest
from msgspec.structs import replace

from jobs.core.annotations import BIAS, COORDINATES
from jobs.core.evidence import Conclusion, conclude
from jobs.core.node import Node, NodeList, Rules
from jobs.core.signs import Signs
from jobs.core.verdict import Doubt, Published, Withheld
from tests.support.builders import NODE, PARIS, evidence_settings, ipv4, ipv6, published
from tests.support.judging import (
    DOUBTED,
    HTTP,
    LEASE,
    NOW,
    SILENT,
    UNKNOWN,
    Answers,
    ages,
    alive,
    dead,
    doubted,
    dual,
    having,
    judged,
    kept,
    nodes,
    out,
    ready,
    unknown,
)

MOST_BELIEVED = {1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 9: 3}
"""A third, rounded down; one always, unless it is the only one."""

CROWDS = [
    pytest.param(many, bad, bad if bad <= most else 0, id=f"{bad} of {many}")
    for many, most in MOST_BELIEVED.items()
    for bad in range(many + 1)
]


def assert_believed(conclusion: Conclusion, kind: str, reason: str, many: int, bad: int, believed: int) -> None:
    """Check that so many bad nodes are out, or else left as they are with a cause that counts nodes."""
    accused = [f"n{number}" for number in range(bad)]
    if bad > believed:
        cause = f"{kind}: {bad} of {many} nodes, {DOUBTED}"
        assert doubted(conclusion) == {(name, ipv4(number)): reason for number, name in enumerate(accused)}
        assert (out(conclusion), conclusion.causes, conclusion.withdrawn_by_evidence) == ({}, (cause,), ())
    else:
        assert out(conclusion) == dict.fromkeys(accused, reason)
        assert (doubted(conclusion), conclusion.causes, conclusion.withdrawn_by_evidence) == ({}, (), tuple(accused))
    assert conclusion.warnings == ()


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_leases_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """Old Leases are believed of at most a third of the nodes; of one always, unless it is the only one.

    So an API server that is back from an outage empties nothing, and a single dead node still leaves DNS.
    """
    conclusion = judged(nodes(many), lease_ages=ages(*[31] * bad, *[4] * (many - bad)))
    assert_believed(conclusion, LEASE, "lease not renewed for 31 s", many, bad, believed)


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_unknown_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """Ready=Unknown is believed of at most a third of the nodes; of one always, unless it is the only one."""
    found = [unknown(node, 5) if number < bad else node for number, node in enumerate(nodes(many))]
    assert_believed(judged(found), UNKNOWN, f"not ready: {SILENT}", many, bad, believed)


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_addresses_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """Silence is believed of at most a third of the nodes; of one always, unless it is the only one.

    So an observer whose own uplink is down empties nothing.
    """
    answers = dead(*map(ipv4, range(bad))) | alive(*map(ipv4, range(bad, many)))
    conclusion = judged(nodes(many), answers=answers)
    assert_believed(conclusion, "tcp 443 over IPv4", "tcp 443 does not answer (timed out)", many, bad, believed)


def three_ways(many: int) -> tuple[Conclusion, list[str]]:
    """Let two nodes of many be Unknown, two have old Leases and one be silent; judge them."""
    silent = [unknown(node, 5) if number < 2 else node for number, node in enumerate(nodes(many))]
    leases = ages(40, 40, 31, 31, *[4] * (many - 4))
    answers = dead(ipv4(many - 1)) | alive(*map(ipv4, range(many - 1)))
    return judged(silent, lease_ages=leases, answers=answers), ["n0", "n1", "n2", "n3", f"n{many - 1}"]


def test_kinds_that_are_believed_one_by_one_are_not_together_when_they_are_too_many() -> None:
    """All kinds together are believed of at most a third of the nodes too; all that they accuse is left as it is."""
    conclusion, accused = three_ways(9)
    assert {node for node, _ in doubted(conclusion)} == set(accused)
    assert conclusion.causes == (f"evidence of all kinds together: 5 of 9 nodes, {DOUBTED}",)
    assert (out(conclusion), conclusion.withdrawn_by_evidence) == ({}, ())


def test_too_many_together_bring_nobody_back_whom_one_kind_leaves_as_it_is() -> None:
    """When all kinds together are not believed, what a single kind was not believed of is left as it is too."""
    found = [unknown(node, 5) if number < 2 else node for number, node in enumerate(nodes(6))]
    answers = dead(*map(ipv4, range(3, 6))) | alive(*map(ipv4, range(3)))
    conclusion = judged(found, lease_ages=ages(40, 40, 31, 4, 4, 4), answers=answers)
    assert {node for node, _ in doubted(conclusion)} == {f"n{number}" for number in range(6)}


def test_kinds_that_are_believed_together() -> None:
    """Nodes that fail at once, each in another way, all leave when they are few enough together."""
    conclusion, accused = three_ways(15)
    assert ([*out(conclusion)], doubted(conclusion)) == (accused, {})


def test_a_kind_that_is_not_believed_leaves_the_others_in_force() -> None:
    """A kind that is not believed leaves the others in force.

    A false alarm does not hide a real failure that another kind has found.
    """
    answers = dead(*map(ipv6, range(6))) | dead(ipv4(3)) | alive(*(ipv4(number) for number in (0, 1, 2, 4, 5)))
    conclusion = judged(dual(6), lease_ages=ages(31, *[4] * 5), answers=answers)
    assert out(conclusion) == {"n0": "lease not renewed for 31 s"}
    assert kept(conclusion) == {*map(ipv4, range(1, 6))} - {ipv4(3)}
    assert set(doubted(conclusion)) == {(f"n{number}", ipv6(number)) for number in range(1, 6)}
    assert conclusion.causes == (f"tcp 443 over IPv6: 6 of 6 nodes, {DOUBTED}",)


def test_what_one_kind_proves_another_that_is_not_believed_does_not_save() -> None:
    """A node that one kind takes out is out, though another kind that accuses it is not believed."""
    found = [unknown(node, 5) if number < 2 else node for number, node in enumerate(nodes(4))]
    conclusion = judged(found, answers=dead(ipv4(0)) | alive(*map(ipv4, range(1, 4))))
    assert out(conclusion) == {"n0": "tcp 443 does not answer (timed out)"}
    assert set(doubted(conclusion)) == {("n1", ipv4(1))}
    assert conclusion.withdrawn_by_evidence == ("n0",)


def test_several_kinds_against_the_same_node_count_it_once() -> None:
    """A node that several kinds accuse counts once, and keeps its place, its bias and its other reasons."""
    placed = replace(nodes(3)[0], coordinates=str(PARIS), bias="7", node_ips=f"{ipv4(0)},10.0.0.1")
    answers = dead(ipv4(0)) | alive(ipv4(1), ipv4(2))
    [one, *_] = judged([placed, *nodes(3)[1:]], lease_ages=ages(31, 4, 4), answers=answers).verdicts
    assert (one.node, one.coordinates, one.bias, len(one.withheld)) == ("n0", PARIS, 7, 2)


def test_addresses_are_in_doubt_one_by_one() -> None:
    """What is not believed of one address of a node leaves the other as it is published."""
    answers = dead(ipv6(0), ipv6(1)) | alive(ipv6(2), *map(ipv4, range(3)))
    reason, cause = "tcp 443 does not answer (timed out)", f"tcp 443 over IPv6: 2 of 3 nodes, {DOUBTED}"
    [one, *_] = judged(dual(3), answers=answers).verdicts
    assert one == Published("n0", (ipv4(0),), None, doubts=(Doubt(ipv6(0), reason, cause),))


def test_a_doubt_does_not_wait_for_one_that_holds() -> None:
    """An address that a node in doubt for two reasons has is in doubt for what is seen of it first."""
    conclusion = judged(
        [ready(node, 5) for node in nodes(3)],
        rules=Rules(min_ready_seconds=60),
        answers=dead(ipv4(0), ipv4(1)) | alive(ipv4(2)),
    )
    held = "Ready for less than 60 s (--min-ready-seconds)"
    silent = "tcp 443 does not answer (timed out)"
    assert [*doubted(conclusion).values()] == [silent, silent, held]
    assert conclusion.causes == (f"tcp 443 over IPv4: 2 of 3 nodes, {DOUBTED}", held)


def test_what_could_not_be_seen_is_a_warning() -> None:
    """What could not be seen is among the warnings."""
    conclusion = conclude(NodeList((), NOW, "1"), Signs(warnings=("no right",)), evidence_settings(), Rules())
    assert conclusion == Conclusion((), ("no right",))


def test_what_cannot_be_read_of_a_node_is_a_warning() -> None:
    """A node's place and bias that cannot be read are warnings, also of a node that is out. The node is published."""
    found = [replace(NODE, coordinates="x", bias="y"), replace(NODE, name="node-2", coordinates="x", cordoned=True)]
    conclusion = conclude(NodeList(tuple(found), NOW, "1"), Signs(warnings=("no right",)), evidence_settings(), Rules())
    assert conclusion.verdicts[0] == published("node-1", "5.0.0.1")
    assert conclusion.warnings == (
        "no right",
        f"node-1 has no place: annotation {COORDINATES}: 'x' is not <latitude>,<longitude>",
        f"node-1 has no bias: annotation {BIAS}: 'y' is not a whole number from -99 to 99",
        f"node-2 has no place: annotation {COORDINATES}: 'x' is not <latitude>,<longitude>",
    )


# Nodes are counted, not addresses; an address that several nodes have counts as a node of its own.


@pytest.mark.parametrize("many", [2, 3])
def test_a_dead_node_with_two_addresses_leaves(many: int) -> None:
    """A dead node with two addresses is one node of two or three: it leaves. Counted by address, it would stay."""
    alive_ones = [address for number in range(1, many) for address in (ipv4(number), ipv4(100 + number))]
    found = [having(node, ipv4(number), ipv4(100 + number)) for number, node in enumerate(nodes(many))]
    conclusion = judged(found, answers=dead(ipv4(0), ipv4(100)) | alive(*alive_ones))
    assert out(conclusion) == {"n0": "tcp 443 does not answer (timed out)"}
    assert conclusion.withdrawn_by_evidence == ("n0",)


def test_a_node_that_claims_many_dead_addresses_is_one_node() -> None:
    """A node that claims eight dead addresses is one of its kind: what is seen of the others still counts."""
    greedy, *others = nodes(6)
    greedy = having(greedy, *map(ipv4, range(100, 108)))
    conclusion = judged(
        [greedy, *others],
        answers=dead(*map(ipv4, range(100, 108)), ipv4(1)) | alive(*map(ipv4, range(2, 6))),
    )
    assert [*out(conclusion)] == ["n0", "n1"]


def test_many_dead_addresses_of_few_nodes_are_of_few_nodes() -> None:
    """Nodes with one dead address each are as many nodes as with all of their addresses dead."""
    found = [having(node, ipv4(number), ipv4(100 + number)) for number, node in enumerate(nodes(3))]
    silent = dead(ipv4(0), ipv4(1))
    conclusion = judged(found, answers=silent | alive(ipv4(2), *(ipv4(100 + number) for number in range(3))))
    assert set(doubted(conclusion)) == {("n0", ipv4(0)), ("n1", ipv4(1))}
    assert conclusion.causes == (f"tcp 443 over IPv4: 2 of 3 nodes, {DOUBTED}",)


SHARED = ipv4(99)


def sharing(many: int, owners: int) -> list[Node]:
    """Give nodes with an address each, the first of which have a shared one too."""
    return [
        having(node, ipv4(number), *([SHARED] if number < owners else [])) for number, node in enumerate(nodes(many))
    ]


@pytest.mark.parametrize("owners", [2, 3])
def test_a_dead_address_of_several_nodes_is_one_of_all(owners: int) -> None:
    """A dead address that several nodes have is one unit: it leaves, and accuses none of them.

    Counted by node, two of three would seem dead, and a floating address that is dead would never leave.
    """
    answers = dead(SHARED) | alive(*map(ipv4, range(3)))
    conclusion = judged(sharing(3, owners), answers=answers)
    assert (kept(conclusion), doubted(conclusion), out(conclusion)) == ({*map(ipv4, range(3))}, {}, {})


def test_a_shared_address_counts_towards_too_many() -> None:
    """A dead shared address and a dead node are two, of the nodes and the address together."""
    answers = dead(SHARED, ipv4(0)) | alive(ipv4(1), ipv4(2))
    conclusion = judged(sharing(3, 2), answers=answers)
    assert conclusion.causes == (f"tcp 443 over IPv4: 2 of 4 nodes, {DOUBTED}",)
    answers = dead(SHARED, ipv4(0)) | alive(*map(ipv4, range(1, 6)))
    assert kept(judged(sharing(6, 2), answers=answers)) == {*map(ipv4, range(1, 6))}


@pytest.mark.parametrize("many", [2, 3, 4])
def test_a_dead_node_that_shares_an_address_leaves(many: int) -> None:
    """A dead node leaves though it shares an address, which stays with the others: it is one lost node, not two."""
    conclusion = judged(sharing(many, 2), lease_ages=ages(31, *[4] * (many - 1)))
    assert out(conclusion) == {"n0": "lease not renewed for 31 s"}
    assert SHARED in kept(conclusion)


@pytest.mark.parametrize("many", [3, 4])
def test_a_dead_address_that_is_all_its_nodes_have_leaves(many: int) -> None:
    """Nodes that have but one dead address between them leave with it: it is one lost address, not three."""
    found = [having(node, SHARED if number < 2 else ipv4(number)) for number, node in enumerate(nodes(many))]
    conclusion = judged(found, answers=dead(SHARED) | alive(*map(ipv4, range(2, many))))
    assert [*out(conclusion)] == ["n0", "n1"]


def test_all_kinds_together_count_nodes_and_shared_addresses() -> None:
    """A shared address lost to one kind and nodes lost to another are counted together."""
    answers: Answers = dead(SHARED, probe=HTTP) | alive(*map(ipv4, range(5)), probe=HTTP)
    conclusion = judged(sharing(5, 2), lease_ages=ages(4, 4, 31, 4, 4), answers=answers)
    assert ([*out(conclusion)], SHARED in kept(conclusion)) == (["n2"], False)
    answers |= dead(ipv4(3)) | alive(*(ipv4(number) for number in (0, 1, 2, 4)))
    conclusion = judged(sharing(5, 2), lease_ages=ages(4, 4, 31, 4, 4), answers=answers)
    assert conclusion.causes == (f"evidence of all kinds together: 3 of 6 nodes, {DOUBTED}",)


def test_a_node_that_loses_but_one_address_is_not_lost() -> None:
    """All kinds together count nodes that lose their last address; one that keeps another does not count."""
    answers = dead(ipv6(0)) | alive(*map(ipv6, range(1, 3))) | dead(ipv4(1)) | alive(ipv4(0), ipv4(2))
    conclusion = judged(dual(3), lease_ages=ages(4, 4, 31), answers=answers)
    assert [*out(conclusion)] == ["n2"]
    assert kept(conclusion) == {ipv4(0), ipv6(1)}
    assert conclusion.verdicts[0].withheld == (Withheld(ipv6(0), "tcp 443 does not answer (timed out)"),)
