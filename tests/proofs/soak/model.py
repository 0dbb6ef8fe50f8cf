"""What must be shown at a quiet moment, by the pure core and the sandbox's own objects, without the program's edges."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from jobs.core.address import numeric_order
from jobs.core.decision import SyncRequest, decide
from jobs.core.evidence import Conclusion, conclude
from jobs.core.node import Condition, LeaseAge, Node, NodeList
from jobs.core.place import Coordinates
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import from_api
from jobs.core.signs import Signs
from tests.sandbox.world import PREFIX, World

_KINDS = ("Node", "Lease")
_COORDINATES, _BIAS, _MULTIVALUE = "aws/geoproximity-coordinates", "aws/geoproximity-bias", "aws/multi-value-answer"
_POLICIES = {
    frozenset[str](): "simple",
    frozenset({_COORDINATES, _BIAS}): "geoproximity",
    frozenset({_MULTIVALUE}): "multivalue",
}
Shown = frozenset[RecordSet]


class Deviation(Exception):
    """Something is not as promised."""


def conclusion(world: World, asked: SyncRequest) -> Conclusion:
    """Judge the nodes as they are."""
    kept = {kind: [each.value for each in world.kubernetes.store if each.resource.kind == kind] for kind in _KINDS}
    nodes = sorted(map(_node, kept["Node"]), key=lambda node: node.name)
    now = world.kubernetes.clock()
    ages = {each["metadata"]["name"]: _age(each, now) for each in kept["Lease"]}
    listed = NodeList(tuple(nodes), datetime.fromtimestamp(int(now), UTC), "")
    return conclude(listed, Signs(lease_ages=ages), asked.evidence_settings, asked.rules)


def of_records(raws: Iterable[dict[str, Any]]) -> Shown:
    """Read record sets of the account; nothing that is published depends on their health checks."""
    return frozenset(replace(from_api(each), health_check_id=None) for each in raws)


def of_endpoints(raws: Iterable[dict[str, Any]]) -> Shown:
    """Read the endpoints of a DNSEndpoint."""
    return frozenset(map(_of_endpoint, raws))


def _of_endpoint(raw: dict[str, Any]) -> RecordSet:
    properties = {each["name"]: each["value"] for each in raw.get("providerSpecific", ())}
    place = properties.get(_COORDINATES)
    return RecordSet(
        raw["dnsName"],
        raw["recordType"],
        tuple(sorted(map(ip_address, raw["targets"]), key=numeric_order)),
        raw["recordTTL"],
        policy=_POLICIES.get(frozenset(properties), f"{sorted(properties)}, which is none"),
        set_identifier=raw.get("setIdentifier"),
        coordinates=Coordinates.parse(place) if place else None,
        bias=int(properties.get(_BIAS, 0)),
    )


def expected(asked: SyncRequest, domain: str, current: Shown, seen: Conclusion) -> tuple[Shown, bool]:
    """Give what a domain must show after a run that begins with `current`, and whether that run refuses."""
    decision = decide(asked, domain, tuple(current), seen)
    after = {each.key: each for each in current}
    for change in decision.plan.changes:
        if change.after is None:
            del after[change.subject.key]
        else:
            after[change.subject.key] = change.after
    return frozenset(after.values()), decision.refusal is not None


def _node(raw: dict[str, Any]) -> Node:
    annotations = raw["metadata"].get("annotations", {})
    ready = [each for each in raw["status"].get("conditions", ()) if each["type"] == "Ready"]
    return Node(
        name=raw["metadata"]["name"],
        node_ips=annotations.get(PREFIX + "node-ips"),
        boot_id=raw["status"].get("nodeInfo", {}).get("bootID", ""),
        annotated_boot_id=annotations.get(PREFIX + "boot-id", ""),
        coordinates=annotations.get(PREFIX + "aws-geoproximity-coordinates"),
        ready=_condition(ready[0]) if ready else None,
        cordoned=raw.get("spec", {}).get("unschedulable", False),
        deleting="deletionTimestamp" in raw["metadata"],
        bias=annotations.get(PREFIX + "aws-geoproximity-bias"),
        taints=tuple(each["key"] for each in raw.get("spec", {}).get("taints", ())),
        public_ips=annotations.get(PREFIX + "public-ips"),
    )


def _condition(raw: dict[str, str]) -> Condition:
    return Condition(raw["status"], raw.get("message", ""), _moment(raw["lastTransitionTime"]))


def _age(lease: dict[str, Any], now: float) -> LeaseAge:
    """Give the age of a Lease; both clocks show the same time."""
    noted = max(_moment(each["time"]) for each in lease["metadata"]["managedFields"] if "renewTime" in str(each))
    return LeaseAge(now - noted.timestamp(), now - _moment(lease["spec"]["renewTime"]).timestamp())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
