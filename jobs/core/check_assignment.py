"""Which health check each record set should have, what is to be made first, and what may be deleted. Pure."""

from collections.abc import Container, Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.health_checks import HealthCheck, MissingCheck, View
from jobs.core.plan import calculate
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.records import Wanted
from jobs.core.route53_form import with_health_check

ORPHAN_SECONDS = 3600
"""A check this old that no record set names is deleted; a younger one may be that of a run that is about to name it."""
YOUNG_SECONDS = 1800
"""A check that a record set does not have yet is given to it only this young: nobody deletes it before that is written.
A run's view is seconds old when it writes; AWS refuses requests of clocks that are minutes off.
"""
NEW = "(new)"
"""The id, in a dry run, of a check that would have to be made."""
_CHECKED = ("geoproximity", "multivalue")


class CheckChanges(Struct, frozen=True):
    """What is to be done about a domain's checks, once the records that do not wait for it are written."""

    view: View
    missing: tuple[MissingCheck, ...] = ()
    unused: tuple[HealthCheck, ...] = ()

    @property
    def announcement(self) -> tuple[str, ...]:
        """Say how many checks a run would make and delete, if any."""
        addresses = {address for each in self.missing for address, check in each.items() if check is None}
        to_make = len(addresses) + sum(len(each) > 1 for each in self.missing)
        counts = f"health checks: {to_make} would be made, {len(self.unused)} would be deleted"
        return (counts,) if to_make or self.unused else ()


def with_checks(
    view: View | None, wanted: Wanted, current: Sequence[RecordSet], *, rejected: bool = False
) -> tuple[Wanted, CheckChanges | None]:
    """Give the wanted record sets their checks, and say what is to be done for that.

    A batch that withdraws an address does not wait for checks to be made. It names the checks that there are, and
    leaves new sets that have none yet to the next batch: beside one set without a check all others of the type would
    lose theirs. When Route 53 has rejected a batch that named a check for the first time, what has to change is
    written without new checks first. Without a view, that is without --health-check, a refused run keeps
    the checks that the sets have; once Route 53 has `rejected` one, all are taken off.
    """
    if view is None:
        if rejected:
            bare = tuple(with_health_check(each, None) for each in wanted.record_sets)
            wanted = replace(wanted, record_sets=bare)
        unchecked = {each.key for each in wanted.record_sets if not each.health_check_id}
        had_checks = any(each.health_check_id and each.key in unchecked for each in current)
        return _warned(wanted, (_TAKEN_OFF,) * had_checks), None
    if view.rejected:
        kept, _ = _assigned(view, wanted.record_sets, current, only_kept=True)
        if calculate(current, kept).changes:
            return replace(wanted, record_sets=kept), CheckChanges(view)
    record_sets, missing = _assigned(view, wanted.record_sets, current)
    plan = calculate(current, record_sets)
    wanted = _warned(replace(wanted, record_sets=record_sets), _about_routing(view, record_sets))
    if view.dry_run:
        check_changes = CheckChanges(view, missing, unused(view, record_sets, has_written=bool(plan.changes)))
        return _warned(wanted, check_changes.announcement), check_changes
    if missing and plan.withdraws:
        at_once, _ = _assigned(view, _ready(view, wanted.record_sets, current), current)
        return replace(wanted, record_sets=at_once), CheckChanges(view)
    is_right = not missing and not plan.changes
    return wanted, CheckChanges(view, missing, unused(view, current, has_written=view.has_written) if is_right else ())


_TAKEN_OFF = (
    "health checks are taken off the record sets, for --health-check is not set; run once with --health-check none to "
    "delete those that kube-node-dns has made"
)


def _warned(wanted: Wanted, warnings: tuple[str, ...]) -> Wanted:
    return replace(wanted, warnings=(*wanted.warnings, *warnings))


class _Set(Struct, frozen=True):
    """A record set that is wanted, with its check; `missing` is empty where that is the one that it should have."""

    wanted: RecordSet
    check: str | None
    missing: MissingCheck = field(default_factory=dict)


