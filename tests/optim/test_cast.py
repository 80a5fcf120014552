"""Optimizers of parameters whose dtype changes after they were made."""

import numpy as np
import pytest

import npnet
from npnet import Linear, optim

X = np.random.default_rng(0).normal(size=(4, 3))
KINDS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"]


def steps(model, optimizer, count):
    """Train a little."""
    for _ in range(count):
        model(X)
        optimizer.zero_grad()
        model.backward(np.ones((4, 2)))
        optimizer.step()


def made(kind, prepare=None):
    """Return a model of the same numbers each time, and an optimizer that has momentum."""
    npnet.manual_seed(0)
    model = Linear(3, 2)
    if prepare is not None:
        prepare(model)
    options = {"momentum": 0.9} if kind in ("SGD", "RMSprop") else {}
    return model, getattr(optim, kind)(model.parameters(), lr=0.01, **options)


def doubled(model):
    """Cast a model, and give it digits that float32 has not."""
    model.double()
    model.weight.data += 1e-12


def state_dtypes(optimizer):
    """Return the dtypes of all state but counts."""
    states = optimizer.state_dict()["state"].values()
    return {v.dtype for state in states for name, v in state.items() if name != "step"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cast_before_the_first_step_is_as_one_before_the_optimizer(kind):
    model, optimizer = made(kind)
    doubled(model)
    steps(model, optimizer, 3)
    other, usual = made(kind, doubled)
    steps(other, usual, 3)
    np.testing.assert_array_equal(model.weight.data, other.weight.data, strict=True)
    assert state_dtypes(optimizer) == {np.dtype(np.float64)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cast, dtype", [("double", np.float64), ("float", np.float32)])
def test_a_cast_between_steps_keeps_the_state(kind, cast, dtype):
    (model, optimizer), (other, exact) = made(kind), made(kind)
    if dtype == np.float32:
        model.double()
    other.double()
    for one, stepping in ((model, optimizer), (other, exact)):
        steps(one, stepping, 2)
    getattr(model, cast)()
    for one, stepping in ((model, optimizer), (other, exact)):
        steps(one, stepping, 2)
    assert state_dtypes(optimizer) == {np.dtype(dtype)}
    np.testing.assert_allclose(model.weight.data, other.weight.data, rtol=2e-6)
