import math

import numpy as np
import pytest

from npnet.random import Generator
from npnet.random.gaussian import box_muller

DTYPES = (np.float32, np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_sixteen_numbers_the_first_eight_make_radii_and_the_others_angles(dtype):
    u = np.random.default_rng(0).random(48).astype(dtype)
    expected = []
    for block in u.astype(float).reshape(3, 2, 8):
        radii = [math.sqrt(-2 * math.log(1 - first)) for first in block[0]]
        expected += [r * math.cos(2 * math.pi * a) for r, a in zip(radii, block[1], strict=True)]
        expected += [r * math.sin(2 * math.pi * a) for r, a in zip(radii, block[1], strict=True)]
    found = box_muller(u)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=16 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_numbers_have_the_moments_and_tails_of_the_normal_distribution(dtype):
    z = Generator(0).normal(1.0, 2.0, 100_000, dtype).astype(np.float64)
    z = (z - 1) / 2
    for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)):
        spread = np.std(z**power) / np.sqrt(z.size)
        assert abs(np.mean(z**power) - moment) < 4 * spread
    assert abs(np.mean(abs(z) > 2) - 0.0455) < 4 * np.sqrt(0.0455 / z.size)
