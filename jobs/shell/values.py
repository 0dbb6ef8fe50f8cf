"""How the values of options are read: each parser takes a text and raises ValueError that says what it is not."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network

from jobs.core.text import HOST


def text(value: str) -> str:
    """Take any text but the empty one."""
    if not value:
        raise ValueError("is empty")
    return value


def selector(value: str) -> str:
    """Take a label selector; the API server knows its grammar."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("is not text in UTF-8") from None
    return value


def seconds(lowest: int, highest: int) -> Callable[[str], int]:
    """Make a parser of whole seconds from `lowest` to `highest`."""

    def parse(value: str) -> int:
        if not re.fullmatch("[0-9]{1,10}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"is not a whole number of seconds from {lowest} to {highest}")
        return int(value)

    return parse


def seconds_or_off(lowest: int, highest: int) -> Callable[[str], int]:
    """Make a parser of whole seconds from `lowest` to `highest`, or 0."""

    def parse(value: str) -> int:
        if value.strip("0") == "" and value:
            return 0
        try:
            return seconds(lowest, highest)(value)
        except ValueError as error:
            raise ValueError(f"{error}, nor 0 for off") from None

    return parse


def choice(*words: str) -> Callable[[str], str]:
    """Make a parser that takes one of these words."""

    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"is not one of {', '.join(words)}")
        return value

    return parse


def glob(value: str) -> str:
    """Take a glob over interface names."""
    if not re.fullmatch(r"([^\s/:\[\]]|\[!?+\]?+[^\s/:\[\]]*\])+", value, re.ASCII):
        raise ValueError("is not a glob over interface names (without alias labels), such as eth* or en[op]*")
    return value


_CLOUDS = ("aws", "gcp", "azure")


def address_source(value: str) -> str:
    """Take a cloud, or an https:// URL without a user and a fragment."""
    url = re.fullmatch(rf"https://{HOST}(:(?P<port>[0-9]{{1,5}}))?([/?][!-\"$-~]*)?", value)
    if value not in _CLOUDS and not (url and 1 <= int(url["port"] or 443) <= 65535):
        raise ValueError(f"is neither {', '.join(_CLOUDS)} nor https://HOST[:PORT][/PATH]")
    return value


def zone_id(value: str) -> str:
    """Take the id of a hosted zone, in the API's long form too."""
    zone_id = value.removeprefix("/hostedzone/")
    if not re.fullmatch("[A-Z0-9]{1,32}", zone_id):
        raise ValueError("is not the id of a hosted zone, such as Z2ABCDEFGHIJKL")
    return zone_id


def truth(value: str) -> bool:
    """Take true or false."""
    if value.lower() not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return value.lower() == "true"


def object_name(value: str) -> str:
    """Take the name of a Kubernetes object (RFC 1123 subdomain)."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", value):
        raise ValueError("is not the name of a Kubernetes object: lower-case letters, digits, - and . only")
    return value


def service(value: str) -> str:
    """Take NAMESPACE/NAME (RFC 1123 labels)."""
    label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if not re.fullmatch(f"{label}/{label}", value):
        raise ValueError("is not NAMESPACE/NAME of a Service, such as ingress/caddy")
    return value


def family(value: str) -> int:
    """Take an address family, as 4 or 6."""
    families = {"IPv4": 4, "IPv6": 6}
    if value not in families:
        raise ValueError("is not IPv4 or IPv6")
    return families[value]


def network(value: str) -> IPv4Network | IPv6Network:
    """Take an address or a network."""
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError("is not an address or a network (CIDR) without host bits, such as 5.75.128.0/24") from None


def taint(value: str) -> str:
    """Take the key of a taint, or a prefix of keys that ends in *."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?|[A-Za-z0-9][A-Za-z0-9._/-]*\*", value):
        raise ValueError("is not the key of a taint, such as example.com/maintenance; a trailing * is a prefix")
    return value
