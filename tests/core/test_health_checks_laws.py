"""What holds of health checks whatever the nodes are and whatever goes wrong, by the rules of a strict Route 53."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobs.core.decision import decide
from jobs.core.errors import ConfigurationError
from jobs.core.evidence import Conclusion
from jobs.core.health_checks import Checking, MissingCheck, View
from jobs.core.min_nodes import MinNodes
from jobs.core.plan import batch
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import api_changes, check_of_address, check_of_any, from_api
from jobs.core.verdict import Verdict
from jobs.core.zones import owned
from tests.sandbox.route53 import Route53
from tests.support.builders import DOMAIN, ZONE, request
from tests.support.checking import NOW, OFF, OWNER, TCP, InProcess
from tests.support.strategies import THEIR_CHECK, Raw, record_sets, verdicts, views

MOST_CHECKS = 2_000
routings = st.sampled_from(["auto", "auto", "geoproximity", "multivalue", "simple"])
worlds = st.one_of(views(), views(), views(), verdicts().map(lambda each: [each]))
Faults = st.sampled_from(["", "", "not listed", "not made"])


@dataclass
class Account:
    """The domain and its checks in an account, seen and changed as runs do, minute by minute."""

    checking: Checking = TCP
    now: int = NOW
    route53: Route53 = field(default_factory=Route53)

    def __post_init__(self) -> None:
        """Make the zone, and a check of somebody else."""
        self.zone_id = self.route53.zone(ZONE)
        self.checks = self.route53.health_checks
        self.checks.most = MOST_CHECKS
        self.checks.put(THEIR_CHECK, "theirs", {"Type": "CLOUDWATCH_METRIC"})
        self.edge = InProcess(self.checks)

    def shown(self) -> tuple[RecordSet, ...]:
        """Read what belongs to kube-node-dns."""
        return owned(DOMAIN, ZONE, map(from_api, self.route53.records(self.zone_id, DOMAIN)))

    def run(self, found: Sequence[Verdict], routing: str, fault: str = "") -> None:
        """Look, and write or make checks, until nothing is left to do; hold each step to the laws."""
        self.now += 60
        wish = request((DOMAIN,), routing=routing, min_nodes=MinNodes(0))
        has_written = False
        for _ in range(5):
            known = None if fault == "not listed" else self.edge.all()
            view = View(self.checking, OWNER, known, self.now, may_make=not fault, has_written=has_written)
            decision = decide(wish, DOMAIN, self.shown(), Conclusion(tuple(found)), view)
            assert decision.check_changes is not None
            if decision.waits:
                assert not decision.plan.withdraws, "a withdrawal waits for nothing"
                self.make(view, decision.check_changes.missing)
            elif decision.plan.changes:
                has_written = True
                try:
                    changes = batch(decision.plan)
                except ConfigurationError:  # sets too large to replace: the domain is left alone
                    return
                self.route53.change(self.zone_id, *api_changes(changes))
                self.check_sets()
            else:
                for each in decision.check_changes.unused:
                    self.edge.delete(each)
                self.check_sets()
                return
        raise AssertionError("a run has no end")

    def make(self, view: View, missing: Sequence[MissingCheck]) -> None:
        """Make the checks that are missing."""
        for leaves in missing:
            ids = {
                each: known or self.edge.create(view.reference([each]), check_of_address(view.checking, each)).id
                for each, known in leaves.items()
            }
            if len(ids) > 1:
                self.edge.create(view.reference(ids), check_of_any(ids.values()))

    def check_sets(self) -> None:
        """Hold that all sets of a type have a check that is there, or none has."""
        for type_ in ("A", "AAAA"):
            named = [each.health_check_id for each in self.shown() if each.type == type_]
            assert all(named) or not any(named)
            assert {each for each in named if each} <= self.checks.checks.keys()

    def asked(self, check: str) -> set[Any]:
        """Give the addresses that a check asks."""
        known = self.edge.all()
        return {known[each].address for each in (check, *known[check].children)} - {None}


@given(record_sets(), worlds, routings, st.lists(Faults, max_size=3))
def test_checks_follow_the_sets(
    current: Sequence[Raw], seen: Sequence[Sequence[Verdict]], routing: str, faults: Sequence[str]
) -> None:
    """After runs with faults one good run gives each set that is chosen the check of just its addresses.

    At no step a set names a check that is not there, and all of a type have one or none has. Another run has nothing
    to do.
    """
    account = Account()
    for raw in current:
        account.route53.put(account.zone_id, raw)
    for found, fault in zip(seen, faults, strict=False):
        account.run(found, routing, fault)
    account.run(seen[-1], routing)
    for each in account.shown():
        if each.policy in {"geoproximity", "multivalue"} and each.raw and each.extras == "":
            assert each.health_check_id is None or account.asked(each.health_check_id) == set(each.addresses)
    before = account.shown(), dict(account.checks.checks)
    account.run(seen[-1], routing)
    assert (account.shown(), account.checks.checks) == before


@given(worlds, routings)
def test_nothing_is_left_behind(seen: Sequence[Sequence[Verdict]], routing: str) -> None:
    """An hour and a run later each check of ours is named or a child of one; what others have is untouched."""
    account = Account()
    for found in seen:
        account.run(found, routing)
    account.now += 3601
    account.run(seen[-1], routing)
    named = {each.health_check_id for each in account.shown()} - {None}
    children = {child for each in account.edge.all().values() if each.id in named for child in each.children}
    assert account.checks.checks.keys() == named | children | {THEIR_CHECK}


@given(worlds, routings)
def test_none_leaves_none(seen: Sequence[Sequence[Verdict]], routing: str) -> None:
    """`none` leaves none of ours, whatever was there and however young it is."""
    account = Account()
    for found in seen:
        account.run(found, routing)
    account.checking = OFF
    account.run(seen[-1], routing)
    assert account.checks.checks.keys() == {THEIR_CHECK}
    assert not [each for each in account.shown() if each.health_check_id]


@given(worlds, routings)
def test_two_settings_in_turn_keep_apart(seen: Sequence[Sequence[Verdict]], routing: str) -> None:
    """With other settings each set gets a check of those, and the old ones go after an hour."""
    account = Account()
    account.run(seen[0], routing)
    account.checking = TCP._replace(interval_seconds=10)
    account.run(seen[0], routing)
    account.now += 3601
    account.run(seen[0], routing)
    intervals = {each["HealthCheckConfig"].get("RequestInterval", 10) for each in account.checks.checks.values()}
    assert intervals <= {10}
