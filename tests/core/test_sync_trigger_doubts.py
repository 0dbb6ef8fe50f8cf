"""The three verdicts of watch on a node: published, not published, left as it is."""

import pytest
from msgspec.structs import replace

from jobs.core.node import Rules
from jobs.core.signs import Signs
from tests.support.builders import NODE, evidence_settings, ipv4, ipv6
from tests.support.judging import (
    NOW,
    SECOND,
    TCP,
    alive,
    dead,
    detector_of,
    having,
    numbered,
    ready,
    words_of,
)

YOUNG = Rules(min_ready_seconds=60)
STATES = {
    "published": NODE,
    "not published": replace(NODE, cordoned=True),
    "left as it is": ready(NODE, 5),
}
DEFINITE = {"published", "not published"}


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_three_verdicts(before: str, after: str) -> None:
    """A change into published or not published is a trigger; one into left as it is is none.

    So a node that was left as it is makes a Job when it is sure again, whatever it was before.
    """
    detector = detector_of([STATES[before]], rules=YOUNG)
    detector.node(STATES[after], "7")
    assert (detector.trigger(NOW) is not None) is (after in DEFINITE and after != before)


@pytest.mark.parametrize("after", sorted(DEFINITE))
@pytest.mark.parametrize("before", sorted(DEFINITE))
def test_what_was_left_as_it_is_is_compared_with_that(before: str, after: str) -> None:
    """After a node was left as it is, either definite verdict is a trigger, the one that it had before too.

    The Job of the first change may have run in between, and have left the node as it was.
    """
    detector = detector_of([STATES[before]], rules=YOUNG)
    detector.node(STATES["left as it is"], "7")
    assert detector.trigger(NOW) is None
    detector.node(STATES[after], "8")
    assert detector.trigger(NOW) is not None


def test_an_ingress_that_dies_while_another_node_fails() -> None:
    """A node that dies, is left as it is while a second one fails, and is alone again, is a trigger again.

    The Job of the first trigger may have looked while both failed, and have left both as they were.
    """
    detector = detector_of(numbered(4), evidence_settings(probes=(TCP,)))
    addresses = [ipv4(each) for each in range(1, 5)]
    all_alive = alive(*addresses)
    detector.see(Signs(answers={**all_alive, **dead(ipv4(3))}))
    assert words_of(detector) == "node-3: tcp 443 does not answer (timed out)"
    detector.see(Signs(answers={**all_alive, **dead(ipv4(3), ipv4(2))}))
    assert detector.trigger(NOW) is None
    detector.see(Signs(answers={**all_alive, **dead(ipv4(3))}))
    assert words_of(detector) == (
        "node-2: publishable with 5.0.0.2 at no place; node-3: tcp 443 does not answer (timed out)"
    )


def test_a_node_that_has_been_ready_for_long_enough_is_a_trigger() -> None:
    """A node that was left as it is for being young is a trigger once it is old enough, at the next look."""
    detector = detector_of([ready(NODE, 5)], rules=YOUNG)
    detector.see(Signs())
    assert detector.trigger(NOW + 54 * SECOND) is None
    assert detector.warnings == ("Ready for less than 60 s (--min-ready-seconds)",)
    detector.see(Signs())
    assert words_of(detector, NOW + 55 * SECOND) == "node-1: publishable with 5.0.0.1 at no place"


def test_a_new_node_in_doubt_is_a_trigger() -> None:
    """A new node is a trigger also when it is left as it is."""
    detector = detector_of([], rules=YOUNG)
    detector.node(ready(replace(NODE, coordinates="1,2"), 5), "7")
    assert words_of(detector) == "node-1: publishable with addresses in doubt at 1.00,2.00"


def test_the_place_of_a_node_in_doubt_is_a_trigger() -> None:
    """Another place is a trigger also of a node that is left as it is."""
    detector = detector_of([ready(NODE, 5)], rules=YOUNG)
    detector.node(ready(replace(NODE, coordinates="1,2"), 5), "7")
    assert detector.trigger(NOW) is not None


def test_addresses_are_compared_one_by_one() -> None:
    """An address that is sure is a trigger though another of its node is in doubt."""
    two = [having(node, ipv4(at), ipv6(at)) for at, node in enumerate(numbered(4), 1)]
    detector = detector_of(two, evidence_settings(probes=(TCP,)))
    six = dead(ipv6(1), ipv6(2)) | alive(ipv6(3), ipv6(4))
    detector.see(Signs(answers=six))
    assert detector.trigger(NOW) is None
    detector.see(Signs(answers=six | dead(ipv4(1)) | alive(*map(ipv4, range(2, 5)))))
    assert words_of(detector) == "node-1: publishable with addresses in doubt at no place"
    detector.see(Signs(answers=six | alive(*map(ipv4, range(1, 5)))))
    assert words_of(detector) == "node-1: publishable with 5.0.0.1 at no place"
