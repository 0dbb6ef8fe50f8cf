"""The addresses of this host: what annotate-once takes from the interfaces of a network made for the test."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.processes import bare_environment, complaint, network, run


@dataclass(frozen=True)
class Seen:
    """What a dry run says about a network: the addresses taken, and why the others are left out."""

    addresses: list[str]
    left_out: dict[str, str]


def dry_run(script: str, *options: str, **variables: str) -> dict[str, Any]:
    """Set up a network and give the document of what would be written of it; no cluster is needed."""
    command = ("annotate-once", "--dry-run", "--output", "json", *options)
    finished = run(command, bare_environment(**variables), inside=network(script))
    assert finished.returncode == 0, finished.stderr
    document: dict[str, Any] = json.loads(finished.stdout)
    return document


def look(script: str, *options: str, **variables: str) -> Seen:
    """Set up a network and see what would be written of it, and why not more."""
    document = dry_run(script, *options, **variables)
    return Seen(
        [each["address"] for each in document["addresses"]],
        {each["address"]: each["reason"] for each in document["left_out"]},
    )


TWO_LINKS = """
link eth0; ip address add 8.8.8.8/24 dev eth0
link eth1; ip address add 9.9.9.9/24 dev eth1
"""


def test_a_global_address_of_each_family_is_found() -> None:
    """A global address of each family is found."""
    seen = look("link eth0; ip address add 8.8.8.8/24 dev eth0; ip address add 2001:4860::8/64 dev eth0 nodad")
    assert seen.addresses == ["8.8.8.8", "2001:4860::8"]


def test_an_address_nobody_outside_can_reach_is_left_out_with_its_reason() -> None:
    """An address that is not globally reachable is left out, and the reason says so.

    It leads nowhere, or into the visitor's own network.
    """
    four = ["10.1.2.3", "100.64.0.9", "169.254.7.7", "192.0.2.7"]
    six = ["fd00::7", "fe80::7", "2001:db8::7"]
    added = [f"ip address add {each}/24 dev eth0" for each in four]
    added += [f"ip address add {each}/64 dev eth0 nodad" for each in six]
    seen = look("link eth0\n" + "\n".join(added))
    assert seen.addresses == []
    assert all("not globally reachable" in seen.left_out[each] for each in (*four, *six))


def test_loopback_is_left_out() -> None:
    """A machine with nothing but loopback has no addresses to publish; those of loopback are shown as left out."""
    seen = look("")
    assert seen.addresses == []
    assert set(seen.left_out) == {"127.0.0.1", "::1"}


def test_a_temporary_address_is_left_out_and_the_lasting_one_beside_it_is_taken() -> None:
    """A temporary IPv6 address is left out, and the lasting one beside it is taken.

    The machine gives up the temporary one within a day.
    """
    seen = look("""
        link eth0
        echo 2 > /proc/sys/net/ipv6/conf/eth0/use_tempaddr
        ip address add 2001:4860::8/64 dev eth0 nodad mngtmpaddr
        await flagged eth0 temporary
    """)
    assert seen.addresses == ["2001:4860::8"]
    (temporary,) = [address for address in seen.left_out if address.startswith("2001:4860:")]
    assert "temporary" in seen.left_out[temporary]


def test_a_deprecated_address_is_left_out() -> None:
    """A deprecated IPv6 address is left out.

    After a renumbering it belongs to the prefix that the provider takes away.
    """
    seen = look("link eth0; ip address add 2001:4860::8/64 dev eth0 nodad preferred_lft 0")
    assert seen.addresses == []
    assert "deprecated" in seen.left_out["2001:4860::8"]


def test_a_tentative_address_is_left_out() -> None:
    """A tentative IPv6 address is left out.

    The link has not granted it yet, and it may turn out to belong to another machine.
    """
    seen = look("""
        link eth0
        echo 1000 > /proc/sys/net/ipv6/conf/eth0/dad_transmits
        ip address add 2001:4860::8/64 dev eth0
    """)
    assert seen.addresses == []
    assert "tentative" in seen.left_out["2001:4860::8"]


def test_an_address_that_failed_duplicate_detection_is_left_out() -> None:
    """An IPv6 address that failed duplicate detection is left out. Another machine on the link has it."""
    seen = look("""
        link eth0
        ip address add 2001:4860::8/64 dev p-eth0 nodad
        ip address add 2001:4860::8/64 dev eth0
        await flagged eth0 dadfailed
        ip address del 2001:4860::8/64 dev p-eth0
    """)
    assert seen.addresses == []
    assert "duplicate" in seen.left_out["2001:4860::8"]


def test_an_address_that_passed_duplicate_detection_is_taken() -> None:
    """An IPv6 address is taken once it has passed duplicate detection."""
    seen = look("link eth0; ip address add 2001:4860::8/64 dev eth0; await settled eth0")
    assert seen.addresses == ["2001:4860::8"]


def test_an_interface_that_is_down_counts_for_nothing_though_it_keeps_its_ipv4_address() -> None:
    """An address of an interface that is down is left out, although the kernel keeps it."""
    seen = look(f"{TWO_LINKS} ip link set eth0 down")
    assert seen.addresses == ["9.9.9.9"]
    assert "down" in seen.left_out["8.8.8.8"]


def test_more_addresses_than_the_kernel_lists_at_once_are_all_seen() -> None:
    """All of many addresses are seen; the kernel lists some fifty at a time."""
    seen = look("link eth0; seq -f 'address add 8.8.%g.8/32 dev eth0' 1 150 | ip -batch -")
    assert {*seen.addresses, *seen.left_out} >= {f"8.8.{number}.8" for number in range(1, 151)}


LABELS = pytest.mark.parametrize("label", ["eth0:1", "eth0vip"])  # systemd-networkd and netplan take any text


@LABELS
def test_an_alias_goes_down_with_its_interface(label: str) -> None:
    """A labelled address is left out when its interface is down."""
    seen = look(f"link eth0; ip address add 8.8.8.8/24 dev eth0 label {label}; ip link set eth0 down")
    assert "down" in seen.left_out["8.8.8.8"]


@LABELS
def test_an_address_with_a_label_is_found(label: str) -> None:
    """A labelled address of eth0 is found beside another."""
    seen = look(f"link eth0; ip address add 8.8.8.8/24 dev eth0; ip address add 9.9.9.9/24 dev eth0 label {label}")
    assert seen.addresses == ["8.8.8.8", "9.9.9.9"]


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        pytest.param(("--interface", "eth0"), ["8.8.8.8"], id="chosen"),
        pytest.param(("--exclude-interface", "eth0"), [], id="excluded"),
    ],
)
@LABELS
def test_a_glob_matches_the_name_whatever_the_label(label: str, options: tuple[str, str], taken: list[str]) -> None:
    """A glob for eth0 chooses or excludes its labelled address."""
    assert look(f"link eth0; ip address add 8.8.8.8/24 dev eth0 label {label}", *options).addresses == taken


NOT_OURS = (
    *("cni0", "flannel.1", "cilium_host", "lxc4f2a", "cali77d0", "veth9b1c", "docker0", "kube-ipvs0", "nodelocaldns"),
    *("vxlan-v6.calico", "wg-v6.cali", "antrea-gw0", "ovn-k8s-mp0", "weave", "virbr0", "podman0", "lxdbr0", "wgcf"),
    *("proton0", "ham0", "br-0123456789ab"),
)
OURS = ("br-ex", "br-wan", "br0", "wlan0", "enp3s0", "wg0", "mycni0")


def links(names: Iterable[str], beginning: str) -> str:
    """Set up links at once, each with global addresses of its own."""
    return "\n".join(
        f"ip link add {name} type bridge; ip link set {name} up\n"
        f"ip address add {beginning}.{number}.8/24 dev {name}\n"
        f"ip address add 2001:4860:{number + 1:x}::8/64 dev {name} nodad"
        for number, name in enumerate(names)
    )


def container_links() -> str:
    """Set up links that are not the node's own."""
    return links(NOT_OURS, "8.7")


