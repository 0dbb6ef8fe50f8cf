"""What the API server does to an object before it stores it: decode, check, fill in, keep what is not the client's."""

import datetime as dt
import random
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.sandbox.kubernetes_errors import MODIFIED, ApiError, Object, bad_request, conflict, invalid
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_rules import label_key_faults, label_value_faults, name_faults
from tests.sandbox.kubernetes_schema import DecodeError, decode, unknown_fields

_ANNOTATIONS_BYTES = 256 * 1024
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields")
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
Cause = tuple[str, str, str]


def timestamp(seconds: float) -> str:
    """Give a time as Kubernetes writes it."""
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_time(seconds: float) -> str:
    """Give a time as Kubernetes writes one that knows microseconds."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(body: bytes, what: str) -> Object:
    """Read a JSON object from a request."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise _unrecognized(what, str(error)) from None
    if not isinstance(document, dict):
        raise _unrecognized(what, "not an object")
    return document


def _unrecognized(what: str, why: str) -> ApiError:
    text = f"the object provided is unrecognized (must be of type {what}): couldn't get version/kind"
    return bad_request(f"{text}; json parse error: {why}")


def decoded(resource: Resource, document: Object, *, strict: bool = False) -> Object:
    """Turn a client's document into what would be stored; 400 when its types are wrong."""
    kind, version = document.get("kind", resource.kind), document.get("apiVersion", resource.api_version)
    if version != resource.api_version:
        why = f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {resource.kind}: {why}')
    if kind != resource.kind:
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {resource.kind}')
    try:
        result: Object = decode(resource.schema, document)
    except DecodeError as error:
        raise bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {error}') from None
    if strict and (names := list(unknown_fields(resource.schema, document))):
        said = "strict decoding error: " + ", ".join(f'unknown field "{name}"' for name in names)
        raise bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {said}')
    return result


def admitted(resource: Resource, new: Object) -> Object:
    """Add what admission and defaulting add to a new object: nodes start tainted and with all capacity allocatable."""
    if resource.kind == "Node":
        taints = new["spec"].setdefault("taints", [])
        if not any((taint["key"], taint["effect"]) == tuple(_NOT_READY.values()) for taint in taints):
            taints.append(dict(_NOT_READY))
        if "capacity" in new["status"]:
            new["status"].setdefault("allocatable", new["status"]["capacity"])
    return new


def created(resource: Resource, new: Object, namespace: str, now: str) -> Object:
    """Give a new object its system fields."""
    metadata = new["metadata"]
    if metadata.get("resourceVersion"):
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if not metadata.get("name") and metadata.get("generateName"):
        letters = random.choices("bcdfghjklmnpqrstvwxz2456789", k=5)  # noqa: S311 - a name, not a secret
        metadata["name"] = metadata["generateName"][:58] + "".join(letters)
    metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now}
    for name in ("managedFields", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        metadata.pop(name, None)
    if resource.namespaced:
        metadata["namespace"] = namespace
    if resource.generation:
        metadata["generation"] = 1
    if not resource.status_on_create:
        new.pop("status", None)
    check(resource, new)
    return new


def updated(resource: Resource, new: Object, old: Object, subresource: str) -> Object:
    """Give a changed object what the client may not change."""
    metadata, known = new["metadata"], old["metadata"]
    _check_conditions_of_write(resource, metadata, known)
    stripped = metadata.get("managedFields") == [{}]
    for name in _KEPT:
        metadata.pop(name, None)
        if name in known and not (stripped and name == "managedFields"):
            metadata[name] = known[name]
    for name in ("generateName", "namespace"):
        if name in known:
            metadata.setdefault(name, known[name])
    metadata["resourceVersion"] = known["resourceVersion"]
    if resource.status:
        new = _kept_aside(new, old, status=subresource == "status")
    if resource.generation:
        metadata["generation"] = generation(resource, new, old)
    check(resource, new, old)
    return new


def _check_conditions_of_write(resource: Resource, metadata: Object, known: Object) -> None:
    name = known["name"]
    asked = metadata.get("resourceVersion") or known["resourceVersion"]
    if not asked.isascii() or not asked.isdecimal():
        raise ApiError(500, "", f'strconv.ParseUint: parsing "{asked}": invalid syntax')
    if metadata.get("uid", known["uid"]) != known["uid"]:
        why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {known['uid']}"
        raise conflict(resource.plural, resource.group, name, why)
    if asked != known["resourceVersion"]:
        raise conflict(resource.plural, resource.group, name, MODIFIED)


def _kept_aside(new: Object, old: Object, *, status: bool) -> Object:
    source = {name: old if (name == "status") != status else new for name in (*new, *old)}
    return {
        name: (new if name == "metadata" else source[name])[name]
        for name in new | old
        if name == "metadata" or name in source[name]
    }


def generation(resource: Resource, new: Object, old: Object) -> int:
    """Count the changes of what an object asks for; its status and metadata are not part of that."""
    known: int = old["metadata"]["generation"]
    return known if _intent(resource, new) == _intent(resource, old) else known + 1


def _intent(resource: Resource, value: Object) -> list[Any]:
    return [value.get(name) for name in resource.members if name != "status"]


def check(resource: Resource, new: Object, old: Object | None = None) -> None:
    """Hold an object to the rules of its kind; 422 names every rule it breaks."""
    causes = [*_metadata_causes(new["metadata"], old["metadata"] if old else None)]
    if resource.kind == "Node":
        causes += _node_causes(new, old)
    if resource.kind == "Event":
        causes += _event_causes(new)
    if causes:
        raise _invalid(resource, new["metadata"].get("name", ""), causes)


def _invalid(resource: Resource, name: str, causes: list[Cause]) -> ApiError:
    return invalid(resource.kind, resource.group, name, causes)


def _bad(field: str, value: object, why: str) -> Cause:
    return "FieldValueInvalid", field, f"Invalid value: {msgspec.json.encode(value).decode()}: {why}"


def _event_causes(new: Object) -> Iterator[Cause]:
    """Hold an Event to the namespace of what it is about; what has none, like a node, has its Events in `default`."""
    namespace = new.get("involvedObject", {}).get("namespace", "")
    if new["metadata"].get("namespace") != (namespace or "default"):
        yield _bad("involvedObject.namespace", namespace, "does not match event.namespace")


def _metadata_causes(metadata: Object, known: Object | None) -> Iterator[Cause]:
    name = metadata.get("name", "")
    if not name:
        yield "FieldValueRequired", "metadata.name", "Required value: name or generateName is required"
    elif known is None:
        for fault in name_faults(name):
            yield _bad("metadata.name", name, fault)
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
    yield from _annotation_causes(metadata.get("annotations", {}))


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
            yield "FieldValueRequired", f"{place}.effect", "Required value"
        elif taint["effect"] not in _EFFECTS:
            offered = ", ".join(f'"{effect}"' for effect in _EFFECTS)
            text = f'Unsupported value: "{taint["effect"]}": supported values: {offered}'
            yield "FieldValueNotSupported", f"{place}.effect", text
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
