"""Mistakes that somebody could make in sync-once, each put into the real program at its edge."""

from collections.abc import Mapping, Sequence

from jobs.core.node import NodeList
from jobs.core.plan import Change
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.route53_form import api_changes, api_form
from jobs.core.zones import Zone
from tests.proofs.interleavings.runs import Edge, Enough
from tests.proofs.interleavings.store import upsert


class UpsertsInsteadOfComparing(Edge):
    """Replaces what stands, instead of deleting exactly what was read. A switch of the policy is no replacement."""

    def change(self, zone: Zone, changes: Sequence[Change]) -> str:
        """Write every set that is there before and after with UPSERT, and new ones too."""
        changes = tuple(changes)
        gone = tuple(change for change in changes if not change.after)
        return self.send(zone, [*api_changes(gone), *(upsert(api_form(each.after)) for each in changes if each.after)])


class ReadsNodesBeforeRecords(Edge):
    """Lists the nodes, then reads the records: the plan is older in its nodes than in its records."""

    _listed: NodeList

    def record_sets(self, zone: Zone, name: str) -> Mapping[str, tuple[RecordSet, ...]]:
        """List the nodes first."""
        self._listed = super().nodes("")
        return super().record_sets(zone, name)

    def nodes(self, label_selector: str) -> NodeList:  # noqa: ARG002 - all of them are selected
        """Give what was listed."""
        return self._listed


class DoesNotLookAgain(Edge):
    """Ends well as soon as its first write is accepted."""

    _has_written = False

    def change(self, zone: Zone, changes: Sequence[Change]) -> str:
        """Note the success."""
        change_id = super().change(zone, changes)
        self._has_written = True
        return change_id

    def record_sets(self, zone: Zone, name: str) -> Mapping[str, tuple[RecordSet, ...]]:
        """End instead of checking."""
        if self._has_written:
            raise Enough
        return super().record_sets(zone, name)


class RestatesNoPrecondition(Edge):
    """Withdraws a set without restating one that stays."""

    def change(self, zone: Zone, changes: Sequence[Change]) -> str:
        """Leave the precondition out."""
        return super().change(zone, [change for change in changes if not change.is_unchanged])


class RestatesOnePreconditionForBothTypes(Edge):
    """Restates a set that stays of whatever type, an A set first, for what it withdraws of either."""

    _read: tuple[RecordSet, ...]

    def record_sets(self, zone: Zone, name: str) -> Mapping[str, tuple[RecordSet, ...]]:
        """Note what was read."""
        found = super().record_sets(zone, name)
        self._read = tuple(each for each in found[name] if each.type in TYPES)
        return found

    def change(self, zone: Zone, changes: Sequence[Change]) -> str:
        """Choose the precondition without regard to the type."""
        needed = [change for change in changes if not change.is_unchanged]
        touched = {change.subject.key for change in needed}
        staying = sorted((each for each in self._read if each.key not in touched), key=lambda each: each.key)
        return super().change(zone, [*needed, *(Change(each, each) for each in staying[:1])])


class ChangesOneTypeAfterTheOther(Edge):
    """Sends the A records in one batch and the AAAA records in the next."""

    def change(self, zone: Zone, changes: Sequence[Change]) -> str:
        """Send what there is of each type."""
        changes = tuple(changes)
        batches = [[change for change in changes if change.subject.type == type_] for type_ in TYPES]
        return [super(ChangesOneTypeAfterTheOther, self).change(zone, batch) for batch in batches if batch][-1]


class NamesNoVersion(Edge):
    """Replaces what stands in a DNSEndpoint, whatever has become of it."""

    def version_named(self, version: str) -> str:  # noqa: ARG002 - the mistake
        """Name none."""
        return self.ANY_VERSION


MISTAKES: tuple[tuple[type[Edge], str, str], ...] = (
    (
        UpsertsInsteadOfComparing,
        "simple: the first sync of a name",
        "a change of the A records that the run has not seen is undone",
    ),
    (
        ReadsNodesBeforeRecords,
        "simple: the first sync of a name",
        "older nodes are written over records that newer nodes are behind",
    ),
    (
        DoesNotLookAgain,
        "geoproximity: a place fails, and returns with a new one",
        "every run has ended well, but DNS is older than that",
    ),
    (ChangesOneTypeAfterTheOther, "switch to geoproximity, and back", "the policy is switched half: A and AAAA differ"),
    (RestatesNoPrecondition, "geoproximity: two places fail in turn", "the name is left without an answer"),
    (RestatesNoPrecondition, "the last A and the last AAAA", "the name is left without an answer"),
    (RestatesNoPrecondition, "multivalue: two nodes fail in turn", "the name is left without an answer"),
    (
        RestatesOnePreconditionForBothTypes,
        "geoproximity: two places lose their IPv6 in turn",
        "the name is left without an answer of type AAAA, which every node list asks for",
    ),
    (
        NamesNoVersion,
        "a DNSEndpoint: two nodes fail in turn",
        "a change of the A records that the run has not seen is undone",
    ),
)
"""Each with a scenario in which it breaks a law, without any event but a change of the nodes."""
