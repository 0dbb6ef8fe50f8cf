"""How the program logs in to Kubernetes: the first login that applies, and what it says when none does."""

import base64
import json
import os
import shlex
import signal
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.sandbox.certificates import Certificate, loopback_certificate
from tests.sandbox.kubernetes import User, kubeconfig
from tests.sandbox.server import Fault, Server, wait_until
from tests.sandbox.world import Finished, World
from tests.support.processes import ANNOTATE, NODE, complaint, environment_of, isolated, login, run

Config = dict[str, Any]
LOGIN = (*ANNOTATE, "--timeout", "15")
CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}


@pytest.fixture
def cluster(world: World) -> World:
    """Give a cluster that knows this node and accepts any of a few tokens."""
    world.node(NODE)
    world.kubernetes.tokens.update({token: User(token) for token in ("first", "second", "pod")})
    return world


@contextmanager
def secure(world: World, *, client_certificates: bool = False) -> Iterator[tuple[Server, Certificate]]:
    """Serve the cluster over TLS too, if wanted only to clients with a certificate."""
    certificate = loopback_certificate()
    context = certificate.server_context()
    if client_certificates:
        certificate.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    with Server(world.kubernetes, tls=context) as server:
        yield server, certificate


def write(path: Path, config: Config | str) -> str:
    """Write a kubeconfig; give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    return str(path)


def who(finished: Finished, server: Server) -> str:
    """Tell whose token the only request carried."""
    assert finished.returncode == 0, finished.stderr
    (call,) = server.calls
    return call.request.headers["Authorization"].partition(" ")[2]


def in_a_pod(world: World, server: Server, authority_pem: bytes, *options: str, **variables: str) -> Finished:
    """Annotate where a pod's service account is mounted, as the user `pod`."""
    trust = world.home / "ca.crt"
    trust.write_bytes(authority_pem)
    script = f"""
        set -eu
        mount -t tmpfs tmpfs /var/run
        mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
        cd /var/run/secrets/kubernetes.io/serviceaccount
        cp {shlex.quote(str(trust))} ca.crt
        printf pod > token
        exec "$@"
    """
    pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.port), "KUBECONFIG": ""}
    environment = environment_of(world, **pod | variables)
    return run((*LOGIN, *options), environment, inside=(*isolated("mount"), "sh", "-c", script, "sh"))


# The first that applies


def test_the_option_wins_over_the_environment(cluster: World) -> None:
    """Whoever names another cluster by hand would change this one."""
    chosen = write(cluster.home / "chosen", login(cluster, "first"))
    assert who(cluster.run(*LOGIN, "--kubeconfig", chosen), cluster.cluster) == "first"


def test_the_options_variable_names_the_file(cluster: World) -> None:
    """A manifest could not name a kubeconfig beside the user's own KUBECONFIG."""
    chosen = write(cluster.home / "chosen", login(cluster, "first"))
    assert who(cluster.run(*LOGIN, KUBE_NODE_DNS_KUBECONFIG=chosen), cluster.cluster) == "first"


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        pytest.param(("--context", "other"), {}, id="option"),
        pytest.param((), {"KUBE_NODE_DNS_CONTEXT": "other"}, id="variable"),
    ],
)
def test_a_context_is_chosen_by_name(cluster: World, options: tuple[str, ...], variables: Mapping[str, str]) -> None:
    """Somebody with two clusters in one file would always change the current one."""
    config = login(cluster, "first")
    config["users"].append({"name": "other", "user": {"token": "second"}})
    config["contexts"].append({"name": "other", "context": {"cluster": "sandbox", "user": "other"}})
    write(cluster.kubeconfig, config)
    assert who(cluster.run(*LOGIN, *options, **variables), cluster.cluster) == "second"


def test_kubeconfig_joins_several_files(cluster: World) -> None:
    """A file of contexts beside a file of clusters works with kubectl, and would not here."""
    config = login(cluster, "second")
    contexts = {key: config.pop(key) for key in ("contexts", "current-context")}
    files = (write(cluster.home / "contexts", contexts), write(cluster.home / "clusters", config))
    assert who(cluster.run(*LOGIN, KUBECONFIG=os.pathsep.join(files)), cluster.cluster) == "second"


def test_a_file_of_kubeconfig_that_does_not_exist_is_passed_over(cluster: World) -> None:
    """The usual KUBECONFIG=~/.kube/config:~/.kube/work would need both, unlike with kubectl."""
    files = (str(cluster.home / "missing"), write(cluster.home / "there", login(cluster, "second")))
    assert who(cluster.run(*LOGIN, KUBECONFIG=os.pathsep.join(files)), cluster.cluster) == "second"


