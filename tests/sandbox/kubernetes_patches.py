"""The patch formats of the API: JSON patch, merge patch, and what of strategic merge patch the kinds here need."""

import copy
from typing import Any

import jsonpatch

from tests.sandbox.kubernetes_errors import ApiError, Object, bad_request
from tests.sandbox.kubernetes_json import read
from tests.sandbox.kubernetes_schema import List, Map, Struct, Type, Untyped

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
_OFFERED = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)


def patched(content_type: str, schema: Type, current: Object, body: bytes) -> Object:
    """Apply a patch of the given type to a copy of an object."""
    if content_type not in _OFFERED:
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    try:
        patch = read(body)
    except ValueError:
        raise bad_request("invalid JSON patch") from None
    if content_type == JSON_PATCH:
        return _json_patch(current, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    if content_type == MERGE_PATCH:
        merged: Object = _merge(current, patch)
        return merged
    return _strategic(schema, current, patch)


def _json_patch(current: Object, patch: Any) -> Object:  # noqa: ANN401 - JSON is anything
    if not isinstance(patch, list) or not all(isinstance(operation, dict) for operation in patch):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    try:
        result: object = jsonpatch.apply_patch(copy.deepcopy(current), patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise _unprocessable() from error
    if not isinstance(result, dict):
        raise _unprocessable()
    return result


def _unprocessable() -> ApiError:
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def _merge(target: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON is anything
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


def _strategic(schema: Type, target: Any, patch: Object) -> Object:  # noqa: ANN401 - JSON is anything
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            if (key, value) != ("$patch", "replace"):
                raise bad_request(f"strategic merge patch directive {key}: {value} is not supported here")
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _strategic(_member(schema, key), result.get(key), value)
        elif isinstance(value, list):
            result[key] = _strategic_list(_member(schema, key), result.get(key) or [], value)
        else:
            result[key] = value
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    return result


def _member(schema: Type, key: str) -> Type:
    match schema:
        case Struct(fields=fields):
            return fields.get(key, Untyped())
        case Map(element):
            return element
    return Untyped()


def _strategic_list(schema: Type, current: list[Any], patch: list[Any]) -> list[Any]:
    match schema:
        case List(unique=True):
            return _in_order(dict(zip(patch, patch, strict=True)), dict(zip(current, current, strict=True)))
        case List(element, key=key) if key:
            return _merge_by_key(element, key, current, patch)
        case Untyped() if any(isinstance(item, dict) and "$patch" in item for item in patch):
            raise bad_request("strategic merge patch of this list is not supported here")
    return patch


def _merge_by_key(element: Type, key: str, current: list[Any], patch: list[Any]) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    known, merged = {item.get(key): item for item in current}, {}
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise ApiError(500, "", f"map: {_go_map(item)} does not contain declared merge key: {key}")
        if item.get("$patch") == "delete":
            known.pop(item[key], None)
        else:
            merged[item[key]] = _strategic(element, known.get(item[key]), item)
    return _in_order(merged, known)


def _in_order(merged: dict[Any, Any], known: dict[Any, Any]) -> list[Any]:
    """Put the items of the patch and those only the server has in the order the server gives them.

    The patch's own order is kept; an item of the server goes before the first of the patch that it used to precede.
    """
    places = {key: place for place, key in enumerate(known)}
    left, result = [key for key in known if key not in merged], []
    for key, item in merged.items():
        while left and places[left[0]] < places.get(key, -1):
            result.append(known[left.pop(0)])
        result.append(item)
    return result + [known[key] for key in left]


def _go_map(item: Any) -> str:  # noqa: ANN401 - JSON is anything
    return f"map[{' '.join(f'{key}:{value}' for key, value in item.items())}]" if isinstance(item, dict) else str(item)
