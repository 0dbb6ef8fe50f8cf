"""Other people's text is made fit for a line of output."""

import pytest

from jobs.core.address import parse_addresses
from jobs.core.place import Coordinates
from jobs.core.text import escaped, one_line, quoted, shortened, stub, without_logins


def test_long_text_is_shown_short() -> None:
    """Text of more than 80 characters is cut."""
    assert quoted("x" * 1000) == quoted("x" * 81) == "'" + "x" * 77 + "...'"


def test_short_text_is_shown_whole() -> None:
    """Text of up to 80 characters is shown whole."""
    assert quoted("x" * 80) == "'" + "x" * 80 + "'"


def test_line_breaks_of_quoted_text_are_escaped() -> None:
    """Quoted text is one line of printable characters, whatever was written."""
    assert quoted("a\n\x1b[31m") == r"'a\n\x1b[31m'"


def test_text_is_cut_to_the_length_asked_for() -> None:
    """Text is at most as long as asked for, and dots show that it was cut."""
    assert [shortened("x" * length, 10) for length in (10, 11)] == ["x" * 10, "x" * 7 + "..."]


def test_a_text_that_is_not_too_long_stays_whole() -> None:
    """Text of up to the most characters that a good one has stays whole."""
    assert stub("x" * 64, 64) == "x" * 64


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("https://u:s3cret@h:1/p", "https://...@h:1/p", id="URL"),
        pytest.param('to "http://u:a@s3cret@h:1": no', 'to "http://...@h:1": no', id="within a text, with another @"),
        pytest.param('"http://socks5://u:s3cret@h"', '"http://...@h"', id="two schemes"),
        pytest.param("u:s3cret@h", "...@h", id="no scheme"),
        pytest.param("https://h/p, at last", "https://h/p, at last", id="no login"),
    ],
)
def test_logins_are_not_shown(text: str, shown: str) -> None:
    """What stands before an @ is hidden, in each word: it may hold a password."""
    assert without_logins(text) == shown


@pytest.mark.parametrize("text", [",".join(["5.0.0.1"] * 100), "5.0.0.1" + "," * 100, "48.86,2." + "0" * 100])
def test_a_stub_is_nothing_that_a_reader_takes(text: str) -> None:
    """A text that is too long becomes a stub that names its length, and is neither a list of addresses nor a place."""
    found = stub(text, 64)
    assert found == f"{text[:20]}... ({len(text)} characters; at most 64)"
    for reader in (parse_addresses, Coordinates.parse):
        with pytest.raises(ValueError, match=r".+"):
            reader(found)


def test_messages_stay_one_line() -> None:
    """A message becomes one line without control characters.

    It can neither forge lines of the report nor control the terminal.
    """
    assert one_line(" a\nb\t c\x1b[31m\x00 ") == "a b c[31m"


def test_a_text_that_is_too_long_becomes_a_stub_that_nothing_takes_for_its_value() -> None:
    """A text that is longer than any good one is replaced by its beginning and its length; others stay as they are.

    Cut off only, a list of addresses would be read as a shorter one.
    """
    assert stub("1" * 64, 64) == "1" * 64
    assert stub("1" * 65, 64) == "1" * 20 + "... (65 characters; at most 64)"


def test_what_a_terminal_would_not_print_is_escaped() -> None:
    """Control characters and bytes that are not text become escapes; all else stays."""
    assert escaped("wän0\x1b\udcff") == "wän0\\x1b\\udcff"
