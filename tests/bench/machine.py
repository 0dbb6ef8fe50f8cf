"""What a benchmark ran on."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.programs import binary
from tests.bench.scenes import EXTERNAL_DNS

PACKAGES = ("kubernetes", "boto3", "msgspec", "urllib3")
QUIET_LOAD = 0.3
"""Processes that want to run, a core, up to which a machine is quiet."""


def machine() -> str:
    """Say when, on what, and with which versions of what matters and of what is compared."""
    known = ["Python " + platform.python_version(), *(f"{package} {version(package)}" for package in PACKAGES)]
    if external_dns := binary(EXTERNAL_DNS):
        known.append(f"{EXTERNAL_DNS} {_version_of(external_dns)}")
    load = os.getloadavg()[0]
    busy = f" (NOT QUIET: load {load:.1f})" if load > QUIET_LOAD * cores() else ""
    date = f"{datetime.now(UTC):%-d %B %Y}"
    return f"{date}, {cores()} cores of {_processor()}{busy}; {', '.join(known)}"


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0))


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1].strip() if found else platform.machine()


def _version_of(path: str) -> str:
    """Ask a program for its version; one that was built without one says so in its build information."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    if said and said != "unknown":
        return said
    built = re.search(rb"mod\tsigs\.k8s\.io/external-dns\t(v\S+)", Path(path).read_bytes())
    return built[1].decode() if built else "of unknown version"
