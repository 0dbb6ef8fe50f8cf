"""DNSEndpoints, a custom resource; double and real alike."""

from typing import Any

import pytest

from tests.sandbox.contract.client import JSON_PATCH, MERGE, STRATEGIC, Answer, Api, Json

DNSENDPOINTS = "/apis/externaldns.k8s.io/v1alpha1/namespaces/default/dnsendpoints"
ENDPOINT = {"dnsName": "a.example.com", "recordType": "A", "recordTTL": 60, "targets": ["5.75.128.10"]}
INVALID = (422, "Invalid")

pytestmark = pytest.mark.usefixtures("dnsendpoints")


def document(name: str, spec: object = None, **members: object) -> Json:
    """Write an object."""
    kind = {"apiVersion": "externaldns.k8s.io/v1alpha1", "kind": "DNSEndpoint"}
    return {**kind, "metadata": {"name": name}, "spec": {"endpoints": [ENDPOINT]} if spec is None else spec, **members}


def create(api: Api, *arguments: object, **members: object) -> Answer:
    """Create this test's object."""
    return api.call("POST", DNSENDPOINTS, document(api.mine, *arguments, **members))


def path(api: Api, below: str = "") -> str:
    """Say where this test's object is."""
    return f"{DNSENDPOINTS}/{api.mine}{below}"


def endpoints(**members: Any) -> Json:  # noqa: ANN401 - JSON is anything
    """Write a spec with one endpoint."""
    return {"endpoints": [{**ENDPOINT, **members}]}


def test_a_missing_object_and_a_missing_definition_are_told_apart(api: Api) -> None:
    """Answers with a Status for an object that is not there, and in plain text for a kind that is not defined."""
    missing = api.call("GET", path(api))
    assert missing.error == (404, "NotFound")
    assert missing.message == f'dnsendpoints.externaldns.k8s.io "{api.mine}" not found'
    for undefined in (path(api).replace("externaldns", "nobody"), path(api).replace("v1alpha1", "v1")):
        for method in ("GET", "PATCH"):
            answer = api.call(method, undefined, {} if method == "PATCH" else None)
            assert (answer.status, answer.data) == (404, b"404 page not found\n")
            assert answer.headers["Content-Type"].startswith("text/plain")


def test_create(api: Api) -> None:
    """Creates an object once, without the status it is given, and refuses the second."""
    made = create(api, status={"observedGeneration": 1})
    assert (made.status, made.json["spec"], made.metadata["generation"]) == (201, {"endpoints": [ENDPOINT]}, 1)
    assert "status" not in made.json
    assert made.owned == {"contract": {"f:spec": {".": {}, "f:endpoints": {}}}}
    again = create(api)
    assert again.error == (409, "AlreadyExists")
    assert again.message == f'dnsendpoints.externaldns.k8s.io "{api.mine}" already exists'


def test_create_in_a_namespace_that_is_not_there(api: Api) -> None:
    """Says that the namespace is missing when an object is created, and that the object is when it is read."""
    nowhere = DNSENDPOINTS.replace("default", api.mine)
    assert api.call("POST", nowhere, document("a")).message == f'namespaces "{api.mine}" not found'
    assert api.call("GET", f"{nowhere}/a").message == 'dnsendpoints.externaldns.k8s.io "a" not found'


