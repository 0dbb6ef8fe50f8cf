"""The login of a pod: its service account, read again while the program runs."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs.edges import login
from tests.sandbox.server import wait_until
from tests.sandbox.world import World
from tests.support.logins import in_a_pod, secure, who
from tests.support.pods import account_of, mounted, pod_variables, write_account
from tests.support.processes import complaint, environment_of
from tests.support.watching import cronjob, started

FORGETFUL = (
    sys.executable,
    "-c",
    "from jobs.edges import login; login.TOKEN_SECONDS = 0.5; from jobs.__main__ import main; main()",
)
"""The program, but that a token is read again when it is half a second old."""


def test_a_pods_service_account_logs_in(cluster: World) -> None:
    """A pod logs in with its service account, without any setting."""
    with secure(cluster) as (server, certificate):
        assert who(in_a_pod(cluster, server, certificate.authority_pem), server) == "pod"


@pytest.mark.parametrize("token", ["pod\n", "\r\n pod \n"], ids=["newline", "all around"])
def test_white_space_around_the_token_reaches_no_header(cluster: World, token: str) -> None:
    """White space around the token in its file reaches no header."""
    with secure(cluster) as (server, certificate):
        assert who(in_a_pod(cluster, server, certificate.authority_pem, token=token), server) == "pod"


def test_a_token_is_read_again_while_the_program_runs(cluster: World) -> None:
    """A watcher goes on with the token that has replaced the first in its file, and never with the old one again."""
    cluster.kubernetes.put(cronjob())
    cluster.kubernetes.tokens["second"] = cluster.kubernetes.tokens[cluster.kubernetes.admin_token]
    account = account_of(cluster, cluster.home / "serviceaccount")
    environment = environment_of(cluster, **pod_variables(cluster.cluster.port))
    command = (*mounted(account), *FORGETFUL)
    with started(environment, "--cronjob", "sync", "--namespace", "default", command=command):
        assert wait_until(lambda: len(cluster.cluster.calls) > 3, 60)
        (account / "token").write_text("second\n", encoding="utf-8")
        assert wait_until(lambda: "Bearer second" in _authorizations(cluster), 60)
        later = len(cluster.cluster.calls)
        assert wait_until(lambda: len(cluster.cluster.calls) > later + 2, 60)
    assert set(_authorizations(cluster)[later:]) == {"Bearer second"}


def test_a_token_is_used_for_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the token is read again when a minute has passed, and not before."""
    write_account(tmp_path, b"x", "first")
    seconds = 0.0
    monkeypatch.setattr(login, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setattr(login, "time", SimpleNamespace(monotonic=lambda: seconds))
    for name, value in pod_variables(443).items():
        monkeypatch.setenv(name, value)
    given = login.login_of(None, None).credentials
    (tmp_path / "token").write_text("second", encoding="utf-8")
    seconds = 59.0
    assert given().authorization == "Bearer first"
    seconds = 60.0
    assert given().authorization == "Bearer second"


def _authorizations(world: World) -> list[str]:
    return [call.request.headers["Authorization"] for call in list(world.cluster.calls)]


def test_an_account_without_a_cluster_address_is_a_wrong_pod(cluster: World) -> None:
    """A service account without the cluster's address is an error of status 2, which names the variable."""
    line = complaint(in_a_pod(cluster, cluster.cluster, b"x", KUBERNETES_SERVICE_HOST=""), 2)
    assert "KUBERNETES_SERVICE_HOST" in line
    assert "no pod" not in line


@pytest.mark.parametrize(
    ("authority", "token", "named"), [(b"", "pod", "ca.crt"), (b"x", " \n", "token")], ids=["authority", "token"]
)
def test_an_account_whose_files_are_empty_is_a_wrong_pod(
    cluster: World, authority: bytes, token: str, named: str
) -> None:
    """An empty file of the service account is an error of status 2, which names it; no request is made."""
    line = complaint(in_a_pod(cluster, cluster.cluster, authority, token=token), 2)
    assert f"{named} is empty" in line
    assert cluster.cluster.calls == []


def test_a_cluster_can_have_an_ipv6_address(cluster: World) -> None:
    """A cluster's IPv6 address is taken without brackets. So the kubelet sets it in a cluster of IPv6 alone."""
    line = in_a_pod(cluster, cluster.cluster, b"x", KUBERNETES_SERVICE_HOST="::1").stderr.splitlines()[-1]
    assert "no URL" not in line
    assert "certificate" in line or "unreachable" in line
