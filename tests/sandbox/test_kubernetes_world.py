"""What a test can let happen in the double of the API server: silent kubelets, endpoints, rights, another clock."""

import datetime as dt
from email.utils import parsedate_to_datetime

import pytest
import urllib3

from tests.sandbox.contract.client import LEASES, NODES, SLICES, Api, Json
from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes, node
from tests.sandbox.kubernetes_builders import endpoint
from tests.sandbox.kubernetes_errors import ApiError
from tests.sandbox.route53 import Route53
from tests.sandbox.server import Fault, FaultKind, Server
from tests.sandbox.world import World

BEGIN = 1_000_000_000.9  # 2001-09-09T01:46:40.9Z
LEASE = f"{LEASES}/a"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        """Begin in the year 2001."""
        self.now = BEGIN

    def __call__(self) -> float:
        """Give the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give the clock of the API server."""
    return Clock()


@pytest.fixture
def cluster(clock: Clock) -> Kubernetes:
    """Give a cluster that goes by it."""
    return Kubernetes(clock=clock)


def age(api: Api) -> float:
    """Measure the age of the Lease as the program does."""
    answer = api.call("GET", LEASES)
    (item,) = (each for each in answer.json["items"] if each["metadata"]["name"] == "a")
    entries = item["metadata"]["managedFields"]
    renewed = max(each["time"] for each in entries if "f:renewTime" in each["fieldsV1"].get("f:spec", {}))
    moment = parsedate_to_datetime(answer.headers["Date"])
    return (moment - dt.datetime.fromisoformat(renewed)).total_seconds()


# Leases


@pytest.mark.parametrize("seconds", [0, 4, 31, 86400])
def test_a_lease_is_as_old_as_it_is_said_to_be(cluster: Kubernetes, api: Api, seconds: float) -> None:
    """Makes a Lease of any age at once: no test waits for a node to be silent."""
    cluster.renew_lease("a", age_seconds=seconds)
    assert age(api) == seconds
    cluster.renew_lease("a")
    assert age(api) == 0
    cluster.renew_lease("a", age_seconds=seconds)
    assert age(api) == seconds


def test_a_lease_grows_older_by_the_servers_clock(cluster: Kubernetes, clock: Clock, api: Api) -> None:
    """Lets a Lease that is not renewed grow older with the cluster's clock."""
    cluster.renew_lease("a")
    clock.now += 40
    assert age(api) == 40


def test_several_api_servers_have_a_clock_each(cluster: Kubernetes, clock: Clock, api: Api) -> None:
    """The difference between the clocks of two API servers looks like a Lease's age, whichever of them is ahead."""
    cluster.renew_lease("a", age_seconds=4, ahead_seconds=20)
    assert age(api) == -16
    cluster.renew_lease("a", age_seconds=4)
    cluster.answering_clock = lambda: clock.now + 20
    assert age(api) == 24


def test_a_lease_carries_the_time_of_the_nodes_clock(cluster: Kubernetes, clock: Clock) -> None:
    """What a kubelet writes is by its own clock, which may be another than the API server's."""
    cluster.kubelet_clock = lambda: clock.now - 3600
    stored = cluster.renew_lease("a", age_seconds=10)
    assert stored["spec"]["renewTime"] == "2001-09-09T00:46:30.900000Z"
    assert stored["metadata"]["managedFields"][0]["time"] == "2001-09-09T01:46:30Z"


def test_a_lease_looks_as_a_kubelet_leaves_it(cluster: Kubernetes, api: Api) -> None:
    """Stores a renewal with the members and the manager that a kubelet's has."""
    cluster.renew_lease("a", age_seconds=10)
    lease = api.call("GET", LEASE)
    renewed = {"holderIdentity": "a", "leaseDurationSeconds": 40, "renewTime": "2001-09-09T01:46:30.900000Z"}
    assert lease.json["spec"] == renewed
    (entry,) = lease.metadata["managedFields"]
    fields: Json = {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}, "f:renewTime": {}}
    assert entry == {
        "manager": "kubelet",
        "operation": "Update",
        "apiVersion": "coordination.k8s.io/v1",
        "time": "2001-09-09T01:46:30Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": fields},
    }


