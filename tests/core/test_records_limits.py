"""What exceeds a limit of Route 53 is withheld: what is in DNS already comes first, then node-name order."""

import pytest

from jobs.core.address import Address
from jobs.core.place import Coordinates
from jobs.core.record_set import RecordSet
from jobs.core.records import Wanted, wanted
from jobs.core.verdict import Published, Skipped, Verdict
from tests.support.builders import DOMAIN, ipv4, ipv6, near, place, plain, published, routed

OVER_ADDRESSES = "over the limit of 250 A addresses per domain"
OVER_PLACES = "over the limit of 30 places per domain and type"


def crowd(count: int, at: Coordinates | None = None) -> list[Verdict]:
    """Give nodes of one IPv4 address each, in name order."""
    return [published(f"n{number:03}", [ipv4(number)], at) for number in range(count)]


def scattered(count: int) -> list[Verdict]:
    """Give nodes of one IPv4 address each, every one at a place of its own."""
    return [published(f"n{number:03}", [ipv4(number)], place(number)) for number in range(count)]


def names_of(found: Wanted) -> set[str]:
    """Name the nodes that are published."""
    return {verdict.node for verdict in found.verdicts if isinstance(verdict, Published)}


def addresses_of(found: Wanted) -> list[Address]:
    """List all addresses of all record sets."""
    return [address for each in found.record_sets for address in each.addresses]


@pytest.mark.parametrize("at", [pytest.param(None, id="simple"), pytest.param(place(0), id="geoproximity")])
def test_250_addresses_fit(at: Coordinates | None) -> None:
    """250 addresses are published."""
    assert len(addresses_of(wanted(DOMAIN, 60, "auto", crowd(250, at), []))) == 250


@pytest.mark.parametrize("at", [pytest.param(None, id="simple"), pytest.param(place(0), id="geoproximity")])
def test_the_251st_address_in_node_name_order_is_withheld(at: Coordinates | None) -> None:
    """The 251st address in node-name order is withheld with that reason."""
    found = wanted(DOMAIN, 60, "auto", crowd(251, at), [])
    assert found.verdicts[250] == Skipped("n250", OVER_ADDRESSES, (ipv4(250),), at)
    assert len(names_of(found)) == 250


@pytest.mark.parametrize(
    ("routing", "most", "count"),
    [("simple", 50, 50), ("geoproximity", 50, 50), ("multivalue", 50, 50), ("multivalue", 250, 100)],
)
def test_a_place_to_publish_to_may_take_fewer(routing: str, most: int, count: int) -> None:
    """Where fewer addresses fit than Route 53 takes, fewer are published, and the reason gives that number."""
    found = wanted(DOMAIN, 60, routing, crowd(120, place(0)), [], most)
    assert len(addresses_of(found)) == count
    withheld = found.verdicts[count]
    assert isinstance(withheld, Skipped)
    assert withheld.reason == f"over the limit of {count} A addresses per domain"


def test_the_limit_counts_all_places() -> None:
    """The limit is of all places together."""
    nodes = [published(f"n{number:03}", [ipv4(number)], place(number % 30)) for number in range(260)]
    assert len(addresses_of(wanted(DOMAIN, 60, "auto", nodes, []))) == 250


def test_the_limit_is_one_per_type() -> None:
    """Each type has a limit of its own."""
    nodes = [published(f"n{number:03}", [ipv4(number), ipv6(number)]) for number in range(250)]
    assert len(addresses_of(wanted(DOMAIN, 60, "auto", nodes, []))) == 500


def test_a_place_without_space_for_any_address_has_no_record_set() -> None:
    """A place all of whose addresses exceed the limit has no record set, which Route 53 would refuse to be empty."""
    found = wanted(DOMAIN, 60, "auto", [*crowd(250, place(0)), published("z", [ipv4(999)], place(1))], [])
    assert [each.coordinates for each in found.record_sets] == [place(0)]


def test_an_address_of_many_nodes_counts_once() -> None:
    """An address of many nodes counts once."""
    nodes = [published(f"a{number:03}", [ipv4(999)]) for number in range(100)]
    assert len(addresses_of(wanted(DOMAIN, 60, "auto", [*nodes, *crowd(249)], []))) == 250


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(plain("A", str(ipv4(250))), id="ours"),
        pytest.param(routed("A", "x", {"Weight": 1}, str(ipv4(250))), id="somebody else's"),
    ],
)
def test_addresses_in_dns_come_first(shown: RecordSet) -> None:
    """Addresses in DNS come first, whoever wrote them.

    A new node early in the alphabet does not push out one that serves.
    """
    found = wanted(DOMAIN, 60, "auto", crowd(251), [shown])
    assert names_of(found) == {verdict.node for verdict in crowd(251)} - {"n249"}


