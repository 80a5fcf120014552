import math
import warnings

import numpy as np
import pytest

import npnet.functional as F
from npnet import Graph, Parameter
from npnet.functional.weighted import Weighted
from tests.support.case import run

LOSSES, WEIGHT = np.array([[1.0, 4.0], [2.0, 0.0]]), np.array([[3.0, 1.0], [0.0, 4.0]])


@pytest.mark.parametrize(
    "options, value, dlosses, dweight",
    [
        ({}, 7 / 8, WEIGHT / 8, (LOSSES - 7 / 8) / 8),
        ({"by_weight": False}, 7 / 4, WEIGHT / 4, LOSSES / 4),
        ({"reduction": "sum"}, 7.0, WEIGHT, LOSSES),
    ],
)
def test_by_hand(options, value, dlosses, dweight):
    ran = run(Weighted(**options), [LOSSES, WEIGHT], [3.0])
    assert ran.outputs[0] == value
    np.testing.assert_allclose(ran.inputs[0], 3 * dlosses, rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[1], 3 * dweight, rtol=1e-15)


def test_each_number_has_its_own_output_gradient():
    seed = np.array([[1.0, 2.0], [3.0, 4.0]])
    ran = run(Weighted("none"), [LOSSES, WEIGHT], [seed])
    np.testing.assert_array_equal(ran.outputs[0], LOSSES * WEIGHT)
    np.testing.assert_array_equal(ran.inputs[0], seed * WEIGHT)
    np.testing.assert_array_equal(ran.inputs[1], seed * LOSSES)


def test_constant_losses_need_no_gradient():
    weight, g = Parameter(WEIGHT), Graph(dtype=np.float64)
    g.output(Weighted("sum")(LOSSES, weight))
    assert g() == 7.0
    g.backward()
    np.testing.assert_array_equal(weight.grad, LOSSES)


@pytest.mark.parametrize("weight", [np.zeros(2), np.array([1.0, -1.0]), np.zeros(0)])
def test_weights_that_add_up_to_nothing_give_no_warning(weight):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(Weighted(), [np.ones(weight.size), weight])
    assert not np.isfinite(found.outputs[0])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weighted_losses_agree_with_torch(name, reduction, dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    for shape in ((), (3,), (2, 3, 4), (0, 2)):
        x, t = (np.asarray(random.normal(size=shape)).astype(dtype) for _ in range(2))
        weight = np.asarray(random.uniform(0.1, 2.0, shape)).astype(dtype)
        tensors = [torch.tensor(a) for a in (x, t, weight)]
        theirs = getattr(torch.nn.functional, name)
        expected = theirs(*tensors[:2], reduction=reduction, weight=tensors[2])
        found = getattr(F, name)(x, t, reduction=reduction, weight=weight)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected.numpy(), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.torch
def test_gradients_of_a_weighted_loss_agree_with_torch():
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(a, requires_grad=True) for a in (LOSSES, WEIGHT)]
    expected = (tensors[0] * tensors[1]).sum() / tensors[1].sum()
    expected.backward()
    ran = run(Weighted(), [LOSSES, WEIGHT], [1.0])
    for found, tensor in zip(ran.inputs, tensors, strict=True):
        np.testing.assert_allclose(found, tensor.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (1, 2, 2), ()])
def test_refuses_weights_of_another_shape(shape):
    who = r"Weighted: expected weight of the shape of the input, \(2, 2\), got .*broadcast_to"
    with pytest.raises(ValueError, match=who):
        F.mse_loss(LOSSES, WEIGHT, weight=np.ones(shape))


def test_the_mean_of_no_weights_is_not_a_number():
    assert math.isnan(Weighted()(np.zeros(0), np.zeros(0)))
