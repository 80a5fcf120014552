import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet.functional as F
from npnet import CrossEntropyLoss, KLDivLoss, LogSoftmax
from tests.support.autograd import agrees_with_torch, from_torch
from tests.support.case import run, seeds_for

DTYPES = (np.float32, np.float64)
REDUCTIONS = ("mean", "batchmean", "sum", "none")
SHAPES = ((), (4,), (1, 1), (5, 3), (2, 3, 4), (0, 3), (3, 0))
LOG2, LOG4 = math.log(2.0), math.log(4.0)


def distributions(seed, rows=3, classes=4):
    """Return rows of logarithms of probabilities, and rows of probabilities, away from 0."""
    random = np.random.default_rng(seed)
    z, p = random.normal(size=(rows, classes)), random.uniform(0.05, 1.0, (rows, classes))
    return LogSoftmax(1)(z), p / p.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------------- by hand


@pytest.mark.parametrize("reduction, count", [("sum", 1), ("batchmean", 2), ("mean", 4)])
@pytest.mark.parametrize("log_target", [False, True])
def test_divergence_by_hand(log_target, reduction, count):
    x, t = np.log([[0.25, 0.75], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.25, 0.75]])
    target = np.log(t) if log_target else t
    ran = run(KLDivLoss(reduction, log_target), [x, target], [3.0])
    losses = t * (np.log(t) - x)
    np.testing.assert_allclose(ran.outputs[0], losses.sum() / count, rtol=1e-14)
    np.testing.assert_allclose(ran.inputs[0], -3 * t / count, rtol=1e-14)
    slope = np.log(t) + 1 - x
    expected = 3 * (t * slope if log_target else slope) / count
    np.testing.assert_allclose(ran.inputs[1], expected, rtol=1e-14)


def test_each_number_has_its_own_output_gradient():
    x, target = np.array([0.0, -1.0]), np.array([1.0, 0.5])
    ran = run(KLDivLoss("none"), [x, target], [np.array([10.0, 100.0])])
    np.testing.assert_allclose(ran.outputs[0], [0.0, 0.5 * (1 - LOG2)], rtol=1e-14)
    assert ran.inputs[0].tolist() == [-10.0, -50.0]
    np.testing.assert_allclose(ran.inputs[1], [10.0, 100.0 * (2 - LOG2)], rtol=1e-14)


def test_what_cannot_happen_costs_nothing():
    x = np.log([0.25, 0.75])
    assert KLDivLoss("none")(x, np.array([1.0, 0.0])).tolist() == [LOG4, 0.0]
    assert KLDivLoss("none")(x, np.array([1.0, -0.0])).tolist() == [LOG4, 0.0]


# ---------------------------------------------------------------------- laws


@given(seed=st.integers(0, 99))
def test_a_divergence_is_positive_and_zero_for_equals(seed):
    x, p = distributions(seed)
    assert KLDivLoss("batchmean")(x, p) > 0
    np.testing.assert_allclose(KLDivLoss("sum")(np.log(p), p), 0.0, atol=1e-14)


@given(seed=st.integers(0, 99))
def test_is_cross_entropy_less_the_entropy_of_the_target(seed):
    x, p = distributions(seed)
    entropy = -np.sum(p * np.log(p)) / len(p)
    divergence = KLDivLoss("batchmean")(x, p)
    np.testing.assert_allclose(divergence + entropy, CrossEntropyLoss()(x, p), rtol=1e-13)


@given(seed=st.integers(0, 99))
def test_a_target_and_its_logarithm_have_one_divergence(seed):
    x, p = distributions(seed)
    one, other = (run(KLDivLoss("sum", log), [x, np.log(p) if log else p]) for log in (False, True))
    np.testing.assert_allclose(one.outputs[0], other.outputs[0], rtol=1e-12)
    np.testing.assert_allclose(one.inputs[0], other.inputs[0], rtol=1e-13)
    np.testing.assert_allclose(one.inputs[1] * p, other.inputs[1], rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------------- torch


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:reduction:UserWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("log_target", [False, True])
def test_agrees_with_torch(log_target, reduction, dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    theirs = torch.nn.KLDivLoss(reduction=reduction, log_target=log_target)
    for shape in SHAPES:
        x, target = (np.asarray(random.uniform(0.01, 1.0, shape)) for _ in range(2))
        operands = [np.log(x).astype(dtype), (np.log(target) if log_target else target)]
        mine = KLDivLoss(reduction, log_target)
        agrees_with_torch(mine, theirs, [a.astype(dtype) for a in operands], ulps=64)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("log_target", [False, True])
def test_what_is_not_finite_agrees_with_torch(log_target, dtype):
    torch = pytest.importorskip("torch")
    values = np.array([0.0, 1.0, 0.5, -0.5, math.inf, -math.inf, math.nan], dtype)
    x, target = np.array(list(itertools.product(values, values)), dtype).T.copy()
    ran = run(KLDivLoss("none", log_target), [x, target])
    theirs = torch.nn.KLDivLoss(reduction="none", log_target=log_target)
    y, gradients = from_torch(theirs, [x, target], seeds_for(ran.outputs)[0])
    room = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(ran.outputs[0], y, rtol=room, atol=room)
    for found, expected in zip(ran.inputs, gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=room, atol=4 * room)


# ---------------------------------------------------------------------- batches


@pytest.mark.parametrize("shape, loss", [((0, 2), math.nan), ((2, 0), 0.0), ((0,), math.nan)])
def test_the_mean_over_no_rows(shape, loss):
    ran = run(KLDivLoss("batchmean"), [np.zeros(shape), np.zeros(shape)])
    np.testing.assert_equal(ran.outputs[0], loss)


def test_a_single_number_is_a_batch_of_its_own():
    assert KLDivLoss("batchmean")(np.array(-2.0), np.array(1.0)) == 2.0


@pytest.mark.torch
@pytest.mark.parametrize("value", ["sum", 1, 0, None, 1.0])
def test_log_target_is_a_bool_as_in_torch(value):
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="log_target"):
        torch.nn.KLDivLoss(reduction="sum", log_target=value)(torch.zeros(2), torch.zeros(2))
    with pytest.raises(TypeError, match="KLDivLoss: expected log_target to be True or False, got"):
        KLDivLoss(log_target=value)
    with pytest.raises(TypeError, match="KLDivLoss: expected log_target to be True or False, got"):
        F.kl_div(np.zeros(2), np.zeros(2), log_target=value)
