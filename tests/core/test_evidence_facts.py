"""What is certain of nodes, how long Ready=Unknown is not, and what an answer acquits of."""

import pytest
from msgspec.structs import replace

from jobs.core.node import Condition, LeaseAge, Node, Rules
from tests.support.builders import NODE, evidence_settings, ipv4
from tests.support.judging import (
    DOUBTED,
    LEASE,
    NOW,
    SILENT,
    UNKNOWN,
    ages,
    alive,
    dead,
    doubted,
    judged,
    nodes,
    out,
    ready,
    unknown,
)

SERVICE = "traefik/traefik"

FACTS = {
    "cordoned": replace(NODE, cordoned=True),
    "not ready": replace(NODE, ready=Condition("False", "", NOW)),
    "being deleted": replace(NODE, deleting=True),
    "about to go": replace(NODE, taints=("karpenter.sh/disrupted",)),
    "without condition": replace(NODE, ready=None),
    "Unknown for 30 s": unknown(NODE, 30),
    "Unknown, nobody knows since when": replace(NODE, ready=Condition("Unknown", "")),
}


def alike(fact: Node, *others: Node) -> list[Node]:
    """Give nodes of which all is alike but name and address."""
    return [replace(fact, name=node.name, node_ips=node.node_ips) for node in others]


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_facts_are_not_limited(fact: Node) -> None:
    """Facts are believed of any number of nodes."""
    conclusion = judged(alike(fact, *nodes(4)))
    assert len(out(conclusion)) == 4
    assert (conclusion.causes, conclusion.withdrawn_by_evidence) == ((), ())


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_nodes_that_are_out_already_are_not_looked_at(fact: Node) -> None:
    """Nodes that are out by facts count neither for nor against the others.

    Otherwise nodes long gone would make the failing share of the others look small, or large.
    """
    gone = alike(fact, *nodes(9)[:6])
    two = judged([*gone, *nodes(9)[6:]], lease_ages=ages(*[99] * 6, 31, 31, 4))
    one = judged([*gone, *nodes(9)[6:]], lease_ages=ages(*[99] * 6, 31, 4, 4))
    assert two.causes == (f"{LEASE}: 2 of 3 nodes, {DOUBTED}",)
    assert one.withdrawn_by_evidence == ("n6",)
    silent = judged([*gone, *(unknown(node, 5) for node in nodes(9)[6:8]), nodes(9)[8]])
    assert silent.causes == (f"{UNKNOWN}: 2 of 3 nodes, {DOUBTED}",)
    mute = judged([*gone, *nodes(9)[6:]], answers=dead(*map(ipv4, range(8))) | alive(ipv4(8)))
    assert mute.causes == (f"tcp 443 over IPv4: 2 of 3 nodes, {DOUBTED}",)


@pytest.mark.parametrize(
    ("seconds", "is_evidence"),
    [
        pytest.param(-61, False, id="61 s ahead counts as long ago"),
        pytest.param(-60, True, id="60 s ahead counts as now"),
        pytest.param(-1, True, id="a controller whose clock is a second ahead"),
        pytest.param(0, True, id="just now"),
        pytest.param(29, True, id="29 s"),
        pytest.param(30, False, id="30 s"),
        pytest.param(86400, False, id="a day"),
    ],
)
def test_how_long_unknown_is_evidence_only(seconds: float, *, is_evidence: bool) -> None:
    """Ready=Unknown is evidence for 30 s and a fact from then on; a clock that is ahead does not prolong that."""
    conclusion = judged([unknown(node, seconds) for node in nodes(3)])
    assert bool(conclusion.causes) is is_evidence
    assert len(doubted(conclusion)) == (3 if is_evidence else 0)
    assert out(conclusion) == ({} if is_evidence else dict.fromkeys(("n0", "n1", "n2"), f"not ready: {SILENT}"))


