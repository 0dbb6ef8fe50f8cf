"""Where a node's addresses are known from: annotate-once, the user, or the status; and which of them count."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from jobs.core.annotations import NODE_IPS, PUBLIC_IPS
from jobs.core.assessment import assess
from jobs.core.node import Node, Rules
from jobs.core.verdict import Published, Skipped, Withheld
from tests.support.builders import NODE, ipv4, ipv6

OURS, THEIRS, CLOUDS = ipv4(1), ipv4(2), ipv4(3)
EXTERNAL = Rules(external_ip=True)
REBOOTED = "rebooted since its addresses were found: annotate-once has not run there yet"
PRIVATE = Withheld(ip_address("10.0.0.1"), "not globally reachable: Private-Use")


def node(**facts: object) -> Node:
    """Give a node with addresses of every source, but for what is said."""
    every = replace(NODE, public_ips=str(THEIRS), external_ips=(str(CLOUDS),))
    return replace(every, **facts)


@pytest.mark.parametrize("rules", [Rules(), EXTERNAL])
@pytest.mark.parametrize(
    "found",
    [
        pytest.param(node(), id="beside the others"),
        pytest.param(node(node_ips=None), id="never looked"),
        pytest.param(node(node_ips="pending"), id="another annotation that is no list"),
        pytest.param(node(boot_id="boot-2"), id="rebooted"),
        pytest.param(node(public_ips=f" {THEIRS} , {THEIRS}"), id="with spaces, twice"),
    ],
)
def test_what_the_user_names_stands_instead_of_all_else(found: Node, rules: Rules) -> None:
    """A node with public-ips has those addresses and no other, whatever else is known of it."""
    assert assess(found, rules) == Published("node-1", (THEIRS,), None)


@pytest.mark.parametrize(
    ("public_ips", "why"),
    [
        pytest.param("", f"no address: annotation {PUBLIC_IPS} is empty", id="empty"),
        pytest.param("  ", f"no address: annotation {PUBLIC_IPS} is empty", id="blank"),
        pytest.param(
            "node.example.com", f"annotation {PUBLIC_IPS} is not a list of addresses: 'node.example.com'", id="a name"
        ),
        pytest.param("10.0.0.1", "no address to publish", id="private"),
    ],
)
def test_public_ips_without_an_address_to_publish(public_ips: str, why: str) -> None:
    """A node whose public-ips name no address to publish is skipped: no other source stands in."""
    verdict = assess(node(public_ips=public_ips), EXTERNAL)
    assert isinstance(verdict, Skipped)
    assert (verdict.reason, verdict.addresses) == (why, ())


def status(**facts: object) -> Node:
    """Give a node without public-ips."""
    return node(public_ips=None, **facts)


@pytest.mark.parametrize(
    ("found", "addresses"),
    [
        pytest.param(status(), (OURS, CLOUDS), id="both"),
        pytest.param(status(node_ips=None), (CLOUDS,), id="never looked"),
        pytest.param(status(node_ips=""), (CLOUDS,), id="found none"),
        pytest.param(status(external_ips=()), (OURS,), id="none in the status"),
        pytest.param(status(external_ips=(str(OURS), str(CLOUDS))), (OURS, CLOUDS), id="one of them known already"),
        pytest.param(status(external_ips=(str(CLOUDS), str(ipv6(1)))), (OURS, CLOUDS, ipv6(1)), id="both families"),
    ],
)
def test_external_ips_count_when_asked_for(found: Node, addresses: tuple[object, ...]) -> None:
    """With --external-ip a node has the addresses of its annotation and of its status."""
    assert assess(found, EXTERNAL) == Published("node-1", addresses, None)  # type: ignore[arg-type]


def test_external_ips_do_not_count_by_themselves() -> None:
    """Without --external-ip what the status says does not matter: a kubelet may write anything there."""
    assert assess(status(), Rules()) == Published("node-1", (OURS,), None)
    assert assess(status(node_ips=None), Rules()) == assess(replace(NODE, node_ips=None), Rules())


@pytest.mark.parametrize("junk", ["", "node.example.com", "5.0.0", "5.0.0.1/32", "fe80::1%eth0", "5.0.0.1 ", "\u0661"])
def test_an_entry_that_is_not_an_address_is_passed_over(junk: str) -> None:
    """Junk among the addresses of the status costs the node nothing, nor the other entries."""
    assert assess(status(external_ips=(junk, str(CLOUDS))), EXTERNAL) == Published("node-1", (OURS, CLOUDS), None)


def test_private_external_ips_are_withheld() -> None:
    """Every address is checked, whatever its source."""
    verdict = assess(status(external_ips=("10.0.0.1", str(CLOUDS))), EXTERNAL)
    assert verdict == Published("node-1", (OURS, CLOUDS), None, (PRIVATE,))


def test_the_limit_is_for_all_sources_together() -> None:
    """The first 8 addresses per family are published: those of the annotation come first."""
    found = status(node_ips=",".join(str(ipv4(n)) for n in range(6)), external_ips=tuple(map(str, map(ipv4, range(9)))))
    verdict = assess(found, EXTERNAL)
    assert verdict.addresses == tuple(map(ipv4, range(8)))
    assert verdict.withheld == (Withheld(ipv4(8), "over the limit of 8 IPv4 addresses per node"),)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(
            status(node_ips=None, external_ips=()),
            f"no annotation {NODE_IPS}: annotate-once has not run there, and its status has no ExternalIP",
            id="never looked",
        ),
        pytest.param(
            status(node_ips="", external_ips=("junk",)),
            "no address: annotate-once found none, and its status has no ExternalIP",
            id="found none",
        ),
        pytest.param(status(node_ips="", external_ips=("10.0.0.1",)), "no address to publish", id="private"),
        pytest.param(
            status(node_ips="junk"), f"annotation {NODE_IPS} is not a list of addresses: 'junk'", id="no list"
        ),
    ],
)
def test_why_there_is_no_address(found: Node, why: str) -> None:
    """A node with an address in neither place is skipped, and so is one whose annotation is no list."""
    verdict = assess(found, EXTERNAL)
    assert isinstance(verdict, Skipped)
    assert verdict.reason == why


def rebooted(**facts: object) -> Node:
    """Give a node that has rebooted since annotate-once has run."""
    return status(boot_id="boot-2", **facts)


def test_a_reboot_does_not_bind_the_status() -> None:
    """After a reboot the addresses of the status stay, those of the annotation wait for annotate-once."""
    verdict = assess(rebooted(node_ips=f"{OURS},10.0.0.1"), EXTERNAL)
    assert verdict == Published("node-1", (CLOUDS,), None, (Withheld(OURS, REBOOTED), PRIVATE))


def test_an_address_of_both_stays_after_a_reboot() -> None:
    """An address that the status names too is published, and not withheld beside that."""
    assert assess(rebooted(node_ips=str(CLOUDS)), EXTERNAL) == Published("node-1", (CLOUDS,), None)


@pytest.mark.parametrize(
    ("found", "rules", "addresses", "withheld"),
    [
        pytest.param(rebooted(), Rules(), (OURS,), (), id="not asked for"),
        pytest.param(rebooted(external_ips=()), EXTERNAL, (OURS,), (), id="none in the status"),
        pytest.param(rebooted(external_ips=("10.0.0.1",)), EXTERNAL, (OURS,), (PRIVATE,), id="a private one"),
        pytest.param(rebooted(external_ips=(), node_ips=None), EXTERNAL, (), (), id="none at all"),
    ],
)
def test_a_reboot_with_nothing_else_skips_the_node(
    found: Node, rules: Rules, addresses: tuple[object, ...], withheld: tuple[Withheld, ...]
) -> None:
    """A rebooted node with no other address is skipped with that reason, and keeps what it would bring."""
    assert assess(found, rules) == Skipped("node-1", REBOOTED, addresses, None, withheld)  # type: ignore[arg-type]
