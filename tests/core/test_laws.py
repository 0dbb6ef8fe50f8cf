"""What holds whatever the nodes are and whatever is in the zone, by the rules of a strict Route 53."""

import contextlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from jobs.core.address import Address
from jobs.core.decision import Decision, decide
from jobs.core.errors import ConfigurationError
from jobs.core.evidence import Conclusion
from jobs.core.min_nodes import MinNodes
from jobs.core.plan import Change, batch
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.records import MAX_ADDRESSES, MAX_MULTIVALUE
from jobs.core.route53_form import api_changes, api_form, from_api
from jobs.core.verdict import Published, Verdict
from jobs.core.zones import owned
from tests.sandbox.route53 import Route53
from tests.sandbox.zones import Refused
from tests.support.builders import DOMAIN, ZONE, request
from tests.support.sights import everything_of
from tests.support.strategies import THEIR_CHECK, Raw, Views, record_sets, verdicts, views

NEVER, ALWAYS = MinNodes(0), MinNodes(10_000)
"""A guard that never refuses, and one that always does."""

routings = st.sampled_from(["auto"] * 4 + ["simple", "geoproximity", "multivalue", "multivalue"])
asked = st.fixed_dictionaries({"routing": routings})
guarded = st.fixed_dictionaries({"routing": routings, "min_nodes": st.sampled_from([NEVER, ALWAYS])})
Options = dict[str, Any]
BYSTANDERS: list[Raw] = [
    {"Name": f"{DOMAIN}.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"hello"'}]},
    {"Name": f"{DOMAIN}.", "Type": "MX", "TTL": 60, "ResourceRecords": [{"Value": "10 mail.example.com"}]},
    *(
        {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        for name in (f"a.{DOMAIN}.", f"a-{DOMAIN}.", "\\052.example.com.", "example.com.")
    ),
]


@dataclass
class Stored:
    """The domain in an account at Route 53."""

    account: Route53 = field(default_factory=Route53)
    zone_id: str = ""

    def __post_init__(self) -> None:
        """Make the zone, with records of others around the domain's own."""
        self.zone_id = self.account.zone(ZONE)
        self.account.health_checks.put(THEIR_CHECK, "theirs", {"Type": "CLOUDWATCH_METRIC"})
        self.account.put(self.zone_id, *BYSTANDERS)

    def put(self, found: Iterable[Raw]) -> "Stored":
        """Add record sets as somebody else might."""
        for raw in found:
            self.account.put(self.zone_id, raw)
        return self

    def shown(self) -> tuple[RecordSet, ...]:
        """Read what belongs to kube-node-dns."""
        return owned(DOMAIN, ZONE, map(from_api, self.account.records(self.zone_id, DOMAIN)))

    def others(self) -> list[Raw]:
        """Read the whole zone but what belongs to kube-node-dns."""
        ours = [dict(api_form(each)) for each in self.shown()]
        return [raw for raw in self.account.records(self.zone_id) if raw not in ours]

    def apply(self, changes: Sequence[Change]) -> None:
        """Send one batch; Route 53 refuses it as a whole when it breaks a single rule."""
        self.account.change(self.zone_id, *api_changes(changes))

    def decision(self, found: Sequence[Verdict], options: Options) -> Decision:
        """Decide from what is shown now; unless asked for, the guard never refuses."""
        wish = request((DOMAIN,), **{"min_nodes": NEVER, **options})
        return decide(wish, DOMAIN, self.shown(), Conclusion(tuple(found)))

    def settle(self, found: Sequence[Verdict], options: Options) -> Decision | None:
        """Decide and apply; None when the domain is left alone for sets too large to replace."""
        decision = self.decision(found, options)
        try:
            changes = batch(decision.plan)
        except ConfigurationError:
            event("too large")
            assert any(_is_large(self.shown(), type_) for type_ in TYPES)
            return None
        event(f"{len(changes)} changes")
        if changes:
            self.apply(changes)
        return decision


def _is_large(shown: Iterable[RecordSet], type_: str) -> bool:
    return _count(shown, type_) > MAX_ADDRESSES


def _count(shown: Iterable[RecordSet], type_: str) -> int:
    return sum(len(each.addresses) for each in shown if each.type == type_)


def answers(shown: Iterable[RecordSet]) -> set[Address]:
    """List all addresses that a name may answer with."""
    return {address for each in shown for address in each.addresses}


@given(record_sets(), verdicts(), asked)
def test_the_plan_leads_to_what_is_wanted(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """The plan, once applied, leads to exactly the wanted record sets."""
    stored = Stored().put(current)
    decision = stored.settle(found, options)
    if decision is not None:
        assert set(stored.shown()) == set(decision.wanted.record_sets)


@given(record_sets(), verdicts(), guarded)
def test_a_second_plan_is_empty(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """A second plan is empty."""
    stored = Stored().put(current)
    if stored.settle(found, options) is not None:
        assert stored.decision(found, options).plan.changes == ()


@given(record_sets(), verdicts(), guarded)
def test_records_of_others_stay(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """Records of other types and names stay as they are."""
    stored = Stored().put(current)
    before = stored.others()
    stored.settle(found, options)
    assert stored.others() == before


@given(record_sets(), verdicts(), guarded)
def test_a_change_is_delete_and_create_of_our_own(
    current: Sequence[Raw], found: Sequence[Verdict], options: Options
) -> None:
    """A change is DELETE and CREATE of the domain's own A and AAAA sets.

    An UPSERT would overwrite what somebody else has just written.
    """
    stored = Stored().put(current)
    stored.account.history.clear()
    stored.settle(found, options)
    changes = [change for batch in stored.account.history for change in batch.changes]
    assert {change["Action"] for change in changes} <= {"CREATE", "DELETE"}
    assert {change["ResourceRecordSet"]["Name"] for change in changes} <= {f"{DOMAIN}."}
    assert {change["ResourceRecordSet"]["Type"] for change in changes} <= set(TYPES)


@given(record_sets(), verdicts(), guarded)
def test_what_is_published_stands_in_dns(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """DNS shows every address that is reported as published."""
    stored = Stored().put(current)
    decision = stored.settle(found, options)
    if decision is not None:
        shown = answers(stored.shown())
        for verdict in decision.wanted.verdicts:
            if isinstance(verdict, Published):
                assert verdict.addresses
                assert {*verdict.addresses} <= shown


@given(record_sets(), verdicts(), asked)
def test_what_is_skipped_leaves_dns(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """DNS shows no address but those of published nodes."""
    stored = Stored().put(current)
    decision = stored.settle(found, options)
    if decision is not None:
        good = {address for each in found if isinstance(each, Published) for address in everything_of(each)}
        assert answers(stored.shown()) <= good


@given(record_sets(), verdicts(), asked)
def test_no_address_goes_unmentioned(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """Every address of every node is reported, published or withheld."""
    stored = Stored().put(current)
    decision = stored.settle(found, options)
    if decision is not None:
        before = {verdict.node: everything_of(verdict) for verdict in found}
        assert {verdict.node: everything_of(verdict) for verdict in decision.wanted.verdicts} == before
        assert not any(each.doubts for each in decision.wanted.verdicts if isinstance(each, Published))


@given(record_sets(), verdicts(), guarded)
def test_what_is_in_doubt_is_left_as_it_is(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """No address that is in doubt, of whichever node, enters DNS, unless all that could be shown is in doubt."""
    stored = Stored().put(current)
    before = answers(stored.shown())
    standing = [each for each in found if isinstance(each, Published)]
    certain = {address for each in standing for address in each.addresses}
    doubted = {doubt.address for each in standing for doubt in each.doubts}
    if stored.settle(found, options) is not None and (certain or doubted & before):
        assert not (answers(stored.shown()) - before) & (doubted - certain)


@given(record_sets(), verdicts(), st.sampled_from(["simple", "multivalue"]))
def test_what_is_in_doubt_stays(current: Sequence[Raw], found: Sequence[Verdict], routing: str) -> None:
    """An address in doubt that DNS shows stays, but for limits and places."""
    stored = Stored().put(current)
    before = answers(stored.shown())
    doubted = {doubt.address for each in found if isinstance(each, Published) for doubt in each.doubts}
    decision = stored.settle(found, {"routing": routing})
    if decision is not None and len(before) <= MAX_MULTIVALUE:
        assert doubted & before <= answers(stored.shown())


@given(record_sets(), verdicts(), guarded)
def test_a_change_is_one_batch(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """All changes of a domain go out in one batch. The name and each type have an answer in between."""
    stored = Stored().put(current)
    stored.account.history.clear()
    stored.settle(found, options)
    assert len(stored.account.history) <= 1


@given(record_sets(), verdicts(), guarded)
def test_no_type_grows_beyond_its_limit(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """A domain has at most 250 addresses of a type, or as many as somebody else has put there."""
    stored = Stored().put(current)
    before = stored.shown()
    stored.settle(found, options)
    for type_ in TYPES:
        assert _count(stored.shown(), type_) <= max(MAX_ADDRESSES, _count(before, type_))


@given(record_sets(), verdicts(), asked)
def test_refused_nothing_leaves_dns(current: Sequence[Raw], found: Sequence[Verdict], options: Options) -> None:
    """When the guard refuses, every record set keeps its addresses and settings."""
    stored = Stored().put(current)
    before = stored.shown()
    stored.settle(found, {**options, "min_nodes": ALWAYS})
    after = {each.key: each for each in stored.shown()}
    for each in before:
        kept = after[each.key]
        assert set(each.addresses) <= set(kept.addresses)
        assert replace(kept, addresses=each.addresses) == each


@given(record_sets(), verdicts(), guarded, st.randoms(use_true_random=False))
def test_node_order_does_not_matter(
    current: Sequence[Raw], found: Sequence[Verdict], options: Options, chance: random.Random
) -> None:
    """The order of nodes does not matter. Two runs that list the same nodes do not fight each other."""
    stored = Stored().put(current)
    shuffled = list(found)
    chance.shuffle(shuffled)
    try:
        assert stored.decision(shuffled, options) == stored.decision(found, options)
    except ConfigurationError:
        event("too large")


@given(views(), asked, st.data())
def test_overlapping_runs_never_empty_the_name(seen: Views, options: Options, data: st.DataObject) -> None:
    """Two runs that overlap never leave the name without an answer, when both want one."""
    stored = Stored()
    well, *others = seen
    stored.settle(well, options)
    plans = [stored.decision(each, options) for each in others]
    _overlap(stored, plans, data)
    if all(plan.wanted.record_sets for plan in plans):
        assert stored.shown()


@given(views(), asked, st.data())
def test_overlapping_runs_never_empty_a_type(seen: Views, options: Options, data: st.DataObject) -> None:
    """Two runs that overlap never leave a type without an answer, when both want one."""
    stored = Stored()
    well, *others = seen
    stored.settle(well, options)
    plans = [stored.decision(each, options) for each in others]
    _overlap(stored, plans, data)
    for type_ in TYPES:
        if all(type_ in {each.type for each in plan.wanted.record_sets} for plan in plans):
            assert type_ in {each.type for each in stored.shown()}


@given(record_sets(), views(), asked, st.data())
def test_overlapping_runs_on_records_of_others(
    current: Sequence[Raw], seen: Views, options: Options, data: st.DataObject
) -> None:
    """Two runs that take a domain over at once never leave the name, or a type that both want, without an answer."""
    stored = Stored().put(current)
    plans = [stored.decision(each, options) for each in seen[1:]]
    try:
        _overlap(stored, plans, data)
    except ConfigurationError:
        return
    if current and all(plan.wanted.record_sets for plan in plans):
        assert stored.shown()
    for type_ in TYPES:
        if all(type_ in {each.type for each in plan.wanted.record_sets} for plan in plans):
            assert type_ in {each.type for each in stored.shown()}


def _overlap(stored: Stored, plans: Sequence[Decision], data: st.DataObject) -> None:
    """Apply both plans in either order; one that Route 53 refuses would look again."""
    batches = [batch(each.plan) for each in plans]
    for changes in data.draw(st.permutations(batches)):
        if changes:
            with contextlib.suppress(Refused):
                stored.apply(changes)
