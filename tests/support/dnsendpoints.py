"""What tests of `--publish-to dnsendpoint` share: the definition, the object, and what is in it."""

import copy
from collections.abc import Callable
from typing import Any

from jobs.core.record_set import RecordSet
from jobs.edges.dnsendpoint import record_set
from tests.sandbox.world import Finished, World
from tests.support.sync_runs import DOMAIN, FRA_4, FRA_6, NYC_4, NYC_6, sync, synced

API_VERSION = "externaldns.k8s.io/v1alpha1"
DEFINITION = "dnsendpoints.externaldns.k8s.io"
NAMESPACE = "default"
PUBLISH = ("--publish-to", "dnsendpoint", "--dnsendpoint-namespace", NAMESPACE)
OURS = {"app.kubernetes.io/managed-by": "kube-node-dns"}
BOTH = {"A simple": [FRA_4, NYC_4], "AAAA simple": [FRA_6, NYC_6]}
"""Both nodes of `two_places`."""
GET, CREATE, CHANGE = "get dnsendpoints", "create dnsendpoints", "patch dnsendpoints"

Endpoint = dict[str, Any]


def sync_object(world: World, *arguments: str) -> Finished:
    """Run sync-once for the one domain, with no way to reach AWS."""
    return sync(world, *PUBLISH, *arguments, AWS_ENDPOINT_URL="", AWS_PROFILE="there-is-none")


def synced_object(world: World, *arguments: str) -> Finished:
    """Run it and assert that it succeeds."""
    return synced(world, *PUBLISH, *arguments, AWS_ENDPOINT_URL="", AWS_PROFILE="there-is-none")


def objects(world: World) -> dict[str, dict[str, Any]]:
    """Give every DNSEndpoint by its name."""
    found = [each.copy() for each in world.kubernetes.store if each.resource.kind == "DNSEndpoint"]
    return {each["metadata"]["name"]: each for each in found}


def endpoints(world: World, name: str = DOMAIN) -> list[Endpoint]:
    """Give the endpoints of an object."""
    found: list[Endpoint] = objects(world)[name]["spec"]["endpoints"]
    return found


def targets(world: World, name: str = DOMAIN) -> dict[str, list[str]]:
    """Give the targets of each endpoint, by type and set identifier: `A simple`."""
    return {
        f"{each['recordType']} {each.get('setIdentifier', 'simple')}": each["targets"]
        for each in endpoints(world, name)
    }


def record_sets(world: World, name: str = DOMAIN) -> list[RecordSet]:
    """Give the endpoints of an object as record sets."""
    return [record_set(each, name) for each in endpoints(world, name)]


def put_object(world: World, *found: Endpoint, labels: dict[str, str] | None = None, name: str = DOMAIN) -> None:
    """Put an object there, as a run before has left it unless said otherwise."""
    metadata = {"name": name, "namespace": NAMESPACE, "labels": OURS if labels is None else labels}
    document = {"apiVersion": API_VERSION, "kind": "DNSEndpoint", "metadata": metadata}
    world.kubernetes.put({**document, "spec": {"endpoints": copy.deepcopy(list(found))}})


def edit_object(world: World, change: Callable[[dict[str, Any]], object], name: str = DOMAIN) -> None:
    """Change an object."""
    world.kubernetes.edit("DNSEndpoint", name, change, NAMESPACE, api_version=API_VERSION)


def noted_by_external_dns(world: World, name: str = DOMAIN) -> None:
    """Let ExternalDNS note in the object's status that it has seen it, a new version of it each time."""

    def note(document: dict[str, Any]) -> None:
        seen = document.get("status", {}).get("observedGeneration", 0)
        document["status"] = {"observedGeneration": seen + 1}

    edit_object(world, note, name)


def endpoint(type_: str, *addresses: str, ttl: int = 60, **members: object) -> Endpoint:
    """Write an endpoint of the domain."""
    return {"dnsName": DOMAIN, "recordType": type_, "recordTTL": ttl, "targets": list(addresses), **members}
