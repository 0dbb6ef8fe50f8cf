"""Which addresses the whole internet can reach: every row of the two IANA registries, and what is in neither."""

import csv
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

import jobs
from jobs.core.address import numeric_order, parse_addresses, why_not_global
from tests.support.builders import ipv4, ipv6

REACHABLE = {
    "0.0.0.0/8": False,
    "0.0.0.0/32": False,
    "10.0.0.0/8": False,
    "100.64.0.0/10": False,
    "127.0.0.0/8": False,  # a footnote mark at the cell
    "169.254.0.0/16": False,
    "172.16.0.0/12": False,
    "192.0.0.0/24": False,  # a footnote mark at the block
    "192.0.0.0/29": False,
    "192.0.0.8/32": False,
    "192.0.0.9/32": True,  # within 192.0.0.0/24
    "192.0.0.10/32": True,
    "192.0.0.170/32": False,  # two blocks in a cell
    "192.0.0.171/32": False,
    "192.0.2.0/24": False,
    "192.31.196.0/24": True,
    "192.52.193.0/24": True,
    "192.88.99.0/24": False,  # deprecated: an empty cell
    "192.88.99.2/32": False,
    "192.168.0.0/16": False,
    "192.175.48.0/24": True,
    "198.18.0.0/15": False,
    "198.51.100.0/24": False,
    "203.0.113.0/24": False,
    "240.0.0.0/4": False,
    "255.255.255.255/32": False,
    "::1/128": False,
    "::/128": False,
    "::ffff:0:0/96": False,
    "64:ff9b::/96": False,  # True in the registry, but outside 2000::/3
    "64:ff9b:1::/48": False,
    "100::/64": False,
    "100:0:0:1::/64": False,
    "2001::/23": False,
    "2001::/32": False,  # N/A
    "2001:1::1/128": True,  # within 2001::/23
    "2001:1::2/128": True,
    "2001:1::3/128": True,
    "2001:2::/48": False,
    "2001:3::/32": True,
    "2001:4:112::/48": True,
    "2001:10::/28": False,  # deprecated: an empty cell
    "2001:20::/28": True,
    "2001:30::/28": True,
    "2001:db8::/32": False,
    "2002::/16": False,  # N/A
    "2620:4f:8000::/48": True,
    "3fff::/20": False,
    "5f00::/16": False,
    "fc00::/7": False,
    "fe80::/10": False,
}


def test_every_row_stands_in_the_table() -> None:
    """The table above has every row of the registries.

    A row that a new edition adds is looked at by a person before it counts.
    """
    blocks = set()
    for path in (Path(jobs.__file__).parent / "core" / "iana").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = ",".join(row["Address Block"] for row in csv.DictReader(file))
        blocks |= {cell.partition("[")[0].strip() for cell in cells.split(",")}
    assert blocks == set(REACHABLE)


@pytest.mark.parametrize("block", REACHABLE)
def test_first_address_of_a_block(block: str) -> None:
    """A block begins with its first address."""
    assert (why_not_global(ip_network(block)[0]) is None) is REACHABLE[block]