def test_an_unknown_node_is_judged_by_its_other_facts() -> None:
    """A node that is Unknown is still judged by its other facts."""
    found = [replace(unknown(nodes(3)[0], 5), cordoned=True), *nodes(3)[1:]]
    assert out(judged(found, lease_ages=ages(4, 4, 4))) == {"n0": "cordoned"}


@pytest.mark.parametrize("seconds", [0, 29, 30, 3600, -61])
@pytest.mark.parametrize(
    ("age", "limit", "is_ready"),
    [
        pytest.param(LeaseAge(4, 4), 25, True, id="young"),
        pytest.param(LeaseAge(24.9, 24.9), 25, True, id="just young"),
        pytest.param(LeaseAge(-2, 24), 25, True, id="young by clocks that differ"),
        pytest.param(LeaseAge(25, 25), 25, False, id="old"),
        pytest.param(LeaseAge(25, 4), 25, False, id="old by the servers' clocks"),
        pytest.param(LeaseAge(4, 25), 25, False, id="old by the observer's clock"),
        pytest.param(LeaseAge(25, 25), 40, True, id="young for a longer limit"),
        pytest.param(LeaseAge(0, 0), 0, False, id="nobody looks at Leases"),
        pytest.param(None, 25, False, id="no Lease"),
    ],
)
def test_an_unknown_node_with_a_young_lease_is_taken_as_ready(
    seconds: float, age: LeaseAge | None, limit: int, *, is_ready: bool
) -> None:
    """However long a node is Unknown, it is taken as ready while its Lease is young by both clocks.

    After an outage of the API server healthy nodes would leave, for their conditions are corrected last. One clock
    that is wrong keeps no dead node in.
    """
    leases = {} if age is None else {"n0": age}
    conclusion = judged([unknown(nodes(3)[0], seconds), *nodes(3)[1:]], limit, lease_ages=leases)
    assert [*out(conclusion)] == ([] if is_ready else ["n0"])
    assert (doubted(conclusion), conclusion.causes) == ({}, ())


def test_after_an_outage_all_nodes_stay_but_the_dead_one() -> None:
    """Of nodes that are all Unknown after an outage those with young Leases stay, and one with an old Lease leaves."""
    found = [unknown(node, 100) for node in nodes(4)]
    conclusion = judged(found, lease_ages=ages(99, 4, 4, 4), serving={SERVICE: frozenset({"other"})})
    assert out(conclusion) == {"n0": f"not ready: {SILENT}"}


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
    assert (out(conclusion), conclusion.causes, conclusion.withdrawn_by_evidence) == (reasons, (), ())


def test_a_service_that_is_ready_nowhere_leaves_all_nodes_as_they_are() -> None:
    """A Service that is ready nowhere leaves all nodes as they are. A typing error in its name does not empty DNS."""
    conclusion = judged(nodes(3), serving={SERVICE: frozenset(), "a/b": frozenset({"n0", "n1"})})
    words = f"no endpoint of {SERVICE} is ready on any node"
    assert out(conclusion) == {"n2": "no ready endpoint of a/b"}
    assert doubted(conclusion) == {("n0", ipv4(0)): words, ("n1", ipv4(1)): words}
    assert (conclusion.causes, conclusion.withdrawn_by_evidence) == ((words,), ())


def test_services_that_are_ready_nowhere_are_all_named() -> None:
    """Several Services that are ready nowhere are named together."""
    conclusion = judged(nodes(1), serving={SERVICE: frozenset(), "a/b": frozenset()})
    assert conclusion.causes == (f"no endpoint of {SERVICE}, a/b is ready on any node",)


def test_a_service_that_is_ready_nowhere_saves_no_node_from_evidence() -> None:
    """What is believed against a node counts though a Service is ready nowhere; so does what is certain."""
    found = [nodes(4)[0], replace(nodes(4)[1], cordoned=True), unknown(nodes(4)[2], 99), nodes(4)[3]]
    conclusion = judged(found, lease_ages=ages(31, 31, 31, 4), serving={SERVICE: frozenset()})
    assert out(conclusion) == {"n0": "lease not renewed for 31 s", "n1": "cordoned", "n2": f"not ready: {SILENT}"}
    assert [node for node, _ in doubted(conclusion)] == ["n3"]


