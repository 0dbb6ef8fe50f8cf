"""Current and wanted record sets of a domain → changes → change batches that Route 53 takes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.core.errors import ConfigurationError
from jobs.core.model import RecordSet, record_set
from jobs.core.records import MAX_ADDRESSES, MAX_PLACES, TYPES

MAX_ELEMENTS = 1_000  # Route 53: ResourceRecord elements a batch
MAX_CHARACTERS = 32_000  # Route 53: characters of values a batch


@dataclass(frozen=True)
class Change:
    """One record set before and after; both the same makes it a witness, None means it is not there."""

    before: RecordSet | None
    after: RecordSet | None

    @property
    def subject(self) -> RecordSet:
        """The record set as it will be, or as it was."""
        subject = self.after or self.before
        assert subject is not None  # noqa: S101 - a change has at least one side
        return subject

    @property
    def is_witness(self) -> bool:
        """Whether it only restates what is there."""
        return self.before == self.after

    def shows_in(self, current: Iterable[RecordSet]) -> bool:
        """Whether a name's record sets are as this change leaves them."""
        found = {each.key: each for each in current}
        return found.get(self.subject.key) == self.after


@dataclass(frozen=True)
class Plan:
    """What to change of a domain, and which of its record sets stay as they are."""

    changes: tuple[Change, ...]
    unchanged: tuple[RecordSet, ...]


Batch = tuple[Change, ...]
"""Changes that Route 53 applies together or not at all."""


def calculate(current: Iterable[RecordSet], wanted: Iterable[RecordSet]) -> Plan:
    """Compare what is with what should be, set by set."""
    before, after = {each.key: each for each in current}, {each.key: each for each in wanted}
    pairs = [Change(before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys())]
    return Plan(
        tuple(change for change in pairs if not change.is_witness),
        tuple(change.before for change in pairs if change.before and change.is_witness),  # as read, for a witness
    )


def without_withdrawals(current: Sequence[RecordSet], wanted: Sequence[RecordSet]) -> tuple[RecordSet, ...]:
    """Turn wanted record sets into ones that take nothing out of DNS, for a run that --min-nodes refuses.

    The domain keeps its routing policy and each record set its values; sets gain what is wanted of them (a simple
    set all of its type), and wanted sets are added where they fit the policy.
    """
    if not current:
        return tuple(wanted)
    kept: list[RecordSet] = []
    for type_ in TYPES:
        own = [each for each in current if each.type == type_]
        asked = [each for each in wanted if each.type == type_]
        policy = (own or current)[0].policy
        space = MAX_ADDRESSES - sum(len(each.values) for each in own)
        for each in own:
            grown = _gain(each, [other for other in asked if _feeds(other, each)], space)
            space -= len(grown.values) - len(each.values)
            kept.append(grown)
        for new in asked:
            clashes = any(new.key == each.key or new.coordinates == each.coordinates for each in own)
            if new.policy == policy and not clashes and len(new.values) <= space and len(own) < MAX_PLACES:
                space -= len(new.values)
                own.append(new)
                kept.append(new)
    return tuple(kept)


def _feeds(source: RecordSet, target: RecordSet) -> bool:
    """Whether a wanted set's addresses belong into a present one."""
    if not target.values:  # an alias has none that more could be added to
        return False
    if target.policy == "geoproximity":
        return target.coordinates is not None and source.coordinates == target.coordinates
    return target.policy == "simple"


def _gain(target: RecordSet, sources: Iterable[RecordSet], space: int) -> RecordSet:
    values = dict.fromkeys(value for source in sources for value in source.values)
    added = [value for value in values if value not in target.values][: max(0, space)]
    if not added:
        return target
    records = [*target.raw["ResourceRecords"], *({"Value": value} for value in added)]
    return record_set({**target.raw, "ResourceRecords": records})


def batches(plan: Plan) -> tuple[Batch, ...]:
    """Cut a plan into change batches: one for the domain if it fits, else one a type.

    So a name and type is never half switched between two batches, and what is added comes before what is only taken
    away, so that the name is never empty in between. Raises ConfigurationError when one type alone
    does not fit, which only record sets of somebody else can cause.
    """
    of_type = [
        batch for type_ in TYPES if (batch := tuple(change for change in plan.changes if change.subject.type == type_))
    ]
    together = tuple(dict.fromkeys(each for batch in of_type for each in _witnessed(batch, plan.unchanged)))
    if not together or _fits(together):
        return (together,) if together else ()
    cut: list[Batch] = []
    for batch in sorted(of_type, key=_only_withdraws):
        if not _fits(batch):
            raise ConfigurationError(
                f"the {batch[0].subject.type} record sets that stand at this name are too large to be replaced in one "
                f"change batch ({MAX_ELEMENTS} values, {MAX_CHARACTERS} characters); delete them by hand"
            )
        written = tuple(change.after for earlier in cut for change in earlier if change.after)
        cut.append(_witnessed(batch, plan.unchanged + written))
    return tuple(cut)


def _witnessed(batch: Batch, staying: tuple[RecordSet, ...]) -> Batch:
    """Restate one set that stays when the batch of one type takes a set away and touches none that stays.

    Two runs with different views, each withdrawing another place, would otherwise both succeed and empty the name.
    The witness makes the second one fail and look again. Where nothing of the type stays, the other type testifies,
    be it with what an earlier batch has just written: one run may withdraw the last A while another withdraws the last
    AAAA. A withdrawal is not held up by a witness too large for it: one of hundreds of addresses, beside hundreds.
    """
    if any(change.before and change.after for change in batch) or all(change.after for change in batch):
        return batch
    witnesses = [each for each in staying if each.type == batch[0].subject.type]
    if not witnesses and _only_withdraws(batch):
        witnesses = list(staying)
    smallest = sorted(witnesses, key=lambda each: len(each.values))[:1]
    witnessed = (*batch, *(Change(each, each) for each in smallest))
    return witnessed if _fits(witnessed) else batch


def _only_withdraws(batch: Batch) -> bool:
    return all(change.after is None for change in batch)


def _fits(batch: Batch) -> bool:
    sets = [each for change in batch for each in (change.before, change.after) if each]
    values = [record["Value"] for each in sets for record in each.raw.get("ResourceRecords", ())]
    aliases = sum("AliasTarget" in each.raw for each in sets)
    return len(values) + aliases <= MAX_ELEMENTS and sum(map(len, values)) <= MAX_CHARACTERS


def api_changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Give changes in the AWS API's form: every DELETE of exactly what was read, then every CREATE.

    Never UPSERT: DELETE and CREATE in one batch fail when anybody changed the set since it was read, which makes
    the batch a compare-and-swap.
    """
    changes = tuple(changes)
    deletes = [_api_change("DELETE", change.before) for change in changes if change.before]
    creates = [_api_change("CREATE", change.after) for change in changes if change.after]
    return deletes + creates


def _api_change(action: str, each: RecordSet) -> dict[str, Any]:
    return {"Action": action, "ResourceRecordSet": each.raw}
