"""Domain names as Route 53 writes them, which hosted zone holds a name, and what of it there is ours."""

import re
from collections.abc import Iterable

from msgspec import Struct

from jobs.core.errors import ConfigurationError
from jobs.core.record_set import TYPES, RecordSet

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class Zone(Struct, frozen=True):
    """A hosted zone; `name` in lower case, without the trailing dot."""

    id: str
    name: str
    private: bool

    def __str__(self) -> str:
        """Say which zone, for people."""
        return f"{self.name} ({self.id}{', private' if self.private else ''})"


def parse_domain(text: str) -> str:
    """Check a domain name; lower case, no trailing dot. Raises ValueError. `*.` in front is a wildcard record."""
    name = text.lower().removesuffix(".")
    labels = name.removeprefix("*.").split(".")
    if not text.isascii():
        raise ValueError("is not a domain name in ASCII: write international labels as xn--...")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise ValueError("is not a domain name: write it like www.example.com or *.example.com")
    return name


def canonical(name: str) -> str:
    r"""Undo Route 53's notation of a name that may be ours: `\052.Example.com.` → `*.example.com`.

    Other octal codes stay: `a\056b.example.com` is one label below example.com, not two.
    """
    return name.replace("\\052", "*").lower().removesuffix(".")


def as_listed(name: str) -> str:
    r"""Write a name as Route 53 lists it: `*.example.com` → `\052.example.com.`."""
    return name.replace("*", "\\052") + "."


def listing_order(name: str) -> str:
    """Sort key of Route 53's lists: by labels from the right."""
    return "".join(f"{label}." for label in reversed(name.split(".")))


def last_labels(name: str, count: int = 2) -> str:
    """Give the name's last labels: where the search for its zone starts."""
    return ".".join(name.removeprefix("*.").split(".")[-count:])


def within(name: str, parent: str) -> bool:
    """Say whether a name is a parent or below it, on a label boundary: evilexample.com is not in example.com."""
    return name == parent or name.endswith("." + parent)


def choose_zone(domain: str, zones: Iterable[Zone]) -> Zone | None:
    """Pick the public zone with the longest name that is the domain or a parent of it.

    Raises ConfigurationError when two share that name: nobody knows which of them the world asks.
    """
    public = [zone for zone in zones if not zone.private and within(domain, zone.name)]
    chosen = [zone for zone in public if len(zone.name) == max(len(each.name) for each in public)]
    if len(chosen) > 1:
        raise ConfigurationError(
            f"two public hosted zones could hold it: {' and '.join(map(str, chosen))}; choose one with --zone-id"
        )
    return chosen[0] if chosen else None


def no_zone(domain: str, zones: Iterable[Zone]) -> ConfigurationError:
    """Explain that no public zone holds a domain, with the zones seen that come near."""
    seen = list(zones)
    private = [zone for zone in seen if zone.private and within(domain, zone.name)]
    if private:
        return ConfigurationError(
            f"only a private hosted zone holds it: {', '.join(map(str, private))}; create a public one"
        )
    from difflib import get_close_matches  # noqa: PLC0415 - hardly a run needs it

    near = get_close_matches(domain, [zone.name for zone in seen], cutoff=0.5)  # at most three
    names = ", ".join(str(zone) for zone in seen if zone.name in near) or "none"
    return ConfigurationError(
        f"no public hosted zone of this account holds it; zones seen that come near: {names}; "
        "create the zone, or check the domain and the AWS account"
    )


def owned(domain: str, zone_name: str, found: Iterable[RecordSet]) -> tuple[RecordSet, ...]:
    """Pick the record sets of a name that belong to kube-node-dns.

    Raises ConfigurationError where none can stand: beside a CNAME, or below a delegation, whose NS records make this
    zone's other records at the name invisible (RFC 1034, 3.6.2 and 4.2.1).
    """
    found = tuple(found)
    types = {each.type for each in found}
    if "CNAME" in types:
        raise ConfigurationError("a CNAME record stands at this name; delete it, or choose another name")
    if "NS" in types and domain != zone_name:
        raise ConfigurationError(
            f"NS records delegate this name out of the zone {zone_name}; use the zone they point to"
        )
    return tuple(each for each in found if each.type in TYPES)
