"""Local derivatives of one step, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npnet.inspect.interpreter import Kernels
from npnet.kernel import Spec
from npnet.module import Module
from npnet.parameter import Array

__all__ = ["local_derivatives"]


def local_derivatives(
    kernels: Kernels, received: Sequence[Array | None], position: int
) -> tuple[Array | None, ...]:
    """Return the derivative of each output by the operand at a position, None where it is none.

    It has the operand's shape where the output is one number, and the output's where the layer is
    elementwise; other derivatives have the axes of both, and nobody writes them down.

    Examples
    --------
    >>> import npnet
    >>> kernels = Kernels(npnet.Sigmoid(), [np.zeros(2)], [Spec((2,), np.dtype(float))])
    >>> _ = kernels.forward()
    >>> [d.tolist() for d in local_derivatives(kernels, [np.ones(2)], 0)]
    [[0.25, 0.25]]
    """
    found: list[Array | None] = []
    for place, (output, gradient) in enumerate(zip(kernels.outputs, received, strict=True)):
        if gradient is None or not isinstance(kernels.layer, Module):
            found.append(None)
        elif not output.ndim:
            found.append(_slope(kernels, place, position))
        elif _is_elementwise(kernels, output, position):
            found.append(_slope(_spread(kernels, output), place, position))
        else:
            found.append(None)
    return tuple(found)


def _is_elementwise(kernels: Kernels, output: Array, position: int) -> bool:
    """Whether each number of the output depends on one number of the operand, or may.

    What broadcasts has the same layer when all operands have the output's shape; a layer's own
    parameter, one a channel, has not.
    """
    layer: Any = kernels.layer
    operand = kernels.operands[position]
    if not layer.elementwise or operand is None:
        return False
    return operand.shape == output.shape or not layer._parameters


def _slope(kernels: Kernels, place: int, position: int) -> Array | None:
    """Return the gradient of one operand for ones at one output."""
    seeds = [np.ones_like(y) if i == place else None for i, y in enumerate(kernels.outputs)]
    wanted = [i == position for i in range(len(kernels.operands))]
    return kernels.backward(seeds, wanted)[position]


def _spread(kernels: Kernels, output: Array) -> Kernels:
    """Return the same step on operands that all have the output's shape."""
    shapes = {array.shape for array in kernels.operands if array is not None}
    layer: Any = kernels.layer
    if shapes == {output.shape} or layer._parameters or layer.has_effects():
        return kernels
    wide = [
        None if array is None else np.broadcast_to(array, output.shape).copy()
        for array in kernels.operands
    ]
    other = Kernels(kernels.layer, wide, [Spec(y.shape, y.dtype) for y in kernels.outputs])
    other.forward()
    return other
