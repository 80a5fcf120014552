"""The same numbers from torch's autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.support.case import Array, close, run, seeds_for

__all__ = ["agrees_with_torch", "from_torch"]


def from_torch(
    function: Callable[..., Any], arrays: Sequence[Array], seed: Array
) -> tuple[Array, list[Array]]:
    """Return what a function of tensors gives, and the gradients of its operands."""
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    y = function(*tensors)
    y.backward(torch.tensor(seed))
    return y.detach().numpy(), [t.grad.numpy() for t in tensors]


def agrees_with_torch(
    layer: Any, function: Callable[..., Any], arrays: Sequence[Array], ulps: int = 16
) -> None:
    """Hold output and gradients for numbers around 1 to torch's, in the dtype of the arrays."""
    ran = run(layer, arrays)
    y, gradients = from_torch(function, arrays, seeds_for(ran.outputs)[0])
    assert ran.outputs[0].dtype == y.dtype
    close(ran.outputs[0], y, "output", ulps, 1.0)
    for i, (found, expected) in enumerate(zip(ran.inputs, gradients, strict=True)):
        close(found, np.asarray(expected), f"gradient of operand {i}", ulps, 1.0)
