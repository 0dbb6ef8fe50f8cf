"""EndpointSlices: how endpoints come, what none look like, and what is no endpoint; double and real alike."""

import pytest

from tests.sandbox.contract.client import SLICES, Api, Json
from tests.sandbox.kubernetes_builders import endpoint, endpoint_slice

ADDRESS = {"addresses": ["10.42.0.7"]}


def made(api: Api, endpoints: list[Json] | None) -> Json:
    """Create a slice of this test's service; give the only one that is then listed."""
    answer = api.call("POST", SLICES, endpoint_slice("default", api.mine, endpoints))
    assert answer.status == 201, answer.json
    (only,) = api.call("GET", SLICES, query={"labelSelector": f"kubernetes.io/service-name={api.mine}"}).json["items"]
    found: Json = only
    assert found == {key: value for key, value in answer.json.items() if key not in ("kind", "apiVersion")}
    return found


@pytest.mark.parametrize("endpoints", [None, []])
def test_a_slice_without_endpoints_has_null(api: Api, endpoints: list[Json] | None) -> None:
    """Writes null for no endpoints, never an empty list."""
    assert made(api, endpoints)["endpoints"] is None


def test_endpoints_that_leave_make_null(api: Api) -> None:
    """Writes null once the last endpoint is gone, and takes null and an empty list as the same."""
    path = f"{SLICES}/{made(api, [endpoint('fra-1')])['metadata']['name']}"
    gone = api.patch(path, {"endpoints": []})
    assert (gone.json["endpoints"], gone.metadata["generation"]) == (None, 2)
    assert api.patch(path, {"endpoints": None}).version == gone.version


def test_endpoints_come_with_their_node_and_conditions(api: Api) -> None:
    """Gives back the node and the conditions of each endpoint as they were written."""
    first, second, third = made(
        api, [endpoint("fra-1", terminating=False), endpoint("fra-2", ready=False), endpoint(None, ready=None)]
    )["endpoints"]
    assert first == {
        "addresses": ["10.42.0.1"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": "fra-1",
    }
    assert second["conditions"] == {"ready": False, "serving": False}
    assert third == {"addresses": ["10.42.0.1"], "conditions": {}}


def test_conditions_that_are_null_or_missing_are_empty(api: Api) -> None:
    """Leaves out conditions that are null: what is not said of `ready` means ready."""
    unknown = {**ADDRESS, "conditions": {"ready": None, "terminating": None}}
    found = made(api, [ADDRESS, unknown, {**unknown, "nodeName": None}])["endpoints"]
    assert found == [{**ADDRESS, "conditions": {}}] * 3


def test_both_families_have_slices(api: Api) -> None:
    """Takes IPv6 addresses in slices of their type."""
    found = made(api, [endpoint("fra-1", address="fd00::1")])
    assert (found["addressType"], found["endpoints"][0]["addresses"]) == ("IPv6", ["fd00::1"])


def test_ports_are_named_and_of_a_protocol(api: Api) -> None:
    """Fills in an empty name and TCP for a port that has neither."""
    body = {**endpoint_slice("default", api.mine, None), "ports": [{"port": 80}]}
    assert api.call("POST", SLICES, body).json["ports"] == [{"name": "", "protocol": "TCP", "port": 80}]
    assert api.call("POST", SLICES, {**body, "metadata": {"name": api.mine}, "ports": []}).json["ports"] is None


@pytest.mark.parametrize(
    ("change", "causes"),
    [
        pytest.param({"addressType": None}, [("FieldValueRequired", "addressType")], id="no type"),
        pytest.param({"addressType": "IPv5"}, [("FieldValueNotSupported", "addressType")], id="unknown type"),
        pytest.param({"endpoints": [{}]}, [("FieldValueRequired", "endpoints[0].addresses")], id="no address"),
        pytest.param(
            {"endpoints": [endpoint("Fra 1")]}, [("FieldValueInvalid", "endpoints[0].nodeName")], id="no node's name"
        ),
        pytest.param({"endpoints": [endpoint("")]}, [("FieldValueInvalid", "endpoints[0].nodeName")], id="empty name"),
        pytest.param(
            {"endpoints": [endpoint("n", address="localhost")]},
            [("FieldValueInvalid", "endpoints[0].addresses[0]")],
            id="no IP address",
        ),
        pytest.param(
            {"endpoints": [endpoint("n", address="127.0.0.1")]},
            [("FieldValueInvalid", "endpoints[0].addresses[0]")],
            id="loopback",
        ),
        pytest.param(
            {"endpoints": [endpoint("n", address="fd00::1")]},
            [("FieldValueInvalid", "endpoints[0].addresses")],
            id="other family",
        ),
        pytest.param(
            {"endpoints": [{"addresses": [f"10.0.0.{number}" for number in range(1, 102)]}]},
            [("FieldValueTooMany", "endpoints[0].addresses")],
            id="too many addresses",
        ),
        pytest.param({"endpoints": [ADDRESS] * 1001}, [("FieldValueTooMany", "endpoints")], id="too many endpoints"),
        pytest.param(
            {"ports": [{"port": 80}, {"port": 81}]}, [("FieldValueDuplicate", "ports[1].name")], id="ports of one name"
        ),
        pytest.param(
            {"ports": [{"name": "A_b"}, {"protocol": "ICMP"}]},
            [("FieldValueInvalid", "ports[0].name"), ("FieldValueNotSupported", "ports[1].protocol")],
            id="name and protocol",
        ),
    ],
)
def test_a_wrong_slice_is_refused(api: Api, change: Json, causes: list[tuple[str, str]]) -> None:
    """Answers 422, with the cause, to endpoints and ports that no controller writes."""
    answer = api.call("POST", SLICES, endpoint_slice("default", api.mine, [endpoint("n")]) | change)
    assert answer.error == (422, "Invalid")
    assert answer.causes == causes


@pytest.mark.parametrize(
    ("endpoints", "why"),
    [
        pytest.param({}, "object into Go struct field EndpointSlice.endpoints of type []v1.Endpoint", id="object"),
        pytest.param(
            [{"conditions": {"ready": "yes"}}],
            "string into Go struct field EndpointConditions.endpoints.conditions.ready of type bool",
            id="a word for a condition",
        ),
    ],
)
def test_wrong_types_are_a_bad_request(api: Api, endpoints: object, why: str) -> None:
    """Answers 400 to endpoints and conditions of a wrong type."""
    body = endpoint_slice("default", api.mine, None) | {"endpoints": endpoints}
    answer = api.call("POST", SLICES, body)
    assert answer.error == (400, "BadRequest")
    assert answer.message.endswith(f": json: cannot unmarshal {why}")


def test_a_slice_keeps_its_family(api: Api) -> None:
    """Refuses to change a slice's address type."""
    path = f"{SLICES}/{made(api, [endpoint('n')])['metadata']['name']}"
    answer = api.patch(path, {"addressType": "IPv6", "endpoints": None})
    assert answer.causes == [("FieldValueInvalid", "addressType")]


def test_labels_count_as_a_change_of_a_slice(api: Api) -> None:
    """Counts up the generation for a change of labels, though not of annotations."""
    path = f"{SLICES}/{made(api, None)['metadata']['name']}"
    assert api.patch(path, {"metadata": {"annotations": {"a": "b"}}}).metadata["generation"] == 1
    assert api.patch(path, {"metadata": {"labels": {"a": "b"}}}).metadata["generation"] == 2
