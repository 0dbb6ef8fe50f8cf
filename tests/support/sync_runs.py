"""What the tests of sync-once share: run it, let nodes fail, read what Route 53 then answers."""

import json
import threading
from dataclasses import replace
from typing import Any

from tests.sandbox.account import simple
from tests.sandbox.kubernetes import Kubernetes
from tests.sandbox.server import Call, Fault, Request, Response, Server
from tests.sandbox.world import Finished, World
from tests.support import forks

DOMAIN = "cdn.example.com"
FRANKFURT, NEW_YORK, SINGAPORE = "50.11,8.68", "40.71,-74.01", "1.35,103.82"
FRA_4, FRA_6 = "5.75.128.10", "2a01:4f8:c17:1::10"
NYC_4, NYC_6 = "5.161.40.7", "2a01:4ff:f0:7::7"
NO_OP = ["ListHostedZonesByName", "ListResourceRecordSets"]
LOOK = ["list nodes", "list leases"]
WRITE = "ChangeResourceRecordSets"
PLACES = "geoproximity-coords:"


def sync(world: World, *arguments: str, **variables: str) -> Finished:
    """Run `sync-once` for the one domain that most tests have."""
    return forks.run(world, "sync-once", "--domain", DOMAIN, *arguments, **variables)


def synced(world: World, *arguments: str, **variables: str) -> Finished:
    """Run it and assert that it succeeds."""
    finished = sync(world, *arguments, **variables)
    assert finished.returncode == 0, finished.stderr
    return finished


def document(finished: Finished) -> dict[str, Any]:
    """Read the JSON document of a run with `--output json`."""
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def reported(world: World, *arguments: str) -> dict[str, Any]:
    """Run it and give what the document says about its only domain."""
    (only,) = document(sync(world, "--output", "json", *arguments))["domains"]
    return dict(only)


def verdict(domain: dict[str, Any], node: str) -> dict[str, Any]:
    """Find a node in the document of a domain."""
    (found,) = (each for each in domain["nodes"] if each["name"] == node)
    return dict(found)


def two_places(world: World) -> str:
    """Make a zone, and nodes of both families at two places; give the zone's id."""
    world.node("fra-1", f"{FRA_4},{FRA_6}", FRANKFURT)
    world.node("nyc-1", f"{NYC_4},{NYC_6}", NEW_YORK)
    return world.route53.zone("example.com")


def no_place(world: World) -> str:
    """Make a zone, and the same nodes without coordinates; give the zone's id."""
    world.node("fra-1", f"{FRA_4},{FRA_6}")
    world.node("nyc-1", f"{NYC_4},{NYC_6}")
    return world.route53.zone("example.com")


def settled(world: World, zone: str, *arguments: str) -> str:
    """Sync once, then forget the calls and batches so far."""
    synced(world, *arguments)
    forget(world)
    return zone


def shows(world: World, zone: str, sets: dict[str, list[str]]) -> str:
    """Put sets in the form of `answers` into the domain, as a run before has left them; give the zone's id."""
    raw: list[dict[str, Any]] = []
    for kind, values in sets.items():
        family, identifier = kind.split()
        each = simple(f"{DOMAIN}.", family, *values)
        if identifier != "simple":
            latitude, longitude = identifier.removeprefix(PLACES).split(",")
            location = {"Coordinates": {"Latitude": latitude, "Longitude": longitude}}
            each |= {"SetIdentifier": identifier, "GeoProximityLocation": location}
        raw.append(each)
    if raw:
        world.route53.put(zone, *raw)
    forget(world)
    return zone


def two_places_shown(world: World) -> str:
    """Make two places that DNS shows already; give the zone's id."""
    return shows(world, two_places(world), at_fra_and_nyc())


def no_place_shown(world: World) -> str:
    """Make two nodes without coordinates that DNS shows already; give the zone's id."""
    return shows(world, no_place(world), all_in_one())


def forget(world: World) -> None:
    """Forget the calls and batches so far."""
    world.dns.calls.clear()
    world.cluster.calls.clear()
    world.route53.history.clear()


def ends(world: World, node: str, seconds_ago: float = 0) -> None:
    """Let a node lose its power; Kubernetes has noticed it by its Lease just now, or some seconds ago."""
    world.kubernetes.renew_lease(node, age_seconds=50 + seconds_ago)
    world.kubernetes.set_ready(node, "Unknown", "Kubelet stopped posting node status.", age_seconds=seconds_ago)


