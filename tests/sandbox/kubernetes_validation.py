"""What each kind's objects must keep to, and what the server says of those that do not."""

import ipaddress
from collections.abc import Iterator

import msgspec

from tests.sandbox.kubernetes_custom import all_faults
from tests.sandbox.kubernetes_errors import Object, invalid
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_rules import (
    host_label_faults,
    label_key_faults,
    label_value_faults,
    name_faults,
    path_segment_faults,
)

Cause = tuple[str, str, str]
"""Reason, field and message."""

_ANNOTATIONS_BYTES = 256 * 1024
_MANAGER_BYTES = 128
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_LIMITS = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}


def check(resource: Resource, new: Object, old: Object | None = None) -> None:
    """Hold an object to the rules of its kind; 422 names every rule it breaks."""
    causes = [*_metadata_causes(resource, new["metadata"], old["metadata"] if old else None)]
    match resource.kind:
        case "Node":
            causes += _node_causes(new, old)
        case "Lease":
            causes += _lease_causes(new["spec"])
        case "Event":
            causes += _event_causes(new)
        case "EndpointSlice":
            causes += _endpoint_slice_causes(new, old)
    causes += all_faults(resource.declared, new)
    if causes:
        raise invalid(resource.kind, resource.group, new["metadata"].get("name", ""), causes)


def _bad(field: str, value: object, why: str) -> Cause:
    return "FieldValueInvalid", field, f"Invalid value: {msgspec.json.encode(value).decode()}: {why}"


def _required(field: str, why: str = "") -> Cause:
    return "FieldValueRequired", field, f"Required value: {why}" if why else "Required value"


def _unsupported(field: str, value: str, supported: tuple[str, ...]) -> Cause:
    offered = ", ".join(f'"{each}"' for each in supported)
    return "FieldValueNotSupported", field, f'Unsupported value: "{value}": supported values: {offered}'


def _metadata_causes(resource: Resource, metadata: Object, known: Object | None) -> Iterator[Cause]:
    yield from _name_causes(resource, metadata, known)
    for key, value in metadata.get("labels", {}).items():
        for fault in label_key_faults(key):
            yield _bad("metadata.labels", key, fault)
        for fault in label_value_faults(value):
            yield _bad("metadata.labels", value, fault)
    for index, finalizer in enumerate(metadata.get("finalizers", [])):
        for fault in label_key_faults(finalizer):
            yield _bad("metadata.finalizers", finalizer, fault)
        if "/" not in finalizer:
            why = "name is neither a standard finalizer name nor is it fully qualified"
            yield _bad(f"metadata.finalizers[{index}]", finalizer, why)
    yield from _owner_causes(metadata)
    yield from _annotation_causes(metadata.get("annotations", {}))


def _owner_causes(metadata: Object) -> Iterator[Cause]:
    for index, owner in enumerate(metadata.get("ownerReferences", [])):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner[field]:
                yield _required(f"metadata.ownerReferences[{index}].{field}", "must not be empty")
    for index, entry in enumerate(metadata.get("managedFields") or []):
        if len(entry.get("manager", "").encode()) > _MANAGER_BYTES:
            field = f"metadata.managedFields[{index}].manager"
            yield "FieldValueTooLong", field, f"Too long: may not be more than {_MANAGER_BYTES} bytes"


def _name_causes(resource: Resource, metadata: Object, known: Object | None) -> Iterator[Cause]:
    name, prefix = metadata.get("name", ""), metadata.get("generateName", "")
    if not name:
        yield "FieldValueRequired", "metadata.name", "Required value: name or generateName is required"
    elif resource.any_name:
        for fault in path_segment_faults(name):
            yield _bad("metadata.name", name, fault)
    elif known is None:
        for fault in name_faults(f"{prefix[:-2]}a" if prefix.endswith("-") and len(prefix) > 1 else prefix or "a"):
            yield _bad("metadata.generateName", prefix, fault)
        for fault in name_faults(name):
            yield _bad("metadata.name", name, fault)


def _annotation_causes(annotations: dict[str, str]) -> Iterator[Cause]:
    for key in annotations:
        for fault in label_key_faults(key.lower()):
            yield _bad("metadata.annotations", key, fault)
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATIONS_BYTES:
        yield "FieldValueTooLong", "metadata.annotations", f"Too long: may not be more than {_ANNOTATIONS_BYTES} bytes"


def _node_causes(new: Object, old: Object | None) -> Iterator[Cause]:
    seen = set()
    for index, taint in enumerate(new["spec"].get("taints", [])):
        place = f"metadata.taints[{index}]"
        for fault in label_key_faults(taint["key"]):
            yield _bad(f"{place}.key", taint["key"], fault)
        for fault in label_value_faults(taint.get("value", "")):
            yield _bad(f"{place}.value", taint["value"], fault)
        if not taint["effect"]:
            yield _required(f"{place}.effect")
        elif taint["effect"] not in _EFFECTS:
            yield _unsupported(f"{place}.effect", taint["effect"], _EFFECTS)
        if (taint["key"], taint["effect"]) in seen:
            shown = {"Key": taint["key"], "Value": taint.get("value", ""), "Effect": taint["effect"], "TimeAdded": None}
            text = (
                f"Duplicate value: {msgspec.json.encode(shown).decode()}: taints must be unique by key and effect pair"
            )
            yield "FieldValueDuplicate", place, text
        seen.add((taint["key"], taint["effect"]))
    for field in ("podCIDR", "podCIDRs", "providerID") if old else ():
        before = old["spec"].get(field) if old else None
        if before and new["spec"].get(field) != before:
            text = "Forbidden: node updates may not change " + f"{field} except from empty to valid"
            yield "FieldValueForbidden", f"spec.{field}", text
    if old:
        yield from _address_duplicates(new["status"].get("addresses", []))


