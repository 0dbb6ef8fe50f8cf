"""What a node's own facts say: publishable, or skipped with the first reason found."""

from ipaddress import ip_address, ip_network

import pytest
from msgspec.structs import replace

from jobs.core.annotations import NODE_IPS
from jobs.core.assessment import ENDING_TAINTS, assess
from jobs.core.node import Condition, Node, Rules
from jobs.core.verdict import Published, Skipped, Withheld
from tests.support.builders import NODE, PARIS, ipv4, ipv6


def reason(node: Node, rules: Rules | None = None) -> str:
    """Give the reason for which a node is skipped."""
    verdict = assess(node, rules or Rules())
    assert isinstance(verdict, Skipped)
    return verdict.reason


def test_a_node_that_can_serve() -> None:
    """A node that can serve is published with its address."""
    assert assess(NODE, Rules()) == Published("node-1", (ipv4(1),), None)


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
        pytest.param(
            replace(NODE, unreadable="bad time"), "its Node object cannot be read: bad time", id="an unreadable object"
        ),
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
        pytest.param(replace(NODE, node_ips=""), "no address: annotate-once found none", id="found none"),
        pytest.param(
            replace(NODE, node_ips="pending"),
            f"annotation {NODE_IPS} is not a list of addresses: 'pending'",
            id="not a list of addresses",
        ),
        pytest.param(replace(NODE, node_ips="10.0.0.1"), "no address to publish", id="private"),
        pytest.param(
            replace(NODE, deleting=True, cordoned=True, ready=None, node_ips=None), "being deleted", id="deleted first"
        ),
        pytest.param(replace(NODE, ready=None, node_ips=""), "not ready: it has no Ready condition", id="then ready"),
    ],
)
def test_why_a_node_is_skipped(node: Node, why: str) -> None:
    """A node that cannot serve is skipped, and its reason says why."""
    assert reason(node) == why


@pytest.mark.parametrize(
    ("taint", "why"),
    [
        pytest.param(
            "ToBeDeletedByClusterAutoscaler", "the cluster autoscaler is about to remove it", id="cluster autoscaler"
        ),
        pytest.param("karpenter.sh/disrupted", "Karpenter is about to remove it", id="Karpenter"),
        pytest.param("aws-node-termination-handler/spot-itn", "AWS is about to end its instance", id="AWS, spot"),
        pytest.param("aws-node-termination-handler/asg", "AWS is about to end its instance", id="AWS, scale-in"),
        pytest.param(
            "cloud.google.com/impending-node-termination", "Google Cloud is about to end its instance", id="Google"
        ),
        pytest.param("node.cloudprovider.kubernetes.io/shutdown", "its instance is shut down", id="shut down"),
        pytest.param("node.kubernetes.io/out-of-service", "it is marked as out of service", id="out of service"),
    ],
)
def test_taints_that_announce_a_nodes_end(taint: str, why: str) -> None:
    """A node whose taint announces its end is skipped as one that is about to go."""
    verdict = assess(replace(NODE, taints=("other", taint)), Rules())
    assert verdict == Skipped(
        "node-1", f"being removed: {why} (taint {taint})", (ipv4(1),), None, is_ending=True, is_deleted=False
    )


def test_every_taint_has_a_test() -> None:
    """No other taint announces a node's end. Whoever adds one says above what it means."""
    assert len(ENDING_TAINTS) == 6


@pytest.mark.parametrize(
    "taint",
    [
        "node.kubernetes.io/not-ready",
        "DeletionCandidateOfClusterAutoscaler",
        "karpenter.sh/disrupted-soon",
        "aws-node-termination-handler",
        "node-role.kubernetes.io/control-plane",
        "",
    ],
)
def test_other_taints_do_not_matter(taint: str) -> None:
    """Any other taint says nothing about the node's end."""
    assert isinstance(assess(replace(NODE, taints=(taint,)), Rules()), Published)


@pytest.mark.parametrize(
    ("pattern", "taint", "is_out"),
    [
        pytest.param("example.com/drain", "example.com/drain", True, id="the key"),
        pytest.param("example.com/drain", "example.com/drain-soon", False, id="not a prefix"),
        pytest.param("example.com/*", "example.com/drain", True, id="a prefix"),
        pytest.param("example.com/*", "example.org/drain", False, id="another prefix"),
        pytest.param("*", "anything", True, id="any taint"),
        pytest.param("ex*mple", "example", False, id="a star is one at the end only"),
    ],
)
def test_excluded_taints(pattern: str, taint: str, *, is_out: bool) -> None:
    """--exclude-taint skips nodes with that taint, as nodes that are about to go."""
    verdict = assess(replace(NODE, taints=(taint,)), Rules(excluded_taints=("other", pattern)))
    why = f"excluded by its taint {taint} (--exclude-taint {pattern})"
    assert verdict == (Skipped("node-1", why, (ipv4(1),), None, is_ending=True) if is_out else assess(NODE, Rules()))


@pytest.mark.parametrize(
    ("node", "is_ending", "is_deleted"),
    [
        pytest.param(replace(NODE, deleting=True), True, True, id="deletion timestamp"),
        pytest.param(replace(NODE, taints=("karpenter.sh/disrupted",)), True, False, id="taint"),
        pytest.param(replace(NODE, cordoned=True), False, False, id="another reason"),
        pytest.param(
            replace(NODE, taints=("karpenter.sh/disrupted",), deleting=True, ready=None), True, True, id="all of them"
        ),
    ],
)
def test_who_is_about_to_go(node: Node, *, is_ending: bool, is_deleted: bool) -> None:
    """A skipped node is known as about to go, and as being deleted, whatever else it is skipped for."""
    verdict = assess(node, Rules())
    assert isinstance(verdict, Skipped)
    assert (verdict.is_ending, verdict.is_deleted) == (is_ending, is_deleted)


