import numpy as np
import pytest

from npnet import Identity, ReLU, Sequential, Sigmoid, Tanh
from tests.support.autograd import agrees_with_torch, from_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)
ACTIVATIONS = (Identity, ReLU, Sigmoid, Tanh)
#: A small array and one that is large enough for the kernels that large arrays have.
SHAPES = [(), (5,), (3, 4), (200, 200)]
EDGES = [0.0, -0.0, 1e-40, -1e-40, 88.0, -88.0, 104.0, -104.0, 1e4, -1e4, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize(
    "layer, x, y, slope",
    [
        (Identity(), [-1.0, 0.0, 2.0], [-1.0, 0.0, 2.0], [1.0, 1.0, 1.0]),
        (ReLU(), [-1.0, 0.0, 2.0], [0.0, 0.0, 2.0], [0.0, 0.0, 1.0]),
        (Sigmoid(), [0.0, np.log(3.0)], [0.5, 0.75], [0.25, 0.1875]),
        (Tanh(), [0.0, np.log(3.0)], [0.0, 0.8], [1.0, 0.36]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_computes_what_a_hand_computes(layer, x, y, slope):
    ran = run(layer, [np.array(x)], [np.full(len(x), 10.0)])
    np.testing.assert_allclose(ran.outputs[0], y, rtol=1e-15)
    np.testing.assert_allclose(ran.inputs[0], 10 * np.array(slope), rtol=1e-15)


def theirs(torch, layer):
    """Return torch's module of the same name."""
    return getattr(torch.nn, type(layer).__name__)()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_agrees_with_torch(kind, shape, dtype):
    torch = pytest.importorskip("torch")
    x = np.asarray(np.random.default_rng(0).normal(0.0, 3.0, shape)).astype(dtype)
    agrees_with_torch(kind(), theirs(torch, kind()), [x])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [len(EDGES), 40_000])
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_agrees_with_torch_at_the_edges(kind, size, dtype):
    torch = pytest.importorskip("torch")
    x = np.resize(np.array(EDGES), size).astype(dtype)
    ran = run(kind(), [x], [np.ones_like(x)])
    y, (dx,) = from_torch(theirs(torch, kind()), [x], np.ones_like(x))
    tiny = float(np.finfo(dtype).tiny)
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(ran.outputs[0], y, rtol=rtol, atol=tiny)
    np.testing.assert_allclose(ran.inputs[0], dx, rtol=rtol, atol=tiny)


@pytest.mark.parametrize("size", [4, 40_000])
def test_relu_passes_nan_and_has_no_slope_at_0(size):
    x = np.resize(np.array([np.nan, 0.0, -0.0, -1.0], np.float32), size)
    ran = run(ReLU(), [x], [np.full(size, 3.0, np.float32)])
    assert np.isnan(ran.outputs[0][::4]).all() and not ran.outputs[0][1::4].any()
    assert ran.inputs[0][:4].tolist() == [3.0, 0.0, 0.0, 0.0]
    np.testing.assert_array_equal(ran.inputs[0], np.resize(ran.inputs[0][:4], size))


def test_relu_never_writes_over_the_callers_array():
    x = np.array([-1.0, 2.0], np.float32)
    model = Sequential(ReLU(inplace=True), Tanh(), ReLU())
    model(x)
    model.backward(np.ones(2), input_grad=True)
    assert x.tolist() == [-1.0, 2.0]


@pytest.mark.parametrize("kind", [Sigmoid, Tanh])
@pytest.mark.parametrize("dtype", DTYPES)
def test_saturates_without_a_warning(kind, dtype):
    x = np.array([-1e4, 1e4, -np.finfo(dtype).max, np.finfo(dtype).max], dtype)
    ran = run(kind(), [x], [np.ones_like(x)])
    low = 0.0 if kind is Sigmoid else -1.0
    assert ran.outputs[0].tolist() == [low, 1.0, low, 1.0]
    assert ran.inputs[0].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_identity_ignores_arguments_as_torchs():
    assert repr(Identity(54, unused=0.1)) == "Identity()"
    x = np.ones(2)
    assert Identity()(x) is not x


@pytest.mark.parametrize(
    "layer, text",
    [(ReLU(), "ReLU()"), (ReLU(inplace=True), "ReLU(inplace=True)"), (Tanh(), "Tanh()")],
)
def test_prints_as_torchs(layer, text):
    assert repr(layer) == text


def test_integers_become_float32():
    assert Sigmoid()([0, 0]).dtype == np.float32
    assert ReLU()(np.array([-1, 2])).tolist() == [0.0, 2.0]
