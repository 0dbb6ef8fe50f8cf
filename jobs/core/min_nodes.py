"""--min-nodes: whether a run may withdraw, and what it may add all the same. Pure."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.record_set import TYPES, RecordSet, addresses_in
from jobs.core.records import MAX_ADDRESSES, MAX_MULTIVALUE, MAX_PLACES, Wanted
from jobs.core.route53_form import with_more
from jobs.core.text import quoted
from jobs.core.verdict import Skipped, reasons, withhold


class MinNodes(Struct, frozen=True):
    """The fewest nodes to publish before anything is withdrawn: a number, or a percentage of the selected nodes."""

    number: int
    percent: bool = False

    def required(self, selected: int) -> int:
        """Round a percentage up; even 0% asks for one node, only the plain number 0 asks for none."""
        return max(1, -(-selected * self.number // 100)) if self.percent else self.number

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `N` or `N%`; raises ValueError with a text for people."""
        digits = text.removesuffix("%")
        if not re.fullmatch("[0-9]{1,9}", digits) or (digits != text and int(digits) > 100):
            raise ValueError("is neither a number of nodes nor a percentage from 0% to 100%")
        return cls(int(digits), percent=digits != text)

    def __str__(self) -> str:
        """Give the form of the option."""
        return f"{self.number}%" if self.percent else str(self.number)


def why_refused(min_nodes: MinNodes, wanted: Wanted, current: Iterable[RecordSet], label_selector: str) -> str | None:
    """Say why nothing may be withdrawn, or None when it may.

    A percentage is taken of the selected nodes that are not about to go. It also refuses a run in which more
    addresses would go because no selected node has them than would be published: nodes that have lost their label or
    their object, all at once, can no longer be counted.
    """
    selected = len(wanted.verdicts)
    ending = sum(isinstance(each, Skipped) and each.is_ending for each in wanted.verdicts)
    required = min_nodes.required(selected - ending)
    if wanted.publishable < required:
        found = f"{wanted.publishable} of {selected} selected nodes would be published"
        if not selected:
            found = f"no node matches --node-label-selector {quoted(label_selector)}"
        return f"{found}, --min-nodes {min_nodes} asks for {required}: nothing is withdrawn"
    if min_nodes.percent:
        known = {address for verdict in wanted.verdicts for address, _ in reasons(verdict)}
        gone = _most(addresses_in(current) - known)
        staying = _most(wanted.addresses)
        if gone > staying:
            return (
                f"{gone} addresses would go because no selected node has them, and {staying} be published: "
                f"with --min-nodes {min_nodes} nothing is withdrawn"
            )
    return None


def _most(addresses: Collection[Address]) -> int:
    """Count addresses per IP version, and give the larger number: nodes may have one family, or both."""
    return max(sum(each.version == version for each in addresses) for version in TYPES.values())


def without_withdrawals(current: Sequence[RecordSet], wanted: Wanted, max_addresses: int = MAX_ADDRESSES) -> Wanted:
    """Change what is wanted into what may be had without taking anything out of DNS.

    Addresses that the record sets which stay have no room for are withheld.
    """
    record_sets = grown(current, wanted.record_sets, max_addresses)
    shown = addresses_in(record_sets)
    reason = "--min-nodes keeps the present record sets, which have no room for it"
    without_room = {
        (verdict.node, address): reason
        for verdict in wanted.verdicts
        for address in verdict.addresses
        if address not in shown
    }
    verdicts = tuple(withhold(verdict, without_room) for verdict in wanted.verdicts)
    return replace(wanted, record_sets=record_sets, verdicts=verdicts)


def grown(
    current: Sequence[RecordSet], wanted: Sequence[RecordSet], max_addresses: int = MAX_ADDRESSES
) -> tuple[RecordSet, ...]:
    """Let the current record sets gain what is wanted, and lose nothing.

    The domain keeps its routing policy and each record set its addresses; sets gain what is wanted of them (a simple
    set all of its type), and wanted sets are added where they fit the policy.
    """
    if not current:
        return tuple(wanted)
    kept: list[RecordSet] = []
    for type_ in TYPES:
        own = [each for each in current if each.type == type_]
        asked = [each for each in wanted if each.type == type_]
        policy = (own or current)[0].policy
        space = max_addresses - sum(len(each.addresses) for each in own)
        for each in own:
            larger = _gain(each, [other for other in asked if _feeds(other, each)], space)
            space -= len(larger.addresses) - len(each.addresses)
            kept.append(larger)
        for new in asked:
            clashes = any(new.key == each.key or _is_same_place(new, each) for each in own)
            most = MAX_MULTIVALUE if policy == "multivalue" else MAX_PLACES
            if new.policy == policy and not clashes and len(new.addresses) <= space and len(own) < most:
                space -= len(new.addresses)
                own.append(new)
                kept.append(new)
    return tuple(kept)


def _feeds(source: RecordSet, target: RecordSet) -> bool:
    """Whether a wanted set's addresses belong in a present one."""
    if not target.addresses:  # an alias has none that more could be added to
        return False
    if target.policy == "geoproximity":
        return target.coordinates is not None and source.coordinates == target.coordinates
    return target.policy == "simple"


def _is_same_place(one: RecordSet, other: RecordSet) -> bool:
    """Whether Route 53 refuses one beside the other: two geoproximity sets of a type may not share a location."""
    return one.coordinates is not None and one.coordinates == other.coordinates


def _gain(target: RecordSet, sources: Iterable[RecordSet], space: int) -> RecordSet:
    addresses: dict[Address, None] = dict.fromkeys(address for source in sources for address in source.addresses)
    added = [address for address in addresses if address not in target.addresses][: max(0, space)]
    return with_more(target, added) if added else target
