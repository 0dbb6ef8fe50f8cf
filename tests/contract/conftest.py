"""The two API servers the contract is held against."""

from collections.abc import Iterator

import pytest
import urllib3

from tests.contract.client import READER, READER_TOKEN, Api
from tests.sandbox.controlplane import assets, control_plane
from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes, User
from tests.sandbox.server import Server

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_MAY_GET_NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}


@pytest.fixture(params=["double", "real"])
def api(request: pytest.FixtureRequest) -> Api:
    """Give one API server after the other."""
    shared: Api = request.getfixturevalue(f"{request.param}_api")
    return Api(shared.url, shared.pool, shared.token, shared.compact)


@pytest.fixture(scope="session")
def double_api() -> Iterator[Api]:
    """Serve the double: one for all tests, as the real one is."""
    double = Kubernetes(tokens={READER_TOKEN: User(READER, frozenset({("get", "nodes")}))})
    with Server(double) as server, _pool() as pool:
        yield Api(server.url, pool, ADMIN_TOKEN, double.compact)


@pytest.fixture(scope="session")
def real_api() -> Iterator[Api]:
    """Start a real control plane, if there is one."""
    binaries = assets()
    if binaries is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    with control_plane(binaries, {READER_TOKEN: READER}) as plane, _pool(ca_certs=str(plane.ca_path)) as pool:
        shared = Api(plane.url, pool, plane.admin_token, plane.compact)
        _let_the_reader_read(shared)
        yield shared


def _pool(ca_certs: str | None = None) -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=40), ca_certs=ca_certs)


def _let_the_reader_read(api: Api) -> None:
    role = {"metadata": {"name": READER}, "rules": [_MAY_GET_NODES]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": READER}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": READER}
    binding = {"metadata": {"name": READER}, "roleRef": reference, "subjects": [subject]}
    for plural, body in (("clusterroles", role), ("clusterrolebindings", binding)):
        answer = api.call("POST", f"{_RBAC}/{plural}", body)
        assert answer.status == 201, answer.json
