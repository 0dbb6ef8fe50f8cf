"""What a run tells on standard output, in the contract's form."""

import json
from dataclasses import replace
from ipaddress import ip_address

import pytest

from jobs.annotate_once import AnnotateResult
from jobs.core.errors import ConfigurationError
from jobs.core.model import Published, Skipped, Withheld
from jobs.core.plan import Change
from jobs.core.progress import Outcome
from jobs.core.zones import Zone
from jobs.edges.interfaces import InterfaceAddress
from jobs.shell.report import annotate_document, annotate_text, as_json, sync_document, sync_text
from tests.support.builders import DOMAIN, PARIS, ipv4, near, plain

TOP = Zone("Z1", "example.com", private=False)
HELD = Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use")
UP = Published("a", (ipv4(1),), PARIS, (HELD,))
DOWN = Skipped("b", "cordoned", (ipv4(2),), None)
OLD, NEW = near("A", PARIS, "5.0.0.2"), near("A", PARIS, "5.0.0.1")
CHANGED = Outcome(DOMAIN, TOP, settled=True, verdicts=(UP, DOWN), changes=(Change(OLD, NEW),), unchanged=2)
UNCHANGED = Outcome(DOMAIN, TOP, settled=True, unchanged=1)
REFUSED = Outcome(DOMAIN, TOP, settled=True, refusal="0 of 1 selected nodes", changes=(Change(OLD, NEW),))
FAILED = Outcome(DOMAIN, settled=True, error=ConfigurationError("no public hosted zone"))
WARNED = Outcome(DOMAIN, TOP, settled=True, warnings=("simple routing until",))


def test_sync_document() -> None:
    """A program that reads the result would not find what the contract promises."""
    assert sync_document({DOMAIN: CHANGED}, dry_run=False, status=0) == {
        "dry_run": False,
        "status": 0,
        "domains": [
            {
                "name": "cdn.example.com",
                "zone_id": "Z1",
                "status": "changed",
                "error": None,
                "warnings": [],
                "changes": [
                    {"action": "DELETE", "record_set": OLD.raw},
                    {"action": "CREATE", "record_set": NEW.raw},
                ],
                "nodes": [
                    {
                        "name": "a",
                        "published": True,
                        "reason": None,
                        "addresses": [
                            {"address": "5.0.0.1", "published": True, "reason": None},
                            {
                                "address": "10.0.0.1",
                                "published": False,
                                "reason": "not globally reachable: Private-Use",
                            },
                        ],
                        "coordinates": "48.86,2.35",
                    },
                    {
                        "name": "b",
                        "published": False,
                        "reason": "cordoned",
                        "addresses": [{"address": "5.0.0.2", "published": False, "reason": "cordoned"}],
                        "coordinates": None,
                    },
                ],
            }
        ],
    }


def test_changes_stand_in_the_order_in_which_they_were_made() -> None:
    """Whoever follows a run that wrote twice would see record sets created that stand already."""
    last = near("A", PARIS, "5.0.0.1", "5.0.0.3")
    twice = replace(CHANGED, changes=(Change(OLD, NEW), Change(NEW, last)))
    (domain,) = sync_document({DOMAIN: twice}, dry_run=False, status=0)["domains"]
    told = [(each["action"], each["record_set"]) for each in domain["changes"]]
    assert told == [("DELETE", OLD.raw), ("CREATE", NEW.raw), ("DELETE", NEW.raw), ("CREATE", last.raw)]


def test_document_of_a_domain_without_zone() -> None:
    """A failure before the zone is found would have another shape than all others."""
    assert sync_document({DOMAIN: FAILED}, dry_run=True, status=2) == {
        "dry_run": True,
        "status": 2,
        "domains": [
            {
                "name": "cdn.example.com",
                "zone_id": None,
                "status": "failed",
                "error": "no public hosted zone",
                "warnings": [],
                "changes": [],
                "nodes": [],
            }
        ],
    }


