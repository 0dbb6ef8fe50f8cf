"""What a kubelet may write that others have to read: odd times, depth and size; double and real alike."""

import pytest

from tests.sandbox.contract.client import LEASES, NODES, STRATEGIC, Api

LEVELS_ABOVE = 4
"""The levels of an object in which the fields of a managedFields entry stand."""
DEEPEST = 10_000
"""How many levels of JSON the server takes."""

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
    """Takes offsets that lead out of the years 0 to 9999, and gives such times back in UTC."""
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
    """Refuses a year of more digits or with a sign, though it gives such years back."""
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": time}
    answer = api.call("POST", NODES, {"metadata": {"name": api.mine}, "status": {"conditions": [condition]}})
    assert answer.error == (400, "BadRequest")
    assert answer.message.endswith(why)


def test_an_object_with_an_odd_time_cannot_be_patched(api: Api) -> None:
    """Answers 422 to any patch of an object with a year of five digits: it decodes the result."""
    api.node()
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": "9999-12-31T23:59:59-01:00"}
    assert api.patch(f"{api.path()}/status", {"status": {"conditions": [condition]}}).status == 200
    answer = api.patch(api.path(), {"metadata": {"annotations": {"a": "1"}}})
    assert answer.error == (422, "Invalid")
    assert 'cannot parse "0-01-01T00:59:59Z" as "-"' in answer.message


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
    """Takes an object nested 10,000 levels deep, and gives it back in lists, two levels deeper."""
    assert api.call("POST", LEASES, deep_lease(api, DEEPEST)).status == 201
    for query in ({}, {"fieldSelector": f"metadata.name={api.mine}"}):
        assert nested(DEEPEST - LEVELS_ABOVE) in api.call("GET", LEASES, query=query).data


def test_a_patch_has_no_more_levels_either(api: Api) -> None:
    """Takes a deep patch, and answers 400 to one of more levels than an object may have."""
    api.call("POST", LEASES, {"metadata": {"name": api.mine}})
    path = f"{LEASES}/{api.mine}"
    assert api.patch(path, deep_lease(api, 1_200)).status == 200  # the real one takes half a minute for 10,000
    refused = api.patch(path, deep_lease(api, DEEPEST + 1))
    assert (refused.error, refused.message) == ((400, "BadRequest"), "invalid JSON patch")


def test_an_object_has_no_more_levels(api: Api) -> None:
    """Answers 400 to one level more, also in a member that it does not know."""
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
    """Takes a condition with a message of a megabyte, and with any status."""
    api.node()
    condition = {"type": "Ready", "status": "x" * 1_000, "message": "m" * 1_000_000}
    answer = api.patch(f"{api.path()}/status", {"status": {"conditions": [condition]}}, STRATEGIC)
    assert answer.status == 200, answer.json
    shown = api.list().json["items"][0]["status"]["conditions"][0]
    assert (len(shown["status"]), len(shown["message"])) == (1_000, 1_000_000)


def test_an_object_has_at_most_a_megabyte_and_a_half(api: Api) -> None:
    """Answers 500, with etcd's words, to an object that is larger."""
    api.node()
    condition = {"type": "Ready", "status": "True", "message": "m" * 1_600_000}
    answer = api.patch(f"{api.path()}/status", {"status": {"conditions": [condition]}}, STRATEGIC)
    assert (answer.error, answer.message) == ((500, ""), "etcdserver: request is too large")


def test_annotations_have_256_kib_together(api: Api) -> None:
    """Answers 422 when the keys and values of all annotations have more bytes."""
    api.node(metadata={"annotations": {"a": "x" * (128 * 1024 - 1), "b": "ü" * (64 * 1024 - 1)}})
    assert api.patch(api.path(), {"metadata": {"annotations": {"c": ""}}}).status == 200
    answer = api.patch(api.path(), {"metadata": {"annotations": {"c": "1"}}})
    assert answer.error == (422, "Invalid")
    assert answer.message.endswith("metadata.annotations: Too long: may not be more than 262144 bytes")
