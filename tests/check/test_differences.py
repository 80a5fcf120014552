import math

import numpy as np
import pytest

from npnet.check.differences import Differences, Slope, locate
from npnet.check.function import Function
from npnet.check.function_subject import FunctionSubject

X = np.array([0.5, -1.5, 2.0])


def differences(function, x=X):
    subject = FunctionSubject(Function(function), (x,), None, np.random.default_rng(0))
    return Differences(subject, 1e-6, 1e-6, 1e-9)


def cube(x):
    return x**3, lambda dy: 3 * x**2 * dy


@pytest.mark.parametrize(
    "slope, excess",
    [
        (Slope(1.0, 1.0, 0.0), 0.0),
        (Slope(1.0, 1.5, 1.0), 0.5),
        (Slope(1.0, 2.0, 0.0), math.inf),
        (Slope(math.nan, 2.0, 1.0), math.inf),
    ],
)
def test_excess_is_a_share_of_what_is_tolerated(slope, excess):
    assert slope.excess == excess


def test_a_slope_along_a_direction_is_that_of_both():
    check, seeds = differences(cube), [np.array([1.0, 2.0, 3.0])]
    direction = np.array([1.0, 0.0, -1.0])
    slope = check.along(0, 3 * X**2 * seeds[0], seeds, direction)
    assert slope.excess < 1
    assert slope.analytic == pytest.approx(slope.numeric, rel=1e-8)


def test_the_element_that_is_most_wrong_is_found_with_the_right_gradient():
    check, seeds = differences(cube), [np.ones(3)]
    wrong = 3 * X**2 + np.array([0.0, 0.5, 0.1])
    located, kinks = locate(check, 0, wrong, seeds, np.ones(3))
    assert (located.at, located.wrong, located.looked_at, kinks) == ((1,), 2, 3, [])
    np.testing.assert_allclose(located.numeric, 3 * X**2, rtol=1e-8)


def test_a_kink_is_told_from_a_fault():
    x = np.array([0.0, 1.0])
    check, seeds = differences(lambda x: (np.abs(x), lambda dy: np.sign(x) * dy), x), [np.ones(2)]
    located, kinks = locate(check, 0, np.array([1.0, 1.0]), seeds, np.ones(2))
    assert located is None and kinks == [(0,)]
    located, _ = locate(check, 0, np.array([3.0, 1.0]), seeds, np.ones(2))
    assert located.at == (0,)


def test_outputs_must_be_finite_on_both_sides():
    with np.errstate(all="ignore"):
        check = differences(lambda x: (np.log(x), lambda dy: dy / x), np.array([1e-9]))
        with pytest.raises(ValueError, match="expected finite outputs within eps = 1e-06 of x"):
            check.along(0, np.array([1e9]), [np.ones(1)], np.ones(1))
