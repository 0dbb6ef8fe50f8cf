"""Why an address enters or leaves DNS, in words."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from jobs.core.explain import AddressChange, Explainer, News, news, title
from jobs.core.model import Published, Skipped, Verdict, Withheld
from jobs.core.plan import Change
from jobs.core.progress import Outcome
from tests.support.builders import DOMAIN, PARIS, TOKYO, alias, ipv4, near, plain, published, read, skipped

ONE, TWO, BOTH = plain("A", "5.0.0.1"), plain("A", "5.0.0.2"), plain("A", "5.0.0.1", "5.0.0.2")
HELD = Withheld(ip_address("5.0.0.1"), "over the limit")


@pytest.mark.parametrize(
    ("verdicts", "change", "told"),
    [
        pytest.param(
            [published("a", "5.0.0.1")],
            Change(None, ONE),
            [AddressChange("+", "5.0.0.1", "a")],
            id="gained from a node",
        ),
        pytest.param(
            [published("a", "5.0.0.1"), published("b", "5.0.0.1")],
            Change(None, ONE),
            [AddressChange("+", "5.0.0.1", "a, b")],
            id="gained from two nodes",
        ),
        pytest.param(
            [skipped("a", "5.0.0.1")],
            Change(ONE, None),
            [AddressChange("-", "5.0.0.1", "a: cordoned")],
            id="lost with a node",
        ),
        pytest.param(
            [skipped("a", "5.0.0.1"), skipped("b", "5.0.0.1")],
            Change(ONE, None),
            [AddressChange("-", "5.0.0.1", "a: cordoned; b: cordoned")],
            id="lost with two nodes",
        ),
        pytest.param(
            [Published("a", (ip_address("5.0.0.2"),), None, (HELD,))],
            Change(ONE, None),
            [AddressChange("-", "5.0.0.1", "a: over the limit")],
            id="lost to a limit",
        ),
        pytest.param(
            [Skipped("a", "no room", (), None, (HELD,))],
            Change(ONE, None),
            [AddressChange("-", "5.0.0.1", "a: over the limit")],
            id="lost with all of its node's",
        ),
        pytest.param(
            [], Change(ONE, None), [AddressChange("-", "5.0.0.1", "no selected node has this address")], id="nobody's"
        ),
        pytest.param(
            [published("a", "5.0.0.1", TOKYO), skipped("b", "5.0.0.1")],
            Change(near("A", PARIS, "5.0.0.1"), None),
            [AddressChange("-", "5.0.0.1", "a: moves to another record set")],
            id="moved",
        ),
        pytest.param(
            [published("a", "5.0.0.2"), skipped("b", "5.0.0.1")],
            Change(plain("A", "5.0.0.1", "5.0.0.3"), plain("A", "5.0.0.2", "5.0.0.3")),
            [AddressChange("+", "5.0.0.2", "a"), AddressChange("-", "5.0.0.1", "b: cordoned")],
            id="gained before lost, what stays left out",
        ),
    ],
)
def test_addresses_of_a_change(verdicts: list[Verdict], change: Change, told: list[AddressChange]) -> None:
    """Each address of a change names its nodes, and one that leaves its reason."""
    assert Explainer(verdicts).addresses(change) == told


def test_a_change_on_one_line() -> None:
    """The line of the log says what the report says."""
    explainer = Explainer([published("a", "5.0.0.2"), skipped("b", "5.0.0.1")])
    assert explainer.line(Change(ONE, TWO)) == "~ A simple  ttl 60: + 5.0.0.2 (a), - 5.0.0.1 (b: cordoned)"


def test_a_change_without_addresses_on_one_line() -> None:
    """A change that moves no address says so."""
    assert Explainer([]).line(Change(ONE, plain("A", "5.0.0.1", ttl=5))) == "~ A simple  ttl 60 -> 5: same addresses"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(Change(None, ONE), "+ A simple  ttl 60", id="created"),
        pytest.param(Change(ONE, None), "- A simple  ttl 60", id="deleted"),
        pytest.param(Change(ONE, TWO), "~ A simple  ttl 60", id="replaced"),
        pytest.param(Change(ONE, plain("A", "5.0.0.1", ttl=0)), "~ A simple  ttl 60 -> 0", id="another TTL"),
        pytest.param(Change(alias("A"), None), "- A simple  alias", id="an alias deleted"),
        pytest.param(
            Change(None, near("AAAA", PARIS, "2600::1")), "+ AAAA geoproximity 48.86,2.35  ttl 60", id="at a place"
        ),
    ],
)
def test_title(change: Change, words: str) -> None:
    """The title names the action, the record set and the TTL."""
    assert title(change) == words


def test_title_of_an_alias_replaced() -> None:
    """The title of an alias has no TTL."""
    assert "None" not in title(Change(alias("A"), ONE))


def told(verdicts: list[Verdict], *changes: Change, domain: str = DOMAIN) -> Outcome:
    """Give the outcome of a domain."""
    return Outcome(domain, settled=True, verdicts=tuple(verdicts), changes=changes)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param([told([published("a", "5.0.0.1")])], [], id="no change"),
        pytest.param(
            [told([published("a", "5.0.0.1"), published("b", "5.0.0.2")], Change(ONE, plain("A", "5.0.0.1", ttl=5)))],
            [],
            id="a change that moves no address",
        ),
        pytest.param(
            [told([published("a", "5.0.0.1")], Change(ONE, None), Change(None, near("A", PARIS, "5.0.0.1")))],
            [],
            id="another record set, the same name",
        ),
        pytest.param(
            [
                told(
                    [published("a", "5.0.0.1 2600::1")],
                    Change(ONE, plain("A", "5.0.0.1", ttl=5)),
                    Change(plain("AAAA", "2600::1"), plain("AAAA", "2600::1", ttl=5)),
                )
            ],
            [],
            id="two changes that move no address",
        ),
        pytest.param(
            [
                told(
                    [published("a", "2600::1")],
                    Change(read("AAAA", ["2600:0::1"], {}, ttl=5), plain("AAAA", "2600::1")),
                )
            ],
            [],
            id="the same address in other words",
        ),
        pytest.param(
            [told([published("a", "5.0.0.1 5.0.0.2")], Change(None, plain("A", "5.0.0.1", "5.0.0.2")))],
            [News("a", withdrawn=False, message=f"{DOMAIN}: published 5.0.0.1 5.0.0.2")],
            id="published",
        ),
        pytest.param(
            [told([published("b", "5.0.0.2"), skipped("a", "5.0.0.1")], Change(ONE, TWO))],
            [
                News("a", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.1: cordoned"),
                News("b", withdrawn=False, message=f"{DOMAIN}: published 5.0.0.2"),
            ],
            id="one for another, in the order of their names",
        ),
        pytest.param(
            [told([Published("a", (ipv4(2),), None, (HELD,))], Change(ONE, TWO))],
            [
                News(
                    "a",
                    withdrawn=True,
                    message=f"{DOMAIN}: withdrawn 5.0.0.1: over the limit; {DOMAIN}: published 5.0.0.2",
                )
            ],
            id="one address of a node for another",
        ),
        pytest.param(
            [told([Skipped("a", "timed out", (), None, (HELD, Withheld(ipv4(2), "refused")))], Change(BOTH, None))],
            [
                News(
                    "a",
                    withdrawn=True,
                    message=f"{DOMAIN}: withdrawn 5.0.0.1: over the limit; {DOMAIN}: withdrawn 5.0.0.2: refused",
                )
            ],
            id="each address with its reason",
        ),
        pytest.param(
            [told([published("a", "5.0.0.1"), published("b", "5.0.0.2")], Change(None, ONE), Change(ONE, BOTH))],
            [
                News("a", withdrawn=False, message=f"{DOMAIN}: published 5.0.0.1"),
                News("b", withdrawn=False, message=f"{DOMAIN}: published 5.0.0.2"),
            ],
            id="published in two writes",
        ),
        pytest.param(
            [told([skipped("a", "5.0.0.1"), skipped("b", "5.0.0.2")], Change(BOTH, ONE), Change(ONE, None))],
            [
                News("a", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.1: cordoned"),
                News("b", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.2: cordoned"),
            ],
            id="withdrawn in two writes",
        ),
        pytest.param(
            [told([published("a", "5.0.0.1")], Change(ONE, None), Change(None, ONE))], [], id="out and in again"
        ),
        pytest.param([told([], Change(ONE, None))], [], id="nobody's address"),
        pytest.param(
            [told([skipped("a", "5.0.0.1")], Change(ONE, None), domain=each) for each in ("a.example", "b.example")],
            [
                News(
                    "a",
                    withdrawn=True,
                    message="a.example: withdrawn 5.0.0.1: cordoned; b.example: withdrawn 5.0.0.1: cordoned",
                )
            ],
            id="several domains",
        ),
    ],
)
def test_news(outcomes: list[Outcome], expected: list[News]) -> None:
    """A node's news is the difference between DNS before and after the run, over all domains."""
    assert news(outcomes) == expected