def _assigned(
    view: View, wanted: Sequence[RecordSet], current: Sequence[RecordSet], *, only_kept: bool = False
) -> tuple[tuple[RecordSet, ...], tuple[MissingCheck, ...]]:
    """Give each record set its check: the one that it has while another is still to be made, or with `only_kept`.

    All sets of a type have one, or none has: one without counts as always healthy, and would get all traffic while a
    firewall keeps the checkers out. Sets that only others make are left alone, with all of their type.
    """
    before = {each.key: each for each in current}
    sets: list[RecordSet] = []
    missing: list[MissingCheck] = []
    for type_ in TYPES:
        of_type = [each for each in wanted if each.type == type_]
        if view.checking.probe is None:
            sets += (with_health_check(each, None) for each in of_type)
        elif all(each.policy in _CHECKED and each.addresses for each in of_type):
            found = [_exact(view, each, before.get(each.key)) for each in of_type]
            absent = [each.missing for each in found if each.missing]
            if view.known is not None and view.dry_run:
                found = [replace(each, check=each.check or NEW) for each in found]
            elif absent or only_kept:
                found = [
                    _Set(
                        each.wanted,
                        (not only_kept and each.check) or _kept(view, each.wanted, before.get(each.wanted.key)),
                    )
                    for each in found
                ]
            has_all = all(each.check for each in found)
            sets += (with_health_check(each.wanted, each.check if has_all else None) for each in found)
            missing += absent
        else:
            sets += of_type
    in_order = tuple(sorted(sets, key=lambda each: each.key))
    return in_order, tuple(missing) if view.known is not None and view.may_make else ()


def _ready(view: View, wanted: Sequence[RecordSet], current: Sequence[RecordSet]) -> Sequence[RecordSet]:
    """Pick the sets that keep a check or can get theirs, or all of a type if none can: it is not emptied for this."""
    before = {each.key: each for each in current}
    picked: list[RecordSet] = []
    for type_ in TYPES:
        of_type = [each for each in wanted if each.type == type_]
        ready = [each for each in of_type if _kept(view, each, before.get(each.key)) or _exact(view, each, None).check]
        picked += ready or of_type
    return picked


def _about_routing(view: View, wanted: Iterable[RecordSet]) -> tuple[str, ...]:
    if view.checking.probe and any(each.policy == "simple" for each in wanted):
        return ("--health-check has no effect with simple routing: Route 53 ignores checks there, none is made",)
    return ()


def _exact(view: View, wanted: RecordSet, before: RecordSet | None) -> _Set:
    """Find the check that a record set should have: that of its address, or one that wants one of several healthy.

    What the set has already can be had: nobody may delete it before the set is changed, and then our batch fails.
    """
    has = view.own.get((before and before.health_check_id) or "")
    held = {has.id, *has.children} if has else set()
    leaves = {each: next((check.id for check in _usable(view, held, [each])), None) for each in wanted.addresses}
    if len(leaves) == 1:
        (check,) = leaves.values()
    else:
        contents = {view.content([each]) for each in leaves}
        check = next((each.id for each in _usable(view, held, leaves) if _contents(view, each) == contents), None)
    return _Set(wanted, check, {} if check else leaves)


def _usable(view: View, held: Container[str], addresses: Iterable[Address]) -> Sequence[HealthCheck]:
    """List the checks of just these addresses that a record set may get: those that it holds first, then young ones."""
    found = [
        each
        for each in view.by_content.get(view.content(addresses), ())
        if each.id in held or view.seen_at - each.created < YOUNG_SECONDS
    ]
    return sorted(found, key=lambda each: (each.id not in held, each.created, each.id))


def _contents(view: View, check: HealthCheck) -> set[str]:
    """Say what the children of a check are; one that is gone makes it worthless."""
    return {view.own[child].content if child in view.own else "" for child in check.children}


def _kept(view: View, wanted: RecordSet, before: RecordSet | None) -> str | None:
    """Leave a record set the check that it has, unless that is gone or asks for none of the set's addresses."""
    if before is None or not set(before.addresses) & set(wanted.addresses):
        return None
    check = before.health_check_id
    if view.known is None:
        return None if view.rejected else check
    if check is None or check not in view.known:
        return None
    asked = {view.known[each].address for each in (check, *view.known[check].children) if each in view.known} - {None}
    return check if not asked or asked & set(wanted.addresses) else None


def unused(view: View, named_by: Iterable[RecordSet], *, has_written: bool) -> tuple[HealthCheck, ...]:
    """List the domain's checks that may be deleted, in an order in which Route 53 takes it: children last.

    Those are named by no record set of a fresh look and more than an hour old; with --health-check none, of any age. A
    run that has written leaves them to the next one: until all name servers know what it wrote, some may still ask
    for them, and AWS does not say what they do then.
    """
    is_over = view.checking.probe is None
    if has_written and not is_over:
        return ()
    named = {each.health_check_id for each in named_by}
    old = [
        each
        for each in view.own.values()
        if each.id not in named and (is_over or view.seen_at - each.created > ORPHAN_SECONDS)
    ]
    groups = [each for each in old if each.children]
    gone = {each.id for each in groups}
    parents = view.own if is_over else view.known or {}
    held = {child for each in parents.values() if each.id not in gone for child in each.children}
    return (*groups, *(each for each in old if not each.children and each.id not in held))