def test_the_home_directorys_file_is_the_last_resort(cluster: World) -> None:
    """On a laptop where kubectl works without any setting, this would not."""
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    assert who(cluster.run(*LOGIN, KUBECONFIG=""), cluster.cluster) == "first"


def test_kubeconfig_wins_over_the_home_directory(cluster: World) -> None:
    """The cluster named in the environment would be passed over."""
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    chosen = write(cluster.home / "chosen", login(cluster, "second"))
    assert who(cluster.run(*LOGIN, KUBECONFIG=chosen), cluster.cluster) == "second"


def test_a_pods_service_account_logs_in(cluster: World) -> None:
    """Neither job could run where it is meant to run."""
    with secure(cluster) as (server, certificate):
        assert who(in_a_pod(cluster, server, certificate.authority_pem), server) == "pod"


def test_a_pods_service_account_wins_over_the_home_directory(cluster: World) -> None:
    """A kubeconfig left in an image would send a pod's changes to another cluster."""
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    with secure(cluster) as (server, certificate):
        assert who(in_a_pod(cluster, server, certificate.authority_pem), server) == "pod"


@pytest.mark.parametrize("how", ["--kubeconfig", "--context", "KUBECONFIG"])
def test_what_is_named_wins_over_a_pods_service_account(cluster: World, how: str) -> None:
    """Nobody could manage one cluster from a pod of another."""
    path = write(cluster.home / ".kube" / "config", login(cluster, "first"))
    options = {"--kubeconfig": (how, path), "--context": (how, "sandbox")}.get(how, ())
    variables = {how: path} if how == "KUBECONFIG" else {}
    with secure(cluster) as (server, certificate):
        finished = in_a_pod(cluster, server, certificate.authority_pem, *options, **variables)
        assert server.calls == []
    assert who(finished, cluster.cluster) == "first"


# What a kubeconfig can hold


def test_a_token_can_come_from_a_file(cluster: World) -> None:
    """Tokens that somebody renews in a file could not be used."""
    token = cluster.home / "token"
    token.write_text("second\n", encoding="utf-8")
    config = login(cluster, "")
    config["users"][0]["user"] = {"tokenFile": str(token)}
    write(cluster.kubeconfig, config)
    assert who(cluster.run(*LOGIN), cluster.cluster) == "second"


def with_client_certificate(server: Server, certificate: Certificate) -> Config:
    """Build a kubeconfig that logs in with a certificate and key inside it; the token is for the sandbox only."""
    issued = certificate.authority.issue_cert("admin@example.com")
    config = kubeconfig(server.url, "first", authority_pem=certificate.authority_pem)
    encoded = {
        "client-certificate-data": issued.cert_chain_pems[0].bytes(),
        "client-key-data": issued.private_key_pem.bytes(),
    }
    config["users"][0]["user"] |= {name: _base64(pem) for name, pem in encoded.items()}
    return config


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def test_a_client_certificate_logs_in_and_leaves_no_key_behind(cluster: World) -> None:
    """Admin kubeconfigs of kubeadm and k3s would not work, or each run would leave the admin's key in /tmp."""
    temporary = cluster.home / "tmp"
    temporary.mkdir()
    with secure(cluster, client_certificates=True) as (server, certificate):
        write(cluster.kubeconfig, with_client_certificate(server, certificate))
        assert who(cluster.run(*LOGIN, TMPDIR=str(temporary)), server) == "first"
    assert list(temporary.iterdir()) == []


def test_sigterm_leaves_no_key_behind(cluster: World) -> None:
    """The admin's key would stay in /tmp after a run that was interrupted."""
    temporary = cluster.home / "tmp"
    temporary.mkdir()
    with secure(cluster, client_certificates=True) as (server, certificate):
        server.fail(Fault("slow"))
        write(cluster.kubeconfig, with_client_certificate(server, certificate))
        process = cluster.start(*LOGIN, TMPDIR=str(temporary))
        assert wait_until(lambda: bool(server.calls), 30)
        assert list(temporary.iterdir()), "the keys are expected in files while the program runs"
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 143
    assert list(temporary.iterdir()) == []


def test_a_cluster_with_a_certificate_of_nobody_known_is_not_told_the_token(cluster: World) -> None:
    """Anybody between the program and the cluster could take the token; trying again would not help."""
    with secure(cluster) as (server, _):
        write(cluster.kubeconfig, kubeconfig(server.url, "first"))
        line = complaint(cluster.run(*LOGIN), 2)
        assert server.calls == []
    assert "certificate" in line


