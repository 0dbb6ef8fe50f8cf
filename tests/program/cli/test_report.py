"""The result on standard output, in the contract's form."""

import json
from ipaddress import ip_address
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from jobs.annotate_once import AnnotateResult
from jobs.core.address import Found
from jobs.core.errors import ConfigurationError
from jobs.core.progress import Domain, Progress
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import api_form
from jobs.core.verdict import Published, Skipped, Withheld
from jobs.core.zones import Zone
from jobs.shell.annotate_report import annotate_document, annotate_text
from jobs.shell.report import as_json
from jobs.shell.sync_report import sync_document, sync_text
from tests.support.builders import DOMAIN, LIMA, PARIS, TOKYO, ipv4, near, plain

TOP = Zone("Z1", "example.com", private=False)
HELD = Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use")
UP = Published("a", (ipv4(1),), PARIS, (HELD,))
DOWN = Skipped("b", "cordoned", (ipv4(2),), None)
OLD, NEW = near("A", PARIS, "5.0.0.2"), near("A", PARIS, "5.0.0.1")
STAY = (near("A", TOKYO, "5.0.0.3"), near("A", LIMA, "5.0.0.4"))
CHANGED = Domain(DOMAIN, TOP, done=True, verdicts=(UP, DOWN), before=(OLD, *STAY), after=(NEW, *STAY))
UNCHANGED = Domain(DOMAIN, TOP, done=True, before=(OLD,), after=(OLD,))
REFUSED = Domain(DOMAIN, TOP, done=True, refusal="0 of 1 selected nodes", before=(OLD,), after=(NEW,))
FAILED = Domain(DOMAIN, done=True, error=ConfigurationError("no public hosted zone"))
WARNED = Domain(DOMAIN, TOP, done=True, warnings=("simple routing until",))


def of(*domains: Domain) -> Progress:
    """Give a run that has got so far with its domains."""
    progress = Progress([domain.name for domain in domains])
    for domain in domains:
        progress.note(**asdict(domain))
    return progress


def document(domain: Domain, *, dry_run: bool = False) -> dict[str, Any]:
    """Give what the document says of one domain."""
    [found] = sync_document(of(domain), dry_run=dry_run)["domains"]
    return dict(found)


def text(*domains: Domain, dry_run: bool = False) -> str:
    """Give the result for people."""
    return sync_text(of(*domains), dry_run=dry_run)


