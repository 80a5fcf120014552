import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet
from npnet import ELU, SELU, LeakyReLU, PReLU
from tests.support.autograd import from_torch
from tests.support.case import close, run, seeds_for

SELU_LIMIT = -1.7580993408473766  # scale * alpha, to the 16 digits of Klambauer et al. (2017)


@pytest.mark.parametrize(
    "layer, x, y, slope",
    [
        (LeakyReLU(0.25), [-4.0, 0.0, 2.0], [-1.0, 0.0, 2.0], [0.25, 0.25, 1.0]),
        (LeakyReLU(-2), [-4.0, 0.0, 2.0], [8.0, 0.0, 2.0], [-2.0, -2.0, 1.0]),
        (ELU(), [-np.log(2.0), 0.0, 3.0], [-0.5, 0.0, 3.0], [0.5, 1.0, 1.0]),
        (ELU(4.0), [-np.log(2.0), 0.0, 3.0], [-2.0, 0.0, 3.0], [2.0, 4.0, 1.0]),
        (
            SELU(),
            [-np.log(2.0), 0.0, 1.0],
            [SELU_LIMIT / 2, 0.0, 1.0507009873554805],
            [-SELU_LIMIT / 2, -SELU_LIMIT, 1.0507009873554805],
        ),
    ],
    ids=repr,
)
def test_computes_what_a_hand_computes(layer, x, y, slope):
    ran = run(layer, [np.array(x)], [np.full(len(x), 10.0)])
    np.testing.assert_allclose(ran.outputs[0], y, rtol=4e-16)
    np.testing.assert_allclose(ran.inputs[0], 10 * np.array(slope), rtol=4e-16)


@pytest.mark.parametrize("slope", [1e-9, 0.3, 1000.1, -1e7])
def test_leaky_relu_hands_on_what_is_positive_exactly(slope):
    x = np.array([-3.0, 3.0], np.float32)
    ran = run(LeakyReLU(slope), [x], [np.full(2, 0.1, np.float32)])
    assert ran.outputs[0].tolist() == [np.float32(slope) * x[0], 3.0]
    assert ran.inputs[0].tolist() == [np.float32(slope) * np.float32(0.1), np.float32(0.1)]


@given(st.floats(0.01, 100.0), st.floats(-1e6, 1e6))
def test_leaky_relu_of_the_inverse_slope_undoes_it(slope, number):
    x = np.array([number])
    np.testing.assert_allclose(LeakyReLU(1 / slope)(LeakyReLU(slope)(x)), x, 1e-15, 1e-300)


def test_elu_keeps_the_digits_of_small_numbers_and_small_slopes():
    x = np.array([-1e-9, -50.0], np.float32)
    ran = run(ELU(), [x], [np.ones(2, np.float32)])
    np.testing.assert_allclose(ran.outputs[0], [-1e-9, -1.0], rtol=2e-7)
    np.testing.assert_allclose(ran.inputs[0], [1.0, 1.9287498479639178e-22], rtol=2e-7)


def test_selu_keeps_mean_and_variance():
    # The fixed point of Klambauer et al. (2017): the moments of a normal distribution stay 0 and 1.
    x = np.linspace(-12.0, 12.0, 240_001)
    weights = np.exp(-x * x / 2) / np.exp(-x * x / 2).sum()
    y = SELU()(x)
    np.testing.assert_allclose([weights @ y, weights @ y**2], [0.0, 1.0], atol=1e-8)


# ---------------------------------------------------------------------- PReLU


def test_prelu_computes_what_a_hand_computes():
    layer = PReLU(2)
    layer.weight.data = [0.5, -1.0]
    x = np.array([[-4.0, -3.0], [2.0, -1.0]], np.float32)
    ran = run(layer, [x], [np.array([[1.0, 10.0], [100.0, 1000.0]])])
    assert ran.outputs[0].tolist() == [[-2.0, 3.0], [2.0, 1.0]]
    assert ran.inputs[0].tolist() == [[0.5, -10.0], [100.0, -1000.0]]
    assert ran.parameters[0].tolist() == [-4.0, -1030.0]


