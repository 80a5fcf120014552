import math

import numpy as np
import pytest

from npnet import Linear, Module, Parameter, Regularization
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)


@pytest.mark.parametrize(
    "p, penalty, slope", [(2, 14.0 / 4, [0.5, -1.0, 1.5, 0.0]), (1, 1.5, [0.25, -0.25, 0.25, 0.0])]
)
def test_norms_by_hand(p, penalty, slope):
    w = np.array([[1.0, -2.0], [3.0, 0.0]])
    ran = run(Regularization(0.25, p), [w], [10.0])
    assert ran.outputs[0] == penalty
    assert ran.inputs[0].tolist() == (10 * np.array(slope).reshape(2, 2)).tolist()


@pytest.mark.torch
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4), (2, 3, 4)], ids=str)
def test_agrees_with_torch(shape, dtype, p):
    w = np.asarray(np.random.default_rng(0).normal(size=shape)).astype(dtype)
    agrees_with_torch(Regularization(1e-2, p), lambda w: 1e-2 * w.abs().pow(p).sum(), [w])


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_takes_weights_in_any_memory_order(axes, p):
    numbers = np.random.default_rng(0).normal(size=(2, 3, 4)).transpose(axes)
    penalty = Regularization(0.5, p)

    class Penalty(Module):
        def __init__(self):
            super().__init__()
            self.w = Parameter(numbers)

        def forward(self):
            return penalty(self.w)

    model = Penalty()
    np.testing.assert_allclose(model(), 0.5 * np.sum(np.abs(numbers) ** p), rtol=1e-14)
    model.backward(3.0)
    slope = 2 * numbers if p == 2 else np.sign(numbers)
    np.testing.assert_allclose(model.w.grad, 1.5 * slope, rtol=1e-14)


def test_joins_the_path_of_the_loss():
    fc, penalty = Linear(3, 2, bias=False), Regularization(0.5)

    class Objective(Module):
        def __init__(self):
            super().__init__()
            self.fc = fc

        def forward(self, x):
            return self.fc(x), penalty(self.fc.weight)

    objective, x = Objective(), np.ones((1, 3), np.float32)
    objective(x)
    objective.backward(np.ones((1, 2)), 2.0)
    np.testing.assert_allclose(fc.weight.grad, 1 + 2 * fc.weight.data, rtol=1e-6)


@pytest.mark.parametrize("p", [1, 2])
def test_a_penalty_of_many_weights_is_exact(p):
    w = np.random.default_rng(0).uniform(-1, 1, (1000, 800)).astype(np.float32)
    exact = np.sum(np.abs(w.astype(np.float64)) ** p)
    np.testing.assert_allclose(Regularization(1.0, p)(w), exact, rtol=5e-7)


def test_does_not_promote():
    ran = run(Regularization(np.float64(0.1)), [np.ones(3, np.float32)], [1.0])
    assert ran.outputs[0].dtype == ran.inputs[0].dtype == np.float32


def test_prints_its_numbers():
    assert repr(Regularization(1e-3)) == "Regularization(strength=0.001, p=2)"
    assert repr(Regularization(2, 1)) == "Regularization(strength=2.0, p=1)"


@pytest.mark.parametrize("strength", [-1e-3, math.inf, math.nan])
def test_refuses_a_strength_that_makes_no_sense(strength):
    message = f"Regularization: expected a finite strength of 0 or more, got {strength}"
    with pytest.raises(ValueError, match=message):
        Regularization(strength)


@pytest.mark.parametrize("strength", ["1", None, [1.0], 1j])
def test_refuses_a_strength_that_is_no_real_number(strength):
    with pytest.raises(TypeError):
        Regularization(strength)


@pytest.mark.parametrize("p", [0, 3, 1.5, math.inf])
def test_refuses_other_norms(p):
    with pytest.raises(ValueError, match=f"Regularization: expected p 1 or 2, got {p}"):
        Regularization(1.0, p)
