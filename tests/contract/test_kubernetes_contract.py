"""Objects: what the API server accepts, changes, refuses and records, double and real alike."""

import pytest

from tests.contract.client import (
    CRONJOBS,
    JSON_PATCH,
    LEASES,
    MERGE,
    NODES,
    READER,
    READER_TOKEN,
    READY,
    STRATEGIC,
    Api,
    Json,
    annotations,
)

DISK = {"type": "DiskPressure", "status": "False", "lastHeartbeatTime": None, "lastTransitionTime": None}


# Creating


def test_a_created_object_has_its_system_fields(api: Api) -> None:
    """Clients rely on uid, resourceVersion and creationTimestamp being there from the start."""
    created = api.node()
    assert (created.json["kind"], created.json["apiVersion"]) == ("Node", "v1")
    assert {"uid", "resourceVersion", "creationTimestamp"} <= set(created.metadata)
    assert created.metadata["creationTimestamp"].endswith("Z")
    assert api.call("GET", api.path()).json == created.json


def test_empty_members_come_back_as_the_server_writes_them(api: Api) -> None:
    """A node that no kubelet has described yet has a bootID, and it is empty."""
    created = api.node(spec={"unschedulable": False}, metadata={"annotations": {}})
    assert created.json["status"]["nodeInfo"]["bootID"] == ""
    assert "unschedulable" not in created.json["spec"]
    assert "annotations" not in created.metadata


def test_a_new_node_is_tainted_until_it_is_ready(api: Api) -> None:
    """Whoever creates nodes in a test must expect what admission adds."""
    taints = api.node().json["spec"]["taints"]
    assert taints == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


def test_names_can_be_generated(api: Api) -> None:
    """Objects created one after the other from one template do not collide."""
    body = {"metadata": {"generateName": f"{api.mine}-"}}
    names = {api.call("POST", LEASES, body).metadata["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith(f"{api.mine}-") and len(name) == len(api.mine) + 6 for name in names)


def test_a_taken_name_is_refused(api: Api) -> None:
    """Creating twice must not replace."""
    api.node()
    again = api.call("POST", NODES, {"metadata": {"name": api.mine}})
    assert again.error == (409, "AlreadyExists")
    assert again.message == f'nodes "{api.mine}" already exists'
    assert again.json["details"] == {"name": api.mine, "kind": "nodes"}


def test_a_namespace_must_exist(api: Api) -> None:
    """A namespaced object in a namespace that is not there is a mistake in the manifest."""
    answer = api.call("POST", LEASES.replace("kube-node-lease", api.mine), {"metadata": {"name": "x"}})
    assert answer.error == (404, "NotFound")
    assert answer.message == f'namespaces "{api.mine}" not found'


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
        pytest.param(
            {"name": "n", "annotations": {"k": "x" * (256 * 1024)}},
            [("FieldValueTooLong", "metadata.annotations")],
            id="annotations too large",
        ),
    ],
)
def test_invalid_metadata_is_refused(api: Api, metadata: Json, causes: list[tuple[str, str]]) -> None:
    """What the real server refuses, a test must not get away with."""
    answer = api.call("POST", NODES, {"metadata": metadata})
    assert answer.error == (422, "Invalid")
    assert answer.causes == causes
    assert answer.message.startswith(f'Node "{metadata.get("name", "")}" is invalid: ')


def test_a_label_that_is_invalid_says_why(api: Api) -> None:
    """The words are the user's only help."""
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
    """A drained node's taints are input to the decision which nodes are published."""
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
    """The server decodes into types: a number is no annotation."""
    answer = api.call("POST", NODES, body)
    assert answer.error == (400, "BadRequest")
    assert answer.message == f'Node in version "v1" cannot be handled as a Node: {why}'


@pytest.mark.parametrize("body", [b"{nope", b"[]", b""])
def test_what_is_no_json_object_is_a_bad_request(api: Api, body: bytes) -> None:
    """Half a body must not become half an object."""
    assert api.call("POST", NODES, body).error == (400, "BadRequest")