def test_addresses_that_were_not_in_dns_are_not_told() -> None:
    """Addresses that DNS did not show are not reported as withdrawn."""
    private = (Withheld(ip_address("10.0.0.1"), "not globally reachable"),)
    gone = replace(skipped("a", "5.0.0.1 2600::1"), withheld=private)
    outcome = Outcome(DOMAIN, verdicts=(gone,), changes=(Change(plain("A", "5.0.0.1"), None),))
    assert news([outcome]) == [News("a", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.1: cordoned")]


def test_a_node_that_moves_is_no_news() -> None:
    """An address that moves to another record set is not news."""
    moved = (Change(plain("A", "5.0.0.1"), None), Change(None, near("A", PARIS, "5.0.0.1")))
    assert news([Outcome(DOMAIN, verdicts=(published("a", "5.0.0.1", PARIS),), changes=moved)]) == []


def test_what_a_run_has_undone_itself_is_no_news() -> None:
    """What a run has undone itself is not news."""
    there, gone = plain("A", "5.0.0.1", "5.0.0.2"), plain("A", "5.0.0.2")
    verdicts = (published("a", "5.0.0.1"), published("b", "5.0.0.2"))
    assert news([Outcome(DOMAIN, verdicts=verdicts, changes=(Change(there, gone), Change(gone, there)))]) == []


def test_an_address_that_two_nodes_share_is_news_of_the_one_that_serves() -> None:
    """An address that two nodes share is news of the one that serves."""
    verdicts = (skipped("a", "5.0.0.1"), published("b", "5.0.0.1"))
    outcome = Outcome(DOMAIN, verdicts=verdicts, changes=(Change(None, plain("A", "5.0.0.1")),))
    assert [each.node for each in news([outcome])] == ["b"]


def test_addresses_of_a_node_are_told_one_after_the_other() -> None:
    """Addresses of one node with one reason are listed with spaces between them."""
    outcome = Outcome(
        DOMAIN, verdicts=(skipped("a", "5.0.0.1 5.0.0.2"),), changes=(Change(plain("A", "5.0.0.1", "5.0.0.2"), None),)
    )
    assert [each.message for each in news([outcome])] == [f"{DOMAIN}: withdrawn 5.0.0.1 5.0.0.2: cordoned"]