def test_sync_document() -> None:
    """The document has the members that the contract promises."""
    assert sync_document(of(CHANGED), dry_run=False) == {
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
                    {"action": "DELETE", "record_set": api_form(OLD)},
                    {"action": "CREATE", "record_set": api_form(NEW)},
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


def test_all_record_sets_that_go_stand_before_those_that_come() -> None:
    """Changes are in the order in which Route 53 takes them: every DELETE, then every CREATE."""
    moved = replace(CHANGED, after=(near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.5")))
    assert [each["action"] for each in document(moved)["changes"]] == ["DELETE", "DELETE", "DELETE", "CREATE", "CREATE"]


def test_changes_are_the_difference_between_the_first_look_and_the_last() -> None:
    """A record set that the run has written, and that then is as it was before, is not a change."""
    back = replace(CHANGED, after=CHANGED.before, writes=2, change_ids=("C1", "C2"))
    assert (document(back)["changes"], document(back)["status"]) == ([], "unchanged")


def test_a_set_of_our_own_making_is_in_the_form_of_the_aws_api() -> None:
    """What a dry run would create is shown as Route 53 would take it."""
    ours = RecordSet(DOMAIN, "A", (ipv4(1),), 60)
    assert document(replace(UNCHANGED, before=(), after=(ours,)), dry_run=True)["changes"] == [
        {"action": "CREATE", "record_set": api_form(plain("A", "5.0.0.1"))}
    ]


def test_document_of_a_domain_without_zone() -> None:
    """A failure before the zone is found has the same shape as all others."""
    assert sync_document(of(FAILED), dry_run=True) == {
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
    ("domain", "dry_run", "status"),
    [
        pytest.param(UNCHANGED, False, "unchanged", id="unchanged"),
        pytest.param(UNCHANGED, True, "unchanged", id="unchanged, dry run"),
        pytest.param(CHANGED, False, "changed", id="changed"),
        pytest.param(CHANGED, True, "would change", id="would change"),
        pytest.param(REFUSED, False, "refused", id="refused, even if something was added"),
        pytest.param(REFUSED, True, "refused", id="refused, dry run"),
        pytest.param(FAILED, False, "failed", id="failed"),
        pytest.param(replace(CHANGED, error=ConfigurationError("x")), False, "failed", id="failed after a change"),
        pytest.param(replace(REFUSED, error=ConfigurationError("x")), False, "failed", id="failed after a refusal"),
    ],
)
def test_status_of_a_domain(domain: Domain, status: str, *, dry_run: bool) -> None:
    """A domain's status says how it ended: failed counts before refused, that before any change."""
    assert document(domain, dry_run=dry_run)["status"] == status


@pytest.mark.parametrize(
    ("domains", "status"),
    [
        pytest.param([CHANGED], 0, id="done"),
        pytest.param([CHANGED, replace(REFUSED, name="a.example")], 3, id="one refused"),
        pytest.param([REFUSED, replace(FAILED, name="a.example")], 2, id="one misconfigured"),
    ],
)
def test_status_of_the_document(domains: list[Domain], status: int) -> None:
    """The document's status is the exit status of the run, the worst of its domains."""
    assert sync_document(of(*domains), dry_run=False)["status"] == status


def test_a_refusal_is_the_error() -> None:
    """The error of a domain that --min-nodes refuses says why."""
    assert document(REFUSED)["error"] == "0 of 1 selected nodes"


def test_an_error_counts_before_a_refusal() -> None:
    """Of a domain that was refused and then failed, the error is the failure."""
    assert document(replace(REFUSED, error=ConfigurationError("denied")))["error"] == "denied"


def test_warnings_are_in_the_document() -> None:
    """Programs get a domain's warnings too."""
    assert document(WARNED)["warnings"] == ["simple routing until"]


def test_domains_stand_in_the_order_given() -> None:
    """Domains are in the order in which they were given."""
    progress = Progress(["b.example", "a.example"])
    assert [each["name"] for each in sync_document(progress, dry_run=False)["domains"]] == ["b.example", "a.example"]


def test_document_as_json() -> None:
    """The document is written as one JSON document."""
    found = sync_document(of(CHANGED), dry_run=False)
    assert json.loads(as_json(found)) == found


def test_json_is_written_for_people_too() -> None:
    """JSON has a member on each line."""
    assert as_json({"status": 0}) == '{\n  "status": 0\n}\n'


def test_sync_text() -> None:
    """The text has a diff, each address with its nodes and the reason why it leaves, and a table of nodes."""
    assert text(CHANGED).splitlines() == [
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


def test_several_addresses_of_a_node_in_the_table() -> None:
    """Several addresses of a node, and several reasons, stand apart."""
    node = Published("a", (ipv4(1), ipv4(2)), None, (HELD, Withheld(ipv4(9), "dead")))
    found = text(Domain(DOMAIN, TOP, verdicts=(node,)))
    assert "  5.0.0.1 5.0.0.2  " in found
    assert "  10.0.0.1: not globally reachable: Private-Use; 5.0.0.9: dead\n" in found


def test_text_of_a_skipped_node_with_withheld_addresses() -> None:
    """The table shows a skipped node's own reason, then those of its withheld addresses."""
    node = Skipped("a", "no globally reachable address", (), None, (HELD,))
    found = text(Domain(DOMAIN, TOP, verdicts=(node,)))
    assert "no globally reachable address; 10.0.0.1: not globally reachable: Private-Use" in found


def test_text_of_a_dry_run() -> None:
    """The heading of a dry run says that it is one."""
    assert text(CHANGED, dry_run=True).startswith("cdn.example.com · zone Z1 · would change · dry run\n")


def test_text_of_an_unchanged_domain() -> None:
    """A domain with nothing to do says how many record sets were looked at."""
    assert text(UNCHANGED) == "cdn.example.com · zone Z1 · unchanged\n  1 record set unchanged\n"


def test_text_of_a_change_without_addresses() -> None:
    """A change of the TTL alone is shown, without addresses."""
    domain = Domain(DOMAIN, TOP, before=(plain("A", "5.0.0.1"),), after=(plain("A", "5.0.0.1", ttl=5),))
    assert "  ~ A simple  ttl 60 -> 5\n  0 record sets unchanged\n" in text(domain)


@pytest.mark.parametrize(
    ("domain", "line"),
    [
        pytest.param(FAILED, "  error: no public hosted zone", id="error"),
        pytest.param(REFUSED, "  refused: 0 of 1 selected nodes", id="refusal"),
        pytest.param(WARNED, "  warning: simple routing until", id="warning"),
    ],
)
def test_the_text_has_the_content_of_the_document(domain: Domain, line: str) -> None:
    """The text has the errors, refusals and warnings too, for a person who keeps the result but not the log."""
    assert line in text(domain).splitlines()


def test_somebody_elses_words_stay_on_their_line() -> None:
    """Words of Route 53 or the cluster are folded into one line, and cannot look like a record set or a node."""
    domain = Domain(DOMAIN, done=True, error=ConfigurationError("one\ntwo\x9b"), warnings=("three\nfour",))
    assert text(domain) == "cdn.example.com · failed\n  warning: three four\n  error: one two\n"


def test_text_of_a_failed_domain_counts_nothing() -> None:
    """A failed domain does not say how many record sets are unchanged: they may not have been read."""
    assert "unchanged" not in text(FAILED)


def test_text_of_a_domain_that_failed_after_a_change_shows_it() -> None:
    """What was changed before the failure is shown."""
    found = text(replace(CHANGED, error=ConfigurationError("denied")))
    assert "\n      + 5.0.0.1  a\n" in found


def test_text_of_several_domains() -> None:
    """A blank line stands between two domains."""
    found = text(UNCHANGED, Domain("a.example", TOP))
    assert "\n\na.example · zone Z1 · unchanged\n" in found


FOUND = (
    Found(ipv4(1), "eth0"),
    Found(ipv4(2), source="aws"),
    Found(ip_address("10.0.0.1"), "eth1", "not globally reachable: Private-Use"),
)


def test_annotate_document() -> None:
    """The document has the members that the contract promises."""
    assert annotate_document(AnnotateResult("a", changed=True, found=FOUND), dry_run=False, status=0) == {
        "dry_run": False,
        "status": 0,
        "node": "a",
        "changed": True,
        "addresses": [
            {"address": "5.0.0.1", "interface": "eth0", "source": "interface"},
            {"address": "5.0.0.2", "interface": None, "source": "aws"},
        ],
        "left_out": [
            {
                "address": "10.0.0.1",
                "interface": "eth1",
                "source": "interface",
                "reason": "not globally reachable: Private-Use",
            },
        ],
    }


def test_annotate_text() -> None:
    """The text has a table of addresses: where each was found, which is taken, and why another is not."""
    found = annotate_text(AnnotateResult("a", changed=True, found=FOUND), dry_run=False, status=0)
    assert found.splitlines() == [
        "a · changed",
        "",
        "ADDRESS   SOURCE          PUBLIC  REASON",
        "5.0.0.1   interface eth0  yes",
        "5.0.0.2   aws             yes",
        "10.0.0.1  interface eth1  no      not globally reachable: Private-Use",
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
    """The heading names the node, and says what became of its annotations."""
    assert annotate_text(result, dry_run=dry_run, status=status).splitlines()[0] == heading