def test_other_interfaces_than_the_nodes_own_are_left_out_by_default() -> None:
    """Leaves out both families of pods, containers, virtual machines and client VPNs; takes bridges with other names.

    Addresses would be published behind which the node does not serve; or a home server whose uplink is a bridge never.
    """
    document = dry_run(links(NOT_OURS, "8.7") + "\n" + links(OURS, "9.9").replace("2001:4860:", "2600:"))
    left_out = {each["interface"]: each["reason"] for each in document["left_out"] if each["interface"] != "lo"}
    assert set(left_out) >= {*NOT_OURS}
    assert all("by default" in left_out[name] for name in NOT_OURS), left_out
    taken = [each["address"] for each in document["addresses"]]
    assert taken == [*(f"9.9.{n}.8" for n in range(len(OURS))), *(f"2600:{n + 1}::8" for n in range(len(OURS)))]


def test_interface_replaces_the_default_exclusions() -> None:
    """`--interface docker0` takes that interface, excluded by default, and no other."""
    seen = look(f"{TWO_LINKS} {container_links()}", "--interface", "docker0")
    assert seen.addresses == ["8.7.6.8", "2001:4860:7::8"]
    assert "8.8.8.8" in seen.left_out


def test_an_excluded_interface_stays_out_even_when_chosen() -> None:
    """`--exclude-interface` wins over `--interface`, and interfaces that neither names stay out."""
    links = f"{TWO_LINKS} link wlan0; ip address add 8.8.4.4/24 dev wlan0"
    seen = look(links, "--interface", "eth*", "--exclude-interface", "eth0")
    assert seen.addresses == ["9.9.9.9"]


