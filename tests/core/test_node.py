"""What a node's own facts say: publishable, or skipped with the first reason found."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from jobs.core.annotations import COORDINATES, NODE_IPS
from jobs.core.node import Condition, Node, assess
from jobs.core.verdict import Published, Skipped, Withheld
from tests.support.builders import NODE, PARIS, ipv4, ipv6


def reason(node: Node) -> str:
    """Give the reason for which a node is skipped."""
    verdict = assess(node)
    assert isinstance(verdict, Skipped)
    return verdict.reason


def test_a_node_that_can_serve() -> None:
    """A node that can serve is published with its address."""
    assert assess(NODE) == Published("node-1", (ipv4(1),), None)


@pytest.mark.parametrize(
    ("node", "why"),
    [
        pytest.param(
            replace(NODE, ready=None, unreadable="a time of the year 0"),
            "its Node object cannot be read: a time of the year 0",
            id="unreadable",
        ),
        pytest.param(replace(NODE, deleting=True), "being deleted", id="being deleted"),
        pytest.param(replace(NODE, cordoned=True), "cordoned", id="cordoned"),
        pytest.param(replace(NODE, ready=None), "not ready: it has no Ready condition", id="no Ready condition"),
        pytest.param(replace(NODE, ready=Condition("False", "disk full")), "not ready: disk full", id="not ready"),
        pytest.param(replace(NODE, ready=Condition("Unknown", "")), "not ready: Ready is Unknown", id="unknown"),
        pytest.param(replace(NODE, ready=Condition("true", "")), "not ready: Ready is true", id="not quite True"),
        pytest.param(replace(NODE, ready=Condition("N\x1bo", "")), "not ready: Ready is No", id="an odd status"),
        pytest.param(replace(NODE, ready=Condition("False", "a\nb")), "not ready: a b", id="message on one line"),
        pytest.param(replace(NODE, ready=Condition("False", "\n")), "not ready: Ready is False", id="blank message"),
        pytest.param(
            replace(NODE, boot_id="boot-2"),
            "rebooted since its addresses were found: annotate-once has not run there yet",
            id="rebooted",
        ),
        pytest.param(
            replace(NODE, node_ips=None),
            f"no annotation {NODE_IPS}: annotate-once has not run there",
            id="never looked",
        ),
        pytest.param(
            replace(NODE, node_ips=""), "no address: annotate-once found none on its interfaces", id="found none"
        ),
        pytest.param(
            replace(NODE, node_ips="pending"),
            f"annotation {NODE_IPS} is no list of addresses: 'pending'",
            id="no list of addresses",
        ),
        pytest.param(replace(NODE, node_ips="10.0.0.1"), "no globally reachable address", id="private"),
        pytest.param(
            replace(NODE, coordinates="91,0"),
            f"annotation {COORDINATES}: latitude '91' is not between -90 and 90",
            id="bad coordinates",
        ),
        pytest.param(
            replace(NODE, coordinates=""),
            f"annotation {COORDINATES}: '' is not <latitude>,<longitude>",
            id="empty coordinates",
        ),
    ],
)
def test_why_a_node_is_skipped(node: Node, why: str) -> None:
    """A node that cannot serve is skipped, and its reason says why."""
    assert reason(node) == why


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(replace(NODE, boot_id="", annotated_boot_id="boot-1"), id="kubelet tells none"),
        pytest.param(replace(NODE, boot_id="boot-1", annotated_boot_id=""), id="annotated by hand"),
        pytest.param(replace(NODE, boot_id="", annotated_boot_id=""), id="neither"),
    ],
)
def test_an_absent_boot_id_is_not_checked(node: Node) -> None:
    """A boot id that is absent or empty is not checked."""
    assert isinstance(assess(node), Published)


def test_a_skipped_node_keeps_what_it_would_bring() -> None:
    """A skipped node keeps its addresses and its place, so that the report can say whose address leaves DNS."""
    node = replace(NODE, cordoned=True, node_ips="5.0.0.1,10.0.0.1", coordinates="48.86,2.35")
    private = Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use")
    assert assess(node) == Skipped("node-1", "cordoned", (ipv4(1),), PARIS, (private,))


def test_private_addresses_are_withheld() -> None:
    """Addresses that are not globally reachable are withheld with that reason."""
    verdict = assess(replace(NODE, node_ips="10.0.0.1,5.0.0.1"))
    assert verdict.addresses == (ipv4(1),)
    assert verdict.withheld == (Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use"),)


def test_eight_addresses_per_node_and_family() -> None:
    """The first 8 addresses per node and family are published, the others withheld."""
    addresses = [*map(ipv4, range(9)), *map(ipv6, range(10))]
    verdict = assess(replace(NODE, node_ips=",".join(map(str, addresses))))
    assert verdict.addresses == (*map(ipv4, range(8)), *map(ipv6, range(8)))
    assert verdict.withheld == (
        Withheld(ipv4(8), "over the limit of 8 IPv4 addresses per node"),
        Withheld(ipv6(8), "over the limit of 8 IPv6 addresses per node"),
        Withheld(ipv6(9), "over the limit of 8 IPv6 addresses per node"),
    )


def test_private_addresses_take_no_room() -> None:
    """Addresses that are withheld do not count towards the 8."""
    private = [f"10.0.0.{number}" for number in range(8)]
    assert assess(replace(NODE, node_ips=",".join([*private, "5.0.0.1"]))).addresses == (ipv4(1),)
