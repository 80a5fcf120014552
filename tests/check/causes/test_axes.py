import numpy as np
import pytest

from tests.support.causes import cause_of


def product(gradient_of_w):
    """Return y = x @ w with this dw, and dx as it should be."""

    def function(x, w):
        return x @ w, lambda dy: (dy @ w.T, gradient_of_w(x, w, dy))

    return function


@pytest.mark.parametrize(
    "gradient, shapes, words",
    [
        (lambda x, w, dy: dy.T @ x, ((4, 3), (3, 3)), "transposed: it is dy.T @ x, right is x.T @"),
        (lambda x, w, dy: (dy.T @ x).reshape(w.shape), ((4, 3), (3, 2)), "transposed: it is dy.T"),
        (lambda x, w, dy: 2 * x.T @ x @ w, ((4, 3), (3, 2)), "output gradient is ignored"),
        (lambda x, w, dy: (x @ w).T @ dy, ((4, 3), (3, 3)), "another product: it is y.T @ dy"),
    ],
)
def test_names_products_and_their_transposes(gradient, shapes, words):
    assert words in cause_of(product(gradient), *shapes)


@pytest.mark.parametrize("row, word", [(0, "first"), (-1, "last")])
def test_names_the_one_row_that_arrives(row, word):
    def function(x, b):
        return x + b, lambda dy: (dy, dy[row])

    assert f"only the {word} row arrives" in cause_of(function, (5, 3), (3,))


def test_names_what_is_summed_where_each_row_has_its_own():
    def function(x):
        return 2 * x, lambda dy: np.broadcast_to(2 * dy.sum(axis=0), x.shape)

    assert "every row receives the same" in cause_of(function, (5, 3))
