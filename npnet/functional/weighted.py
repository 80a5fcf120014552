"""What a weight for every number makes of losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Reduced
from npnet.layers.loss import silent
from npnet.parameter import Array

__all__ = ["Weighted"]


class Weighted(Reduced):
    """Losses times a weight each, then left, averaged or added up.

    Equation: J = (sum w l) / S, where S is sum w or, not `by_weight`, the count; dl = w dJ / S,
    dw = (l - J) dJ / S or l dJ / S. For 'sum' S is 1, for 'none' J = w l.

    Shapes: losses and weight any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    reduction : 'none', 'mean' or 'sum', default 'mean'
    by_weight : bool, default True
        Whether 'mean' divides by the sum of the weights.

    Errors
    ------
    ValueError
        For shapes that differ and for an unknown reduction.

    Source: torch.nn.functional.mse_loss, l1_loss and, not `by_weight`, huber_loss.

    Examples
    --------
    >>> import numpy as np
    >>> float(Weighted()(np.array([1.0, 4.0]), np.array([3.0, 1.0])))
    1.75
    """

    backward_reads = frozenset({"losses", "weight", "y"})
    kept = frozenset({"divisor"})

    def __init__(self, reduction: str = "mean", by_weight: bool = True) -> None:
        super().__init__(reduction)
        self.by_weight = by_weight

    def infer(self, losses: Spec, weight: Spec) -> Spec:
        """Check that there is a weight a loss."""
        if losses.shape != weight.shape:
            raise ValueError(
                f"{self._who}: expected weight of the shape of the input, {losses.shape}, got "
                f"{weight.shape}; np.broadcast_to(weight, {losses.shape}) may be what you mean"
            )
        return Spec(losses.shape if self.reduction == "none" else (), losses.dtype)

    def scratch_specs(self, losses: Spec, weight: Spec) -> dict[str, Any]:
        """Keep S, and hold the weighted losses and their sum."""
        number = Spec((), losses.dtype)
        return {"divisor": number, "share": number, "product": losses}

    @silent
    def forward_kernel(self, losses: Array, weight: Array, *, out: Array, scratch: Any) -> None:
        """J = (sum w l) / S."""
        if self.reduction == "none":
            np.multiply(losses, weight, out=out)
            return
        if self.reduction == "sum":
            scratch.divisor.fill(1.0)
        elif self.by_weight:
            np.add.reduce(weight, axis=None, out=scratch.divisor)
        else:
            scratch.divisor.fill(losses.size)
        np.multiply(losses, weight, out=scratch.product)
        np.add.reduce(scratch.product, axis=None, out=out)
        np.true_divide(out, scratch.divisor, out=out)

    @silent
    def backward_kernel(
        self,
        dy: Array,
        losses: Array,
        weight: Array,
        y: Array,
        *,
        dlosses: Array | None,
        dweight: Array | None,
        scratch: Any,
    ) -> None:
        """Dl = w dJ / S, dw = (l - J) dJ / S."""
        share: Array = dy
        if self.reduction != "none":
            share = np.true_divide(dy, scratch.divisor, out=scratch.share)
        if dlosses is not None:
            np.multiply(weight, share, out=dlosses)
        if dweight is not None:
            by_weight = self.reduction == "mean" and self.by_weight
            np.subtract(losses, y if by_weight else 0.0, out=dweight)
            np.multiply(dweight, share, out=dweight)
