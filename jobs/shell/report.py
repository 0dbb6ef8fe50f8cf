"""What the results of all commands have in common. Pure."""

import json
from collections.abc import Sequence
from typing import Any

Row = Sequence[str]


def table(rows: Sequence[Row]) -> list[str]:
    """Line columns up, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def as_json(document: dict[str, Any]) -> str:
    """Write a document so that people can read it too."""
    return json.dumps(document, indent=2) + "\n"
