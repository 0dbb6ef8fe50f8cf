"""Where a node is, and how far its place's share of the world reaches: coordinates and bias. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Self

from msgspec import Struct, field

from jobs.core.text import quoted

MOST_BIAS = 99
_LABEL_VALUE = "[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?"  # Kubernetes' own rule: no other can match
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?")  # as Route 53 reads them


class Coordinates(Struct, frozen=True):
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
    return degrees.quantize(Decimal("0.01")) + 0  # rounds half to even; + 0 makes -0.00 plain 0.00


class Places(Struct, frozen=True):
    """Where nodes are that do not say it themselves: by zone or region label, else by default."""

    by_label: Mapping[str, Coordinates] = field(default_factory=dict)
    default: Coordinates | None = None

    def of(self, annotation: str | None, *labels: str) -> Coordinates | None:
        """Give a node's place; of several labels the first that is known counts.

        An annotation that is not a place gives none: raises ValueError with a text for people.
        """
        if annotation is not None:
            return Coordinates.parse(annotation)
        return next((self.by_label[label] for label in labels if label in self.by_label), self.default)


def parse_place(text: str) -> tuple[str, Coordinates]:
    """Read `<label value>=<latitude>,<longitude>`; raises ValueError with a text for people."""
    label, equals, place = text.partition("=")
    if not equals or not re.fullmatch(_LABEL_VALUE, label):
        raise ValueError("is not VALUE=LAT,LON with the value of a zone or region label, such as fsn1=50.48,12.37")
    return label, Coordinates.parse(place)


def parse_bias(annotation: str | None) -> int:
    """Read a bias; a missing one is 0. Raises ValueError with a text for people.

    The range is Route 53's own (GeoProximityLocation, Bias).
    """
    if annotation is None:
        return 0
    text = annotation.strip(" ")
    if not re.fullmatch("[-+]?[0-9]{1,3}", text) or abs(int(text)) > MOST_BIAS:
        raise ValueError(f"{quoted(annotation)} is not a whole number from -{MOST_BIAS} to {MOST_BIAS}")
    return int(text)
