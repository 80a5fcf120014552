import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import Hardtanh, ReLU6
from tests.support.autograd import from_torch
from tests.support.case import run

NUMBERS = st.floats(allow_nan=False, width=32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "layer, x, y, slope",
    [
        (Hardtanh(), [-2.0, -1.0, 0.5, 1.0, 2.0], [-1.0, -1.0, 0.5, 1.0, 1.0], [0, 0, 1, 0, 0]),
        (Hardtanh(-0.1, 3), [-0.2, -0.1, 0.0, 3.0], [-0.1, -0.1, 0.0, 3.0], [0, 0, 1, 0]),
        (ReLU6(), [-1.0, 0.0, 1.0, 6.0, 7.0], [0.0, 0.0, 1.0, 6.0, 6.0], [0, 0, 1, 0, 0]),
    ],
)
def test_computes_what_a_hand_computes(layer, x, y, slope, dtype):
    ran = run(layer, [np.array(x, dtype)], [np.full(len(x), 10.0, dtype)])
    np.testing.assert_array_equal(ran.outputs[0], np.array(y, dtype))
    np.testing.assert_array_equal(ran.inputs[0], 10 * np.array(slope, dtype))


@pytest.mark.parametrize("layer", [Hardtanh(), ReLU6()], ids=repr)
def test_nan_passes_both_ways(layer):
    ran = run(layer, [np.full(40, np.nan)], [np.full(40, 3.0)])
    assert np.isnan(ran.outputs[0]).all() and (ran.inputs[0] == 3.0).all()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", [np.inf, -np.inf, np.nan, -0.0])
def test_nothing_comes_back_from_beyond_a_bound(seed, dtype):
    torch = pytest.importorskip("torch")
    x = np.array([-9.0, -1.0, 0.5, 1.0, 9.0, -np.inf, np.inf], dtype)
    dy = np.full(x.shape, seed, dtype)
    _, (dx,) = from_torch(torch.nn.Hardtanh(), [x], dy)
    np.testing.assert_array_equal(run(Hardtanh(), [x], [dy]).inputs[0], dx)
    assert dx[0] == 0.0


@given(st.lists(NUMBERS, max_size=8), st.tuples(NUMBERS, NUMBERS).filter(lambda b: b[0] < b[1]))
def test_clips_once_for_all(numbers, bounds):
    x, clip = np.array(numbers, np.float32), Hardtanh(*bounds)
    y = clip(x)
    assert ((bounds[0] <= y) & (y <= bounds[1])).all()
    np.testing.assert_array_equal(clip(y), y)


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (1.0, -1.0), (np.nan, 1.0)])
def test_refuses_bounds_in_the_wrong_order(bounds):
    with pytest.raises(ValueError, match="Hardtanh: expected min_val < max_val, got"):
        Hardtanh(*bounds)
