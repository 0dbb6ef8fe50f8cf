"""A pod as far as the program sees one: a service account, mounted, and the variables that a kubelet sets."""

import base64
import json
import shlex
from pathlib import Path

from tests.sandbox.world import World
from tests.support.processes import isolated

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def write_account(folder: Path, authority_pem: bytes, token: str) -> Path:
    """Write what the kubelet mounts; give the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "ca.crt").write_bytes(authority_pem)
    (folder / "token").write_text(token, encoding="utf-8")
    (folder / "namespace").write_text("default", encoding="utf-8")
    return folder


def account_of(world: World, folder: Path) -> Path:
    """Write the service account of a pod that may do everything, out of the sandbox's kubeconfig."""
    login = json.loads(world.kubeconfig.read_text(encoding="utf-8"))
    authority = base64.b64decode(login["clusters"][0]["cluster"]["certificate-authority-data"])
    return write_account(folder, authority, login["users"][0]["user"]["token"])


def mounted(account: Path) -> tuple[str, ...]:
    """Give the command that runs another one where a folder is the service account; what changes in it is seen."""
    script = f"""
        set -eu
        mount -t tmpfs tmpfs /var/run
        mkdir -p {ACCOUNT}
        mount --bind {shlex.quote(str(account))} {ACCOUNT}
        exec "$@"
    """
    return (*isolated("mount"), "sh", "-c", script, "sh")


def pod_variables(port: int, host: str = "127.0.0.1") -> dict[str, str]:
    """Give what the kubelet sets, and no kubeconfig."""
    return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port), "KUBECONFIG": ""}
