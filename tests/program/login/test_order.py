"""Of several logins the first that applies is used: options, KUBECONFIG, the pod's account, ~/.kube/config."""

import os
from collections.abc import Mapping

import pytest

from tests.sandbox.world import World
from tests.support import forks
from tests.support.logins import LOGIN, in_a_pod, secure, who, write
from tests.support.processes import complaint, login


def test_the_option_wins_over_the_environment(cluster: World) -> None:
    """--kubeconfig is used although KUBECONFIG names another file."""
    chosen = write(cluster.home / "chosen", login(cluster, "first"))
    assert who(forks.run(cluster, *LOGIN, "--kubeconfig", chosen), cluster.cluster) == "first"


def test_the_options_variable_names_the_file(cluster: World) -> None:
    """KUBE_NODE_DNS_KUBECONFIG wins over KUBECONFIG. So a manifest can name a file beside the user's own."""
    chosen = write(cluster.home / "chosen", login(cluster, "first"))
    assert who(forks.run(cluster, *LOGIN, KUBE_NODE_DNS_KUBECONFIG=chosen), cluster.cluster) == "first"


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        pytest.param(("--context", "other"), {}, id="option"),
        pytest.param((), {"KUBE_NODE_DNS_CONTEXT": "other"}, id="variable"),
    ],
)
def test_a_context_is_chosen_by_name(cluster: World, options: tuple[str, ...], variables: Mapping[str, str]) -> None:
    """The named context is used, not the file's current one."""
    config = login(cluster, "first")
    config["users"].append({"name": "other", "user": {"token": "second"}})
    config["contexts"].append({"name": "other", "context": {"cluster": "sandbox", "user": "other"}})
    write(cluster.kubeconfig, config)
    assert who(forks.run(cluster, *LOGIN, *options, **variables), cluster.cluster) == "second"


def test_kubeconfig_joins_several_files(cluster: World) -> None:
    """A file of contexts beside a file of clusters works, as with kubectl."""
    config = login(cluster, "second")
    contexts = {key: config.pop(key) for key in ("contexts", "current-context")}
    files = (write(cluster.home / "contexts", contexts), write(cluster.home / "clusters", config))
    assert who(forks.run(cluster, *LOGIN, KUBECONFIG=os.pathsep.join(files)), cluster.cluster) == "second"


def test_a_file_of_kubeconfig_that_does_not_exist_is_passed_over(cluster: World) -> None:
    """KUBECONFIG=~/.kube/config:~/.kube/work works with one of the two alone, as with kubectl."""
    files = (str(cluster.home / "missing"), write(cluster.home / "there", login(cluster, "second")))
    assert who(forks.run(cluster, *LOGIN, KUBECONFIG=os.pathsep.join(files)), cluster.cluster) == "second"


def test_the_option_names_one_file(cluster: World) -> None:
    """A colon in the path of --kubeconfig separates nothing: only KUBECONFIG is a list."""
    chosen = write(cluster.home / "a:b" / "config", login(cluster, "first"))
    assert who(forks.run(cluster, *LOGIN, "--kubeconfig", chosen), cluster.cluster) == "first"


def test_the_first_current_context_is_used(cluster: World) -> None:
    """Of several files with a current-context of their own the first one's is used, as with kubectl."""
    files = []
    for name in ("first", "second"):
        config = login(cluster, name)
        config["users"][0]["name"] = config["contexts"][0]["name"] = config["current-context"] = name
        config["contexts"][0]["context"]["user"] = name
        files.append(write(cluster.home / name, config))
    assert who(forks.run(cluster, *LOGIN, KUBECONFIG=os.pathsep.join(files)), cluster.cluster) == "first"


def test_the_home_directorys_file_is_the_last_resort(cluster: World) -> None:
    """~/.kube/config is used where nothing else is set."""
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    assert who(cluster.run(*LOGIN, KUBECONFIG=""), cluster.cluster) == "first"


def test_kubeconfig_wins_over_the_home_directory(cluster: World) -> None:
    """KUBECONFIG wins over ~/.kube/config."""
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    chosen = write(cluster.home / "chosen", login(cluster, "second"))
    assert who(forks.run(cluster, *LOGIN, KUBECONFIG=chosen), cluster.cluster) == "second"


def test_a_pods_service_account_wins_over_the_home_directory(cluster: World) -> None:
    """A pod's service account wins over ~/.kube/config. One may be left in an image."""
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    with secure(cluster) as (server, certificate):
        assert who(in_a_pod(cluster, server, certificate.authority_pem), server) == "pod"


@pytest.mark.parametrize("how", ["--kubeconfig", "--context", "KUBECONFIG"])
def test_what_is_named_wins_over_a_pods_service_account(cluster: World, how: str) -> None:
    """A login that is named wins over a pod's service account. So one cluster can be managed from a pod of another."""
    path = write(cluster.home / ".kube" / "config", login(cluster, "first"))
    options = {"--kubeconfig": (how, path), "--context": (how, "sandbox")}.get(how, ())
    variables = {how: path} if how == "KUBECONFIG" else {}
    with secure(cluster) as (server, certificate):
        finished = in_a_pod(cluster, server, certificate.authority_pem, *options, **variables)
        assert server.calls == []
    assert who(finished, cluster.cluster) == "first"


def test_an_unknown_context_is_named(cluster: World) -> None:
    """An unknown `--context` is an error of status 2, which names it; no request is made."""
    assert "'admin@prod'" in complaint(forks.run(cluster, *LOGIN, "--context", "admin@prod"), 2)
    assert cluster.cluster.calls == []


def test_a_context_without_a_file_in_a_pod(cluster: World) -> None:
    """In a pod, a context without a kubeconfig is an error that names the file, and does not deny that it is a pod."""
    with secure(cluster) as (server, certificate):
        line = complaint(in_a_pod(cluster, server, certificate.authority_pem, "--context", "prod"), 2)
    assert ".kube/config, context prod: " in line
    assert "not a pod" not in line


@pytest.mark.parametrize("how", ["--kubeconfig", "KUBECONFIG"])
def test_a_file_that_is_not_there_is_named(cluster: World, how: str) -> None:
    """A missing kubeconfig is an error of status 2, which names it; no other login is used."""
    missing = str(cluster.home / "missing")
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    options, variables = ((how, missing), {}) if how == "--kubeconfig" else ((), {how: missing})
    assert missing in complaint(forks.run(cluster, *LOGIN, *options, **variables), 2)
    assert cluster.cluster.calls == []


def test_without_any_login_the_ways_to_log_in_are_named(cluster: World) -> None:
    """Without any login the error names the ways to log in."""
    line = complaint(cluster.run(*LOGIN, KUBECONFIG=""), 2)
    assert all(way in line for way in ("--kubeconfig", "KUBECONFIG", ".kube/config, and this is not a pod")), line
