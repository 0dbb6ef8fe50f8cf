"""What a kubelet may write that others have to read: odd times, depth and size; double and real alike."""

import pytest

from tests.sandbox.contract.client import LEASES, STRATEGIC, Api, Json

LEVELS_ABOVE = 4
"""The levels of an object in which the fields of a managedFields entry stand."""
DEEPEST = 10_000
"""How many levels of JSON the server takes."""


def entry(fields: object, time: str | None = "2001-01-01T00:00:00Z", **members: object) -> Json:
    """Build an entry of the managedFields of a Lease, of a manager that does not exist."""
    named = {"manager": "stranger", "operation": "Update", "apiVersion": "coordination.k8s.io/v1"}
    return {**named, "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields, **members}


RENEWS: Json = {"f:spec": {"f:renewTime": {}}}


def lease(api: Api, *entries: Json, **spec: object) -> Json:
    """Build a Lease with managedFields."""
    return {"metadata": {"name": api.mine, "managedFields": list(entries)}, "spec": spec}


# Times


@pytest.mark.parametrize(
    ("time", "stored"),
    [
        pytest.param("0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z", id="year 0"),
        pytest.param("0000-01-01T00:00:00+01:00", "-0001-12-31T23:00:00Z", id="year before 0"),
        pytest.param("0001-01-01T00:00:00Z", None, id="no time"),
        pytest.param("9999-12-31T23:59:59-01:00", "10000-01-01T00:59:59Z", id="year 10000"),
        pytest.param("9999-12-31T23:59:59-24:60", "10000-01-02T00:59:59Z", id="widest offset"),
        pytest.param("2026-11-24T15:12:05.999999999Z", "2026-11-24T15:12:05Z", id="nanoseconds"),
        pytest.param("2026-11-24T5:12:05,5Z", "2026-11-24T05:12:05Z", id="short hour and comma"),
    ],
)
def test_a_condition_may_have_changed_in_any_year(api: Api, time: str, stored: str | None) -> None:
    """Times come back in UTC, with a year that many libraries cannot represent."""
    api.node()
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": time}
    answer = api.patch(f"{api.path()}/status", {"status": {"conditions": [condition]}}, STRATEGIC)
    assert answer.status == 200, answer.json
    assert answer.json["status"]["conditions"][0]["lastTransitionTime"] == stored
    assert api.list().json["items"][0]["status"] == answer.json["status"]


@pytest.mark.parametrize(
    ("time", "why"),
    [
        pytest.param("10000-01-01T00:00:00Z", 'cannot parse "0-01-01T00:00:00Z" as "-"', id="five digits"),
        pytest.param("-0001-12-31T23:00:00Z", 'cannot parse "-0001-12-31T23:00:00Z" as "2006"', id="negative"),
        pytest.param("2026-11-24T15:12:05+25:00", "time zone offset hour out of range", id="offset"),
        pytest.param("2026-11-24T15:12:05+01:61", "time zone offset minute out of range", id="minutes of the offset"),
        pytest.param("2026-02-29T15:12:05Z", "day out of range", id="day"),
    ],
)
def test_a_year_has_four_digits_on_the_way_in(api: Api, time: str, why: str) -> None:
    """What the server returns it does not take back, so such an object cannot be replaced as it was read."""
    answer = api.call("POST", LEASES, lease(api, entry(RENEWS, time)))
    assert answer.error == (400, "BadRequest")
    assert answer.message.endswith(why)


def test_an_object_with_an_odd_time_cannot_be_patched(api: Api) -> None:
    """The server applies a patch to what it would return, and decodes the result."""
    api.node()
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": "9999-12-31T23:59:59-01:00"}
    assert api.patch(f"{api.path()}/status", {"status": {"conditions": [condition]}}).status == 200
    answer = api.patch(api.path(), {"metadata": {"annotations": {"a": "1"}}})
    assert answer.error == (422, "Invalid")
    assert 'cannot parse "0-01-01T00:59:59Z" as "-"' in answer.message


def test_managed_fields_are_sorted_by_time(api: Api) -> None:
    """The order of the years counts, not that of their digits."""
    early, late = entry(RENEWS, "0000-01-01T00:00:00Z"), entry(RENEWS, "9999-12-31T23:59:59-01:00", manager="late")
    answer = api.call("POST", LEASES, lease(api, late, early, leaseDurationSeconds=40))
    times = [each["time"] for each in answer.metadata["managedFields"]]
    assert (times[0], times[-1]) == ("0000-01-01T00:00:00Z", "10000-01-01T00:59:59Z")
    assert len(times) == 3


# Whose fields


def test_a_client_may_send_managed_fields(api: Api) -> None:
    """Whoever may write a Lease may claim that it was renewed at any time, by anybody."""
    answer = api.call("POST", LEASES, lease(api, entry(RENEWS), leaseDurationSeconds=40))
    assert answer.owned == {"stranger": RENEWS, "contract": {"f:spec": {"f:leaseDurationSeconds": {}}}}
    replaced = api.patch(f"{LEASES}/{api.mine}", {"metadata": {"managedFields": [entry(RENEWS, manager="other")]}})
    assert replaced.owned == {"other": RENEWS}


def test_a_writer_owns_what_it_changes_whatever_it_sends(api: Api) -> None:
    """A field has no second owner that a client made up."""
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
    """A client that does not know their form does not delete them; good ones beside them do not count either."""
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
    """They replace those that were there all the same."""
    path = f"{LEASES}/{api.mine}"
    api.call("POST", LEASES, lease(api, leaseDurationSeconds=40))
    assert api.patch(path, {"metadata": {"managedFields": [sent]}}).owned == {}
    other = entry(RENEWS, manager="other")
    assert set(api.patch(path, {"metadata": {"managedFields": [sent, other]}}).owned) == {"other"}


def test_managed_fields_switch_the_tracking_on_again(api: Api) -> None:
    """An object whose managers were stripped has some again from then on."""
    path = f"{LEASES}/{api.mine}"
    api.call("POST", LEASES, lease(api, leaseDurationSeconds=40))
    assert api.patch(path, {"metadata": {"managedFields": []}}).owned == {}
    assert set(api.patch(path, {"metadata": {"managedFields": [entry(RENEWS)]}}).owned) == {"stranger"}
    assert set(api.patch(path, {"spec": {"leaseDurationSeconds": 41}}).owned) == {"stranger", "contract"}


def test_a_manager_has_a_short_name(api: Api) -> None:
    """Nobody fills an object with the names of its managers."""
    answer = api.call("POST", LEASES, lease(api, entry(RENEWS, manager="m" * 129)))
    assert answer.causes == [("FieldValueTooLong", "metadata.managedFields[0].manager")]


# Depth


def nested(levels: int) -> bytes:
    """Write so many levels of fields."""
    return b'{"f:a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


def deep_lease(api: Api, levels: int) -> bytes:
    """Write a Lease of so many levels."""
    fields = nested(levels - LEVELS_ABOVE)
    written = b'{"metadata":{"name":"%b","managedFields":[{"manager":"m","operation":"Update","fieldsType":"FieldsV1",'
    return (written % api.mine.encode()) + b'"apiVersion":"coordination.k8s.io/v1","fieldsV1":%b}]}}' % fields


def test_an_object_has_ten_thousand_levels(api: Api) -> None:
    """A list of such objects is two levels deeper than any of them."""
    assert api.call("POST", LEASES, deep_lease(api, DEEPEST)).status == 201
    for query in ({}, {"fieldSelector": f"metadata.name={api.mine}"}):
        assert nested(DEEPEST - LEVELS_ABOVE) in api.call("GET", LEASES, query=query).data


def test_a_patch_has_ten_thousand_levels(api: Api) -> None:
    """Patches are decoded as objects are."""
    api.call("POST", LEASES, {"metadata": {"name": api.mine}})
    path = f"{LEASES}/{api.mine}"
    assert api.patch(path, deep_lease(api, DEEPEST)).status == 200
    refused = api.patch(path, deep_lease(api, DEEPEST + 1))
    assert (refused.error, refused.message) == ((400, "BadRequest"), "invalid JSON patch")


def test_an_object_has_no_more_levels(api: Api) -> None:
    """Nothing deeper is stored, in no member: not in one that the server does not know."""
    unknown = b'{"metadata":{"name":"%b"},"x":%b}' % (api.mine.encode(), b"[" * DEEPEST + b"]" * DEEPEST)
    for body, bracket in ((deep_lease(api, DEEPEST + 1), "{"), (unknown, "[")):
        answer = api.call("POST", LEASES, body)
        assert answer.error == (400, "BadRequest")
        assert (
            f"json parse error: invalid character '{bracket}' exceeded max depth ({body[:30].decode()} ...)"
            in answer.message
        )


# Size


def test_a_message_may_have_a_megabyte(api: Api) -> None:
    """A condition's message is as long as its kubelet likes, and so is its status."""
    api.node()
    condition = {"type": "Ready", "status": "x" * 1_000, "message": "m" * 1_000_000}
    answer = api.patch(f"{api.path()}/status", {"status": {"conditions": [condition]}}, STRATEGIC)
    assert answer.status == 200, answer.json
    shown = api.list().json["items"][0]["status"]["conditions"][0]
    assert (len(shown["status"]), len(shown["message"])) == (1_000, 1_000_000)


def test_an_object_has_at_most_a_megabyte_and_a_half(api: Api) -> None:
    """What etcd does not take is refused with its own words."""
    api.node()
    condition = {"type": "Ready", "status": "True", "message": "m" * 1_600_000}
    answer = api.patch(f"{api.path()}/status", {"status": {"conditions": [condition]}}, STRATEGIC)
    assert (answer.error, answer.message) == ((500, ""), "etcdserver: request is too large")


def test_annotations_have_256_kib_together(api: Api) -> None:
    """Bytes are counted, of keys and of values."""
    api.node(metadata={"annotations": {"a": "x" * (128 * 1024 - 1), "b": "ü" * (64 * 1024 - 1)}})
    assert api.patch(api.path(), {"metadata": {"annotations": {"c": ""}}}).status == 200
    answer = api.patch(api.path(), {"metadata": {"annotations": {"c": "1"}}})
    assert answer.error == (422, "Invalid")
    assert answer.message.endswith("metadata.annotations: Too long: may not be more than 262144 bytes")