def test_unknown_fields_are_dropped_unless_strictness_is_asked_for(api: Api) -> None:
    """A misspelt field does nothing, and says so only when asked."""
    assert "bogus" not in api.node(spec={"bogus": 1}).json["spec"]
    body = {"metadata": {"name": "n", "zork": 1}, "spec": {"bogus": 1}}
    answer = api.call("POST", NODES, body, query={"fieldValidation": "Strict"})
    assert answer.error == (400, "BadRequest")
    assert answer.message.endswith('strict decoding error: unknown field "metadata.zork", unknown field "spec.bogus"')


def test_a_dry_run_changes_nothing(api: Api) -> None:
    """What `--dry-run=server` shows must not be there afterwards."""
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
    """Two writers must not overwrite each other unseen."""
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
    """A copied manifest must not end up under another object's name."""
    api.node()
    other = api.call("PUT", api.path(), {"metadata": {"name": "other"}})
    assert other.error == (400, "BadRequest")
    assert other.message == f"the name of the object (other) does not match the name on the URL ({api.mine})"
    assert api.call("PUT", api.path("x"), {"metadata": {"name": f"{api.mine}x"}}).error == (404, "NotFound")


def test_leases_can_be_created_by_replacing(api: Api) -> None:
    """Some kinds allow it, nodes do not."""
    answer = api.call("PUT", f"{LEASES}/{api.mine}", {"metadata": {"name": api.mine}})
    assert (answer.status, answer.metadata["namespace"]) == (201, "kube-node-lease")


# Patching


def test_a_merge_patch_sets_and_removes(api: Api) -> None:
    """One request writes an annotation and takes another away."""
    api.node(metadata={"annotations": {"old": "1", "kept": ""}})
    patched = api.patch(api.path(), annotations(old=None, new="2"))
    assert patched.metadata["annotations"] == {"kept": "", "new": "2"}


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
def test_a_patch_that_changes_nothing_writes_nothing(api: Api, content_type: str) -> None:
    """Otherwise every run of annotate-once would wake every watcher of nodes."""
    api.node(metadata={"annotations": {"a": "1"}})
    before = api.call("GET", api.path()).json
    body = {"metadata": {"annotations": {"a": "1", "b": None}}, "spec": {"unschedulable": False}}
    answer = api.patch(api.path(), body, content_type, fieldManager="somebody-else")
    assert (answer.status, answer.json) == (200, before)


def test_a_strategic_merge_patch_merges_conditions_by_type(api: Api) -> None:
    """A kubelet that reports one condition must not erase the others."""
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
    """Taints are one value: who patches one states all."""
    api.node()
    for key in ("a", "b"):
        body = {"spec": {"taints": [{"key": key, "effect": "NoExecute"}]}}
        assert api.patch(api.path(), body, STRATEGIC).json["spec"]["taints"] == body["spec"]["taints"]


def test_a_json_patch_is_applied_whole_or_not_at_all(api: Api) -> None:
    """A failed test leaves the object as it was."""
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
    """An annotation that is not a string breaks the write, not the readers."""
    api.node()
    answer = api.patch(api.path(), body, content_type)
    assert answer.error == (422, "Invalid")
    assert answer.causes == [("FieldValueInvalid", "patch")]


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC, JSON_PATCH])
@pytest.mark.parametrize("body", [b"{nope", b"", b"3"])
def test_a_patch_that_is_none_is_a_bad_request(api: Api, content_type: str, body: bytes) -> None:
    """Half a patch changes nothing."""
    api.node()
    assert api.patch(api.path(), body, content_type).error == (400, "BadRequest")


def test_a_patch_must_name_a_known_format(api: Api) -> None:
    """A forgotten Content-Type must not be guessed."""
    api.node()
    assert api.patch(api.path(), annotations(a="1"), "application/json").error == (415, "UnsupportedMediaType")


def test_a_patch_may_insist_on_a_version(api: Api) -> None:
    """A patch that names the version it was made for is refused once that is past."""
    stale = api.node().version
    fresh = api.patch(api.path(), annotations(a="1")).version
    assert api.patch(api.path(), {"metadata": {"resourceVersion": stale}}).error == (409, "Conflict")
    assert api.patch(api.path(), {"metadata": {"resourceVersion": fresh}}).version == fresh
    assert api.patch(api.path(), {"metadata": {"name": "other"}}).error == (400, "BadRequest")


# Status


