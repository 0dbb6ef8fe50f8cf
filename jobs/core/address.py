"""Which addresses the whole internet can reach, by the IANA special-purpose address registries in `iana/`."""

import csv
import pkgutil
from collections.abc import Iterable
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

Address = IPv4Address | IPv6Address


class Found(NamedTuple):
    """An address of this node: on which interface, or else from which source; `reason` says why it is left out."""

    address: Address
    interface: str | None = None
    reason: str | None = None
    source: str = "interface"


Block = tuple[int, int, bool, str]
"""First and last address as numbers, whether globally reachable, and the registry's name of the block."""

_MULTICAST = {4: "224.0.0.0/4", 6: "ff00::/8"}  # RFC 5771, 3; RFC 4291, 2.7
_GLOBAL_UNICAST = (0x2000 << 112, 0x4000 << 112)  # 2000::/3, all that IANA has given out so far (RFC 4291, 2.4)


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Read addresses joined by `,`, each once; raises ValueError, also for a zone such as `%eth0`."""
    if not text.strip(" "):
        return ()
    return tuple(dict.fromkeys(parse_address(part.strip(" ")) for part in text.split(",")))


def parse_address(text: str) -> Address:
    """Read one address; raises ValueError, of which the caller says more."""
    if "%" in text:  # IPv6Address would take it for a zone
        raise ValueError
    return IPv6Address(text) if ":" in text else IPv4Address(text)


def why_not_global(address: Address) -> str | None:
    """Say why an address is not globally reachable, or None when it is.

    A more specific block overrides a wider one, so the narrowest that holds the address decides. IPv6 outside 2000::/3
    stands in no registry row but is nobody's address either.
    """
    number = int(address)
    for first, last, reachable, name in _blocks(address.version):
        if first <= number <= last:
            if reachable:
                break
            return f"not globally reachable: {name}"
    if address.version == 6 and not _GLOBAL_UNICAST[0] <= number < _GLOBAL_UNICAST[1]:
        return "not globally reachable: outside 2000::/3"
    return None


@cache
def _blocks(version: int) -> tuple[Block, ...]:
    """Read the registry of an IP version, narrowest blocks first; multicast is in none."""
    data = pkgutil.get_data("jobs.core", f"iana/ipv{version}-special-registry.csv")  # importlib.resources is slow
    assert data is not None  # noqa: S101 - it is shipped
    text = data.decode()
    found = [(_MULTICAST[version], False, "Multicast")]
    for row in csv.DictReader(text.splitlines(keepends=True)):
        reachable = _without_footnote(row["Globally Reachable"]) == "True"
        found += [(_without_footnote(cell), reachable, row["Name"]) for cell in row["Address Block"].split(",")]
    networks = [(ip_network(block), reachable, name) for block, reachable, name in found]
    networks.sort(key=lambda each: each[0].prefixlen, reverse=True)
    return tuple((int(n.network_address), int(n.broadcast_address), reachable, name) for n, reachable, name in networks)


def _without_footnote(cell: str) -> str:
    """`192.0.0.0/24 [2]` → `192.0.0.0/24`; an empty or `N/A` cell stays one, and is not `True`."""
    return cell.partition("[")[0].strip()


def numeric_order(address: Address) -> tuple[int, int]:
    """Sort key: IPv4 before IPv6, each family in numeric order."""
    return address.version, int(address)


def in_order(found: Iterable[Found]) -> tuple[Found, ...]:
    """Sort what was found, IPv4 before IPv6, each family in numeric order, and each once."""
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (numeric_order(each.address), each.interface or "")))
