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


def publish(place: str, text: str, *, write: bool) -> None:
    """Print a result, or put it between the two comments of tests/README.md that name its place."""
    if not write:
        sys.stdout.write(text)
        return
    begin, end = f"<!-- {place} -->\n", f"<!-- end of {place} -->"
    before = README.read_text(encoding="utf-8")
    after = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", before, flags=re.DOTALL)
    assert place in after
    README.write_text(after, encoding="utf-8")