UNREADABLE = base64.b64encode(b"no PEM").decode()


@pytest.mark.parametrize(
    ("about", "members", "named"),
    [
        pytest.param("cluster", {"server": "https://me:SECRET@127.0.0.1:99999"}, "server", id="address, no port"),
        pytest.param("cluster", {"server": "htps://me:SECRET@127.0.0.1"}, "server", id="address, no scheme"),
        pytest.param("cluster", {"server": "me:SECRET@127.0.0.1:6443"}, "server", id="address, scheme left out"),
        pytest.param("cluster", {"proxy-url": "http://me:SECRET@127.0.0.1:99999"}, "proxy-url", id="proxy, no port"),
        pytest.param("cluster", {"proxy-url": "htp://me:SECRET@127.0.0.1"}, "proxy-url", id="proxy, no scheme"),
        pytest.param("cluster", {"proxy-url": "socks5://me:SECRET@127.0.0.1:1"}, "proxy-url", id="proxy, SOCKS"),
        pytest.param("cluster", {"proxy-url": "http://me:SECRET@a..b:1"}, "proxy-url", id="proxy, no name"),
        pytest.param("cluster", {"proxy-url": 8080}, "proxy-url", id="proxy, a number"),
        pytest.param("cluster", {"certificate-authority-data": UNREADABLE}, "certificate", id="authority"),
        pytest.param(
            "user",
            {"client-certificate-data": UNREADABLE, "client-key-data": UNREADABLE},
            "certificate",
            id="client certificate",
        ),
        pytest.param("user", {"token": "SECRET\u4e2d"}, "token", id="token"),
    ],
)
def test_what_cannot_be_used_of_a_kubeconfig_is_told_once_without_a_secret(
    cluster: World, about: str, members: Mapping[str, str], named: str
) -> None:
    """A slip would be tried again until the deadline, every minute, or a password stand in the log."""
    with secure(cluster) as (server, certificate):
        config = kubeconfig(server.url, "first", authority_pem=certificate.authority_pem)
        config[f"{about}s"][0][about].update(members)
        write(cluster.kubeconfig, config)
        finished = cluster.run(*LOGIN)
    line = complaint(finished, 2)
    assert named in line
    assert "SECRET" not in line + finished.stdout
    assert "u4e2d" not in line


def test_a_key_that_belongs_to_another_certificate_is_told_once(cluster: World) -> None:
    """A kubeconfig put together wrongly would seem to be an outage of the API server."""
    with secure(cluster, client_certificates=True) as (server, certificate):
        config = with_client_certificate(server, certificate)
        other = with_client_certificate(server, certificate)["users"][0]["user"]["client-key-data"]
        config["users"][0]["user"]["client-key-data"] = other
        write(cluster.kubeconfig, config)
        assert "certificate or key" in complaint(cluster.run(*LOGIN), 2)


def test_a_key_behind_a_password_is_told_once(cluster: World) -> None:
    """Nobody is there to be asked for it, and it would seem to be an outage of the API server."""
    with secure(cluster, client_certificates=True) as (server, certificate):
        config = with_client_certificate(server, certificate)
        user = config["users"][0]["user"]
        key = load_pem_private_key(base64.b64decode(user["client-key-data"]), None)
        locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"SECRET"))
        user["client-key-data"] = _base64(locked)
        write(cluster.kubeconfig, config)
        assert "private key is encrypted" in complaint(cluster.run(*LOGIN), 2)


# Login plugins


def plugin(world: World, script: str) -> None:
    """Make the kubeconfig log in with a plugin, a shell script."""
    path = world.home / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    plugged(world, path)


def plugged(world: World, path: Path) -> None:
    """Make the kubeconfig log in with this command."""
    config = login(world, "")
    way = {"apiVersion": CREDENTIAL["apiVersion"], "command": str(path), "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": way}
    write(world.kubeconfig, config)


def test_a_plugin_gives_the_token(cluster: World) -> None:
    """Clusters of every cloud would be out of reach from a laptop."""
    plugin(cluster, f"echo '{json.dumps(CREDENTIAL | {'status': {'token': 'second'}})}'")
    assert who(cluster.run(*LOGIN), cluster.cluster) == "second"


