"""Why an address enters or leaves DNS, in words."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from jobs.core.explain import (
    AddressChange,
    Explainer,
    NodeNews,
    node_news,
    title,
    unexplained,
    unselected,
)
from jobs.core.node import Rules
from jobs.core.plan import Change
from jobs.core.progress import Domain
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import with_health_check
from jobs.core.verdict import Published, Skipped, Verdict, Withheld
from tests.support.builders import DOMAIN, NODE, PARIS, TOKYO, alias, ipv4, near, plain, published, skipped

ONE, TWO, BOTH = plain("A", "5.0.0.1"), plain("A", "5.0.0.2"), plain("A", "5.0.0.1", "5.0.0.2")
HELD = Withheld(ip_address("5.0.0.1"), "over the limit")


@pytest.mark.parametrize(
    ("verdicts", "change", "expected"),
    [
        pytest.param(
            [published("a", "5.0.0.1")],
            Change(None, ONE),
            [AddressChange("+", ipv4(1), "a")],
            id="gained from a node",
        ),
        pytest.param(
            [published("a", "5.0.0.1"), published("b", "5.0.0.1")],
            Change(None, ONE),
            [AddressChange("+", ipv4(1), "a, b")],
            id="gained from two nodes",
        ),
        pytest.param(
            [skipped("a", "5.0.0.1")],
            Change(ONE, None),
            [AddressChange("-", ipv4(1), "a: cordoned")],
            id="lost with a node",
        ),
        pytest.param(
            [skipped("a", "5.0.0.1"), skipped("b", "5.0.0.1")],
            Change(ONE, None),
            [AddressChange("-", ipv4(1), "a: cordoned; b: cordoned")],
            id="lost with two nodes",
        ),
        pytest.param(
            [Published("a", (ip_address("5.0.0.2"),), None, (HELD,))],
            Change(ONE, None),
            [AddressChange("-", ipv4(1), "a: over the limit")],
            id="lost to a limit",
        ),
        pytest.param(
            [Skipped("a", "over", (), None, (HELD,))],
            Change(ONE, None),
            [AddressChange("-", ipv4(1), "a: over the limit")],
            id="lost with all of its node's",
        ),
        pytest.param(
            [], Change(ONE, None), [AddressChange("-", ipv4(1), "no selected node has this address")], id="nobody's"
        ),
        pytest.param(
            [published("a", "5.0.0.1", TOKYO), skipped("b", "5.0.0.1")],
            Change(near("A", PARIS, "5.0.0.1"), None),
            [AddressChange("-", ipv4(1), "a: moves to another record set")],
            id="moved",
        ),
        pytest.param(
            [published("a", "5.0.0.2"), skipped("b", "5.0.0.1")],
            Change(plain("A", "5.0.0.1", "5.0.0.3"), plain("A", "5.0.0.2", "5.0.0.3")),
            [AddressChange("+", ipv4(2), "a"), AddressChange("-", ipv4(1), "b: cordoned")],
            id="gained before lost, what stays left out",
        ),
    ],
)
def test_addresses_of_a_change(verdicts: list[Verdict], change: Change, expected: list[AddressChange]) -> None:
    """Each address of a change names its nodes, and one that leaves its reason."""
    assert Explainer(verdicts).addresses(change) == expected


def test_an_address_that_enters_though_nobody_publishes_it() -> None:
    """An address that somebody else has added during the run is reported with why no node publishes it."""
    change = Change(None, ONE)
    assert Explainer([published("b", "5.0.0.2")]).addresses(change)[0].why == "no selected node has this address"
    assert Explainer([skipped("a", "5.0.0.1")]).addresses(change)[0].why == "a: cordoned"


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


def test_an_alias_that_is_replaced_has_no_ttl() -> None:
    """Where an alias is replaced, no TTL is made up for it."""
    assert title(Change(alias("A"), ONE)) == "~ A simple  ttl 60"


def seen(verdicts: list[Verdict], before: list[RecordSet], after: list[RecordSet], domain: str = DOMAIN) -> Domain:
    """Give a domain as a run has found and left it."""
    return Domain(domain, done=True, verdicts=tuple(verdicts), before=tuple(before), after=tuple(after))


AT_PARIS = near("A", PARIS, "5.0.0.1")


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        pytest.param([seen([published("a", "5.0.0.1")], [ONE], [ONE])], [], id="no change"),
        pytest.param(
            [seen([published("a", "5.0.0.1"), published("b", "5.0.0.2")], [ONE], [plain("A", "5.0.0.1", ttl=5)])],
            [],
            id="a change that moves no address",
        ),
        pytest.param(
            [seen([published("a", "5.0.0.1", PARIS)], [ONE], [AT_PARIS])], [], id="another record set, the same name"
        ),
        pytest.param(
            [seen([published("a", "5.0.0.1 5.0.0.2")], [], [BOTH])],
            [NodeNews("a", withdrawn=False, message=f"{DOMAIN}: published 5.0.0.1 5.0.0.2")],
            id="published",
        ),
        pytest.param(
            [seen([skipped("a", "5.0.0.1 5.0.0.2")], [BOTH], [])],
            [NodeNews("a", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.1 5.0.0.2: cordoned")],
            id="withdrawn",
        ),
        pytest.param(
            [seen([published("b", "5.0.0.2"), skipped("a", "5.0.0.1")], [ONE], [TWO])],
            [
                NodeNews("a", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.1: cordoned"),
                NodeNews("b", withdrawn=False, message=f"{DOMAIN}: published 5.0.0.2"),
            ],
            id="one for another, in the order of their names",
        ),
        pytest.param(
            [seen([Published("a", (ipv4(2),), None, (HELD,))], [ONE], [TWO])],
            [
                NodeNews(
                    "a",
                    withdrawn=True,
                    message=f"{DOMAIN}: withdrawn 5.0.0.1: over the limit; {DOMAIN}: published 5.0.0.2",
                )
            ],
            id="one address of a node for another",
        ),
        pytest.param(
            [seen([Skipped("a", "timed out", (), None, (HELD, Withheld(ipv4(2), "refused")))], [BOTH], [])],
            [
                NodeNews(
                    "a",
                    withdrawn=True,
                    message=f"{DOMAIN}: withdrawn 5.0.0.1: over the limit; {DOMAIN}: withdrawn 5.0.0.2: refused",
                )
            ],
            id="each address with its reason",
        ),
        pytest.param([seen([], [ONE], [])], [], id="an address of no selected node"),
        pytest.param(
            [seen([skipped("a", "5.0.0.1"), published("b", "5.0.0.1")], [], [ONE])],
            [NodeNews("b", withdrawn=False, message=f"{DOMAIN}: published 5.0.0.1")],
            id="shared by two nodes, one serves",
        ),
        pytest.param(
            [seen([skipped("a", "5.0.0.1"), published("b", "5.0.0.1")], [ONE], [ONE])],
            [],
            id="shared by two nodes, one serves on",
        ),
        pytest.param([seen([skipped("a", "5.0.0.1")], [ONE], [ONE])], [], id="refused, it stays"),
        pytest.param(
            [seen([skipped("a", "5.0.0.1")], [ONE], [], domain=each) for each in ("a.example", "b.example")],
            [
                NodeNews(
                    "a",
                    withdrawn=True,
                    message="a.example: withdrawn 5.0.0.1: cordoned; b.example: withdrawn 5.0.0.1: cordoned",
                )
            ],
            id="several domains",
        ),
        pytest.param(
            [seen([published("a", "5.0.0.1")], [], [ONE], "a.example"), seen([skipped("a", "5.0.0.1")], [ONE], [])],
            [
                NodeNews(
                    "a",
                    withdrawn=True,
                    message=f"{DOMAIN}: withdrawn 5.0.0.1: cordoned; a.example: published 5.0.0.1",
                )
            ],
            id="withdrawn from one domain, published in another",
        ),
    ],
)
def test_node_news(domains: list[Domain], expected: list[NodeNews]) -> None:
    """A node's news is which of its addresses have entered or left DNS with the run, over all domains."""
    assert node_news(domains) == expected


