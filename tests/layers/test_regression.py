import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from npnet import HuberLoss, L1Loss, MSELoss, SmoothL1Loss
from tests.support.autograd import agrees_with_torch, from_torch
from tests.support.case import run, seeds_for

DTYPES = (np.float32, np.float64)
REDUCTIONS = ("mean", "sum", "none")
SHAPES = ((), (4,), (1, 1), (5, 3), (2, 3, 4), (0, 3))
#: The losses with the options that matter, named as torch names them.
OPTIONS = [
    (MSELoss, {}),
    (L1Loss, {}),
    *((SmoothL1Loss, {"beta": beta}) for beta in (0.0, 0.3, 1.0, 2.5)),
    *((HuberLoss, {"delta": delta}) for delta in (0.3, 1.0, 2.5, math.inf)),
]
every_loss = pytest.mark.parametrize("kind, options", OPTIONS)
errors = arrays(np.float64, 8, elements=st.floats(-1e6, 1e6))
bounds = st.floats(1e-3, 1e3)


# ---------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    "kind, options, losses, slopes",
    [
        (MSELoss, {}, [1.0, 4.0, 0.0], [2.0, -4.0, 0.0]),
        (L1Loss, {}, [1.0, 2.0, 0.0], [1.0, -1.0, 0.0]),
        (SmoothL1Loss, {}, [0.5, 1.5, 0.0], [1.0, -1.0, 0.0]),
        (SmoothL1Loss, {"beta": 4.0}, [0.125, 0.5, 0.0], [0.25, -0.5, 0.0]),
        (SmoothL1Loss, {"beta": 0.5}, [0.75, 1.75, 0.0], [1.0, -1.0, 0.0]),
        (SmoothL1Loss, {"beta": 0}, [1.0, 2.0, 0.0], [1.0, -1.0, 0.0]),
        (HuberLoss, {}, [0.5, 1.5, 0.0], [1.0, -1.0, 0.0]),
        (HuberLoss, {"delta": 4.0}, [0.5, 2.0, 0.0], [1.0, -2.0, 0.0]),
        (HuberLoss, {"delta": 0.5}, [0.375, 0.875, 0.0], [0.5, -0.5, 0.0]),
    ],
)
def test_losses_and_slopes_by_hand(kind, options, losses, slopes):
    x, target = np.array([1.0, 2.0, 3.0]), np.array([0.0, 4.0, 3.0])
    seed = np.array([3.0, 10.0, 100.0])
    ran = run(kind(reduction="none", **options), [x, target], [seed])
    assert ran.outputs[0].tolist() == losses
    assert ran.inputs[0].tolist() == (seed * slopes).tolist()
    assert ran.inputs[1].tolist() == (-seed * slopes).tolist()


@pytest.mark.parametrize(
    "reduction, loss, dx",
    [("mean", 2.5, [3.0, -6.0]), ("sum", 5.0, [6.0, -12.0]), ("none", [1.0, 4.0], [6.0, -12.0])],
)
def test_squared_error_by_hand(reduction, loss, dx):
    x, target = np.array([1.0, 2.0]), np.array([0.0, 4.0])
    ran = run(MSELoss(reduction), [x, target], [np.full(np.shape(loss), 3.0)])
    assert ran.outputs[0].tolist() == loss
    assert ran.inputs[0].tolist() == dx
    assert ran.inputs[1].tolist() == [-g for g in dx]


def test_the_mean_of_many_numbers_is_exact():
    x = np.random.default_rng(0).uniform(size=1_500_000).astype(np.float32)
    exact = np.mean(x.astype(np.float64) ** 2)
    np.testing.assert_allclose(MSELoss()(x, np.zeros_like(x)), exact, rtol=3e-7)


# ---------------------------------------------------------------------- laws


@given(error=errors, bound=bounds)
def test_huber_is_smooth_l1_times_its_bound(error, bound):
    huber = run(HuberLoss("none", bound), [error, np.zeros(8)], [np.ones(8)])
    smooth = run(SmoothL1Loss("none", bound), [error, np.zeros(8)], [np.ones(8)])
    for found, other in ((huber.outputs, smooth.outputs), (huber.inputs, smooth.inputs)):
        np.testing.assert_allclose(found[0], bound * other[0], rtol=1e-13, atol=1e-300)


