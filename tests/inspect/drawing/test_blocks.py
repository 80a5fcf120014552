"""Numbers beside a line are the array's, to the digits that are written."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npnet.inspect.drawing.blocks import COLUMNS, LINE, ROWS, Block, block_of, decimals_of, number

FINITE = st.floats(-1e30, 1e30, allow_subnormal=False)


def read(text):
    """Return a written number."""
    return float(text.replace("−", "-").replace("∞", "inf"))


@given(FINITE)
def test_a_number_is_right_to_four_digits(value):
    ((text,),) = block_of(np.array(value)).rows
    digit = 10.0 ** (math.floor(math.log10(abs(value))) - 3) if value else 0.0
    assert abs(read(text) - value) <= 0.50001 * digit


@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(1, ROWS), st.integers(1, COLUMNS)), elements=FINITE
    )
)
def test_every_number_of_a_small_matrix_is_right_beside_the_greatest(array):
    block = block_of(array)
    assert block.bracketed
    found = np.array([[read(text) for text in row] for row in block.rows])
    greatest = np.abs(array).max()
    assert found.shape == array.shape
    assert np.all(np.abs(found - array) <= 0.50001e-3 * greatest)


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (28, 28), (2, 2, 2), (100,)])
def test_of_a_large_array_the_least_and_greatest_are_there(shape):
    array = np.linspace(-2, 6, math.prod(shape)).reshape(shape)
    assert block_of(array) == Block((("−2", "…", "6"),))


@pytest.mark.parametrize(
    ("array", "rows"),
    [
        (np.array([1, 0]), (("1", "0"),)),
        (np.array(3), (("3",),)),
        (np.array([True, False]), (("1", "0"),)),
        (np.zeros((0, 3)), (("empty",),)),
        (np.array([np.nan, np.inf, -np.inf, 1.0]), (("nan", "∞", "−∞", "1"),)),
        (np.array(np.nan), (("nan",),)),
        (np.zeros(2), (("0", "0"),)),
        (np.array([1e-20, -2.5e-20]), (("1e−20", "−2.5e−20"),)),
    ],
)
def test_unusual_numbers(array, rows):
    assert block_of(array).rows == rows


def test_widths_and_heights():
    block = block_of(np.array([[1.0, 22.0], [3.0, 4.0], [5.0, 6.0]]))
    assert block.height == 3 * LINE
    first, second = block.widths(10)
    assert second == pytest.approx(2 * first)
    assert block.width(10) > first + second
    assert decimals_of(np.array([123.4]), 4) == 1


def test_no_minus_before_nothing():
    assert number(-0.0, 3) == "0"
    assert number(-1e-9, 4) == "0"
    assert number(-0.0, None) == "0"
