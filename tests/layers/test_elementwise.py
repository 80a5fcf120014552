import math

import numpy as np
import pytest

from npnet import Abs, Exp, Graph, Log, Negate, Scale, Sqrt, Square
from tests.support.autograd import agrees_with_torch, from_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)
E = math.e
#: Layer, x, y, dy/dx by hand.
FACTS = [
    (Scale(3.0), [1.0, -2.0], [3.0, -6.0], [3.0, 3.0]),
    (Scale(-0.5), [4.0], [-2.0], [-0.5]),
    (Negate(), [1.0, -2.0], [-1.0, 2.0], [-1.0, -1.0]),
    (Exp(), [0.0, 1.0], [1.0, E], [1.0, E]),
    (Log(), [1.0, E, 0.5], [0.0, 1.0, -math.log(2.0)], [1.0, 1 / E, 2.0]),
    (Square(), [3.0, -4.0, 0.0], [9.0, 16.0, 0.0], [6.0, -8.0, 0.0]),
    (Sqrt(), [9.0, 0.25], [3.0, 0.5], [1 / 6, 1.0]),
    (Abs(), [-3.0, 2.0, 0.0], [3.0, 2.0, 0.0], [-1.0, 1.0, 0.0]),
]
FUNCTIONS = {
    Negate: "neg",
    Exp: "exp",
    Log: "log",
    Square: "square",
    Sqrt: "sqrt",
    Abs: "abs",
}
EDGES = [0.0, -0.0, 1.0, -1.0, 1e-30, 80.0, -200.0, 1e4, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("layer, x, y, slope", FACTS, ids=lambda v: type(v).__name__)
def test_computes_what_a_hand_computes(layer, x, y, slope):
    ran = run(layer, [np.array(x)], [np.full(len(x), 10.0)])
    np.testing.assert_allclose(ran.outputs[0], y, rtol=1e-15, atol=1e-16)
    np.testing.assert_allclose(ran.inputs[0], 10 * np.array(slope), rtol=1e-15)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 0)], ids=str)
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_agrees_with_torch(kind, shape, dtype):
    torch = pytest.importorskip("torch")
    x = np.asarray(np.random.default_rng(0).uniform(0.1, 3.0, shape)).astype(dtype)
    agrees_with_torch(kind(), getattr(torch, FUNCTIONS[kind]), [x])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_agrees_with_torch_at_the_edges(kind, dtype):
    torch = pytest.importorskip("torch")
    # The sign of NaN is NaN here and 0 in torch: a NaN is to be seen.
    x = np.array(EDGES[:-1] if kind is Abs else EDGES, dtype)
    with np.errstate(all="ignore"):
        ran = run(kind(), [x], [np.ones_like(x)])
    y, (dx,) = from_torch(getattr(torch, FUNCTIONS[kind]), [x], np.ones_like(x))
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(ran.outputs[0], y, rtol=rtol)
    np.testing.assert_allclose(ran.inputs[0], dx, rtol=rtol)


@pytest.mark.parametrize("kind, x", [(Log, 0.0), (Log, -1.0), (Sqrt, -1.0)])
def test_warns_as_numpy_outside_of_its_domain(kind, x):
    with pytest.warns(RuntimeWarning):
        kind()(np.array([x]))


def test_abs_passes_nan_on():
    ran = run(Abs(), [np.array([np.nan])], [np.ones(1)])
    assert np.isnan(ran.outputs[0]).all() and np.isnan(ran.inputs[0]).all()


def test_square_of_a_large_number_keeps_its_gradient():
    x = np.array([1e20], np.float32)
    with np.errstate(over="ignore"):
        ran = run(Square(), [x], [np.ones(1, np.float32)])
    assert ran.outputs[0].tolist() == [np.inf]
    np.testing.assert_allclose(ran.inputs[0], [2e20], rtol=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [2, np.float64(2), np.array(2.0), np.int8(2), True + 1])
def test_a_factor_of_any_kind_promotes_nothing(factor, dtype):
    layer = Scale(factor)
    y = layer(np.ones(3, dtype))
    assert y.dtype == dtype and y.tolist() == [2.0, 2.0, 2.0]
    assert layer.backward(np.ones(3)).dtype == dtype


@pytest.mark.parametrize("factor", ["2", 1j, [2.0], np.ones(2), None, b"2"])
def test_a_factor_is_a_real_number(factor):
    with pytest.raises(TypeError):
        Scale(factor)


def test_a_factor_can_be_changed():
    layer, x = Scale(2.0), np.ones(1)
    assert layer(x).tolist() == [2.0]
    layer.factor = 3.0
    assert layer(x).tolist() == [3.0] and layer.backward(np.ones(1)).tolist() == [3.0]


def test_prints_its_factor():
    assert repr(Scale(2)) == "Scale(factor=2.0)"
    assert repr(Exp()) == "Exp()"


@pytest.mark.parametrize(
    "record, x, y, slope",
    [
        (np.exp, 0.0, 1.0, 1.0),
        (np.log, 2.0, math.log(2.0), 0.5),
        (np.sqrt, 4.0, 2.0, 0.25),
        (np.square, 3.0, 9.0, 6.0),
        (np.negative, 3.0, -3.0, -1.0),
        (lambda n: -n, 3.0, -3.0, -1.0),
        (abs, -3.0, 3.0, -1.0),
        (np.abs, -3.0, 3.0, -1.0),
    ],
)
def test_is_recorded_by_numpys_function_or_operator(record, x, y, slope):
    g = Graph(dtype=np.float64)
    node = g.input("x", requires_grad=True)
    g.output(record(node))
    assert g(x) == pytest.approx(y, rel=1e-15)
    g.backward()
    assert g.grad(node) == pytest.approx(slope, rel=1e-15)
