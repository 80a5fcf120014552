import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import LogSigmoid, Softplus, Softsign
from tests.support.case import run

THIRD = math.log(3.0)
HALF = math.log(2.0)


@pytest.mark.parametrize(
    "layer, x, y, slope",
    [
        (Softplus(), [0.0, THIRD], [HALF, 2 * HALF], [0.5, 0.75]),
        (Softplus(2.0), [0.0, THIRD / 2], [HALF / 2, HALF], [0.5, 0.75]),
        (Softplus(-2.0), [0.0, THIRD / 2], [-HALF / 2, -math.log(4 / 3) / 2], [0.5, 0.25]),
        (LogSigmoid(), [0.0, THIRD, -THIRD], [-HALF, math.log(0.75), -2 * HALF], [0.5, 0.25, 0.75]),
        (Softsign(), [-3.0, 0.0, 1.0], [-0.75, 0.0, 0.5], [0.0625, 1.0, 0.25]),
    ],
    ids=repr,
)
def test_computes_what_a_hand_computes(layer, x, y, slope):
    ran = run(layer, [np.array(x)], [np.full(len(x), 10.0)])
    np.testing.assert_allclose(ran.outputs[0], y, rtol=5e-16)
    np.testing.assert_allclose(ran.inputs[0], 10 * np.array(slope), rtol=5e-16)


def test_softplus_is_straight_above_its_threshold_only():
    x = np.array([0.49, 0.51])
    ran = run(Softplus(beta=2, threshold=1), [x], [np.ones(2)])
    curve = math.log1p(math.exp(0.98)) / 2
    np.testing.assert_allclose(ran.outputs[0], [curve, 0.51], rtol=4e-16)
    np.testing.assert_allclose(ran.inputs[0], [1 / (1 + math.exp(-0.98)), 1.0], rtol=4e-16)


def test_softplus_without_a_threshold_overflows_nowhere():
    # torch's is inf here: it takes e^(beta x) as it is.
    x = np.array([-1e30, 50.0, 1e30], np.float32)
    ran = run(Softplus(threshold=math.inf), [x], [np.ones(3, np.float32)])
    assert ran.outputs[0].tolist() == [0.0, 50.0, np.float32(1e30)]
    assert ran.inputs[0].tolist() == [0.0, 1.0, 1.0]


@given(st.floats(-700.0, 700.0), st.floats(0.01, 1.0))
def test_softplus_of_both_signs_differs_by_the_number(number, beta):
    up, down = Softplus(beta, math.inf)(np.array([number, -number])).tolist()
    assert math.isclose(up - down, number, rel_tol=1e-15, abs_tol=1e-15 / beta)


@given(st.floats(-700.0, 700.0))
def test_log_sigmoid_is_softplus_turned_round(number):
    x = np.array([number])
    np.testing.assert_array_equal(LogSigmoid()(x), -Softplus(threshold=math.inf)(-x))


def test_tails_keep_their_digits():
    far, small = np.array([-80.0], np.float32), np.float32(math.exp(-80.0))
    for layer, x in ((Softplus(), far), (LogSigmoid(), -far)):
        ran = run(layer, [x], [np.ones(1, np.float32)])
        np.testing.assert_allclose(np.abs(ran.outputs[0]), small, rtol=3e-7)
        np.testing.assert_allclose(ran.inputs[0], small, rtol=3e-7)
    ran = run(Softsign(), [np.array([1e15], np.float32)], [np.ones(1, np.float32)])
    assert ran.outputs[0] == 1.0
    np.testing.assert_allclose(ran.inputs[0], [1e-30], rtol=3e-7)
