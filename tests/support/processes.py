"""The program as a process where `World.run` is not enough: with any environment, in namespaces, ended half way."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

import pytest

from tests.sandbox.world import PROGRAM, Finished, World

Namespace = Literal["net", "mount", "pid"]

NODE = "node-1"
ANNOTATE = ("annotate-once", "--node-name", NODE, "--interface", "lo")
"""Annotate with no address at all: the same on every machine."""

GRACE_SECONDS = 30.0
"""What Kubernetes gives a container between SIGTERM and SIGKILL: what ends at once ends within it on any machine."""

_LINKS = """
set -eu
link() {
    ip link add "$1" type veth peer name "p-$1"
    ip link set "p-$1" addrgenmode none up
    ip link set "$1" addrgenmode none up
}
await() {
    for _ in $(seq 400); do
        if "$@"; then return; fi
        sleep 0.05
    done
    echo "never true: $*" >&2
    exit 99
}
flagged() { ip -6 address show dev "$1" "$2" | grep -q inet6; }
settled() { ! flagged "$1" tentative; }
ip link set lo up
"""


def bare_environment(**variables: str) -> dict[str, str]:
    """Give an environment without a cluster, AWS or a home."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}


def environment_of(world: World, **variables: str) -> dict[str, str]:
    """Give the environment that leads to the sandbox; nothing is taken out of `variables`, not even empty ones."""
    return bare_environment(**{"HOME": str(world.home), **world.environment, **variables})


def login(world: World, token: str) -> dict[str, Any]:
    """Give the sandbox's kubeconfig with another token in it."""
    config: dict[str, Any] = json.loads(world.kubeconfig.read_text("utf-8"))
    config["users"][0]["user"] = {"token": token}
    return config


def start(
    command: Sequence[str], environment: Mapping[str, str], *, stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start a process."""
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True
    )


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    inside: Sequence[str] = (),
    program: Sequence[str] = PROGRAM,
    stdout: int | IO[str] = subprocess.PIPE,
) -> Finished:
    """Run the program to its end; `inside` is a command that runs another one."""
    process = start([*inside, *program, *arguments], environment, stdout=stdout)
    out, err = process.communicate(timeout=150)
    return Finished(process.args, process.returncode, out or "", err)


def complaint(finished: Finished, status: int) -> str:
    """Give the one line of standard error of a run that failed as it should."""
    assert finished.returncode == status, finished.stderr
    (line,) = finished.stderr.splitlines()
    return line


def isolated(*kinds: Namespace) -> tuple[str, ...]:
    """Give the command that runs another one in namespaces of its own, or skip where the machine allows none."""
    command = _unshare(kinds)
    if command is None:
        pytest.skip(f"this machine allows no {' and '.join(kinds)} namespace of one's own")
    return command


@cache
def _unshare(kinds: tuple[Namespace, ...]) -> tuple[str, ...] | None:
    options = [f"--{kind}" for kind in kinds] + ["--fork", "--kill-child"] * ("pid" in kinds)
    for command in (("unshare", *options), ("unshare", "--map-root-user", *options)):
        if shutil.which("unshare") and not _status(*command, "true"):
            return command
    return None


def _status(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode


def network(script: str, *kinds: Namespace) -> tuple[str, ...]:
    """Give the command that runs another one in a network (and `kinds`) of its own, which a shell script sets up.

    The script has `link NAME` (an Ethernet link that is up), `await COMMAND...`, `flagged LINK FLAG` (it has IPv6
    addresses of that kind) and `settled LINK` (duplicate detection is over). Skips where the machine cannot do it.
    """
    return (*_networks(*kinds), "sh", "-c", f'{_LINKS}{script}\nexec "$@"', "sh")


def _networks(*kinds: Namespace) -> tuple[str, ...]:
    command = isolated("net", *kinds)
    if shutil.which("ip") is None:
        pytest.skip("there is no ip command (iproute2) to set up a network with")
    if not _has_links(command):
        pytest.skip("the kernel offers no veth links, or no IPv6, in a network namespace")
    return command


@cache
def _has_links(command: tuple[str, ...]) -> bool:
    script = f"{_LINKS}link eth0; test -e /proc/net/if_inet6"
    return _status(*command, "sh", "-c", script) == 0


def children(process: "subprocess.Popen[str]") -> list[int]:
    """Give the process ids of a process's children."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in listed.read_text(encoding="ascii").split()]
