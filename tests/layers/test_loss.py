import itertools
import math

import numpy as np
import pytest

from npnet import BCELoss, BCEWithLogitsLoss, Graph, MSELoss
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)
KINDS = (MSELoss, BCELoss, BCEWithLogitsLoss)
REDUCTIONS = ("mean", "sum", "none")
SHAPES = ((), (4,), (1, 1), (5, 3), (2, 3, 4), (0, 3))
LOG2, LOG4 = math.log(2.0), math.log(4.0)


def fractions(shape, dtype, seed=0):
    """Return numbers between 0.01 and 0.99."""
    random = np.random.default_rng(seed)
    return np.asarray(random.uniform(0.01, 0.99, shape)).astype(dtype)


# ---------------------------------------------------------------------- by hand


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


def test_each_number_has_its_own_output_gradient():
    x, target = np.array([1.0, 2.0]), np.array([0.0, 4.0])
    ran = run(MSELoss("none"), [x, target], [np.array([10.0, 100.0])])
    assert ran.inputs[0].tolist() == [20.0, -400.0]


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


def test_the_mean_of_many_numbers_is_exact():
    x = np.random.default_rng(0).uniform(size=1_500_000).astype(np.float32)
    exact = np.mean(x.astype(np.float64) ** 2)
    np.testing.assert_allclose(MSELoss()(x, np.zeros_like(x)), exact, rtol=3e-7)


# ---------------------------------------------------------------------- torch


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_squared_error_agrees_with_torch(shape, reduction, dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    arrays = [np.asarray(random.normal(size=shape)).astype(dtype) for _ in range(2)]
    agrees_with_torch(MSELoss(reduction), torch.nn.MSELoss(reduction=reduction), arrays)


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


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_prints_and_names_its_state_as_torch(kind):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind.__name__)
    assert repr(kind()) == repr(theirs()) and not kind().state_dict()
    for name in kind.factors:
        mine = kind(**{name: np.ones(3, np.float32)})
        assert list(mine.state_dict()) == list(theirs(**{name: torch.ones(3)}).state_dict())


# ---------------------------------------------------------------------- face


def test_follows_factors_that_are_loaded():
    layer = BCEWithLogitsLoss([1.0], pos_weight=[1.0])
    layer.load_state_dict({"weight": [2.0], "pos_weight": [3.0]})
    np.testing.assert_allclose(layer(np.zeros(1), np.ones(1)), 6 * LOG2, rtol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_factors_do_not_change_the_dtype(kind):
    layer = kind(**{name: np.ones(3) for name in kind.factors})
    ran = run(layer, [fractions((2, 3), np.float32), fractions((2, 3), np.float32, 1)])
    assert [a.dtype for _, a in ran.all()] == [np.float32] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_target_may_be_differentiated(kind):
    g = Graph(dtype=np.float64)
    target = g.input("target", requires_grad=True)
    x = fractions(3, np.float64)
    g.output(kind()(x, target))
    t = fractions(3, np.float64, 1)
    g(target=t)
    g.backward()
    np.testing.assert_array_equal(g.grad(target), run(kind(), [x, t], [1.0]).inputs[1])


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_input_is_differentiated_where_no_more_is_asked_for(kind):
    x, t = fractions(3, np.float64), fractions(3, np.float64, 1)
    layer = kind()
    layer(x, t)
    np.testing.assert_array_equal(layer.backward(2.0), run(kind(), [x, t], [2.0]).inputs[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reduction, loss", [("mean", math.nan), ("sum", 0.0)])
def test_no_numbers(kind, reduction, loss):
    ran = run(kind(reduction=reduction), [np.zeros((0, 2)), np.zeros((0, 2))])
    np.testing.assert_equal(ran.outputs[0], loss)
    assert ran.inputs[0].shape == (0, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "x, target, mend",
    [
        ((4,), (4, 1), r"target.reshape\(\(4,\)\) fits"),
        ((4, 1), (4,), r"target.reshape\(\(4, 1\)\) fits"),
        ((4, 2), (2,), "npnet does not broadcast them"),
    ],
)
def test_refuses_shapes_that_differ(kind, x, target, mend):
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: expected target .* got .*; {mend}"):
        kind()(np.zeros(x), np.zeros(target))


@pytest.mark.parametrize("kind, name", [(k, n) for k in KINDS for n in k.factors])
@pytest.mark.parametrize("shape", [(2,), (5, 4, 3), (1, 1, 3)])
def test_refuses_factors_that_do_not_broadcast(kind, name, shape):
    with pytest.raises(ValueError, match=rf"{kind.__name__}: expected {name} of a shape that"):
        kind(**{name: np.ones(shape)})(np.zeros((4, 3)), np.zeros((4, 3)))


@pytest.mark.parametrize("value", [-0.1, 1.5, math.nan, math.inf])
@pytest.mark.parametrize("place", ["x", "target"])
def test_names_what_is_no_probability(place, value):
    arrays = {"x": np.full(3, 0.5), "target": np.full(3, 0.5)}
    arrays[place][1] = value
    message = f"BCELoss: expected all elements of {place} between 0 and 1, got {value}"
    with pytest.raises(ValueError, match=message):
        BCELoss()(**arrays)


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_an_unknown_reduction(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected reduction 'none'"):
        kind(reduction="average")
