import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import LogSoftmax, Softmax
from npnet.layers.softmax import axis_of, axis_peaks, moderate
from tests.support.autograd import agrees_with_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)
KINDS = (Softmax, LogSoftmax)
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)


def test_probabilities_by_hand():
    x = np.array([[0.0, math.log(3.0)], [7.0, 7.0]])
    p = np.array([[0.25, 0.75], [0.5, 0.5]])
    dy = np.array([[1.0, 0.0], [0.0, 2.0]])
    ran = run(Softmax(1), [x], [dy])
    np.testing.assert_allclose(ran.outputs[0], p, rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[0], [[0.1875, -0.1875], [-0.5, 0.5]], rtol=1e-15)
    ran = run(LogSoftmax(1), [x], [dy])
    np.testing.assert_allclose(ran.outputs[0], np.log(p), rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[0], [[0.75, -0.75], [-1.0, 1.0]], rtol=1e-15)


@pytest.mark.torch
@pytest.mark.parametrize("scale", [1.0, 40.0])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@given(shape=SHAPES, place=st.integers(-4, 3))
def test_agrees_with_torch(kind, dtype, scale, shape, place):
    torch = pytest.importorskip("torch")
    count = max(len(shape), 1)
    dim = place % count - (count if place < 0 else 0)
    x = np.asarray(scale * np.random.default_rng(0).normal(size=shape)).astype(dtype)
    theirs = getattr(torch.nn, kind.__name__)(dim)
    agrees_with_torch(kind(dim), theirs, [x], ulps=64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 50])
def test_numbers_of_any_size_are_exact(rows, dtype):
    x = np.tile(np.array([1e4, -1e4, 1e4], dtype), (rows, 1))
    np.testing.assert_allclose(Softmax(-1)(x), np.tile([0.5, 0.0, 0.5], (rows, 1)))
    expected = np.tile(np.array([-math.log(2), -2e4 - math.log(2), -math.log(2)]), (rows, 1))
    np.testing.assert_allclose(LogSoftmax(-1)(x), expected, rtol=1e-6)


def test_half_precision_does_not_overflow():
    p = Softmax(0)(np.array([12.0, 12.0], np.float16))
    assert p.dtype == np.float16 and p.tolist() == [0.5, 0.5]


def test_one_infinite_number_is_no_probability():
    assert np.isnan(Softmax(0)(np.array([math.inf, 0.0]))).all()
    assert Softmax(0)(np.array([-math.inf, 0.0])).tolist() == [0.0, 1.0]


@given(SHAPES.filter(lambda s: len(s) == 2 and all(s)), st.integers(0, 9))
def test_the_largest_numbers_are_found_by_row_and_by_column(shape, seed):
    for longer in (shape, (shape[0] + 6, shape[1])):
        x = np.random.default_rng(seed).normal(size=longer)
        out = np.empty(longer[0])
        axis_peaks(x, out, axis_of(longer, 1, x.dtype))
        assert out.tolist() == x.max(axis=1).tolist()


@pytest.mark.parametrize(
    "x, answer",
    [([], True), ([31.0, -31.0], True), ([32.0], False), ([-32.0], False), ([math.nan], False)],
)
def test_moderate_numbers_need_no_shift(x, answer):
    assert moderate(np.array(x)) is answer


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4), (2, 3, 2, 2)], ids=str)
def test_without_dim_takes_torchs_axis_with_its_warning(kind, shape):
    torch = pytest.importorskip("torch")
    x = np.asarray(np.random.default_rng(0).normal(size=shape))
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        expected = getattr(torch.nn, kind.__name__)()(torch.tensor(x))
    with pytest.warns(UserWarning, match=rf"{kind.__name__}: the choice of dim .* give dim"):
        found = kind()(x)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-14)


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dim", [None, 1, -1])
def test_prints_as_torch(kind, dim):
    torch = pytest.importorskip("torch")
    assert repr(kind(dim)) == repr(getattr(torch.nn, kind.__name__)(dim))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dim, shape", [(2, (3, 4)), (-3, (3, 4)), (1, ()), (-2, ())])
def test_refuses_an_axis_that_is_not_there(kind, dim, shape):
    message = rf"{kind.__name__}: expected an x with axis {dim}, got shape \({str(shape)[1:-1]}\)"
    with pytest.raises(IndexError, match=message):
        kind(dim)(np.zeros(shape))


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_an_axis_that_is_no_integer(kind):
    with pytest.raises(TypeError, match=f"{kind.__name__}: expected dim to be an integer or None"):
        kind(1.5)
