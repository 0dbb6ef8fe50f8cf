"""From nodes to verdicts: who is published, who is skipped and why, and which record sets may stand."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import permutations

import pytest

from jobs.core.errors import ConfigurationError
from jobs.core.model import Condition, Coordinates, Node, NodeList, Published, RecordSet, Skipped, Verdict, Withheld
from jobs.core.records import COORDINATES, NODE_IPS, assess, confined, owned, placed, wanted
from tests.support.builders import (
    DOMAIN,
    NODE,
    PARIS,
    TOKYO,
    ZONE,
    ipv4,
    ipv6,
    near,
    plain,
    published,
    routed,
    skipped,
)


def reason(node: Node) -> str:
    """Give the reason for which a node is skipped."""
    verdict = assess(node)
    assert isinstance(verdict, Skipped)
    return verdict.reason


def test_a_node_that_can_serve() -> None:
    """A node that can serve is published with its address."""
    assert assess(NODE) == Published("node-1", (ipv4(1),), None)


@pytest.mark.parametrize(
    ("node", "why"),
    [
        pytest.param(replace(NODE, deleting=True), "being deleted", id="being deleted"),
        pytest.param(replace(NODE, cordoned=True), "cordoned", id="cordoned"),
        pytest.param(replace(NODE, ready=None), "not ready: it has no Ready condition", id="no Ready condition"),
        pytest.param(replace(NODE, ready=Condition("False", "disk full")), "not ready: disk full", id="not ready"),
        pytest.param(replace(NODE, ready=Condition("Unknown", "")), "not ready: Ready is Unknown", id="unknown"),
        pytest.param(replace(NODE, ready=Condition("true", "")), "not ready: Ready is true", id="not quite True"),
        pytest.param(replace(NODE, ready=Condition("N\x1bo", "")), "not ready: Ready is No", id="an odd status"),
        pytest.param(replace(NODE, ready=Condition("False", "a\nb")), "not ready: a b", id="message on one line"),
        pytest.param(replace(NODE, ready=Condition("False", "\n")), "not ready: Ready is False", id="blank message"),
        pytest.param(
            replace(NODE, boot_id="boot-2"),
            "rebooted since its addresses were found: annotate-once has not run there yet",
            id="rebooted",
        ),
        pytest.param(
            replace(NODE, node_ips=None),
            f"no annotation {NODE_IPS}: annotate-once has not run there",
            id="never looked",
        ),
        pytest.param(
            replace(NODE, node_ips=""), "no address: annotate-once found none on its interfaces", id="found none"
        ),
        pytest.param(
            replace(NODE, node_ips="pending"),
            f"annotation {NODE_IPS} is no list of addresses: 'pending'",
            id="no list of addresses",
        ),
        pytest.param(replace(NODE, node_ips="10.0.0.1"), "no globally reachable address", id="private"),
        pytest.param(
            replace(NODE, coordinates="91,0"),
            f"annotation {COORDINATES}: latitude '91' is not between -90 and 90",
            id="bad coordinates",
        ),
        pytest.param(
            replace(NODE, coordinates=""),
            f"annotation {COORDINATES}: '' is not <latitude>,<longitude>",
            id="empty coordinates",
        ),
    ],
)
def test_why_a_node_is_skipped(node: Node, why: str) -> None:
    """A node that cannot serve is skipped, and its reason says why."""
    assert reason(node) == why


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(replace(NODE, boot_id="", annotated_boot_id="boot-1"), id="kubelet tells none"),
        pytest.param(replace(NODE, boot_id="boot-1", annotated_boot_id=""), id="annotated by hand"),
        pytest.param(replace(NODE, boot_id="", annotated_boot_id=""), id="neither"),
    ],
)
def test_an_absent_boot_id_is_not_checked(node: Node) -> None:
    """A boot id that is absent or empty is not checked."""
    assert isinstance(assess(node), Published)


def test_a_skipped_node_keeps_what_it_would_bring() -> None:
    """A skipped node keeps its addresses and its place, so that the report can say whose address leaves DNS."""
    node = replace(NODE, cordoned=True, node_ips="5.0.0.1,10.0.0.1", coordinates="48.86,2.35")
    private = Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use")
    assert assess(node) == Skipped("node-1", "cordoned", (ipv4(1),), PARIS, (private,))


def test_private_addresses_are_withheld() -> None:
    """Addresses that are not globally reachable are withheld with that reason."""
    verdict = assess(replace(NODE, node_ips="10.0.0.1,5.0.0.1"))
    assert verdict.addresses == (ipv4(1),)
    assert verdict.withheld == (Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use"),)


def test_eight_addresses_per_node_and_family() -> None:
    """The first 8 addresses per node and family are published, the others withheld."""
    addresses = [*map(ipv4, range(9)), *map(ipv6, range(10))]
    verdict = assess(replace(NODE, node_ips=",".join(map(str, addresses))))
    assert verdict.addresses == (*map(ipv4, range(8)), *map(ipv6, range(8)))
    assert verdict.withheld == (
        Withheld(ipv4(8), "over the limit of 8 IPv4 addresses a node"),
        Withheld(ipv6(8), "over the limit of 8 IPv6 addresses a node"),
        Withheld(ipv6(9), "over the limit of 8 IPv6 addresses a node"),
    )


def test_private_addresses_take_no_room() -> None:
    """Addresses that are withheld do not count towards the 8."""
    private = [f"10.0.0.{number}" for number in range(8)]
    assert assess(replace(NODE, node_ips=",".join([*private, "5.0.0.1"]))).addresses == (ipv4(1),)


def with_default(annotation: str | None) -> Verdict:
    """Judge a node with Tokyo as the default place."""
    listed = NodeList((replace(NODE, coordinates=annotation),), datetime.now(UTC), "1")
    return assess(placed(listed, TOKYO).nodes[0])


def test_the_nodes_own_place_comes_before_the_default() -> None:
    """The node's own place comes before the default."""
    assert with_default("48.86,2.35").coordinates == PARIS