@pytest.mark.parametrize(
    ("outcome", "dry_run", "status"),
    [
        pytest.param(UNCHANGED, False, "unchanged", id="unchanged"),
        pytest.param(UNCHANGED, True, "unchanged", id="unchanged, dry run"),
        pytest.param(CHANGED, False, "changed", id="changed"),
        pytest.param(CHANGED, True, "would change", id="would change"),
        pytest.param(REFUSED, False, "refused", id="refused, even if something was added"),
        pytest.param(REFUSED, True, "refused", id="refused, dry run"),
        pytest.param(FAILED, False, "failed", id="failed"),
    ],
)
def test_status_of_a_domain(outcome: Outcome, status: str, *, dry_run: bool) -> None:
    """An alert on the status would fire wrongly, or never."""
    [domain] = sync_document({DOMAIN: outcome}, dry_run=dry_run, status=0)["domains"]
    assert domain["status"] == status


def test_a_refusal_is_told_as_the_error() -> None:
    """Nobody would learn why a run ended with 3."""
    [domain] = sync_document({DOMAIN: REFUSED}, dry_run=False, status=3)["domains"]
    assert domain["error"] == "0 of 1 selected nodes"


def test_warnings_are_told() -> None:
    """The nodes that keep geoproximity from starting would stay unknown to programs."""
    [domain] = sync_document({DOMAIN: WARNED}, dry_run=False, status=0)["domains"]
    assert domain["warnings"] == ["simple routing until"]


def test_domains_stand_in_the_order_given() -> None:
    """A reader would look for a domain in the wrong place."""
    outcomes = {name: Outcome(name) for name in ("b.example", "a.example")}
    assert [each["name"] for each in sync_document(outcomes, dry_run=False, status=0)["domains"]] == [
        "b.example",
        "a.example",
    ]


def test_document_as_json() -> None:
    """Standard output would not be one JSON document."""
    document = sync_document({DOMAIN: CHANGED}, dry_run=False, status=0)
    assert json.loads(as_json(document)) == document


def test_json_is_written_for_people_too() -> None:
    """A person would get one endless line."""
    assert as_json({"status": 0}) == '{\n  "status": 0\n}\n'


def test_several_addresses_of_a_node_in_the_table() -> None:
    """Two addresses, or two reasons, would be read as one."""
    held = (HELD, Withheld(ipv4(9), "dead"))
    node = Published("a", (ipv4(1), ipv4(2)), None, held)
    text = sync_text({DOMAIN: Outcome(DOMAIN, TOP, verdicts=(node,))}, dry_run=False)
    assert "  5.0.0.1 5.0.0.2  " in text
    assert "  10.0.0.1: not globally reachable: Private-Use; 5.0.0.9: dead\n" in text


def test_sync_text() -> None:
    """A person would not see which address enters or leaves, with which node, and why."""
    assert sync_text({DOMAIN: CHANGED}, dry_run=False).splitlines() == [
        "cdn.example.com · zone Z1 · changed",
        "  ~ A geoproximity 48.86,2.35  ttl 60",
        "      + 5.0.0.1  a",
        "      - 5.0.0.2  b: cordoned",
        "  2 record sets unchanged",
        "",
        "NODE  PUBLISHED  ADDRESSES  COORDINATES  REASON",
        "a     yes        5.0.0.1    48.86,2.35   10.0.0.1: not globally reachable: Private-Use",
        "b     no         5.0.0.2                 cordoned",
    ]


def test_text_of_a_skipped_node_with_withheld_addresses() -> None:
    """The reasons of single addresses would be hidden behind the node's."""
    node = Skipped("a", "no globally reachable address", (), None, (HELD,))
    text = sync_text({DOMAIN: Outcome(DOMAIN, TOP, verdicts=(node,))}, dry_run=False)
    assert "no globally reachable address; 10.0.0.1: not globally reachable: Private-Use" in text


def test_text_of_a_dry_run() -> None:
    """A dry run would look like a real one."""
    assert sync_text({DOMAIN: CHANGED}, dry_run=True).startswith("cdn.example.com · zone Z1 · would change · dry run\n")


def test_text_of_an_unchanged_domain() -> None:
    """A reader could not tell nothing to do from nothing looked at."""
    assert sync_text({DOMAIN: UNCHANGED}, dry_run=False) == (
        "cdn.example.com · zone Z1 · unchanged\n  1 record set unchanged\n"
    )


