import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from npnet import Clamp, Maximum, Minimum
from tests.support.autograd import from_torch
from tests.support.case import close, run, seeds_for

DTYPES = (np.float32, np.float64)
EDGES = [-math.inf, -1.0, -0.0, 0.0, 0.5, 1.0, math.inf, math.nan]
BROADCASTING = mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)


def test_the_gradient_goes_to_who_wins_and_by_halves_to_equals():
    a, b, dy = np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])
    ran = run(Maximum(), [a, b], [dy])
    assert ran.outputs[0].tolist() == [3, 2, 3]
    assert (ran.inputs[0].tolist(), ran.inputs[1].tolist()) == ([10, 10, 0], [0, 10, 30])
    ran = run(Minimum(), [a, b], [dy])
    assert ran.outputs[0].tolist() == [1, 2, 1]
    assert (ran.inputs[0].tolist(), ran.inputs[1].tolist()) == ([0, 10, 30], [10, 10, 0])


def test_what_was_broadcast_gets_the_sum():
    a, b = np.array([[1.0], [4.0]]), np.array([2.0, 3.0, 4.0])
    ran = run(Maximum(), [a, b], [np.array([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]])])
    assert ran.outputs[0].tolist() == [[2, 3, 4], [4, 4, 4]]
    assert ran.inputs[0].tolist() == [[0], [122]]
    assert ran.inputs[1].tolist() == [1, 10, 200]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind, name", [(Maximum, "maximum"), (Minimum, "minimum")])
@given(BROADCASTING, st.integers(0, 99))
def test_extremes_agree_with_torch(kind, name, dtype, shapes, seed):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(seed)
    arrays = [random.choice(EDGES, shape).astype(dtype) for shape in shapes.input_shapes]
    ran = run(kind(), arrays)
    y, gradients = from_torch(getattr(torch, name), arrays, seeds_for(ran.outputs)[0])
    np.testing.assert_array_equal(ran.outputs[0], y)
    for index, (found, expected) in enumerate(zip(ran.inputs, gradients, strict=True)):
        close(found, np.asarray(expected), f"gradient of operand {index}", 16, 1.0)


BOUNDS = [None, -1, -0.5, 0.0, 1, math.inf, -math.inf, math.nan]
PAIRS = [pair for pair in product(BOUNDS, BOUNDS) if pair != (None, None)]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("low, high", PAIRS)
def test_clamp_agrees_with_torch_at_every_edge(low, high, dtype):
    torch = pytest.importorskip("torch")
    x = np.array([*EDGES, -0.5], dtype)
    dy = np.arange(1.0, 10.0).astype(dtype)
    ran = run(Clamp(low, high), [x], [dy])
    y, (dx,) = from_torch(lambda t: torch.clamp(t, low, high), [x], dy)
    np.testing.assert_array_equal(ran.outputs[0], y)
    np.testing.assert_array_equal(ran.inputs[0], dx)
    assert ran.outputs[0].dtype == dtype


def test_at_a_bound_the_gradient_passes_whatever_it_is():
    ran = run(
        Clamp(0, 1), [np.array([-1.0, 0.0, 1.0, 2.0])], [np.array([math.nan, 1, 2, math.inf])]
    )
    assert ran.inputs[0].tolist() == [0, 1, 2, 0]


def test_a_bound_beyond_the_dtype_is_infinite():
    x = np.array([1.0, -2.0], np.float32)
    assert Clamp(-1e300, 1e300)(x).tolist() == [1, -2]


def test_prints_the_bounds_there_are():
    assert repr(Clamp(-1, 2.5)) == "Clamp(min=-1, max=2.5)"
    assert (repr(Clamp(0)), repr(Clamp(max=1))) == ("Clamp(min=0)", "Clamp(max=1)")


@pytest.mark.parametrize(
    "make, error, message",
    [
        (Clamp, ValueError, "Clamp: expected min, max or both, got neither"),
        (lambda: Clamp("0"), TypeError, "Clamp: expected min to be a real number, got '0'"),
        (lambda: Clamp(0, np.ones(2)), TypeError, "Clamp: expected max to be a real number"),
    ],
)
def test_refuses_what_is_no_bound(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("kind", [Maximum, Minimum])
def test_refuses_shapes_that_do_not_broadcast(kind):
    with pytest.raises(ValueError, match=f"^{kind.__name__}: expected shapes that broadcast"):
        kind()(np.ones((2, 3)), np.ones(4))
