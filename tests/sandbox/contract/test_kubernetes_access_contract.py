"""Who may do what, and what is said to those who may not; double and real alike."""

import pytest

from tests.sandbox.contract.client import (
    EVENTS,
    LEASES,
    LIMITED,
    LIMITED_TOKEN,
    MERGE,
    NODES,
    READER,
    READER_TOKEN,
    SLICES,
    Api,
)


def test_a_token_is_needed(api: Api) -> None:
    """Answers 401 without a token, or with one that is nobody's: that is not the same as a missing right."""
    for token in (None, "nobody's"):
        answer = api.call("GET", NODES, token=token)
        assert (answer.error, answer.message) == ((401, "Unauthorized"), "Unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        pytest.param("GET", NODES, 'nodes: list "nodes" in API group "" at the cluster scope', id="list"),
        pytest.param(
            "PATCH",
            f"{NODES}/x/status",
            'nodes "x": patch "nodes/status" in API group "" at the cluster scope',
            id="subresource",
        ),
        pytest.param(
            "POST",
            "/apis/batch/v1/namespaces/default/jobs",
            'jobs.batch: create "jobs" in API group "batch" in the namespace "default"',
            id="namespaced",
        ),
        pytest.param(
            "GET",
            LEASES,
            'leases.coordination.k8s.io: list "leases" in API group "coordination.k8s.io" '
            'in the namespace "kube-node-lease"',
            id="leases",
        ),
        pytest.param(
            "GET",
            "/apis/coordination.k8s.io/v1/leases",
            'leases.coordination.k8s.io: list "leases" in API group "coordination.k8s.io" at the cluster scope',
            id="leases everywhere",
        ),
        pytest.param(
            "GET",
            SLICES,
            'endpointslices.discovery.k8s.io: list "endpointslices" in API group "discovery.k8s.io" '
            'in the namespace "default"',
            id="endpoint slices",
        ),
        pytest.param("POST", EVENTS, 'events: create "events" in API group "" in the namespace "default"', id="event"),
        pytest.param(
            "POST",
            EVENTS.replace("default", "nowhere"),
            'events: create "events" in API group "" in the namespace "nowhere"',
            id="a namespace that is not there",
        ),
        pytest.param(
            "GET",
            f"{NODES}?fieldSelector=metadata.name%3Dx,spec.unschedulable%3Dtrue",
            'nodes "x": list "nodes" in API group "" at the cluster scope',
            id="one by its name",
        ),
        pytest.param(
            "GET",
            f"{NODES}?fieldSelector=metadata.name!%3Dx",
            'nodes: list "nodes" in API group "" at the cluster scope',
            id="all but one",
        ),
        pytest.param(
            "GET",
            "/api/v1/namespaces/default",
            'namespaces "default": get "namespaces" in API group "" in the namespace "default"',
            id="a namespace is in itself",
        ),
    ],
)
def test_a_right_is_needed(api: Api, method: str, path: str, refusal: str) -> None:
    """Answers 403 and names the verb, the resource and the namespace that the role lacks."""
    answer = api.call(method, path, {} if method != "GET" else None, content_type=MERGE, token=READER_TOKEN)
    assert answer.error == (403, "Forbidden")
    what, _, why = refusal.partition(": ")
    verb, _, where = why.partition(" ")
    assert answer.message == f'{what} is forbidden: User "{READER}" cannot {verb} resource {where}'


def test_a_right_is_enough(api: Api) -> None:
    """Lets a user do what one verb allows: rights are per verb."""
    api.node()
    assert api.call("GET", api.path(), token=READER_TOKEN).status == 200


def test_a_right_in_a_namespace_is_enough_there(api: Api) -> None:
    """Lets a user with a Role do what it allows in its namespace: no component needs rights everywhere."""
    assert api.call("GET", LEASES, token=LIMITED_TOKEN).status == 200
    event = {"metadata": {"generateName": f"{api.mine}."}, "involvedObject": {"kind": "Node", "name": api.mine}}
    assert api.call("POST", EVENTS, event, token=LIMITED_TOKEN).status == 201
    assert api.call("GET", NODES, token=LIMITED_TOKEN).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/apis/coordination.k8s.io/v1/leases", id="everywhere"),
        pytest.param("GET", LEASES.replace("kube-node-lease", "kube-system"), id="in another one"),
        pytest.param("GET", f"{LEASES}?watch=true", id="by another verb"),
        pytest.param("POST", EVENTS.replace("default", "kube-system"), id="create in another one"),
        pytest.param("GET", EVENTS, id="read what may be created"),
    ],
)
def test_a_right_in_a_namespace_is_none_elsewhere(api: Api, method: str, path: str) -> None:
    """Refuses the same in other namespaces, and by other verbs."""
    answer = api.call(method, path, {} if method == "POST" else None, token=LIMITED_TOKEN)
    assert answer.error == (403, "Forbidden")
    assert f'User "{LIMITED}" cannot ' in answer.message


def test_a_verb_that_does_not_exist_is_not_allowed(api: Api) -> None:
    """Answers 405 to a patch of a whole collection."""
    assert api.call("PATCH", NODES, {}, content_type=MERGE).error == (405, "MethodNotAllowed")


def test_a_resource_that_does_not_exist_is_not_found(api: Api) -> None:
    """Answers 404 to a path of no resource, in other words than for an object that is missing."""
    answer = api.call("GET", "/api/v1/zork")
    assert answer.error == (404, "NotFound")
    assert answer.message == "the server could not find the requested resource"
