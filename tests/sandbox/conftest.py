"""The doubles as their own tests ask them: a file says what its cluster is like, and may have an account of its own."""

from collections.abc import Iterator

import pytest
import urllib3

from tests.sandbox.account import Account, account
from tests.sandbox.contract.client import Api
from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes
from tests.sandbox.route53 import Route53
from tests.sandbox.server import Server


@pytest.fixture
def server(cluster: Kubernetes) -> Iterator[Server]:
    """Serve the cluster."""
    with Server(cluster) as serving:
        yield serving


@pytest.fixture
def api(server: Server, cluster: Kubernetes) -> Iterator[Api]:
    """Talk to it."""
    with urllib3.PoolManager(retries=False, timeout=20.0) as pool:
        yield Api(server.url, pool, ADMIN_TOKEN, cluster.compact)


@pytest.fixture(scope="module")
def dns() -> Iterator[Account]:
    """Serve an account for all tests of a file."""
    with account(Route53()) as served:
        yield served


@pytest.fixture
def zone(dns: Account) -> str:
    """Make a zone of a test's own."""
    return dns.service.zone("example.com")
