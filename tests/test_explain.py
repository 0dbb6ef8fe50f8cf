"""Why an address enters or leaves DNS, in words."""

from ipaddress import ip_address

import pytest

from jobs.explain import AddressChange, Explainer, title
from jobs.model import Published, Skipped, Verdict, Withheld
from jobs.plan import Change
from tests.builders import PARIS, TOKYO, alias, near, plain, published, skipped

ONE, TWO = plain("A", "5.0.0.1"), plain("A", "5.0.0.2")
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
    """Nobody could tell which node an address belongs to, or why it left."""
    assert Explainer(verdicts).addresses(change) == told


def test_a_change_on_one_line() -> None:
    """The log would say less than the report."""
    explainer = Explainer([published("a", "5.0.0.2"), skipped("b", "5.0.0.1")])
    assert explainer.line(Change(ONE, TWO)) == "~ A simple  ttl 60: + 5.0.0.2 (a), - 5.0.0.1 (b: cordoned)"


def test_a_change_without_addresses_on_one_line() -> None:
    """A change of the TTL alone would look like a truncated line."""
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
    """The diff would not say what happens to which record set."""
    assert title(change) == words


def test_title_of_an_alias_replaced() -> None:
    """A line about an alias would speak of no TTL in the words of a program."""
    assert "None" not in title(Change(alias("A"), ONE))
