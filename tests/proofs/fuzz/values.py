"""Hypothesis strategies for bad input: any text, any JSON, and good documents with something wrong in them."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
Json = Any
Path = tuple[str | int, ...]

_ODD = ("", " ", "\n", "\t", "\x00", "\x1b[31m", "\x7f", "\u0661", "\u202e", "\ufeff", "\xad", "\U0001f30d", "%", ",")
_TIMES = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00+23:59", "2016-12-31T23:59:60Z", "now")


def examples(share: float) -> settings:
    """Take a share of the examples that the profile gives: for tests of which each example takes long."""
    assert settings.default is not None
    return settings(max_examples=max(1, round(settings.default.max_examples * share)))


def texts(*good: str) -> st.SearchStrategy[str]:
    """Draw any text: some of the good ones, near misses of them, huge ones, and what no terminal should see."""
    near = [st.sampled_from(good), _near_misses(good)] if good else []
    odd = st.lists(st.sampled_from(_ODD) | st.text(max_size=3), max_size=6).map("".join)
    huge = st.sampled_from([*good, "9", "a", "\u00e9", ", "]).map(lambda part: (part * 3_000)[:3_000])
    return st.one_of(*near, *near, odd, st.text(max_size=40), huge)


@st.composite
def _near_misses(draw: Draw, good: Sequence[str]) -> str:
    """Draw a good text with a piece of it taken out, doubled, or replaced."""
    text: str = draw(st.sampled_from(good))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 3)))
    middle: str = draw(st.sampled_from([*_ODD, "0", ".", "-", ":", "/", "A"]) | st.just(text[start:end] * 2))
    return text[:start] + middle + text[end:]


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**63, 2**64, -(2**70), 10**400])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(_TIMES)
    | texts("True", "False", "Ready", "5.0.0.1")
)
anything: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoiled(draw: Draw, document: Json) -> Json:
    """Draw a document with one to three members, at any depth, dropped or replaced by anything; or doubled lists."""
    found = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        paths = [path for path in walk(found) if path]
        if not paths:
            return found
        *above, last = draw(st.sampled_from(paths))
        holder = at(found, above)
        match draw(st.sampled_from(["drop", "replace", "replace", "null", "double"])):
            case "drop":
                del holder[last]
            case "null":
                holder[last] = None
            case "double" if isinstance(holder[last], list):
                holder[last] = holder[last] * draw(st.sampled_from([2, 1_500 // (len(holder[last]) or 1)]))
            case _ if isinstance(holder[last], str) and draw(st.booleans()):
                holder[last] = draw(texts(holder[last]))
            case _:
                holder[last] = draw(anything)
    return found


def walk(document: Json, path: Path = ()) -> Iterator[Path]:
    """Give the path of every member, outer ones first."""
    yield path
    members: Iterable[tuple[str | int, Json]] = ()
    if isinstance(document, dict):
        members = document.items()
    elif isinstance(document, list):
        members = list(enumerate(document))[:20]
    for key, value in members:
        yield from walk(value, (*path, key))


def at(document: Json, path: Iterable[str | int]) -> Json:
    """Give the member at a path."""
    for key in path:
        document = document[key]
    return document
