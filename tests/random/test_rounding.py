from fractions import Fraction

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

from npnet.random import Generator
from npnet.random.rounding import fused, scaled

DTYPES = (np.float32, np.float64)


def nearest(exact, dtype):
    """Return the floating number nearest to a fraction, the even one of two."""
    guess = dtype(float(exact))
    around = (np.nextafter(guess, dtype(-np.inf)), guess, np.nextafter(guess, dtype(np.inf)))
    bits = np.dtype(f"u{guess.itemsize}")
    return min(
        around, key=lambda a: (abs(Fraction(float(a)) - exact), int(np.asarray(a).view(bits)) & 1)
    )


@given(
    st.floats(-(2.0**60), 2.0**60, width=32),
    st.floats(0, 2.0**60, width=32),
    st.integers(-60, 960).map(lambda power: 2.0**power),
    st.sampled_from(DTYPES),
)
@example(-(2.0**59), 1.1 * 2.0**59, 2.0**960, np.float64)
def test_uniform_rounds_the_exact_value_once(low, extent, unit, dtype):
    if dtype is np.float64:
        low, extent = low * unit, extent * unit
    low, high = dtype(low), dtype(low) + dtype(extent)
    drawn = Generator(3).uniform(shape=20, dtype=dtype)
    scale = Fraction(float(dtype(high - low)))
    exact = [Fraction(float(u)) * scale + Fraction(float(low)) for u in drawn]
    if dtype is np.float64:
        assume(not any(0 < abs(bound) < 2.0**-900 for bound in (low, scale)))
    expected = [nearest(value, dtype) for value in exact]
    expected = [low if value == high else value for value in expected]
    assert Generator(3).uniform(low, high, 20, dtype).tolist() == [float(e) for e in expected]


def test_a_sum_just_below_the_middle_of_two_numbers_rounds_down():
    x = np.array([2.0**-24 * (1 - 2.0**-18)], np.float32)
    factor, term = np.float32(1 + 2.0**-18), np.float32(1 + 2.0**-23)
    assert fused(x, factor, term).tolist() == [1 + 2.0**-23]
    assert fused(-x, factor, -term).tolist() == [-1 - 2.0**-23]


def test_a_negative_zero_plus_zero_is_positive():
    assert not np.signbit(scaled(np.array([-0.0]), 1.0, 0.0)).any()
