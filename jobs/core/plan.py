"""Current and wanted record sets of a domain → changes → one change batch that Route 53 takes. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from jobs.core.errors import ConfigurationError
from jobs.core.record_set import TYPES, RecordSet, addresses_in
from jobs.core.route53_form import api_form

MAX_ELEMENTS = 1_000  # Route 53: ResourceRecord elements per batch
MAX_CHARACTERS = 32_000  # Route 53: characters of values per batch


class Change(Struct, frozen=True):
    """One record set before and after; both the same when it is only restated, None means it is not there."""

    before: RecordSet | None
    after: RecordSet | None

    @property
    def subject(self) -> RecordSet:
        """The record set as it will be, or as it was."""
        subject = self.after or self.before
        assert subject is not None  # noqa: S101 - a change has at least one side
        return subject

    @property
    def is_unchanged(self) -> bool:
        """Whether it only restates what is there, as a precondition of the batch."""
        return self.before == self.after

    @property
    def names_new_check(self) -> bool:
        """Whether the record set gets a health check that it did not have."""
        new = self.after and self.after.health_check_id
        return new is not None and (self.before is None or self.before.health_check_id != new)


class Plan(Struct, frozen=True):
    """What to change of a domain, and which of its record sets stay as they are."""

    changes: tuple[Change, ...]
    unchanged: tuple[RecordSet, ...]

    @property
    def withdraws(self) -> bool:
        """Whether an address leaves the domain."""
        before = addresses_in(each.before for each in self.changes if each.before)
        return not before <= addresses_in(self.record_sets)

    @property
    def record_sets(self) -> tuple[RecordSet, ...]:
        """All of the domain's record sets when it has been applied."""
        changed = (change.after for change in self.changes if change.after)
        return tuple(sorted((*self.unchanged, *changed), key=lambda each: each.key))


def calculate(current: Iterable[RecordSet], wanted: Iterable[RecordSet]) -> Plan:
    """Compare what is with what should be, set by set."""
    before, after = {each.key: each for each in current}, {each.key: each for each in wanted}
    pairs = [Change(before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys())]
    return Plan(
        tuple(change for change in pairs if not change.is_unchanged),
        tuple(change.before for change in pairs if change.before and change.is_unchanged),  # as it was read
    )


def batch(plan: Plan) -> tuple[Change, ...]:
    """Give a plan's changes, with their preconditions, as one change batch: Route 53 applies all of it or nothing.

    Raises ConfigurationError when they do not fit one batch, which only record sets of somebody else can cause.
    """
    changes = plan.changes
    for type_ in TYPES:
        changes += _precondition(type_, plan)
    changes = tuple(dict.fromkeys(changes))
    if not _fits(changes):
        raise ConfigurationError(
            "the record sets that stand at this name are too large to be replaced in one change batch "
            f"({MAX_ELEMENTS} values, {MAX_CHARACTERS} characters); delete them by hand"
        )
    return changes


def _precondition(type_: str, plan: Plan) -> tuple[Change, ...]:
    """Restate one set that stays when sets of a type are taken away and none of that type is changed.

    Two runs with different views, each withdrawing another set, would otherwise both succeed and empty the type. The
    precondition makes the second one fail and look again. Where nothing of the type stays, it is a set of the other
    type: one run may withdraw the last A while another withdraws the last AAAA.
    """
    changes = [change for change in plan.changes if change.subject.type == type_]
    if any(change.before and change.after for change in changes) or all(change.after for change in changes):
        return ()
    staying = [each for each in plan.unchanged if each.type == type_]
    if not staying and not any(change.after for change in changes):
        staying = list(plan.unchanged)
    smallest = sorted(staying, key=lambda each: len(each.addresses))[:1]
    return tuple(Change(each, each) for each in smallest)


def _fits(changes: Iterable[Change]) -> bool:
    forms = [api_form(each) for change in changes for each in (change.before, change.after) if each]
    values = [record["Value"] for form in forms for record in form.get("ResourceRecords", ())]
    aliases = sum("AliasTarget" in form for form in forms)
    return len(values) + aliases <= MAX_ELEMENTS and sum(map(len, values)) <= MAX_CHARACTERS
