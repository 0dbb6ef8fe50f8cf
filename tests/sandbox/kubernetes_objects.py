"""What the API server does to an object before it stores it: decode, check, fill in, keep what is not the client's."""

import random
import uuid
from typing import Any

from tests.sandbox.kubernetes_custom import pruned
from tests.sandbox.kubernetes_errors import MODIFIED, ApiError, Object, bad_request, conflict, invalid
from tests.sandbox.kubernetes_json import read
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_schema import DecodeError, decode, unknown_fields
from tests.sandbox.kubernetes_validation import check

_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def parse(body: bytes, what: str) -> Object:
    """Read a JSON object from a request."""
    try:
        document = read(body)
    except ValueError as error:
        raise _unrecognized(what, str(error)) from None
    if not isinstance(document, dict):
        raise _unrecognized(what, "not an object")
    return document


def _unrecognized(what: str, why: str) -> ApiError:
    text = f"the object provided is unrecognized (must be of type {what}): couldn't get version/kind"
    return bad_request(f"{text}; json parse error: {why}")


def decoded(resource: Resource, document: Object, *, strict: bool = False) -> Object:
    """Turn a client's document into what would be stored; 400 when its types are wrong."""
    if resource.declared:
        _check_kind_of_custom(resource, document)
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
    if strict and (names := list(unknown_fields(resource.strict_schema, document))):
        said = "strict decoding error: " + ", ".join(f'unknown field "{name}"' for name in names)
        raise bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {said}')
    return without_undeclared(resource, result)


def _check_kind_of_custom(resource: Resource, document: Object) -> None:
    """Hold a document to what the server asks of custom resources alone: it must say what it is."""
    kind, version = document.get("kind", ""), document.get("apiVersion", resource.api_version)
    if not kind:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): Object 'Kind' is missing"
        )
    if version != resource.api_version:
        expected = f"does not match the expected API version ({resource.api_version})"
        raise bad_request(f"the API version in the data ({version}) {expected}")
    if kind != resource.kind:
        cause = ("FieldValueInvalid", "kind", f'Invalid value: "{kind}": must be {resource.kind}')
        raise invalid(kind, resource.group, document.get("metadata", {}).get("name", ""), [cause])


def without_undeclared(resource: Resource, new: Object) -> Object:
    """Prune an object of a custom resource; others are as they were decoded."""
    return {
        name: pruned(resource.declared[name], item) if name in resource.declared else item for name, item in new.items()
    }


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
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
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
    for name in _KEPT:
        metadata.pop(name, None)
        if name in known:
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
    if resource.needs_version and not metadata.get("resourceVersion"):
        cause = ("FieldValueInvalid", "metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
        raise invalid(resource.plural, resource.group, name, [cause])
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
    """Count the changes of what an object asks for; its status and metadata are not part of that, but for one kind."""
    known: int = old["metadata"]["generation"]
    return known if _intent(resource, new) == _intent(resource, old) else known + 1


def _intent(resource: Resource, value: Object) -> list[Any]:
    labels = value["metadata"].get("labels") if resource.kind == "EndpointSlice" else None
    return [labels, *(value.get(name) for name in resource.members if name != "status")]
