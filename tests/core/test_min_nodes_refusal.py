"""When --min-nodes refuses: too few nodes to publish, or more addresses that vanish than stay."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from jobs.core.min_nodes import MinNodes, why_refused
from jobs.core.record_set import RecordSet
from jobs.core.records import Wanted, wanted
from jobs.core.verdict import Verdict, Withheld
from tests.support.builders import DOMAIN, PARIS, TOKYO, ipv4, near, plain, published, skipped


def would_publish(publishable: int, selected: int, ending: int = 0) -> Wanted:
    """Give what is wanted of so many selected nodes, some of which can serve, and some are about to go."""
    up = [published(f"n{number}", [ipv4(number)]) for number in range(selected - ending)]
    down = [replace(skipped(f"e{number}", []), is_ending=True) for number in range(ending)]
    return Wanted((), (*up, *down), publishable=publishable)


@pytest.mark.parametrize(
    ("min_nodes", "found", "words"),
    [
        pytest.param("2", would_publish(2, 2), None, id="as many as asked for"),
        pytest.param("0", would_publish(0, 0), None, id="off"),
        pytest.param("50%", would_publish(2, 4), None, id="half"),
        pytest.param(
            "2",
            would_publish(1, 4),
            "1 of 4 selected nodes would be published, --min-nodes 2 asks for 2: nothing is withdrawn",
            id="one too few",
        ),
        pytest.param(
            "51%",
            would_publish(2, 4),
            "2 of 4 selected nodes would be published, --min-nodes 51% asks for 3: nothing is withdrawn",
            id="a percentage",
        ),
        pytest.param(
            "1",
            would_publish(0, 0),
            "no node matches --node-label-selector 'a=b', --min-nodes 1 asks for 1: nothing is withdrawn",
            id="no node",
        ),
        pytest.param("50%", would_publish(2, 8, ending=4), None, id="half of those that are not being deleted"),
        pytest.param(
            "75%",
            would_publish(2, 8, ending=4),
            "2 of 8 selected nodes would be published, --min-nodes 75% asks for 3: nothing is withdrawn",
            id="too few of those that are not being deleted",
        ),
        pytest.param(
            "3",
            would_publish(2, 8, ending=4),
            "2 of 8 selected nodes would be published, --min-nodes 3 asks for 3: nothing is withdrawn",
            id="a number stands whoever is being deleted",
        ),
        pytest.param(
            "50%",
            would_publish(0, 2, ending=2),
            "0 of 2 selected nodes would be published, --min-nodes 50% asks for 1: nothing is withdrawn",
            id="at least one, though all are being deleted",
        ),
    ],
)
def test_too_few_nodes(min_nodes: str, found: Wanted, words: str | None) -> None:
    """A run that would publish fewer nodes than asked for is refused, in words that say how many and of how many.

    A percentage is taken of the selected nodes that are not being deleted: a cluster may shrink.
    """
    assert why_refused(MinNodes.parse(min_nodes), found, [], "a=b") == words


def simple(type_: str, *numbers: int) -> RecordSet:
    """Give a simple set of a few addresses."""
    prefix = "5.0.0." if type_ == "A" else "2600::"
    return plain(type_, *(f"{prefix}{number}" for number in numbers))


ONE = published("a", "5.0.0.1")
HALF_PRIVATE = replace(ONE, withheld=(Withheld(ip_address("5.0.0.2"), "over a limit"),))
NEW_PREFIX = published("a", "2600::8 2600::9")


@pytest.mark.parametrize(
    ("current", "verdicts", "counts"),
    [
        pytest.param([simple("A", 1)], [ONE], None, id="nothing goes"),
        pytest.param([simple("A", 1, 2)], [ONE], None, id="as many go as stay"),
        pytest.param([simple("A", 1, 2, 3)], [ONE], (2, 1), id="more go than stay"),
        pytest.param([simple("A", *range(1, 11))], [ONE], (9, 1), id="nine of ten nodes have lost their label"),
        pytest.param([simple("AAAA", 1, 2)], [NEW_PREFIX], None, id="a node's prefix has changed"),
        pytest.param(
            [simple("A", 1), simple("AAAA", 1, 2)],
            [published("a", "5.0.0.1 2600::8 2600::9")],
            None,
            id="a node's prefix has changed, with IPv4 beside it",
        ),
        pytest.param([simple("A", 1, 2, 3)], [ONE, skipped("b", "5.0.0.2 5.0.0.3")], None, id="of nodes that are down"),
        pytest.param([simple("A", 1, 2, 3)], [HALF_PRIVATE], None, id="withheld ones are had, counting or not"),
        pytest.param(
            [simple("A", 1, 2, 3), simple("AAAA", 4, 5)],
            [ONE],
            (2, 1),
            id="of two types the larger number, not the sum",
        ),
        pytest.param(
            [simple("A", 2, 3), simple("AAAA", 4)],
            [published("a", "5.0.0.1 2600::7 2600::8")],
            None,
            id="the larger number of what is published may be of the other type",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.2"), near("A", TOKYO, "5.0.0.2", "5.0.0.3")],
            [replace(ONE, coordinates=PARIS)],
            (2, 1),
            id="an address of two sets counts once",
        ),
    ],
)
def test_addresses_that_no_selected_node_has(
    current: list[RecordSet], verdicts: list[Verdict], counts: tuple[int, int] | None
) -> None:
    """With a percentage a run is refused when more addresses vanish with their nodes than would be published.

    Nodes that lose their label or their object all at once can no longer be counted. A number does not ask for it.
    """
    found = wanted(DOMAIN, 60, "auto", verdicts, current)
    for percentage in ("0%", "50%"):
        refused = why_refused(MinNodes.parse(percentage), found, current, "")
        assert refused == (
            counts
            and f"{counts[0]} addresses would go because no selected node has them, and {counts[1]} be published: "
            f"with --min-nodes {percentage} nothing is withdrawn"
        )
    assert why_refused(MinNodes(1), found, current, "") is None


def test_too_few_nodes_come_first() -> None:
    """Where both refuse, the words are about the nodes: they say what to look at."""
    found = wanted(DOMAIN, 60, "auto", [ONE, skipped("b", "5.0.0.2"), skipped("c", "5.0.0.3")], [])
    words = why_refused(MinNodes.parse("50%"), found, [simple("A", 7, 8, 9)], "") or ""
    assert words.startswith("1 of 3 selected nodes would be published")
