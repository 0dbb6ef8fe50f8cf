"""Other people's text, made fit for a line of output."""

import re

_LABEL = "[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
HOST = rf"(?=[^:/?]{{1,253}}(?:[:/?]|$)){_LABEL}(?:\.{_LABEL})*"
"""A host name as DNS can hold it, of labels of at most 63 characters, or an IPv4 address."""


def shortened(text: str, most: int = 80) -> str:
    """Cut off what nobody would read to its end."""
    return text if len(text) <= most else text[: most - 3] + "..."


def stub(text: str, most: int) -> str:
    """Give a text, or, of one that is longer than any good one, its beginning and length, which no parser takes."""
    return text if len(text) <= most else f"{text[:20]}... ({len(text)} characters; at most {most})"


def without_logins(text: str) -> str:
    """Hide what stands before an @ in each word of a text but a URL's scheme: a user and a password."""
    return re.sub(r"\S+", lambda word: without_login(word[0]), text)


def without_login(url: str) -> str:
    """Hide what stands before the last @ but the scheme, also where it is not quite a URL."""
    before, at, after = url.rpartition("@")
    scheme, slashes, _ = before.partition("://")
    return f"{scheme if slashes else ''}{slashes}...@{after}" if at else url


def quoted(text: str) -> str:
    """Show somebody else's text on one line, harmless and short."""
    return repr(shortened(text))


def escaped(text: str) -> str:
    """Show text with an escape for each character that a terminal would not print, lone surrogates included."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def one_line(text: str) -> str:
    """Fold white space and drop control characters, so that a message of the cluster stays one line of output."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
