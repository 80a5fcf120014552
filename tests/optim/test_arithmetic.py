import numpy as np
import pytest

from npnet.optim.arithmetic import (
    average_squares,
    decayed_gradient,
    move_towards,
    step_by_quotient,
)

DTYPES = [np.float32, np.float64]


def vectors(count, dtype, size=50):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(size).astype(dtype) for _ in range(count)]


@pytest.mark.parametrize("decay", [0.0, 0.25])
@pytest.mark.parametrize("maximize", [False, True])
def test_the_gradient_is_turned_and_decayed(maximize, decay):
    data, grad = np.array([1.0, -2.0]), np.array([0.5, 4.0])
    out = np.full(2, np.nan)
    found = decayed_gradient(data, grad, decay, maximize, out)
    sign = -1 if maximize else 1
    assert found.tolist() == [sign * 0.5 + decay, sign * 4.0 - 2 * decay]
    assert grad.tolist() == [0.5, 4.0] and data.tolist() == [1.0, -2.0]
    assert found is (out if maximize or decay else grad)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", [0.0, 0.001, 0.1, 0.49, 0.5, 0.51, 0.9, 1.0, 1.5, -0.3, -0.7])
def test_a_mean_moves_as_torchs_lerp(dtype, weight):
    torch = pytest.importorskip("torch")
    mean, value = vectors(2, dtype)
    expected = torch.tensor(mean).lerp(torch.tensor(value), weight).numpy()
    kept, spare = value.copy(), np.full_like(mean, np.nan)
    move_towards(mean, value, weight, spare)
    np.testing.assert_allclose(mean, expected, rtol=0, atol=2 * np.finfo(dtype).eps)
    assert value.tolist() == kept.tolist() and mean.dtype == dtype


@pytest.mark.parametrize("weight", [0.3, 0.7])
def test_a_mean_arrives_where_nothing_is_left_to_go(weight):
    mean = np.full(3, 0.1)
    move_towards(mean, mean.copy(), weight, np.empty(3))
    assert mean.tolist() == [0.1] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_squares_and_quotients_are_their_formulas(dtype):
    mean, value, below, out = vectors(4, dtype)
    expected = 0.75 * mean.astype(np.longdouble) + 0.25 * value.astype(np.longdouble) ** 2
    scalars = np.array(0.75, dtype), np.array(0.25, dtype)
    average_squares(mean, value, *scalars, out)
    np.testing.assert_allclose(mean, expected, rtol=0, atol=8 * np.finfo(dtype).eps)

    data, above = vectors(2, dtype)
    expected = data - 0.1 * above.astype(np.longdouble) / below
    step_by_quotient(data, 0.1, above, below, above)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(data, expected, rtol=0, atol=4 * scale * np.finfo(dtype).eps)
    assert data.dtype == dtype
