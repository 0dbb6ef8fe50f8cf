"""Large clusters for tests and benchmarks: thousands of large nodes, their heartbeats, and what a process takes."""

import hashlib
import os
from pathlib import Path

from tests.sandbox.kubernetes import Kubernetes, node
from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.world import PREFIX, World

IMAGES = [
    {
        "names": [
            f"registry.example/organisation/team/service-{number}@sha256:{hashlib.sha256(str(number).encode()).hexdigest()}",
            f"registry.example/organisation/team/service-{number}:v1.{number}.0-alpine3.22",
        ],
        "sizeBytes": 98_765_432 + number,
    }
    for number in range(50)
]
"""What a node reports of its images: 11 KB, most of its size."""


def add_fat_node(kubernetes: Kubernetes, document: Object) -> None:
    """Add a node with 50 images, and a Lease that is good for an hour."""
    document["status"]["images"] = IMAGES
    kubernetes.put(document)
    kubernetes.renew_lease(document["metadata"]["name"], age_seconds=-3600)


def add_fat_nodes(world: World, count: int) -> None:
    """Add such nodes, 58 MB of JSON for 5,000."""
    for number in range(count):
        annotations = {f"{PREFIX}node-ips": f"5.{number // 250}.{number % 250}.1"}
        add_fat_node(world.kubernetes, node(f"node-{number}", annotations=annotations))


def beat(world: World, name: str, number: int) -> None:
    """Renew a node's status as its kubelet does."""
    moment = f"2030-01-{1 + number // 86400:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"

    def renew(document: Object) -> None:
        document["status"]["conditions"][0]["lastHeartbeatTime"] = moment

    world.kubernetes.edit("Node", name, renew)


def cpu_seconds(pid: int) -> float:
    """Read the processor time of a running process, user and system together."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def kilobytes(pid: int, figure: str) -> int:
    """Read a figure of a running process's memory: VmRSS is what it has now, VmHWM the most it ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith(f"{figure}:")]
    return int(line.split()[1])
