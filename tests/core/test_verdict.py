"""What becomes of a node, and of each of its addresses."""

import pytest

from jobs.core import verdict as verdicts
from jobs.core.address import Address
from jobs.core.verdict import Published, Skipped, Verdict, Withheld, reasons, skip, withhold
from tests.support.builders import PARIS, ipv4, published, skipped

ONE, TWO, EARLIER = ipv4(1), ipv4(2), Withheld(ipv4(9), "earlier")
UP = Published("a", (ONE, TWO), PARIS, (EARLIER,))


@pytest.mark.parametrize(
    ("verdict", "refused", "after"),
    [
        pytest.param(UP, {}, UP, id="nothing"),
        pytest.param(UP, {("b", ONE): "dead"}, UP, id="another node's"),
        pytest.param(
            UP,
            {("a", ONE): "dead"},
            Published("a", (TWO,), PARIS, (EARLIER, Withheld(ONE, "dead"))),
            id="one of two",
        ),
        pytest.param(
            UP,
            {("a", TWO): "late", ("a", ONE): "dead"},
            Skipped("a", "dead", (), PARIS, (EARLIER, Withheld(ONE, "dead"), Withheld(TWO, "late"))),
            id="all",
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
def test_withhold(verdict: Verdict, refused: dict[tuple[str, Address], str], after: Verdict) -> None:
    """The refused addresses of that node alone are withheld, each with its reason; a node with none left is skipped."""
    assert withhold(verdict, refused) == after


def test_a_node_that_is_taken_out_keeps_what_it_would_bring() -> None:
    """A published node that is taken out keeps its addresses, its place and its withheld ones."""
    assert skip(UP, "dead") == Skipped("a", "dead", (ONE, TWO), PARIS, (EARLIER,))


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
