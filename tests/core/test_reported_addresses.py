"""What several sources say about a node's addresses, taken together."""

from ipaddress import ip_address

import pytest

from jobs.core.address import Found
from jobs.core.errors import Failure
from jobs.core.interface_names import NOT_CHOSEN
from jobs.core.reported_addresses import Replies, agreed, joined
from tests.support.builders import ipv4, ipv6

A, B = "https://a.example", "https://b.example"
FOUR, SIX = ipv4(1), ipv6(1)
DOWN = Failure("a is down")


@pytest.mark.parametrize(
    ("replies", "told", "warnings"),
    [
        pytest.param({}, [], [], id="nobody asked"),
        pytest.param({(A, 4): (FOUR,), (A, 6): (SIX,)}, [(A, FOUR), (A, SIX)], [], id="both versions"),
        pytest.param({(A, 4): (FOUR,), (A, 6): ()}, [(A, FOUR)], [], id="a service without IPv6"),
        pytest.param({(A, 4): (FOUR,), (B, 4): (FOUR,)}, [(A, FOUR), (B, FOUR)], [], id="two that agree"),
        pytest.param({(A, 4): DOWN, (B, 4): (FOUR,)}, [(B, FOUR)], ["a is down"], id="one is enough"),
        pytest.param(
            {(A, 4): (FOUR,), (A, 6): (), (B, 4): (), (B, 6): (SIX,)}, [(A, FOUR), (B, SIX)], [], id="one of each"
        ),
    ],
)
def test_answers_that_agree(replies: Replies, told: list[object], warnings: list[str]) -> None:
    """One answer per IP version is enough; what failed beside it is a warning."""
    assert agreed(replies) == (told, warnings)


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        pytest.param({(A, 4): DOWN}, "a is down", id="the only one failed"),
        pytest.param({(A, 4): (FOUR,), (A, 6): DOWN}, "a is down", id="it failed for one version"),
        pytest.param({(A, 4): DOWN, (B, 4): Failure("b is down")}, "a is down; b is down", id="all failed"),
        pytest.param({(A, 4): DOWN, (A, 6): DOWN, (B, 6): (SIX,), (B, 4): ()}, "a is down", id="nobody left for IPv4"),
        pytest.param(
            {(A, 4): (FOUR,), (B, 4): (ipv4(2),)},
            "answers about IPv4 differ: 5.0.0.1 by https://a.example, 5.0.0.2 by https://b.example",
            id="they differ",
        ),
        pytest.param({(A, 4): (), (A, 6): ()}, "has no address of an IP version", id="it has no address"),
        pytest.param({(A, 4): ()}, "has no address of an IP version", id="none of the only version"),
    ],
)
def test_nothing_is_concluded_without_a_proper_answer(replies: Replies, words: str) -> None:
    """A version about which nobody answers, or not the same, is a failure: it must not look like "none"."""
    with pytest.raises(Failure, match=words):
        agreed(replies)


def test_a_url_without_an_address_is_a_warning_beside_another() -> None:
    """A misspelt host is reported, though another URL has answered."""
    told, warnings = agreed({(A, 4): (), (B, 4): (FOUR,)})
    assert (told, len(warnings)) == ([(B, FOUR)], 1)
    assert A in warnings[0]


def test_sources_join_the_interfaces() -> None:
    """What sources say stands among the interfaces' addresses, in numeric order, with its source."""
    private = Found(ip_address("10.0.0.1"), "eth0", "not globally reachable: Private-Use")
    assert joined([private, Found(SIX, "eth0")], [("aws", FOUR), (A, FOUR)]) == (
        Found(FOUR, source="aws"),
        Found(FOUR, source=A),
        private,
        Found(SIX, "eth0"),
    )


def test_an_address_that_a_source_reports_too_stands_by_its_interface() -> None:
    """Of an address found twice the source's word comes first, then the interfaces by name, in the order of any run."""
    twice = [Found(FOUR, "eth0"), Found(FOUR, "WAN")]
    assert joined(twice, [("aws", FOUR)]) == (Found(FOUR, source="aws"), *reversed(twice))


def test_what_cannot_be_reached_is_left_out_with_its_reason() -> None:
    """An answer from behind carrier-grade NAT is left out, as an interface's address would be."""
    (found,) = joined([], [(A, ip_address("100.64.0.1"))])
    assert found.reason == "not globally reachable: Shared Address Space"


@pytest.mark.parametrize(
    ("on_interfaces", "reason"),
    [
        pytest.param([Found(SIX, "eth0", "temporary address")], "temporary address", id="temporary"),
        pytest.param([Found(SIX, "wg0", "interface excluded by wg*")], "interface excluded by wg*", id="excluded"),
        pytest.param([Found(SIX, "eth0", NOT_CHOSEN)], None, id="not among those chosen"),
        pytest.param([Found(SIX, "eth0", "interface is down"), Found(SIX, "eth1")], None, id="taken from another"),
        pytest.param([Found(FOUR, "eth0", "temporary address")], None, id="another address"),
    ],
)
def test_an_address_that_was_left_out_stays_out(on_interfaces: list[Found], reason: str | None) -> None:
    """A service that sees this machine by its temporary address does not make that a lasting one."""
    (told,) = (each for each in joined(on_interfaces, [(A, SIX)]) if each.source == A)
    assert told.reason == reason
