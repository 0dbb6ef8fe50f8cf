"""Why an address enters or leaves DNS, in words: for the log, the report and the nodes' Events. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from jobs.core.address import Address
from jobs.core.assessment import assess
from jobs.core.node import Node, Rules
from jobs.core.plan import Change
from jobs.core.progress import Domain
from jobs.core.record_set import addresses_in
from jobs.core.verdict import Skipped, Verdict, reasons


class AddressChange(Struct, frozen=True):
    """An address that a record set gains (`+`) or loses (`-`), with its node and, when lost, the reason."""

    sign: str
    address: Address
    why: str


class Explainer:
    """Knows which nodes have which address, and why some of these are not published."""

    def __init__(self, verdicts: Iterable[Verdict], unselected: Iterable[Verdict] | None = None) -> None:
        """Take the verdicts that a plan was made from, and those on all other nodes with a withdrawn address, if known.

        An address that none of them has was on a node whose object has been deleted.
        """
        self._published: dict[Address, list[str]] = {}
        self._absent: dict[Address, list[str]] = {}
        self._nobodys = f"no {'selected ' if unselected is None else ''}node has this address"
        for verdict in (*verdicts, *(unselected or ())):
            for address, reason in reasons(verdict):
                if reason is None:
                    self._published.setdefault(address, []).append(verdict.node)
                else:
                    self._absent.setdefault(address, []).append(f"{verdict.node}: {reason}")

    def addresses(self, change: Change) -> list[AddressChange]:
        """List what a record set gains, then what it loses."""
        before = change.before.addresses if change.before else ()
        after = change.after.addresses if change.after else ()
        gained = [each for each in after if each not in before]
        lost = [each for each in before if each not in after]
        return [AddressChange("+", each, self._nodes(each) or self._reason(each)) for each in gained] + [
            AddressChange("-", each, self._reason(each)) for each in lost
        ]

    def line(self, change: Change) -> str:
        """Describe a whole change on one line."""
        parts = [f"{each.sign} {each.address} ({each.why})" for each in self.addresses(change)]
        return f"{title(change)}: {', '.join(parts) or 'same addresses'}"

    def _nodes(self, address: Address) -> str:
        return ", ".join(self._published.get(address, ()))

    def _reason(self, address: Address) -> str:
        if address in self._published:
            return f"{self._nodes(address)}: moves to another record set"
        return "; ".join(self._absent.get(address, ())) or self._nobodys


def title(change: Change) -> str:
    """Say what happens to which record set: `+` created, `-` deleted, `~` replaced."""
    sign = "~" if change.before and change.after else "+" if change.after else "-"
    before, after = change.before, change.after
    ttl = change.subject.ttl
    time = "alias" if ttl is None else f"ttl {ttl}"
    if before and after and before.ttl is not None and before.ttl != after.ttl:
        time = f"ttl {before.ttl} -> {after.ttl}"
    check = before.health_check_id if before else None
    if after and after.health_check_id != check:
        time += f"  health check {after.health_check_id}" if after.health_check_id else "  no health check"
    return f"{sign} {change.subject}  {time}"


class NodeNews(Struct, frozen=True):
    """What a run has done with the addresses of a node; `withdrawn` if at least one has left DNS."""

    node: str
    withdrawn: bool
    message: str


def node_news(domains: Iterable[Domain]) -> list[NodeNews]:
    """Say of each node which of its addresses have entered or left DNS, over all domains."""
    published: dict[str, list[str]] = {}
    withdrawn: dict[str, list[str]] = {}
    for domain in domains:
        before, after = addresses_in(domain.before), addresses_in(domain.after)
        entered, left = after - before, before - after
        for verdict in domain.nodes:
            moved: dict[str | None, list[str]] = {}
            for address, reason in reasons(verdict):
                if address in (entered if reason is None else left):
                    moved.setdefault(reason, []).append(str(address))
            for reason, addresses in moved.items():
                if reason is None:
                    published.setdefault(verdict.node, []).append(f"{domain.name}: published {' '.join(addresses)}")
                else:
                    words = f"{domain.name}: withdrawn {' '.join(addresses)}: {reason}"
                    withdrawn.setdefault(verdict.node, []).append(words)
    return [
        NodeNews(node, node in withdrawn, "; ".join(withdrawn.get(node, []) + published.get(node, [])))
        for node in sorted(published.keys() | withdrawn.keys())
    ]


def unexplained(changes: Iterable[Change], verdicts: Iterable[Verdict]) -> set[Address]:
    """Give the addresses that leave though no verdict says why: their nodes are not selected any more, or gone."""
    known = {address for verdict in verdicts for address, _ in reasons(verdict)}
    changes = tuple(changes)
    before = addresses_in(change.before for change in changes if change.before)
    return before - addresses_in(change.after for change in changes if change.after) - known


def unselected(nodes: Iterable[Node], rules: Rules, label_selector: str, lost: set[Address]) -> tuple[Skipped, ...]:
    """Say of each node that has a lost address why it was not looked at: it is not selected."""
    reason = f"does not match --node-label-selector {label_selector}"
    judged = ((node.name, [each for each, _ in reasons(assess(node, rules)) if each in lost]) for node in nodes)
    return tuple(Skipped(name, reason, tuple(had), None) for name, had in judged if had)
