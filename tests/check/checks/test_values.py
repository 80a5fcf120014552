import numpy as np
import pytest

import npnet
from npnet import BatchNorm1d, Linear, MSELoss, Tanh
from npnet.check import GradientError
from npnet.check.case import Case
from npnet.check.checks import values
from npnet.check.comparing import Disagreement, Skipped
from npnet.check.draws import Draw
from npnet.check.function import Function
from tests.support import broken

ROWS = (Draw(("B", 3)),)


def case(make, operands=ROWS, **options):
    return Case("case", make, operands, **options)


def function(call, count=1, **options):
    operands = ROWS * count
    wide = {"dtype": np.float64, "ulps": 2**20, "is_function": True}
    return Case("function", lambda: Function(call), operands, **wide, **options)


def test_gradients_names_what_agrees():
    assert values.check_gradients(case(lambda: Linear(3, 2))) == "x, weight, bias"
    assert values.check_gradients(function(lambda x: (x * 2, lambda dy: dy * 2))) == "x"


def test_gradients_are_also_those_of_one_row():
    class WrongAlone(broken.Sine):
        def backward_kernel(self, dy, x, y, *, dx, scratch):
            np.multiply(np.cos(x) * (1 + (len(x) == 1)), dy, out=dx)

    with pytest.raises(GradientError, match="a constant factor of 2"):
        values.check_gradients(case(WrongAlone))
    values.check_gradients(case(WrongAlone, (Draw((5, 3)),)))


def test_output_gradient_finds_what_is_not_linear():
    values.check_output_gradient(case(Tanh))
    for make in (broken.IgnoresOutputGradient, broken.SquaresOutputGradient):
        with pytest.raises(Disagreement, match="for 2 dy: gradient of x"):
            values.check_output_gradient(case(make))


def test_output_gradient_is_skipped_where_there_is_none():
    with pytest.raises(Skipped):
        values.check_output_gradient(function(lambda x: (np.sum(x), np.ones_like(x))))


@pytest.mark.parametrize("kind", [npnet.RandLike, npnet.RandnLike])
def test_dtypes_of_drawn_numbers_need_not_agree(kind):
    values.check_dtypes(case(lambda: npnet.Sequential(kind(), Tanh()), draws=True))
    with pytest.raises(Disagreement, match="of float64 operands is float32"):
        values.check_dtypes(case(lambda: npnet.Sequential(kind(), broken.FixedDtype()), draws=True))


def test_rows_finds_what_depends_on_others():
    values.check_rows(case(Tanh))
    with pytest.raises(Disagreement, match="row 0 alone: y"):
        values.check_rows(case(broken.Centers))
    with pytest.raises(Disagreement, match=r"row \d alone: gradient of x"):
        values.check_rows(case(broken.SummedOverBatch))
    with pytest.raises(Skipped):
        values.check_rows(case(BatchNorm1d, rows_interact=True))
    with pytest.raises(Skipped):
        values.check_rows(case(Tanh, (Draw((3,)),)))


def test_rows_looks_at_the_first_few_and_the_last():
    seen = []

    def call(x):
        if len(x) == 1:
            seen.append(x)
        return x * 1, lambda dy: dy

    values.check_rows(function(call, batch=100))
    assert len(seen) == 9


def test_empty_finds_what_needs_rows():
    values.check_empty(case(Tanh))
    values.check_empty(case(MSELoss, ROWS * 2, empty_is_nan=True))
    with pytest.raises((Disagreement, IndexError)):
        values.check_empty(case(broken.NeedsRows))
    with pytest.raises(Skipped):
        values.check_empty(case(Tanh, (Draw((3,)),)))


def test_layouts_finds_what_follows_memory():
    values.check_layouts(case(Tanh))
    with pytest.raises(Disagreement, match="Fortran arrays"):
        values.check_layouts(case(broken.FollowsMemory))

    def in_order_of_memory(x):
        y = np.ravel(x, order="K").reshape(x.shape)
        return y, lambda dy: dy

    with pytest.raises(Disagreement, match="Fortran arrays: y") as raised:
        values.check_layouts(function(in_order_of_memory))
    assert "in the order of memory" in raised.value.cause
    values.check_layouts(function(lambda x: (x * 2, lambda dy: dy * 2)))


def test_dtypes_finds_what_is_promoted_or_fixed():
    values.check_dtypes(case(Tanh))
    with pytest.raises(Disagreement, match="y of float64 operands is float32"):
        values.check_dtypes(case(broken.FixedDtype))

    def promotes(x):
        return x * 1, lambda dy: dy * np.ones(3)

    with pytest.raises(
        Disagreement, match="gradient of x of float32 operands is float64"
    ) as raised:
        values.check_dtypes(function(promotes))
    assert "promoted" in raised.value.cause

    def fixes(x):
        return x.astype(np.float32), lambda dy: dy

    with pytest.raises(Disagreement, match="float32") as raised:
        values.check_dtypes(function(fixes))
    assert "the dtype is fixed" in raised.value.cause


def test_dtypes_finds_numbers_that_do_not_agree():
    class Coarse(npnet.Elementwise):
        def forward_kernel(self, x, *, out, scratch):
            out[...] = x if x.itemsize > 4 else x.astype(np.float16)

        def backward_kernel(self, dy, x, y, *, dx, scratch):
            dx[...] = dy

    with pytest.raises(Disagreement, match="in float32, beside float64: y"):
        values.check_dtypes(case(Coarse))
