"""Times as the API writes them and as its decoder reads them, and ages as kubectl shows them."""

import datetime as dt
import re

SECONDS = "2006-01-02T15:04:05Z07:00"
MICROSECONDS = "2006-01-02T15:04:05.000000Z07:00"
"""Go's layouts of metav1.Time and metav1.MicroTime."""

_DAY = (("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T"))
_TIME = (("15", r"\d\d?"), (":", ":"), ("04", r"\d\d"), (":", ":"), ("05", r"\d\d"))
_ZONE = ("Z07:00", r"Z|[+-]\d\d:\d\d")
_PARTS = {
    SECONDS: (*_DAY, *_TIME, ("fraction", r"([.,]\d+)?"), _ZONE),  # Go reads one that its layout does not have
    MICROSECONDS: (*_DAY, *_TIME, (".000000", r"[.,]\d{6}"), _ZONE),
}
_RANGES = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59), "05": ("second", 0, 59)}
_HOURS, _MINUTES = 24, 60  # the most that Go takes for the offset of a zone, both included
_WRITTEN = re.compile(r"(-?\d{4,})-(.*)Z")
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_UNITS = (  # from how many seconds on, which unit, below how many of them with which smaller one
    (2 * 365 * 86400, "y", 365 * 86400, 8, "d", 86400),
    (48 * 3600, "d", 86400, 8, "h", 3600),
    (3 * 3600, "h", 3600, 8, "m", 60),
    (120, "m", 60, 10, "s", 1),
    (0, "s", 1, 0, "", 1),
)


def timestamp(seconds: float) -> str:
    """Write a time of the day as a metav1.Time."""
    return _written(dt.datetime.fromtimestamp(int(seconds), dt.UTC), 0, SECONDS)


def micro_time(seconds: float) -> str:
    """Write a time of the day as a metav1.MicroTime."""
    return _written(dt.datetime.fromtimestamp(seconds, dt.UTC), 0, MICROSECONDS)


def seconds_of(text: str) -> float:
    """Give the Unix time of what the server has written, whatever the year."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"the server writes no such time: {text}")
    year, cycles = _within_datetime(int(found[1]))
    moment = dt.datetime.fromisoformat(f"{year}-{found[2]}+00:00")
    return moment.timestamp() + cycles * _CYCLE_DAYS * 86400


def normal(text: str, layout: str) -> str | None:
    """Give a time that a client sends as the server stores it; ValueError in the words of Go's decoder.

    A year has four digits, but offsets lead to the years before and after: -1 and 10000. Go's zero time is no time.
    """
    rest, parts = text, {}
    for part, pattern in _PARTS[layout]:
        found = re.match(pattern, rest, re.ASCII)
        if found is None:
            raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{part}"')
        name, least, most = _RANGES.get(part, ("", 0, 0))
        if name and not least <= int(found[0]) <= most:
            raise ValueError(f'parsing time "{text}": {name} out of range')
        rest, parts[part] = rest[found.end() :], found[0]
    offset = _offset(text, parts["Z07:00"])
    if rest:
        raise ValueError(f'parsing time "{text}": extra text: "{rest}"')
    year, cycles = _within_datetime(int(parts["2006"]))
    month, day, hour, minute, second = (int(parts[part]) for part in ("01", "02", "15", "04", "05"))
    micro = int(parts.get(".000000", "")[1:] or 0)
    try:
        moment = dt.datetime(year, month, day, hour, minute, second, micro, tzinfo=dt.UTC)
    except ValueError:
        raise ValueError(f'parsing time "{text}": day out of range') from None
    written = _written(moment - offset, cycles, layout)
    return None if written in ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z") else written


def _offset(text: str, zone: str) -> dt.timedelta:
    if zone == "Z":
        return dt.timedelta()
    hours, minutes = int(zone[1:3]), int(zone[4:])
    for unit, number, most in (("hour", hours, _HOURS), ("minute", minutes, _MINUTES)):
        if number > most:
            raise ValueError(f'parsing time "{text}": time zone offset {unit} out of range')
    return dt.timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)


def _within_datetime(year: int) -> tuple[int, int]:
    """Give a year that `datetime` has and, in cycles of the Gregorian calendar, how much later the year is."""
    cycles = year // _CYCLE_YEARS - 5
    return year - cycles * _CYCLE_YEARS, cycles


def _written(moment: dt.datetime, cycles: int, layout: str) -> str:
    year = moment.year + cycles * _CYCLE_YEARS
    rest = moment.isoformat(timespec="seconds" if layout == SECONDS else "microseconds")[4:]
    return f"{'-' * (year < 0)}{abs(year):04}{rest.replace('+00:00', 'Z')}"


def age(seconds: float) -> str:
    """Write a duration as tables do: `119s`, `3m43s`, `61m`, `4h5m`, `27h`, `2d3h`, `400d`, `2y70d`."""
    if seconds < -1:
        return "<invalid>"
    whole = max(0, int(seconds))
    unit, size, precise, below, smaller = next(row for row in _UNITS if whole >= row[0])[1:]
    count, rest = whole // size, whole % size // smaller
    return f"{count}{unit}" + (f"{rest}{below}" if rest and count < precise else "")
