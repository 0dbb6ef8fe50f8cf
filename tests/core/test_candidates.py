"""Which nodes are candidates by what is certain, and which of their addresses are probed."""

from typing import Any

import pytest
from msgspec.structs import replace

from jobs.core.candidates import by_facts, probe_targets
from jobs.core.node import Node, NodeList, Rules
from jobs.core.probe import Probe
from jobs.core.signs import Signs
from tests.support.builders import NODE, evidence_settings, ipv4, ipv6
from tests.support.judging import HTTPS, NOW, TCP, having, unknown

TWO = having(NODE, ipv4(1), ipv6(1))
SERVICE = "default/ingress"


@pytest.mark.parametrize(
    ("node", "signs", "probes"),
    [
        pytest.param(TWO, {}, [TCP, HTTPS], id="it stands"),
        pytest.param(unknown(TWO, 1), {}, [TCP, HTTPS], id="Unknown for a moment: it stands still"),
        pytest.param(unknown(TWO, 60), {}, [HTTPS], id="Unknown for long"),
        pytest.param(
            TWO, {"serving": {SERVICE: frozenset({"another"})}}, [HTTPS], id="without a ready endpoint of a Service"
        ),
        pytest.param(replace(TWO, cordoned=True), {}, [], id="cordoned"),
    ],
)
def test_which_addresses_are_probed(node: Node, signs: dict[str, Any], probes: list[str]) -> None:
    """Every probe asks each address of a node that stands; of others only what could acquit it is asked."""
    asked = replace(evidence_settings(), probes=tuple(map(Probe.parse, (TCP, HTTPS))))
    judged = by_facts(NodeList((node,), NOW, "1"), Signs(**signs), asked, Rules())
    expected = [(address, Probe.parse(probe)) for address in (ipv4(1), ipv6(1)) for probe in probes]
    assert list(probe_targets(judged, asked)) == expected