def test_cordoned_nodes_may_serve_on() -> None:
    """With --publish-cordoned a cordoned node is published, unless something else speaks against it."""
    rules = Rules(publish_cordoned=True)
    assert isinstance(assess(replace(NODE, cordoned=True), rules), Published)
    assert reason(replace(NODE, cordoned=True, ready=None), rules) == "not ready: it has no Ready condition"


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(replace(NODE, boot_id="", annotated_boot_id="boot-1"), id="the kubelet reports none"),
        pytest.param(replace(NODE, boot_id="boot-1", annotated_boot_id=""), id="annotated by hand"),
        pytest.param(replace(NODE, boot_id="", annotated_boot_id=""), id="neither"),
    ],
)
def test_an_absent_boot_id_is_not_checked(node: Node) -> None:
    """A boot id that is absent or empty is not checked."""
    assert isinstance(assess(node, Rules()), Published)


def test_a_skipped_node_keeps_what_it_would_bring() -> None:
    """A skipped node keeps its addresses and its place, so that the report can say whose address leaves DNS."""
    node = replace(NODE, cordoned=True, node_ips="5.0.0.1,10.0.0.1", coordinates="48.86,2.35")
    private = Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use")
    assert assess(node, Rules()) == Skipped("node-1", "cordoned", (ipv4(1),), PARIS, (private,))


def test_private_addresses_are_withheld() -> None:
    """Addresses that are not globally reachable are withheld with that reason."""
    verdict = assess(replace(NODE, node_ips="10.0.0.1,5.0.0.1"), Rules())
    assert isinstance(verdict, Published)
    assert verdict.addresses == (ipv4(1),)
    assert verdict.withheld == (Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use"),)


DUAL = replace(NODE, node_ips="5.0.0.1,2600::1")
FOUR, SIX = ip_address("5.0.0.1"), ip_address("2600::1")


@pytest.mark.parametrize(
    ("families", "addresses", "withheld"),
    [
        pytest.param((4, 6), (FOUR, SIX), (), id="both"),
        pytest.param((4,), (FOUR,), (Withheld(SIX, "IPv6 is not published (--ip-family)"),), id="IPv4"),
        pytest.param((6,), (SIX,), (Withheld(FOUR, "IPv4 is not published (--ip-family)"),), id="IPv6"),
    ],
)
def test_ip_family(families: tuple[int, ...], addresses: tuple[object, ...], withheld: tuple[Withheld, ...]) -> None:
    """--ip-family publishes addresses of that family only, and the others are withheld with that reason."""
    assert assess(DUAL, Rules(families=families)) == Published("node-1", addresses, None, withheld)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        pytest.param("5.0.0.0/24", (SIX,), id="in it"),
        pytest.param("5.0.0.1/32", (SIX,), id="it alone"),
        pytest.param("5.0.1.0/24", (FOUR, SIX), id="beside it"),
        pytest.param("2600::/16", (FOUR,), id="IPv6"),
        pytest.param("0.0.0.0/0", (SIX,), id="all of a family"),
    ],
)
def test_excluded_addresses(network: str, addresses: tuple[object, ...]) -> None:
    """--exclude-address withholds the addresses in a network, with that reason, and no other."""
    excluded = ip_network(network)
    verdict = assess(DUAL, Rules(excluded_networks=(ip_network("6.0.0.0/8"), excluded)))
    assert verdict.addresses == addresses
    assert {each.reason for each in verdict.withheld} <= {f"excluded by --exclude-address {network}"}


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(Rules(families=(6,)), id="another family"),
        pytest.param(Rules(excluded_networks=(ip_network("5.0.0.0/8"),)), id="excluded"),
    ],
)
def test_a_node_without_an_address_to_publish_is_skipped(rules: Rules) -> None:
    """A node all of whose addresses are withheld is skipped, and each address keeps its reason."""
    verdict = assess(NODE, rules)
    assert reason(NODE, rules) == "no address to publish"
    assert (verdict.addresses, len(verdict.withheld)) == ((), 1)


def test_eight_addresses_per_node_and_family() -> None:
    """The first 8 addresses per node and family are published, the others withheld."""
    addresses = [*map(ipv4, range(9)), *map(ipv6, range(10))]
    verdict = assess(replace(NODE, node_ips=",".join(map(str, addresses))), Rules())
    assert verdict.addresses == (*map(ipv4, range(8)), *map(ipv6, range(8)))
    assert verdict.withheld == (
        Withheld(ipv4(8), "over the limit of 8 IPv4 addresses per node"),
        Withheld(ipv6(8), "over the limit of 8 IPv6 addresses per node"),
        Withheld(ipv6(9), "over the limit of 8 IPv6 addresses per node"),
    )


@pytest.mark.parametrize(
    "withheld",
    [
        pytest.param([f"10.0.0.{number}" for number in range(8)], id="private"),
        pytest.param([f"6.0.0.{number}" for number in range(8)], id="excluded"),
    ],
)
def test_withheld_addresses_do_not_count_towards_the_8(withheld: list[str]) -> None:
    """Addresses that are withheld for another reason do not count towards the 8."""
    node = replace(NODE, node_ips=",".join([*withheld, "5.0.0.1"]))
    assert assess(node, Rules(excluded_networks=(ip_network("6.0.0.0/8"),))).addresses == (ipv4(1),)
