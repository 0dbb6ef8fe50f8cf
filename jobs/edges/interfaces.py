"""The addresses of this host: those on its network interfaces that the world can reach, and why others are left out.

The kernel takes almost any bytes for the name of an interface. Names are decoded as Python decodes arguments and
environment, so that globs match them, and what is not UTF-8 survives as lone surrogates.
"""

import array
import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from jobs.core.address import Address, Found, in_order, why_not_global
from jobs.core.errors import ConfigurationError
from jobs.core.interface_names import matches, why_left_out
from jobs.core.text import escaped

_SIOCGIFCONF, _SIOCGIFFLAGS, _IFF_UP = 0x8912, 0x8913, 0x1
_IFCONF = struct.Struct("iP")
_IFREQ_BYTES = struct.calcsize("16sLLHBBB3x")  # linux/if.h: a name and a union, the largest member of which is ifmap
_IFREQ = struct.Struct(f"16sHH4s{_IFREQ_BYTES - 24}x")  # the name, and a sockaddr_in
_IF_INET6 = Path("/proc/net/if_inet6")
_NODES_BOOT_ID = Path("/var/run/kube-node-dns/boot_id")  # mounted by cron/lxc: LXC shows its containers one of its own
_KERNELS_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# linux/if_addr.h, in the order in which they are reported
_IPV6_FLAGS = {0x01: "temporary", 0x20: "deprecated", 0x08: "failed duplicate detection", 0x40: "tentative"}


def interface_addresses(interfaces: Iterable[str], excluded: Iterable[str]) -> tuple[Found, ...]:
    """Find this host's addresses, IPv4 before IPv6, each family in numeric order.

    `interfaces` and `excluded` are globs over interface names without alias labels; the former replace the default
    exclusions, the latter always win. Raises ConfigurationError when the former match no interface at all: a slip in
    them would empty the annotation of one node after the other.
    """
    interfaces, excluded = tuple(interfaces), tuple(excluded)
    names = [name for _, name in socket.if_nameindex()]
    if interfaces and not any(matches(name, interfaces) for name in names):
        those, there = " ".join(interfaces), escaped(" ".join(sorted(names)))
        raise ConfigurationError(f"--interface {those}: no interface of this machine matches; it has {there}")
    found = []
    seen: list[_Seen] = [*_ipv4_addresses(), *_ipv6_addresses()]
    for label, address, flagged in seen:
        name = label.partition(":")[0]
        off = why_left_out(name, interfaces, excluded) or ("interface is down" if not _is_up(name) else None)
        found.append(Found(address, name, off or why_not_global(address) or flagged))
    return in_order(found)


def _is_up(name: str) -> bool:
    """Ask the kernel in this process's own network namespace, which /sys/class/net might not show."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFFLAGS, struct.pack("16sH14x", os.fsencode(name), 0))
        except OSError:  # gone since it was listed
            return False
    return bool(struct.unpack_from("16xH", answer)[0] & _IFF_UP)


_Seen = tuple[str, Address, str | None]
"""An interface, by its name or an alias label, an address on it, and why that is not to be relied on."""


def _ipv4_addresses() -> Iterator[_Seen]:
    """Ask the kernel for all IPv4 addresses (netdevice(7))."""
    size = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        while True:
            entries = array.array("B", bytes(size))
            place = entries.buffer_info()[0] if size else 0  # without one the kernel says how much there is
            length: int = _IFCONF.unpack(fcntl.ioctl(asking, _SIOCGIFCONF, _IFCONF.pack(size, place)))[0]
            if length < size:
                break
            size = length + _IFREQ.size  # space that stays empty shows that no entry was left out
    for name, _, _, address in _IFREQ.iter_unpack(entries.tobytes()[:length]):
        yield os.fsdecode(name.partition(b"\0")[0]), IPv4Address(address), None


def _ipv6_addresses() -> Iterator[_Seen]:
    """Read all IPv6 addresses, with the kernel's flags of those that are not to be relied on (RFC 8981, RFC 4862)."""
    if not _IF_INET6.exists():  # a kernel without IPv6
        return
    for line in _IF_INET6.read_bytes().splitlines():
        digits, _, _, _, flags, name = line.split()
        reasons = [f"{word} address" for bit, word in _IPV6_FLAGS.items() if int(flags, 16) & bit]
        yield os.fsdecode(name), IPv6Address(int(digits, 16)), reasons[0] if reasons else None


def boot_id() -> str | None:
    """Read the id of this boot as the node's kubelet reports it; None where there is none."""
    for path in (_NODES_BOOT_ID, _KERNELS_BOOT_ID):
        with suppress(OSError):
            return path.read_text("ascii").strip()
    return None
