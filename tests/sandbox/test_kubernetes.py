"""What only the double of the API server can do: fail on command, change between two calls, serve a large cluster."""

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Iterator

import pytest
import urllib3

from tests.sandbox.contract.client import MERGE, NODES, Answer, Api
from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes, User, node
from tests.sandbox.server import Fault, FaultKind, Server, wait_until

JOBS = "/apis/batch/v1/namespaces/default/jobs"


@pytest.fixture
def cluster() -> Kubernetes:
    """Give a cluster with two nodes."""
    kubernetes = Kubernetes(tokens={"lister": User("lister", frozenset({("list", "nodes")}))})
    kubernetes.put(node("a", labels={"node-role.kubernetes.io/edge": ""}, annotations={"x": "1"}))
    kubernetes.put(node("b", ready="Unknown", cordoned=True))
    return kubernetes


# Failing


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("throttled", 429, "TooManyRequests"),
        ("unavailable", 503, "ServiceUnavailable"),
        ("access denied", 403, "Forbidden"),
        ("expired token", 401, "Unauthorized"),
    ],
)
def test_failures_are_the_api_servers_own(server: Server, api: Api, kind: FaultKind, status: int, reason: str) -> None:
    """Fails on command as the API server does: status, reason and Retry-After."""
    server.fail(Fault(kind, "list nodes", last=1))
    answer = api.call("GET", NODES)
    assert answer.error == (status, reason)
    assert answer.headers.get("Retry-After") == ("1" if kind == "throttled" else None)
    assert api.call("GET", NODES).names == ["a", "b"]


