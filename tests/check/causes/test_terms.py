import numpy as np
import pytest

from tests.support.causes import cause_of

LABELS = np.array([0, 2, 2, 1, 0])


def normalized(axis, keep):
    """Return (x - mean) / deviation along an axis, with the paths through each kept or not."""

    def function(x):
        inverse = 1 / np.sqrt(x.var(axis=axis, keepdims=True) + 0.1)
        h = (x - x.mean(axis=axis, keepdims=True)) * inverse

        def backward(dy):
            mean = dy.mean(axis=axis, keepdims=True) * keep[0]
            variance = h * (dy * h).mean(axis=axis, keepdims=True) * keep[1]
            return inverse * (dy - mean - variance)

        return h, backward

    return function


@pytest.mark.parametrize("axis, what", [(0, "batch"), (1, "row")])
@pytest.mark.parametrize(
    "keep, words",
    [
        ((0, 0), "mean and variance of the {} are treated as constants"),
        ((0, 1), "the path through the mean of the {} is missing or wrong"),
        ((1, 0), "the path through the variance of the {} is missing or wrong"),
        ((1, -1), "the path through the variance of the {} is missing or wrong"),
    ],
)
def test_names_the_path_through_a_statistic(axis, what, keep, words):
    assert words.format(what) in cause_of(normalized(axis, keep), (6, 5))


@pytest.mark.parametrize(
    "gradient, words",
    [
        (lambda x, t: 2 * x, "the term with t is missing: -2 dy t"),
        (lambda x, t: -2 * t, "`=` where `+=` is meant: the contribution 2 dy x"),
        (lambda x, t: 0.3 * x, "it is 0.3 dy x and nothing else; where x is read on several paths"),
    ],
)
def test_names_a_term_that_is_missing(gradient, words):
    def total(x, t):
        return np.sum((x - t) ** 2), lambda dy: (dy * gradient(x, t), None)

    assert words in cause_of(total, (5, 3), (5, 3))


def test_names_the_contribution_that_is_lost():
    def residual(x, w):
        t = np.tanh(x @ w)

        def backward(dy):
            da = dy * (1 - t * t)
            return da @ w.T, x.T @ da

        return x + t, backward

    assert "the contribution 1 dy of a path that hands x on is lost" in cause_of(
        residual, (5, 4), (4, 4)
    )


def test_names_a_term_of_a_logarithm():
    def entropy(p, t):
        loss = -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p))
        return loss, lambda dy: (dy * (1 - t) / (1 - p), None)

    assert "a term is missing: " in cause_of(entropy, (5, 3), (5, 3))


def test_names_rows_that_are_read_several_times():
    def gathered(w, i):
        def backward(dy):
            d = np.zeros_like(w)
            d[i] += dy
            return d, None

        return w[i], backward

    found = cause_of(gathered, (4, 3), LABELS)
    assert "np.add.at(d, i, dy)" in found and "`=` where `+=`" in found


def test_names_a_jacobian_of_which_only_the_diagonal_was_taken():
    def softmax(z):
        e = np.exp(z)
        p = e / e.sum(axis=1, keepdims=True)
        return p, lambda dy: dy * p * (1 - p)

    assert "only the diagonal of the Jacobian" in cause_of(softmax, (5, 4))


def test_says_what_it_is_where_it_does_not_know_why():
    def sine(x):
        return np.sin(x), lambda dy: 3 * dy * x

    assert cause_of(sine, (5, 4)) == "it is 3 dy * x"
