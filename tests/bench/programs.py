"""The programs that are measured, and how each is told to do the same job."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.scenes import EXTERNAL_DNS, LISTED, ORIGINAL, OURS, SELECTOR, ZONE, Account, Scene
from tests.sandbox.server import wait_until
from tests.sandbox.world import PROGRAM

VARIABLES = {EXTERNAL_DNS: "EXTERNAL_DNS", ORIGINAL: "KUBE_NODE_DNS_RUST"}
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Program:
    """Something that keeps DNS equal to the nodes."""

    name: str
    once: Callable[[Scene], list[str]] | None
    """The command that syncs once; without one, a run is measured from its start to the answer to its first write."""
    stays: Callable[[Scene], list[str]] | None
    """The command that stays and keeps looking, with its usual options."""

    def command(self, scene: Scene) -> list[str]:
        """Give the command of a run that is measured."""
        command = self.once or self.stays
        assert command is not None
        return command(scene)

    def during(self, account: Account) -> Callable[[int], object]:
        """Say what to do while it runs: nothing, or end it once it has written."""
        return partial(_end_after_write, account) if self.once is None else lambda _pid: None


def _end_after_write(account: Account, pid: int) -> None:
    wait_until(lambda: bool(account.service.history) or not _is_running(pid), PATIENCE_SECONDS)
    time.sleep(0.1)  # for the answer to arrive
    if _is_running(pid):
        os.kill(pid, signal.SIGTERM)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ours(scene: Scene) -> list[str]:
    """Sync as the CronJob does."""
    domains = [word for domain in scene.size.domain_names for word in ("--domain", domain)]
    return [*PROGRAM, "sync-once", *domains, "--node-label-selector", SELECTOR, *scene.size.options]


def external_dns(*options: str, binary: str, scene: Scene) -> list[str]:
    """Sync from the nodes' ExternalIP, with the registry that lets ExternalDNS own its records.

    It would put the addresses of all nodes of a cluster into one record set, which Route 53 refuses above 400: the
    label leaves it as many as that.
    """
    return [
        binary,
        f"--kubeconfig={scene.world.kubeconfig}",
        "--source=node",
        "--provider=aws",
        "--policy=sync",
        "--registry=txt",
        "--txt-owner-id=bench",
        "--aws-zone-type=public",
        f"--domain-filter={ZONE}",
        f"--label-filter={LISTED}",
        f"--fqdn-template={','.join(scene.size.domain_names)}",
        "--metrics-address=127.0.0.1:0",
        *options,
    ]


def original(binary: str, scene: Scene) -> list[str]:
    """Publish as its source says; its `publish-dns` stays, and writes all its records again at every start."""
    return [binary, "publish-dns", "--domain", *scene.size.domain_names, "--node-label-selector", LISTED]


def programs() -> list[Program]:
    """Name what there is to measure: the alternatives only where a variable names their binary."""
    found = [Program(OURS, ours, None)]
    if path := binary(EXTERNAL_DNS):
        command = partial(external_dns, binary=path)
        found.append(
            Program(
                EXTERNAL_DNS,
                lambda scene: command("--once", scene=scene),
                lambda scene: command(scene=scene),
            )
        )
    if path := binary(ORIGINAL):
        found.append(Program(ORIGINAL, None, partial(original, path)))
    return found


def binary(name: str) -> str | None:
    """Find the binary of an alternative, if its variable names one."""
    named = os.environ.get(VARIABLES[name])
    if not named:
        return None
    path = Path(named).expanduser().absolute()
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{VARIABLES[name]}={named} is no program")
    return str(path)
