"""Domain names as Route 53 writes, compares and orders them."""

import functools
import re
import string

_PLAIN = frozenset(string.ascii_lowercase + string.digits + "-_")
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@functools.lru_cache(65_536)
def canonical(name: str) -> str:
    r"""Write a name as Route 53 returns it: lower case, trailing dot, unusual characters in octal (`*` is `\052`)."""
    labels = name.removesuffix(".").split(".")
    return ".".join(map(_escape, labels)) + "."


@functools.lru_cache(65_536)
def order(name: str) -> str:
    """Give the text by which Route 53 sorts a name: `com.example.www.`, the trailing dot included.

    The dot takes part in the comparison, so `com.example-a.` stands before `com.example.`.
    """
    return "".join(f"{_plain(label)}." for label in reversed(canonical(name).removesuffix(".").split(".")))


def within(name: str, zone: str) -> bool:
    """Say whether a name is the zone's own or below it, on a label boundary."""
    return f".{canonical(name)}".endswith(f".{canonical(zone)}")


def fault(name: str) -> str | None:
    """Say what is wrong with a name, in the words of Route 53."""
    labels = [_plain(label) for label in canonical(name).removesuffix(".").split(".")]
    if not all(labels):
        return f"FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with '{name}'"
    for label in labels:
        if len(label) > 63:  # RFC 1035, 2.3.4
            return f"FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '{label}'"
    if sum(len(label) + 1 for label in labels) + 1 > 255:  # RFC 1035, 2.3.4: length octets and the root included
        return f"FATAL problem: DomainNameTooLong (Domain name is too long) encountered with '{name}'"
    if "*" in labels[0] and labels[0] != "*":
        return f"FATAL problem: UnsupportedCharacter (a wildcard replaces a whole label) encountered with '{name}'"
    return None


def _plain(label: str) -> str:
    return _OCTAL.sub(lambda escape: chr(int(escape[1], 8)), label).translate(_LOWER)


def _escape(label: str) -> str:
    octets = _plain(label).encode("latin-1" if label.isascii() else "utf-8")
    return "".join(chr(octet) if chr(octet) in _PLAIN else f"\\{octet:03o}" for octet in octets)
