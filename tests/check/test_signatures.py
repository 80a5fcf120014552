import re

import numpy as np
import pytest

from npnet import Elementwise, Layer, Linear, Sequential
from npnet.check import check_layer
from npnet.check.signatures import check_signatures
from tests.layers.cases import CASES


class Right(Elementwise):
    """Doubles; a subclass writes a kernel that no plan can call."""

    def forward_kernel(self, x, *, out, scratch):
        np.multiply(x, 2, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        np.multiply(dy, 2, out=dx)


class OutByPosition(Right):
    def forward_kernel(self, x, out):
        np.multiply(x, 2, out=out)


class NoScratch(Right):
    def forward_kernel(self, x, *, out):
        np.multiply(x, 2, out=out)


class NoOutput(Right):
    def backward_kernel(self, dy, x, *, dx, scratch):
        np.multiply(dy, 2, out=dx)


class OtherNames(Layer):
    """A layer of two operands whose gradients are called otherwise."""

    def infer(self, a, b):
        return a

    def forward_kernel(self, a, b, *, out, scratch):
        np.add(a, b, out=out)

    def backward_kernel(self, dy, a, b, y, *, grad_a, grad_b, scratch):
        np.copyto(grad_a, dy)
        np.copyto(grad_b, dy)


class Several(Layer):
    """A layer of any number of operands, without a place for scratch."""

    def infer(self, *terms):
        return terms[0]

    def forward_kernel(self, *terms, out):
        np.add.reduce(terms, out=out)


class Calls(Right):
    def backward_calls(self, dy, x, *, dx, scratch):
        return [lambda: np.multiply(dy, 2, out=dx)]


@pytest.mark.parametrize(
    ("layer", "kernel"),
    [
        (OutByPosition, "forward_kernel(self, x, *, out, scratch)"),
        (NoScratch, "forward_kernel(self, x, *, out, scratch)"),
        (NoOutput, "backward_kernel(self, dy, x, y, *, dx, scratch)"),
        (OtherNames, "backward_kernel(self, dy, a, b, y, *, da, db, scratch)"),
        (Several, "forward_kernel(self, *terms, out, scratch)"),
        (Calls, "backward_calls(self, dy, x, y, *, dx, scratch)"),
    ],
)
def test_a_kernel_that_no_plan_can_call_is_told_its_signature_once(layer, kernel):
    name = kernel.split("(")[0]
    words = f"{layer.__name__}.{name} cannot be called as a plan does; write def {kernel}"
    with pytest.raises(TypeError, match=rf"^check_layer: {re.escape(words)}$"):
        check_layer(layer(), *[(4, 3)] * (2 if layer is OtherNames else 1), raise_exception=False)
    with pytest.raises(TypeError, match=re.escape(words)):
        check_signatures(Sequential(Linear(3, 3), layer()), "check_layer")


def test_what_is_advised_passes():
    assert check_layer(Right(), (4, 3))


def test_every_layer_of_npnet_has_kernels_that_a_plan_calls():
    for case in CASES:
        check_signatures(case.make(), "check_layer")
