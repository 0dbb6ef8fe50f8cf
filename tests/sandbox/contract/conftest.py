"""The two API servers the contract is held against."""

from collections.abc import Iterator

import pytest
import urllib3

from tests.sandbox.contract.client import LEASES, LIMITED, LIMITED_TOKEN, READER, READER_TOKEN, Api, Json
from tests.sandbox.contract.definition import NAME, dnsendpoint_definition
from tests.sandbox.contract.installed import Installed, installed
from tests.sandbox.controlplane import assets, control_plane
from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes, User
from tests.sandbox.server import Server, wait_until

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_MAY_GET_NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
_MAY_LIST_LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]}
_MAY_CREATE_EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}
_RIGHTS = {
    READER_TOKEN: User(READER, frozenset({("get", "nodes")})),
    LIMITED_TOKEN: User(
        LIMITED, frozenset({("list", "leases", "kube-node-lease"), ("create", "events", "default"), ("list", "nodes")})
    ),
}


@pytest.fixture(params=["double", "real"])
def api(request: pytest.FixtureRequest) -> Api:
    """Give one API server after the other."""
    shared: Api = request.getfixturevalue(f"{request.param}_api")
    return Api(shared.url, shared.pool, shared.token, shared.compact, shared.define)


@pytest.fixture
def dnsendpoints(api: Api) -> None:
    """Let the API server serve DNSEndpoints."""
    assert api.define is not None
    api.define()


@pytest.fixture(scope="session")
def double_api() -> Iterator[Api]:
    """Serve the double: one for all tests, as the real one is."""
    double = Kubernetes(tokens=_RIGHTS)
    with Server(double) as server, _pool() as pool:
        yield Api(server.url, pool, ADMIN_TOKEN, double.compact, lambda: double.define(NAME))


@pytest.fixture(scope="session")
def real_api() -> Iterator[Api]:
    """Start a real control plane, if there is one."""
    binaries = assets()
    if binaries is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    users = {token: user.name for token, user in _RIGHTS.items()}
    with control_plane(binaries, users) as plane, _pool(ca_certs=str(plane.ca_path)) as pool:
        shared = Api(plane.url, pool, plane.admin_token, plane.compact, lambda: _define(shared))
        _grant(shared, READER, "", _MAY_GET_NODES)
        _grant(shared, LIMITED, "", {**_MAY_GET_NODES, "verbs": ["list"]})
        _grant(shared, LIMITED, "default", _MAY_CREATE_EVENTS)
        _grant(shared, LIMITED, "kube-node-lease", _MAY_LIST_LEASES)
        assert wait_until(lambda: shared.call("GET", LEASES, token=LIMITED_TOKEN).status == 200)
        yield shared


@pytest.fixture(scope="session")
def cluster_with_cron(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Start a control plane where cron/ is installed, if there is one."""
    binaries = assets()
    if binaries is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    with installed(binaries, tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def _pool(ca_certs: str | None = None) -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=40), ca_certs=ca_certs)


def _define(api: Api) -> None:
    """Create the definition of DNSEndpoints, once, and wait until they are served."""
    assert api.call("POST", *dnsendpoint_definition()).status in (201, 409)
    objects = "/apis/externaldns.k8s.io/v1alpha1/dnsendpoints"
    assert wait_until(lambda: api.call("GET", objects).status == 200)


def _grant(api: Api, user: str, namespace: str, rule: Json) -> None:
    """Give a user a right, by a ClusterRole or, in a namespace, a Role of its name."""
    kind, folder = ("Role", f"/namespaces/{namespace}") if namespace else ("ClusterRole", "")
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    role = {"metadata": {"name": user}, "rules": [rule]}
    binding = {"metadata": {"name": user}, "roleRef": reference, "subjects": [subject]}
    for plural, body in ((f"{kind.lower()}s", role), (f"{kind.lower()}bindings", binding)):
        answer = api.call("POST", f"{_RBAC}{folder}/{plural}", body)
        assert answer.status == 201, answer.json
