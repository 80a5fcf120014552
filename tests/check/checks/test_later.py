import numpy as np
import pytest

import npnet
from npnet.check import check_gradients, check_layer
from npnet.check.case import Case
from npnet.check.checks.later import hold_later_calls
from npnet.check.comparing import Disagreement
from npnet.check.draws import Draw
from npnet.check.function import Function
from npnet.kernel import Spec


class Remembering:
    """A mean of squares that counts the rows of its first call, in some of its parts."""

    def __init__(self, forward=True, backward=True):
        self.rows, self.parts = None, (forward, backward)

    def __call__(self, x):
        self.rows = self.rows or len(x)
        above, below = (self.rows if part else len(x) for part in self.parts)
        return np.sum(x**2) / above, lambda dy: 2 * dy * x / below


class FirstRows(npnet.Layer):
    """A sum divided by the number of rows of the first call."""

    operand_names = ("x",)
    count = 0

    def infer(self, x):
        self.count = self.count or x.shape[0]
        return Spec((), x.dtype)

    def forward_kernel(self, x, *, out, scratch):
        np.divide(x.sum(), self.count, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        dx[...] = dy / self.count


def first_input(x, kept={}):  # noqa: B006
    """Goes back through the input of its first call."""
    there = kept.setdefault(x.shape, x.copy())
    return x**2, lambda dy: 2 * dy * there.astype(x.dtype)


def written_number(x):
    return np.mean(x**2), lambda dy: 2 * dy * x / 15


@pytest.mark.parametrize("parts", [(True, True), (False, True), (True, False)])
@pytest.mark.parametrize("rows", [5, "B"])
def test_the_number_of_rows_of_the_first_call_is_found(parts, rows):
    report = check_gradients(Remembering(*parts), (rows, 3), raise_exception=False)
    assert not report
    if parts != (True, False):
        assert "number of rows" in report.cause


def test_a_number_of_rows_that_is_written_out_is_found():
    report = check_gradients(written_number, (5, 3), raise_exception=False)
    assert [finding.check for finding in report.findings] == ["repeats"]
    assert "number of rows" in report.cause


def test_a_layer_that_keeps_its_number_of_rows_is_found():
    report = check_layer(FirstRows(), (5, 3), raise_exception=False)
    assert "number of rows" in report.cause


def test_an_input_that_is_kept_is_found():
    with pytest.raises(Disagreement, match="with other numbers") as raised:
        operands = (Draw((4, 3)),)
        used = Function(first_input)
        case = Case("f", lambda: used, operands, dtype=np.float64, is_function=True)
        used.outputs(case.arrays())
        hold_later_calls(case, used, case.make)
    assert raised.value.operand == "gradient of x"


def test_what_is_wrong_in_every_call_is_not_said_to_be_left_from_another():
    report = check_gradients(
        lambda x: (np.mean(x**2), lambda dy: dy * x), (5, 3), raise_exception=0
    )
    assert [finding.check for finding in report.findings] == ["gradients"]


def test_what_takes_no_other_number_of_rows_is_not_accused():
    fixed = np.arange(15.0).reshape(5, 3)
    assert check_gradients(
        lambda x: (x * fixed.astype(x.dtype), lambda dy: dy * fixed.astype(dy.dtype)), (5, 3)
    )
    assert check_gradients(lambda x: (np.sum(x), lambda dy: dy * np.ones((5, 3), dy.dtype)), (5, 3))


def test_a_kept_gradient_array_is_not_said_to_ignore_the_output_gradient():
    class Adds:
        def __init__(self):
            self.dw = 0.0

        def __call__(self, x, w):
            def backward(dy):
                self.dw += dy.T @ x
                return dy @ w, self.dw

            return x @ w.T, backward

    report = check_gradients(Adds(), (5, 4), (3, 4), raise_exception=False)
    assert not any("ignored" in finding.cause for finding in report.findings)
    assert "stale buffer" in report.cause


def test_a_function_that_writes_to_its_input_is_accused_of_nothing_else():
    def shifted(x):
        x += 1
        return x**2, lambda dy: 2 * dy * x

    report = check_gradients(shifted, (4, 3), raise_exception=False)
    assert {finding.check for finding in report.findings} == {"gradients", "untouched"}
