"""What becomes of a node, and of each of its addresses."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from jobs.core import verdict as verdicts
from jobs.core.address import Address
from jobs.core.verdict import (
    Doubt,
    Published,
    Skipped,
    Verdict,
    Withheld,
    reasons,
    resolve_doubts,
    skip,
    skipped_for,
    withhold,
)
from tests.support.builders import PARIS, in_doubt, ipv4, published, skipped

ONE, TWO, EARLIER = ipv4(1), ipv4(2), Withheld(ipv4(9), "earlier")
UP = Published("a", (ONE, TWO), PARIS, (EARLIER,), bias=7)


@pytest.mark.parametrize(
    ("verdict", "against", "after"),
    [
        pytest.param(UP, {}, UP, id="nothing"),
        pytest.param(UP, {("b", ONE): "dead"}, UP, id="another node's"),
        pytest.param(
            UP,
            {("a", ONE): "dead"},
            Published("a", (TWO,), PARIS, (EARLIER, Withheld(ONE, "dead")), bias=7),
            id="one of two",
        ),
        pytest.param(
            UP,
            {("a", TWO): "late", ("a", ONE): "dead"},
            Skipped("a", "dead", (), PARIS, (EARLIER, Withheld(ONE, "dead"), Withheld(TWO, "late")), 7),
            id="all",
        ),
        pytest.param(
            replace(UP, withheld=()),
            {("a", TWO): "dead", ("a", ONE): "dead"},
            Skipped("a", "dead", (ONE, TWO), PARIS, bias=7),
            id="all, for one reason",
        ),
        pytest.param(
            in_doubt("a", "5.0.0.2", certain="5.0.0.1"),
            {("a", ONE): "dead"},
            replace(in_doubt("a", "5.0.0.2"), withheld=(Withheld(ONE, "dead"),)),
            id="all but one that is in doubt",
        ),
        pytest.param(
            published("b", "5.0.0.1"),
            {("a", ONE): "dead"},
            published("b", "5.0.0.1"),
            id="an address that two nodes share",
        ),
        pytest.param(skipped("a", "5.0.0.1"), {("a", ONE): "dead"}, skipped("a", "5.0.0.1"), id="of a skipped node"),
    ],
)
def test_withhold(verdict: Verdict, against: dict[tuple[str, Address], str], after: Verdict) -> None:
    """Addresses of that node alone are withheld, each with its reason; a node with none left is skipped."""
    assert withhold(verdict, against) == after


def test_a_node_that_is_taken_out_keeps_what_it_would_bring() -> None:
    """A published node that is taken out keeps its addresses, its place, its bias and its withheld ones."""
    assert skip(UP, "dead") == Skipped("a", "dead", (ONE, TWO), PARIS, (EARLIER,), 7)


def test_a_node_that_is_taken_out_keeps_what_is_in_doubt() -> None:
    """Addresses in doubt of a node that is taken out are among those it would bring."""
    assert skip(in_doubt("a", "5.0.0.2", certain="5.0.0.1"), "dead").addresses == (ONE, TWO)


def test_a_node_that_is_out_already_keeps_its_own_reason() -> None:
    """A node that is skipped keeps the first reason found."""
    assert skip(skipped("a", "5.0.0.1"), "dead") == skipped("a", "5.0.0.1")


def test_only_published_nodes_are_picked() -> None:
    """Of several nodes the published ones are picked, in their order."""
    assert verdicts.published([UP, skipped("b", "5.0.0.2"), published("c", "5.0.0.3")]) == [
        UP,
        published("c", "5.0.0.3"),
    ]


@pytest.mark.parametrize(
    ("lost", "after"),
    [
        pytest.param(
            (Withheld(ONE, "dead"), Withheld(TWO, "dead")), Skipped("a", "dead", (ONE, TWO), PARIS), id="one reason"
        ),
        pytest.param(
            (Withheld(ONE, "dead"), Withheld(TWO, "late")),
            Skipped("a", "dead", (), PARIS, (Withheld(ONE, "dead"), Withheld(TWO, "late"))),
            id="each its own",
        ),
    ],
)
def test_a_node_that_has_lost_its_last_addresses(lost: tuple[Withheld, ...], after: Skipped) -> None:
    """A node is skipped for the reason of all its addresses, or for the first while each keeps its own."""
    assert skipped_for(Published("a", (), PARIS), lost) == after


def test_a_node_that_nothing_speaks_against_is_left_out_in_other_words() -> None:
    """An address that is left as it is for a rule's own reason is not said to be accused."""
    briefly = "Ready for less than 60 s (--min-ready-seconds)"
    doubt = Doubt(ONE, briefly, briefly)
    assert doubt.left_out == f"{briefly}; DNS does not show the address: left out"


LEFT_OUT = "silent; this is not believed, but DNS does not show the address: left out"
DOUBTFUL = in_doubt("a", "5.0.0.2 5.0.0.3", PARIS, certain="5.0.0.1")


@pytest.mark.parametrize(
    ("verdict", "shown", "after"),
    [
        pytest.param(UP, (), UP, id="nothing in doubt"),
        pytest.param(skipped("a", "5.0.0.1"), (), skipped("a", "5.0.0.1"), id="a skipped node"),
        pytest.param(DOUBTFUL, [ipv4(2), ipv4(3)], published("a", "5.0.0.1 5.0.0.2 5.0.0.3", PARIS), id="all shown"),
        pytest.param(DOUBTFUL, None, published("a", "5.0.0.1 5.0.0.2 5.0.0.3", PARIS), id="all, whatever is shown"),
        pytest.param(
            DOUBTFUL,
            [ipv4(3)],
            replace(published("a", "5.0.0.1 5.0.0.3", PARIS), withheld=(Withheld(TWO, LEFT_OUT),)),
            id="one shown",
        ),
        pytest.param(
            in_doubt("a", "5.0.0.1 5.0.0.2", PARIS),
            [],
            Skipped("a", LEFT_OUT, (ONE, TWO), PARIS),
            id="none shown, and nothing else",
        ),
        pytest.param(
            replace(in_doubt("a", "5.0.0.1"), withheld=(EARLIER,), bias=7),
            [],
            Skipped("a", LEFT_OUT, (), None, (EARLIER, Withheld(ONE, LEFT_OUT)), 7),
            id="none shown, others withheld",
        ),
    ],
)
def test_dns_decides_about_addresses_in_doubt(
    verdict: Verdict, shown: Iterable[Address] | None, after: Verdict
) -> None:
    """Addresses in doubt stay where DNS shows them; the others are left out, in words that say why."""
    assert resolve_doubts(verdict, shown) == after


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        pytest.param(UP, [(ONE, None), (TWO, None), (EARLIER.address, "earlier")], id="published"),
        pytest.param(
            skip(UP, "dead"), [(ONE, "dead"), (TWO, "dead"), (EARLIER.address, "earlier")], id="skipped for itself"
        ),
    ],
)
def test_reasons(verdict: Verdict, found: list[tuple[Address, str | None]]) -> None:
    """Each address of a node has the reason for which it is not published, None where it is."""
    assert [*reasons(verdict)] == found
