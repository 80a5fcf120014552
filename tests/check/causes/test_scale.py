import numpy as np
import pytest

from tests.support.causes import cause_of


def mean_square(factor):
    def function(x, strength):
        loss = strength * np.mean(x * x)
        return loss, lambda dy: (factor(x, strength) * 2 * strength * x * dy / x.size, None)

    return function


@pytest.mark.parametrize(
    "factor, words",
    [
        (lambda x, s: -1.0, "wrong sign"),
        (lambda x, s: 0.5, "constant factor of 0.5: a factor 2 is missing"),
        (lambda x, s: 2.0, "a factor 2 too many"),
        (lambda x, s: -0.5, "wrong sign, and a constant factor of -0.5: a factor 2 is missing"),
        (lambda x, s: x.size, "missing 1/N, N = 15 (elements of x)"),
        (lambda x, s: 1 / len(x), "one 1/N too many (a mean for a sum), N = 5 (rows of x)"),
        (lambda x, s: x.shape[1], "missing 1/N, N = 3 (columns of x)"),
        (lambda x, s: 1 / s, "strength = 0.7 is missing"),
        (lambda x, s: s, "strength = 0.7 too many"),
        (lambda x, s: 1 / np.linalg.norm(x), "divided by the norm of x"),
        (lambda x, s: x.size / 2, "missing 1/N, N = 15 (elements of x), and a factor 2 is missing"),
        (lambda x, s: 1.2345, "a constant factor of 1.2345"),
        (lambda x, s: np.sign(x), "of one sign throughout; is an absolute value taken?"),
        (lambda x, s: np.sign(np.sin(9 * x)), "wrong sign at some elements: it is right in size"),
        (lambda x, s: 1 + 1e-3 * x * x, "almost right, within"),
    ],
)
def test_names_factors_and_signs(factor, words):
    assert words in cause_of(mean_square(factor), (5, 3), 0.7)


def test_a_factor_that_may_be_several_things_is_said_to_be():
    def function(x):
        return np.mean(x * x), lambda dy: dy * x / x.size

    found = cause_of(function, (2, 3))
    assert "a factor 2 is missing" in found and "; or one 1/N too many" in found