def _address_duplicates(addresses: list[Object]) -> Iterator[Cause]:
    for index, address in enumerate(addresses):
        if address in addresses[:index]:
            shown = {"Type": address["type"], "Address": address["address"]}
            text = f"Duplicate value: {msgspec.json.encode(shown).decode()}"
            yield "FieldValueDuplicate", f"status.addresses[{index}]", text


def _lease_causes(spec: Object) -> Iterator[Cause]:
    if (duration := spec.get("leaseDurationSeconds", 1)) <= 0:
        yield _bad("spec.leaseDurationSeconds", duration, "must be greater than 0")
    if (transitions := spec.get("leaseTransitions", 0)) < 0:
        yield _bad("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


def _event_causes(new: Object) -> Iterator[Cause]:
    """Hold an Event to the namespace of what it is about, and one with an eventTime, the newer form, to more.

    What has no namespace, like a node, has its Events in `default`; those of the newer form also in `kube-system`.
    """
    namespace, about = new["metadata"]["namespace"], new["involvedObject"].get("namespace", "")
    is_new = bool(new["eventTime"])
    allowed = {about} if about else {"default", *(("kube-system",) if is_new else ())}
    if namespace not in allowed and not (is_new and about):
        yield _bad("involvedObject.namespace", about, "does not match event.namespace")
    if is_new:
        yield from _new_event_causes(new)


def _new_event_causes(new: Object) -> Iterator[Cause]:
    controller = new["reportingComponent"]
    if not controller:
        yield _required("reportingComponent")
    for fault in label_key_faults(controller):
        yield _bad("reportingComponent", controller, fault)
    for field, limit in _LIMITS.items():
        value = new.get(field, "")
        if not value and field != "message":
            yield _required(field)
        if len(value.encode()) > limit:
            yield _bad(field, "", f"can have at most {limit} characters")


def _endpoint_slice_causes(new: Object, old: Object | None) -> Iterator[Cause]:
    kind, endpoints = new["addressType"], new["endpoints"] or []
    if not kind:
        yield _required("addressType")
    elif kind not in _ADDRESS_TYPES:
        yield _unsupported("addressType", kind, _ADDRESS_TYPES)
    if len(endpoints) > 1000:
        yield "FieldValueTooMany", "endpoints", f"Too many: {len(endpoints)}: must have at most 1000 items"
        return
    for index, endpoint in enumerate(endpoints):
        yield from _endpoint_causes(f"endpoints[{index}]", endpoint, kind)
    yield from _port_causes(new["ports"] or [])
    if old and old["addressType"] != kind:
        yield _bad("addressType", kind, "field is immutable")


def _endpoint_causes(place: str, endpoint: Object, kind: str) -> Iterator[Cause]:
    addresses = endpoint["addresses"] or []
    if not addresses:
        yield _required(f"{place}.addresses", "must contain at least 1 address")
    elif len(addresses) > 100:
        yield (
            "FieldValueTooMany",
            f"{place}.addresses",
            f"Too many: {len(addresses)}: must have at most 100 items",
        )
    else:
        for index, address in enumerate(addresses):
            yield from _address_causes(f"{place}.addresses", index, address, kind)
    if "nodeName" in endpoint:
        for fault in name_faults(endpoint["nodeName"]):
            yield _bad(f"{place}.nodeName", endpoint["nodeName"], fault)


def _address_causes(place: str, index: int, text: str, kind: str) -> Iterator[Cause]:
    if kind == "FQDN":
        for fault in name_faults(text):
            yield _bad(f"{place}[{index}]", text, fault)
        return
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        yield _bad(f"{place}[{index}]", text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        return
    if kind in _ADDRESS_TYPES and f"IPv{address.version}" != kind:
        yield _bad(place, text, f"must be an {kind} address")
    ranges = (
        (address.is_unspecified, "unspecified (0.0.0.0 or ::)"),
        (address.is_loopback, "in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "in the link-local range (169.254.0.0/16, fe80::/10)"),
    )
    for is_within, which in ranges:
        if is_within:
            yield _bad(f"{place}[{index}]", text, f"may not be {which}")


def _port_causes(ports: list[Object]) -> Iterator[Cause]:
    seen = set()
    for index, port in enumerate(ports):
        for fault in host_label_faults(port["name"]) if port["name"] else ():
            yield _bad(f"ports[{index}].name", port["name"], fault)
        if port["name"] in seen:
            yield "FieldValueDuplicate", f"ports[{index}].name", f'Duplicate value: "{port["name"]}"'
        seen.add(port["name"])
        if port["protocol"] not in _PROTOCOLS:
            yield _unsupported(f"ports[{index}].protocol", port["protocol"], _PROTOCOLS)