def test_a_kubelets_own_clock_does_not_count(cluster: Kubernetes, api: Api) -> None:
    """Dates a renewal by the cluster's clock, whatever its renewTime says, the same one twice included."""
    lie = "2001-09-09T02:46:40.000000Z"
    for seconds in (31, 4, 31):
        stored = cluster.renew_lease("a", age_seconds=seconds, renew_time=lie)
        assert (stored["spec"]["renewTime"], age(api)) == (lie, seconds)


def test_others_fields_keep_their_time(cluster: Kubernetes, clock: Clock, api: Api) -> None:
    """Keeps the times of other managers apart from the kubelet's."""
    cluster.renew_lease("a")
    clock.now += 10
    api.patch(LEASE, {"metadata": {"labels": {"x": "y"}}}, fieldManager="other")
    assert age(api) == 10
    clock.now += 10
    cluster.renew_lease("a")
    entries = {each["manager"]: each["time"][-3:-1] for each in api.call("GET", LEASE).metadata["managedFields"]}
    assert entries == {"other": "50", "kubelet": "00"}


def test_a_kubelets_own_request_renews_as_well(cluster: Kubernetes, clock: Clock, api: Api) -> None:
    """Dates a renewal by HTTP as it dates one that a test makes."""
    cluster.renew_lease("a", age_seconds=60)
    clock.now += 5
    lease = api.call("GET", LEASE).json
    lease["spec"]["renewTime"] = "2001-09-09T01:46:45.000000Z"
    assert api.call("PUT", LEASE, lease, query={"fieldManager": "kubelet"}).status == 200
    assert age(api) == 0


def test_a_renewal_is_one_event(cluster: Kubernetes, api: Api) -> None:
    """Counts a renewal as one version, also with the same renewTime."""
    version = int(cluster.renew_lease("a")["metadata"]["resourceVersion"])
    same = cluster.renew_lease("a", age_seconds=1)["metadata"]
    assert int(same["resourceVersion"]) == version + 1
    assert api.call("GET", LEASES).version == str(version + 1)


# Nodes


def test_a_node_has_been_up_for_a_day(cluster: Kubernetes) -> None:
    """Gives a new node a condition that has stood for a day, with a heartbeat of now."""
    (ready,) = cluster.put(node("a", now=BEGIN))["status"]["conditions"]
    assert ready["lastTransitionTime"] == "2001-09-08T01:46:40Z"
    assert ready["lastHeartbeatTime"] == "2001-09-09T01:46:40Z"


@pytest.mark.parametrize(("status", "heard"), [("False", "2001-09-09T01:46:40Z"), ("Unknown", "2001-09-09T01:46:00Z")])
def test_a_condition_is_as_old_as_it_is_said_to_be(cluster: Kubernetes, status: str, heard: str) -> None:
    """Changes a condition so many seconds ago; the heartbeat stops with Unknown only."""
    cluster.put(node("a", now=BEGIN))
    (ready,) = cluster.set_ready("a", status, "m", age_seconds=40)["status"]["conditions"]
    assert (ready["status"], ready["message"]) == (status, "m")
    assert (ready["lastTransitionTime"], ready["lastHeartbeatTime"]) == ("2001-09-09T01:46:00Z", heard)
    (ready,) = cluster.set_ready("a", status)["status"]["conditions"]
    assert ready["lastTransitionTime"] == "2001-09-09T01:46:40Z"


# Endpoints


def test_a_service_has_the_endpoints_it_is_given(cluster: Kubernetes, api: Api) -> None:
    """Gives a service endpoints, in one call and in any namespace; another name is another slice."""
    cluster.endpoint_slice("ingress", "traefik", [endpoint("a"), endpoint("b", ready=False)])
    assert on_nodes(api) == [["a", "b"]]
    cluster.endpoint_slice("ingress", "traefik", [endpoint("a", terminating=True)])
    assert on_nodes(api) == [["a"]]
    cluster.endpoint_slice("ingress", "traefik", [endpoint("c", address="fd00::1")], name="traefik-v6")
    assert sorted(on_nodes(api)) == [["a"], ["c"]]
    cluster.endpoint_slice("ingress", "other", [endpoint("d")])
    assert sorted(on_nodes(api)) == [["a"], ["c"]]
    assert api.call("GET", "/api/v1/namespaces/ingress").json["status"] == {"phase": "Active"}


