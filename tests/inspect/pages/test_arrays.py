"""Numbers on a page: all of them in a table, or a heat map with words for it."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npnet.inspect.expressions import Symbol
from npnet.inspect.pages.arrays import figure, written

X = Symbol("x", (2, 3))


def parsed(array, **data):
    """Return the figure of an array as a tree."""
    return ElementTree.fromstring(
        re.sub(r"(<img[^>]*)>", r"\1/>", figure("value", X, array, **data))
    )


def numbers(tree):
    """Return the numbers of a figure, to all their digits."""
    return [float(data.get("value")) for data in tree.iter("data")]


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 8))))
def test_a_small_array_is_a_table_of_all_its_numbers(array):
    tree = parsed(array)
    rows = [[float(d.get("value")) for d in row.iter("data")] for row in tree.iter("tr")]
    np.testing.assert_array_equal(np.array(rows), array)


@pytest.mark.parametrize(
    ("array", "rows"),
    [
        (np.array([1.0, 2.0]), 1),
        (np.ones((2, 2, 3)), 4),
        (np.array([[True], [False]]), 2),
        (np.array([3, 4, 5]), 1),
        (np.float32([[0.1, 0.2]]), 1),
    ],
)
def test_axes_and_dtypes(array, rows):
    tree = parsed(array)
    assert len([*tree.iter("tr")]) == rows
    assert numbers(tree) == [float(value) for value in array.ravel()]


def test_a_number_and_nothing():
    assert numbers(parsed(np.array(0.1))) == [0.1]
    assert "".join(parsed(np.zeros((0, 3))).itertext()).endswith("empty")


def test_what_it_is_found_by_and_what_it_is_called():
    tree = parsed(np.ones((2, 3)), slot="slot3", number=1)
    assert (tree.get("data-slot"), tree.get("data-number")) == ("slot3", "1")
    assert tree.get("class") == "array value"
    assert "".join(tree[0].itertext()) == "x (2, 3)"
    assert tree[1].get("aria-label") == "x, 2 by 3"


@pytest.mark.parametrize("shape", [(9, 2), (2, 9), (28, 28), (100,), (4, 3, 5, 5)])
def test_a_large_array_is_a_heat_map_with_words(shape):
    array = np.random.default_rng(0).normal(size=shape)
    tree = parsed(array)
    image = tree.find("img")
    assert image.get("alt").startswith(f"Heat map of x: {shape} min −")
    assert numbers(tree) == [array.min(), array.mean(), array.max()]
    assert int(image.get("width")) >= 2 <= int(image.get("height"))
    low, high = (part.strip() for part in tree.find("p[@class='scale']").itertext())
    assert low == f"−{high}"
    assert float(high) > 0


def test_notes_say_what_a_dot_is():
    text = "".join(
        parsed(np.where(np.arange(80 * 200).reshape(4, 20, 200) == 7, np.inf, 0.5)).itertext()
    )
    assert "a dot is the mean of 2 \u00d7 3 numbers" in text
    assert "all axes but the last go down" in text
    assert "1 not finite, grey" in text
    only = "".join(parsed(np.full((9, 9), np.nan)).itertext())
    assert "81 not finite, grey" in only


def test_six_digits_are_written():
    assert written(1 / 3) == '<data value="0.3333333333333333">0.333333</data>'
    assert written(-1e-9) == '<data value="-1e-09">−1e−09</data>'
    assert written(-0.0) == '<data value="0.0">0</data>'
