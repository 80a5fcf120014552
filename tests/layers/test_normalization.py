import numpy as np
import pytest

from npnet import LayerNorm, RMSNorm
from tests.support.twins import assert_same_state, assert_step_alike, twins

DTYPES = (np.float32, np.float64)
KINDS = (LayerNorm, RMSNorm)


def draw(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(0.5, 2.0, shape).astype(dtype)


def test_layer_norm_worked_out_by_hand():
    norm = LayerNorm(2, eps=3.0, dtype=np.float64)
    norm.weight.data, norm.bias.data = [1.0, 10.0], [0.0, 1.0]
    # Mean 2 and variance 1, then mean 0 and variance 0; the roots of 1 + 3 and 0 + 3.
    assert norm(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist() == [[-0.5, 6.0], [0.0, 1.0]]
    dx = norm.backward(np.array([[1.0, 1.0], [0.0, 0.0]]))
    # g = (1, 10), z = (-1/2, 1/2): mean of g 5.5, mean of g z 2.25.
    np.testing.assert_allclose(dx, [[(1 - 5.5 + 1.125) / 2, (10 - 5.5 - 1.125) / 2], [0.0, 0.0]])
    assert norm.weight.grad.tolist() == [-0.5, 0.5] and norm.bias.grad.tolist() == [1.0, 1.0]


def test_rms_norm_worked_out_by_hand():
    norm = RMSNorm(2, eps=11.0, dtype=np.float64)
    norm.weight.data = [1.0, 10.0]
    # Mean square 5, the root of 5 + 11 is 4.
    assert norm(np.array([[1.0, 3.0]])).tolist() == [[0.25, 7.5]]
    dx = norm.backward(np.array([[1.0, 1.0]]))
    # g = (1, 10), z = (1/4, 3/4): mean of g z 3.875.
    np.testing.assert_allclose(dx, [[(1 - 3.875 / 4) / 4, (10 - 3 * 3.875 / 4) / 4]])
    assert norm.weight.grad.tolist() == [0.25, 0.75]


@pytest.mark.parametrize("make", KINDS)
def test_several_axes_are_one(make):
    x = draw(5, 2, 3)
    whole, flat = make((2, 3), dtype=np.float64), make(6, dtype=np.float64)
    np.testing.assert_array_equal(whole(x), flat(x.reshape(5, 6)).reshape(x.shape))
    np.testing.assert_array_equal(
        whole.backward(x), flat.backward(x.reshape(5, 6)).reshape(x.shape)
    )
    np.testing.assert_array_equal(whole.weight.grad.reshape(-1), flat.weight.grad)


def test_equal_numbers_become_zero():
    for number in (0.1, 1e4 + 0.1, 1e6):
        assert (LayerNorm(1000)(np.full((3, 1000), number, np.float32)) == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_rms_norms_eps_is_that_of_the_dtype(dtype):
    x = np.full((1, 3), np.finfo(dtype).eps ** 0.5, dtype)
    np.testing.assert_allclose(RMSNorm(3, dtype=dtype)(x), 0.5**0.5, rtol=1e-6)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(
    "shape, x", [(3, (0, 3)), (0, (2, 0)), ((2, 0), (3, 2, 0)), ((2, 3), (0, 2, 3))]
)
def test_no_rows_and_no_columns_give_no_numbers(make, shape, x):
    norm = make(shape)
    assert norm(np.ones(x)).shape == norm.backward(np.ones(x)).shape == x
    assert not norm.weight.grad.any()


@pytest.mark.parametrize("make", KINDS)
def test_reset_parameters_starts_anew(make):
    norm = make(3)
    expected = [p.data.tolist() for p in norm.parameters()]
    for parameter in norm.parameters():
        parameter.data = [7.0, 8.0, 9.0]
    norm.reset_parameters()
    assert [p.data.tolist() for p in norm.parameters()] == expected
    make(3, elementwise_affine=False).reset_parameters()


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((-1,), ValueError, "expected normalized_shape as an integer >= 0, .*got -1"),
        ((2.5,), ValueError, "normalized_shape .*got 2.5"),
        (((),), ValueError, r"normalized_shape .*got \(\)"),
        (((2, 1.0),), ValueError, r"normalized_shape .*got \(2, 1.0\)"),
        ((2, "a"), TypeError, "expected eps to be a real number, got 'a'"),
    ],
)
def test_what_is_no_norm_is_refused(make, arguments, error, message):
    with pytest.raises(error, match=f"{make.__name__}: .*{message}"):
        make(*arguments)


@pytest.mark.parametrize("make", KINDS)
def test_what_does_not_fit_is_refused(make):
    for shape in ((3,), (2, 3, 2), ()):
        with pytest.raises(
            ValueError, match=rf"{make.__name__}: expected x of shape \(..., 2, 3\)"
        ):
            make((2, 3))(np.ones(shape))
    with pytest.raises(TypeError, match="float32 or float64, got float16"):
        make(2, dtype=np.float16)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["LayerNorm", "RMSNorm"])
@pytest.mark.parametrize(
    "shape, x",
    [
        (4, (5, 4)),
        (4, (4,)),
        (4, (2, 3, 4)),
        ((3, 4), (2, 3, 4)),
        ([3, 4], (3, 4)),
        (600, (7, 600)),
    ],
)
def test_a_step_is_torchs(name, shape, x, dtype):
    options = [{}, {"eps": 0.1}, {"elementwise_affine": False}]
    options += [{"bias": False}] if name == "LayerNorm" else []
    for option in options:
        ours, theirs = twins(name, shape, dtype=dtype, **option)
        assert_same_state(ours, theirs)
        for parameter, tensor in zip(ours.parameters(), theirs.parameters(), strict=True):
            parameter.data = draw(*parameter.shape, seed=1)
            tensor.data.numpy()[...] = parameter.data
        assert_step_alike(ours, theirs, draw(*x, dtype=dtype), ulps=64)