def test_a_request_that_is_cut_short_is_none(server: Server) -> None:
    """Ends the connection of a client that leaves before its request is complete, and remembers no call."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"POST {JOBS} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{{".encode())
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    assert server.calls == []


def test_a_malformed_answer_is_no_json(server: Server, api: Api) -> None:
    """Sends half a list on command, which is not JSON."""
    server.fail(Fault("malformed", "list nodes"))
    with pytest.raises(json.JSONDecodeError):
        _ = api.call("GET", NODES).json


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", NODES, "list nodes"),
        ("GET", f"{NODES}?watch=true&timeoutSeconds=1", "watch nodes"),
        ("GET", f"{NODES}/a", "get nodes"),
        ("PUT", f"{NODES}/a", "update nodes"),
        ("PATCH", f"{NODES}/a/status", "patch nodes/status"),
        ("DELETE", f"{NODES}/a", "delete nodes"),
        ("POST", JOBS, "create jobs"),
        ("GET", "/api/v1/namespaces/default", "get namespaces"),
        ("GET", "/apis/batch/v1/cronjobs", "list cronjobs"),
        ("GET", "/version", "GET /version"),
    ],
)
def test_operations_are_named_as_rights_are(server: Server, api: Api, method: str, path: str, operation: str) -> None:
    """Names calls `<verb> <resource>`: tests set faults and count calls by these names."""
    api.pool.request(method, api.url + path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    assert server.operations() == [operation]


def test_a_token_can_expire(cluster: Kubernetes, api: Api) -> None:
    """Refuses a token from the moment a test takes it away."""
    assert api.call("GET", NODES, token="lister").status == 200  # noqa: S106 - opens nothing but a sandbox
    del cluster.tokens["lister"]
    assert api.call("GET", NODES, token="lister").error == (401, "Unauthorized")  # noqa: S106 - opens nothing but a sandbox


def test_server_side_apply_is_refused(api: Api) -> None:
    """Answers 415 to server-side apply, which it does not do."""
    answer = api.patch(f"{NODES}/a", {"metadata": {"name": "a"}}, "application/apply-patch+yaml")
    assert answer.error == (415, "UnsupportedMediaType")


# Changing the world


def test_changes_of_the_world_are_seen_by_watchers(cluster: Kubernetes, api: Api) -> None:
    """Sends an event for each change that a test makes, with the versions in order."""
    start = api.call("GET", NODES).version
    cluster.put(node("c"))
    cluster.set_ready("c", "False", "it fell")
    cluster.edit("Node", "c", lambda document: document["metadata"].setdefault("labels", {}).update(x="1"))
    cluster.remove("Node", "c")
    url = f"{NODES}?watch=true&timeoutSeconds=5&resourceVersion={start}"
    response = api.pool.request(
        "GET", api.url + url, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}, preload_content=False
    )
    lines = itertools.islice(_lines(response), 4)
    seen = [(event["type"], int(event["object"]["metadata"]["resourceVersion"])) for event in map(json.loads, lines)]
    response.close()
    first = int(start) + 1
    assert seen == [("ADDED", first), ("MODIFIED", first + 1), ("MODIFIED", first + 2), ("DELETED", first + 3)]


def test_what_is_put_in_is_taken_as_it_is(cluster: Kubernetes, api: Api) -> None:
    """Stores an object whole, its deletionTimestamp and status included."""
    stored = cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "c", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"nodeInfo": {"bootID": "b"}},
        }
    )
    assert api.call("GET", f"{NODES}/c").json == stored
    assert (stored["metadata"]["deletionTimestamp"], stored["spec"]) == ("2026-01-01T00:00:00Z", {})
    assert cluster.put(stored) == stored
    bare = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}}
    assert cluster.put(bare) == cluster.put(bare)


def test_a_watch_of_a_forgotten_version_is_gone(cluster: Kubernetes, api: Api) -> None:
    """Ends a watch of a forgotten version with 410 as an event."""
    version = api.call("GET", NODES).version
    cluster.compact()
    with api.watch(labelSelector="", resourceVersion=version) as events:
        (event,) = events
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    with api.watch(labelSelector="", resourceVersion=api.call("GET", NODES).version) as events:
        cluster.set_ready("a", "False")
        assert next(events)["type"] == "MODIFIED"


def test_a_watch_that_asks_for_bookmarks_ends_with_one(api: Api) -> None:
    """Ends a watch with a bookmark, if it asked for some."""
    with api.watch(labelSelector="", resourceVersion="0", timeoutSeconds=1, allowWatchBookmarks="true") as events:
        kinds = [event["type"] for event in events]
    assert kinds == ["ADDED", "ADDED", "BOOKMARK"]


# Serving


def test_watches_end_with_the_server(cluster: Kubernetes) -> None:
    """Ends all watches, and their threads, with the server."""
    before = threading.active_count()
    with urllib3.PoolManager(retries=False, timeout=20.0) as pool:
        with Server(cluster) as server:
            api = Api(server.url, pool, ADMIN_TOKEN, cluster.compact)
            watching = api.watch(labelSelector="")
            events = watching.__enter__()
            next(events)
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            assert len(list(events)) == 1
    assert wait_until(lambda: threading.active_count() <= before)


def test_a_watcher_that_leaves_is_noticed(server: Server, api: Api) -> None:
    """Ends the thread of a watch that nobody reads any more."""
    before = threading.active_count()
    response = api.pool.request(
        "GET",
        f"{server.url}{NODES}?watch=true",
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Connection": "close"},
        preload_content=False,
    )
    assert threading.active_count() > before
    response.close()
    assert wait_until(lambda: threading.active_count() <= before)


def test_a_large_cluster_is_served_from_what_is_encoded_already(cluster: Kubernetes, api: Api) -> None:
    """Encodes each version of an object once: the cost of thousands of fat nodes is not the double's."""
    images = [{"names": [f"registry.example/{'x' * 170}:{n}"], "sizeBytes": 10_000_000 + n} for n in range(50)]
    for number in range(900):
        document = node(f"n{number:04}")
        document["status"]["images"] = images
        cluster.put(document)
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    whole = api.pool.request("GET", api.url + NODES, headers=headers).data
    assert len(whole) > 10_000_000
    items = [entry.item for entry in cluster.store]
    assert api.pool.request("GET", api.url + NODES, headers=headers).data == whole
    assert all(entry.item is item for entry, item in zip(cluster.store, items, strict=True))
    pages: list[Answer] = []
    token = ""
    while token or not pages:
        pages.append(api.call("GET", NODES, query={"limit": 500, "continue": token}))
        token = pages[-1].metadata.get("continue", "")
    assert (len(pages), sum(len(page.names) for page in pages)) == (2, 902)


def test_writers_do_not_lose_each_others_changes(api: Api) -> None:
    """Stores the annotations of twenty writers at once, each with a version of its own."""
    versions: list[str] = []

    def annotate(number: int) -> None:
        answer = api.patch(f"{NODES}/a", {"metadata": {"annotations": {f"k{number}": "1"}}}, MERGE)
        versions.append(answer.version)

    threads = [threading.Thread(target=annotate, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(versions)) == 20
    assert len(api.call("GET", f"{NODES}/a").metadata["annotations"]) == 21


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
