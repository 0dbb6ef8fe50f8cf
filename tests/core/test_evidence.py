"""How much evidence against nodes is believed, and what becomes of them."""

from dataclasses import replace

import pytest

from jobs.core.evidence import DOUBT_SECONDS, Checks, Conclusion, Signs, conclude
from jobs.core.model import Condition, Node, NodeList
from tests.support.builders import NODE, PARIS, ipv4, ipv6
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
    """An API server back from an outage would empty DNS; or a single dead node would stay in it."""
    conclusion = judged(nodes(many), lease_ages=ages(*[31] * bad, *[4] * (many - bad)))
    ignored = (f"{LEASE}: {bad} of {many} nodes, {FAULT}",) if bad > believed else ()
    assert out(conclusion) == {f"n{number}": "lease not renewed for 31 s" for number in range(believed)}
    assert (conclusion.warnings, conclusion.condemned) == (ignored, tuple(out(conclusion)))


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_unknown_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """Healthy nodes that turn Unknown together after an outage of the API server would leave DNS together."""
    found = [unknown(node, 5) if number < bad else node for number, node in enumerate(nodes(many))]
    conclusion = judged(found)
    ignored = (f"{UNKNOWN}: {bad} of {many} nodes, {FAULT}",) if bad > believed else ()
    assert out(conclusion) == {f"n{number}": f"not ready: {SILENT}" for number in range(believed)}
    assert (conclusion.warnings, conclusion.condemned) == (ignored, tuple(out(conclusion)))


@pytest.mark.parametrize(("many", "bad", "believed"), CROWDS)
def test_addresses_of_a_crowd(many: int, bad: int, believed: int) -> None:
    """An observer whose own uplink is down would empty DNS; or a node without one would stay in it."""
    answers = dead(*map(ipv4, range(bad))) | alive(*map(ipv4, range(bad, many)))
    conclusion = judged(nodes(many), answers=answers)
    ignored = (f"tcp 443 over IPv4: {bad} of {many} addresses, {FAULT}",) if bad > believed else ()
    assert out(conclusion) == {f"n{number}": "tcp 443 does not answer (timed out)" for number in range(believed)}
    assert (conclusion.warnings, conclusion.condemned) == (ignored, tuple(out(conclusion)))


def test_kinds_that_are_believed_one_by_one_are_not_together_when_they_are_too_many() -> None:
    """Half of a cluster could leave DNS, a third by each kind of evidence, in one run."""
    silent = [unknown(node, 5) if number < 2 else node for number, node in enumerate(nodes(9))]
    leases = ages(4, 4, 31, 31, *[4] * 5)
    conclusion = judged(silent, lease_ages=leases, answers=dead(ipv4(8)) | alive(*map(ipv4, range(8))))
    assert len(kept(conclusion)) == 9
    assert conclusion.warnings == (f"evidence of all kinds together: 5 of 9 nodes, {FAULT}",)
    assert conclusion.condemned == ()


def test_kinds_that_are_believed_together() -> None:
    """Three nodes that fail at once, each in another way, would stay in DNS."""
    silent = [unknown(nodes(9)[0], 5), *nodes(9)[1:]]
    answers = dead(ipv4(2)) | alive(*map(ipv4, range(3, 9)))
    assert [*out(judged(silent, lease_ages=ages(4, 31, *[4] * 7), answers=answers))] == ["n0", "n1", "n2"]


def test_a_kind_that_is_ignored_leaves_the_others_in_force() -> None:
    """A false alarm of one kind would hide a real failure that another has found."""
    answers = dead(*map(ipv6, range(6))) | dead(ipv4(3)) | alive(*(ipv4(number) for number in (0, 1, 2, 4, 5)))
    conclusion = judged(dual(6), lease_ages=ages(31, *[4] * 5), answers=answers)
    assert out(conclusion) == {"n0": "lease not renewed for 31 s"}
    assert kept(conclusion) == {*map(ipv4, range(1, 6)), *map(ipv6, range(1, 6))} - {ipv4(3)}
    assert conclusion.warnings == (f"tcp 443 over IPv6: 6 of 6 addresses, {FAULT}",)


