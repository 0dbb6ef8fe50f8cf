"""What a write request says: its object or patch, its options, its conditions."""

from collections.abc import Mapping

import msgspec

from tests.sandbox.kubernetes_access import Call
from tests.sandbox.kubernetes_errors import ApiError, Object, bad_request, conflict, invalid
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.kubernetes_objects import decoded, parse, without_undeclared
from tests.sandbox.kubernetes_patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, patched
from tests.sandbox.kubernetes_schema import DecodeError, decode
from tests.sandbox.kubernetes_store import Stored
from tests.sandbox.server import Request


def given(call: Call, request: Request) -> Object:
    """Decode the object a client sends whole."""
    if _content_type(request) not in ("", "application/json"):
        text = "the body of the request was in an unknown format - accepted media types include: application/json"
        raise ApiError(415, "UnsupportedMediaType", text)
    strict = request.query.get("fieldValidation") == "Strict"
    return decoded(call.resource, parse(request.body, call.resource.kind), strict=strict)


def _content_type(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip()


def after_patch(call: Call, request: Request, current: Object) -> Object:
    """Decode what a client's patch makes of an object; 422 when that has wrong types."""
    schema = call.resource.schema
    if call.resource.declared and _content_type(request) == STRATEGIC_MERGE_PATCH:
        offered = f"{JSON_PATCH}, {MERGE_PATCH}, application/apply-patch+yaml"
        text = f"the body of the request was in an unknown format - accepted media types include: {offered}"
        raise ApiError(415, "UnsupportedMediaType", text)
    try:
        new: Object = decode(schema, patched(_content_type(request), schema, current, request.body))
    except DecodeError as error:
        shown = msgspec.json.encode(request.body.decode()).decode()
        raise invalid("", "", "", [("FieldValueInvalid", "patch", f"Invalid value: {shown}: {error}")]) from None
    return without_undeclared(call.resource, new)


def is_dry_run(request: Request) -> bool:
    """Say whether nothing is to be stored."""
    asked = request.query.get("dryRun", "")
    if asked not in ("", "All"):
        text = f'Unsupported value: ["{asked}"]: supported values: "All"'
        raise invalid(_options(request), "meta.k8s.io", "", [("FieldValueNotSupported", "dryRun", text)])
    return bool(asked)


def manager_of(request: Request) -> str:
    """Name who writes: the field manager, or the client's user agent."""
    manager = request.query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0]
    if len(manager) > 128:
        cause = ("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes")
        raise invalid(_options(request), "meta.k8s.io", "", [cause])
    return manager


def _options(request: Request) -> str:
    words = {"POST": "Create", "PUT": "Update", "PATCH": "Patch", "DELETE": "Delete"}
    return f"{words[request.method]}Options"


def check_name(new: Object, call: Call) -> None:
    """400 unless an object bears the name of its URL."""
    name = new["metadata"].get("name", "")
    if not name:
        raise bad_request(
            f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided"
        )
    if name != call.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")


def check_preconditions(resource: Resource, stored: Stored, preconditions: Mapping[str, str]) -> None:
    """409 unless an object is the one that is to be deleted."""
    rules = (("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified"))
    for field, word, fate in rules:
        asked, known = preconditions.get(field), stored.value["metadata"][field]
        if asked and asked != known:
            why = (
                f"the {word} in the precondition ({asked}) does not match the {word} in record ({known}). "
                f"The object might have been {fate}"
            )
            raise conflict(resource.kind, resource.group, stored.value["metadata"]["name"], why)
