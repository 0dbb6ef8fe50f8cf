"""Events (core/v1): where they stand, what is taken of them, how they are found and shown; double and real alike."""

import pytest

from tests.sandbox.contract.client import EVENTS, Api, Json
from tests.sandbox.contract.events import NEWER, TIME, about, event


def test_an_event_comes_back_as_it_was_written(api: Api) -> None:
    """Stores all members that the program writes, unchanged."""
    made = api.call("POST", EVENTS, event(api))
    assert made.status == 201
    written = event(api)
    del written["metadata"]
    empty = {"eventTime": None, "reportingInstance": ""}
    assert {key: value for key, value in made.json.items() if key != "metadata"} == written | empty
    assert api.call("GET", f"{EVENTS}/{api.mine}.1").json == made.json


def test_a_writer_owns_what_it_wrote(api: Api) -> None:
    """Makes an Event's writer the owner of its members; a reference to an object is one member."""
    words = ("reason", "message", "type", "firstTimestamp", "lastTimestamp", "count", "reportingComponent")
    assert api.call("POST", EVENTS, event(api)).owned["contract"] == {
        **{f"f:{word}": {} for word in words},
        "f:involvedObject": {},
        "f:source": {"f:component": {}},
    }


def test_what_is_left_out_comes_back_empty(api: Api) -> None:
    """Writes null for times, and empty texts and objects, where an Event says nothing."""
    made = api.call("POST", EVENTS, {"metadata": {"name": api.mine}}).json
    del made["metadata"]
    assert made == {
        "kind": "Event",
        "apiVersion": "v1",
        "involvedObject": {},
        "source": {},
        **dict.fromkeys(("firstTimestamp", "lastTimestamp", "eventTime")),
        "reportingComponent": "",
        "reportingInstance": "",
    }


@pytest.mark.parametrize(
    ("namespace", "of", "newer", "is_taken"),
    [
        pytest.param("default", None, False, True, id="a node's in default"),
        pytest.param("kube-system", None, False, False, id="a node's elsewhere"),
        pytest.param("default", "kube-system", False, False, id="another namespace's"),
        pytest.param("kube-system", "kube-system", False, True, id="its own namespace's"),
        pytest.param("default", None, True, True, id="newer: a node's in default"),
        pytest.param("kube-system", None, True, True, id="newer: a node's in kube-system"),
        pytest.param("kube-public", None, True, False, id="newer: a node's elsewhere"),
        pytest.param("default", "kube-system", True, True, id="newer: another namespace's"),
    ],
)
def test_an_event_stands_where_its_object_is(
    api: Api, namespace: str, of: str | None, *, newer: bool, is_taken: bool
) -> None:
    """Takes an Event in the namespace of its object only; that of a node is `default`."""
    body = event(api, involvedObject=about(of), **(NEWER if newer else {}))
    answer = api.call("POST", EVENTS.replace("default", namespace), body)
    if is_taken:
        assert answer.status == 201, answer.json
        return
    assert answer.error == (422, "Invalid")
    assert answer.causes == [("FieldValueInvalid", "involvedObject.namespace")]
    assert answer.message == (
        f'Event "{api.mine}.1" is invalid: involvedObject.namespace: Invalid value: "{of or ""}": '
        "does not match event.namespace"
    )


def test_an_event_is_changed_within_its_rules_too(api: Api) -> None:
    """Lets the count of an Event go up, but not the namespace of its object change."""
    api.call("POST", EVENTS, event(api))
    path = f"{EVENTS}/{api.mine}.1"
    assert api.patch(path, {"count": 2, "lastTimestamp": TIME.replace("15", "16")}).json["count"] == 2
    moved = api.patch(path, {"involvedObject": {"namespace": "kube-system"}})
    assert moved.causes == [("FieldValueInvalid", "involvedObject.namespace")]


@pytest.mark.parametrize(
    "changes",
    [
        {"type": ""},
        {"type": "Zork"},
        {"reason": ""},
        {"reason": "no word " * 100},
        {"message": "x" * 5000},
        {"count": 0},
        {"count": -1},
        {"source": None},
        {"involvedObject": None},
        {"reportingComponent": "no name/"},
        {"firstTimestamp": None, "lastTimestamp": None},
    ],
)
def test_the_rest_of_an_event_is_taken_as_it_is(api: Api, changes: Json) -> None:
    """Takes any text for all members but name and namespace in an Event of the older form."""
    answer = api.call("POST", EVENTS, event(api, **changes))
    assert answer.status == 201, answer.json


@pytest.mark.parametrize(
    ("metadata", "cause"),
    [
        pytest.param({}, "FieldValueRequired", id="none"),
        pytest.param({"name": "a/b"}, "FieldValueInvalid", id="slash"),
        pytest.param({"name": "100%"}, "FieldValueInvalid", id="per cent"),
        pytest.param({"name": ".."}, "FieldValueInvalid", id="dots"),
    ],
)
def test_a_name_must_fit_a_path(api: Api, metadata: Json, cause: str) -> None:
    """Answers 422 to a name that cannot stand in a URL."""
    answer = api.call("POST", EVENTS, event(api, metadata=metadata))
    assert answer.error == (422, "Invalid")
    assert answer.causes == [(cause, "metadata.name")]