def test_a_plugins_words_stay_out_of_the_result(cluster: World) -> None:
    """A program that reads the document would choke on what a plugin says."""
    plugin(cluster, f"echo hello >&2; echo '{json.dumps(CREDENTIAL | {'status': {'token': 'second'}})}'")
    finished = cluster.run(*LOGIN, "--output", "json")
    assert json.loads(finished.stdout)["status"] == 0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("echo first >&2; echo 'please log in' >&2; exit 3", "please log in", id="status"),
        pytest.param("echo nonsense", "exec", id="nonsense"),
        pytest.param("exit 0", "exec", id="nothing"),
        pytest.param("echo '{}'", "exec", id="empty credential"),
    ],
)
def test_a_plugin_that_fails_may_work_the_next_time(cluster: World, script: str, words: str) -> None:
    """A session that ran out would be taken for a wrong setting, or the plugin's own words would be lost."""
    plugin(cluster, script)
    assert words in complaint(cluster.run(*LOGIN), 1)
    assert cluster.cluster.calls == []


def test_a_plugin_that_is_not_there_is_named(cluster: World) -> None:
    """People would not know what to install."""
    plugged(cluster, cluster.home / "not-installed")
    finished = cluster.run(*LOGIN)
    assert "not-installed" in complaint(finished, finished.returncode)
    assert finished.returncode in {1, 2}
    assert cluster.cluster.calls == []


@pytest.fixture
def hanging(cluster: World) -> Iterator[Path]:
    """Log in with a plugin that waits for somebody who never comes; give the file with its process id."""
    pid = cluster.home / "pid"
    plugin(cluster, f"echo $$ > {pid}; exec sleep 60 2> /dev/null")
    yield pid
    with suppress(ProcessLookupError):
        os.kill(int(pid.read_text("ascii")), signal.SIGKILL)


@pytest.mark.usefixtures("hanging")
def test_the_deadline_ends_a_plugin_that_hangs(cluster: World) -> None:
    """A plugin that waits for a browser would block a job for good, or end it without a word."""
    assert "15" in complaint(cluster.run(*LOGIN), 1)


def test_sigterm_ends_a_run_inside_a_plugin(cluster: World, hanging: Path) -> None:
    """Ctrl-C in a shell, or the end of a pod, would wait for the plugin."""
    process = cluster.start(*LOGIN)
    assert wait_until(lambda: hanging.exists() and hanging.stat().st_size > 0, 30)
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 143


# No login


def test_an_unknown_context_is_named(cluster: World) -> None:
    """A typo would be reported as something else, or the current context used instead."""
    assert "prod" in complaint(cluster.run(*LOGIN, "--context", "prod"), 2)
    assert cluster.cluster.calls == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="not YAML"),
        pytest.param("just text", id="text"),
        pytest.param("- a\n- list\n", id="list"),
        pytest.param("\x00\x01", id="binary"),
        pytest.param("apiVersion: v1\nkind: Config\n", id="nothing in it"),
        pytest.param("current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]", id="no cluster"),
    ],
)
def test_a_kubeconfig_that_is_none_is_named_in_plain_words(cluster: World, text: str) -> None:
    """People would search for the broken file, or puzzle over the words of a programming language."""
    write(cluster.kubeconfig, text)
    line = complaint(cluster.run(*LOGIN), 2)
    assert str(cluster.kubeconfig) in line
    assert [word for word in ("'str' object", "'list' object", "indices", "NoneType", "KeyError") if word in line] == []


@pytest.mark.parametrize("how", ["--kubeconfig", "KUBECONFIG"])
def test_a_file_that_is_not_there_is_named(cluster: World, how: str) -> None:
    """People would not see which of their settings is wrong; another login must not take its place."""
    missing = str(cluster.home / "missing")
    write(cluster.home / ".kube" / "config", login(cluster, "first"))
    options, variables = ((how, missing), {}) if how == "--kubeconfig" else ((), {how: missing})
    assert missing in complaint(cluster.run(*LOGIN, *options, **variables), 2)
    assert cluster.cluster.calls == []


def test_without_any_login_the_ways_to_log_in_are_named(cluster: World) -> None:
    """A newcomer would not know what to set."""
    line = complaint(cluster.run(*LOGIN, KUBECONFIG=""), 2)
    assert all(way in line for way in ("--kubeconfig", "KUBECONFIG", ".kube/config")), line


def test_an_account_without_a_cluster_address_is_a_wrong_pod(cluster: World) -> None:
    """A pod that hides the cluster's address would end in a traceback."""
    line = complaint(in_a_pod(cluster, cluster.cluster, b"", KUBERNETES_SERVICE_HOST=""), 2)
    assert "Service host/port" in line
    assert "no pod" not in line
