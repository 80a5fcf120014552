"""What all losses of numbers hold to: shapes, reductions, factors, and no warnings."""

import math
import warnings

import numpy as np
import pytest

import npnet.functional as F
from npnet import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Graph,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    Module,
    MSELoss,
    NLLLoss,
    Parameter,
    SmoothL1Loss,
)
from npnet.layers.loss import in_dtype, silent
from tests.support.case import run

KINDS = (BCELoss, BCEWithLogitsLoss, HuberLoss, KLDivLoss, L1Loss, MSELoss, SmoothL1Loss)
FACTORS = [(kind, name) for kind in KINDS for name in kind.factors]
every_kind = pytest.mark.parametrize("kind", KINDS)


def fractions(shape, dtype=np.float64, seed=0):
    """Return numbers between 0.01 and 0.99."""
    random = np.random.default_rng(seed)
    return np.asarray(random.uniform(0.01, 0.99, shape)).astype(dtype)


# ---------------------------------------------------------------------- reductions


@every_kind
def test_mean_and_sum_are_those_of_the_losses(kind):
    x, t = fractions((3, 4)), fractions((3, 4), seed=1)
    each = run(kind(reduction="none"), [x, t], [np.full((3, 4), 2.0)])
    for reduction, count in (("mean", 12), ("sum", 1)):
        ran = run(kind(reduction=reduction), [x, t], [2.0])
        np.testing.assert_allclose(ran.outputs[0], each.outputs[0].sum() / count, rtol=1e-14)
        for found, expected in zip(ran.inputs, each.inputs, strict=True):
            np.testing.assert_allclose(found, expected / count, rtol=1e-14, atol=1e-16)


@every_kind
@pytest.mark.parametrize("reduction, loss", [("mean", math.nan), ("sum", 0.0)])
def test_no_numbers(kind, reduction, loss):
    ran = run(kind(reduction=reduction), [np.zeros((0, 2)), np.zeros((0, 2))])
    np.testing.assert_equal(ran.outputs[0], loss)
    assert ran.inputs[0].shape == (0, 2)


@every_kind
def test_refuses_an_unknown_reduction(kind):
    others = "'none', 'mean', 'batchmean' or 'sum'" if kind is KLDivLoss else "'none', 'mean' or"
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected reduction {others}"):
        kind(reduction="average")


