import numpy as np
import pytest

from npnet.check.comparing import Disagreement, close, equal, same, total
from npnet.check.running import Ran

A = np.array([[1.0, 2.0], [3.0, np.nan]])


def changed(at, value):
    other = A.copy()
    other[at] = value
    return other


def test_equal_arrays_have_the_same_bits_and_nan_at_the_same_places():
    equal(A, A.copy(), "again")
    equal(np.float32(1.5), np.float32(1.5), "a number")
    equal(np.array([np.inf, -np.inf]), np.array([np.inf, -np.inf]), "infinite")


def test_a_disagreement_has_the_element_and_both_values():
    with pytest.raises(Disagreement) as raised:
        equal(changed((1, 0), 3.5), A, "again", "y", "a cause")
    error = raised.value
    assert (error.operand, error.element, error.expected, error.got) == ("y", (1, 0), 3.0, 3.5)
    assert error.cause == "a cause"
    assert str(error) == "again: y[1, 0]: expected 3, got 3.5 (1 of 4 elements differ)"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_farthest_off(value):
    other = changed((0, 0), 99.0)
    other[0, 1] = value
    with pytest.raises(Disagreement) as raised:
        equal(other, A, "again")
    assert raised.value.element == (0, 1)


@pytest.mark.parametrize(
    "left, right, words",
    [
        (A[0], A, r"has shape \(2,\), expected \(2, 2\)"),
        (A.astype(np.float32), A, "is float32, expected float64"),
    ],
)
def test_shape_and_dtype_must_be_the_same(left, right, words):
    with pytest.raises(Disagreement, match=words):
        equal(left, right, "again")


def test_runs_are_the_same_where_all_arrays_are():
    ran = Ran([A], [A, None], [A], ("x", "i", "w"))
    same(ran, ran, "again")
    with pytest.raises(Disagreement, match=r"again: gradient of w\[0, 0\]: expected 1, got 2"):
        same(ran._replace(parameters=[changed((0, 0), 2.0)]), ran, "again")
    with pytest.raises(Disagreement, match="there is a gradient of i, and none before"):
        same(ran._replace(inputs=[A, A]), ran, "again")
    with pytest.raises(Disagreement, match="before: there is a gradient of x, and none again"):
        same(ran._replace(inputs=[None, None]), ran, "again")


def test_close_arrays_are_units_apart_of_the_largest_number():
    a = np.array([1000.0, 1.0])
    eps = np.finfo(float).eps
    close(a + np.array([0.0, 60000 * eps]), a, "y")
    with pytest.raises(Disagreement, match=r"y\[1\]"):
        close(a + np.array([0.0, 70000 * eps]), a, "y")
    close(a + np.array([0.0, 70000 * eps]), a, "y", 128)
    close(a + np.array([0.0, 70000 * eps]), a, "y", size=2000.0)
    close(np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), "y")


@pytest.mark.parametrize("left, right", [(None, A), (A, None), (A[0], A), (changed((0, 0), 9), A)])
def test_what_is_not_close_is_a_disagreement(left, right):
    with pytest.raises(Disagreement):
        close(left, right, "y")


def test_close_to_infinity_is_infinity_alone():
    with pytest.raises(Disagreement):
        close(np.array([1.0]), np.array([np.inf]), "y")
    with pytest.raises(Disagreement):
        close(np.array([-np.inf]), np.array([np.inf]), "y")


def test_total_adds_what_is_there():
    assert total([np.ones(2), None, np.ones(2)]).tolist() == [2.0, 2.0]
