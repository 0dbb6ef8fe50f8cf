"""What a node's health is read from, and told in: Leases, endpoint slices, Events; double and real alike."""

import time
from email.utils import parsedate_to_datetime

import pytest

from tests.contract.client import LEASES, MERGE, READER_TOKEN, Api, Json

EVENTS = "/api/v1/namespaces/default/events"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
LIES = "2001-01-01T00:00:00.000000Z"


def lease(api: Api, renew_time: str) -> Json:
    """Build the Lease of this test's node, as its kubelet writes it."""
    spec = {"holderIdentity": api.mine, "leaseDurationSeconds": 40, "renewTime": renew_time}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": api.mine}, "spec": spec}


def renewed(api: Api) -> str:
    """Give the time at which the owner of the Lease's renewTime last changed it."""
    entries = api.call("GET", f"{LEASES}/{api.mine}").metadata["managedFields"]
    (time_,) = [each["time"] for each in entries if "f:renewTime" in each["fieldsV1"].get("f:spec", {})]
    return str(time_)


def event(api: Api, **changes: object) -> Json:
    """Build an Event about this test's node."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{api.mine}.1"},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": api.mine, "uid": api.mine},
        "reason": "WithdrawnFromDNS",
        "message": "cdn.example.com: withdrawn 5.75.128.10: cordoned",
        "type": "Warning",
        "source": {"component": "kube-node-dns"},
        "firstTimestamp": "2026-11-24T15:00:00Z",
        "lastTimestamp": "2026-11-24T15:00:00Z",
        "count": 1,
        **changes,
    }


def endpoint_slice(api: Api, endpoints: list[Json] | None) -> Json:
    """Build a slice of this test's service."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": api.mine, "labels": {"kubernetes.io/service-name": api.mine}},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [],
    }


def test_a_renewal_is_dated_by_the_server(api: Api) -> None:
    """A kubelet with a wrong clock would be taken for dead, or a dead one for alive."""
    api.call("POST", LEASES, lease(api, LIES), query={"fieldManager": "kubelet"})
    api.patch(f"{LEASES}/{api.mine}", {"spec": {"leaseTransitions": 1}}, fieldManager="other")
    first = renewed(api)
    time.sleep(1.1)  # these times are whole seconds
    version = api.call("GET", f"{LEASES}/{api.mine}").version
    body = lease(api, LIES.replace("01-01", "01-02"))
    body["metadata"]["resourceVersion"] = version
    assert api.call("PUT", f"{LEASES}/{api.mine}", body, query={"fieldManager": "kubelet"}).status == 200
    assert renewed(api) > first


def test_a_list_is_dated_by_the_same_clock(api: Api) -> None:
    """The age of a Lease would be measured with two clocks."""
    api.call("POST", LEASES, lease(api, LIES), query={"fieldManager": "kubelet"})
    answer = api.call("GET", LEASES, query={"limit": 500})
    (date,) = answer.headers.getlist("Date")
    age = parsedate_to_datetime(date).timestamp() - parsedate_to_datetime(date).fromisoformat(renewed(api)).timestamp()
    assert 0 <= age <= 5


def test_who_may_read_nodes_may_not_read_leases(api: Api) -> None:
    """A missing right is told by name, and is no reason to stop."""
    answer = api.call("GET", LEASES, token=READER_TOKEN)
    assert answer.error == (403, "Forbidden")
    assert 'cannot list resource "leases" in API group "coordination.k8s.io" in the namespace "kube-node-lease"' in (
        answer.message
    )


@pytest.mark.parametrize("endpoints", [None, []])
def test_a_slice_without_endpoints_has_none_to_show(api: Api, endpoints: list[Json] | None) -> None:
    """A service without pods would be taken for an answer that nobody can read."""
    api.call("POST", SLICES, endpoint_slice(api, endpoints))
    answer = api.call("GET", SLICES, query={"labelSelector": f"kubernetes.io/service-name={api.mine}"})
    assert answer.names == [api.mine]
    (only,) = answer.json["items"]
    assert "endpoints" in only
    assert not only["endpoints"]


def test_endpoints_come_with_their_node_and_conditions(api: Api) -> None:
    """Nobody would know on which node the ingress is ready."""
    ready = {"addresses": ["10.42.0.7"], "nodeName": "fra-1", "conditions": {"ready": True, "terminating": False}}
    api.call("POST", SLICES, endpoint_slice(api, [ready, {"addresses": ["10.42.0.8"]}]))
    first, second = api.call("GET", f"{SLICES}/{api.mine}").json["endpoints"]
    assert (first["nodeName"], first["conditions"]) == ("fra-1", {"ready": True, "terminating": False})
    assert ("nodeName" in second, second.get("conditions")) == (False, {})


def test_an_event_about_a_node_stands_in_default(api: Api) -> None:
    """`kubectl describe node` would show none."""
    made = api.call("POST", EVENTS, event(api))
    assert made.status == 201
    query = {"fieldSelector": f"involvedObject.kind=Node,involvedObject.name={api.mine},involvedObject.uid={api.mine}"}
    assert api.call("GET", "/api/v1/events", query=query).names == [f"{api.mine}.1"]


def test_an_event_about_a_node_stands_nowhere_else(api: Api) -> None:
    """A right to write Events in the program's own namespace would be of no use."""
    answer = api.call("POST", EVENTS.replace("default", "kube-public"), event(api))
    assert answer.error == (422, "Invalid")
    assert answer.causes == [("FieldValueInvalid", "involvedObject.namespace")]


@pytest.mark.parametrize("changes", [{"type": ""}, {"reason": ""}, {"message": "x" * 5000}, {"count": 0}])
def test_the_rest_of_an_event_is_taken_as_it_is(api: Api, changes: Json) -> None:
    """Nothing but its place can be wrong with an Event of the old form."""
    assert api.call("POST", EVENTS, event(api, **changes)).status == 201


def test_a_time_that_is_none_is_refused(api: Api) -> None:
    """An Event with a wrong time would be lost without a word."""
    answer = api.call("POST", EVENTS, event(api, firstTimestamp="today"))
    assert answer.error == (400, "BadRequest")


def test_a_name_of_an_event_is_used_once(api: Api) -> None:
    """Two runs would overwrite each other's news."""
    api.call("POST", EVENTS, event(api))
    assert api.call("POST", EVENTS, event(api)).error == (409, "AlreadyExists")


def test_patching_a_lease_renews_it_too(api: Api) -> None:
    """The sandbox's kubelets patch."""
    api.call("POST", LEASES, lease(api, LIES), query={"fieldManager": "kubelet"})
    answer = api.patch(f"{LEASES}/{api.mine}", {"spec": {"renewTime": LIES.replace("2001", "2002")}}, MERGE)
    assert "f:renewTime" in answer.owned["contract"]["f:spec"]
    assert "f:renewTime" not in answer.owned["kubelet"]["f:spec"]
