"""Machines of any provider, one after the other in one network: their interfaces, firmware, and whom they can ask.

All runs of the program are forks of one process in that network, so a machine costs little more than a fork.
"""

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.sandbox.metadata import Aws, Azure, CallersAddress, Gcp, Told
from tests.sandbox.server import Fault, Response, Server
from tests.sandbox.world import PREFIX, World
from tests.support import forks
from tests.support.odd_certificates import Issued, Style, authority
from tests.support.processes import isolated, network

METADATA = "169.254.169.254"
HOST, HOST_4, HOST_6 = "ip.example.com", "203.0.113.53", "2001:db8::53"
OTHER, OTHER_4 = "ip.example.net", "203.0.113.54"
URL, OTHER_URL = f"https://{HOST}/ip", f"https://{OTHER}/ip"
AWS = {"sys_vendor": "Amazon EC2", "product_name": "t4g.nano", "chassis_asset_tag": "Amazon EC2"}
GCP = {"sys_vendor": "Google", "product_name": "Google Compute Engine", "chassis_asset_tag": ""}
AZURE = {
    "sys_vendor": "Microsoft Corporation",
    "product_name": "Virtual Machine",
    "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77",
}
NOBODYS = {"sys_vendor": "QEMU", "product_name": "Standard PC (i440FX + PIIX, 1996)", "chassis_asset_tag": ""}

_PRETENCE = f"""
mount -t tmpfs tmpfs /sys
mkdir -p /sys/class/dmi/id /sys/hypervisor
printf '127.0.0.1 localhost\\n%s\\n' '{METADATA} metadata.google.internal' '{HOST_4} {HOST}' '{HOST_6} {HOST}' \
    '{OTHER_4} {OTHER}' > /sys/hosts
echo 'hosts: files' > /sys/nsswitch.conf
mount --bind /sys/hosts /etc/hosts
mount --bind /sys/nsswitch.conf /etc/nsswitch.conf
"""
_NETWORK = f"""
for each in {HOST_4} {OTHER_4} {METADATA}; do ip address add $each/32 dev lo; done
ip address add {HOST_6}/128 dev lo nodad
link away; ip link set away arp off
ip route add 192.0.2.0/24 dev away
"""

Metadata = tuple[Literal["aws", "gcp", "azure"], dict[str, Any]]
"""A service, and what it is made with."""
_KINDS: dict[str, type[Told]] = {"aws": Aws, "gcp": Gcp, "azure": Azure}