@pytest.mark.parametrize("block", REACHABLE)
def test_last_address_of_a_block(block: str) -> None:
    """A block ends with its last address."""
    assert (why_not_global(ip_network(block)[-1]) is None) is REACHABLE[block]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("9.255.255.255", id="before 10.0.0.0/8"),
        pytest.param("11.0.0.0", id="after 10.0.0.0/8"),
        pytest.param("100.63.255.255", id="before 100.64.0.0/10"),
        pytest.param("100.128.0.0", id="after 100.64.0.0/10"),
        pytest.param("172.32.0.0", id="after 172.16.0.0/12"),
        pytest.param("192.0.1.0", id="after 192.0.0.0/24"),
        pytest.param("223.255.255.255", id="before multicast"),
        pytest.param("1.0.0.0", id="after 0.0.0.0/8"),
        pytest.param("2000::", id="first of 2000::/3"),
        pytest.param("3fff:1000::", id="after 3fff::/20"),
        pytest.param("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", id="last of 2000::/3"),
        pytest.param("2001:200::", id="after 2001::/23"),
        pytest.param("2003::", id="after 2002::/16"),
        pytest.param("2606:4700::1111", id="in nobody's special block"),
    ],
)
def test_ordinary_addresses_are_reachable(address: str) -> None:
    """Addresses just outside a special block are reachable. Otherwise a node that serves would be left out of DNS."""
    assert why_not_global(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        pytest.param("10.1.2.3", "Private-Use", id="private"),
        pytest.param("100.64.0.1", "Shared Address Space", id="carrier-grade NAT"),
        pytest.param("192.0.0.1", "IPv4 Service Continuity Prefix", id="the narrowest block is named"),
        pytest.param("192.0.0.11", "IETF Protocol Assignments", id="the wider block around it"),
        pytest.param("192.0.0.171", "NAT64/DNS64 Discovery", id="second block of a cell"),
        pytest.param("0.0.0.0", '"This host on this network"', id="a name in quotation marks"),  # noqa: S104
        pytest.param("224.0.0.1", "Multicast", id="IPv4 multicast, first"),
        pytest.param("239.255.255.255", "Multicast", id="IPv4 multicast, last"),
        pytest.param("ff02::1", "Multicast", id="IPv6 multicast"),
        pytest.param("2001:db8::1", "Documentation", id="documentation"),
        pytest.param("2001::1", "TEREDO", id="Teredo, within 2001::/23"),
        pytest.param("::ffff:5.0.0.1", "IPv4-mapped Address", id="IPv4-mapped"),
        pytest.param("64:ff9b::5.0.0.1", "outside 2000::/3", id="NAT64"),
        pytest.param("4000::", "outside 2000::/3", id="after 2000::/3"),
        pytest.param("1fff::1", "outside 2000::/3", id="before 2000::/3"),
        pytest.param("fec0::1", "outside 2000::/3", id="site-local"),
    ],
)
def test_why_not(address: str, why: str) -> None:
    """The reason names the narrowest block that an address is in."""
    assert why_not_global(ip_address(address)) == f"not globally reachable: {why}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("", (), id="looked, found none"),
        pytest.param("  ", (), id="only spaces"),
        pytest.param("5.0.0.1", (ipv4(1),), id="one"),
        pytest.param("5.0.0.1,5.0.0.2", (ipv4(1), ipv4(2)), id="two"),
        pytest.param(" 5.0.0.1 ,  5.0.0.2 ", (ipv4(1), ipv4(2)), id="spaces around"),
        pytest.param("5.0.0.2,5.0.0.1", (ipv4(2), ipv4(1)), id="in the order given"),
        pytest.param("5.0.0.1,5.0.0.1", (ipv4(1),), id="each once"),
        pytest.param(f"{ipv6(1)},{str(ipv6(1)).upper()}", (ipv6(1),), id="each once, in any notation"),
        pytest.param("10.0.0.1", (ip_address("10.0.0.1"),), id="reachable or not"),
    ],
)
def test_addresses_are_read(text: str, found: tuple[object, ...]) -> None:
    """Any usual way to write a list of addresses is read, in its order and each address once."""
    assert parse_addresses(text) == found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("pending", id="a word"),
        pytest.param(",", id="separator alone"),
        pytest.param("5.0.0.1,", id="trailing separator"),
        pytest.param(",5.0.0.1", id="leading separator"),
        pytest.param("5.0.0.1,,5.0.0.2", id="nothing between"),
        pytest.param("5.0.0.1 5.0.0.2", id="wrong separator"),
        pytest.param("5.0.0.1;5.0.0.2", id="semicolon"),
        pytest.param("5.0.0.1\n", id="line break"),
        pytest.param("\n", id="line break alone"),
        pytest.param("X", id="a letter"),
        pytest.param("X5.0.0.1", id="a letter before an address"),
        pytest.param("5.0.0.0/24", id="a network"),
        pytest.param("5.0.0.256", id="out of range"),
        pytest.param("5.0.0.01", id="leading zero"),
        pytest.param("84000001", id="a number"),
        pytest.param("\u0665.0.0.1", id="Arabic digit"),
        pytest.param("fe80::1%eth0", id="with a zone"),
        pytest.param("2600::1%", id="with an empty zone"),
        pytest.param("[2600::1]", id="in brackets"),
        pytest.param("5.0.0.1,example.com", id="a name among addresses"),
    ],
)
def test_what_is_no_list_of_addresses(text: str) -> None:
    """Anything else is refused as a whole. Half of a broken annotation is never published."""
    with pytest.raises(ValueError, match=r"^"):  # of which the caller says more
        parse_addresses(text)


def test_numeric_order() -> None:
    """Addresses sort by number, IPv4 before IPv6."""
    found = map(ip_address, ("2600::10", "10.0.0.1", "2600::9", "::1", "9.0.0.1"))
    assert [*map(str, sorted(found, key=numeric_order))] == ["9.0.0.1", "10.0.0.1", "::1", "2600::9", "2600::10"]