@given(error=errors)
def test_without_a_bound_huber_is_half_the_squared_error(error):
    huber = run(HuberLoss("sum", math.inf), [error, np.zeros(8)], [2.0])
    squared = run(MSELoss("sum"), [error, np.zeros(8)], [1.0])
    np.testing.assert_allclose(2 * huber.outputs[0], squared.outputs[0], rtol=1e-14)
    np.testing.assert_array_equal(huber.inputs[0], squared.inputs[0])


@given(error=errors, bound=bounds)
def test_smooth_l1_lies_below_l1_by_half_of_beta_at_most(error, bound):
    gap = np.abs(error) - SmoothL1Loss("none", bound)(error, np.zeros(8))
    room = 1e-15 * np.abs(error).max()
    assert (gap >= -room).all() and (gap <= bound / 2 + room).all()


@pytest.mark.parametrize("beta", [0.0, 1e-50])
def test_a_beta_of_zero_is_the_absolute_error(beta):
    x, target = np.array([2.0, -3.0, 1.0], np.float32), np.array([0.5, 1.0, 1.0], np.float32)
    mine = run(SmoothL1Loss("none", beta), [x, target], [np.ones(3)])
    other = run(L1Loss("none"), [x, target], [np.ones(3)])
    assert mine.outputs[0].tolist() == other.outputs[0].tolist() == [1.5, 4.0, 0.0]
    assert mine.inputs[0].tolist() == other.inputs[0].tolist() == [1.0, -1.0, 0.0]


# ---------------------------------------------------------------------- torch


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@every_loss
def test_agrees_with_torch(kind, options, reduction, dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    theirs = getattr(torch.nn, kind.__name__)(reduction=reduction, **options)
    for shape in SHAPES:
        x, target = (np.asarray(2 * random.normal(size=shape)).astype(dtype) for _ in range(2))
        agrees_with_torch(kind(reduction, **options), theirs, [x, target])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind, options", [o for o in OPTIONS if o[1] != {"delta": math.inf}])
def test_what_is_not_finite_agrees_with_torch(kind, options, dtype):
    torch = pytest.importorskip("torch")
    values = np.array([0.0, 1.0, -0.25, math.inf, -math.inf, math.nan], dtype)
    x, target = (a.ravel() for a in np.meshgrid(values, values))
    theirs = getattr(torch.nn, kind.__name__)(reduction="none", **options)
    ran = run(kind("none", **options), [x, target])
    y, gradients = from_torch(theirs, [x, target], seeds_for(ran.outputs)[0])
    room = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(ran.outputs[0], y, rtol=room)
    for found, expected in zip(ran.inputs, gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=room)


# ---------------------------------------------------------------------- options


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: SmoothL1Loss(beta=-0.5), ValueError, "SmoothL1Loss: expected beta of 0 or more"),
        (lambda: SmoothL1Loss(beta=math.nan), ValueError, "of 0 or more, got nan; 0 is L1Loss"),
        (lambda: SmoothL1Loss(beta="1"), TypeError, "beta to be a real number, got '1'"),
        (lambda: HuberLoss(delta=0), ValueError, "HuberLoss: expected a delta above 0, got 0.0"),
        (lambda: HuberLoss(delta=-1.0), ValueError, "expected a delta above 0, got -1.0"),
        (lambda: HuberLoss(delta=math.nan), ValueError, "expected a delta above 0, got nan"),
        (lambda: HuberLoss(delta=1j), TypeError, "HuberLoss: expected delta to be a real number"),
    ],
)
def test_refuses_bounds_that_make_no_sense(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("kind, name", [(SmoothL1Loss, "beta"), (HuberLoss, "delta")])
def test_follows_a_bound_that_is_assigned(kind, name):
    layer, x = kind("sum"), np.array([3.0])
    layer(x, np.zeros(1))
    setattr(layer, name, 2.0)
    assert layer(x, np.zeros(1)) == kind("sum", 2.0)(x, np.zeros(1))
