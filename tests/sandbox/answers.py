"""Whom Route 53 answers with, once a name is asked for from some place: what all records and checks are for."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.sandbox.record_sets import RecordSet, policy, values

MOST_MULTIVALUE = 8
EARTH_KM = 6371.0


class Point(NamedTuple):
    """A place on earth, in degrees."""

    latitude: float
    longitude: float


def served(record_sets: Sequence[RecordSet], is_healthy: Callable[[str], bool], asker: Point) -> list[str]:
    """Give the values that a name server answers somebody with, of one name and type.

    Sets whose check is unhealthy are passed over; one without a check is healthy. When all are unhealthy all count as
    healthy. With simple routing checks make no difference. Raises NotImplementedError for policies that are not here.
    """
    if not record_sets:
        return []
    kind = policy(record_sets[0])
    if kind is None:
        return values(record_sets[0])
    healthy = [each for each in record_sets if "HealthCheckId" not in each or is_healthy(each["HealthCheckId"])]
    standing = healthy or list(record_sets)
    if kind == "MultiValueAnswer":  # Route 53 takes eight at random
        return [value for each in standing for value in values(each)][:MOST_MULTIVALUE]
    if kind == "GeoProximityLocation":
        return values(min(standing, key=lambda each: _biased_km(each["GeoProximityLocation"], asker)))
    raise NotImplementedError(kind)


def _biased_km(location: dict[str, Any], asker: Point) -> float:
    """Measure the way to a place; a positive bias makes it shorter, a negative one longer (Developer Guide)."""
    point = Point(*(float(location["Coordinates"][axis]) for axis in ("Latitude", "Longitude")))
    share: float = location.get("Bias", 0) / 100
    return _km(point, asker) * (1 - share) if share >= 0 else _km(point, asker) / (1 + share)


def _km(one: Point, other: Point) -> float:
    """Measure a great circle by the haversine formula."""
    south, north = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    chord = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin(east / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, chord)))