def test_the_default_place() -> None:
    """A node without a place of its own has the default."""
    assert with_default(None).coordinates == TOKYO


def test_without_a_default_place_a_node_has_none() -> None:
    """Without a default a node has no place."""
    listed = NodeList((NODE,), datetime.now(UTC), "1")
    assert placed(listed, None) == listed


def test_the_default_does_not_hide_a_mistake() -> None:
    """An annotation that is not a place is not replaced by the default.

    A node with a mistyped place does not quietly serve another continent.
    """
    assert isinstance(with_default("x"), Skipped)


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
    """An address of two nodes is one value, since Route 53 refuses a value given twice."""
    both = [published("a", "5.0.0.1", places), published("b", "5.0.0.1", places)]
    assert [each.values for each in wanted(DOMAIN, 60, both, []).record_sets] == [("5.0.0.1",)]


def test_an_address_of_two_nodes_publishes_both() -> None:
    """Both nodes of a shared address are published."""
    both = (published("a", "5.0.0.1"), published("b", "5.0.0.1"))
    assert wanted(DOMAIN, 60, both, []).verdicts == both


def test_form_of_a_simple_record_set() -> None:
    """A simple record set has the form that Route 53 takes, values in numeric order."""
    [each] = wanted("*.example.com", 5, [published("a", "10.0.0.1 9.0.0.1")], []).record_sets
    assert each.raw == {
        "Name": "*.example.com.",
        "Type": "A",
        "TTL": 5,
        "ResourceRecords": [{"Value": "9.0.0.1"}, {"Value": "10.0.0.1"}],
    }


def test_form_of_a_geoproximity_record_set() -> None:
    """A geoproximity record set has the form that Route 53 takes, its place in its identifier."""
    [each] = wanted(DOMAIN, 60, [published("a", "2600::1", Coordinates.parse("1.5,-2"))], []).record_sets
    assert each.raw == {
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


def test_confined_withholds_what_has_no_place() -> None:
    """After a refusal, addresses that the present record sets do not take are withheld with that reason."""
    found = confined(wanted(DOMAIN, 60, [AT_PARIS, NOWHERE, CORDONED], []), [plain("A", "5.0.0.1", "5.0.0.9")])
    why = "--min-nodes keeps the present record sets, which have no place for it"
    assert found.record_sets == (plain("A", "5.0.0.1", "5.0.0.9"),)
    assert found.verdicts == (
        Published("a", (ipv4(1),), PARIS, (Withheld(ip_address("2600::1"), why),)),
        Skipped("c", why, (), None, tuple(Withheld(each, why) for each in NOWHERE.addresses)),
        CORDONED,
    )