def test_an_exclusion_leaves_the_defaults_in_force() -> None:
    """`--exclude-interface` adds to the default exclusions of container networking."""
    seen = look(f"{TWO_LINKS} {container_links()}", "--exclude-interface", "eth1")
    assert seen.addresses == ["8.8.8.8"]


@pytest.mark.parametrize("options", [("--interface", "eht*"), ("--interface", "eth9", "--interface", "8*")])
def test_globs_that_match_no_interface_are_wrong_usage(options: tuple[str, ...]) -> None:
    """Says so with the names there are: such a slip would empty the annotations of one node after the other."""
    finished = run(("annotate-once", "--dry-run", *options), bare_environment(), inside=network(TWO_LINKS))
    line = complaint(finished, 2)
    assert line.startswith(f"error: --interface {' '.join(options[1::2])}: no interface of this machine matches")
    assert line.endswith("it has eth0 eth1 lo p-eth0 p-eth1")
    assert finished.stdout == ""


@pytest.mark.parametrize(
    ("script", "options"),
    [
        pytest.param(TWO_LINKS, ("--interface", "eth9", "--interface", "p-eth0"), id="one that has no address"),
        pytest.param("link eth0; ip link set eth0 down", ("--interface", "eth0"), id="one that is down"),
        pytest.param(TWO_LINKS, ("--interface", "eth*", "--exclude-interface", "eth*"), id="all excluded"),
    ],
)
def test_an_interface_that_is_there_is_enough(script: str, options: tuple[str, ...]) -> None:
    """Finds no address where a glob matches an interface without one: that is what this node is like."""
    assert look(script, *options).addresses == []


def named(name: str, address: str) -> str:
    """Set up a link with a name in the shell's notation for any bytes, and give it an address."""
    return f"""
        name="$(printf '{name}')"
        ip link add "$name" type bridge; ip link set "$name" up
        ip address add {address}/24 dev "$name"
    """


ODD_NAMES = {
    "UTF-8": (r"\303\2740", "\u00fc0"),
    "Latin-1": (r"\3740", "\udcfc0"),
    "half a character": (r"x\303", "x\udcc3"),
    "a terminal's control sequence": (r"\033[2Jx", "\x1b[2Jx"),
    "a separator of lines in Unicode": (r"a\342\200\250b\034c", "a\u2028b\x1cc"),
}
"""By kind, the bytes of a name as `printf` takes them, and the name as Python decodes it."""


def odd_links() -> str:
    """Set up a link of each odd name, with an address of its own, 8.8.0.8 and so on."""
    return "".join(named(written, f"8.8.{number}.8") for number, (written, _) in enumerate(ODD_NAMES.values()))


def test_any_bytes_are_a_name() -> None:
    """Takes the addresses of interfaces whatever their names, reports the names, and loses no other interface."""
    found = {each["address"]: each["interface"] for each in dry_run(f"{TWO_LINKS}{odd_links()}")["addresses"]}
    odd = {f"8.8.{number}.8": name for number, (_, name) in enumerate(ODD_NAMES.values())}
    assert found == {**odd, "8.8.8.8": "eth0", "9.9.9.9": "eth1"}


def test_an_interface_with_an_odd_name_keeps_its_flags() -> None:
    """Leaves out the address of an odd interface that is down, and the IPv6 addresses that are not to be relied on."""
    seen = look(f"""
        {named(ODD_NAMES["Latin-1"][0], "8.8.4.4")}
        ip address add 2001:4860::8/64 dev "$name" nodad preferred_lft 0
        {named(ODD_NAMES["UTF-8"][0], "9.9.9.9")}
        ip link set "$name" down
    """)
    assert seen.addresses == ["8.8.4.4"]
    assert "deprecated" in seen.left_out["2001:4860::8"]
    assert "down" in seen.left_out["9.9.9.9"]


def test_a_glob_matches_any_bytes() -> None:
    """Leaves out the interfaces that `--exclude-interface` names in the same bytes."""
    options = [part for _, name in ODD_NAMES.values() for part in ("--exclude-interface", name.replace("[", "?"))]
    assert look(f"{TWO_LINKS}{odd_links()}", *options).addresses == ["8.8.8.8", "9.9.9.9"]


def test_the_table_shows_odd_names_on_one_line() -> None:
    """Writes escapes for what a terminal would not print, and for what is no character."""
    finished = run(("annotate-once", "--dry-run"), bare_environment(), inside=network(odd_links()))
    shown = [line.split()[2] for line in finished.stdout.splitlines() if line.startswith("8.8.")]
    assert shown == ["\u00fc0", r"\udcfc0", r"x\udcc3", r"\x1b[2Jx", r"a\u2028b\x1cc"]
    assert finished.returncode == 0, finished.stderr
