"""managedFields: how a client learns who changed what, and whether it changed anything; double and real alike."""

import pytest

from tests.sandbox.contract.client import LEASES, READY, STRATEGIC, Api, Json, annotations

RENEWS: Json = {"f:spec": {"f:renewTime": {}}}


def entry(fields: object, time: str | None = "2001-01-01T00:00:00Z", **members: object) -> Json:
    """Build an entry of the managedFields of a Lease, of a manager that does not exist."""
    named = {"manager": "stranger", "operation": "Update", "apiVersion": "coordination.k8s.io/v1"}
    return {**named, "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields, **members}


def lease(api: Api, *entries: Json, **spec: object) -> Json:
    """Build a Lease with managedFields."""
    return {"metadata": {"name": api.mine, "managedFields": list(entries)}, "spec": spec}


# Kept by the server


def test_a_write_names_its_manager_when_it_changes_something(api: Api) -> None:
    """Names the manager of a write, with what it changed; not that of a write which changes nothing."""
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
    """Forgets a manager whose last field another one has changed or removed."""
    api.node()
    api.patch(api.path(), annotations(a="1"), fieldManager="first")
    assert "first" in api.patch(api.path(), annotations(b="1"), fieldManager="second").owned
    assert "first" not in api.patch(api.path(), {"metadata": {"annotations": None}}, fieldManager="third").owned


def test_fields_are_owned_per_subresource(api: Api) -> None:
    """Keeps one manager's writes of an object and of its status apart."""
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


def test_only_ten_managers_are_kept_apart(api: Api) -> None:
    """Merges the oldest managers once there are more than ten."""
    api.node()
    for number in range(12):
        owned = api.patch(api.path(), annotations(**{f"a{number}": "1"}), fieldManager=f"m{number:02}").owned
    assert len(owned) == 10
    assert "ancient-changes" in owned
    assert {"m10", "m11"} <= set(owned)


def test_the_manager_is_the_user_agent_unless_named(api: Api) -> None:
    """Takes the user agent for the manager's name; a name has at most 128 characters."""
    assert "contract" in api.node().owned
    assert api.patch(api.path(), annotations(a="1"), fieldManager="m" * 129).error == (422, "Invalid")


# Sent by clients


def test_managed_fields_are_sorted_by_time(api: Api) -> None:
    """Sorts managers by time: the years count, not their digits."""
    early, late = entry(RENEWS, "0000-01-01T00:00:00Z"), entry(RENEWS, "9999-12-31T23:59:59-01:00", manager="late")
    answer = api.call("POST", LEASES, lease(api, late, early, leaseDurationSeconds=40))
    times = [each["time"] for each in answer.metadata["managedFields"]]
    assert (times[0], times[-1]) == ("0000-01-01T00:00:00Z", "10000-01-01T00:59:59Z")
    assert len(times) == 3


def test_a_client_may_send_managed_fields(api: Api) -> None:
    """Stores the managers that a client sends: who may write a Lease may claim any renewal."""
    answer = api.call("POST", LEASES, lease(api, entry(RENEWS), leaseDurationSeconds=40))
    assert answer.owned == {"stranger": RENEWS, "contract": {"f:spec": {"f:leaseDurationSeconds": {}}}}
    replaced = api.patch(f"{LEASES}/{api.mine}", {"metadata": {"managedFields": [entry(RENEWS, manager="other")]}})
    assert replaced.owned == {"other": RENEWS}


def test_a_writer_owns_what_it_changes_whatever_it_sends(api: Api) -> None:
    """Makes the writer the owner of what it changes, whatever managers it sends."""
    answer = api.call(
        "POST", LEASES, lease(api, entry({"f:spec": {"f:leaseDurationSeconds": {}}}), leaseDurationSeconds=40)
    )
    assert list(answer.owned) == ["contract"]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(entry({"f:spec": 5}), id="fields are a number"),
        pytest.param(entry({"spec": {}}), id="fields are none"),
        pytest.param(entry(RENEWS, operation="Replace"), id="operation"),
        pytest.param(entry(RENEWS, fieldsType="FieldsV2"), id="type"),
    ],
)
def test_managed_fields_that_cannot_be_decoded_count_as_not_sent(api: Api, sent: Json) -> None:
    """Ignores all managers that a client sends when one of them cannot be decoded."""
    path = f"{LEASES}/{api.mine}"
    before = api.call("POST", LEASES, lease(api, leaseDurationSeconds=40))
    for entries in ([sent], [sent, entry(RENEWS, manager="other")]):
        assert api.patch(path, {"metadata": {"managedFields": entries}}).json == before.json


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(entry({}), id="no fields"),
        pytest.param(entry(RENEWS, apiVersion="v1"), id="version"),
    ],
)
def test_managed_fields_that_say_nothing_are_forgotten(api: Api, sent: Json) -> None:
    """Replaces the managers by those sent, but for those without fields or of an unknown version."""
    path = f"{LEASES}/{api.mine}"
    api.call("POST", LEASES, lease(api, leaseDurationSeconds=40))
    assert api.patch(path, {"metadata": {"managedFields": [sent]}}).owned == {}
    other = entry(RENEWS, manager="other")
    assert set(api.patch(path, {"metadata": {"managedFields": [sent, other]}}).owned) == {"other"}


@pytest.mark.parametrize("stripped", [[], [{}]], ids=["nothing", "an empty entry"])
def test_who_sends_none_switches_the_tracking_off(api: Api, stripped: list[Json]) -> None:
    """Tracks no owners after a client has sent none, until one sends some."""
    path = f"{LEASES}/{api.mine}"
    api.call("POST", LEASES, lease(api, leaseDurationSeconds=40))
    assert "managedFields" not in api.patch(path, {"metadata": {"managedFields": stripped}}).metadata
    changed = api.patch(path, {"spec": {"leaseDurationSeconds": 41}})
    assert (changed.json["spec"], "managedFields" in changed.metadata) == ({"leaseDurationSeconds": 41}, False)
    assert set(api.patch(path, {"metadata": {"managedFields": [entry(RENEWS)]}}).owned) == {"stranger"}
    assert set(api.patch(path, {"spec": {"leaseDurationSeconds": 42}}).owned) == {"stranger", "contract"}


def test_a_manager_has_a_short_name(api: Api) -> None:
    """Answers 422 to a manager of more than 128 bytes."""
    answer = api.call("POST", LEASES, lease(api, entry(RENEWS, manager="m" * 129)))
    assert answer.causes == [("FieldValueTooLong", "metadata.managedFields[0].manager")]
