import itertools
import math

import numpy as np
import pytest

from npnet import BCELoss, BCEWithLogitsLoss
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)
REDUCTIONS = ("mean", "sum", "none")
SHAPES = ((), (4,), (1, 1), (5, 3), (2, 3, 4), (0, 3))
LOG2, LOG4 = math.log(2.0), math.log(4.0)


def fractions(shape, dtype, seed=0):
    """Return numbers between 0.01 and 0.99."""
    random = np.random.default_rng(seed)
    return np.asarray(random.uniform(0.01, 0.99, shape)).astype(dtype)


def test_probabilities_by_hand():
    layer = BCELoss([2.0, 1.0], "sum")
    ran = run(layer, [np.array([0.25, 0.5]), np.array([1.0, 0.5])], [3.0])
    np.testing.assert_allclose(ran.outputs[0], 2 * LOG4 + LOG2, rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[0], [-3 * 2 / 0.25, 0.0], rtol=1e-15)
    expected = [3 * 2 * (math.log(0.75) - math.log(0.25)), 0.0]
    np.testing.assert_allclose(ran.inputs[1], expected, rtol=1e-15)


def test_certain_probabilities_have_a_loss_of_100_at_most():
    x, target = np.array([0.0, 1.0, 0.0, 1.0], np.float32), np.array([1.0, 0.0, 0.0, 1.0])
    ran = run(BCELoss(reduction="none"), [x, target])
    assert ran.outputs[0].tolist() == [100.0, 100.0, 0.0, 0.0]
    dx = run(BCELoss(reduction="sum"), [x, target], [1.0]).inputs[0]
    np.testing.assert_allclose(dx, [-1e12, 1e12, 0.0, 0.0], rtol=1e-6)


def test_small_losses_of_probabilities_are_not_rounded_away():
    rest = 2.0 ** -np.arange(1, 25)
    x, target = np.concatenate([1 - rest, rest]).astype(np.float32), np.repeat([1.0, 0.0], 24)
    losses = run(BCELoss(reduction="none"), [x, target]).outputs[0]
    np.testing.assert_allclose(losses, -np.log1p(-np.tile(rest, 2)), rtol=3e-7)


def test_logits_by_hand():
    layer = BCEWithLogitsLoss([1.0, 2.0], "sum", [3.0, 1.0])
    x, target = np.array([-math.log(3.0), 0.0]), np.array([1.0, 0.5])
    ran = run(layer, [x, target], [10.0])
    np.testing.assert_allclose(ran.outputs[0], 3 * LOG4 + 2 * LOG2, rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[0], [10 * 3 * -0.75, 0.0], rtol=1e-15, atol=1e-15)
    expected = [10 * (3 * LOG4 - math.log(4 / 3)), 0.0]
    np.testing.assert_allclose(ran.inputs[1], expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_logits_give_exact_losses(dtype):
    x = np.array([1e4, -1e4, 1e4, -1e4, 0.0], dtype)
    target = np.array([1.0, 0.0, 0.0, 1.0, 0.5], dtype)
    ran = run(BCEWithLogitsLoss(reduction="none"), [x, target], [np.ones(5)])
    np.testing.assert_allclose(ran.outputs[0], [0.0, 0.0, 1e4, 1e4, LOG2], rtol=1e-6)
    np.testing.assert_allclose(ran.inputs[0], [0.0, 0.0, 1.0, -1.0, 0.0])


def test_small_losses_of_certain_logits_are_not_rounded_away():
    x = np.array([-30.0, 30.0], np.float32)
    ran = run(BCEWithLogitsLoss(reduction="none"), [x, np.array([0.0, 1.0])], [np.ones(2)])
    np.testing.assert_allclose(ran.outputs[0], math.exp(-30), rtol=1e-6)
    np.testing.assert_allclose(ran.inputs[0][0], math.exp(-30), rtol=1e-6)


def test_logits_and_their_probabilities_have_one_loss():
    x, target = np.random.default_rng(0).normal(size=7), fractions(7, np.float64)
    a = BCEWithLogitsLoss()(x, target)
    np.testing.assert_allclose(a, BCELoss()(1 / (1 + np.exp(-x)), target), rtol=1e-14)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_probabilities_agree_with_torch(shape, reduction, dtype):
    torch = pytest.importorskip("torch")
    arrays = [fractions(shape, dtype), fractions(shape, dtype, 1)]
    for w in (None, fractions(shape[-1:], dtype, 2), fractions(shape, dtype, 2)):
        theirs = torch.nn.BCELoss(None if w is None else torch.tensor(w), reduction=reduction)
        agrees_with_torch(BCELoss(w, reduction), theirs, arrays, ulps=64)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_agree_with_torch(shape, reduction, dtype):
    torch = pytest.importorskip("torch")
    target, weights = fractions(shape, dtype, 1), fractions(shape[-1:], dtype, 2)
    for seed, (w, p) in enumerate(itertools.product((None, weights), (None, 3 * weights))):
        x = np.asarray(np.random.default_rng(seed).normal(size=shape)).astype(dtype)
        tensors = {"weight": w, "pos_weight": p}
        tensors = {n: None if a is None else torch.tensor(a) for n, a in tensors.items()}
        theirs = torch.nn.BCEWithLogitsLoss(reduction=reduction, **tensors)
        agrees_with_torch(BCEWithLogitsLoss(w, reduction, p), theirs, [x, target], ulps=64)


@pytest.mark.torch
@pytest.mark.parametrize("p", [None, 3.0])
def test_gradients_of_infinite_logits_agree_with_torch(p):
    torch = pytest.importorskip("torch")
    x = np.array([math.inf, -math.inf, math.inf, -math.inf, math.nan])
    target = np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    ran = run(BCEWithLogitsLoss(reduction="none", pos_weight=p), [x, target], [np.ones(5)])
    assert ran.outputs[0][2:4].tolist() == [math.inf, math.inf]
    tensor = torch.tensor(x, requires_grad=True)
    weight = None if p is None else torch.tensor(p)
    loss = torch.nn.BCEWithLogitsLoss(reduction="none", pos_weight=weight)
    loss(tensor, torch.tensor(target)).sum().backward()
    np.testing.assert_array_equal(ran.inputs[0], tensor.grad.numpy())


def test_follows_factors_that_are_loaded():
    layer = BCEWithLogitsLoss([1.0], pos_weight=[1.0])
    layer.load_state_dict({"weight": [2.0], "pos_weight": [3.0]})
    np.testing.assert_allclose(layer(np.zeros(1), np.ones(1)), 6 * LOG2, rtol=1e-15)


@pytest.mark.parametrize("value", [-0.1, 1.5, math.nan, math.inf])
@pytest.mark.parametrize("place", ["x", "target"])
def test_names_what_is_no_probability(place, value):
    arrays = {"x": np.full(3, 0.5), "target": np.full(3, 0.5)}
    arrays[place][1] = value
    message = f"BCELoss: expected all elements of {place} between 0 and 1, got {value}"
    with pytest.raises(ValueError, match=message):
        BCELoss()(**arrays)
