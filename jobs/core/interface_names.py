"""Which network interfaces carry a node's own addresses, by their names. Pure."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

NOT_THE_NODES = {
    "cni*": "pods (the bridge of CNI plugins, Flannel and Podman among them)",
    "cbr*": "pods (the bridge of kubenet)",
    "flannel*": "pods (Flannel)",
    "cilium*": "pods (Cilium)",
    "lxc*": "pods or containers (Cilium's ends of pods' links, LXC's bridge)",
    "lxdbr*": "containers (the bridge of LXD)",
    "incusbr*": "containers (the bridge of Incus)",
    "cali*": "pods (Calico's ends of pods' links)",
    "*.calico": "pods (Calico's VXLAN)",
    "*.cali": "pods (Calico's WireGuard)",
    "tunl*": "pods (Calico's IP in IP)",
    "veth*": "pods or containers (the host's end of their links)",
    "docker*": "containers (the bridge of Docker)",
    "podman*": "containers (the bridge of Podman)",
    "nerdctl*": "containers (the bridge of nerdctl)",
    "br-"
    + 12 * "[0-9a-f]": "containers (the bridge of a Docker or nerdctl network)",  # br-ex, br-wan are the node's own
    "kube-*": "Services or pods (kube-proxy's kube-ipvs0, kube-router's bridge)",
    "kilo*": "the cluster's own mesh (Kilo)",
    "nodelocaldns": "the cluster's DNS (NodeLocal DNSCache)",
    "weave*": "pods (Weave Net)",
    "antrea-*": "pods (Antrea)",
    "ovn-k8s-*": "pods (OVN-Kubernetes)",
    "ovn-*": "pods (OVN's tunnels)",
    "virbr*": "virtual machines (the bridge of libvirt)",
    "vnet*": "virtual machines (libvirt's ends of their links)",
    "vxlan*": "pods (a CNI plugin's VXLAN)",
    "wgcf*": "a client VPN (Cloudflare WARP by wgcf)",
    "CloudflareWARP": "a client VPN (Cloudflare WARP)",
    "proton*": "a client VPN (Proton VPN)",
    "ham*": "a client VPN (Hamachi)",
}
"""Globs over the names of interfaces that are left out by default, with what such an interface is for.

Pods, virtual machines and client VPNs may have global IPv6 addresses, behind which the node does not serve.
"""

NOT_CHOSEN = "interface not among those chosen"


def why_left_out(name: str, interfaces: Iterable[str], excluded: Iterable[str]) -> str | None:
    """Say why an interface is not looked at, or None when it is.

    `interfaces` and `excluded` are globs: the former replace those above, the latter always win.
    """
    for glob in excluded:
        if fnmatchcase(name, glob):
            return f"interface excluded by {glob}"
    if interfaces:
        return None if matches(name, interfaces) else NOT_CHOSEN
    for glob, purpose in NOT_THE_NODES.items():
        if _may_match(name, glob) and fnmatchcase(name, glob):
            return f"interface left out by default: it is for {purpose}"
    return None


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether a name matches any of these globs."""
    return any(fnmatchcase(name, glob) for glob in globs)


def _may_match(name: str, glob: str) -> bool:
    """Compare the beginnings: to compile thirty globs would be a twentieth of what annotate-once costs."""
    return name.startswith(re.split(r"[*[]", glob)[0])