@pytest.mark.parametrize(
    "name", ["a_b.example.com", "*.example.com", "A.example.com", "-a", "x" * 254], ids=lambda name: name[:16]
)
def test_names_are_subdomains(api: Api, name: str) -> None:
    """Takes names of lower-case letters, digits, `-` and `.`; neither `_` nor `*`."""
    answer = api.call("POST", DNSENDPOINTS, document(name))
    assert answer.error == INVALID
    assert {field for _, field in answer.causes} == {"metadata.name"}


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        pytest.param(endpoints(setIdentifier="", targets=[]), endpoints(setIdentifier="", targets=[]), id="empty"),
        pytest.param({"endpoints": []}, {"endpoints": []}, id="no endpoint"),
        pytest.param({}, {}, id="nothing"),
        pytest.param({"endpoints": None}, {}, id="null"),
        pytest.param(endpoints(setIdentifier=None), endpoints(), id="null in an endpoint"),
        pytest.param(endpoints(recordTTL=60.0), endpoints(recordTTL=60), id="a whole number"),
        pytest.param({**endpoints(nope=1), "more": {}}, endpoints(), id="unknown members"),
        pytest.param(
            endpoints(providerSpecific=[{"name": "a", "value": "", "more": 1}]),
            endpoints(providerSpecific=[{"name": "a", "value": ""}]),
            id="unknown in a property",
        ),
    ],
)
def test_what_is_kept_of_a_spec(api: Api, spec: Json, kept: Json) -> None:
    """Prunes what the definition does not know and members that are null; empty values stay."""
    assert create(api, spec).json["spec"] == kept


def test_a_spec_may_be_null(api: Api) -> None:
    """Takes null for the spec, at creation and by a patch, and leaves it out."""
    kind = {"apiVersion": "externaldns.k8s.io/v1alpha1", "kind": "DNSEndpoint"}
    answer = api.call("POST", DNSENDPOINTS, {**kind, "metadata": {"name": api.mine}, "spec": None})
    assert (answer.status, "spec" in answer.json) == (201, False)
    assert "spec" in api.patch(path(api), {"spec": endpoints()}).json
    assert "spec" not in api.patch(path(api), {"spec": None}).json


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        pytest.param([], ["spec"], id="a list"),
        pytest.param({"endpoints": {}}, ["spec.endpoints"], id="endpoints"),
        pytest.param({"endpoints": [None]}, ["spec.endpoints[0]"], id="null among endpoints"),
        pytest.param(endpoints(targets="5.75.128.10"), ["spec.endpoints[0].targets"], id="targets"),
        pytest.param(endpoints(targets=[None]), ["spec.endpoints[0].targets[0]"], id="null among targets"),
        pytest.param(endpoints(labels={"a": 1}), ["spec.endpoints[0].labels.a"], id="labels"),
        pytest.param(
            {"endpoints": [{**ENDPOINT, "recordTTL": "60", "targets": True}, "x"]},
            ["spec.endpoints[0].recordTTL", "spec.endpoints[0].targets", "spec.endpoints[1]"],
            id="several",
        ),
    ],
)
def test_types_are_checked(api: Api, spec: object, fields: list[str]) -> None:
    """Names every value of a wrong type, at creation and in a patch."""
    created = create(api, spec)
    assert created.error == INVALID
    assert sorted(created.causes) == [("FieldValueTypeInvalid", field) for field in fields]
    assert create(api).status == 201
    patched = api.patch(path(api), {"spec": spec})
    assert (patched.error, sorted(patched.causes)) == (created.error, sorted(created.causes))


def test_an_object_says_what_it_is(api: Api) -> None:
    """Refuses objects without a kind, of another kind and of another version."""
    whole = document(api.mine)
    without = api.call("POST", DNSENDPOINTS, {name: value for name, value in whole.items() if name != "kind"})
    assert without.error == (400, "BadRequest")
    other = api.call("POST", DNSENDPOINTS, {**whole, "kind": "Other"})
    assert (other.error, other.causes) == (INVALID, [("FieldValueInvalid", "kind")])
    assert api.call("POST", DNSENDPOINTS, {**whole, "apiVersion": "externaldns.k8s.io/v1"}).error[0] == 400


def test_unknown_members_are_refused_on_demand(api: Api) -> None:
    """Names the members that the definition does not know when a client asks for strictness."""
    body = document(api.mine, {**endpoints(nope=1), "more": 1})
    answer = api.call("POST", DNSENDPOINTS, body, query={"fieldValidation": "Strict"})
    assert answer.error == (400, "BadRequest")
    assert 'unknown field "spec.endpoints[0].nope", unknown field "spec.more"' in answer.message


