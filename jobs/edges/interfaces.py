"""The addresses of this host: those on its network interfaces that the world can reach, and why others are left out.

The kernel takes almost any bytes for the name of an interface. Names are decoded as Python decodes arguments and
environment, so that globs match them, and what is not UTF-8 survives as lone surrogates.
"""

import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from jobs.core.address import Address, Found, in_order, why_not_global
from jobs.core.errors import ConfigurationError, TemporaryError
from jobs.core.interface_names import matches, why_left_out
from jobs.core.text import escaped

_SIOCGIFFLAGS, _IFF_UP = 0x8913, 0x1
# netlink(7): length, type, flags, sequence and port of a message; rtnetlink(7): an address, and its attributes' headers
_MESSAGE, _ADDRESS, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBI"), struct.Struct("=HH")
_RTM_GETADDR, _NLM_F_REQUEST_DUMP, _NLMSG_ERROR, _NLMSG_DONE, _IFA_LOCAL = 22, 0x301, 2, 3, 2
_MOST_BYTES = 2**16  # of one datagram: the kernel sends half of that at most
_MOST_LISTS = 10
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
    for name, address, flagged in seen:
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
"""An interface, an address on it, and why that is not to be relied on."""


def _ipv4_addresses() -> Sequence[_Seen]:
    """Ask the kernel for all IPv4 addresses, by interface: the labels that older calls give may be any text.

    A list in several pieces may lack an address while others come and go: two alike in a row are believed. Raises
    TemporaryError where there are none.
    """
    found: list[_Seen] | None = None
    for _ in range(_MOST_LISTS):
        before, found = found, [*_ipv4_addresses_once()]
        if found == before:
            return found
    raise TemporaryError("this machine's IPv4 addresses change each time that they are listed")


def _ipv4_addresses_once() -> Iterator[_Seen]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        request = _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0)
        asking.send(_MESSAGE.pack(_MESSAGE.size + len(request), _RTM_GETADDR, _NLM_F_REQUEST_DUMP, 1, 0) + request)
        for message in _messages(asking):
            family, _, _, _, index = _ADDRESS.unpack_from(message)
            for kind, value in _attributes(message[_ADDRESS.size :]):
                if (family, kind) == (socket.AF_INET, _IFA_LOCAL):  # gVisor sends those of IPv6 too
                    with suppress(OSError):  # the interface is gone since
                        yield socket.if_indextoname(index), IPv4Address(value), None


def _messages(asking: socket.socket) -> Iterator[bytes]:
    while data := asking.recv(_MOST_BYTES):
        while data:
            length, kind, *_ = _MESSAGE.unpack_from(data)
            message, data = data[_MESSAGE.size : length], data[_aligned(length) :]
            if kind in {_NLMSG_ERROR, _NLMSG_DONE}:
                if error := int.from_bytes(message[:4], sys.byteorder, signed=True):
                    raise TemporaryError(f"the kernel does not list IPv4 addresses: {os.strerror(-error)}")
                return
            yield message


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        length, kind = _ATTRIBUTE.unpack_from(data)
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3


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
