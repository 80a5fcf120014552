import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.data import Scaled, check_finite, check_labels


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([[1.0, np.nan], [1.0, 2.0]], "nan in row 0; leave this row out or fill it"),
        ([[1.0, -np.inf], [1.0, np.nan]], "-inf in row 0, nan in row 1; leave these rows"),
        (np.array([1.0, np.inf], np.float32), "inf in row 1;"),
        (np.nan, "nan in row 0;"),
        ([0.0, complex(0, np.nan)], r"nanj\)? in row 1"),
        (
            np.full((9, 2, 2), np.nan),
            "row 0, nan in row 1, nan in row 2, nan in row 3, nan in row 4 and 4 more rows;",
        ),
        (np.array([np.inf, -np.inf]), "inf in row 0, -inf in row 1;"),
    ],
)
def test_rows_that_are_not_finite_are_named(array, message):
    with pytest.raises(ValueError, match=f"^expected finite inputs, got .*{message}"):
        check_finite(array)


def test_the_samples_of_a_batch_are_named():
    with pytest.raises(ValueError, match=r"^expected finite targets, got nan in row 41;"):
        check_finite([0.0, np.nan], "targets", rows=[7, 41])
    with pytest.raises(ValueError, match="got 5 in row 12;"):
        check_labels([0, 5], 5, rows=np.array([3, 12]))


@pytest.mark.parametrize(
    "array",
    [
        [],
        np.empty((0, 3)),
        np.empty((3, 0)),
        [1, 2],
        [True],
        # Finite numbers whose sum is not.
        np.full(4, np.finfo(np.float32).max, np.float32),
        np.array([np.finfo(np.float64).max] * 2 + [np.finfo(np.float64).min] * 3),
        np.full(9, 6e4, np.float16),
    ],
)
def test_finite_arrays_pass(array):
    check_finite(array)


def test_an_array_in_several_blocks_is_looked_at_whole():
    array = np.zeros((3, 1 << 19))
    check_finite(array)
    for row in range(3):
        array[row, -1] = np.inf
    with pytest.raises(ValueError, match="inf in row 0, inf in row 1, inf in row 2;"):
        check_finite(array)
    with pytest.raises(ValueError, match=f"nan in row {(1 << 21) - 1};"):
        check_finite(Scaled(np.append(np.zeros((1 << 21) - 1, np.float32), np.float32("nan"))))


@given(st.lists(st.integers(-2, 4), max_size=12), st.integers(1, 4))
def test_labels_outside_the_classes_are_named(labels, classes):
    wrong = [
        f"{label} in row {row}" for row, label in enumerate(labels) if not 0 <= label < classes
    ]
    if not wrong:
        check_labels(np.array(labels, np.int64), classes)
        return
    with pytest.raises(ValueError) as caught:
        check_labels(labels, classes)
    more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    assert str(caught.value) == (
        f"expected targets from 0 to {classes - 1}, got {', '.join(wrong[:5])}{more}; "
        f"there are {classes} classes"
    )


def test_labels_of_several_axes_and_dtypes():
    check_labels(np.array([[0, 1], [2, 0]], np.uint8), 3)
    with pytest.raises(ValueError, match=r"labels of a\.idx from 0 to 1, got 2 in row 1;"):
        check_labels(np.array([[0, 1], [2, 0]], np.uint8), 2, "the labels of a.idx")
    with pytest.raises(TypeError, match="expected targets to be integers, got float64"):
        check_labels([0.0], 2)