def test_a_name_need_not_be_one_of_dns(api: Api) -> None:
    """Takes names with spaces and capitals, and longer than 253 characters."""
    for metadata in ({"name": f"{api.mine} A_"}, {"name": api.mine * 20}, {"generateName": f"{api.mine}_"}):
        assert api.call("POST", EVENTS, event(api, metadata=metadata)).status == 201


def test_a_name_is_used_once(api: Api) -> None:
    """Answers 409 to a second Event of a name."""
    api.call("POST", EVENTS, event(api))
    answer = api.call("POST", EVENTS, event(api))
    assert (answer.error, answer.message) == ((409, "AlreadyExists"), f'events "{api.mine}.1" already exists')


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param(
            {"firstTimestamp": "today"},
            'parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"',
            id="no time",
        ),
        pytest.param(
            {"lastTimestamp": "2026-11-24 15:00:00Z"},
            'parsing time "2026-11-24 15:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse " 15:00:00Z" as "T"',
            id="space",
        ),
        pytest.param(
            {"lastTimestamp": "2026-11-24T15:00:00"},
            'parsing time "2026-11-24T15:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
            id="no zone",
        ),
        pytest.param(
            {"lastTimestamp": "2026-13-24T15:00:00Z"},
            'parsing time "2026-13-24T15:00:00Z": month out of range',
            id="no month",
        ),
        pytest.param(
            {"lastTimestamp": "2026-02-30T15:00:00Z"},
            'parsing time "2026-02-30T15:00:00Z": day out of range',
            id="no day",
        ),
        pytest.param({"lastTimestamp": f"{TIME}!"}, f'parsing time "{TIME}!": extra text: "!"', id="more than a time"),
        pytest.param(
            {"lastTimestamp": 1_000_000_000},
            "json: cannot unmarshal number into Go struct field Event.lastTimestamp of type string",
            id="number",
        ),
        pytest.param(
            {"count": "1"},
            "json: cannot unmarshal string into Go struct field Event.count of type int32",
            id="count is a word",
        ),
        pytest.param(
            {"source": "kube-node-dns"},
            "json: cannot unmarshal string into Go struct field Event.source of type v1.EventSource",
            id="source is a word",
        ),
        pytest.param(
            {"involvedObject": {"name": 1}},
            "json: cannot unmarshal number into Go struct field ObjectReference.involvedObject.name of type string",
            id="object's name is a number",
        ),
        pytest.param(
            {"eventTime": TIME},
            f'parsing time "{TIME}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
            id="eventTime in seconds",
        ),
    ],
)
def test_a_wrong_type_or_time_is_refused(api: Api, changes: Json, why: str) -> None:
    """Answers 400, in the words of the decoder, to members of a wrong type and to what is not a time."""
    answer = api.call("POST", EVENTS, event(api, **changes))
    assert answer.error == (400, "BadRequest")
    assert answer.message == f'Event in version "v1" cannot be handled as a Event: {why}'


def test_times_are_kept_in_seconds_of_utc(api: Api) -> None:
    """Drops fractions of a second, and converts times to UTC."""
    times = {"firstTimestamp": "2026-11-24T15:00:00.999999Z", "lastTimestamp": "2026-11-24T16:00:00+01:00"}
    made = api.call("POST", EVENTS, event(api, **times)).json
    assert (made["firstTimestamp"], made["lastTimestamp"]) == (TIME, TIME)


@pytest.mark.parametrize(
    ("changes", "causes"),
    [
        pytest.param({}, [], id="complete"),
        pytest.param(
            {"action": "", "reportingInstance": "", "reason": ""},
            [("FieldValueRequired", field) for field in ("reportingInstance", "action", "reason")],
            id="words missing",
        ),
        pytest.param(
            {"action": "x" * 129, "reportingInstance": "x" * 129, "reason": "x" * 129, "message": "x" * 1025},
            [("FieldValueInvalid", field) for field in ("reportingInstance", "action", "reason", "message")],
            id="words too long",
        ),
        pytest.param(
            {"reportingComponent": ""},
            [("FieldValueRequired", "reportingComponent"), *[("FieldValueInvalid", "reportingComponent")] * 2],
            id="no component",
        ),
        pytest.param(
            {"reportingComponent": "no name"}, [("FieldValueInvalid", "reportingComponent")], id="no component's name"
        ),
    ],
)
def test_an_event_with_an_event_time_keeps_to_more(api: Api, changes: Json, causes: list[tuple[str, str]]) -> None:
    """Wants component, instance, action and reason, of limited lengths, of an Event with an eventTime."""
    answer = api.call("POST", EVENTS, event(api, **NEWER | changes))
    assert (answer.causes if answer.status == 422 else []) == causes
    assert answer.status == (422 if causes else 201)
