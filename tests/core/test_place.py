"""A node's place: its own annotation, else the default."""

from dataclasses import replace
from datetime import UTC, datetime

from jobs.core.node import NodeList, assess
from jobs.core.place import placed
from jobs.core.verdict import Skipped, Verdict
from tests.support.builders import NODE, PARIS, TOKYO


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