def test_several_kinds_against_the_same_node_count_it_once() -> None:
    """A node that is dead in every way would stay in DNS because it seems to be many, or lose its place."""
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
    """A cluster that really fails, or is taken down, would stay in DNS."""
    conclusion = judged([replace(fact, name=node.name, node_ips=node.node_ips) for node in nodes(4)])
    assert len(out(conclusion)) == 4
    assert (conclusion.warnings, conclusion.condemned) == ((), ())


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_nodes_that_are_out_already_are_not_looked_at(fact: Node) -> None:
    """Nodes long gone would make the failing share of the others look small, or a fault of the observer."""
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
    """Dead nodes would stay for ever, or healthy ones leave after an outage of the API server."""
    conclusion = judged([unknown(node, seconds) for node in nodes(3)])
    assert bool(conclusion.warnings) is is_doubted
    assert len(out(conclusion)) == (0 if is_doubted else 3)


def test_a_node_that_is_doubted_is_judged_by_its_other_facts() -> None:
    """A cordoned node would come back into DNS when its kubelet falls silent."""
    found = [replace(unknown(nodes(3)[0], 5), cordoned=True), *nodes(3)[1:]]
    assert out(judged(found)) == {"n0": "cordoned"}


def test_the_lease_of_a_node_that_is_doubted_does_not_count_again() -> None:
    """After an outage the same silence would be held against the nodes twice, once believed."""
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
    """The user's own limit would be another than the one that holds."""
    conclusion = judged(nodes(3), limit, lease_ages=ages(age, 4, 4))
    assert out(conclusion) == ({"n0": f"lease not renewed for {age} s"} if is_out else {})


def test_a_node_without_a_lease_is_not_looked_at() -> None:
    """A node that renews no Lease would never be published."""
    conclusion = judged(nodes(3), lease_ages={"n1": 4, "elsewhere": 99})
    assert (out(conclusion), conclusion.warnings) == ({}, ())


def test_the_only_lease_that_is_seen_condemns_nobody() -> None:
    """Where only one node has a Lease that tells something, its silence may be the observer's."""
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
    """When all Leases stop at once, nodes would leave DNS one after the other, each as the only one."""
    gone = {"n0": f"lease not renewed for {seconds[0]} s"} if believed else {}
    assert out(judged(nodes(len(seconds)), limit, lease_ages=ages(*seconds))) == gone


def test_leases_that_are_only_overdue_are_no_news() -> None:
    """Each short hiccup of the API server would be a warning."""
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
    """Visitors would be sent to nodes without an ingress, or an ingress on few nodes taken for a fault."""
    conclusion = judged(nodes(3), serving={name: frozenset(found) for name, found in serving.items()})
    assert (out(conclusion), conclusion.warnings, conclusion.condemned) == (reasons, (), ())


def test_a_service_that_is_ready_nowhere_is_ignored() -> None:
    """A typing error in its name would empty DNS."""
    conclusion = judged(nodes(3), serving={SERVICE: frozenset(), "a/b": frozenset({"n0", "n1"})})
    assert out(conclusion) == {"n2": "no ready endpoint of a/b"}
    assert conclusion.warnings == (
        f"no endpoint of {SERVICE} is ready on any node: --ready-service {SERVICE} is ignored",
    )


def test_an_earlier_reason_of_a_node_stays() -> None:
    """A cordoned node would be said to lack an endpoint, which nobody wonders about."""
    found = [replace(nodes(3)[0], cordoned=True), *nodes(3)[1:]]
    conclusion = judged(found, serving={SERVICE: frozenset({"n1", "n2"})}, lease_ages=ages(99, 4, 4))
    assert out(conclusion) == {"n0": "cordoned"}


def test_warnings_of_what_was_not_seen_come_first() -> None:
    """A missing permission would go unnoticed."""
    conclusion = conclude(NodeList((), NOW, "1"), Signs(warnings=("no right",)), Checks())
    assert conclusion == Conclusion((), ("no right",))