def test_a_limit_never_blocks_a_withdrawal() -> None:
    """At the limit a failed node still leaves, and the next one takes its place."""
    shown = plain("A", *(str(ipv4(number)) for number in range(250)))
    found = wanted(DOMAIN, 60, "auto", crowd(252)[1:], [shown])
    assert ipv4(0) not in addresses_of(found)
    assert ipv4(250) in addresses_of(found)
    assert ipv4(251) not in addresses_of(found)


def test_a_node_may_keep_some_of_its_addresses() -> None:
    """A node is published with those of its addresses that fit."""
    last = published("z", [ipv4(900), ipv4(901), ipv6(900)])
    verdict = wanted(DOMAIN, 60, "auto", [*crowd(249), last], []).verdicts[-1]
    assert isinstance(verdict, Published)
    assert verdict.addresses == (ipv4(900), ipv6(900))
    assert [(each.address, each.reason) for each in verdict.withheld] == [(ipv4(901), OVER_ADDRESSES)]


def test_30_places_fit() -> None:
    """30 places are published."""
    assert len(wanted(DOMAIN, 60, "auto", scattered(30), []).record_sets) == 30


def test_the_31st_place_in_node_name_order_is_withheld() -> None:
    """The 31st place in node-name order is withheld with that reason."""
    found = wanted(DOMAIN, 60, "auto", scattered(31), [])
    assert found.verdicts[30] == Skipped("n030", OVER_PLACES, (ipv4(30),), place(30))
    assert len(found.record_sets) == 30


def test_places_in_dns_come_first() -> None:
    """Places in DNS come first. A new place does not push out one that serves."""
    found = wanted(DOMAIN, 60, "auto", scattered(31), [near("A", place(30), "5.9.9.9")])
    assert names_of(found) == {verdict.node for verdict in scattered(31)} - {"n029"}


def test_places_of_the_other_type_do_not_count() -> None:
    """Only places of the same type count as DNS."""
    found = wanted(DOMAIN, 60, "auto", scattered(31), [near("AAAA", place(30), "2600::9")])
    assert "n030" not in names_of(found)


def test_another_node_at_a_full_place_is_no_new_place() -> None:
    """Another node at a place that is published does not count as a new place."""
    found = wanted(DOMAIN, 60, "auto", [*scattered(30), published("z", [ipv4(99)], place(3))], [])
    assert "z" in names_of(found)


OVER_MULTIVALUE = "over the limit of 100 A addresses per domain"


def test_100_multivalue_sets_fit() -> None:
    """With multivalue routing 100 addresses of each type are published, one record set each."""
    nodes = [published(f"n{number:03}", [ipv4(number), ipv6(number)]) for number in range(100)]
    assert len(wanted(DOMAIN, 60, "multivalue", nodes, []).record_sets) == 200


def test_the_101st_multivalue_set_is_withheld() -> None:
    """The 101st address of a type is withheld with that reason; what DNS shows comes first."""
    found = wanted(DOMAIN, 60, "multivalue", crowd(101), [])
    assert found.verdicts[100] == Skipped("n100", OVER_MULTIVALUE, (ipv4(100),), None)
    assert len(found.record_sets) == 100
    found = wanted(DOMAIN, 60, "multivalue", crowd(101), [plain("A", str(ipv4(100)))])
    assert names_of(found) == {verdict.node for verdict in crowd(101)} - {"n099"}


def test_places_are_not_limited_with_multivalue_routing() -> None:
    """With multivalue routing there is no limit of places."""
    assert len(wanted(DOMAIN, 60, "multivalue", scattered(40), []).record_sets) == 40


@pytest.mark.parametrize("routing", ["simple", "geoproximity", "multivalue"])
def test_limits_do_not_count_as_failures(routing: str) -> None:
    """Nodes left out by a limit count as able to serve. A limit never makes --min-nodes refuse."""
    nodes = [published(f"n{number:03}", [ipv4(number)], place(number % 31)) for number in range(300)]
    found = wanted(DOMAIN, 60, routing, nodes, [])
    assert found.publishable == 300
    assert len(names_of(found)) < 300


def test_places_do_not_matter_with_simple_routing() -> None:
    """With simple routing there is no limit of places."""
    found = wanted(DOMAIN, 60, "auto", [*scattered(40), published("z", [ipv4(99)])], [])
    assert len(addresses_of(found)) == 41