@pytest.mark.parametrize("seconds", [5, 99])
def test_endpoints_say_nothing_of_a_node_that_is_unknown_and_taken_as_ready(seconds: float) -> None:
    """The endpoints of a node that is Unknown do not take it out: the node controller has marked its pods, too.

    But one without a ready endpoint is left as it is, for perhaps it has none.
    """
    found = [unknown(nodes(3)[0], seconds), *nodes(3)[1:]]
    conclusion = judged(found, lease_ages=ages(4, 4, 4), serving={SERVICE: frozenset({"n1", "n2"})})
    assert (out(conclusion), [*doubted(conclusion)]) == ({}, [("n0", ipv4(0))])
    nowhere = judged(found, lease_ages=ages(4, 4, 4), serving={SERVICE: frozenset()})
    assert ("n0", ipv4(0)) in doubted(nowhere)


def test_a_service_that_was_not_looked_at_says_nothing() -> None:
    """Without a look at the endpoints nothing is held against any node."""
    conclusion = judged(nodes(3), asked=evidence_settings(ready_services=(SERVICE,)))
    assert (out(conclusion), doubted(conclusion)) == ({}, {})


def test_an_earlier_reason_of_a_node_stays() -> None:
    """A node that is out already keeps its reason."""
    found = [replace(nodes(3)[0], cordoned=True), *nodes(3)[1:]]
    conclusion = judged(found, serving={SERVICE: frozenset({"n1", "n2"})}, lease_ages=ages(99, 4, 4))
    assert out(conclusion) == {"n0": "cordoned"}


@pytest.mark.parametrize(
    ("seconds", "limit", "is_held"),
    [
        pytest.param(0, 60, True, id="just now"),
        pytest.param(59, 60, True, id="59 s"),
        pytest.param(60, 60, False, id="60 s"),
        pytest.param(-1, 60, False, id="in the future: long ago"),
        pytest.param(-3600, 60, False, id="far in the future: long ago"),
        pytest.param(0, 0, False, id="off"),
    ],
)
def test_a_node_is_left_as_it_is_until_it_has_been_ready_for_a_while(
    seconds: float, limit: int, *, is_held: bool
) -> None:
    """With --min-ready-seconds a node that is Ready for less is left as it is. One that flaps does not enter DNS."""
    conclusion = judged([ready(node, seconds) for node in nodes(3)], rules=Rules(min_ready_seconds=limit))
    words = "Ready for less than 60 s (--min-ready-seconds)"
    assert doubted(conclusion) == ({(f"n{at}", ipv4(at)): words for at in range(3)} if is_held else {})
    assert (out(conclusion), conclusion.causes) == ({}, (words,) if is_held else ())


def test_a_node_that_is_taken_as_ready_is_so_since_a_moment() -> None:
    """With --min-ready-seconds a node that is Unknown and taken as ready is left as it is: nobody knows since when."""
    found = [unknown(nodes(3)[0], 3600), *nodes(3)[1:]]
    conclusion = judged(found, rules=Rules(min_ready_seconds=1), lease_ages=ages(4, 4, 4))
    assert doubted(conclusion) == {("n0", ipv4(0)): "Ready for less than 1 s (--min-ready-seconds)"}


def test_nobody_knows_since_when_a_node_is_ready() -> None:
    """A node that is Ready since nobody knows when is Ready for long."""
    assert doubted(judged([NODE], rules=Rules(min_ready_seconds=60))) == {}


def test_a_young_node_leaves_for_what_is_believed_against_it() -> None:
    """A node that is Ready for a moment only still leaves when evidence against it is believed."""
    found = [ready(node, 5) for node in nodes(3)]
    conclusion = judged(found, rules=Rules(min_ready_seconds=60), lease_ages=ages(31, 4, 4))
    assert out(conclusion) == {"n0": "lease not renewed for 31 s"}
