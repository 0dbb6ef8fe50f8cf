"""When a Lease is old: by which clocks, from when, and why others that are overdue count."""

import pytest

from jobs.core.node import LeaseAge
from jobs.core.signs import Signs
from tests.support.builders import evidence_settings
from tests.support.judging import DOUBTED, LEASE, UNKNOWN, ages, doubted, judged, nodes, out, unknown


@pytest.mark.parametrize(
    ("limit", "age", "is_out"),
    [
        pytest.param(25, 24, False, id="young"),
        pytest.param(25, 25, True, id="old enough"),
        pytest.param(40, 39, False, id="another limit"),
        pytest.param(15, 15, True, id="the lowest limit"),
        pytest.param(0, 9999, False, id="off"),
        pytest.param(25, -1, False, id="renewed after the answer was dated"),
    ],
)
def test_lease_timeout(limit: int, age: float, *, is_out: bool) -> None:
    """A Lease is old from --lease-timeout on; 0 switches it off."""
    conclusion = judged(nodes(3), limit, lease_ages=ages(age, 4, 4))
    assert out(conclusion) == ({"n0": f"lease not renewed for {age} s"} if is_out else {})


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        pytest.param(LeaseAge(31, 26), "lease not renewed for 26 s", id="old by both: the lesser age counts"),
        pytest.param(LeaseAge(26, 31), "lease not renewed for 26 s", id="whichever that is"),
        pytest.param(LeaseAge(31, 4), None, id="old by the servers' clocks alone: they differ"),
        pytest.param(LeaseAge(4, 31), None, id="old by the observer's clock alone: it is ahead"),
        pytest.param(LeaseAge(3600, 24.9), None, id="almost"),
        pytest.param(LeaseAge(-20, 31), None, id="the servers' clocks differ the other way"),
        pytest.param(LeaseAge(31, -20), None, id="the observer's clock is behind"),
    ],
)
def test_a_lease_is_old_by_two_clocks(age: LeaseAge, reason: str | None) -> None:
    """A Lease is old when it is by the API servers' clocks and by the observer's: one wrong clock withdraws nobody."""
    conclusion = judged(nodes(3), lease_ages={**ages(4, 4, 4), "n0": age})
    assert out(conclusion) == ({} if reason is None else {"n0": reason})


@pytest.mark.parametrize("wrong", [LeaseAge(20, 0), LeaseAge(-20, 0), LeaseAge(0, 20), LeaseAge(0, -20)])
def test_a_wrong_clock_neither_withdraws_nor_acquits(wrong: LeaseAge) -> None:
    """With one clock 20 s wrong, either way, nobody is suspected, and a dead node leaves when both make it old."""
    lease_ages = {
        f"n{at}": LeaseAge(age + wrong.by_server, age + wrong.by_observer) for at, age in enumerate((4, 9, 12))
    }
    conclusion = judged(nodes(3), lease_ages=lease_ages)
    assert (out(conclusion), doubted(conclusion), conclusion.causes) == ({}, {}, ())
    dying = LeaseAge(46 + wrong.by_server, 46 + wrong.by_observer)
    assert [*out(judged(nodes(3), lease_ages={**lease_ages, "n0": dying}))] == ["n0"]


def test_suspects_are_suspect_by_two_clocks() -> None:
    """A Lease that is overdue by one clock alone is not held against the observer."""
    late = ages(31, 4, 4)
    for age in (LeaseAge(20, 4), LeaseAge(4, 20)):
        assert [*out(judged(nodes(3), lease_ages={**late, "n1": age}))] == ["n0"]
    assert out(judged(nodes(3), lease_ages={**late, "n1": LeaseAge(20, 20)})) == {}


def test_a_node_without_a_lease_is_not_looked_at() -> None:
    """A node without a Lease is not accused of it, and a Lease without a node is nobody's."""
    conclusion = judged(nodes(3), lease_ages={"n1": LeaseAge(4, 4), "elsewhere": LeaseAge(99, 99)})
    assert (out(conclusion), conclusion.causes) == ({}, ())