def test_a_merge_patch_with_the_version_is_a_compare_and_swap(api: Api) -> None:
    """Changes the version that a patch names, and refuses the patch once somebody has changed the object."""
    first = create(api).version
    changed = {"metadata": {"resourceVersion": first}, "spec": endpoints(targets=["5.75.128.11"])}
    answer = api.patch(path(api), changed)
    assert (answer.status, answer.json["spec"]) == (200, endpoints(targets=["5.75.128.11"]))
    assert answer.metadata["generation"] == 2
    assert api.patch(path(api), {"metadata": {"resourceVersion": answer.version}}).version == answer.version
    for stale in (changed, {"metadata": {"resourceVersion": first}, "spec": {"endpoints": []}}):
        refused = api.patch(path(api), stale)
        assert refused.error == (409, "Conflict")
        assert "the object has been modified" in refused.message


def test_a_patch_of_a_missing_object(api: Api) -> None:
    """Does not create what it should change."""
    body = {"metadata": {"resourceVersion": create(api).version}, "spec": endpoints()}
    assert api.call("DELETE", path(api)).status == 200
    assert api.patch(path(api), body).error == (404, "NotFound")


def test_the_status_is_a_subresource(api: Api) -> None:
    """Changes the status by its own path alone, which is a new version but no new generation."""
    first = create(api).version
    ignored = api.patch(path(api), {"status": {"observedGeneration": 1}})
    assert (ignored.version, "status" in ignored.json) == (first, False)
    noted = api.patch(path(api, "/status"), {"status": {"observedGeneration": 1}, "spec": {"endpoints": []}})
    assert (noted.json["status"], noted.json["spec"]) == ({"observedGeneration": 1}, endpoints())
    assert (noted.metadata["generation"], int(noted.version) > int(first)) == (1, True)
    whole = {**noted.json, "status": {"observedGeneration": 2}}
    assert api.call("PUT", path(api, "/status"), whole).json["status"] == {"observedGeneration": 2}
    wrong = api.patch(path(api, "/status"), {"status": {"observedGeneration": "2"}})
    assert (wrong.error, wrong.causes) == (INVALID, [("FieldValueTypeInvalid", "status.observedGeneration")])


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        pytest.param(MERGE, {"spec": endpoints(recordTTL=61)}, 200, id="merge"),
        pytest.param(
            JSON_PATCH, [{"op": "replace", "path": "/spec/endpoints/0/recordTTL", "value": 61}], 200, id="JSON patch"
        ),
        pytest.param(STRATEGIC, {"spec": endpoints(recordTTL=61)}, 415, id="strategic merge"),
    ],
)
def test_kinds_of_patches(api: Api, content_type: str, body: object, status: int) -> None:
    """Takes merge patches and JSON patches; there is no strategic merge patch of a custom resource."""
    create(api)
    answer = api.patch(path(api), body, content_type)
    assert answer.status == status
    assert api.call("GET", path(api)).json["spec"] == endpoints(recordTTL=61 if status == 200 else 60)


def test_an_update_names_its_version(api: Api) -> None:
    """Refuses to replace an object without saying which version."""
    create(api)
    answer = api.call("PUT", path(api), document(api.mine))
    assert (answer.error, answer.causes) == (INVALID, [("FieldValueInvalid", "metadata.resourceVersion")])


def test_lists_and_watches(api: Api) -> None:
    """Lists objects by label, and tells of changes."""
    create(api)
    api.patch(path(api), {"metadata": {"labels": {"test": api.mine}}})
    listed = api.list(path=DNSENDPOINTS)
    assert (listed.json["kind"], listed.names) == ("DNSEndpointList", [api.mine])
    with api.watch(DNSENDPOINTS, resourceVersion=listed.version) as events:
        api.patch(path(api), {"spec": {"endpoints": []}})
        event = next(events)
    assert (event["type"], event["object"]["spec"]) == ("MODIFIED", {"endpoints": []})
