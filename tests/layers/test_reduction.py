import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import Mean, Sum
from npnet.layers.reduction import sum_of_squares
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)
KINDS = (Sum, Mean)


@st.composite
def shapes_and_axes(draw):
    """Draw a shape, and an axis of it, some of its axes or None."""
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    some = st.sets(st.integers(0, len(shape) - 1), min_size=1)
    several = some.map(lambda axes: tuple(a - len(shape) * (a % 2) for a in axes))
    one = st.integers(-len(shape), len(shape) - 1)
    return shape, draw(st.one_of(st.none(), one, several))


def test_sums_by_hand():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert Sum()(x) == 10.0
    ran = run(Sum(axis=0), [x], [np.array([10.0, 100.0])])
    assert ran.outputs[0].tolist() == [4.0, 6.0]
    assert ran.inputs[0].tolist() == [[10.0, 100.0], [10.0, 100.0]]
    assert Sum(axis=-1, keepdims=True)(x).tolist() == [[3.0], [7.0]]


def test_means_by_hand():
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert Mean()(x) == 3.0
    ran = run(Mean(axis=1), [x], [np.array([10.0, 100.0])])
    assert ran.outputs[0].tolist() == [1.5, 4.5]
    assert ran.inputs[0].tolist() == [[5.0, 5.0], [50.0, 50.0]]


def test_scalars_are_added_up():
    ran = run(Sum(), [np.array(1.0), np.array(2.0), np.array(4.0)], [3.0])
    assert ran.outputs[0] == 7.0
    assert ran.inputs == [3.0, 3.0, 3.0]


def test_operands_of_different_shapes_are_summed_first():
    ran = run(Sum(), [np.array([1.0, 2.0]), np.array(4.0), np.ones((2, 3))], [3.0])
    assert ran.outputs[0] == 13.0
    assert [g.tolist() for g in ran.inputs] == [[3, 3], 3, [[3, 3, 3], [3, 3, 3]]]
    y = Sum(axis=0)(np.ones((2, 3)), np.ones((5, 3)))
    assert y.tolist() == [7.0, 7.0, 7.0]


def test_some_operands_need_no_gradient():
    total = Sum()
    total(np.array([1, 2]), np.ones(2))
    assert total.execution.backward([np.array(1.0)], (1,))[0].tolist() == [1.0, 1.0]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@given(shapes_and_axes())
def test_agrees_with_torch(kind, keepdims, dtype, shape_and_axis):
    torch = pytest.importorskip("torch")
    shape, axis = shape_and_axis
    function = {Sum: torch.sum, Mean: torch.mean}[kind]
    x = np.random.default_rng(0).uniform(size=shape).astype(dtype)
    dims = tuple(range(len(shape))) if axis is None else axis
    agrees_with_torch(
        kind(axis, keepdims), lambda x: function(x, dims, keepdim=keepdims), [x], ulps=16
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [0, (0, 1), (0, 2), None])
def test_long_sums_of_small_floats_are_exact(kind, axis):
    x = np.random.default_rng(0).uniform(size=(30_000, 2, 3)).astype(np.float32)
    exact = {Sum: np.sum, Mean: np.mean}[kind](x.astype(np.float64), axis=axis)
    np.testing.assert_allclose(kind(axis)(x), exact, rtol=6e-7)


def test_the_mean_of_nothing_is_no_number():
    assert math.isnan(Mean()(np.zeros((0, 3))))
    assert np.isnan(Mean(axis=0)(np.zeros((0, 3)))).tolist() == [True] * 3
    assert Sum(axis=0)(np.zeros((0, 3))).tolist() == [0.0] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_has_the_axis_torch_gives_it(kind):
    for axis in (None, 0, -1, ()):
        assert kind(axis)(np.array(2.0)) == 2.0


@pytest.mark.parametrize(
    "shape", [(0,), (5,), (3, 4), (1 << 18,), ((1 << 18) + 1,), (3 << 18,)], ids=str
)
def test_squares_are_added_up_block_by_block(shape):
    x = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(sum_of_squares(x), np.sum(np.square(x)), rtol=1e-12)
    np.testing.assert_allclose(sum_of_squares(x.T), np.sum(np.square(x)), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_prints_what_was_asked_for(kind):
    name = kind.__name__
    assert repr(kind()) == f"{name}()"
    assert repr(kind(1)) == f"{name}(axis=1)"
    assert repr(kind((0, 1), True)) == f"{name}(axis=(0, 1), keepdims=True)"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "axis, shape, error, message",
    [
        (2, (3, 4), IndexError, r"expected an x with axis 2, got shape \(3, 4\)"),
        ((0, -3), (3, 4), IndexError, r"axis -3, got .* axes are from -2 to 1"),
        (1, (), IndexError, r"axis 1, got shape \(\); axes are from -1 to 0"),
        ((0, -2), (3, 4), ValueError, r"different axes, got \(0, -2\) for shape \(3, 4\)"),
    ],
)
def test_refuses_axes_that_are_not_there(kind, axis, shape, error, message):
    with pytest.raises(error, match=f"{kind.__name__}: .*{message}"):
        kind(axis)(np.zeros(shape))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [1.5, "0", (0, None), [0]])
def test_refuses_axes_that_are_no_integers(kind, axis):
    with pytest.raises(TypeError, match=f"{kind.__name__}: expected axis to be an integer, a"):
        kind(axis)


def test_refuses_operands_whose_sums_differ_in_shape():
    with pytest.raises(ValueError, match=r"Sum: expected .* one shape, got \(3,\) and \(4,\)"):
        Sum(axis=0)(np.ones((2, 3)), np.ones((2, 4)))
