"""Where results go: to standard output, or into their places in tests/README.md."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def rows(*lines: Sequence[str]) -> str:
    """Write a Markdown table; the first line is its head."""
    head, *body = lines
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *body))


def publish(name: str, text: str, *, write: bool) -> None:
    """Print a result, or put it into its place in tests/README.md."""
    if write:
        README.write_text(place(README.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    else:
        sys.stdout.write(text)


def place(document: str, name: str, text: str) -> str:
    """Put a result between the two comments of a document that name its place."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    after, places = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", document, flags=re.DOTALL)
    assert places == 1
    return after
