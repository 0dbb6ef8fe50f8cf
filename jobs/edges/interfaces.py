"""The addresses of this host: those on its network interfaces that the world can reach, and why others are left out."""

import fcntl
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import ifaddr

from jobs.core.address import Address, numeric_order, why_not_global

CONTAINER_NETWORKING = (
    "cni*",
    "flannel*",
    "cilium*",
    "lxc*",
    "cali*",
    "veth*",
    "docker*",
    "br-*",
    "kube-*",
    "nodelocaldns",
)
"""Left out by default: with global IPv6 pod addresses, those of pods and bridges would be published."""

_SIOCGIFFLAGS, _IFF_UP = 0x8913, 0x1
_IF_INET6 = Path("/proc/net/if_inet6")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# linux/if_addr.h, in the order in which they are told
_IPV6_FLAGS = {0x01: "temporary", 0x20: "deprecated", 0x08: "failed duplicate detection", 0x40: "tentative"}


@dataclass(frozen=True)
class InterfaceAddress:
    """An address on an interface; `reason` says why it is left out, None that it is not."""

    address: Address
    interface: str
    reason: str | None = None


def interface_addresses(interfaces: Iterable[str], excluded: Iterable[str]) -> tuple[InterfaceAddress, ...]:
    """Find this host's addresses, IPv4 before IPv6, each family in numeric order.

    `interfaces` and `excluded` are globs over interface names without alias labels; the former replace the default
    exclusions, the latter always win.
    """
    interfaces, excluded = tuple(interfaces), tuple(excluded)
    flagged = _ipv6_reasons()
    found = []
    for adapter in ifaddr.get_adapters():
        name = adapter.nice_name.partition(":")[0]
        off = _why_not_interface(name, interfaces, excluded) or ("interface is down" if not _is_up(name) else None)
        for ip in adapter.ips:
            address = ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            reason = off or why_not_global(address) or flagged.get((address, name))
            found.append(InterfaceAddress(address, name, reason))
    return tuple(sorted(dict.fromkeys(found), key=lambda each: numeric_order(each.address)))


def _why_not_interface(name: str, interfaces: tuple[str, ...], excluded: tuple[str, ...]) -> str | None:
    for glob in excluded:
        if fnmatchcase(name, glob):
            return f"interface excluded by {glob}"
    if interfaces:
        chosen = any(fnmatchcase(name, glob) for glob in interfaces)
        return None if chosen else "interface not among those chosen"
    for glob in CONTAINER_NETWORKING:
        if fnmatchcase(name, glob):
            return f"interface of container networking ({glob})"
    return None


def _is_up(name: str) -> bool:
    """Ask the kernel in this process's own network namespace, which /sys/class/net might not show."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFFLAGS, struct.pack("16sH14x", name.encode(), 0))
        except OSError:  # gone since it was listed
            return False
    return bool(struct.unpack_from("16xH", answer)[0] & _IFF_UP)


def _ipv6_reasons() -> dict[tuple[Address, str], str]:
    """Read the kernel's flags of IPv6 addresses that are not to be relied on (RFC 8981, RFC 4862)."""
    if not _IF_INET6.exists():  # a kernel without IPv6
        return {}
    reasons: dict[tuple[Address, str], str] = {}
    for line in _IF_INET6.read_text("ascii").splitlines():
        digits, _, _, _, flags, name = line.split()
        told = [word for bit, word in _IPV6_FLAGS.items() if int(flags, 16) & bit]
        if told:
            reasons[IPv6Address(int(digits, 16)), name] = f"{told[0]} address"
    return reasons


def boot_id() -> str | None:
    """Read the id that the kernel drew at this boot, the one kubelets report; None where there is none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return None
