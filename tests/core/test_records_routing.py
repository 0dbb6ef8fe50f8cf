"""Which routing policy a domain gets: by what the user has set up, not by who is up this minute."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from jobs.core.annotations import COORDINATES
from jobs.core.record_set import RecordSet
from jobs.core.records import wanted
from jobs.core.verdict import Skipped, Verdict, Withheld
from tests.support.builders import DOMAIN, LIMA, PARIS, TOKYO, in_doubt, near, plain, published, routed, skipped

AT_PARIS = published("a", "5.0.0.1 2600::1", PARIS)
AT_TOKYO = published("b", "5.0.0.2", TOKYO)
NOWHERE = published("c", "5.0.0.3 2600::3")
DOWN_AT_LIMA = skipped("d", "5.0.0.4", LIMA)
DOWN_NOWHERE = skipped("e", "5.0.0.5")
EMPTY_NOWHERE = Skipped("f", "no address", (), None)
DELETED_AT_LIMA = replace(DOWN_AT_LIMA, is_ending=True, is_deleted=True)
DELETED_NOWHERE = replace(DOWN_NOWHERE, is_ending=True, is_deleted=True)
ENDING_NOWHERE = replace(DOWN_NOWHERE, is_ending=True)

GEO_SHOWN = near("AAAA", TOKYO, "2600::9")
REGIONAL = routed("A", "eu", {"GeoProximityLocation": {"AWSRegion": "eu-west-1"}}, "5.0.0.9")
WEIGHTED = routed("AAAA", "blue", {"Weight": 1}, "2600::1")
SIMPLE_SHOWN = plain("A", "5.0.0.9")

GEO = (near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.2"), near("AAAA", PARIS, "2600::1"))
SIMPLE = (plain("A", "5.0.0.1", "5.0.0.2", "5.0.0.3"), plain("AAAA", "2600::1", "2600::3"))
PLACED = (plain("A", "5.0.0.1", "5.0.0.2"), plain("AAAA", "2600::1"))
ALONE = (plain("A", "5.0.0.3"), plain("AAAA", "2600::3"))

UNTIL = "simple routing until every selected node has a place; without: "
NO_PLACE_SERVES = "simple routing instead of geoproximity: no node with a place can serve"
NO_PLACE_LEFT = "simple routing instead of geoproximity: no selected node has a place any longer"
WHY = f"no coordinates: this domain has geoproximity routing, set the annotation {COORDINATES}"
COULD_SERVE = f"c could serve, but has {WHY}"


@pytest.mark.parametrize(
    ("current", "verdicts", "expected", "warnings"),
    [
        # anything | all → geoproximity
        pytest.param([], [AT_PARIS, AT_TOKYO], GEO, (), id="nothing, all"),
        pytest.param([SIMPLE_SHOWN], [AT_PARIS, AT_TOKYO], GEO, (), id="simple, all"),
        pytest.param([WEIGHTED], [AT_PARIS, AT_TOKYO], GEO, (), id="weighted, all"),
        pytest.param([GEO_SHOWN], [AT_PARIS, AT_TOKYO], GEO, (), id="geoproximity, all"),
        pytest.param([], [AT_PARIS, AT_TOKYO, DOWN_AT_LIMA], GEO, (), id="nothing, all, one is down"),
        pytest.param([], [AT_PARIS, AT_TOKYO, DELETED_NOWHERE], GEO, (), id="one that is being deleted is not asked"),
        pytest.param([GEO_SHOWN], [DOWN_AT_LIMA], (), (), id="all, none can serve"),
        # geoproximity | some → geoproximity, the others are skipped
        pytest.param([GEO_SHOWN], [AT_PARIS, AT_TOKYO, NOWHERE], GEO, (COULD_SERVE,), id="geoproximity, some"),
        pytest.param([REGIONAL], [AT_PARIS, AT_TOKYO, NOWHERE], GEO, (COULD_SERVE,), id="geoproximity by region, some"),
        pytest.param([GEO_SHOWN], [AT_PARIS, AT_TOKYO, DOWN_NOWHERE], GEO, (), id="geoproximity, the others are down"),
        # ... but simple when no node with a place would be published
        pytest.param([GEO_SHOWN], [NOWHERE, DOWN_AT_LIMA], ALONE, (NO_PLACE_SERVES,), id="no node with a place serves"),
        pytest.param(
            [GEO_SHOWN], [DOWN_NOWHERE, DOWN_AT_LIMA], (), (NO_PLACE_SERVES,), id="no node serves, some have a place"
        ),
        # anything else | some → simple
        pytest.param([], [AT_PARIS, AT_TOKYO, NOWHERE], SIMPLE, (UNTIL + "c",), id="nothing, some"),
        pytest.param([SIMPLE_SHOWN], [AT_PARIS, AT_TOKYO, NOWHERE], SIMPLE, (UNTIL + "c",), id="simple, some"),
        pytest.param([WEIGHTED], [AT_PARIS, AT_TOKYO, NOWHERE], SIMPLE, (UNTIL + "c",), id="weighted, some"),
        pytest.param(
            [SIMPLE_SHOWN],
            [AT_PARIS, AT_TOKYO, DOWN_NOWHERE],
            PLACED,
            (UNTIL + "e",),
            id="simple, those without a place are down",
        ),
        pytest.param(
            [],
            [AT_PARIS, AT_TOKYO, EMPTY_NOWHERE],
            PLACED,
            (UNTIL + "f",),
            id="nothing, one without a place has no address",
        ),
        pytest.param(
            [],
            [AT_PARIS, AT_TOKYO, ENDING_NOWHERE],
            PLACED,
            (UNTIL + "e",),
            id="one that is about to go by its taint is asked",
        ),
        pytest.param([], [NOWHERE, DOWN_AT_LIMA, DOWN_NOWHERE], ALONE, (UNTIL + "c, e",), id="some, none of them up"),
        # anything | none → simple
        pytest.param([], [NOWHERE], ALONE, (), id="nothing, none"),
        pytest.param([SIMPLE_SHOWN], [NOWHERE], ALONE, (), id="simple, none"),
        pytest.param([GEO_SHOWN], [NOWHERE], ALONE, (NO_PLACE_LEFT,), id="geoproximity, none"),
        pytest.param([GEO_SHOWN], [NOWHERE, DELETED_AT_LIMA], ALONE, (NO_PLACE_LEFT,), id="only a deleted one has any"),
        pytest.param([GEO_SHOWN], [DELETED_AT_LIMA], (), (), id="nobody is asked"),
        pytest.param([GEO_SHOWN], [], (), (), id="no node at all"),
    ],
)
def test_auto_routing(
    current: list[RecordSet], verdicts: list[Verdict], expected: tuple[RecordSet, ...], warnings: tuple[str, ...]
) -> None:
    """Routing follows from what DNS shows now and how many selected nodes have a place, whatever their health.

    Nodes that fail do not turn routing, and so lock those without a place out for good.
    """
    found = wanted(DOMAIN, 60, "auto", verdicts, current)
    assert (set(found.record_sets), found.warnings) == (set(expected), warnings)


def test_a_hiccup_does_not_turn_routing() -> None:
    """While the nodes without a place are down, and when they are back, routing is simple.

    Otherwise a hiccup of two minutes would lock them out.
    """
    down: list[Verdict] = [published("a", "5.0.0.1", PARIS), skipped("b", "5.0.0.2"), skipped("c", "5.0.0.3")]
    shown = wanted(DOMAIN, 60, "auto", down, [plain("A", "5.0.0.1", "5.0.0.2", "5.0.0.3")]).record_sets
    assert shown == (plain("A", "5.0.0.1"),)
    up: list[Verdict] = [down[0], published("b", "5.0.0.2"), published("c", "5.0.0.3")]
    assert wanted(DOMAIN, 60, "auto", up, shown).record_sets == (plain("A", "5.0.0.1", "5.0.0.2", "5.0.0.3"),)


@pytest.mark.parametrize("current", [[], [SIMPLE_SHOWN], [GEO_SHOWN], [WEIGHTED]], ids=str)
@pytest.mark.parametrize(
    ("routing", "policies", "nodes"),
    [
        pytest.param("simple", {"simple"}, {"a", "b", "c"}, id="simple"),
        pytest.param("geoproximity", {"geoproximity"}, {"a", "b"}, id="geoproximity"),
        pytest.param("multivalue", {"multivalue"}, {"a", "b", "c"}, id="multivalue"),
    ],
)
def test_a_routing_that_is_named_is_used(
    routing: str, policies: set[str], nodes: set[str], current: list[RecordSet]
) -> None:
    """A routing that is named is used, whatever DNS shows and whoever has a place."""
    found = wanted(DOMAIN, 60, routing, [AT_PARIS, AT_TOKYO, NOWHERE, DOWN_NOWHERE], current)
    assert {each.policy for each in found.record_sets} == policies
    assert {each.node for each in found.verdicts if not isinstance(each, Skipped)} == nodes
    named = f"c could serve, but has no coordinates: --routing geoproximity, set the annotation {COORDINATES}"
    assert found.warnings == ((named,) if routing == "geoproximity" else ())


def test_geoproximity_that_is_named_is_used_without_a_single_place() -> None:
    """With --routing geoproximity nobody without a place is published, even if nobody is: --min-nodes guards that."""
    found = wanted(DOMAIN, 60, "geoproximity", [NOWHERE], [SIMPLE_SHOWN])
    assert (found.record_sets, found.publishable) == ((), 0)


def test_a_node_without_a_place_is_skipped_under_geoproximity() -> None:
    """Under geoproximity a node without a place is skipped, with the annotation to set as the reason."""
    found = wanted(DOMAIN, 60, "auto", [NOWHERE, DOWN_NOWHERE, AT_PARIS], [GEO_SHOWN])
    assert found.verdicts == (AT_PARIS, Skipped("c", WHY, NOWHERE.addresses, None), DOWN_NOWHERE)
    assert found.publishable == 1


def test_a_node_without_a_place_keeps_the_reasons_of_its_other_addresses() -> None:
    """A node skipped for want of a place keeps the reasons of addresses withheld before."""
    private = (Withheld(ip_address("10.0.0.1"), "not globally reachable"),)
    found = wanted(DOMAIN, 60, "auto", [replace(NOWHERE, withheld=private), AT_PARIS], [GEO_SHOWN]).verdicts
    assert [verdict.withheld for verdict in found if isinstance(verdict, Skipped)] == [private]


def test_a_place_that_is_kept_out_does_not_keep_geoproximity() -> None:
    """Whether a node with a place would be published is asked after what DNS says of those in doubt."""
    doubtful = in_doubt("a", "5.0.0.1", PARIS)
    kept_out = wanted(DOMAIN, 60, "auto", [doubtful, NOWHERE], [GEO_SHOWN])
    assert {each.policy for each in kept_out.record_sets} == {"simple"}
    stays_in = wanted(DOMAIN, 60, "auto", [doubtful, NOWHERE], [near("A", PARIS, "5.0.0.1")])
    assert stays_in.record_sets == (near("A", PARIS, "5.0.0.1"),)