def test_the_only_lease_that_is_seen_withdraws_nobody() -> None:
    """The only Lease that is seen withdraws nobody, however many nodes there are."""
    conclusion = judged(nodes(3), lease_ages={"n1": LeaseAge(99, 99)})
    assert conclusion.causes == (f"{LEASE}: 1 of 1 nodes, {DOUBTED}",)


def test_the_lease_of_a_node_that_is_unknown_does_not_count_again() -> None:
    """The Lease of a node that is Unknown is not a second accusation."""
    found = [*(unknown(node, 5) for node in nodes(9)[:4]), *nodes(9)[4:]]
    conclusion = judged(found, lease_ages=ages(*[50] * 4, *[4] * 5))
    assert (out(conclusion), conclusion.causes) == ({}, (f"{UNKNOWN}: 4 of 9 nodes, {DOUBTED}",))
    assert len(doubted(conclusion)) == 4


def test_a_node_that_is_unknown_with_a_young_lease_is_looked_at() -> None:
    """A node that is taken as ready for its young Lease counts among those whose Leases were looked at."""
    found = [*nodes(2), unknown(nodes(3)[2], 99)]
    assert [*out(judged(found[1:], lease_ages={"n1": LeaseAge(31, 31), "n2": LeaseAge(4, 4)}))] == ["n1"]
    assert out(judged(found[:2], lease_ages={"n1": LeaseAge(31, 31)})) == {}


@pytest.mark.parametrize(
    ("limit", "seconds", "believed"),
    [
        pytest.param(25, (31, 14, 4), False, id="two of three may have stopped"),
        pytest.param(25, (31, 13, 4), True, id="the second may only be waiting for its turn"),
        pytest.param(25, (25, 14), False, id="both have stopped, one just after its turn"),
        pytest.param(40, (40, 29, 4), False, id="a longer limit, two may have stopped"),
        pytest.param(40, (40, 28, 4), True, id="a longer limit, the second has been renewed since"),
        pytest.param(15, (15, 13, 4), False, id="the lowest limit, the second is overdue"),
        pytest.param(15, (15, 12, 4), True, id="the lowest limit, the second is not"),
        pytest.param(25, (31, 31, 24, 4, 4, 4), False, id="three of six"),
        pytest.param(25, (31, 24, 4, 4, 4, 4), True, id="two of six, of which one has time left"),
    ],
)
def test_leases_that_are_overdue_are_held_against_the_observer(
    limit: int, seconds: tuple[float, ...], *, believed: bool
) -> None:
    """Leases that are overdue but not yet old count towards too many.

    Otherwise nodes whose Leases stop together would leave one by one, each as the only one.
    """
    conclusion = judged(nodes(len(seconds)), limit, lease_ages=ages(*seconds))
    old = {f"n{at}" for at, age in enumerate(seconds) if age >= limit}
    assert set(out(conclusion)) == ({"n0"} if believed else set())
    assert {node for node, _ in doubted(conclusion)} == (set() if believed else old)


def test_leases_that_are_only_overdue_are_no_news() -> None:
    """Leases that are overdue, of which none is old, cause no warning."""
    conclusion = judged(nodes(3), lease_ages=ages(24, 24, 24))
    assert (conclusion.causes, doubted(conclusion)) == ((), {})


def test_without_a_timeout_no_lease_is_looked_at() -> None:
    """Without a timeout no Lease is looked at, old or young."""
    conclusion = judged(
        [unknown(nodes(1)[0], 99), *nodes(3)[1:]], asked=evidence_settings(0), lease_ages=ages(4, 99, 4)
    )
    assert [*out(conclusion)] == ["n0"]


def test_after_an_outage_only_leases_count_that_were_old_before() -> None:
    """Leaves out a Lease that has become old meanwhile: its kubelet may not have had time to renew it."""
    before = Signs(lease_ages=ages(4, 25, 4))
    seen = Signs(lease_ages=ages(24, 60, 25, 99), warnings=("no right",))
    counted = ages(24, 60)
    assert seen.after_outage(before, 25) == Signs(lease_ages=counted, warnings=("no right",))
