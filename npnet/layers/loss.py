"""What losses of an input and a target of the same shape, number by number, share."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, TypeVar

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Reduced
from npnet.parameter import Array

__all__ = ["Pointwise", "in_dtype", "silent"]

Kernel = TypeVar("Kernel", bound=Callable[..., None])


def silent(kernel: Kernel) -> Kernel:
    """Let a kernel give inf and NaN where torch does, without NumPy's warnings."""

    @wraps(kernel)
    def quiet(*arrays: Any, **named: Any) -> None:
        with np.errstate(all="ignore"):
            kernel(*arrays, **named)

    return quiet  # type: ignore[return-value]


def in_dtype(number: float, dtype: np.dtype[Any]) -> Any:
    """Return a Python number in this dtype, infinite or 0 where it does not fit."""
    with np.errstate(all="ignore"):
        return dtype.type(number)


class Pointwise(Reduced):
    """A loss of each number of x and target, then left, averaged or added up.

    'batchmean', which not every loss has, averages over the first axis and adds up the others.
    """

    #: Names of the buffers that must broadcast to x.
    factors: ClassVar[tuple[str, ...]] = ()

    def infer(self, x: Spec, target: Spec) -> Spec:
        """Check that x and target have one shape, to which the factors broadcast."""
        if x.shape != target.shape:
            same = math.prod(x.shape) == math.prod(target.shape)
            mend = f"target.reshape({x.shape}) fits" if same else "npnet does not broadcast them"
            raise ValueError(
                f"{self._who}: expected target of the shape of x, {x.shape}, got {target.shape}; "
                f"{mend}"
            )
        for name in self.factors:
            factor = getattr(self, name)
            if factor is not None and not _broadcasts(factor.shape, x.shape):
                raise ValueError(
                    f"{self._who}: expected {name} of a shape that broadcasts to that of x, "
                    f"{x.shape}, got {factor.shape}; axes are matched from the last"
                )
        return Spec(x.shape if self.reduction == "none" else (), x.dtype)

    def reduce(self, losses: Array, out: Array) -> None:
        """Write what is made of the losses of all numbers."""
        if self.reduction == "none":
            np.copyto(out, losses)
        else:
            out[...] = self.averaged(np.add.reduce(losses, axis=None).item(), losses)

    def averaged(self, total: float, losses: Array) -> float:
        """Return the sum or the mean of losses with this sum, NaN for the mean of none."""
        divisor = self._divisor(losses)
        return total / divisor if divisor else math.nan

    def share(self, dy: Array, losses: Array) -> Any:
        """Return dJ/dl of every number's loss l: an array, or one Python float for all."""
        return dy if self.reduction == "none" else dy.item() / max(self._divisor(losses), 1)

    def scale(self, dy: Array, weight: Array | None, *slopes: Array | None) -> None:
        """Multiply slopes of the numbers' losses by their weight and by dJ/dl, in place."""
        for slope in slopes:
            if slope is not None:
                if weight is not None:
                    np.multiply(slope, weight, out=slope)
                np.multiply(slope, self.share(dy, slope), out=slope)

    def _divisor(self, losses: Array) -> int:
        """Return what the sum of the losses is divided by."""
        if self.reduction == "mean":
            return losses.size
        return len(losses) if self.reduction == "batchmean" and losses.ndim else 1


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to the other."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False
