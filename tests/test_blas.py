import subprocess
import sys

import numpy as np
import pytest

from npnet.blas import PIECE, add_scaled

SIZES = (0, 1, 7, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("size", SIZES)
def test_adds_a_multiple_and_touches_nothing_else(size, dtype):
    random = np.random.default_rng(size)
    memory = random.normal(size=size + 2).astype(dtype)
    before, x = memory.copy(), random.normal(size=size).astype(dtype)
    given = x.copy()
    add_scaled(memory[1:-1], -0.3, x)
    wide = np.longdouble
    expected = before[1:-1].astype(wide) - wide(dtype(0.3)) * x
    np.testing.assert_allclose(memory[1:-1], expected, rtol=0, atol=8 * float(np.finfo(dtype).eps))
    np.testing.assert_array_equal(memory[[0, -1]], before[[0, -1]])
    np.testing.assert_array_equal(x, given)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES[1:])
def test_rounds_as_torch_does(size, dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(size)
    y, x = (random.normal(size=size).astype(dtype) for _ in range(2))
    expected = torch.from_numpy(y.copy()).add_(torch.from_numpy(x), alpha=-0.013).numpy()
    add_scaled(y, -0.013, x)
    # Where this machine's BLAS or torch's build fuses no product and sum, the last bit may differ.
    np.testing.assert_allclose(y, expected, rtol=np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def test_scipy_is_loaded_by_the_first_use():
    code = (
        "import sys, numpy as np; from npnet.blas import add_scaled; "
        "assert 'scipy' not in sys.modules; "
        "y = np.ones(2); add_scaled(y, 2.0, y.copy()); assert 'scipy' in sys.modules; print(y)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[3. 3.]\n"
