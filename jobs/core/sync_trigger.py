"""Whether watch has to make a sync run: what it would publish now, and what of that has changed. Pure."""

from collections.abc import Container, Iterable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.evidence import conclude
from jobs.core.node import Node, NodeList, Rules
from jobs.core.place import Coordinates
from jobs.core.signs import EvidenceSettings, Signs
from jobs.core.text import shortened
from jobs.core.verdict import Published, Verdict

MOST_WORDS = 5  # nodes that are named in the words for a change; of a whole cluster's not every one
LONGEST_WORDS = 4_000  # they become an annotation, and all annotations of a Job together have at most 256 KiB


class Trigger(Struct, frozen=True):
    """Why a sync should run now, in words, with the nodes that evidence speaks against.

    `resource_version` is that of the node or list that shows it; None when time, or what was seen of the nodes, does.
    """

    words: str
    seen_at: datetime
    resource_version: str | None = None
    withdrawn_by_evidence: tuple[str, ...] = ()


class Presence(Struct, frozen=True):
    """What a sync would make of a node: its place, and its addresses.

    Whether it is about to go matters whatever its health: percentages of --min-nodes and routing no longer count it.
    """

    published: frozenset[Address]
    in_doubt: frozenset[Address]
    coordinates: Coordinates | None
    bias: int
    is_ending: bool = False
    is_deleted: bool = False

    def differs_from(self, before: "Presence | None") -> bool:
        """Whether a sync has to run: an address in doubt is left as it is in DNS, so a new doubt is not a reason."""
        if before is None:
            return True
        if replace(self, published=before.published, in_doubt=before.in_doubt) != before:
            return True
        gone = (before.published | before.in_doubt) - self.published - self.in_doubt
        return bool(gone or self.published - before.published)


def _presence(verdict: Verdict) -> Presence:
    match verdict:
        case Published():
            in_doubt = frozenset(doubt.address for doubt in verdict.doubts)
            return Presence(frozenset(verdict.addresses), in_doubt, verdict.coordinates, verdict.bias)
    nothing: frozenset[Address] = frozenset()
    return Presence(nothing, nothing, verdict.coordinates, verdict.bias, verdict.is_ending, verdict.is_deleted)


_NOTHING = NodeList((), datetime.min.replace(tzinfo=UTC), "")


class ChangeDetector:
    """Learns of nodes and signs one after the other, and says when the two together make a difference to DNS."""

    def __init__(self, settings: EvidenceSettings, rules: Rules) -> None:
        """Know nothing yet."""
        self._settings, self._rules = settings, rules
        self._nodes: dict[str, Node] = {}
        self._signs = Signs()
        self._presences: dict[str, Presence] = {}
        self._version: str | None = None
        self._words: str | None = None
        self._has_news = False
        self._is_sure = True
        self.listed = _NOTHING
        """The nodes as they were at the last look."""
        self.warnings: tuple[str, ...] = ()
        """The kinds of evidence that were not believed at the last look."""

    def begin(self, listed: NodeList, words: str | None) -> None:
        """Begin again with a whole list; with `words` that alone is a trigger, for what was missed is not known.

        While looks are unsure the words wait for a sure one: a sync now would believe Leases that an outage made old.
        """
        self._nodes = {node.name: node for node in listed.nodes}
        self._version, self._has_news = listed.resource_version, True
        self._words = words or self._words

    def node(self, node: Node, resource_version: str) -> None:
        """Learn how a node is now; nothing happens when what matters of it is as it was."""
        before = self._nodes.get(node.name)
        if before != node:
            if _is_ready(node) and not (before and _is_ready(before)):
                self._signs = _without_leases(self._signs, {node.name})
            self._nodes[node.name] = node
            self._version, self._has_news = resource_version, True

    def gone(self, name: str, resource_version: str) -> None:
        """Learn that a node is no longer among the selected ones."""
        if self._nodes.pop(name, None):
            self._version, self._has_news = resource_version, True

    def see(self, signs: Signs, began_with: NodeList | None = None, *, is_sure: bool = True) -> None:
        """Learn what was seen of the nodes by a look that began with these, or with those of now."""
        if began_with:
            before = {node.name for node in began_with.nodes if _is_ready(node)}
            signs = _without_leases(signs, {node.name for node in self._nodes.values() if _is_ready(node)} - before)
        self._signs, self._is_sure, self._has_news = signs, is_sure, True

    def fail_to_see(self) -> None:
        """Learn that a look has failed: the next ones are unsure until they say otherwise."""
        self._is_sure = False

    def trigger(self, now: datetime) -> Trigger | None:
        """Say why a sync would publish something else than when this was last asked; None when it would not."""
        if not self._has_news:
            return None
        self.listed = NodeList(tuple(self._nodes.values()), now, self._version or "")
        conclusion = conclude(self.listed, self._signs, self._settings, self._rules)
        self.warnings = conclusion.warnings + conclusion.causes + self._signs.remarks
        presences = {verdict.node: _presence(verdict) for verdict in conclusion.verdicts}
        changed = {name for name, each in presences.items() if each.differs_from(self._presences.get(name))}
        changed |= self._presences.keys() - presences.keys()
        occasion = self._words if self._is_sure else None
        words = occasion or _words(changed, conclusion.verdicts)
        trigger = Trigger(words, now, self._version, conclusion.withdrawn_by_evidence) if words else None
        self._presences, self._version, self._has_news = presences, None, False
        self._words = None if self._is_sure else self._words
        return trigger


def _without_leases(signs: Signs, nodes: Container[str]) -> Signs:
    """Leave out the Leases of nodes that have turned ready since they were seen: their kubelets are alive."""
    return replace(signs, lease_ages={name: age for name, age in signs.lease_ages.items() if name not in nodes})


def _is_ready(node: Node) -> bool:
    return node.ready is not None and node.ready.status == "True"


def _words(changed: set[str], verdicts: Iterable[Verdict]) -> str:
    found = {verdict.node: verdict for verdict in verdicts if verdict.node in changed}
    words = [f"{name}: {_described(found.get(name))}" for name in sorted(changed)[:MOST_WORDS]]
    more = len(changed) - len(words)
    return shortened("; ".join([*words, *([f"and {more} more"] if more else [])]), LONGEST_WORDS)


def _described(verdict: Verdict | None) -> str:
    match verdict:
        case None:
            return "no longer among the selected nodes"
        case Published(addresses=addresses, coordinates=coordinates):
            those = " ".join(map(str, addresses)) or "addresses in doubt"
            return f"publishable with {those} at {coordinates or 'no place'}"
    return verdict.reason
