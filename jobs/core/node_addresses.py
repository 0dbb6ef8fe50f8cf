"""Which of a node's addresses are to be published, and why the others are not. Pure."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from jobs.core.address import Address, parse_address, parse_addresses, why_not_global
from jobs.core.annotations import NODE_IPS, PUBLIC_IPS
from jobs.core.node import Node, Rules
from jobs.core.text import quoted
from jobs.core.verdict import Withheld

MAX_ADDRESSES_PER_NODE = 8
"""Per family."""

_REBOOTED = "rebooted since its addresses were found: annotate-once has not run there yet"


Addresses = tuple[tuple[Address, ...], tuple[Withheld, ...], str | None]
"""A node's addresses to publish, those withheld, and why there are none to publish."""


def addresses_of(node: Node, rules: Rules) -> Addresses:
    """Split a node's addresses into those to publish and those not, by where they are known from.

    What the user has named stands instead of all else. No boot binds that, nor what the status says: a cloud or the
    user has given the node these addresses, not the network that it found itself in.
    """
    try:
        if node.public_ips is not None:
            named = _listed(node.public_ips, PUBLIC_IPS)
            return _split_or_why(named, rules, f"no address: annotation {PUBLIC_IPS} is empty")
        annotated = _listed(node.node_ips or "", NODE_IPS)
    except ValueError as error:
        return (), (), str(error)
    external = tuple(_external(node)) if rules.external_ip else ()
    none = "no address: annotate-once found none"
    if node.node_ips is None:
        none = f"no annotation {NODE_IPS}: annotate-once has not run there"
    if rules.external_ip:
        none += ", and its status has no ExternalIP"
    if _has_rebooted(node):
        return _after_reboot(annotated, external, rules)
    return _split_or_why((*annotated, *external), rules, none)


def _listed(text: str, annotation: str) -> tuple[Address, ...]:
    try:
        return parse_addresses(text)
    except ValueError:
        raise ValueError(f"annotation {annotation} is not a list of addresses: {quoted(text)}") from None


def _external(node: Node) -> Iterator[Address]:
    """Give the addresses of type ExternalIP; an entry that is not an address is passed over."""
    for text in node.external_ips:
        with suppress(ValueError):
            yield parse_address(text)


def _has_rebooted(node: Node) -> bool:
    return bool(node.boot_id and node.annotated_boot_id) and node.boot_id != node.annotated_boot_id


def _after_reboot(annotated: tuple[Address, ...], external: tuple[Address, ...], rules: Rules) -> Addresses:
    """Count on what no boot binds alone: an address that was found before may be a stranger's by now."""
    fresh, withheld = _split(external, rules)
    old, more = _split((address for address in annotated if address not in external), rules)
    if not fresh:
        return old, withheld + more, _REBOOTED
    return fresh, (*withheld, *(Withheld(address, _REBOOTED) for address in old), *more), None


def _split_or_why(found: Iterable[Address], rules: Rules, none: str) -> Addresses:
    """Split addresses, and say why none is to be published; `none` is the reason where there is not one."""
    good, withheld = _split(found, rules)
    return good, withheld, None if good else "no address to publish" if withheld else none


def _split(found: Iterable[Address], rules: Rules) -> tuple[tuple[Address, ...], tuple[Withheld, ...]]:
    """Split addresses by what each is worth."""
    good: list[Address] = []
    withheld: list[Withheld] = []
    for address in dict.fromkeys(found):
        reason = why_not_global(address) or _why_not_wanted(address, rules)
        if not reason and sum(other.version == address.version for other in good) >= MAX_ADDRESSES_PER_NODE:
            reason = f"over the limit of {MAX_ADDRESSES_PER_NODE} IPv{address.version} addresses per node"
        if reason:
            withheld.append(Withheld(address, reason))
        else:
            good.append(address)
    return tuple(good), tuple(withheld)


def _why_not_wanted(address: Address, rules: Rules) -> str | None:
    if address.version not in rules.families:
        return f"IPv{address.version} is not published (--ip-family)"
    for network in rules.excluded_networks:
        if address in network:
            return f"excluded by --exclude-address {network}"
    return None
