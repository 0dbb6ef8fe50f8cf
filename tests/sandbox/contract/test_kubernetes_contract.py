"""Objects: what the API server accepts, changes, refuses and records, double and real alike."""

import pytest

from tests.sandbox.contract.client import CRONJOBS, LEASES, NODES, Api, Json, annotations

# Creating


def test_a_created_object_has_its_system_fields(api: Api) -> None:
    """Gives a new object uid, resourceVersion and creationTimestamp."""
    created = api.node()
    assert (created.json["kind"], created.json["apiVersion"]) == ("Node", "v1")
    assert {"uid", "resourceVersion", "creationTimestamp"} <= set(created.metadata)
    assert created.metadata["creationTimestamp"].endswith("Z")
    assert api.call("GET", api.path()).json == created.json


def test_empty_members_come_back_as_the_server_writes_them(api: Api) -> None:
    """Gives a node that no kubelet has described an empty bootID, and leaves out other empty members."""
    created = api.node(spec={"unschedulable": False}, metadata={"annotations": {}})
    assert created.json["status"]["nodeInfo"]["bootID"] == ""
    assert "unschedulable" not in created.json["spec"]
    assert "annotations" not in created.metadata


def test_a_new_node_is_tainted_until_it_is_ready(api: Api) -> None:
    """Adds the taint not-ready to a new node."""
    taints = api.node().json["spec"]["taints"]
    assert taints == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


