"""Times as the API writes them and as its decoder reads them, and ages as kubectl shows them."""

import datetime as dt
import re

SECONDS = "2006-01-02T15:04:05Z07:00"
MICROSECONDS = "2006-01-02T15:04:05.000000Z07:00"
"""Go's layouts of metav1.Time and metav1.MicroTime."""

_DAY = (("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T"))
_TIME = (("15", r"\d\d"), (":", ":"), ("04", r"\d\d"), (":", ":"), ("05", r"\d\d"))
_ZONE = ("Z07:00", r"Z|[+-]\d\d:\d\d")
_PARTS = {
    SECONDS: (*_DAY, *_TIME, ("", r"(\.\d+)?"), _ZONE),  # Go reads a fraction that its layout does not have
    MICROSECONDS: (*_DAY, *_TIME, (".000000", r"\.\d{6}"), _ZONE),
}
_UNITS = (  # from how many seconds on, which unit, below how many of them with which smaller one
    (2 * 365 * 86400, "y", 365 * 86400, 8, "d", 86400),
    (48 * 3600, "d", 86400, 8, "h", 3600),
    (3 * 3600, "h", 3600, 8, "m", 60),
    (120, "m", 60, 10, "s", 1),
    (0, "s", 1, 0, "", 1),
)
_RANGES = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59), "05": ("second", 0, 59)}


def timestamp(seconds: float) -> str:
    """Write a time of the day as a metav1.Time."""
    return _written(dt.datetime.fromtimestamp(int(seconds), dt.UTC), SECONDS)


def micro_time(seconds: float) -> str:
    """Write a time of the day as a metav1.MicroTime."""
    return _written(dt.datetime.fromtimestamp(seconds, dt.UTC), MICROSECONDS)


def seconds_of(text: str) -> float:
    """Read what these two write."""
    return dt.datetime.fromisoformat(text).timestamp()


def normal(text: str, layout: str) -> str:
    """Give a time that a client sends as the server stores it; ValueError in the words of Go's decoder."""
    rest = text
    for part, pattern in _PARTS[layout]:
        found = re.match(pattern, rest, re.ASCII)
        if found is None:
            raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{part}"')
        name, least, most = _RANGES.get(part, ("", 0, 0))
        if name and not least <= int(found[0]) <= most:
            raise ValueError(f'parsing time "{text}": {name} out of range')
        rest = rest[found.end() :]
    if rest:
        raise ValueError(f'parsing time "{text}": extra text: "{rest}"')
    try:
        moment = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except ValueError:
        raise ValueError(f'parsing time "{text}": day out of range') from None
    return _written(moment, layout)


def _written(moment: dt.datetime, layout: str) -> str:
    return moment.isoformat(timespec="seconds" if layout == SECONDS else "microseconds").replace("+00:00", "Z")


def age(seconds: float) -> str:
    """Write a duration as tables do: `119s`, `3m43s`, `61m`, `4h5m`, `27h`, `2d3h`, `400d`, `2y70d`."""
    if seconds < -1:
        return "<invalid>"
    whole = max(0, int(seconds))
    unit, size, precise, below, smaller = next(row for row in _UNITS if whole >= row[0])[1:]
    count, rest = whole // size, whole % size // smaller
    return f"{count}{unit}" + (f"{rest}{below}" if rest and count < precise else "")