def breaks(world: World, node: str) -> int:
    """Let a node's kubelet report that it cannot serve, a fact however many do; give the version then."""
    return int(world.kubernetes.set_ready(node, "False", "PLEG is not healthy")["metadata"]["resourceVersion"])


def returns(world: World, node: str) -> None:
    """Let a node come back."""
    world.kubernetes.renew_lease(node)
    world.kubernetes.set_ready(node, "True")


def annotate(world: World, node: str, name: str, value: str | None) -> None:
    """Set or remove one of the program's annotations of a node."""

    def change(document: dict[str, Any]) -> None:
        annotations = document["metadata"].setdefault("annotations", {})
        annotations.pop(f"kube-node-dns.kyle.space/{name}", None)
        if value is not None:
            annotations[f"kube-node-dns.kyle.space/{name}"] = value

    world.kubernetes.edit("Node", node, change)


def answers(world: World, zone: str, name: str = DOMAIN) -> dict[str, list[str]]:
    """Give the A and AAAA sets of a name: `A simple`, `AAAA geoproximity-coords:50.11,8.68`, with their values."""
    return {
        f"{each['Type']} {each.get('SetIdentifier', 'simple')}": sorted(
            record["Value"] for record in each.get("ResourceRecords", ())
        )
        for each in world.route53.records(zone, name)
        if each["Type"] in {"A", "AAAA"}
    }


def addresses(world: World, zone: str, name: str = DOMAIN) -> set[str]:
    """Give every address that a name answers with."""
    return {value for values in answers(world, zone, name).values() for value in values}


def others(world: World, zone: str, name: str = DOMAIN) -> list[dict[str, Any]]:
    """Give all of a zone but the A and AAAA sets of the domain."""
    own = (f"{name}.", {"A", "AAAA"})
    return [each for each in world.route53.records(zone) if not (each["Name"] == own[0] and each["Type"] in own[1])]


def actions(world: World) -> set[str]:
    """Give the actions of every change that was applied."""
    return {change["Action"] for batch in world.route53.history for change in batch.changes}


def slow(operation: str, seconds: float, last: int | None = 1) -> Fault:
    """Let a call take that long."""
    return Fault("slow", operation, last=last, seconds=seconds)


def at_fra_and_nyc() -> dict[str, list[str]]:
    """Give how two places look in DNS."""
    return {
        f"A {PLACES}{NEW_YORK}": [NYC_4],
        f"A {PLACES}{FRANKFURT}": [FRA_4],
        f"AAAA {PLACES}{NEW_YORK}": [NYC_6],
        f"AAAA {PLACES}{FRANKFURT}": [FRA_6],
    }


def at_fra() -> dict[str, list[str]]:
    """Give what is left of them without New York."""
    return {f"A {PLACES}{FRANKFURT}": [FRA_4], f"AAAA {PLACES}{FRANKFURT}": [FRA_6]}


def at_nyc() -> dict[str, list[str]]:
    """Give what is left of them without Frankfurt."""
    return {f"A {PLACES}{NEW_YORK}": [NYC_4], f"AAAA {PLACES}{NEW_YORK}": [NYC_6]}


def all_in_one() -> dict[str, list[str]]:
    """Give how both nodes look without coordinates."""
    return {"A simple": [NYC_4, FRA_4], "AAAA simple": [FRA_6, NYC_6]}


class Undated:
    """The cluster's API without a date on its answers."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        """Behave like the cluster in all else."""
        self._kubernetes = kubernetes
        self.operation, self.failure = kubernetes.operation, kubernetes.failure

    def answer(self, request: Request) -> Response:
        """Answer as the cluster does, with an empty header."""
        response = self._kubernetes.answer(request)
        return replace(response, headers={**response.headers, "Date": ""})


def undated(world: World) -> None:
    """Let the API server's answers have no Date from now on."""
    world.cluster.service = Undated(world.kubernetes)


class Gate:
    """Holds one call of an operation before it is processed, until it is opened."""

    def __init__(self, server: Server, operation: str, number: int = 1) -> None:
        """Take the place of the server's `before`; calls are counted from now on."""
        self._operation, self._left = operation, number
        self._reached, self._opened = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        server.before = self.hold

    def hold(self, call: Call) -> None:
        """Hold the call if it is the one, until the gate is opened."""
        with self._lock:
            self._left -= call.operation == self._operation
            due = call.operation == self._operation and self._left == 0
        if due:
            self._reached.set()
            self._opened.wait(60)

    def reached(self) -> None:
        """Wait for the call."""
        assert self._reached.wait(60), f"no call of {self._operation}"

    def open(self) -> None:
        """Let the call go on."""
        self._opened.set()
