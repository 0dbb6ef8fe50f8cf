"""Whatever stands in the zone: sync-once does what its dry run says, to the letter, or refuses with a reason."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from jobs.core.errors import DONE, MISCONFIGURED, REFUSED
from jobs.core.min_nodes import MinNodes
from jobs.core.progress import Domain
from jobs.core.verdict import Published
from tests.proofs.fuzz.site import Site
from tests.proofs.fuzz.values import Draw, examples
from tests.proofs.fuzz.zones import DOMAINS, contents, fill, is_own
from tests.sandbox.kubernetes import node
from tests.sandbox.world import PREFIX
from tests.support.builders import evidence_settings, ipv4, ipv6, place, request
from tests.support.strategies import Raw

Nodes = Sequence[tuple[str, str | None, bool]]
"""Of each node its addresses, its place, and whether it is cordoned."""


@st.composite
def nodes(draw: Draw) -> Nodes:
    """Draw a few nodes, with or without a place."""
    everywhere = draw(st.booleans())
    found = []
    for number in range(draw(st.integers(0, 4))):
        addresses = [str(make(number)) for make in (ipv4, ipv6) if draw(st.booleans())]
        at = str(place(number % 3)) if everywhere or draw(st.booleans()) else None
        found.append((",".join(addresses), at, draw(st.integers(0, 3)) == 0))
    return found


def settle(site: Site, found: Nodes) -> None:
    """Let the cluster have these nodes."""
    for number, (addresses, at, cordoned) in enumerate(found):
        own = {"node-ips": addresses, "aws-geoproximity-coordinates": at}
        annotations = {PREFIX + key: value for key, value in own.items() if value is not None}
        site.world.kubernetes.put(node(f"n{number}", annotations=annotations, cordoned=cordoned))


def zones(domain: str) -> st.SearchStrategy[tuple[str, Sequence[Raw]]]:
    """Draw what stands at a domain, with the domain."""
    return contents(domain).map(lambda found: (domain, found))


guards = st.sampled_from([MinNodes(0), MinNodes(1), MinNodes(3), MinNodes(100, percent=True)])


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a zone of any size
@examples(0.6)
@given(st.sampled_from(DOMAINS).flatmap(zones), nodes(), guards)
def test_a_zone_of_anybody(site: Site, drawn: tuple[str, Sequence[Raw]], found: Nodes, guard: MinNodes) -> None:
    """In a zone of anybody's record sets the domain ends as wanted, or as it was with an error, and all others stay."""
    domain, raws = drawn
    site.renew()
    settle(site, found)
    zone_id = site.world.route53.zone("example.com")
    fill(site.world.route53, zone_id, raws)
    before = site.contents(zone_id)
    asked = request((domain,), min_nodes=guard, evidence_settings=evidence_settings(0))
    result = site.run_as_announced(asked)[domain]
    after = site.contents(zone_id)
    assert _others(after, domain) == _others(before, domain)
    event(f"exit status {result.exit_status}")
    if result.exit_status == MISCONFIGURED:
        assert after == before
        assert any(words in str(result.error) for words in ("CNAME", "NS records delegate", "too large"))
        return
    assert result.exit_status in (DONE, REFUSED)
    assert result.error is None
    _check_shown(result, [raw for raw in after if is_own(raw, [domain])], before)
    assert site.run(asked)[domain].difference.changes == ()


def _others(found: Sequence[Raw], domain: str) -> list[Raw]:
    return [raw for raw in found if not is_own(raw, [domain])]


def _check_shown(result: Domain, shown: Sequence[dict[str, Any]], before: Sequence[Raw]) -> None:
    """Hold what the name answers to what the run calls published; refused, it keeps what it had before."""
    answers = {record["Value"].lower() for raw in shown for record in raw.get("ResourceRecords", ())}
    published = {
        str(each) for verdict in result.verdicts if isinstance(verdict, Published) for each in verdict.addresses
    }
    if result.refusal:
        assert published <= answers
        assert len(shown) >= len([raw for raw in before if is_own(raw, [result.name])])
    else:
        assert published == answers
