import numpy as np
import pytest

from npnet.inspect.numbers import brief, compact, shape_text, size_text


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array(2.0), "2"),
        (np.array(-0.0), "0"),
        (np.array(-1 / 3, np.float32), "−0.333333"),
        (np.array(7), "7"),
        (np.array(np.nan), "nan"),
        (np.array([True, False]), "[1, 0]"),
        (np.array([[1.0], [-2 / 3]]), "[[1], [−0.6667]]"),
        (np.zeros((2, 0)), "(2, 0) empty"),
        (np.arange(8), "(8,) min 0, mean 3.5, max 7; 0, 1, 2 …"),
        (np.arange(8) > 1, "(8,) 6 true; 0, 0, 1 …"),
        (np.full(9, np.inf), "(9,) min inf, mean inf, max inf; inf, inf, inf …"),
        (np.array([np.inf, -np.inf] * 4), "(8,) min −inf, mean nan, max inf; inf, −inf, inf …"),
    ],
)
def test_an_array_is_one_short_line(array, text):
    assert compact(array) == text


def test_large_arrays_are_no_longer_than_small_ones():
    assert len(compact(np.random.default_rng(0).normal(size=(1000, 1000)))) < 100
    assert brief(np.arange(8.0)) == "(8,) 0 to 7"
    assert brief(np.arange(6.0)) == "[0, 1, 2, 3, 4, 5]"
    assert brief(np.zeros((3, 0))) == "(3, 0) empty"
    assert brief(np.arange(8) > 1) == "(8,) 6 true; 0, 0, 1 …"


def test_float32_does_not_overflow_in_the_mean():
    assert "mean 3e+38" in compact(np.full(100, 3e38, np.float32))


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_500, "1.0 MB"),
        (2 * 10**9, "2.0 GB"),
        (3 * 10**15, "3000 TB"),
    ],
)
def test_bytes_for_people(nbytes, text):
    assert size_text(nbytes) == text


def test_shapes_print_as_tuples_of_plain_integers():
    assert shape_text((np.int64(2), 3)) == "(2, 3)"
