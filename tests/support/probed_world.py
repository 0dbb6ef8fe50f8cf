"""`python -m tests.support.probed_world`: plays, in a network with the nodes' addresses.

To be run in the network of `NETWORK`: there, 5.75.0.0/16 and a few addresses of 2a01:4f8:c17:1::/64 belong to this
machine, so they answer where the play listens and refuse where it does not; 5.161.0.0/16 and 2a01:4ff::/32 are far
away, and nobody there ever answers. Each line of input names a function with its arguments; each line of output is
what it gives, as JSON.
"""

import atexit
import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from tests.sandbox.kubernetes_builders import endpoint, endpoint_slice
from tests.sandbox.world import World
from tests.support import forks
from tests.support.probing import listening
from tests.support.processes import network
from tests.support.sync_runs import DOMAIN, addresses, forget
from tests.support.web_servers import Seen, WebServer, authority_pem, web_servers

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


def near(number: int) -> str:
    """Give an address of this network, which answers or refuses."""
    return f"5.75.128.{number}"


def near_6(number: int) -> str:
    """Give one of its IPv6 addresses, 1 to 4."""
    return f"2a01:4f8:c17:1::{number}"


def far(number: int) -> str:
    """Give an address from which nothing ever comes back."""
    return f"5.161.{number // 250}.{1 + number % 250}"


def nodes(*found: str) -> dict[str, list[str]]:
    """Name nodes by their addresses, which are joined by spaces."""
    return {f"node-{number}": each.split() for number, each in enumerate(found, 1)}


def up(*found: str, port: int = 443) -> list[tuple[str, int]]:
    """Listen on addresses."""
    return [(each, port) for each in found]


@dataclass(frozen=True)
class Scenario:
    """Nodes with their addresses, all of them in DNS already; where somebody listens; the options of sync-once."""

    nodes: dict[str, list[str]]
    listen: list[tuple[str, int]]
    arguments: list[str]
    cordoned: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    """Addresses that DNS does not show."""
    serve: list[WebServer] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Nodes that the node controller has lost for minutes."""
    endpoints: list[str] | None = None
    """The nodes on which the Service traefik/traefik has a ready endpoint; None for no Service."""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What has become of it."""

    status: int
    out: str
    err: str
    shown: set[str]
    seen: list[Seen]

    @property
    def domain(self) -> dict[str, Any]:
        """Give what the document says of the only domain."""
        (only,) = json.loads(self.out)["domains"]
        return dict(only)


def probed(scenario: Scenario, *, has_ipv6: bool = True) -> Outcome:
    """Play a scenario in a network of its own, or skip where the machine allows none."""
    found = played(play, asdict(scenario), has_ipv6=has_ipv6)
    seen = [Seen(*each) for each in found["seen"]]
    return Outcome(**{**found, "shown": set(found["shown"]), "seen": seen})


def played(function: Callable[..., Any], *arguments: Any, has_ipv6: bool = True) -> Any:  # noqa: ANN401 - JSON
    """Call a function of a module in such a network, or skip where the machine allows none."""
    stage = _stage(has_ipv6=has_ipv6)
    assert stage.stdin is not None
    assert stage.stdout is not None
    print(json.dumps([function.__module__, function.__qualname__, arguments]), file=stage.stdin, flush=True)
    answer = stage.stdout.readline()
    assert answer, "the process in the other network has ended"
    found = json.loads(answer)
    assert "error" not in found, found["error"]
    return found["result"]


@cache
def _stage(*, has_ipv6: bool) -> "subprocess.Popen[str]":
    """Start the process in that network in which all plays of this test process take place, one after the other."""
    command = [*network(IPV4 + IPV6 if has_ipv6 else IPV4), sys.executable, "-m", "tests.support.probed_world"]
    stage = subprocess.Popen(command, env=dict(os.environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(stage.communicate)  # its input ends, and so does it
    return stage


def play(given: dict[str, Any]) -> dict[str, Any]:
    """Play a scenario here."""
    scenario = Scenario(**{**given, "serve": [WebServer(**each) for each in given["serve"]]})
    with ExitStack() as stack:
        for host, port in scenario.listen:
            stack.enter_context(listening(host, port))
        seen, _ = stack.enter_context(web_servers(scenario.serve))
        world = stack.enter_context(World())
        zone = set_up(world, scenario.nodes, scenario.cordoned, scenario.hidden)
        for node in scenario.unknown:
            world.kubernetes.set_ready(node, "Unknown", "Kubelet stopped posting.", age_seconds=300)
        if scenario.endpoints is not None:
            found = [endpoint(node, ready=node in scenario.endpoints) for node in scenario.nodes]
            world.kubernetes.put(endpoint_slice("traefik", "traefik", found))
        trusted = trusting(world)
        finished = forks.run(
            world, "sync-once", "--domain", DOMAIN, *scenario.arguments, **{**trusted, **scenario.variables}
        )
        shown = sorted(addresses(world, zone))
        return {
            "status": finished.returncode,
            "out": finished.stdout,
            "err": finished.stderr,
            "shown": shown,
            "seen": list(seen),
        }


def trusting(world: World) -> dict[str, str]:
    """Give the variable that makes a run trust the authority of the web servers."""
    path = world.home / "authority.pem"
    path.write_bytes(authority_pem())
    return {"SSL_CERT_FILE": str(path)}


def set_up(world: World, nodes: dict[str, list[str]], cordoned: Iterable[str] = (), hidden: Iterable[str] = ()) -> str:
    """Make nodes whose addresses DNS shows already, but for the hidden ones; give the zone's id."""
    for name, found in nodes.items():
        world.node(name, ",".join(found), cordoned=name in cordoned)
    zone = world.route53.zone("example.com")
    every = {each for found in nodes.values() for each in found}.difference(hidden)
    sets = {"A": [each for each in every if ":" not in each], "AAAA": [each for each in every if ":" in each]}
    for type_, values in sets.items():
        if values:
            records = [{"Value": value} for value in values]
            world.route53.put(zone, {"Name": f"{DOMAIN}.", "Type": type_, "TTL": 60, "ResourceRecords": records})
    forget(world)
    return zone


def answered(request: str) -> dict[str, Any]:
    """Play what a line asks for, and give its result, or what went wrong."""
    module, name, given = json.loads(request)
    try:
        return {"result": getattr(importlib.import_module(module), name)(*given)}
    except BaseException:  # noqa: BLE001 - the test shows it
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(answered(line))}\n")
        sys.stdout.flush()