def test_prelu_starts_from_torchs_weight():
    layer = PReLU()
    assert layer.weight.data.tolist() == [0.25] and layer.weight.dtype == np.float32
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer = PReLU(num_parameters=3, init=0.5, dtype=np.float64)
    assert layer.weight.data.tolist() == [0.5] * 3 and layer.weight.dtype == np.float64
    layer.weight.data = [1.0, 2.0, 3.0]
    layer.reset_parameters()
    assert layer.weight.data.tolist() == [0.5] * 3


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape, count",
    [
        ((), 1),
        ((7,), 1),
        ((6, 4), 1),
        ((6, 4), 4),
        ((6, 1), 1),
        ((6, 3, 5), 3),
        ((6, 3, 5), 1),
        ((2, 3, 4, 5), 3),
        ((6, 1, 5), 1),
        ((3000, 40), 40),
        ((0, 4), 4),
        ((5, 0), 0),
    ],
)
def test_prelu_agrees_with_torch(shape, count, dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(2)
    x = np.asarray(random.normal(size=shape)).astype(dtype)
    weight = random.normal(size=count).astype(dtype)
    layer = PReLU(count, dtype=dtype)
    layer.weight.data = weight
    ran = run(layer, [x])
    (dy,) = seeds_for(ran.outputs)
    y, (dx, dweight) = from_torch(torch.nn.functional.prelu, [x, weight], dy)
    np.testing.assert_array_equal(ran.outputs[0], y)
    np.testing.assert_array_equal(ran.inputs[0], dx)
    # The sum over rows in another order: each of its terms is of size 1.
    close(ran.parameters[0], dweight, "weight", 16, np.sqrt(x.size))


@pytest.mark.torch
@pytest.mark.parametrize("number", [0.0, -0.0, 1e30, -1e30, np.inf, -np.inf, np.nan])
def test_prelu_agrees_with_torch_at_the_edges(number):
    torch = pytest.importorskip("torch")
    x, dy = np.array([[number, 2.0]], np.float32), np.array([[3.0, 5.0]], np.float32)
    for weight in (np.array([0.25, -3.0], np.float32), np.zeros(1, np.float32)):
        layer = PReLU(weight.size)
        layer.weight.data = weight
        ran = run(layer, [x], [dy])
        y, (dx, dweight) = from_torch(torch.nn.functional.prelu, [x, weight], dy)
        np.testing.assert_array_equal(ran.outputs[0], y)
        np.testing.assert_array_equal(ran.inputs[0], dx)
        np.testing.assert_array_equal(ran.parameters[0], dweight)


def test_prelu_adds_up_infinite_terms_without_a_warning():
    ran = run(PReLU(), [np.array([-np.inf, -np.inf, -1.0])], [np.array([1.0, -1.0, 0.0])])
    assert np.isnan(ran.parameters[0]).all()
    assert ran.inputs[0].tolist() == [0.25, -0.25, 0.0]


@pytest.mark.parametrize(
    "count, shape", [(3, (2, 4)), (3, (3,)), (3, ()), (2, (2, 3, 2)), (0, (2, 4))]
)
def test_prelu_refuses_another_number_of_channels(count, shape):
    message = rf"PReLU: expected x of shape \(B, {count}, \.\.\.\), got .*; num_parameters, the"
    with pytest.raises(ValueError, match=message):
        PReLU(count)(np.ones(shape, np.float32))


def test_prelu_as_a_function_refuses_a_matrix_of_weights():
    with pytest.raises(ValueError, match=r"PReLU: expected a weight of shape \(C,\), got \(1, 2\)"):
        npnet.functional.prelu(np.ones((2, 2)), np.ones((1, 2)))


@pytest.mark.parametrize(
    "error, make, message",
    [
        (ValueError, lambda: PReLU(-1), "PReLU: expected num_parameters to be an integer >= 0"),
        (ValueError, lambda: PReLU(2.0), "PReLU: expected num_parameters to be an integer >= 0"),
        (TypeError, lambda: PReLU(init="0"), "PReLU: expected init to be a real number, got '0'"),
        (TypeError, lambda: PReLU(dtype=np.float16), "PReLU: expected dtype float32 or float64"),
        (TypeError, lambda: PReLU(dtype=int), "Parameter: dtype must be floating"),
    ],
)
def test_prelu_refuses(error, make, message):
    with pytest.raises(error, match=message):
        make()
