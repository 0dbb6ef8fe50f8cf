"""A place on Earth, as Route 53 takes it."""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Self

from msgspec import Struct

from jobs.core.text import quoted

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?")  # as Route 53 reads them


class Coordinates(Struct, frozen=True, order=True):
    """A place in degrees with two decimals, all that Route 53 takes. Equal places share one record set."""

    latitude: Decimal
    longitude: Decimal

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> Self:
        """Read `<latitude>,<longitude>`; raises ValueError with a text for people."""
        parts = text.split(",")
        if len(parts) != 2:
            raise ValueError(f"{quoted(text)} is not <latitude>,<longitude>")
        return cls(_degrees(parts[0], "latitude", 90), _degrees(parts[1], "longitude", 180))

    def __str__(self) -> str:
        """Give the form of the annotation, always with two decimals."""
        return f"{self.latitude},{self.longitude}"


def _degrees(text: str, what: str, limit: int) -> Decimal:
    text = text.strip(" ")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{what} {quoted(text)} is not a decimal number of degrees")
    degrees = Decimal(text)
    if not -limit <= degrees <= limit:
        raise ValueError(f"{what} {quoted(text)} is not between -{limit} and {limit}")
    return degrees.quantize(Decimal("0.01"), ROUND_HALF_EVEN) + 0  # + 0 makes -0.00 plain 0.00