@pytest.mark.parametrize("kind", [CrossEntropyLoss, NLLLoss, *KINDS])
def test_leaves_out_what_torch_deprecates(kind):
    for name in ("size_average", "reduce"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
            kind(**{name: False})
    # Where torch takes size_average by position nothing else is taken for it.
    weighted = kind in (BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss)
    for size_average in (True, False):
        with pytest.raises((TypeError, ValueError), match=f"{kind.__name__}: .*got {size_average}"):
            kind(*[None] * weighted, size_average)


# ---------------------------------------------------------------------- shapes


@every_kind
@pytest.mark.parametrize(
    "x, target, mend",
    [
        ((4,), (4, 1), r"target.reshape\(\(4,\)\) fits"),
        ((4, 1), (4,), r"target.reshape\(\(4, 1\)\) fits"),
        ((4, 2), (2,), "npnet does not broadcast them"),
        ((), (2,), "npnet does not broadcast them"),
    ],
)
def test_refuses_shapes_that_differ(kind, x, target, mend):
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: expected target .* got .*; {mend}"):
        kind()(np.zeros(x), np.zeros(target))


@pytest.mark.parametrize("kind, name", FACTORS)
@pytest.mark.parametrize("shape", [(2,), (5, 4, 3), (1, 1, 3)])
def test_refuses_factors_that_do_not_broadcast(kind, name, shape):
    with pytest.raises(ValueError, match=rf"{kind.__name__}: expected {name} of a shape that"):
        kind(**{name: np.ones(shape)})(np.zeros((4, 3)), np.zeros((4, 3)))


# ---------------------------------------------------------------------- factors


@every_kind
def test_factors_do_not_change_the_dtype(kind):
    layer = kind(**{name: np.ones(3) for name in kind.factors})
    ran = run(layer, [fractions((2, 3), np.float32), fractions((2, 3), np.float32, 1)])
    assert [a.dtype for _, a in ran.all()] == [np.float32] * 3


@pytest.mark.parametrize(
    "kind, name", [*FACTORS, (CrossEntropyLoss, "weight"), (NLLLoss, "weight")]
)
def test_refuses_factors_that_would_have_a_gradient(kind, name):
    for factor in (Parameter([1.0, 2.0]), Graph().input("w")):
        who = rf"{kind.__name__}: expected {name} to be an array, got {type(factor).__name__}"
        with pytest.raises(TypeError, match=who):
            kind(**{name: factor})


@pytest.mark.parametrize("function", [F.cross_entropy, F.binary_cross_entropy])
def test_a_buffer_of_the_module_that_calls_stays_live(function):
    class Weighing(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("factors", np.ones(2))

        def forward(self, x, target):
            return function(x, target, self.factors, reduction="sum")

    model, x, target = Weighing(), fractions((3, 2)), np.full((3, 2), 0.5)
    before = model(x, target)
    model.factors[...] = 3.0
    np.testing.assert_allclose(model(x, target), 3.0 * before, rtol=1e-14)


# ---------------------------------------------------------------------- gradients


@every_kind
def test_only_the_target_may_be_differentiated(kind):
    g = Graph(dtype=np.float64)
    target = g.input("target", requires_grad=True)
    x, t = fractions(3), fractions(3, seed=1)
    g.output(kind()(x, target))
    g(target=t)
    g.backward()
    np.testing.assert_array_equal(g.grad(target), run(kind(), [x, t], [1.0]).inputs[1])


@every_kind
def test_only_the_input_is_differentiated_where_no_more_is_asked_for(kind):
    x, t = fractions(3), fractions(3, seed=1)
    layer = kind()
    layer(x, t)
    np.testing.assert_array_equal(layer.backward(2.0), run(kind(), [x, t], [2.0]).inputs[0])


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_refuses_factors_in_a_dtype_it_does_not_compute_in(name, dtype):
    expected = f"BCEWithLogitsLoss: expected {name} in float32 or float64, got {np.dtype(dtype)}"
    with pytest.raises(TypeError, match=expected):
        BCEWithLogitsLoss(**{name: np.ones(3, dtype)})


# ---------------------------------------------------------------------- face


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_prints_and_names_its_state_as_torch(kind):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind.__name__)
    assert repr(kind()) == repr(theirs()) and not kind().state_dict()
    for name in kind.factors:
        mine = kind(**{name: np.ones(3, np.float32)})
        assert list(mine.state_dict()) == list(theirs(**{name: torch.ones(3)}).state_dict())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@every_kind
def test_numbers_that_overflow_give_no_warning(kind, reduction, dtype):
    largest = np.finfo(dtype).max
    x = np.array([largest, -largest, largest, -largest, 0.0, 1.0], dtype)
    targets = np.array([-largest, largest, largest, 0.0, 0.0, -1.0], dtype)
    if kind is BCELoss:
        x, targets = np.array([0.0, 1.0, 0.5], dtype), np.array([1.0, 0.0, 0.5], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for factor in (np.array([largest]), np.zeros(1)):
            run(kind(reduction=reduction, **dict.fromkeys(kind.factors, factor)), [x, targets])


def test_a_silent_kernel_keeps_its_name_and_hushes_nobody_else():
    @silent
    def kernel(x, *, out):
        """Divide."""
        np.true_divide(1.0, x, out=out)

    out = np.empty(1)
    kernel(np.zeros(1), out=out)
    assert out == math.inf and (kernel.__name__, kernel.__doc__) == ("kernel", "Divide.")
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        kernel(np.ones(1), out=out)
        np.true_divide(out, np.zeros(1))


def test_a_number_that_does_not_fit_a_dtype_is_infinite_or_zero():
    single = np.dtype(np.float32)
    assert [in_dtype(n, single) for n in (1e50, 1e-50, 0.5)] == [math.inf, 0.0, 0.5]
    assert in_dtype(0.5, single).dtype == single
