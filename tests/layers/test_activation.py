"""What every activation holds to, in forms of each, and facts about the classic ones."""

import numpy as np
import pytest

import npnet
from npnet import (
    ELU,
    GELU,
    SELU,
    Hardswish,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSigmoid,
    Mish,
    Module,
    Parameter,
    PReLU,
    ReLU,
    ReLU6,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from tests.support.autograd import agrees_with_torch, from_torch
from tests.support.case import run

DTYPES = (np.float32, np.float64)
#: Kinds with arguments, which torch's of that name get too.
FORMS = [
    (Identity,),
    (ReLU,),
    (Sigmoid,),
    (Tanh,),
    (LeakyReLU,),
    (LeakyReLU, 0.0),
    (LeakyReLU, -0.5),
    (LeakyReLU, 3),
    (ELU,),
    (ELU, 2),
    (ELU, -1.5),
    (SELU,),
    (Hardtanh,),
    (Hardtanh, -3, 0.5),
    (ReLU6,),
    (GELU,),
    (GELU, "tanh"),
    (SiLU,),
    (Mish,),
    (Hardswish,),
    (Softplus,),
    (Softplus, 2, 1),
    (Softplus, 0.5, 300.0),
    (Softplus, 1.0, -2.0),
    (Softplus, -3.0),
    (Softplus, 0.0),
    (LogSigmoid,),
    (Softsign,),
]
#: A small array and one that is large enough for the kernels that large arrays have.
SHAPES = [(), (5,), (3, 4), (200, 200)]
EDGES = [0.0, 1e-40, 1e-7, 0.5, 1, 3, 6, 20, 21, 88, 104, 200, 800, 1e4, 1e30, np.inf, np.nan]
EDGES += [-edge for edge in EDGES]
#: Slopes at infinity where torch's autograd multiplies it by 0, and the limit is to be had.
LIMITS = {Mish: {np.inf: 1.0}, Softsign: {np.inf: 0.0, -np.inf: 0.0}}
#: What is infinite where x is large: 3 x, and a quotient with a beta of 0.
BEYOND = ((LeakyReLU, 3), (Softplus, 0.0))
#: Their slope is taken from y, whose distance from 1 has no more digits than y has, as in torch.
FROM_OUTPUT = (Sigmoid, Tanh)

every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: repr(made(form)))


def made(form):
    """Return the layer of a form."""
    kind, *arguments = form
    return kind(*arguments)


def theirs(torch, form):
    """Return torch's module of the same name."""
    kind, *arguments = form
    return getattr(torch.nn, kind.__name__)(*arguments)


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


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_form
def test_agrees_with_torch(form, shape, dtype):
    torch = pytest.importorskip("torch")
    x = np.asarray(np.random.default_rng(0).normal(0.0, 3.0, shape)).astype(dtype)
    agrees_with_torch(made(form), theirs(torch, form), [x])


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [len(EDGES), 40_000])
@every_form
def test_agrees_with_torch_at_the_edges(form, size, dtype):
    torch = pytest.importorskip("torch")
    x = np.resize(np.array(EDGES), size).astype(dtype)
    ran = run(made(form), [x], [np.ones_like(x)])
    # torch in float64, whatever the dtype: its float32 GELU is 5e-7 off at -3, and NaN at inf.
    exact = x.astype(np.float64)
    y, (dx,) = from_torch(theirs(torch, form), [exact], np.ones_like(exact))
    for at, limit in LIMITS.get(form[0], {}).items():
        assert np.isnan(dx[x == at]).all()
        dx[x == at] = limit
    room = {
        "rtol": 4 * float(np.finfo(dtype).eps),
        "atol": float(np.finfo(dtype).tiny) + 4 * float(np.finfo(np.float64).eps),
    }
    np.testing.assert_allclose(ran.outputs[0], y, **room)
    number = ~np.isnan(x)
    room["atol"] += float(np.finfo(dtype).eps) * (form[0] in FROM_OUTPUT)
    np.testing.assert_allclose(ran.inputs[0][number], dx[number], **room)


@pytest.mark.torch
@every_form
def test_slope_at_nan_is_one_of_torchs(form):
    # Its kernels for a few numbers and for many differ: ELU's slope there is 1 and NaN.
    torch = pytest.importorskip("torch")
    found = run(made(form), [np.full(64, np.nan)], [np.ones(64)]).inputs[0]
    slopes = [
        from_torch(theirs(torch, form), [np.full(size, np.nan)], np.ones(size))[1][0][0]
        for size in (1, 64)
    ]
    assert all(any(np.array_equal(a, b, equal_nan=True) for b in slopes) for a in found)


@pytest.mark.torch
@every_form
def test_prints_as_torchs_with_these_arguments(form):
    torch = pytest.importorskip("torch")
    assert repr(made(form)) == repr(theirs(torch, form))


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["ReLU", "LeakyReLU", "ELU", "SELU", "Hardtanh", "ReLU6", "SiLU", "Mish", "Hardswish"]
)
def test_inplace_prints_as_torchs(name):
    torch = pytest.importorskip("torch")
    assert repr(getattr(npnet, name)(inplace=True)) == repr(getattr(torch.nn, name)(inplace=True))


