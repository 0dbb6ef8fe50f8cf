"""What an answer acquits of: an address that answers every https probe stays, whatever speaks against its node."""

from typing import Any

import pytest
from msgspec.structs import replace

from jobs.core.node import Condition, Node, Rules
from tests.support.builders import NODE, evidence_settings, ipv4, ipv6
from tests.support.judging import (
    HTTP,
    HTTPS,
    NOW,
    SILENT,
    TCP,
    Answers,
    ages,
    alive,
    dead,
    doubted,
    dual,
    judged,
    kept,
    nodes,
    out,
    ready,
    unknown,
)

SERVICE = "traefik/traefik"

Signs = dict[str, Any]

ACQUITTED_OF: dict[str, tuple[list[Node], Signs]] = {
    "Unknown for a moment": ([unknown(dual(3)[0], 5), *dual(3)[1:]], {}),
    "Unknown for long": ([unknown(dual(3)[0], 999), *dual(3)[1:]], {}),
    "an old Lease": (dual(3), {"lease_ages": ages(99, 4, 4)}),
    "no ready endpoint": (dual(3), {"serving": {SERVICE: frozenset({"n1", "n2"})}}),
    "Unknown with an old Lease": ([unknown(dual(3)[0], 999), *dual(3)[1:]], {"lease_ages": ages(99, 4, 4)}),
}


@pytest.mark.parametrize(("found", "signs"), ACQUITTED_OF.values(), ids=ACQUITTED_OF)
def test_an_answer_acquits_the_address_that_gives_it(found: list[Node], signs: Signs) -> None:
    """An address that answers https stays whatever speaks against its node, and the node's other address goes."""
    assert [*out(judged(found, **signs))] == ["n0"]
    conclusion = judged(found, answers=alive(ipv4(0), probe=HTTPS), **signs)
    assert kept(conclusion) == {*map(ipv4, range(3)), ipv6(1), ipv6(2)}
    assert [each.address for each in conclusion.verdicts[0].withheld] == [ipv6(0)]
    assert (doubted(conclusion), conclusion.withdrawn_by_evidence) == ({}, ())


@pytest.mark.parametrize("probe", [HTTP, TCP])
@pytest.mark.parametrize(("found", "signs"), ACQUITTED_OF.values(), ids=ACQUITTED_OF)
def test_other_answers_acquit_of_nothing(found: list[Node], signs: Signs, probe: str) -> None:
    """An answer over TCP or http acquits of nothing: a recycled address answers too."""
    answers = alive(*map(ipv4, range(3)), *map(ipv6, range(3)), probe=probe)
    assert [*out(judged(found, answers=answers, **signs))] == ["n0"]


OTHER = "https://api.example.com/"


@pytest.mark.parametrize(
    ("answers", "is_acquitted"),
    [
        pytest.param(alive(ipv4(0), probe=HTTPS) | alive(ipv4(0), probe=OTHER), True, id="all answer"),
        pytest.param(alive(ipv4(0), probe=HTTPS) | dead(ipv4(0), probe=OTHER), False, id="one does not"),
        pytest.param(alive(ipv4(0), probe=HTTPS), False, id="one was not asked"),
        pytest.param(alive(ipv4(0), probe=HTTPS) | dead(ipv4(0), probe=OTHER, why=""), False, id="one is not sure"),
        pytest.param({}, False, id="none was asked"),
    ],
)
def test_every_https_probe_must_be_answered(answers: Answers, *, is_acquitted: bool) -> None:
    """Only an address that answers every https probe is acquitted."""
    asked = evidence_settings(probes=(HTTPS, OTHER, TCP))
    conclusion = judged([unknown(nodes(3)[0], 99), *nodes(3)[1:]], asked=asked, answers=answers)
    assert [*out(conclusion)] == ([] if is_acquitted else ["n0"])


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(replace(NODE, ready=Condition("False", "", NOW)), id="not ready"),
        pytest.param(replace(NODE, cordoned=True), id="cordoned"),
        pytest.param(replace(NODE, deleting=True), id="being deleted"),
        pytest.param(replace(NODE, taints=("karpenter.sh/disrupted",)), id="about to go"),
        pytest.param(replace(NODE, boot_id="boot-2"), id="rebooted"),
    ],
)
def test_facts_stay_facts_whatever_answers(fact: Node) -> None:
    """Ready=False, cordons, ends and reboots stay facts, whatever answers."""
    found = [replace(fact, name=node.name, node_ips=node.node_ips) for node in nodes(3)]
    assert len(out(judged(found, answers=alive(*map(ipv4, range(3)), probe=HTTPS)))) == 3


