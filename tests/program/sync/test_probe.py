"""What sync-once makes of `--probe`: addresses that take no connection are left out of DNS."""

import re
from dataclasses import replace
from typing import Any

from tests.sandbox.world import Finished
from tests.support.probed_world import Outcome, Scenario, far, near, near_6, nodes, probed, up
from tests.support.processes import complaint
from tests.support.sync_runs import verdict

PROBE = ["--probe", "tcp:443"]
JSON = [*PROBE, "--output", "json"]
REFUSED = "tcp 443 does not answer (connection refused)"
TIMED_OUT = "tcp 443 does not answer (timed out)"


def warning(outcome: Outcome) -> str:
    """Give the one line of the log of a run that ended well and changed nothing."""
    return complaint(Finished([], outcome.status, outcome.out, outcome.err), 0)


def withheld(outcome: Outcome, node: str) -> dict[str, Any]:
    """Give the reason why each address of a node is not published, None where it is."""
    return {each["address"]: each["reason"] for each in verdict(outcome.domain, node)["addresses"]}


def test_a_node_that_refuses_connections_is_withdrawn() -> None:
    """A node that refuses connections is withdrawn; the report and the log say why."""
    outcome = probed(Scenario(nodes(near(1), near(2), near(3)), up(near(1), near(3)), PROBE))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(3)})
    for text in (outcome.out, outcome.err):
        assert any(f"- {near(2)}" in line and f"node-2: {REFUSED}" in line for line in text.splitlines()), text
    assert re.search(rf"^node-2 +no +{re.escape(near(2))} +{re.escape(REFUSED)}$", outcome.out, re.MULTILINE)


def test_a_node_that_answers_nothing_is_withdrawn() -> None:
    """A node that does not answer connections is withdrawn, and the JSON document says why."""
    outcome = probed(Scenario(nodes(near(1), far(1), near(3)), up(near(1), near(3)), JSON))
    assert (outcome.status, outcome.shown) == (0, {near(1), near(3)})
    assert verdict(outcome.domain, "node-2") == {
        "name": "node-2",
        "published": False,
        "reason": TIMED_OUT,
        "addresses": [{"address": far(1), "published": False, "reason": TIMED_OUT}],
        "coordinates": None,
    }


def test_a_node_with_a_dead_address_keeps_the_other() -> None:
    """A node that answers over IPv6 but not over IPv4 keeps its IPv6 address."""
    found = nodes(f"{near(1)} {near_6(1)}", f"{near(2)} {near_6(2)}", f"{near(3)} {near_6(3)}")
    listen = up(near(1), near(3), near_6(1), near_6(2), near_6(3))
    outcome = probed(Scenario(found, listen, JSON))
    assert (outcome.status, outcome.shown) == (0, {address for address, _ in listen})
    assert verdict(outcome.domain, "node-2")["published"] is True
    assert withheld(outcome, "node-2") == {near_6(2): None, near(2): REFUSED}


def test_an_observer_without_ipv6_leaves_it_alone() -> None:
    """Without a route to IPv6 no IPv6 address is withdrawn, and a warning says so."""
    found = nodes(f"{near(1)} {near_6(1)}", f"{near(2)} {near_6(2)}", f"{near(3)} {near_6(3)}")
    outcome = probed(Scenario(found, up(near(1), near(2), near(3)), PROBE), has_ipv6=False)
    assert outcome.shown == {address for each in found.values() for address in each}
    assert "info: no route to IPv6 from here: those addresses are not probed" in outcome.err


def test_an_observer_without_ipv6_still_sees_ipv4() -> None:
    """Without a route to IPv6 a dead IPv4 address is still withdrawn."""
    found = nodes(f"{near(1)} {near_6(1)}", f"{near(2)} {near_6(2)}", f"{near(3)} {near_6(3)}")
    outcome = probed(Scenario(found, up(near(1), near(2)), JSON), has_ipv6=False)
    assert outcome.shown == {address for each in found.values() for address in each} - {near(3)}
    assert outcome.domain["warnings"] == []


def test_when_all_refuse_nothing_is_withdrawn() -> None:
    """When all nodes refuse connections none is withdrawn, and a warning says so.

    The port may be wrong, or the observer behind a firewall.
    """
    outcome = probed(Scenario(nodes(near(1), near(2), near(3)), [], PROBE))
    assert outcome.shown == {near(1), near(2), near(3)}
    assert "tcp 443 over IPv4: 3 of 3 nodes" in warning(outcome)


def test_when_most_answer_nothing_nothing_is_withdrawn() -> None:
    """When two of three nodes do not answer none is withdrawn, and a warning says so.

    The observer may lose most packets.
    """
    outcome = probed(Scenario(nodes(near(1), far(1), far(2)), up(near(1)), PROBE))
    assert outcome.shown == {near(1), far(1), far(2)}
    assert "tcp 443 over IPv4: 2 of 3 nodes" in warning(outcome)


