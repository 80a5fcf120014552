"""Columns of a CSV file; what `read_csv` makes of them is tested with it."""

import math

import numpy as np
import pytest

from npnet.data.csv_columns import Column, in_order, is_number, some


def column(*parts, category=None):
    """Return a column that has read its cells part by part."""
    found = Column("x", {"", "NA"}, ValueError, category)
    line = 2
    for cells in parts:
        found.read(cells, range(line, line + len(cells)))
        line += len(cells)
    return found


def test_numbers_and_places_by_hand():
    numbers = column(["", "1.5"], ["NA", "-2"], ["3"])
    np.testing.assert_array_equal(numbers.numbers, [math.nan, 1.5, math.nan, -2, 3])
    assert numbers.missing.tolist() == [True, False, True, False, False]
    assert numbers.usual() == pytest.approx(2.5 / 3) and not numbers.category
    names = column(["", "b"], ["a", "b"], ["NA"])
    assert names.codes.tolist() == [-1, 0, 1, 0, -1] and names.usual() == "b"
    assert names.missing.tolist() == [True, False, False, False, True]
    kept = ~names.missing
    places, values = names.places(kept, np.arange(3), None)
    assert places.tolist() == [1, 0, 1] and values == ("a", "b")
    names.fill("c")
    assert names.codes.tolist() == [2, 0, 1, 0, 2] and not names.missing.any()


def test_a_column_without_any_value():
    empty = column(["", "NA"], [""])
    assert empty.missing.all() and empty.usual() is None and empty.category is None


def test_declared_columns_are_what_they_are_declared_to_be():
    assert column(["1", "01", "1"], category=True).codes.tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="column 'x' has numbers, but 'a' in line 2"):
        column(["a"], category=False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["1", "1.0", "01"], ("01", "1", "1.0")),
        (["b", "a", "1"], ("1", "a", "b")),
        (["10", "9", "x"], ("10", "9", "x")),
        ([], ()),
    ],
)
def test_categories_are_in_the_order_of_numbers_or_of_texts(values, expected):
    assert in_order(values) == expected


def test_what_is_a_number():
    for text in ("1", " 1 ", "-.5", "1e9", "inf", "-Infinity"):
        assert is_number(text)
    for text in ("", "nan", "1_0", "0x1", "1,5", "one", "1 2"):
        assert not is_number(text)


def test_a_message_names_some():
    assert (
        some([1, 2]) == "1, 2"
        and some([*range(7)]) == "0, 1, 2, 3, 4 and 2 more"
        and some([]) == ""
    )


@pytest.mark.parametrize(
    "cell", ["1,5", "-0,25", "1.234,5", "1,234", "1,234.5", "1'234", "5%", "2.5 %", "12,5%"]
)
def test_a_number_in_another_notation_is_no_name(cell):
    with pytest.raises(ValueError, match=r"'x' begins with .* in line 3, a number in another"):
        column(["", cell])
    assert column(["", cell], category=True).codes.tolist() == [-1, 0]


@pytest.mark.parametrize("cell", ["2024-01-05", "12:30", "1.2.3", "a,b", "1 2", "10.0.0.1", "%"])
def test_dates_and_codes_are_names(cell):
    assert column([cell]).category