def test_names_can_be_generated(api: Api) -> None:
    """Makes a name of its own from generateName each time."""
    body = {"metadata": {"generateName": f"{api.mine}-"}}
    names = {api.call("POST", LEASES, body).metadata["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith(f"{api.mine}-") and len(name) == len(api.mine) + 6 for name in names)


def test_a_taken_name_is_refused(api: Api) -> None:
    """Answers 409 to a second object of a name, and keeps the first."""
    api.node()
    again = api.call("POST", NODES, {"metadata": {"name": api.mine}})
    assert again.error == (409, "AlreadyExists")
    assert again.message == f'nodes "{api.mine}" already exists'
    assert again.json["details"] == {"name": api.mine, "kind": "nodes"}


@pytest.mark.parametrize(
    ("metadata", "causes"),
    [
        pytest.param({"name": "Bad_Name"}, [("FieldValueInvalid", "metadata.name")], id="name"),
        pytest.param({}, [("FieldValueRequired", "metadata.name")], id="no name"),
        pytest.param(
            {"name": "n", "labels": {"a b": "c d"}, "annotations": {"x/y/z": ""}},
            [("FieldValueInvalid", f"metadata.{field}") for field in ("labels", "labels", "annotations")],
            id="label key, label value, annotation key",
        ),
    ],
)
def test_invalid_metadata_is_refused(api: Api, metadata: Json, causes: list[tuple[str, str]]) -> None:
    """Answers 422, with a cause for each fault of names, labels and annotations."""
    answer = api.call("POST", NODES, {"metadata": metadata})
    assert answer.error == (422, "Invalid")
    assert answer.causes == causes
    assert answer.message.startswith(f'Node "{metadata.get("name", "")}" is invalid: ')


def test_a_label_that_is_invalid_says_why(api: Api) -> None:
    """Says what a label's value must look like."""
    answer = api.call("POST", NODES, {"metadata": {"name": "n", "labels": {"a": "-"}}})
    assert answer.message == (
        'Node "n" is invalid: metadata.labels: Invalid value: "-": a valid label must be an empty string or consist of '
        "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
        "'MyValue',  or 'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    )


@pytest.mark.parametrize(
    "taints",
    [
        pytest.param([{"key": "k", "effect": "Never"}], id="effect"),
        pytest.param([{"key": "k"}], id="no effect"),
        pytest.param([{"key": "k k", "effect": "NoSchedule"}], id="key"),
        pytest.param([{"key": "k", "effect": "NoSchedule"}] * 2, id="twice"),
    ],
)
def test_invalid_taints_are_refused(api: Api, taints: list[Json]) -> None:
    """Answers 422 to taints without a good key and effect, or of which two are the same."""
    assert api.call("POST", NODES, {"metadata": {"name": "n"}, "spec": {"taints": taints}}).error == (422, "Invalid")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(
            {"metadata": {"annotations": {"a": 1}}},
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.annotations of type string",
            id="annotation is a number",
        ),
        pytest.param(
            {"metadata": {"labels": ["a"]}},
            "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
            id="labels are a list",
        ),
        pytest.param(
            {"spec": {"unschedulable": "yes"}},
            "json: cannot unmarshal string into Go struct field NodeSpec.spec.unschedulable of type bool",
            id="boolean is a string",
        ),
        pytest.param(
            {"spec": {"taints": {}}},
            "json: cannot unmarshal object into Go struct field NodeSpec.spec.taints of type []v1.Taint",
            id="taints are an object",
        ),
        pytest.param(
            {"status": {"conditions": {}}},
            "json: cannot unmarshal object into Go struct field NodeStatus.status.conditions of type "
            "[]v1.NodeCondition",
            id="conditions are an object",
        ),
    ],
)
def test_wrong_types_are_a_bad_request(api: Api, body: Json, why: str) -> None:
    """Answers 400 and names the member that is of a wrong type: a number is not an annotation."""
    answer = api.call("POST", NODES, body)
    assert answer.error == (400, "BadRequest")
    assert answer.message == f'Node in version "v1" cannot be handled as a Node: {why}'


@pytest.mark.parametrize("body", [b"{nope", b"[]", b""])
def test_what_is_no_json_object_is_a_bad_request(api: Api, body: bytes) -> None:
    """Answers 400 to a body that is not a JSON object."""
    assert api.call("POST", NODES, body).error == (400, "BadRequest")


def test_unknown_fields_are_dropped_unless_strictness_is_asked_for(api: Api) -> None:
    """Drops a misspelt field, and reports it when fieldValidation is Strict."""
    assert "bogus" not in api.node(spec={"bogus": 1}).json["spec"]
    body = {"metadata": {"name": "n", "zork": 1}, "spec": {"bogus": 1}}
    answer = api.call("POST", NODES, body, query={"fieldValidation": "Strict"})
    assert answer.error == (400, "BadRequest")
    assert answer.message.endswith('strict decoding error: unknown field "metadata.zork", unknown field "spec.bogus"')


def test_a_dry_run_changes_nothing(api: Api) -> None:
    """Shows what a write would do, and stores nothing."""
    assert api.call("POST", NODES, {"metadata": {"name": api.mine}}, query={"dryRun": "All"}).status == 201
    assert api.call("GET", api.path()).error == (404, "NotFound")
    version = api.node().version
    shown = api.patch(api.path(), annotations(a="1"), dryRun="All")
    assert shown.metadata["annotations"] == {"a": "1"}
    assert api.call("DELETE", api.path(), query={"dryRun": "All"}).status == 200
    assert api.call("GET", api.path()).version == version
    assert api.call("DELETE", api.path(), query={"dryRun": "Some"}).error == (422, "Invalid")


# Replacing


def test_a_replacement_needs_the_version_it_was_made_from(api: Api) -> None:
    """Answers 409 to a replacement of a version that is no longer the newest."""
    stale = api.node().json
    fresh = api.patch(api.path(), annotations(a="1")).json
    refused = api.call("PUT", api.path(), stale)
    assert refused.error == (409, "Conflict")
    assert refused.message == (
        f'Operation cannot be fulfilled on nodes "{api.mine}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    fresh["metadata"]["annotations"] = {"b": "2"}
    assert api.call("PUT", api.path(), fresh).metadata["annotations"] == {"b": "2"}


def test_a_replacement_must_bear_the_name_of_its_url(api: Api) -> None:
    """Answers 400 to an object whose name is not that of its URL."""
    api.node()
    other = api.call("PUT", api.path(), {"metadata": {"name": "other"}})
    assert other.error == (400, "BadRequest")
    assert other.message == f"the name of the object (other) does not match the name on the URL ({api.mine})"
    assert api.call("PUT", api.path("x"), {"metadata": {"name": f"{api.mine}x"}}).error == (404, "NotFound")


# Status


def test_status_changes_only_through_its_subresource(api: Api) -> None:
    """Ignores a change of status outside nodes/status, and one of the spec there."""
    created = api.node()
    assert api.patch(api.path(), {"status": {"phase": "Running"}}).version == created.version
    change = {"metadata": {"labels": {"l": "1"}}, "spec": {"unschedulable": True}, "status": {"phase": "Running"}}
    patched = api.patch(f"{api.path()}/status", change)
    assert (patched.json["status"]["phase"], patched.metadata["labels"]["l"]) == ("Running", "1")
    assert "unschedulable" not in patched.json["spec"]
    assert api.call("GET", f"{api.path()}/status").json == patched.json


def test_generation_counts_changes_of_the_spec(api: Api) -> None:
    """Counts up metadata.generation when the spec changes, and only then."""
    container = {"name": "c", "image": "i"}
    job = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    body = {"metadata": {"name": api.mine}, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": job}}}
    assert api.call("POST", CRONJOBS, body).metadata["generation"] == 1
    path = f"{CRONJOBS}/{api.mine}"
    assert api.patch(path, annotations(a="1")).metadata["generation"] == 1
    assert api.patch(path, {"spec": {"schedule": "1 * * * *"}}).metadata["generation"] == 2
    time = {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}}
    reported = api.patch(f"{path}/status", {**time, "spec": {"schedule": "2 * * * *"}})
    assert reported.metadata["generation"] == 2
    assert (reported.json["status"], reported.json["spec"]["schedule"]) == (time["status"], "1 * * * *")


# Deleting


def test_a_deleted_object_is_gone(api: Api) -> None:
    """Answers 404 to all that is asked of an object after its deletion."""
    uid = api.node().metadata["uid"]
    answer = api.call("DELETE", api.path())
    assert (answer.status, answer.json["status"]) == (200, "Success")
    assert answer.json["details"] == {"name": api.mine, "kind": "nodes", "uid": uid}
    for missing in (api.call("GET", api.path()), api.call("DELETE", api.path()), api.patch(api.path(), {})):
        assert missing.error == (404, "NotFound")
        assert missing.message == f'nodes "{api.mine}" not found'
        assert missing.json["details"] == {"name": api.mine, "kind": "nodes"}


def test_finalizers_hold_a_deleted_object(api: Api) -> None:
    """Keeps a deleted object in lists, with a deletionTimestamp, until its last finalizer is gone."""
    api.node(metadata={"finalizers": ["example.com/hold"]})
    assert "deletionTimestamp" in api.call("DELETE", api.path()).metadata
    assert "deletionTimestamp" in api.list().json["items"][0]["metadata"]
    assert api.patch(api.path(), {"metadata": {"finalizers": None}}).status == 200
    assert api.call("GET", api.path()).error == (404, "NotFound")
    assert api.call("POST", NODES, {"metadata": {"name": "n", "finalizers": ["plain"]}}).error == (422, "Invalid")


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_a_deletion_may_insist_on_what_it_deletes(api: Api, field: str) -> None:
    """Answers 409 to a deletion whose preconditions name another uid or version."""
    known = api.node().metadata[field]
    assert api.call("DELETE", api.path(), {"preconditions": {field: "1"}}).error == (409, "Conflict")
    assert api.call("DELETE", api.path(), {"preconditions": {field: known}}).status == 200