def test_the_last_node_is_not_judged() -> None:
    """A single node that does not answer stays, even with `--min-nodes 0`, and a warning says so."""
    outcome = probed(Scenario(nodes(near(1)), [], [*PROBE, "--min-nodes", "0"]))
    assert outcome.shown == {near(1)}
    assert "tcp 443 over IPv4: 1 of 1 nodes" in warning(outcome)


def test_several_ports_are_all_needed() -> None:
    """A node that fails one of two ports is withdrawn, but not when two of three nodes fail one each."""
    both = [*up(near(1), near(2), port=80), *up(near(1), near(3))]
    outcome = probed(Scenario(nodes(near(1), near(2), near(3)), both, [*JSON, "--probe", "tcp:80", "--min-nodes", "0"]))
    assert outcome.shown == {near(1), near(2), near(3)}  # two of three by all kinds together
    outcome = probed(Scenario(nodes(near(1), near(2), near(3)), [*both, (near(3), 80)], [*JSON, "--probe", "tcp:80"]))
    assert outcome.shown == {near(1), near(3)}


def test_nodes_that_are_out_already_are_not_asked() -> None:
    """Nodes that are out for another reason do not keep a dead one from being withdrawn."""
    found = nodes(near(1), near(2), near(3), near(4), near(5))
    scenario = Scenario(found, up(near(1), near(2)), PROBE, cordoned=["node-4", "node-5"])
    assert probed(scenario).shown == {near(1), near(2)}


def test_nobody_is_asked_by_default() -> None:
    """Without `--probe` no node is withdrawn for a closed port."""
    outcome = probed(Scenario(nodes(near(1), near(2), near(3)), up(near(1), near(3)), []))
    assert outcome.shown == {near(1), near(2), near(3)}


def test_min_nodes_holds_over_probes() -> None:
    """`--min-nodes` refuses to withdraw a node that does not answer when too few are left, with status 3."""
    outcome = probed(Scenario(nodes(near(1), near(2)), up(near(1)), [*PROBE, "--min-nodes", "2"]))
    assert (outcome.status, outcome.shown) == (3, {near(1), near(2)})


def test_a_dry_run_asks_too() -> None:
    """A dry run probes too, and reports what it finds."""
    outcome = probed(Scenario(nodes(near(1), near(2), near(3)), up(near(1), near(3)), [*PROBE, "--dry-run"]))
    assert REFUSED in outcome.out
    assert outcome.shown == {near(1), near(2), near(3)}


def test_hundreds_of_dead_addresses_leave_time_for_the_write() -> None:
    """60 dead addresses among 209 leave time for the write within 45 s."""
    alive = [near(number) for number in range(1, 150)]
    dead = [far(number) for number in range(60)]
    outcome = probed(Scenario(nodes(*alive, *dead), up(*alive), [*JSON, "--timeout", "45"]))
    assert (outcome.status, outcome.shown) == (0, set(alive)), outcome.err


def test_an_address_of_several_nodes_is_counted_once() -> None:
    """A dead address that four nodes share is withdrawn alone; their own addresses stay."""
    found = nodes(*(f"{near(number)} {near(9)}" for number in range(1, 5)))
    outcome = probed(Scenario(found, up(*map(near, range(1, 5))), JSON))
    assert (outcome.status, outcome.shown) == (0, set(map(near, range(1, 5)))), outcome.err
    assert withheld(outcome, "node-1") == {near(1): None, near(9): REFUSED}


def test_the_node_that_probes_come_from_is_not_accused() -> None:
    """The node that a sync runs on is not withdrawn for its own probes, for which many networks have no way back."""
    scenario = Scenario(nodes(*map(near, (1, 2, 3))), up(near(1), near(2)), PROBE)
    assert probed(scenario).shown == {near(1), near(2)}
    assert probed(replace(scenario, variables={"KUBE_NODE_NAME": "node-3"})).shown == {near(1), near(2), near(3)}


def test_the_node_that_probes_come_from_counts_as_looked_at() -> None:
    """The node that a sync runs on counts among those looked at: two dead ones of six are believed."""
    scenario = Scenario(nodes(*map(near, range(1, 7))), up(*map(near, range(1, 4))), PROBE)
    outcome = probed(replace(scenario, variables={"KUBE_NODE_NAME": "node-6"}))
    assert outcome.shown == {near(1), near(2), near(3), near(6)}


def test_what_is_not_believed_is_left_as_it_is() -> None:
    """Whatever DNS shows stays, and what it does not show is not added; text and JSON say why of each address."""
    scenario = Scenario(nodes(*map(near, (1, 2, 3))), up(near(1)), JSON, hidden=[near(3)])
    outcome = probed(scenario)
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)})
    (words,) = outcome.domain["warnings"]
    assert words.endswith("; stays in: node-2; kept out: node-3")
    assert withheld(outcome, "node-2") == {near(2): None}
    why = f"{REFUSED}; this is not believed, but DNS does not show the address: left out"
    assert withheld(outcome, "node-3") == {near(3): why}
    text = probed(replace(scenario, arguments=PROBE)).out
    assert re.search(rf"^node-3 +no .*{re.escape(why)}$", text, re.MULTILINE), text
