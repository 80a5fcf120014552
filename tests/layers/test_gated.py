import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import npnet
from npnet import GELU, Hardswish, Mish, SiLU
from tests.support.case import run

THIRD = math.log(3.0)


@pytest.mark.parametrize(
    "layer, x, y, slope",
    [
        (SiLU(), [0.0, THIRD], [0.0, 0.75 * THIRD], [0.5, 0.75 + 0.1875 * THIRD]),
        # tanh(log(1 + 1)) = 3/5, tanh(log(1 + 3)) = 15/17
        (
            Mish(),
            [0.0, THIRD],
            [0.0, THIRD * 15 / 17],
            [0.6, 15 / 17 + THIRD * (64 / 289) * 0.75],
        ),
        (
            Hardswish(),
            [-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0],
            [0.0, 0.0, -0.375, 0.0, 1.125, 3.0, 4.0],
            [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0],
        ),
        # The normal distribution within one standard deviation: 0.682689492137086
        (
            GELU(),
            [0.0, 1.0],
            [0.0, 0.841344746068543],
            [0.5, 0.841344746068543 + 0.241970724519143],
        ),
        (GELU("tanh"), [0.0], [0.0], [0.5]),
    ],
    ids=repr,
)
def test_computes_what_a_hand_computes(layer, x, y, slope):
    ran = run(layer, [np.array(x)], [np.full(len(x), 10.0)])
    np.testing.assert_allclose(ran.outputs[0], y, rtol=3e-15)
    np.testing.assert_allclose(ran.inputs[0], 10 * np.array(slope), rtol=3e-15, atol=2e-15)


@given(st.floats(-30.0, 30.0))
@pytest.mark.parametrize("make", [SiLU, GELU, lambda: GELU("tanh"), Hardswish])
def test_both_sides_differ_by_the_number(make, number):
    # The gate of -x is closed as far as that of x is open: x g(x) + x g(-x) = x.
    up, down = make()(np.array([number, -number])).tolist()
    assert math.isclose(up - down, number, rel_tol=1e-14, abs_tol=1e-300)


@given(st.floats(-30.0, 30.0))
def test_gelu_is_the_number_times_the_normal_distribution(number):
    expected = number * 0.5 * math.erfc(-number / math.sqrt(2))
    found = float(GELU()(np.array(number)))
    assert math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-300)


def test_gelu_with_tanh_is_near_the_exact_one():
    x = np.linspace(-8.0, 8.0, 4001)
    difference = np.abs(GELU()(x) - GELU("tanh")(x)).max()
    assert 4e-4 < difference < 5e-4


def test_tails_keep_their_digits():
    # Phi(-10) = 7.61985302416052e-24; far below 0 the gates of SiLU and Mish are e^x.
    x = np.array([-10.0])
    np.testing.assert_allclose(GELU()(x), [-7.61985302416052e-23], rtol=1e-13)
    far = np.array([-40.0])
    for layer in (SiLU(), Mish()):
        ran = run(layer, [far], [np.ones(1)])
        np.testing.assert_allclose(ran.outputs[0], far * math.exp(-40.0), rtol=1e-15)
        np.testing.assert_allclose(ran.inputs[0], -39.0 * math.exp(-40.0), rtol=1e-15)


@pytest.mark.parametrize("word", ["erf", "Tanh", None, True])
def test_gelu_refuses_another_word(word):
    with pytest.raises(ValueError, match="GELU: expected approximate 'none' or 'tanh', got"):
        GELU(approximate=word)


def test_only_the_exact_gelu_imports_scipy():
    code = (
        "import sys, numpy, npnet; x = numpy.ones(2); npnet.GELU('tanh')(x); gelu = npnet.GELU();"
        "print('scipy' in sys.modules); gelu(x); print('scipy' in sys.modules)"
    )
    root = Path(npnet.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "True"]
