"""The outlook before it has been told of any list: threads begin in no particular order."""

from datetime import UTC, datetime

from jobs.core.evidence import Checks
from jobs.core.publication import Change, Outlook
from tests.support.builders import NODE

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_before_the_first_list_there_is_nothing() -> None:
    """The watcher would end, with its other threads asking too early."""
    outlook = Outlook(Checks())
    assert (outlook.listed.nodes, outlook.warnings, outlook.change(NOW)) == ((), (), None)


def test_a_node_that_is_heard_of_before_the_first_list() -> None:
    """The order in which the threads begin would decide whether the watcher goes on."""
    outlook = Outlook(Checks())
    outlook.node(NODE, "7")
    assert outlook.change(NOW) == Change("node-1: publishable with 5.0.0.1 at no place", NOW, "7")
