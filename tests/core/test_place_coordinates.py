"""A place is read strictly, and its notation makes no difference."""

from decimal import Decimal

import pytest

from jobs.core.place import Coordinates


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param("12.34,56.78", "12.34,56.78", id="as documented"),
        pytest.param("-12.34,-56.78", "-12.34,-56.78", id="south and west"),
        pytest.param("+12.34,+56.78", "12.34,56.78", id="plus sign"),
        pytest.param("1,2", "1.00,2.00", id="no decimals are filled up"),
        pytest.param("1.5,2.5", "1.50,2.50", id="one decimal is filled up"),
        pytest.param("01.5,002", "1.50,2.00", id="leading zeros"),
        pytest.param("1.234,5.678", "1.23,5.68", id="more decimals are rounded"),
        pytest.param("0.125,0.135", "0.12,0.14", id="halves go to the even digit"),
        pytest.param("-0.125,-0.135", "-0.12,-0.14", id="negative halves too"),
        pytest.param("0.12500000000000000000000000000000001,0", "0.13,0.00", id="just over a half"),
        pytest.param("-0.00,-0", "0.00,0.00", id="no negative zero"),
        pytest.param("-0.001,-0.004", "0.00,0.00", id="nor one that rounding makes"),
        pytest.param(" 1.00 ,  2.00 ", "1.00,2.00", id="spaces around the numbers"),
        pytest.param("90,180", "90.00,180.00", id="the north and east ends"),
        pytest.param("-90.000,-180.000", "-90.00,-180.00", id="the south and west ends"),
    ],
)
def test_coordinates_are_read(text: str, form: str) -> None:
    """A place written in any usual way has one form: two decimals, rounded half-even, no negative zero."""
    assert str(Coordinates.parse(text)) == form


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "is not <latitude>,<longitude>", id="empty"),
        pytest.param("1.00", "is not <latitude>,<longitude>", id="one number"),
        pytest.param("1,2,3", "is not <latitude>,<longitude>", id="three numbers"),
        pytest.param("1;2", "is not <latitude>,<longitude>", id="wrong separator"),
        pytest.param("X1,2", "latitude 'X1' is not a decimal number", id="a letter before a number"),
        pytest.param(",2", "latitude '' is not a decimal number", id="no latitude"),
        pytest.param("1,", "longitude '' is not a decimal number", id="no longitude"),
        pytest.param("north,2", "latitude 'north' is not a decimal number", id="a word"),
        pytest.param(".5,2", "latitude '.5' is not a decimal number", id="no digit before the point"),
        pytest.param("1e1,2", "latitude '1e1' is not a decimal number", id="exponent"),
        pytest.param("1_0,2", "latitude '1_0' is not a decimal number", id="underscore"),
        pytest.param("nan,2", "latitude 'nan' is not a decimal number", id="not a number"),
        pytest.param("inf,2", "latitude 'inf' is not a decimal number", id="infinite"),
        pytest.param("--1,2", "latitude '--1' is not a decimal number", id="two signs"),
        pytest.param("- 1,2", "latitude '- 1' is not a decimal number", id="a space within"),
        pytest.param("\uff11,2", "latitude '\uff11' is not a decimal number", id="full-width digit"),
        pytest.param("\u0661,2", "latitude '\u0661' is not a decimal number", id="Arabic digit"),
        pytest.param("1,2\n", r"longitude '2\n' is not a decimal number", id="line break"),
        pytest.param("1,\t2", r"longitude '\t2' is not a decimal number", id="tab"),
        pytest.param("90.001,2", "latitude '90.001' is not between -90 and 90", id="range before rounding, north"),
        pytest.param("-90.001,2", "latitude '-90.001' is not between -90 and 90", id="range before rounding, south"),
        pytest.param("1,180.001", "longitude '180.001' is not between -180 and 180", id="range before rounding, east"),
        pytest.param(
            "1,-180.004", "longitude '-180.004' is not between -180 and 180", id="range before rounding, west"
        ),
        pytest.param("91,2", "latitude '91' is not between -90 and 90", id="too far north"),
    ],
)
def test_anything_else_is_no_place(text: str, words: str) -> None:
    """Anything else is refused in words that say which number is wrong."""
    with pytest.raises(ValueError, match=r".+") as caught:
        Coordinates.parse(text)
    assert words in str(caught.value)


def test_equal_places_are_equal_as_numbers() -> None:
    """Two notations of one place are equal.

    Otherwise they would be two record sets at one location, which Route 53 refuses.
    """
    assert Coordinates(Decimal(1), Decimal(2)) == Coordinates.parse("1.00,2.00")