@dataclass(frozen=True)
class Machine:
    """A machine, and a run of annotate-once there; all of it can be written as JSON."""

    name: str = "node-1"
    options: Sequence[str] = ()
    firmware: dict[str, str] = field(default_factory=lambda: NOBODYS)
    interfaces: str = "ip address add 10.0.0.5/24 dev eth0"
    """A shell script, for which there is an eth0."""
    has_ipv6: bool = False
    routes: bool = True
    metadata: Metadata | None = None
    """What answers at the address of metadata services."""
    metadata_at: str = METADATA
    seen_as: dict[str, str] = field(default_factory=dict)
    """By host and IP version (`ip.example.com/4`): with which address its https service answers."""
    certified: str = HOST
    """For which name the https services have their certificate."""
    instead: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By operation of any service: a status and text in the place of its answer."""
    drips: str = ""
    """The operation whose answer comes byte by byte, and does not end."""
    fault: dict[str, Any] | None = None
    """What befalls any service: the members of a `Fault`."""
    variables: dict[str, str] = field(default_factory=dict)
    xen_uuid: str = ""
    before: dict[str, str] = field(default_factory=dict)
    """Annotations of its node before the run."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    status: int
    out: str
    err: str
    annotations: dict[str, str]
    asked: list[str]
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """Read the result."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def node_ips(self) -> str | None:
        """What is written."""
        return self.annotations.get(PREFIX + "node-ips")


def outcomes(machines: Sequence[Machine], *sync: str) -> tuple[list[Outcome], list[str]]:
    """Run annotate-once on machines, one after the other in one cluster, and then sync-once with options, if any.

    Gives the addresses in DNS beside the outcomes. Skips where this machine allows no such network or firmware.
    """
    inside = network(_PRETENCE + _NETWORK, "mount")
    if not _can_pretend():
        pytest.skip("this machine does not allow to mount a firmware's files of one's own")
    given = json.dumps([[asdict(each) for each in machines], sync])
    command = [*inside, sys.executable, "-m", "tests.support.machines"]
    run = subprocess.run(command, input=given, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found, shown = json.loads(run.stdout)
    return [Outcome(**each) for each in found], shown


@cache
def _can_pretend() -> bool:
    command = [*isolated("net", "mount"), "sh", "-ec", _PRETENCE]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _play(machines: list[dict[str, Any]], sync: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    signer = authority()
    with World() as world:
        trusted = world.home / "authority.pem"
        trusted.write_bytes(signer.pem)
        forks.run(world, "--version")  # imports boto3, which looks for credentials: not on any of these machines
        found = [_on(Machine(**each), world, signer, trusted) for each in machines]
        shown: list[str] = []
        if sync:
            zone = world.route53.zone("example.com")
            finished = forks.run(world, "sync-once", "--domain", "cdn.example.com", *sync)
            assert finished.returncode == 0, finished.stderr
            records = world.route53.records(zone, "cdn.example.com")
            shown = [each["Value"] for record_set in records for each in record_set["ResourceRecords"]]
        return found, sorted(shown)


def _on(machine: Machine, world: World, signer: Issued, trusted: Path) -> dict[str, Any]:
    for name, value in machine.firmware.items():
        Path("/sys/class/dmi/id", name).write_text(f"{value}\n", "utf-8")
    Path("/sys/hypervisor/uuid").write_text(f"{machine.xen_uuid}\n", "utf-8")
    with ExitStack() as stack:
        stack.enter_context(_interfaces(machine))
        servers = [*_servers(machine, signer)]
        for server in servers:
            stack.enter_context(server)
        world.node(machine.name, annotations=machine.before)
        command = ("annotate-once", "--node-name", machine.name, "--output", "json", *machine.options)
        variables = {"SSL_CERT_FILE": str(trusted), "AWS_EC2_METADATA_DISABLED": "", **machine.variables}
        began = os.times().elapsed
        finished = forks.run(world, *command, **variables)
        seconds = os.times().elapsed - began
        asked = [operation for server in servers for operation in server.operations()]
    annotations = world.kubernetes.get("Node", machine.name)["metadata"].get("annotations", {})
    return {
        "status": finished.returncode,
        "out": finished.stdout,
        "err": finished.stderr,
        "annotations": annotations,
        "asked": asked,
        "seconds": seconds,
    }


@contextmanager
def _interfaces(machine: Machine) -> Iterator[None]:
    routes = "ip route add default dev away\n" if machine.routes else ""
    routes += "ip -6 route add default dev away\n" if machine.has_ipv6 else ""
    up = f"ip link add eth0 type bridge; ip link set eth0 up\n{machine.interfaces}\n{routes}"
    subprocess.run(["sh", "-ec", up], check=True)
    try:
        yield
    finally:
        down = f"""
            ip link del eth0; ip route flush default; ip -6 route flush default; ip route flush {METADATA}/32
            ip address flush dev lo; ip address add 127.0.0.1/8 dev lo
            for each in {HOST_4} {OTHER_4} {METADATA}; do ip address add $each/32 dev lo; done
            ip address add ::1/128 dev lo; ip address add {HOST_6}/128 dev lo nodad
        """
        subprocess.run(["sh", "-c", down], check=False, stderr=subprocess.DEVNULL)


def _servers(machine: Machine, signer: Issued) -> Iterator[Server]:
    services: list[tuple[Told, tuple[str, int], str]] = []
    if machine.metadata:
        kind, what = machine.metadata
        services.append((_KINDS[kind](**what), (machine.metadata_at, 80), ""))
    places = {f"{HOST}/4": HOST_4, f"{HOST}/6": HOST_6, f"{OTHER}/4": OTHER_4}
    for place, address in machine.seen_as.items():
        name = place.partition("/")[0]
        services.append((CallersAddress(address), (places[place], 443), machine.certified if name == HOST else name))
    for service, at, name in services:
        instead = machine.instead.items()
        service.instead.update({key: Response(status, text.encode()) for key, (status, text) in instead})
        if machine.drips:
            service.instead[machine.drips] = Response(200, _dripping())
        server = Server(service, tls=_context(signer, name) if name else None, at=at)
        if machine.fault:
            server.fail(Fault(**machine.fault))
        yield server


def _dripping() -> Iterator[bytes]:
    for _ in range(600):
        yield b"5"
        time.sleep(0.1)


def _context(signer: Issued, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signer.issue(Style(names=(name,))).serve_with(context)
    return context


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_play(*json.load(sys.stdin))))
