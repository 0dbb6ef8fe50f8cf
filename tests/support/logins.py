"""Words that the tests of logging in share: where a cluster is served, how the program logs in, who asked."""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sandbox.certificates import Certificate, loopback_certificate
from tests.sandbox.kubernetes import kubeconfig
from tests.sandbox.server import Server
from tests.sandbox.world import Finished, World
from tests.support.pods import mounted, pod_variables, write_account
from tests.support.processes import ANNOTATE, environment_of, login, run

Config = dict[str, Any]

LOGIN = (*ANNOTATE, "--timeout", "15")
"""A command that sends one request."""
CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}


@contextmanager
def secure(world: World, *, client_certificates: bool = False) -> Iterator[tuple[Server, Certificate]]:
    """Serve the cluster with another certificate too, if wanted only to clients that have one."""
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


def encoded(data: bytes) -> str:
    """Write bytes as a kubeconfig holds them."""
    return base64.b64encode(data).decode("ascii")


def who(finished: Finished, server: Server) -> str:
    """Give the token that the only request carried."""
    assert finished.returncode == 0, finished.stderr
    (call,) = server.calls
    return call.request.headers["Authorization"].partition(" ")[2]


def in_a_pod(
    world: World,
    server: Server,
    authority_pem: bytes,
    *options: str,
    token: str = "pod",  # noqa: S107 - opens nothing but a double
    **variables: str,
) -> Finished:
    """Annotate where a pod's service account is mounted, as the user `pod`."""
    account = write_account(world.home / "serviceaccount", authority_pem, token)
    return run(
        (*LOGIN, *options),
        environment_of(world, **pod_variables(server.port) | variables),
        inside=mounted(account),
    )


def with_client_certificate(server: Server, certificate: Certificate) -> Config:
    """Build a kubeconfig that logs in with a certificate and key inside it; the token is for the sandbox only."""
    issued = certificate.authority.issue_cert("admin@example.com")
    config = kubeconfig(server.url, "first", authority_pem=certificate.authority_pem)
    config["users"][0]["user"] |= {
        "client-certificate-data": encoded(issued.cert_chain_pems[0].bytes()),
        "client-key-data": encoded(issued.private_key_pem.bytes()),
    }
    return config


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


def credential(token: str) -> str:
    """Write the shell command by which a plugin gives a token."""
    return f"printf %s '{json.dumps(CREDENTIAL | {'status': {'token': token}})}'"