def test_text_of_a_change_without_addresses() -> None:
    """A change of the TTL would not be shown, or break the table."""
    outcome = Outcome(DOMAIN, TOP, changes=(Change(plain("A", "5.0.0.1"), plain("A", "5.0.0.1", ttl=5)),))
    assert "  ~ A simple  ttl 60 -> 5\n  0 record sets unchanged\n" in sync_text({DOMAIN: outcome}, dry_run=False)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        pytest.param(FAILED, "no public hosted zone", id="error"),
        pytest.param(REFUSED, "0 of 1 selected nodes", id="refusal"),
        pytest.param(WARNED, "simple routing until", id="warning"),
    ],
)
def test_the_text_has_the_content_of_the_document(outcome: Outcome, words: str) -> None:
    """A person who keeps the result but not the log would miss what programs are told."""
    assert words in sync_text({DOMAIN: outcome}, dry_run=False)


def test_somebody_elses_words_stay_on_their_line() -> None:
    """What Route 53 says in two lines would look like a record set, a node or a domain of the result."""
    outcome = Outcome(DOMAIN, settled=True, error=ConfigurationError("one\ntwo\x9b"), warnings=("three\nfour",))
    text = sync_text({DOMAIN: outcome}, dry_run=False)
    assert text == "cdn.example.com · failed\n  warning: three four\n  error: one two\n"


def test_text_of_a_failed_domain_counts_nothing() -> None:
    """A failure would claim that there are no records."""
    assert "unchanged" not in sync_text({DOMAIN: FAILED}, dry_run=False)


def test_text_of_several_domains() -> None:
    """Two domains would run into each other."""
    text = sync_text({DOMAIN: UNCHANGED, "a.example": Outcome("a.example", TOP)}, dry_run=False)
    assert "\n\na.example · zone Z1 · unchanged\n" in text


FOUND = (
    InterfaceAddress(ipv4(1), "eth0"),
    InterfaceAddress(ip_address("10.0.0.1"), "eth1", "not globally reachable: Private-Use"),
)


def test_annotate_document() -> None:
    """A program that reads the result would not find what the contract promises."""
    assert annotate_document(AnnotateResult("a", changed=True, found=FOUND), dry_run=False, status=0) == {
        "dry_run": False,
        "status": 0,
        "node": "a",
        "changed": True,
        "addresses": [{"address": "5.0.0.1", "interface": "eth0"}],
        "left_out": [
            {"address": "10.0.0.1", "interface": "eth1", "reason": "not globally reachable: Private-Use"},
        ],
    }


def test_annotate_text() -> None:
    """A person would not see which address is taken, and why another is not."""
    text = annotate_text(AnnotateResult("a", changed=True, found=FOUND), dry_run=False, status=0)
    assert text.splitlines() == [
        "a · changed",
        "",
        "ADDRESS   INTERFACE  PUBLIC  REASON",
        "5.0.0.1   eth0       yes",
        "10.0.0.1  eth1       no      not globally reachable: Private-Use",
    ]


@pytest.mark.parametrize(
    ("result", "dry_run", "status", "heading"),
    [
        pytest.param(AnnotateResult("a", changed=True, found=()), False, 0, "a · changed", id="changed"),
        pytest.param(AnnotateResult("a", changed=False, found=()), False, 0, "a · unchanged", id="unchanged"),
        pytest.param(AnnotateResult("a", changed=False, found=()), True, 0, "a · dry run", id="dry run"),
        pytest.param(AnnotateResult(None, changed=False, found=()), True, 0, "this machine · dry run", id="no cluster"),
        pytest.param(AnnotateResult("a", changed=False, found=()), False, 1, "a · failed", id="failed"),
    ],
)
def test_annotate_heading(result: AnnotateResult, status: int, heading: str, *, dry_run: bool) -> None:
    """A run that failed would look like one that had nothing to do."""
    assert annotate_text(result, dry_run=dry_run, status=status).splitlines()[0] == heading
