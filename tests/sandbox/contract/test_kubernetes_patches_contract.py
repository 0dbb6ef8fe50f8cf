"""Patches: what they change, leave alone and are refused for, double and real alike."""

import pytest

from tests.sandbox.contract.client import JSON_PATCH, MERGE, READY, STRATEGIC, Api, Json, annotations

DISK = {"type": "DiskPressure", "status": "False", "lastHeartbeatTime": None, "lastTransitionTime": None}


def test_a_merge_patch_sets_and_removes(api: Api) -> None:
    """Sets an annotation and removes another in one request."""
    api.node(metadata={"annotations": {"old": "1", "kept": ""}})
    patched = api.patch(api.path(), annotations(old=None, new="2"))
    assert patched.metadata["annotations"] == {"kept": "", "new": "2"}


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
def test_a_patch_that_changes_nothing_writes_nothing(api: Api, content_type: str) -> None:
    """Keeps the resourceVersion when nothing changes: no watcher wakes."""
    api.node(metadata={"annotations": {"a": "1"}})
    before = api.call("GET", api.path()).json
    body = {"metadata": {"annotations": {"a": "1", "b": None}}, "spec": {"unschedulable": False}}
    answer = api.patch(api.path(), body, content_type, fieldManager="somebody-else")
    assert (answer.status, answer.json) == (200, before)


def test_a_strategic_merge_patch_merges_conditions_by_type(api: Api) -> None:
    """Changes the conditions of the types named, and keeps the others."""
    api.node()
    api.patch(f"{api.path()}/status", {"status": {"conditions": [READY]}}, STRATEGIC)
    change = {"status": {"conditions": [DISK, {"type": "Ready", "message": "m"}]}}
    patched = api.patch(f"{api.path()}/status", change, STRATEGIC)
    assert patched.json["status"]["conditions"] == [DISK, {**READY, "message": "m"}]
    gone = {"status": {"conditions": [{"type": "DiskPressure", "$patch": "delete"}]}}
    assert api.patch(f"{api.path()}/status", gone, STRATEGIC).json["status"]["conditions"] == [
        {**READY, "message": "m"}
    ]


def test_a_strategic_merge_patch_replaces_taints(api: Api) -> None:
    """Replaces all taints."""
    api.node()
    for key in ("a", "b"):
        body = {"spec": {"taints": [{"key": key, "effect": "NoExecute"}]}}
        assert api.patch(api.path(), body, STRATEGIC).json["spec"]["taints"] == body["spec"]["taints"]


def test_a_json_patch_is_applied_whole_or_not_at_all(api: Api) -> None:
    """Applies all operations, or none when a test among them fails."""
    version = api.node(metadata={"annotations": {"a": "1"}}).version
    place = "/metadata/annotations"
    add = {"op": "add", "path": f"{place}/b", "value": "2"}
    failing = [add, {"op": "test", "path": f"{place}/a", "value": "0"}]
    refused = api.patch(api.path(), failing, JSON_PATCH)
    assert refused.error == (422, "Invalid")
    assert refused.message == "the server rejected our request due to an error in our request"
    assert api.call("GET", api.path()).version == version
    steps = [
        {"op": "test", "path": f"{place}/a", "value": "1"},
        add,
        {"op": "copy", "from": f"{place}/a", "path": f"{place}/c"},
        {"op": "move", "from": f"{place}/a", "path": f"{place}/d"},
        {"op": "replace", "path": f"{place}/b", "value": "3"},
        {"op": "remove", "path": "/metadata/labels/test"},
    ]
    patched = api.patch(api.path(), steps, JSON_PATCH)
    assert (patched.metadata["annotations"], "labels" in patched.metadata) == ({"b": "3", "c": "1", "d": "1"}, False)


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
@pytest.mark.parametrize("body", [annotations(a=1), {"metadata": {"annotations": ["a"]}}])  # type: ignore[arg-type]
def test_a_patch_to_a_wrong_type_is_invalid(api: Api, body: Json, content_type: str) -> None:
    """Answers 422 to a patch that would make an annotation something other than text."""
    api.node()
    answer = api.patch(api.path(), body, content_type)
    assert answer.error == (422, "Invalid")
    assert answer.causes == [("FieldValueInvalid", "patch")]


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC, JSON_PATCH])
@pytest.mark.parametrize("body", [b"{nope", b"", b"3"])
def test_a_patch_that_is_none_is_a_bad_request(api: Api, content_type: str, body: bytes) -> None:
    """Answers 400 to what is not a patch."""
    api.node()
    assert api.patch(api.path(), body, content_type).error == (400, "BadRequest")


def test_a_patch_must_name_a_known_format(api: Api) -> None:
    """Answers 415 to a patch without a Content-Type of patches."""
    api.node()
    assert api.patch(api.path(), annotations(a="1"), "application/json").error == (415, "UnsupportedMediaType")


def test_a_patch_may_insist_on_a_version(api: Api) -> None:
    """Answers 409 to a patch that names an old version."""
    stale = api.node().version
    fresh = api.patch(api.path(), annotations(a="1")).version
    assert api.patch(api.path(), {"metadata": {"resourceVersion": stale}}).error == (409, "Conflict")
    assert api.patch(api.path(), {"metadata": {"resourceVersion": fresh}}).version == fresh
    assert api.patch(api.path(), {"metadata": {"name": "other"}}).error == (400, "BadRequest")
