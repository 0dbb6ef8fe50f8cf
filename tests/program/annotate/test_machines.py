"""annotate-once on the machines of this world: what each publishes, by settings of its own and by one for all."""

from dataclasses import replace
from typing import Any

from tests.support.machines import AWS, AZURE, GCP, URL, Machine, Metadata, outcomes

PUBLIC, PUBLIC_6 = "5.75.128.10", "2a01:4f8:c17:1::10"
FOR_ALL = ["--public-ip-from", "aws", "--public-ip-from", "gcp", "--public-ip-from", "azure", "--public-ip-from", URL]
"""One configuration for all machines."""

BOTH = {"vps", "gcp", "oracle"}
"""Those with an IPv6 address too."""


def machines(ipv4: str, ipv6: str) -> dict[str, Machine]:
    """Give each kind of machine with these public addresses, and the options that are for it.

    The interfaces of all but the first two show private addresses only.
    """
    ec2: Metadata = ("aws", {"public": {"0a:ff:c0:00:02:01": [ipv4], "0a:ff:c0:00:02:02": []}})
    xen = {"sys_vendor": "Xen", "product_name": "HVM domU"}
    return {
        "vps": Machine(interfaces=f"ip address add {ipv4}/24 dev eth0; ip address add {ipv6}/64 dev eth0 nodad"),
        "floating": Machine(interfaces=f"ip address add 10.0.0.5/24 dev eth0; ip address add {ipv4}/32 dev lo"),
        "ec2": Machine(firmware=AWS, metadata=ec2, options=["--public-ip-from", "aws"]),
        "ec2-xen": Machine(
            firmware=xen,
            xen_uuid="ec2e1916-9099-7caf-fd21-012345abcdef",
            metadata=ec2,
            options=["--public-ip-from", "aws"],
        ),
        "gcp": Machine(
            firmware=GCP, metadata=("gcp", {"public": [ipv4], "ipv6s": [ipv6]}), options=["--public-ip-from", "gcp"]
        ),
        "azure-standard": Machine(
            firmware=AZURE, metadata=("azure", {"standard": [ipv4]}), options=["--public-ip-from", "azure"]
        ),
        "azure-basic": Machine(
            firmware=AZURE, metadata=("azure", {"basic": ipv4}), options=["--public-ip-from", "azure"]
        ),
        "oracle": Machine(
            seen_as={"ip.example.com/4": ipv4, "ip.example.com/6": ipv6},
            has_ipv6=True,
            options=["--public-ip-from", URL],
        ),
        "home": Machine(seen_as={"ip.example.com/4": ipv4}, options=["--public-ip-from", URL]),
    }


MACHINES = machines(PUBLIC, PUBLIC_6)
STRANGER: Metadata = ("aws", {"public": {"0a:00:00:00:00:01": ["5.75.130.1"]}})


def own(number: int, family: int = 4) -> str:
    """Give a machine an address that no other has."""
    return f"5.75.129.{number}" if family == 4 else f"2a01:4f8:c17:1::{number + 0x100:x}"


def among_others(number: int, name: str) -> Machine:
    """Give a machine as one of a cluster: an https service sees it, and what is no cloud's has a stranger beside it."""
    machine = machines(own(number), own(number, 6))[name]
    seen_as = {"ip.example.com/4": own(number), **machine.seen_as}
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    metadata = machine.metadata or STRANGER
    return replace(machine, name=name, options=FOR_ALL, seen_as=seen_as, metadata=metadata, variables=nowhere)


def test_a_machine_with_its_own_settings() -> None:
    """Writes the addresses by which the world reaches each kind of machine, and no other."""
    found, _ = outcomes([*MACHINES.values()])
    assert [outcome.status for outcome in found] == [0] * len(MACHINES), [outcome.err for outcome in found]
    written = {name: outcome.node_ips for name, outcome in zip(MACHINES, found, strict=True)}
    assert written == {name: f"{PUBLIC},{PUBLIC_6}" if name in BOTH else PUBLIC for name in MACHINES}


def test_one_configuration_for_all_machines() -> None:
    """Writes the same with one configuration for all kinds of machines, and uses no proxy; one sync publishes them all.

    A cloud is asked on its own machines only.
    """
    found, shown = outcomes([among_others(number, name) for number, name in enumerate(MACHINES)], "--external-ip")
    expected = {
        name: [own(number, family) for family in (4, 6) if family == 4 or name in BOTH]
        for number, name in enumerate(MACHINES)
    }
    for (name, addresses), outcome in zip(expected.items(), found, strict=True):
        assert (outcome.status, outcome.node_ips) == (0, ",".join(addresses)), (name, outcome.err)
        metadata = {operation for operation in outcome.asked if operation != "GET /ip"}
        assert bool(metadata) == (MACHINES[name].metadata is not None), name
    assert shown == sorted(address for addresses in expected.values() for address in addresses)
    names_its_sources(found[[*MACHINES].index("ec2")].document)


def names_its_sources(document: dict[str, Any]) -> None:
    """Expect that each address has its source: an interface by its name, or the word of --public-ip-from."""
    assert document["addresses"] == [
        {"address": own(2), "interface": None, "source": "aws"},
        {"address": own(2), "interface": None, "source": URL},
    ]
    (private,) = (found for found in document["left_out"] if found["address"] == "10.0.0.5")
    assert (private["interface"], private["source"]) == ("eth0", "interface")
