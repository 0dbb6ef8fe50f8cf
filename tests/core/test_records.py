"""Which record sets a domain should have, and the form that Route 53 takes."""

from collections.abc import Iterable
from itertools import permutations

import pytest
from msgspec.structs import replace

from jobs.core.place import Coordinates
from jobs.core.records import wanted
from jobs.core.route53_form import api_form
from jobs.core.verdict import Published, Skipped, Verdict
from tests.support.builders import (
    DOMAIN,
    PARIS,
    TOKYO,
    ipv4,
    multivalue,
    near,
    published,
    skipped,
)

AT_PARIS = published("a", "5.0.0.1 2600::1", PARIS)
AT_TOKYO = published("b", "5.0.0.2", TOKYO)
CORDONED = skipped("d", "5.0.0.4", TOKYO)


def test_nodes_at_one_place_share_a_record_set() -> None:
    """Nodes at one place share a record set, however they write it."""
    both = [published("b", "5.0.0.2", PARIS), published("a", "5.0.0.1", Coordinates.parse("48.860,2.350"))]
    assert wanted(DOMAIN, 60, "auto", both, []).record_sets == (near("A", PARIS, "5.0.0.1", "5.0.0.2"),)


@pytest.mark.parametrize("routing", ["simple", "geoproximity", "multivalue"])
def test_an_address_of_two_nodes_stands_once(routing: str) -> None:
    """An address of two nodes stands once in its record set, since Route 53 refuses a value given twice."""
    both = [published("a", "5.0.0.1", PARIS), published("b", "5.0.0.1", PARIS)]
    found = wanted(DOMAIN, 60, routing, both, [])
    assert [each.addresses for each in found.record_sets] == [(ipv4(1),)]
    assert found.verdicts == tuple(both)


def test_form_of_a_simple_record_set() -> None:
    """A simple record set has the form that Route 53 takes, values in numeric order."""
    [each] = wanted("*.example.com", 5, "auto", [published("a", "10.0.0.1 9.0.0.1")], []).record_sets
    assert api_form(each) == {
        "Name": "*.example.com.",
        "Type": "A",
        "TTL": 5,
        "ResourceRecords": [{"Value": "9.0.0.1"}, {"Value": "10.0.0.1"}],
    }


@pytest.mark.parametrize(("bias", "member"), [(0, {}), (20, {"Bias": 20}), (-99, {"Bias": -99})])
def test_form_of_a_geoproximity_record_set(bias: int, member: dict[str, int]) -> None:
    """A geoproximity record set has the form that Route 53 takes, its place in its identifier."""
    node = published("a", "2600::1", Coordinates.parse("1.5,-2"), bias=bias)
    [each] = wanted(DOMAIN, 60, "auto", [node], []).record_sets
    assert api_form(each) == {
        "Name": "cdn.example.com.",
        "Type": "AAAA",
        "SetIdentifier": "geoproximity-coords:1.50,-2.00",
        "GeoProximityLocation": {"Coordinates": {"Latitude": "1.50", "Longitude": "-2.00"}, **member},
        "TTL": 60,
        "ResourceRecords": [{"Value": "2600::1"}],
    }


def test_form_of_multivalue_record_sets() -> None:
    """Multivalue routing has one record set per address, in the form that Route 53 takes."""
    node = published("a", "5.0.0.1 5.0.0.2 2600::1", PARIS, bias=7)
    found = wanted(DOMAIN, 5, "multivalue", [node], []).record_sets
    assert found == tuple(
        multivalue(type_, value, ttl=5) for type_, value in (("A", "5.0.0.1"), ("A", "5.0.0.2"), ("AAAA", "2600::1"))
    )
    assert api_form(found[0]) == {
        "Name": "cdn.example.com.",
        "Type": "A",
        "SetIdentifier": "multivalue:5.0.0.1",
        "MultiValueAnswer": True,
        "TTL": 5,
        "ResourceRecords": [{"Value": "5.0.0.1"}],
    }


@pytest.mark.parametrize("routing", ["auto", "simple", "geoproximity", "multivalue"])
@pytest.mark.parametrize("order", list(permutations((AT_PARIS, AT_TOKYO, CORDONED))))
def test_node_order_does_not_matter(order: Iterable[Verdict], routing: str) -> None:
    """The order of nodes does not matter."""
    expected = wanted(DOMAIN, 60, routing, [AT_PARIS, AT_TOKYO, CORDONED], [])
    assert wanted(DOMAIN, 60, routing, order, []) == expected


def with_bias(*found: tuple[str, int]) -> list[Verdict]:
    """Give nodes at Paris with these biases."""
    return [published(name, [ipv4(at)], PARIS, bias=bias) for at, (name, bias) in enumerate(found)]


A, B, C = with_bias(("a", 10), ("b", 0), ("c", -5))


def out(verdict: Verdict, *, is_deleted: bool = False) -> Skipped:
    """Give a node that cannot serve."""
    assert isinstance(verdict, Published)
    return Skipped(
        verdict.node, "down", verdict.addresses, verdict.coordinates, (), verdict.bias, is_deleted, is_deleted
    )


@pytest.mark.parametrize(
    ("verdicts", "bias", "differing"),
    [
        pytest.param([A], 10, None, id="one node"),
        pytest.param([B], 0, None, id="without a bias"),
        pytest.param([A, replace(B, bias=10)], 10, None, id="two alike"),
        pytest.param([B, A], 10, "a: 10, b: 0", id="the first by name"),
        pytest.param([B, C], 0, "b: 0, c: -5", id="a missing one is 0"),
        pytest.param([out(A), B], 10, "a: 10, b: 0", id="whatever its health"),
        pytest.param([out(A, is_deleted=True), B], 10, "a: 10, b: 0", id="even one that is being deleted"),
        pytest.param([replace(A, coordinates=TOKYO, addresses=()), B], 0, None, id="not of another place"),
    ],
)
def test_the_bias_of_a_place(verdicts: list[Verdict], bias: int, differing: str | None) -> None:
    """The bias of a place is that of its first node by name, whatever its health; that they differ is a warning.

    A failing node does not move the borders of its place.
    """
    found = wanted(DOMAIN, 60, "geoproximity", verdicts, [])
    assert [each.bias for each in found.record_sets if each.coordinates == PARIS] == [bias]
    words = f"the nodes at 48.86,2.35 differ in bias ({differing}): that of {(differing or ':').split(':')[0]} counts"
    assert found.warnings == ((words,) if differing else ())


def test_a_bias_does_not_matter_without_places() -> None:
    """With another routing there is neither a bias nor a warning about it."""
    for routing in ("simple", "multivalue"):
        found = wanted(DOMAIN, 60, routing, [A, B, C], [])
        assert ({each.bias for each in found.record_sets}, found.warnings) == ({0}, ())
