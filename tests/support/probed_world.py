"""`python -m tests.support.probed_world SCENARIO`: sync-once against a sandbox, in a network with the nodes' addresses.

To be run in the network of `NETWORK`: there, 5.75.0.0/16 and a few addresses of 2a01:4f8:c17:1::/64 belong to this
machine, so they answer where the scenario listens and refuse where it does not; 5.161.0.0/16 and 2a01:4ff::/32 are far
away, and nobody there ever answers. Prints the outcome as JSON.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.sandbox.world import World
from tests.support.probing import listening
from tests.support.processes import network
from tests.support.silent_nodes import stopped
from tests.support.sync_runs import DOMAIN, addresses, forget

IPV4 = """
ip address add local 5.75.0.0/16 dev lo
link away
ip link set away arp off
ip route add 5.161.0.0/16 dev away
"""
IPV6 = """
for each in 1 2 3 4; do ip address add 2a01:4f8:c17:1::$each/128 dev lo nodad; done
ip route add 2a01:4ff::/32 dev away
"""


@dataclass(frozen=True)
class Scenario:
    """Nodes with their addresses, all of them in DNS already; where somebody listens; the options of sync-once."""

    nodes: dict[str, list[str]]
    listen: list[tuple[str, int]]
    arguments: list[str]
    cordoned: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What has become of it."""

    status: int
    out: str
    err: str
    shown: set[str]

    @property
    def domain(self) -> dict[str, Any]:
        """Give what the document says of the only domain."""
        (only,) = json.loads(self.out)["domains"]
        return dict(only)


def probed(scenario: Scenario, *, has_ipv6: bool = True) -> Outcome:
    """Play a scenario in a network of its own, or skip where the machine allows none."""
    command = [sys.executable, "-m", "tests.support.probed_world", json.dumps(asdict(scenario))]
    inside = network(IPV4 + IPV6 if has_ipv6 else IPV4)
    played = subprocess.run([*inside, *command], env=dict(os.environ), capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stderr
    found = json.loads(played.stdout)
    return Outcome(**{**found, "shown": set(found["shown"])})


def play(scenario: Scenario) -> Outcome:
    """Play it here."""
    with ExitStack() as stack:
        for host, port in scenario.listen:
            stack.enter_context(listening(host, port))
        world = stack.enter_context(stopped())
        zone = _set_up(world, scenario)
        finished = world.run("sync-once", "--domain", DOMAIN, *scenario.arguments)
        return Outcome(finished.returncode, finished.stdout, finished.stderr, addresses(world, zone))


def _set_up(world: World, scenario: Scenario) -> str:
    for name, found in scenario.nodes.items():
        world.node(name, ",".join(found), cordoned=name in scenario.cordoned)
    zone = world.route53.zone("example.com")
    every = {each for found in scenario.nodes.values() for each in found}
    sets = {"A": [each for each in every if ":" not in each], "AAAA": [each for each in every if ":" in each]}
    for type_, values in sets.items():
        if values:
            records = [{"Value": value} for value in values]
            world.route53.put(zone, {"Name": f"{DOMAIN}.", "Type": type_, "TTL": 60, "ResourceRecords": records})
    forget(world)
    return zone


if __name__ == "__main__":
    outcome = asdict(play(Scenario(**json.loads(sys.argv[1]))))
    sys.stdout.write(json.dumps({**outcome, "shown": sorted(outcome["shown"])}))