@pytest.mark.parametrize(("found", "signs"), ACQUITTED_OF.values(), ids=ACQUITTED_OF)
def test_an_answer_does_not_end_min_ready_seconds(found: list[Node], signs: Signs) -> None:
    """With --min-ready-seconds an answer keeps a node in DNS that something speaks against, but does not add it."""
    found = [each if each.ready and each.ready.status == "Unknown" else ready(each, 5) for each in found]
    answers = alive(ipv4(0), ipv4(1), ipv4(2), probe=HTTPS)
    conclusion = judged(found, rules=Rules(min_ready_seconds=60), answers=answers, **signs)
    assert "--min-ready-seconds" in doubted(conclusion)["n0", ipv4(0)]
    assert kept(conclusion) == set()


def test_acquitted_nodes_are_not_suspects() -> None:
    """An overdue Lease of a node that answers is not held against the observer, as an old one is not."""
    answers = alive(*map(ipv4, range(3, 6)), probe=HTTPS) | dead(*map(ipv4, range(3)), probe=HTTPS)
    for overdue in (24, 26):
        conclusion = judged(nodes(6), lease_ages=ages(31, 4, 4, overdue, overdue, overdue), answers=answers)
        assert out(conclusion) == {"n0": "lease not renewed for 31 s"}


def test_acquitted_nodes_are_not_held_against_the_observer() -> None:
    """With the mesh broken those that answer stay, and the one that does not leaves: it is the only one accused."""
    answers = alive(*map(ipv4, range(1, 4)), probe=HTTPS) | dead(ipv4(0), probe=HTTPS)
    conclusion = judged([unknown(node, 5) for node in nodes(4)], answers=answers)
    assert (out(conclusion), conclusion.causes) == ({"n0": f"not ready: {SILENT}"}, ())
    conclusion = judged(nodes(4), lease_ages=ages(31, 31, 31, 31), answers=answers)
    assert (out(conclusion), conclusion.causes) == ({"n0": "lease not renewed for 31 s"}, ())


def test_an_answer_settles_what_would_be_left_as_it_is() -> None:
    """An address that answers every https probe is published where others are left as they are."""
    conclusion = judged(dual(2), serving={SERVICE: frozenset()}, answers=alive(ipv4(0), ipv4(1), probe=HTTPS))
    assert kept(conclusion) == {ipv4(0), ipv4(1)}
    assert {address for _, address in doubted(conclusion)} == {ipv6(0), ipv6(1)}


def test_one_probe_still_accuses_what_another_acquits() -> None:
    """An address that answers https and not another probe is accused by that one."""
    answers = alive(*map(ipv4, range(3)), probe=HTTPS) | dead(ipv4(0)) | alive(ipv4(1), ipv4(2))
    assert out(judged(nodes(3), answers=answers)) == {"n0": "tcp 443 does not answer (timed out)"}


def test_a_node_that_is_out_for_long_is_not_accused() -> None:
    """A node that is Unknown for long is asked only to be acquitted: its silence accuses nobody."""
    found = [*(unknown(node, 999) for node in nodes(6)[:3]), *nodes(6)[3:]]
    conclusion = judged(found, answers=dead(*map(ipv4, range(4)), probe=HTTPS) | alive(ipv4(4), ipv4(5), probe=HTTPS))
    assert out(conclusion)["n0"] == f"not ready: {SILENT}"
    assert out(conclusion)["n3"] == "https://www.example.com/ does not answer (timed out)"
    assert (conclusion.causes, conclusion.withdrawn_by_evidence) == ((), ("n3",))
