"""The image's program against the sandbox, shut in as the manifests do it as far as the machine allows."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.deploy.image.files import FINAL, Image
from tests.sandbox.world import Finished, World

_SHUT_IN = """
    set -eu
    mount -t tmpfs -o mode=755 tmpfs /var/run
    mkdir -p /var/run/secrets/kubernetes.io
    cp -R "$SERVICE_ACCOUNT" /var/run/secrets/kubernetes.io/serviceaccount
    mount -t tmpfs -o mode=1777 tmpfs "$TMPDIR"
    mount -o remount,bind,ro /
    if mountpoint -q /tmp; then mount -o remount,bind,ro /tmp; fi
    exec setpriv --reuid "$USER_ID" --regid "$GROUP_ID" --clear-groups --no-new-privs \
        --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search --bounding-set=-all,+dac_read_search "$@"
"""
"""A read-only file system with a temporary directory, a service account, the image's user, no right to write as root.

What a pod has not is the right to read everything: the Python and the directories above the image's may be root's own.
"""


@dataclass(frozen=True)
class Pod:
    """A place to run the image's program in, led to the sandbox."""

    image: Image
    world: World
    inside: tuple[str, ...]
    """The command that shuts the program in; nothing where the machine does not allow that."""
    variables: dict[str, str]

    def run(self, *arguments: str, **variables: str) -> Finished:
        """Run the program to its end."""
        return self.image.run(*arguments, inside=self.inside, **{**self.variables, **variables})

    @property
    def command(self) -> tuple[str, ...]:
        """The program and what shuts it in, for a process of one's own with `environment`."""
        return (*self.inside, *self.image.command)

    @property
    def environment(self) -> dict[str, str]:
        """The image's environment with what leads to the sandbox."""
        return self.image.environment | self.variables


@cache
def can_shut_in() -> bool:
    """Whether this machine lets this process make a read-only file system and become another user."""
    trial = 'mount -o remount,bind,ro / && exec setpriv --reuid 65532 --inh-caps=-all --bounding-set=-all "$@"'
    needed = all(shutil.which(name) for name in ("unshare", "setpriv", "mountpoint"))
    return (
        needed
        and os.geteuid() == 0
        and not subprocess.run(
            ["unshare", "--mount", "sh", "-c", trial, "sh", "true"], capture_output=True, check=False
        ).returncode
    )


@contextmanager
def pod(image: Image, world: World) -> Iterator[Pod]:
    """Give a pod of the image: in the cluster where the machine can shut it in, otherwise with the kubeconfig."""
    with tempfile.TemporaryDirectory(prefix="kube-node-dns-") as home:
        scratch, account = Path(home, "tmp"), Path(home, "serviceaccount")
        scratch.mkdir()
        _service_account(account, world)
        variables = {**world.environment, "TMPDIR": str(scratch)}
        if not can_shut_in():
            yield Pod(image, world, (), variables)
            return
        user, _, group = FINAL.text("USER").partition(":")
        del variables["KUBECONFIG"]
        variables |= {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(world.cluster.port),
            "SERVICE_ACCOUNT": str(account),
            "USER_ID": user,
            "GROUP_ID": group,
        }
        yield Pod(image, world, ("unshare", "--mount", "sh", "-c", _SHUT_IN, "sh"), variables)


def _service_account(account: Path, world: World) -> None:
    """Write what the kubelet mounts, out of the sandbox's kubeconfig."""
    login = json.loads(world.kubeconfig.read_text(encoding="utf-8"))
    account.mkdir()
    authority = login["clusters"][0]["cluster"]["certificate-authority-data"]
    (account / "ca.crt").write_bytes(base64.b64decode(authority))
    (account / "token").write_text(login["users"][0]["user"]["token"], encoding="utf-8")
    (account / "namespace").write_text("default", encoding="utf-8")
