"""The metadata services of clouds: which public addresses this machine has, that none of its interfaces shows."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import msgspec

from jobs.core.address import Address, parse_address
from jobs.core.errors import ConfigurationError, Failure
from jobs.core.text import quoted
from jobs.edges.decode import UNREADABLE
from jobs.edges.fetch import fetch, good

_DMI = Path("/sys/class/dmi/id")
_MACHINES = {  # what a machine's firmware says of it, which a container sees too
    "aws": ("sys_vendor", "Amazon EC2"),
    "gcp": ("product_name", "Google Compute Engine"),
    "azure": ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
}
_XEN_UUID = Path("/sys/hypervisor/uuid")  # of EC2 instances on Xen it begins with ec2
_LINK_LOCAL = "http://169.254.169.254"
_AWS_IPV6 = "http://[fd00:ec2::254]"

Document = TypeVar("Document")


def is_machine_of(cloud: str) -> bool:
    """Whether this is a machine of a cloud: elsewhere anybody on the network might answer in its place."""
    name, value = _MACHINES[cloud]
    return _read(_DMI / name) == value or (cloud == "aws" and _read(_XEN_UUID).lower().startswith("ec2"))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def reported_by(cloud: str) -> tuple[Address, ...]:
    """Ask a cloud's metadata service for this machine's public addresses.

    Raises Failure for every answer but a proper one, also where that would mean that there is none, and
    ConfigurationError for variables that cannot be used.
    """
    return tuple({"aws": _aws, "gcp": _gcp, "azure": _azure}[cloud]())


def _aws() -> Iterator[Address]:
    """Instance metadata service, version 2 (EC2 User Guide, "Use IMDSv2"; categories public-ipv4s)."""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        raise ConfigurationError("--public-ip-from aws: AWS_EC2_METADATA_DISABLED is true; unset it, or leave aws out")
    is_ipv6 = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "").lower() == "ipv6"
    base = _endpoint("AWS_EC2_METADATA_SERVICE_ENDPOINT", "", _AWS_IPV6 if is_ipv6 else _LINK_LOCAL)
    what = f"PUT {base}/latest/api/token"
    token = good(fetch("PUT", f"{base}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}), what)
    if not re.fullmatch("[!-~]+", token):
        raise Failure(f"{what}: the answer is not a token: {quoted(token)}")
    headers, macs = {"X-aws-ec2-metadata-token": token}, f"{base}/latest/meta-data/network/interfaces/macs/"
    listed = good(fetch("GET", macs, headers), f"GET {macs}")
    if not re.fullmatch(r"(([0-9a-f]{2}:){5}[0-9a-f]{2}/?\s*)+", listed):
        raise Failure(f"GET {macs}: the answer is not a list of interfaces: {quoted(listed)}")
    for mac in listed.split():
        url = f"{macs}{mac.rstrip('/')}/public-ipv4s"
        reply = fetch("GET", url, headers)
        if reply.status != 404:  # after that list it means that the interface has none
            yield from _parsed(good(reply, f"GET {url}").split() or [""], url)


class _AccessConfig(msgspec.Struct, rename="camel"):
    external_ip: str = ""


class _GcpInterface(msgspec.Struct, rename="camel"):
    access_configs: list[_AccessConfig] = []
    ipv6s: list[str] = []


_GcpInterfaces = Annotated[list[_GcpInterface], msgspec.Meta(min_length=1)]


def _gcp() -> Iterator[Address]:
    """Metadata server (Compute Engine, "VM metadata": instance/network-interfaces)."""
    base = _endpoint("GCE_METADATA_HOST", "http://", "metadata.google.internal")
    url = f"{base}/computeMetadata/v1/instance/network-interfaces/?recursive=true"
    reply = fetch("GET", url, {"Metadata-Flavor": "Google"})
    text = good(reply, f"GET {url}")
    if reply.headers.get("Metadata-Flavor") != "Google":
        raise Failure(f"GET {url}: the answer has no header Metadata-Flavor: Google: it is somebody else's")
    for interface in _decoded(text, _GcpInterfaces, url):
        found = [*(each.external_ip for each in interface.access_configs), *interface.ipv6s]
        yield from _parsed(filter(None, found), url)


class _AzureAddress(msgspec.Struct, rename="camel"):
    public_ip_address: str | None = None


class _AzureFamily(msgspec.Struct, rename="camel"):
    ip_address: list[_AzureAddress] = []


class _AzureInterface(msgspec.Struct):
    ipv4: _AzureFamily


class _AzureNetwork(msgspec.Struct):
    interface: Annotated[list[_AzureInterface], msgspec.Meta(min_length=1)]


class _Frontend(msgspec.Struct, rename="camel"):
    frontend_ip_address: str = ""


class _Balancer(msgspec.Struct, rename="camel"):
    public_ip_addresses: list[_Frontend] = []


class _AzureBalancer(msgspec.Struct):
    loadbalancer: _Balancer


def _azure() -> Iterator[Address]:
    """Instance metadata service: Basic addresses stand at the interface, Standard ones with the load balancer."""
    headers = {"Metadata": "true"}
    url = f"{_LINK_LOCAL}/metadata/instance/network?api-version=2021-02-01"
    network = _decoded(good(fetch("GET", url, headers), f"GET {url}"), _AzureNetwork, url)
    addresses = (each.public_ip_address for interface in network.interface for each in interface.ipv4.ip_address)
    yield from _parsed(filter(None, addresses), url)
    url = f"{_LINK_LOCAL}/metadata/loadbalancer?api-version=2020-10-01"
    reply = fetch("GET", url, headers)
    if reply.status == 404 and "no load balancer metadata is found" in reply.text.lower():
        return  # any other 404 may mean: not now
    balancer = _decoded(good(reply, f"GET {url}"), _AzureBalancer, url).loadbalancer
    frontends = (each.frontend_ip_address.strip("[]") for each in balancer.public_ip_addresses)
    yield from _parsed(filter(None, frontends), url)


def _endpoint(variable: str, scheme: str, default: str) -> str:
    url = (scheme + (os.environ.get(variable, "").strip() or default)).rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and parts.hostname and parts.port != 0 and not (scheme and parts.path)
        usable = usable and re.fullmatch(r"[!-~]+", url) and not set(url) & set("@?#\\")
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(f"{variable} is not the address of a metadata service: {quoted(url)}")
    return url


def _decoded(text: str, type_: type[Document], url: str) -> Document:
    try:
        return msgspec.json.decode(text, type=type_)
    except UNREADABLE as error:
        raise Failure(f"GET {url}: the answer is not what the service promises: {error}") from error


def _parsed(found: Iterable[str], url: str) -> Iterator[Address]:
    for text in found:
        try:
            yield parse_address(text)
        except ValueError:
            raise Failure(f"GET {url}: the answer is not an address: {quoted(text)}") from None
