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


def test_a_node_with_a_dead_address_keeps_the_other() -> None:
    """A node that answers over IPv6 but not over IPv4 keeps its IPv6 address."""
    found = nodes(f"{near(1)} {near_6(1)}", f"{near(2)} {near_6(2)}", f"{near(3)} {near_6(3)}")
    listen = up(near(1), near(3), near_6(1), near_6(2), near_6(3))
    outcome = probed(Scenario(found, listen, JSON))
    assert (outcome.status, outcome.shown) == (0, {address for address, _ in listen})
    assert verdict(outcome.domain, "node-2")["published"] is True
    assert withheld(outcome, "node-2") == {near_6(2): None, near(2): REFUSED}


def test_an_observer_without_ipv6_leaves_it_alone() -> None:
    """Without a route to IPv6 no IPv6 address is withdrawn, as the log says; a dead IPv4 address still is."""
    found = nodes(f"{near(1)} {near_6(1)}", f"{near(2)} {near_6(2)}", f"{near(3)} {near_6(3)}")
    outcome = probed(Scenario(found, up(near(1), near(2)), PROBE), has_ipv6=False)
    assert outcome.shown == {address for each in found.values() for address in each} - {near(3)}
    assert "warning" not in outcome.err
    assert "info: no route to IPv6 from here: those addresses are not probed" in outcome.err


def test_hundreds_of_dead_addresses_leave_time_for_the_write() -> None:
    """60 dead addresses among 209 leave time for the write within 45 s."""
    alive = [near(number) for number in range(1, 150)]
    dead = [far(number) for number in range(60)]
    outcome = probed(Scenario(nodes(*alive, *dead), up(*alive), [*JSON, "--timeout", "45"]))
    assert (outcome.status, outcome.shown) == (0, set(alive)), outcome.err


def test_the_node_that_probes_come_from_is_not_accused() -> None:
    """The node that a sync runs on is not withdrawn for its own probes, for which many networks have no way back."""
    scenario = Scenario(nodes(*map(near, (1, 2, 3))), up(near(1), near(2)), PROBE)
    assert probed(scenario).shown == {near(1), near(2)}
    assert probed(replace(scenario, variables={"KUBE_NODE_NAME": "node-3"})).shown == {near(1), near(2), near(3)}


def test_what_is_not_believed_is_left_as_it_is() -> None:
    """Whatever DNS shows stays, and what it does not show is not added; text and JSON say why of each address."""
    scenario = Scenario(nodes(*map(near, (1, 2, 3))), up(near(1)), JSON, hidden=[near(3)])
    outcome = probed(scenario)
    assert (outcome.status, outcome.shown) == (0, {near(1), near(2)})
    (words,) = outcome.domain["warnings"]
    assert words.startswith("tcp 443 over IPv4: 2 of 3 nodes")
    assert words.endswith("; stays in: node-2; kept out: node-3")
    assert withheld(outcome, "node-2") == {near(2): None}
    why = f"{REFUSED}; this is not believed, but DNS does not show the address: left out"
    assert withheld(outcome, "node-3") == {near(3): why}
    text = probed(replace(scenario, arguments=PROBE)).out
    assert re.search(rf"^node-3 +no .*{re.escape(why)}$", text, re.MULTILINE), text
