"""Losses of a distribution and the one it should be."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.loss import Pointwise, silent
from npnet.parameter import Array

__all__ = ["KLDivLoss"]


class KLDivLoss(Pointwise):
    """Kullback-Leibler divergence of log-probabilities x from a target.

    Equation: l = t log t - t x with 0 log 0 = 0, or e^t (t - x) for a target of logarithms;
    J = mean l; dx = -t dl, dt = (log t + 1 - x) dl, or dx = -e^t dl, dt = (e^t (t - x) + e^t) dl

    Shapes: x and target any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    reduction : 'none', 'mean', 'batchmean' or 'sum', default 'mean'
        'batchmean' divides the sum by the length of axis 0 and is the divergence averaged over
        the rows; 'mean' divides by the count of all numbers, which is not (torch warns of it).
    log_target : bool, default False
        Whether target holds logarithms of probabilities.

    Errors
    ------
    ValueError
        For shapes that differ, which torch broadcasts, and for an unknown reduction.
    TypeError
        For a log_target that is no bool.

    Source: torch.nn.KLDivLoss. As there, dt is NaN where t is 0.

    Examples
    --------
    >>> import numpy as np
    >>> loss = KLDivLoss(reduction="batchmean")
    >>> x = np.log([[0.25, 0.75]])
    >>> float(loss(x, np.array([[1.0, 0.0]]))) == float(np.log(4.0))
    True
    >>> loss.backward().tolist()
    [[-1.0, -0.0]]
    """

    backward_reads = frozenset({"x", "target"})
    kept = frozenset({"probabilities"})
    reductions = ("none", "mean", "batchmean", "sum")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        if not isinstance(log_target, (bool, np.bool_)):
            raise TypeError(
                f"{self._who}: expected log_target to be True or False, got {log_target!r}"
            )
        self.log_target = bool(log_target)

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Any]:
        """Keep e^t of a target of logarithms, and hold a term of the losses and their sum."""
        return {"probabilities": x, "losses": x} if self.log_target else {"term": x, "losses": x}

    @silent
    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J = mean (t log t - t x)."""
        losses = scratch.losses
        if self.log_target:
            np.exp(target, out=scratch.probabilities)
            np.subtract(target, x, out=losses)
            np.multiply(losses, scratch.probabilities, out=losses)
        else:
            term = scratch.term
            np.equal(target, 0.0, out=term)  # adds 1 where t is 0, for the logarithm to be 0
            np.add(term, target, out=term)
            np.log(term, out=term)
            np.multiply(term, target, out=term)
            np.multiply(target, x, out=losses)
            np.subtract(term, losses, out=losses)
        self.reduce(losses, out)

    @silent
    def backward_kernel(
        self,
        dy: Array,
        x: Array,
        target: Array,
        y: None,
        *,
        dx: Array | None,
        dtarget: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx = -t dl, dt = (log t + 1 - x) dl."""
        if dx is not None:
            np.negative(scratch.probabilities if self.log_target else target, out=dx)
        if dtarget is not None and self.log_target:
            np.subtract(target, x, out=dtarget)
            np.multiply(dtarget, scratch.probabilities, out=dtarget)
            np.add(dtarget, scratch.probabilities, out=dtarget)
        elif dtarget is not None:
            np.true_divide(target, target, out=dtarget)  # 1, and NaN for 0, as in torch
            np.log(target, out=scratch.term)
            np.add(dtarget, scratch.term, out=dtarget)
            np.subtract(dtarget, x, out=dtarget)
        self.scale(dy, None, dx, dtarget)
