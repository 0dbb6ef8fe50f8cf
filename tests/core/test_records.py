"""Which record sets a domain should have: ownership, routing, and the form that Route 53 takes."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from itertools import permutations

import pytest

from jobs.core.annotations import COORDINATES
from jobs.core.coordinates import Coordinates
from jobs.core.errors import ConfigurationError
from jobs.core.record_set import RecordSet, api_form
from jobs.core.records import owned, wanted
from jobs.core.verdict import Skipped, Verdict, Withheld
from tests.support.builders import DOMAIN, PARIS, TOKYO, ZONE, ipv4, near, plain, published, routed, skipped

MX = plain("MX", "10 mail.example.com")
CNAME = plain("CNAME", "www.example.com")
NS = plain("NS", "ns.example.net")
WEIGHTED = routed("AAAA", "blue", {"Weight": 1}, "2600::1")


def test_a_and_aaaa_are_ours_whatever_their_policy() -> None:
    """All A and AAAA sets of the name are ours, whatever their policy; no other type is."""
    assert owned(DOMAIN, ZONE, [plain("A", "5.0.0.1"), WEIGHTED, MX]) == (plain("A", "5.0.0.1"), WEIGHTED)


def test_a_cname_is_a_configuration_error() -> None:
    """A CNAME at the name is a configuration error that says what to do."""
    with pytest.raises(
        ConfigurationError, match=r"^a CNAME record stands at this name; delete it, or choose another name$"
    ):
        owned(DOMAIN, ZONE, iter([CNAME]))


def test_a_delegation_is_a_configuration_error() -> None:
    """NS records at a name below the zone's are a configuration error.

    Records would be written where no resolver looks.
    """
    with pytest.raises(ConfigurationError, match="NS records delegate this name out of the zone"):
        owned(DOMAIN, ZONE, [plain("A", "5.0.0.1"), NS])


def test_the_zones_own_ns_are_no_delegation() -> None:
    """The NS records of the zone's own name are not an error."""
    assert owned(DOMAIN, DOMAIN, [NS, plain("A", "5.0.0.1")]) == (plain("A", "5.0.0.1"),)


AT_PARIS = published("a", "5.0.0.1 2600::1", PARIS)
AT_TOKYO = published("b", "5.0.0.2", TOKYO)
NOWHERE = published("c", "5.0.0.3 2600::3")
CORDONED = skipped("d", "5.0.0.4")
OUR_GEO = near("AAAA", TOKYO, "2600::9")
REGIONAL = routed("A", "eu", {"GeoProximityLocation": {"AWSRegion": "eu-west-1"}}, "5.0.0.9")
GEO = (
    near("A", PARIS, "5.0.0.1"),
    near("A", TOKYO, "5.0.0.2"),
    near("AAAA", PARIS, "2600::1"),
)
SIMPLE = (plain("A", "5.0.0.1", "5.0.0.2", "5.0.0.3"), plain("AAAA", "2600::1", "2600::3"))


@pytest.mark.parametrize(
    ("current", "verdicts", "expected"),
    [
        pytest.param([], [AT_PARIS, AT_TOKYO], GEO, id="nothing, all"),
        pytest.param([plain("A", "5.0.0.9")], [AT_PARIS, AT_TOKYO], GEO, id="simple, all"),
        pytest.param([WEIGHTED], [AT_PARIS, AT_TOKYO], GEO, id="weighted, all"),
        pytest.param([OUR_GEO], [AT_PARIS, AT_TOKYO], GEO, id="geoproximity, all"),
        pytest.param([], [AT_PARIS, AT_TOKYO, CORDONED], GEO, id="nothing, all; skipped nodes do not count"),
        pytest.param([OUR_GEO], [AT_PARIS, AT_TOKYO, NOWHERE], GEO, id="geoproximity of one type, some"),
        pytest.param([REGIONAL], [AT_PARIS, AT_TOKYO, NOWHERE], GEO, id="somebody else's geoproximity, some"),
        pytest.param([], [AT_PARIS, AT_TOKYO, NOWHERE], SIMPLE, id="nothing, some"),
        pytest.param([plain("A", "5.0.0.9")], [AT_PARIS, AT_TOKYO, NOWHERE], SIMPLE, id="simple, some"),
        pytest.param([WEIGHTED], [AT_PARIS, AT_TOKYO, NOWHERE], SIMPLE, id="weighted, some"),
        pytest.param([OUR_GEO], [NOWHERE], (plain("A", "5.0.0.3"), plain("AAAA", "2600::3")), id="geoproximity, none"),
        pytest.param([], [NOWHERE], (plain("A", "5.0.0.3"), plain("AAAA", "2600::3")), id="nothing, none"),
        pytest.param([OUR_GEO], [CORDONED], (), id="no node publishable"),
        pytest.param([], [], (), id="no node at all"),
    ],
)
def test_routing_of_a_domain(
    current: list[RecordSet], verdicts: list[Verdict], expected: tuple[RecordSet, ...]
) -> None:
    """Routing follows from what DNS shows now and how many nodes have a place.

    The first annotation takes no other node out, and a node without one does not end geoproximity.
    """
    assert set(wanted(DOMAIN, 60, verdicts, current).record_sets) == set(expected)


