"""What is told of a node whose addresses enter or leave DNS: only what has reached Route 53."""

from dataclasses import replace
from ipaddress import ip_address

from jobs.core.explain import News, news
from jobs.core.model import Withheld
from jobs.core.plan import Change
from jobs.core.progress import Outcome
from tests.support.builders import DOMAIN, PARIS, near, plain, published, skipped


def test_addresses_that_were_not_in_dns_are_not_told() -> None:
    """The history of a node would tell that addresses have left which were never there."""
    private = (Withheld(ip_address("10.0.0.1"), "not globally reachable"),)
    gone = replace(skipped("a", "5.0.0.1 2600::1"), withheld=private)
    outcome = Outcome(DOMAIN, verdicts=(gone,), changes=(Change(plain("A", "5.0.0.1"), None),))
    assert news([outcome]) == [News("a", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.1: cordoned")]


def test_a_node_that_moves_is_no_news() -> None:
    """A new place would look like an outage."""
    moved = (Change(plain("A", "5.0.0.1"), None), Change(None, near("A", PARIS, "5.0.0.1")))
    assert news([Outcome(DOMAIN, verdicts=(published("a", "5.0.0.1", PARIS),), changes=moved)]) == []


def test_what_a_run_has_undone_itself_is_no_news() -> None:
    """A node that failed and came back within one run would look gone."""
    there, gone = plain("A", "5.0.0.1", "5.0.0.2"), plain("A", "5.0.0.2")
    verdicts = (published("a", "5.0.0.1"), published("b", "5.0.0.2"))
    assert news([Outcome(DOMAIN, verdicts=verdicts, changes=(Change(there, gone), Change(gone, there)))]) == []


def test_an_address_that_two_nodes_share_is_news_of_the_one_that_serves() -> None:
    """A cordoned node would be told to have come back."""
    verdicts = (skipped("a", "5.0.0.1"), published("b", "5.0.0.1"))
    outcome = Outcome(DOMAIN, verdicts=verdicts, changes=(Change(None, plain("A", "5.0.0.1")),))
    assert [each.node for each in news([outcome])] == ["b"]


def test_addresses_of_a_node_are_told_one_after_the_other() -> None:
    """Two addresses would be read as one."""
    outcome = Outcome(
        DOMAIN, verdicts=(skipped("a", "5.0.0.1 5.0.0.2"),), changes=(Change(plain("A", "5.0.0.1", "5.0.0.2"), None),)
    )
    assert [each.message for each in news([outcome])] == [f"{DOMAIN}: withdrawn 5.0.0.1 5.0.0.2: cordoned"]
