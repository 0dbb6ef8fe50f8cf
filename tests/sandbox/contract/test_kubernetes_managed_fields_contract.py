"""managedFields: how a client learns who changed what, and whether it changed anything; double and real alike."""

from tests.sandbox.contract.client import READY, STRATEGIC, Api, Json, annotations


def test_a_write_names_its_manager_when_it_changes_something(api: Api) -> None:
    """annotate-once learns from this whether its patch changed anything."""
    api.node()
    first = api.patch(api.path(), annotations(a="1", b="1"), fieldManager="first")
    assert first.owned["first"] == {"f:metadata": {"f:annotations": {".": {}, "f:a": {}, "f:b": {}}}}
    entry = next(entry for entry in first.metadata["managedFields"] if entry["manager"] == "first")
    assert {key: entry[key] for key in entry if key not in ("fieldsV1", "time")} == {
        "manager": "first",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
    }
    assert len(entry["time"]) == len("2000-01-01T00:00:00Z")
    second = api.patch(api.path(), annotations(a="1", b="2"), fieldManager="second")
    assert second.owned["first"] == {"f:metadata": {"f:annotations": {".": {}, "f:a": {}}}}
    assert second.owned["second"] == {"f:metadata": {"f:annotations": {"f:b": {}}}}
    third = api.patch(api.path(), annotations(a="1", b="2"), fieldManager="third")
    assert third.json == second.json


def test_an_owner_of_nothing_is_forgotten(api: Api) -> None:
    """The list of managers does not grow with every field that comes and goes."""
    api.node()
    api.patch(api.path(), annotations(a="1"), fieldManager="first")
    assert "first" in api.patch(api.path(), annotations(b="1"), fieldManager="second").owned
    assert "first" not in api.patch(api.path(), {"metadata": {"annotations": None}}, fieldManager="third").owned


def test_fields_are_owned_per_subresource(api: Api) -> None:
    """A kubelet's status and its labels are two entries of one manager."""
    api.node()
    api.patch(api.path(), annotations(a="1"))
    change = {"metadata": {"annotations": {"b": "1"}}, "status": {"conditions": [READY]}}
    owned = api.patch(f"{api.path()}/status", change, STRATEGIC).owned
    leaves: Json = {".": {}, "f:type": {}, "f:status": {}, "f:lastHeartbeatTime": {}, "f:lastTransitionTime": {}}
    assert owned["contract"]["f:metadata"]["f:annotations"] == {".": {}, "f:a": {}}
    assert owned["contract/status"] == {
        "f:metadata": {"f:annotations": {"f:b": {}}},
        "f:status": {"f:conditions": {".": {}, 'k:{"type":"Ready"}': leaves}},
    }


def test_an_object_without_managed_fields_gets_none_by_an_update(api: Api) -> None:
    """Whoever strips them switches the tracking off: a writer then cannot see itself in the answer."""
    api.node()
    assert "managedFields" not in api.patch(api.path(), {"metadata": {"managedFields": [{}]}}).metadata
    changed = api.patch(api.path(), annotations(a="1"))
    assert changed.metadata["annotations"] == {"a": "1"}
    assert "managedFields" not in changed.metadata


def test_only_ten_managers_are_kept_apart(api: Api) -> None:
    """One manager per run would otherwise grow the object without end."""
    api.node()
    for number in range(12):
        owned = api.patch(api.path(), annotations(**{f"a{number}": "1"}), fieldManager=f"m{number:02}").owned
    assert len(owned) == 10
    assert "ancient-changes" in owned
    assert {"m10", "m11"} <= set(owned)


def test_the_manager_is_the_user_agent_unless_named(api: Api) -> None:
    """Users find out who wrote an annotation."""
    assert "contract" in api.node().owned
    assert api.patch(api.path(), annotations(a="1"), fieldManager="m" * 129).error == (422, "Invalid")
