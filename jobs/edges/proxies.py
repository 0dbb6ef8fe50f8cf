"""Which proxy leads to the API server, by the environment's variables, as the official client reads them."""

import os
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit


def proxy_of_environment(server: str) -> str | None:
    """Give the proxy that HTTPS_PROXY or ALL_PROXY names for a server's https:// URL, unless NO_PROXY exempts it."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies  # noqa: PLC0415 - slow, and few pods have a proxy

    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    return None if proxy and is_exempt(server, proxies.get("no", "")) else proxy


def is_exempt(server: str, no_proxy: str) -> bool:
    """Say whether a server is reached without the proxy, by the value of NO_PROXY.

    It is a list of hosts, their parent domains (either may have a port), networks (CIDR), and `*` for every server.
    """
    url = urlsplit(server.lower())
    host = url.hostname or ""
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    return not host or any(entry and _matches(host, url.netloc, entry) for entry in entries)


def _matches(host: str, host_and_port: str, entry: str) -> bool:
    name = entry.lstrip(".")
    named = any(each == name or each.endswith(f".{name}") for each in (host, host_and_port))
    return entry == "*" or named or _within(host, entry)


def _within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
