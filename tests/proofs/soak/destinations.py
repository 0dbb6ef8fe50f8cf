"""Where a soak's runs publish to: what it shows, and what no run may do there."""

import json
import random
from collections.abc import Iterator
from typing import Any, Protocol

from tests.proofs.soak import model
from tests.proofs.soak.model import Deviation
from tests.proofs.soak.setups import DOMAINS
from tests.sandbox.account import simple
from tests.sandbox.server import Call
from tests.sandbox.world import World
from tests.support.dnsendpoints import API_VERSION, DEFINITION, NAMESPACE, endpoint, noted_by_external_dns

OURS = {"A", "AAAA"}


class Destination(Protocol):
    """A place to publish to, in a world."""

    operations: tuple[str, ...]
    """The calls that may go wrong."""

    def shown(self, domain: str) -> model.Shown:
        """Give the record sets of a domain."""

    def meddle(self, chance: random.Random) -> bool:
        """Let somebody else do there what they may, and say whether that was anything."""

    def witness(self, call: Call) -> None:
        """Look at a call before it is processed."""

    def check(self) -> int:
        """Look at all writes since they were forgotten, and count those that were applied; raises Deviation."""


class HostedZones:
    """The zones of a Route 53 account."""

    operations: tuple[str, ...] = ("ListHostedZonesByName", "List*", "Change*", "Change*")

    def __init__(self, world: World) -> None:
        """Make the zones, with records of others at our names and below them."""
        self._world = world
        self._zones = {name: world.route53.zone(name) for name in dict.fromkeys(DOMAINS.values())}
        for domain, zone in DOMAINS.items():
            foreign = simple(f"{domain}.", "TXT", '"theirs"'), simple(f"a.{domain}.", "A", "192.0.2.1")
            world.route53.put(self._zones[zone], *foreign)
        self._foreign = self._others()

    def records(self, domain: str) -> list[dict[str, Any]]:
        """Give the record sets of a domain in the AWS API's form."""
        found = self._world.route53.records(self._zones[DOMAINS[domain]], domain)
        return [each for each in found if each["Type"] in OURS]

    def shown(self, domain: str) -> model.Shown:
        """Give the record sets of a domain."""
        return model.of_records(self.records(domain))

    def meddle(self, chance: random.Random) -> bool:  # noqa: ARG002 - others have something to choose from
        """Leave all as it is: where others' record sets lead to is for the interleavings."""
        return False

    def witness(self, call: Call) -> None:
        """Leave it to `check`: the history has it all."""

    def check(self) -> int:
        """Look at each batch; a name that has been filled always answers."""
        if self._others() != self._foreign:
            raise Deviation("records of others are touched")
        for batch in self._world.route53.history:
            for change in batch.changes:
                changed = change["ResourceRecordSet"]
                if changed["Type"] not in OURS or changed["Name"].rstrip(".") not in DOMAINS:
                    raise Deviation(f"a record of others is touched: {change}")
                if change["Action"] not in {"DELETE", "CREATE"}:
                    raise Deviation(f"not a compare-and-swap: {change}")
            for name, sets in batch.after.items():
                if not any(each["Type"] in OURS for each in sets):
                    raise Deviation(f"{name} is left without an address by {batch.changes}")
        return len(self._world.route53.history)

    def _others(self) -> list[dict[str, Any]]:
        found = [each for zone in self._zones.values() for each in self._world.route53.records(zone)]
        own = {f"{domain}." for domain in DOMAINS}
        return [each for each in found if each["Name"] not in own or each["Type"] not in OURS]


class Objects:
    """The DNSEndpoints of a namespace."""

    operations: tuple[str, ...] = ("* dnsendpoints", "get dnsendpoints", *["patch dnsendpoints"] * 2, "create *")

    def __init__(self, world: World) -> None:
        """Let the cluster know them, and hold some of others: in our namespace, and of our name in another."""
        self._world = world
        world.kubernetes.define(DEFINITION)
        for name, namespace in (("theirs", NAMESPACE), (min(DOMAINS), "theirs")):
            metadata = {"name": name, "namespace": namespace}
            spec = {"endpoints": [endpoint("A", "192.0.2.1")]}
            world.kubernetes.put({"apiVersion": API_VERSION, "kind": "DNSEndpoint", "metadata": metadata, "spec": spec})
        self._foreign = self._others()

    def shown(self, domain: str) -> model.Shown:
        """Give the record sets of a domain's object."""
        found = self._all().get((NAMESPACE, domain), {})
        return model.of_endpoints(found["spec"]["endpoints"] if found else ())

    def meddle(self, chance: random.Random) -> bool:
        """Let ExternalDNS note that it has seen an object; once in a while somebody deletes it instead."""
        domain = chance.choice(sorted(DOMAINS))
        if not self.shown(domain):
            return False
        if chance.random() < 0.1:
            self._world.kubernetes.remove("DNSEndpoint", domain, NAMESPACE, api_version=API_VERSION)
        else:
            noted_by_external_dns(self._world, domain)
        return True

    def witness(self, call: Call) -> None:
        """Leave it to `check`: the requests have it all."""

    def check(self) -> int:
        """Look at each request that writes, applied or not: our objects only, never an empty one."""
        if self._others() != self._foreign:
            raise Deviation("a DNSEndpoint of others is touched")
        if self._world.dns.calls:
            raise Deviation("Route 53 is asked")
        writes = [each for each in self._world.cluster.calls if each.operation.endswith(" dnsendpoints")]
        for call in writes:
            for problem in _problems(call):
                raise Deviation(f"{problem}: {call.operation} {call.request.path} {call.request.body!r}")
        return sum(each.request.method != "GET" and each.status in {200, 201} for each in writes)

    def _others(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {key: each for key, each in self._all().items() if key not in {(NAMESPACE, name) for name in DOMAINS}}

    def _all(self) -> dict[tuple[str, str], dict[str, Any]]:
        found = [each.copy() for each in self._world.kubernetes.store if each.resource.kind == "DNSEndpoint"]
        return {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in found}


def _problems(call: Call) -> Iterator[str]:
    """Say what is wrong about a request for a DNSEndpoint."""
    if call.operation == "get dnsendpoints":
        return
    body = json.loads(call.request.body)
    metadata, endpoints = body["metadata"], body["spec"]["endpoints"]
    of_all = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/dnsendpoints"
    if call.operation == "create dnsendpoints" and call.request.path == of_all:
        domain = metadata["name"]
    elif call.operation == "patch dnsendpoints" and call.request.path.startswith(f"{of_all}/"):
        domain = call.request.path.removeprefix(f"{of_all}/")
        if set(metadata) != {"resourceVersion"} or set(body) != {"metadata", "spec"}:
            yield "not a compare-and-swap of the endpoints alone"
    else:
        yield "neither a creation nor a change of ours"
        return
    if domain not in DOMAINS:
        yield "an object of others is touched"
    if not endpoints or not all(each["targets"] for each in endpoints):
        yield "the name is left without an address"
    if any(each["dnsName"] != domain or each["recordType"] not in OURS for each in endpoints):
        yield "a record of others"
