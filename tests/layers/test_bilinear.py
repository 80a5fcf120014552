import numpy as np
import pytest

from npnet import Bilinear
from tests.support.case import close, run, seeds_for
from tests.support.twins import assert_same_state, assert_step_alike, twins

DTYPES = (np.float32, np.float64)


def draw(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("lead", [(), (5,), (2, 3), (0,), (2, 0, 3)])
def test_value_and_gradients_are_the_sums_written_out(lead):
    layer = Bilinear(3, 4, 2, dtype=np.float64)
    a, b = draw(*lead, 3), draw(*lead, 4, seed=1)
    ran = run(layer, [a, b])
    (dy,), w = seeds_for(ran.outputs), layer.weight.data
    close(ran.outputs[0], np.einsum("...i,oij,...j->...o", a, w, b) + layer.bias.data, "output")
    close(ran.inputs[0], np.einsum("...o,oij,...j->...i", dy, w, b), "dinput1")
    close(ran.inputs[1], np.einsum("...o,oij,...i->...j", dy, w, a), "dinput2")
    rows = (array.reshape(int(np.prod(lead)), array.shape[-1]) for array in (dy, a, b))
    dy, a, b = rows
    close(ran.parameters[0], np.einsum("bo,bi,bj->oij", dy, a, b), "dweight")
    close(ran.parameters[1], dy.sum(axis=0), "dbias")


@pytest.mark.parametrize("sizes", [(1, 0, 2), (2, 3, 0), (1, 0, 0)])
def test_sizes_may_be_zero(sizes):
    layer = Bilinear(*sizes)
    ran = run(layer, [np.ones((4, sizes[0])), np.ones((4, sizes[1]))])
    assert ran.outputs[0].shape == (4, sizes[2])
    assert (ran.outputs[0] == layer.bias.data).all()
    assert not ran.inputs[0].any()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: Bilinear(0, 1, 1), ValueError, "in1_features to be an integer >= 1, got 0"),
        (lambda: Bilinear(1, -1, 1), ValueError, "in2_features to be an integer >= 0, got -1"),
        (lambda: Bilinear(1, 1, 1.5), ValueError, "out_features to be an integer >= 0, got 1.5"),
        (lambda: Bilinear(1, 1, 1, dtype=np.int64), TypeError, "int64"),
        (lambda: Bilinear(1, 1, 1, dtype=np.float16), TypeError, "float32 or float64, got float16"),
    ],
)
def test_what_is_no_bilinear_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "a, b, message",
    [
        ((5, 3), (5, 3), r"input1 of shape \(B, 2\), got \(5, 3\); in1_features is 2"),
        ((5, 2), (5, 2), r"input2 of shape \(B, 3\), got \(5, 2\); in2_features is 3"),
        ((), (5, 3), r"input1 of shape \(B, 2\), got \(\)"),
        ((5, 2), (1, 3), r"the same leading axes, got \(5, 2\) and \(1, 3\)"),
        ((5, 2), (2, 5, 3), r"the same leading axes, got \(5, 2\) and \(2, 5, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(a, b, message):
    with pytest.raises(ValueError, match=f"Bilinear: expected (inputs with )?{message}"):
        Bilinear(2, 3, 4)(np.ones(a), np.ones(b))


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(5))
def test_start_and_step_are_torchs(seed, dtype):
    for sizes, bias in (((3, 4, 2), True), ((1, 5, 1), True), ((20, 30, 40), False)):
        ours, theirs = twins("Bilinear", *sizes, bias, dtype=dtype, seed=seed)
        assert_same_state(ours, theirs)
        for lead in ((7,), (2, 3), ()):
            a, b = draw(*lead, sizes[0], dtype=dtype), draw(*lead, sizes[1], dtype=dtype, seed=1)
            assert_step_alike(ours, theirs, a, b, ulps=64)
