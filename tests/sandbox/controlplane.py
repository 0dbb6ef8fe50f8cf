"""A real control plane on this machine: etcd and kube-apiserver, to compare the double with."""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3

from tests.sandbox.certificates import loopback_certificate
from tests.sandbox.kubernetes import kubeconfig
from tests.sandbox.kubernetes_errors import Object

ADMIN_TOKEN = "control-plane-admin"  # noqa: S105 - opens nothing but a sandbox
_START_SECONDS = 120.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class ControlPlane:
    """A running API server and how to talk to it."""

    url: str
    ca_path: Path
    etcd_url: str
    admin_token: str = ADMIN_TOKEN
    server: subprocess.Popen[bytes] | None = None
    """The API server's process, where it was started with etcd."""

    def kubeconfig(self) -> Object:
        """Give the administrator's kubeconfig."""
        return kubeconfig(self.url, self.admin_token, authority_pem=self.ca_path.read_bytes())

    def compact(self) -> None:
        """Make etcd forget every version but the newest, as the API server does every few minutes."""
        with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
            newest = pool.request("POST", f"{self.etcd_url}/v3/kv/range", json={"key": "AA=="}).json()
            revision = newest["header"]["revision"]
            pool.request("POST", f"{self.etcd_url}/v3/kv/compaction", json={"revision": revision, "physical": True})


def assets() -> Path | None:
    """Say where etcd and kube-apiserver are: the folder KUBEBUILDER_ASSETS names, if it has both."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    folder = Path(named) if named else None
    return folder if folder and all((folder / name).is_file() for name in ("etcd", "kube-apiserver")) else None


@contextlib.contextmanager
def control_plane(binaries: Path, users: Mapping[str, str] | None = None) -> Iterator[ControlPlane]:
    """Run etcd and kube-apiserver while the context lasts; `users` are names by token.

    They have no rights of their own, but for those of a kubelet where the name is `system:node:…`.
    """
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="control-plane-")))
        etcd_url = f"http://127.0.0.1:{_free_port()}"
        stack.enter_context(_process(home / "etcd.log", [str(binaries / "etcd"), *_etcd_options(home, etcd_url)]))
        port = _free_port()
        command = [str(binaries / "kube-apiserver"), *_server_options(home, etcd_url, port, users or {})]
        server = stack.enter_context(_process(home / "kube-apiserver.log", command))
        plane = ControlPlane(f"https://127.0.0.1:{port}", home / "ca.pem", etcd_url, server=server)
        _wait_until_ready(plane, server, home / "kube-apiserver.log")
        yield plane


@contextlib.contextmanager
def node_controller(binaries: Path, plane: ControlPlane) -> Iterator[None]:
    """Run the controller that turns silent nodes Unknown, with its default grace period, while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="node-controller-") as folder:
        login = Path(folder) / "kubeconfig"
        login.write_text(json.dumps(plane.kubeconfig()), encoding="utf-8")
        command = [
            str(binaries / "kube-controller-manager"),
            f"--kubeconfig={login}",
            "--controllers=node-lifecycle-controller",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
        ]
        with _process(Path(folder) / "log", command):
            yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _etcd_options(home: Path, url: str) -> list[str]:
    peer = f"http://127.0.0.1:{_free_port()}"
    return [
        f"--data-dir={home / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]


def _server_options(home: Path, etcd_url: str, port: int, users: Mapping[str, str]) -> list[str]:
    certificate = loopback_certificate()
    (home / "ca.pem").write_bytes(certificate.authority_pem)
    certificate.write(home / "certificate.pem", home / "key.pem")
    rows = [f'{ADMIN_TOKEN},admin,admin,"system:masters"']
    for token, name in users.items():
        rows.append(f"{token},{name},{name}" + (',"system:nodes"' if name.startswith("system:node:") else ""))
    (home / "tokens.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",  # 1.37 writes no loopback address into the Service kubernetes
        f"--secure-port={port}",
        f"--cert-dir={home}",
        f"--tls-cert-file={home / 'certificate.pem'}",
        f"--tls-private-key-file={home / 'key.pem'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={home / 'key.pem'}",
        f"--service-account-signing-key-file={home / 'key.pem'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--token-auth-file={home / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",  # as every installer of clusters sets it
        "--anonymous-auth=false",
        # Lists of an old version come from etcd, so that compaction makes them expire at once.
        "--feature-gates=ListFromCacheSnapshot=false",
    ]


@contextlib.contextmanager
def _process(log: Path, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(plane: ControlPlane, server: subprocess.Popen[bytes], log: Path) -> None:
    headers = {"Authorization": f"Bearer {plane.admin_token}"}
    end = time.monotonic() + _START_SECONDS
    with urllib3.PoolManager(ca_certs=str(plane.ca_path), headers=headers, retries=False, timeout=5.0) as pool:
        while not all(_answers(pool, plane.url + path) for path in ("/readyz", "/api/v1/namespaces/kube-node-lease")):
            if server.poll() is not None or time.monotonic() > end:
                tail = log.read_text(encoding="utf-8", errors="replace")[-4000:]
                raise RuntimeError(f"kube-apiserver did not become ready:\n{tail}")
            time.sleep(0.1)


def _answers(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return pool.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False
