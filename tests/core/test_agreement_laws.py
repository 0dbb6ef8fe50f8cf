"""What holds between watch and sync-once: on the same look they agree, since one function judges for both."""

from collections.abc import Sequence
from typing import Any

from hypothesis import assume, event, given
from hypothesis import strategies as st

from jobs.core.address import Address
from jobs.core.decision import Decision, decide
from jobs.core.errors import ConfigurationError
from jobs.core.min_nodes import MinNodes
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import api_form, from_api
from jobs.core.sync_trigger import ChangeDetector, Trigger
from jobs.core.verdict import Skipped, Verdict
from tests.support.builders import DOMAIN, request
from tests.support.judging import NOW
from tests.support.sights import Sight, everything_of, looks
from tests.support.strategies import Raw, record_sets

Looks = tuple[Sight, Sight]
options = st.fixed_dictionaries(
    {
        "routing": st.sampled_from(["auto", "auto", "simple", "geoproximity", "multivalue"]),
        "min_nodes": st.sampled_from(["0", "1", "1", "2", "50%", "100%"]).map(MinNodes.parse),
    }
)


def trigger_of(first: Sight, second: Sight) -> Trigger | None:
    """Let a watcher see both looks one after the other, and give the trigger of the second."""
    detector = ChangeDetector(first.evidence_settings, first.rules)
    detector.begin(first.listed, "begun")
    detector.see(first.signs)
    assert detector.trigger(NOW) is not None
    for gone in {node.name for node in first.listed.nodes} - {node.name for node in second.listed.nodes}:
        detector.gone(gone, "2")
    for node in second.listed.nodes:
        detector.node(node, "3")
    detector.see(second.signs)
    return detector.trigger(NOW)


def decided(sight: Sight, current: Sequence[RecordSet], asked: dict[str, Any]) -> Decision:
    """Decide as a sync does that has this look."""
    return decide(request(**asked), DOMAIN, current, sight.conclusion())


def known(sight: Sight) -> set[Address]:
    """Give every address that a selected node has, counting or not."""
    return {address for verdict in sight.conclusion().verdicts for address in everything_of(verdict)}


@given(looks(), record_sets(), options)
def test_what_a_sync_would_change_is_a_trigger(seen: Looks, current: Sequence[Raw], asked: dict[str, Any]) -> None:
    """Whenever a sync that looks now would change what the sync before has left, watch has a trigger.

    No change waits for the CronJob's next minute, but two: a node that comes from out into doubt, which is left as it
    is and so is not a trigger, may be published all the same where the domain would show nothing, or end a refusal; and
    addresses that nodes which are out gain or lose may turn a refusal for a percentage.
    """
    first, second = seen
    assume(not asked["min_nodes"].percent or known(first) == known(second))
    try:
        shown = [
            from_api(api_form(each)) for each in decided(first, [*map(from_api, current)], asked).wanted.record_sets
        ]
        changes = decided(second, shown, asked).plan.changes
    except ConfigurationError:
        return
    assert decided(first, shown, asked).plan.changes == ()
    event("changes" if changes else "no change")
    if changes and not _comes_into_doubt(first, second):
        assert trigger_of(first, second) is not None


def _comes_into_doubt(first: Sight, second: Sight) -> bool:
    """Whether an address that was out is in doubt."""
    then, now = ({each.node: _three_ways(each) for each in look.conclusion().verdicts} for look in (first, second))
    return any(
        published is None and address not in then.get(node, {})
        for node, addresses in now.items()
        for address, published in addresses.items()
    )


def _place(verdict: Verdict) -> tuple[object, ...]:
    """Give what of a node matters whatever its health."""
    is_going = (verdict.is_ending, verdict.is_deleted) if isinstance(verdict, Skipped) else (False, False)
    return verdict.coordinates, verdict.bias, is_going


def _three_ways(verdict: Verdict) -> dict[Address, bool | None]:
    """Give each address that is published (True) or left as it is (None)."""
    if isinstance(verdict, Skipped):
        return {}
    return dict.fromkeys(verdict.addresses, True) | {doubt.address: None for doubt in verdict.doubts}


def _is_news(before: Verdict, after: Verdict) -> bool:
    """State the contract of a trigger, for one node that both looks show."""
    then, now = _three_ways(before), _three_ways(after)
    definite = (each for each in then.keys() | now.keys() if now.get(each, False) is not None)
    return _place(before) != _place(after) or any(now.get(each, False) != then.get(each, False) for each in definite)


@given(looks())
def test_a_trigger_is_a_definite_change(seen: Looks) -> None:
    """There is a trigger exactly when an address becomes published or not, or a node comes, goes, or moves.

    Nothing that is left as it is makes Jobs that find nothing to do.
    """
    before, after = ({each.node: each for each in look.conclusion().verdicts} for look in seen)
    is_news = before.keys() != after.keys() or any(_is_news(before[name], after[name]) for name in before)
    event(f"{'' if is_news else 'no '}news")
    assert (trigger_of(*seen) is not None) is is_news


@given(looks())
def test_a_trigger_withdraws_whom_a_sync_takes_out(seen: Looks) -> None:
    """The nodes that a trigger's Jobs stay off are those that a sync with the same look takes out by evidence."""
    trigger = trigger_of(*seen)
    if trigger:
        event(f"{len(trigger.withdrawn_by_evidence)} withdrawn")
        assert set(trigger.withdrawn_by_evidence) == set(seen[1].conclusion().withdrawn_by_evidence)


@given(looks())
def test_the_same_look_again_is_no_trigger(seen: Looks) -> None:
    """The same look again is no trigger."""
    assert trigger_of(seen[0], seen[0]) is None


@given(looks())
def test_watch_warns_of_what_a_sync_would(seen: Looks) -> None:
    """Watch warns of the same as a sync that has the same look."""
    detector = ChangeDetector(seen[0].evidence_settings, seen[0].rules)
    detector.begin(seen[0].listed, "begun")
    detector.see(seen[0].signs)
    detector.trigger(NOW)
    conclusion = seen[0].conclusion()
    assert detector.warnings == conclusion.warnings + conclusion.causes
