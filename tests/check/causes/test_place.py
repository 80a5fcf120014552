import numpy as np
import pytest

from tests.support.causes import cause_of


def tanh_of(gradient):
    def function(x):
        y = np.tanh(x)
        return y, lambda dy: gradient(x, y, dy)

    return function


@pytest.mark.parametrize(
    "gradient, words",
    [
        (lambda x, y, dy: dy, "the local derivative is missing"),
        (lambda x, y, dy: dy * (1 - x * x), "its formula is one in the output y, and x is put in"),
        (lambda x, y, dy: dy * (1 - np.tanh(y) ** 2), "wrong place: at the output y"),
        (lambda x, y, dy: dy * (1 - np.tanh(dy) ** 2), "wrong place: at the output gradient"),
        (lambda x, y, dy: dy * (1 - y), "a factor (1 + y) is missing"),
        (lambda x, y, dy: dy * (1 - y * y) * x, "a factor x too many"),
        (lambda x, y, dy: dy * (1 - y * y) ** 2, "a factor (1 - y^2) too many"),
        (lambda x, y, dy: np.where(x < 0, 0, dy * (1 - y * y)), "elements where x < 0; there it"),
        (lambda x, y, dy: np.where(abs(x) > 1, 2, 1) * dy * (1 - y * y), "where |x| > 1"),
    ],
)
def test_names_derivatives_taken_at_the_wrong_place_and_their_factors(gradient, words):
    assert words in cause_of(tanh_of(gradient), (5, 4))


@pytest.mark.parametrize("at, words", [(0, "for the first row"), (-1, "for the last row")])
def test_names_the_row_that_is_wrong(at, words):
    def gradient(x, y, dy):
        dx = dy * (1 - y * y)
        dx[at] *= np.arange(2.0, 6.0) ** 2
        return dx

    assert words in cause_of(tanh_of(gradient), (5, 4))


def test_names_a_derivative_at_minus_x():
    def softplus(x):
        return np.log1p(np.exp(x)), lambda dy: dy / (1 + np.exp(x))

    assert "wrong place: at -x" in cause_of(softplus, (5, 4))


def test_names_the_sign_inside_a_formula_and_a_factor_with_a_constant():
    def sigmoid(gradient):
        def function(x):
            y = 1 / (1 + np.exp(-x))
            return y, lambda dy: gradient(y, dy)

        return function

    inside = cause_of(sigmoid(lambda y, dy: dy * y * (1 + y)), (5, 4))
    assert "(1 + y) where (1 - y) is meant" in inside
    half = cause_of(sigmoid(lambda y, dy: 0.25 * dy * y), (5, 4))
    assert "a factor (1 - y) is missing, and a constant factor of 0.25" in half


def test_names_no_place_where_outputs_depend_on_other_elements():
    def cumulated(x):
        return np.cumsum(x * x, axis=0), lambda dy: np.sin(17 * x) * dy

    assert "wrong place" not in cause_of(cumulated, (5, 4))
