"""Why an address enters or leaves DNS, in words: for the log, the report and the nodes' Events. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.core.model import RecordSet, Verdict, reasons
from jobs.core.plan import Change
from jobs.core.progress import Outcome


@dataclass(frozen=True)
class AddressChange:
    """An address that a record set gains (`+`) or loses (`-`), with its node and, when lost, the reason."""

    sign: str
    address: str
    why: str


class Explainer:
    """Knows whose addresses are whose."""

    def __init__(self, verdicts: Iterable[Verdict]) -> None:
        """Take the verdicts that a plan was made from."""
        self._published: dict[str, list[str]] = {}
        self._absent: dict[str, list[str]] = {}
        for verdict in verdicts:
            for address, reason in reasons(verdict):
                if reason is None:
                    self._published.setdefault(str(address), []).append(verdict.node)
                else:
                    self._absent.setdefault(str(address), []).append(f"{verdict.node}: {reason}")

    def addresses(self, change: Change) -> list[AddressChange]:
        """Tell what a record set gains, then what it loses."""
        before = change.before.values if change.before else ()
        after = change.after.values if change.after else ()
        gained = [AddressChange("+", each, self._node(each)) for each in after if each not in before]
        return gained + [AddressChange("-", each, self._reason(each)) for each in before if each not in after]

    def line(self, change: Change) -> str:
        """Tell a whole change on one line."""
        parts = [f"{each.sign} {each.address} ({each.why})" for each in self.addresses(change)]
        return f"{title(change)}: {', '.join(parts) or 'same addresses'}"

    def _node(self, address: str) -> str:
        return ", ".join(self._published.get(address, ()))

    def _reason(self, address: str) -> str:
        if address in self._published:
            return f"{self._node(address)}: moves to another record set"
        return "; ".join(self._absent.get(address, ())) or "no selected node has this address"


def title(change: Change) -> str:
    """Say what happens to which record set: `+` created, `-` deleted, `~` replaced."""
    sign = "~" if change.before and change.after else "+" if change.after else "-"
    before, after = change.before, change.after
    ttl = change.subject.ttl
    time = "alias" if ttl is None else f"ttl {ttl}"
    if before and after and before.ttl is not None and before.ttl != after.ttl:
        time = f"ttl {before.ttl} -> {after.ttl}"
    return f"{sign} {change.subject}  {time}"


@dataclass(frozen=True)
class News:
    """What a run has done with the addresses of a node; `withdrawn` if at least one has left DNS."""

    node: str
    withdrawn: bool
    message: str


def news(outcomes: Iterable[Outcome]) -> list[News]:
    """Tell of each node what has reached Route 53, over all domains."""
    published: dict[str, list[str]] = {}
    withdrawn: dict[str, list[str]] = {}
    for outcome in filter(lambda outcome: outcome.changes, outcomes):
        before, after = _at_the_ends(outcome.changes)
        entered, left = after - before, before - after
        for verdict in outcome.verdicts:
            moved: dict[str | None, list[str]] = {}
            for address, reason in reasons(verdict):
                if str(address) in (entered if reason is None else left):
                    moved.setdefault(reason, []).append(str(address))
            for reason, values in moved.items():
                if reason is None:
                    published.setdefault(verdict.node, []).append(f"{outcome.domain}: published {' '.join(values)}")
                else:
                    words = f"{outcome.domain}: withdrawn {' '.join(values)}: {reason}"
                    withdrawn.setdefault(verdict.node, []).append(words)
    return [
        News(node, node in withdrawn, "; ".join(withdrawn.get(node, []) + published.get(node, [])))
        for node in sorted(published.keys() | withdrawn.keys())
    ]


def _at_the_ends(changes: Iterable[Change]) -> tuple[set[str], set[str]]:
    """Give the addresses of all sets before their first change and after their last one: a run may write twice."""
    first: dict[object, RecordSet | None] = {}
    last: dict[object, RecordSet | None] = {}
    for change in changes:
        first.setdefault(change.subject.key, change.before)
        last[change.subject.key] = change.after
    before, after = ({value for each in sets.values() if each for value in each.values} for sets in (first, last))
    return before, after
