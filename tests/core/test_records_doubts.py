"""What is left as it is: published if DNS shows it, not added if DNS does not. DNS is the memory."""

import pytest

from jobs.core.record_set import RecordSet
from jobs.core.records import Wanted, wanted
from jobs.core.verdict import Published, Skipped, Verdict
from tests.support.builders import DOMAIN, PARIS, TOKYO, in_doubt, ipv4, near, plain, published, routed, skipped


def asked(verdicts: list[Verdict], *current: RecordSet, routing: str = "auto") -> Wanted:
    """Ask what a domain should show."""
    return wanted(DOMAIN, 60, routing, verdicts, current)


def addresses_of(found: Wanted) -> set[str]:
    """Give all addresses of all record sets."""
    return {str(address) for each in found.record_sets for address in each.addresses}


UP, DOWN = published("u", "5.0.0.9"), skipped("d", "5.0.0.8")
A, B, C = in_doubt("a", "5.0.0.1"), in_doubt("b", "5.0.0.2"), in_doubt("c", "5.0.0.3")


@pytest.mark.parametrize(
    ("verdicts", "current", "shown", "warning"),
    [
        pytest.param([A, UP], ["5.0.0.1", "5.0.0.9"], {"5.0.0.1", "5.0.0.9"}, "stays in: a", id="shown: stays"),
        pytest.param([A, UP], ["5.0.0.9"], {"5.0.0.9"}, "kept out: a", id="not shown: not added"),
        pytest.param([A, B, UP], ["5.0.0.1"], {"5.0.0.1", "5.0.0.9"}, "stays in: a; kept out: b", id="each its own"),
        pytest.param([A, B], ["5.0.0.1"], {"5.0.0.1"}, "stays in: a; kept out: b", id="one is shown, nobody else is"),
        pytest.param([A, B], [], {"5.0.0.1", "5.0.0.2"}, "stays in: a, b", id="nothing would be shown: all"),
        pytest.param(
            [A, B, DOWN], ["5.0.0.8"], {"5.0.0.1", "5.0.0.2"}, "stays in: a, b", id="only who is down is shown"
        ),
        pytest.param([A, B, C], ["5.0.0.2"], {"5.0.0.2"}, "stays in: b; kept out: a, c", id="all names"),
        pytest.param(
            [in_doubt("a", "5.0.0.1 5.0.0.2", certain="5.0.0.3")],
            ["5.0.0.1"],
            {"5.0.0.1", "5.0.0.3"},
            "stays in: a; kept out: a",
            id="addresses of one node",
        ),
        pytest.param(
            [in_doubt("a", "5.0.0.1 5.0.0.2"), UP], ["5.0.0.9"], {"5.0.0.9"}, "kept out: a", id="each node named once"
        ),
    ],
)
def test_what_is_in_doubt_is_left_as_it_is(
    verdicts: list[Verdict], current: list[str], shown: set[str], warning: str
) -> None:
    """What is in doubt stays where DNS shows it and is not added where it does not, unless nothing would be shown.

    A second failure does not bring the first dead node back, and nothing flaps. The warning names who stays in and
    who is kept out.
    """
    found = asked(verdicts, plain("A", *current)) if current else asked(verdicts)
    assert (addresses_of(found), found.warnings) == (shown, (f"too many; {warning}",))


def test_each_cause_is_a_warning_of_its_own() -> None:
    """Each cause is a warning of its own, and names its own nodes."""
    young = in_doubt("b", "5.0.0.2", cause="Ready for less than 60 s")
    found = asked([A, young, C, UP], plain("A", "5.0.0.1", "5.0.0.2"))
    assert found.warnings == ("too many; stays in: a; kept out: c", "Ready for less than 60 s; stays in: b")


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(near("A", TOKYO, "5.0.0.1"), id="at another place"),
        pytest.param(routed("A", "x", {"Weight": 0}, "5.0.0.1"), id="by somebody else"),
        pytest.param(plain("A", "5.0.0.1", ttl=5), id="with another TTL"),
    ],
)
def test_dns_is_the_memory_whatever_its_form(shown: RecordSet) -> None:
    """An address counts as shown whatever record set shows it; it goes on in the form that is wanted."""
    found = asked([in_doubt("a", "5.0.0.1", PARIS), published("u", "5.0.0.9", PARIS)], shown)
    assert found.record_sets == (near("A", PARIS, "5.0.0.1", "5.0.0.9"),)


def test_families_are_left_as_they_are_one_by_one() -> None:
    """Of a node in doubt with two families DNS may show one: that stays, the other stays out."""
    found = asked([in_doubt("a", "5.0.0.1 2600::1"), UP], plain("AAAA", "2600::1"))
    assert addresses_of(found) == {"2600::1", "5.0.0.9"}


def test_a_family_is_not_a_domain() -> None:
    """A type that would show nothing is no reason to add what is in doubt, while the domain shows something."""
    found = asked([in_doubt("a", "2600::1"), UP], plain("A", "5.0.0.9"))
    assert addresses_of(found) == {"5.0.0.9"}


def test_a_node_that_is_kept_out_is_skipped_and_does_not_count() -> None:
    """A node that is kept out is skipped with the reason, and does not count for --min-nodes."""
    found = asked([A, UP], plain("A", "5.0.0.9"))
    why = "silent; this is not believed, but DNS does not show the address: left out"
    assert found.verdicts == (Skipped("a", why, (ipv4(1),), None), UP)
    assert found.publishable == 1


def test_a_node_that_stays_in_is_published_and_counts() -> None:
    """A node that stays in is published like any other, and counts for --min-nodes."""
    found = asked([A, UP], plain("A", "5.0.0.1"))
    assert found.verdicts == (published("a", "5.0.0.1"), UP)
    assert found.publishable == 2
    assert not any(each.doubts for each in found.verdicts if isinstance(each, Published))


def test_an_address_in_doubt_that_another_node_has_for_certain_is_published() -> None:
    """An address that is in doubt of one node and certain of another is published by the other."""
    shared = in_doubt("a", "5.0.0.9")
    found = asked([shared, UP])
    assert addresses_of(found) == {"5.0.0.9"}


def test_a_second_look_changes_nothing() -> None:
    """What is left as it is stays so at every look: an empty domain that shows nodes in doubt does not flap."""
    first = asked([A, B])
    assert asked([A, B], *first.record_sets).record_sets == first.record_sets
    smaller = asked([A, B, UP], plain("A", "5.0.0.2"))
    assert asked([A, B, UP], *smaller.record_sets).record_sets == smaller.record_sets


def test_with_geoproximity_routing_a_node_without_a_place_shows_nothing() -> None:
    """With geoproximity routing the only node with a place is published while in doubt, where DNS shows nothing yet."""
    found = asked([in_doubt("a", "5.0.0.1", PARIS), UP], routing="geoproximity")
    assert addresses_of(found) == {"5.0.0.1"}
    assert found.warnings[0] == "too many; stays in: a"