def test_status_changes_only_through_its_subresource(api: Api) -> None:
    """Rights on nodes and on nodes/status are different rights."""
    created = api.node()
    assert api.patch(api.path(), {"status": {"phase": "Running"}}).version == created.version
    change = {"metadata": {"labels": {"l": "1"}}, "spec": {"unschedulable": True}, "status": {"phase": "Running"}}
    patched = api.patch(f"{api.path()}/status", change)
    assert (patched.json["status"]["phase"], patched.metadata["labels"]["l"]) == ("Running", "1")
    assert "unschedulable" not in patched.json["spec"]
    assert api.call("GET", f"{api.path()}/status").json == patched.json


def test_generation_counts_changes_of_the_spec(api: Api) -> None:
    """A controller sees by it whether it has acted on the newest wish."""
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
    """A node that was deleted must not be published."""
    uid = api.node().metadata["uid"]
    answer = api.call("DELETE", api.path())
    assert (answer.status, answer.json["status"]) == (200, "Success")
    assert answer.json["details"] == {"name": api.mine, "kind": "nodes", "uid": uid}
    for missing in (api.call("GET", api.path()), api.call("DELETE", api.path()), api.patch(api.path(), {})):
        assert missing.error == (404, "NotFound")
        assert missing.message == f'nodes "{api.mine}" not found'
        assert missing.json["details"] == {"name": api.mine, "kind": "nodes"}


def test_finalizers_hold_a_deleted_object(api: Api) -> None:
    """A node that is being deleted is still listed, with a deletionTimestamp."""
    api.node(metadata={"finalizers": ["example.com/hold"]})
    assert "deletionTimestamp" in api.call("DELETE", api.path()).metadata
    assert "deletionTimestamp" in api.list().json["items"][0]["metadata"]
    assert api.patch(api.path(), {"metadata": {"finalizers": None}}).status == 200
    assert api.call("GET", api.path()).error == (404, "NotFound")
    assert api.call("POST", NODES, {"metadata": {"name": "n", "finalizers": ["plain"]}}).error == (422, "Invalid")


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_a_deletion_may_insist_on_what_it_deletes(api: Api, field: str) -> None:
    """A namesake that has taken the object's place is spared."""
    known = api.node().metadata[field]
    assert api.call("DELETE", api.path(), {"preconditions": {field: "1"}}).error == (409, "Conflict")
    assert api.call("DELETE", api.path(), {"preconditions": {field: known}}).status == 200


# Who may


def test_a_token_is_needed(api: Api) -> None:
    """An expired token is told apart from a missing right."""
    for token in (None, "nobody's"):
        answer = api.call("GET", NODES, token=token)
        assert (answer.error, answer.message) == ((401, "Unauthorized"), "Unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        pytest.param(
            "GET",
            NODES,
            'nodes is forbidden: User "{user}" cannot list resource "nodes" in API group "" at the cluster scope',
            id="list",
        ),
        pytest.param(
            "PATCH",
            f"{NODES}/x/status",
            'nodes "x" is forbidden: User "{user}" cannot patch resource '
            '"nodes/status" in API group "" at the cluster scope',
            id="subresource",
        ),
        pytest.param(
            "POST",
            "/apis/batch/v1/namespaces/default/jobs",
            'jobs.batch is forbidden: User "{user}" cannot '
            'create resource "jobs" in API group "batch" in the namespace "default"',
            id="namespaced",
        ),
    ],
)
def test_a_right_is_needed(api: Api, method: str, path: str, refusal: str) -> None:
    """The refusal names the verb and the resource that the role lacks."""
    answer = api.call(method, path, {} if method != "GET" else None, content_type=MERGE, token=READER_TOKEN)
    assert (answer.error, answer.message) == ((403, "Forbidden"), refusal.format(user=READER))


def test_a_right_is_enough(api: Api) -> None:
    """Rights are per verb: this user may get nodes, and nothing else."""
    api.node()
    assert api.call("GET", api.path(), token=READER_TOKEN).status == 200


def test_a_verb_that_does_not_exist_is_not_allowed(api: Api) -> None:
    """A path without the name must not touch the collection."""
    assert api.call("PATCH", NODES, {}, content_type=MERGE).error == (405, "MethodNotAllowed")


def test_a_resource_that_does_not_exist_is_not_found(api: Api) -> None:
    """A wrong path reads differently from a missing object."""
    answer = api.call("GET", "/api/v1/zork")
    assert answer.error == (404, "NotFound")
    assert answer.message == "the server could not find the requested resource"
