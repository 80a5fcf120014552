import numpy as np
import pytest

import npnet
from tests.support.causes import cause_of


class Accumulates:
    """x^2 whose gradient adds up from call to call."""

    def __init__(self):
        self.total = 0.0

    def __call__(self, x):
        def backward(dy):
            self.total = self.total + 2 * x * dy
            return self.total

        return x * x, backward


def part_unwritten(x):
    def backward(dy):
        dx = np.empty_like(x)
        dx[1:] = 2 * x[1:] * dy[1:]
        return dx

    return x * x, backward


def adds_to_empty(x):
    def backward(dy):
        dx = np.empty_like(x)
        dx += 2 * x * dy
        return dx

    return x * x, backward


def infinite(x):
    with np.errstate(all="ignore"):
        inverse = 1 / np.zeros_like(x)
    return x * x, lambda dy: dy * inverse


@pytest.mark.parametrize(
    "function, words",
    [
        (Accumulates(), "stale buffer: it depends on the pass before"),
        (part_unwritten, "stale buffer: it leaves part of its gradient array unwritten"),
        (adds_to_empty, "`+=` where `=` is meant"),
        (infinite, "it is not finite where the outputs are"),
        (lambda x: (x * x, lambda dy: 0 * x), "it is zero throughout"),
        (lambda x: (x * x, lambda dy: 2 * x), "the output gradient is ignored"),
        (lambda x: (x * x, lambda dy: 2 * x * dy * dy), "not proportional to the output gradient"),
    ],
)
def test_names_left_overs_and_what_became_of_the_output_gradient(function, words):
    assert words in cause_of(function, (4, 3))


class Returns(npnet.Elementwise):
    """Gives its gradient back instead of writing it."""

    def forward_kernel(self, x, *, out, scratch):
        np.sin(x, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        return dy * np.cos(x)


def test_names_a_gradient_that_is_returned():
    report = npnet.check_layer(Returns(), (4, 3), checks="gradients", raise_exception=False)
    assert "nothing is written into its gradient array" in report.cause