def on_nodes(api: Api) -> list[list[str]]:
    """Name the nodes of each slice of the service."""
    query = {"labelSelector": "kubernetes.io/service-name=traefik"}
    items = api.call("GET", SLICES.replace("default", "ingress"), query=query).json["items"]
    return [[each["nodeName"] for each in item["endpoints"]] for item in items]


def test_what_is_put_keeps_to_the_rules(cluster: Kubernetes) -> None:
    """Refuses what no cluster could have, also from a test."""
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "elsewhere"}}
    with pytest.raises(ApiError, match="does not match event"):
        cluster.put({**event, "involvedObject": {"kind": "Node", "name": "a"}})
    with pytest.raises(ApiError, match="must be a valid IP address"):
        cluster.endpoint_slice("ingress", "traefik", [endpoint("a", address="somewhere")])
    with pytest.raises(ApiError, match=r"cannot parse \"Z\" as \"\.000000\""):
        cluster.renew_lease("a", renew_time="2001-09-09T02:46:40Z")


# Rights


# Time


def test_every_time_is_of_the_servers_clock(cluster: Kubernetes, clock: Clock, api: Api) -> None:
    """Takes all times, ages and dates from the cluster's clock."""
    cluster.put(node("a"))
    clock.now += 3600
    created = api.create(NODES, "-b")
    patched = api.patch(f"{NODES}/a", {"metadata": {"annotations": {"x": "y"}}})
    assert created.headers.getlist("Date") == ["Sun, 09 Sep 2001 02:46:40 GMT"]
    assert created.metadata["creationTimestamp"] == "2001-09-09T02:46:40Z"
    assert patched.metadata["creationTimestamp"] == "2001-09-09T01:46:40Z"
    assert [each["time"] for each in patched.metadata["managedFields"]] == [
        "2001-09-09T01:46:40Z",
        "2001-09-09T02:46:40Z",
    ]
    rows = api.call("GET", NODES, accept=TABLE).json["rows"]
    assert [row["cells"][3] for row in rows] == ["60m", "0s"]


@pytest.mark.parametrize("kind", ["throttled", "unavailable", "access denied", "expired token", "slow"])
def test_failures_are_of_the_servers_clock_too(server: Server, api: Api, kind: FaultKind) -> None:
    """Dates failures by the cluster's clock."""
    server.fail(Fault(kind, seconds=0))
    assert api.call("GET", NODES).headers.getlist("Date") == ["Sun, 09 Sep 2001 01:46:40 GMT"]


def test_a_stream_says_when_it_began(api: Api) -> None:
    """Dates a stream by the cluster's clock."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    url = f"{api.url}{NODES}?watch=true&timeoutSeconds=1"
    with api.pool.request("GET", url, headers=headers, preload_content=False) as response:
        assert response.headers.getlist("Date") == ["Sun, 09 Sep 2001 01:46:40 GMT"]


def test_a_service_without_a_clock_goes_by_the_machines() -> None:
    """Dates the answers of Route 53 by the machine's clock."""
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    with Server(Route53()) as server, urllib3.PoolManager(retries=False) as pool:
        (date,) = pool.request("GET", f"{server.url}/2013-04-01/hostedzone").headers.getlist("Date")
    assert before <= parsedate_to_datetime(date) <= dt.datetime.now(dt.UTC)


def test_a_world_can_have_another_clock(clock: Clock) -> None:
    """Runs a whole sync with an API server whose clock is wrong; TLS and Route 53 are not affected."""
    with World(clock=clock) as world:
        world.node("fra-1", "5.75.128.10")
        zone = world.route53.zone("example.com")
        (ready,) = world.kubernetes.get("Node", "fra-1")["status"]["conditions"]
        assert ready["lastTransitionTime"] == "2001-09-08T01:46:40Z"
        finished = world.run("sync-once", "--domain", "cdn.example.com")
        assert finished.returncode == 0, finished.stderr
        assert world.shown(zone) == ["cdn.example.com. 60 A [simple] 5.75.128.10"]