def test_simple_in_between_warns() -> None:
    """Simple routing for want of places is a warning that names the nodes without one."""
    warnings = wanted(DOMAIN, 60, [AT_PARIS, NOWHERE, published("e", "5.0.0.5"), CORDONED], []).warnings
    assert warnings == ("simple routing until every published node has coordinates; without: c, e",)


@pytest.mark.parametrize(
    ("current", "verdicts"),
    [
        pytest.param([], [AT_PARIS], id="all"),
        pytest.param([], [NOWHERE], id="none"),
        pytest.param([OUR_GEO], [AT_PARIS, NOWHERE], id="geoproximity already"),
    ],
)
def test_no_warning_otherwise(current: list[RecordSet], verdicts: list[Verdict]) -> None:
    """Any other routing causes no warning."""
    assert wanted(DOMAIN, 60, verdicts, current).warnings == ()


def test_a_node_without_a_place_is_skipped_under_geoproximity() -> None:
    """Under geoproximity a node without a place is skipped, with the annotation to set as the reason."""
    found = wanted(DOMAIN, 60, [NOWHERE, CORDONED, AT_PARIS], [OUR_GEO]).verdicts
    why = f"no coordinates: this domain has geoproximity routing, set the annotation {COORDINATES}"
    assert found == (AT_PARIS, Skipped("c", why, NOWHERE.addresses, None), CORDONED)


def test_a_node_without_a_place_keeps_the_reasons_of_its_other_addresses() -> None:
    """A node skipped for want of a place keeps the reasons of addresses withheld before."""
    private = (Withheld(ip_address("10.0.0.1"), "not globally reachable"),)
    found = wanted(DOMAIN, 60, [replace(NOWHERE, withheld=private), AT_PARIS], [OUR_GEO]).verdicts
    assert [verdict.withheld for verdict in found if isinstance(verdict, Skipped)] == [private]


def test_nodes_at_one_place_share_a_record_set() -> None:
    """Nodes at one place share a record set, however they write it."""
    both = [published("b", "5.0.0.2", PARIS), published("a", "5.0.0.1", Coordinates.parse("48.860,2.350"))]
    assert wanted(DOMAIN, 60, both, []).record_sets == (near("A", PARIS, "5.0.0.1", "5.0.0.2"),)


@pytest.mark.parametrize("places", [pytest.param(None, id="simple"), pytest.param(PARIS, id="geoproximity")])
def test_an_address_of_two_nodes_stands_once(places: Coordinates | None) -> None:
    """An address of two nodes stands once in its record set, since Route 53 refuses a value given twice."""
    both = [published("a", "5.0.0.1", places), published("b", "5.0.0.1", places)]
    assert [each.addresses for each in wanted(DOMAIN, 60, both, []).record_sets] == [(ipv4(1),)]


def test_an_address_of_two_nodes_publishes_both() -> None:
    """Both nodes of a shared address are published."""
    both = (published("a", "5.0.0.1"), published("b", "5.0.0.1"))
    assert wanted(DOMAIN, 60, both, []).verdicts == both


def test_form_of_a_simple_record_set() -> None:
    """A simple record set has the form that Route 53 takes, values in numeric order."""
    [each] = wanted("*.example.com", 5, [published("a", "10.0.0.1 9.0.0.1")], []).record_sets
    assert api_form(each) == {
        "Name": "*.example.com.",
        "Type": "A",
        "TTL": 5,
        "ResourceRecords": [{"Value": "9.0.0.1"}, {"Value": "10.0.0.1"}],
    }


def test_form_of_a_geoproximity_record_set() -> None:
    """A geoproximity record set has the form that Route 53 takes, its place in its identifier."""
    [each] = wanted(DOMAIN, 60, [published("a", "2600::1", Coordinates.parse("1.5,-2"))], []).record_sets
    assert api_form(each) == {
        "Name": "cdn.example.com.",
        "Type": "AAAA",
        "SetIdentifier": "geoproximity-coords:1.50,-2.00",
        "GeoProximityLocation": {"Coordinates": {"Latitude": "1.50", "Longitude": "-2.00"}},
        "TTL": 60,
        "ResourceRecords": [{"Value": "2600::1"}],
    }


@pytest.mark.parametrize("order", list(permutations((AT_PARIS, AT_TOKYO, CORDONED))))
def test_node_order_does_not_matter(order: Iterable[Verdict]) -> None:
    """The order of nodes does not matter."""
    assert wanted(DOMAIN, 60, order, []) == wanted(DOMAIN, 60, [AT_PARIS, AT_TOKYO, CORDONED], [])