@pytest.mark.parametrize("size", [4, 40_000])
def test_relu_passes_nan_and_has_no_slope_at_0(size):
    x = np.resize(np.array([np.nan, 0.0, -0.0, -1.0], np.float32), size)
    ran = run(ReLU(), [x], [np.full(size, 3.0, np.float32)])
    assert np.isnan(ran.outputs[0][::4]).all() and not ran.outputs[0][1::4].any()
    assert ran.inputs[0][:4].tolist() == [3.0, 0.0, 0.0, 0.0]
    np.testing.assert_array_equal(ran.inputs[0], np.resize(ran.inputs[0][:4], size))


@pytest.mark.parametrize(
    "shape", [(), (0, 3), (5,), (2**15,), (2**15 + 1,), (5, 20_000), (3, 2**15 + 1), (70, 3, 1000)]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_in_blocks_is_relu(shape, dtype):
    random = np.random.default_rng(0)
    x, g = (np.asarray(random.normal(size=shape), dtype) for _ in range(2))
    ran = run(ReLU(), [x], [g])
    np.testing.assert_array_equal(ran.outputs[0], np.maximum(x, 0))
    np.testing.assert_array_equal(ran.inputs[0], np.where(x > 0, g, 0))
    weight = Parameter(np.array(x, order="F"))

    class OfParameter(Module):
        def __init__(self):
            super().__init__()
            self.weight, self.relu = weight, ReLU()

        def forward(self):
            return self.relu(self.weight)

    model = OfParameter()
    model()
    model.backward(g)
    np.testing.assert_array_equal(weight.grad, np.where(x > 0, g, 0))


@pytest.mark.parametrize("kind", [ReLU, LeakyReLU, ELU, SELU, Hardtanh, ReLU6, SiLU, Mish])
def test_in_place_never_writes_over_the_callers_array(kind):
    x = np.array([-1.0, 2.0], np.float32)
    model = Sequential(kind(inplace=True), Tanh(), kind())
    model(x)
    model.backward(np.ones(2), input_grad=True)
    assert x.tolist() == [-1.0, 2.0]


@pytest.mark.parametrize("dtype", DTYPES)
@every_form
def test_finite_numbers_stay_finite_however_large(form, dtype):
    largest = np.finfo(dtype).max / 1.5
    x = np.array([largest, -largest, 1e20, -1e20], dtype)
    ran = run(made(form), [x], [np.ones_like(x)])
    assert np.isfinite(ran.outputs[0]).all() or form in BEYOND
    assert np.isfinite(ran.inputs[0]).all()


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
    [
        (ReLU(), "ReLU()"),
        (ReLU(inplace=True), "ReLU(inplace=True)"),
        (Tanh(), "Tanh()"),
        (LeakyReLU(1, True), "LeakyReLU(negative_slope=1, inplace=True)"),
        (LeakyReLU(np.float64(0.5)), "LeakyReLU(negative_slope=0.5)"),
        (Softplus(np.int64(2)), "Softplus(beta=2.0, threshold=20.0)"),
        (GELU(approximate="tanh"), "GELU(approximate='tanh')"),
        (PReLU(3), "PReLU(num_parameters=3)"),
    ],
)
def test_prints_as_torchs(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: LeakyReLU("0.1"), "LeakyReLU: expected negative_slope to be a real number"),
        (lambda: ELU(1j), "ELU: expected alpha to be a real number, got 1j"),
        (lambda: Hardtanh(max_val=[1.0]), "Hardtanh: expected max_val to be a real number"),
        (lambda: Softplus(beta="2"), "Softplus: expected beta to be a real number, got '2'"),
        (lambda: Softplus(threshold=[2]), "Softplus: expected threshold to be a real number"),
    ],
)
def test_refuses_what_is_no_number(make, message):
    with pytest.raises(TypeError, match=message):
        make()


@every_form
def test_numpys_numbers_promote_nothing(form):
    kind, *arguments = form
    wide = [a if isinstance(a, str) else np.float64(a) for a in arguments]
    x = np.linspace(-3.0, 3.0, 7, dtype=np.float32)
    found, expected = run(kind(*wide), [x]), run(made(form), [x])
    assert found.outputs[0].dtype == found.inputs[0].dtype == np.float32
    np.testing.assert_array_equal(found.outputs[0], expected.outputs[0])
    np.testing.assert_array_equal(found.inputs[0], expected.inputs[0])


def test_integers_become_float32():
    assert Sigmoid()([0, 0]).dtype == np.float32
    assert ReLU()(np.array([-1, 2])).tolist() == [0.0, 2.0]
    assert GELU()(np.array([0, 30])).tolist() == [0.0, 30.0]