def test_addresses_that_were_not_in_dns_are_not_withdrawn() -> None:
    """Addresses that DNS did not show are not reported as withdrawn."""
    private = (Withheld(ip_address("10.0.0.1"), "not globally reachable"),)
    gone = replace(skipped("a", "5.0.0.1 2600::1"), withheld=private)
    assert node_news([seen([gone], [ONE], [])]) == [
        NodeNews("a", withdrawn=True, message=f"{DOMAIN}: withdrawn 5.0.0.1: cordoned")
    ]


def test_an_address_of_nobody_is_called_so_once_all_nodes_were_looked_at() -> None:
    """An address that no node has is said to be on none only when all nodes are known, not just the selected ones."""
    change = Change(ONE, None)
    assert [each.why for each in Explainer([], []).addresses(change)] == ["no node has this address"]
    stranger = skipped("a", "5.0.0.1")
    assert [each.why for each in Explainer([], [stranger]).addresses(change)] == [f"a: {stranger.reason}"]


def test_what_leaves_without_a_reason_is_unexplained() -> None:
    """An address is unexplained when it leaves and no verdict is about it; one that moves to another set stays."""
    moved = (Change(TWO, None), Change(None, BOTH))
    assert unexplained([Change(ONE, None)], []) == {ipv4(1)}
    assert unexplained([Change(ONE, None)], [skipped("a", "5.0.0.1")]) == set()
    assert unexplained(moved, []) == set()


def test_a_node_that_is_not_selected_is_named_for_the_addresses_that_were_lost() -> None:
    """Of all nodes those are named that have a lost address, whatever else is the matter with them."""
    down = replace(NODE, name="a", node_ips="5.0.0.1,5.0.0.2", ready=None)
    nodes = [down, replace(NODE, name="b", node_ips="5.0.0.3")]
    (found,) = unselected(nodes, Rules(), "x=y", {ipv4(1)})
    assert (found.node, found.addresses) == ("a", (ipv4(1),))
    assert isinstance(found, Skipped)
    assert found.reason == "does not match --node-label-selector x=y"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        pytest.param(None, "c", "ttl 60  health check c", id="it gets one"),
        pytest.param("b", "c", "ttl 60  health check c", id="another"),
        pytest.param("c", "c", "ttl 60", id="the same"),
        pytest.param("c", None, "ttl 60  no health check", id="it loses it"),
    ],
)
def test_a_title_says_which_health_check(before: str | None, after: str | None, words: str) -> None:
    """The title of a change says which health check the set gets, or that it has none any longer."""
    one, other = (with_health_check(plain("A", "5.0.0.1"), each) for each in (before, after))
    assert title(Change(one, other)) == f"~ A simple  {words}"
