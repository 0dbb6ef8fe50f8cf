"""Which interfaces carry a node's own addresses, by their names."""

import pytest

from jobs.core.interface_names import NOT_CHOSEN, NOT_THE_NODES, why_left_out

NOT_OURS = {
    "cni0": "pods",
    "cbr0": "pods",
    "flannel.1": "Flannel",
    "flannel-v6.1": "Flannel",
    "cilium_host": "Cilium",
    "lxc4f2a": "Cilium",
    "lxcbr0": "LXC",
    "lxdbr0": "LXD",
    "incusbr0": "Incus",
    "cali77d0": "Calico",
    "vxlan.calico": "Calico",
    "vxlan-v6.calico": "Calico",
    "wireguard.cali": "Calico",
    "wg-v6.cali": "Calico",
    "tunl0": "Calico",
    "veth9b1c": "pods or containers",
    "docker0": "Docker",
    "docker_gwbridge": "Docker",
    "podman0": "Podman",
    "nerdctl0": "nerdctl",
    "br-0123456789ab": "a Docker or nerdctl network",
    "kube-ipvs0": "kube-proxy",
    "kube-bridge": "kube-router",
    "kilo0": "Kilo",
    "nodelocaldns": "DNS",
    "weave": "Weave",
    "antrea-gw0": "Antrea",
    "ovn-k8s-mp0": "OVN-Kubernetes",
    "ovn-5ab3": "OVN",
    "virbr0": "libvirt",
    "vnet3": "libvirt",
    "vxlan_sys_4789": "VXLAN",
    "wgcf": "WARP",
    "CloudflareWARP": "WARP",
    "proton0": "Proton VPN",
    "ham0": "Hamachi",
}
OURS = (
    *("eth0", "enp3s0", "eno1", "wlan0", "bond0", "ppp0", "lo", "wg0", "tailscale0", "tun0", "venet0", "vlan7"),
    *("br0", "br-ex", "br-wan", "br-lan", "br-0123456789a", "br-0123456789abc", "br-0123456789AB", "mycni0", "vmbr0"),
    *("cloudflarewarp", "nodelocaldns2", "my.calico.net", "a-veth"),
)


@pytest.mark.parametrize(("name", "purpose"), NOT_OURS.items())
def test_interfaces_of_others_are_left_out_by_default(name: str, purpose: str) -> None:
    """Addresses of pods, containers, virtual machines and client VPNs are left out, and the reason says whose it is."""
    reason = why_left_out(name, (), ())
    assert reason is not None
    assert reason.startswith("interface left out by default: it is for ")
    assert purpose in reason


@pytest.mark.parametrize("name", OURS)
def test_a_nodes_own_interfaces_are_looked_at(name: str) -> None:
    """An uplink, also a bridge with a name of its own, is looked at whatever it resembles."""
    assert why_left_out(name, (), ()) is None


def test_every_default_has_a_test() -> None:
    """Each glob leaves out a name above: whoever adds one says there whose interfaces it means."""
    found = {why_left_out(name, (), ()) for name in NOT_OURS}
    assert len(found) == len(NOT_THE_NODES)


@pytest.mark.parametrize(
    ("name", "interfaces", "excluded", "reason"),
    [
        pytest.param("docker0", ("docker*",), (), None, id="chosen though left out by default"),
        pytest.param("eth0", ("docker*",), (), NOT_CHOSEN, id="not chosen"),
        pytest.param("eth1", ("eth0", "eth1"), (), None, id="one of several"),
        pytest.param("eth0", ("eth*",), ("x*", "eth0"), "interface excluded by eth0", id="excluded though chosen"),
        pytest.param("eth0", (), ("eth?",), "interface excluded by eth?", id="excluded"),
        pytest.param("ETH0", ("eth*",), (), NOT_CHOSEN, id="in capitals"),
    ],
)
def test_globs(name: str, interfaces: tuple[str, ...], excluded: tuple[str, ...], reason: str | None) -> None:
    """--interface replaces the defaults, --exclude-interface always wins."""
    assert why_left_out(name, interfaces, excluded) == reason
