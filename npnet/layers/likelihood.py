"""Negative log-likelihood of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.kernel import Spec
from npnet.layers.categorical import Categorical, Rows, label_index
from npnet.layers.loss import silent
from npnet.parameter import Array

__all__ = ["NLLLoss"]


class NLLLoss(Categorical):
    """Negative log-likelihood of labels: CrossEntropyLoss of log-probabilities, as LogSoftmax has.

    Equation: J_i = -w_(y_i) x_(i, y_i); mean divides by the sum of the weights of the rows that
    count; dx_i = -w_(y_i) one_hot(y_i) dJ_i

    Shapes: x (N, C), (N, C, d1, ...) or (C,); target as x without the class axis 1, for (C,) also
    (1,); J () or, for 'none', a number a label.

    Parameters
    ----------
    weight : array_like of shape (C,), optional
        A factor for each class; a buffer, part of the state_dict.
    ignore_index : int, default -100
        Rows with this label count nothing.
    reduction : 'none', 'mean' or 'sum', default 'mean'

    Errors
    ------
    IndexError
        For a label that is no class.
    ValueError
        For sizes that do not fit and for an unknown reduction.
    TypeError
        For labels that are no integers.

    Source: torch.nn.NLLLoss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = NLLLoss()
    >>> float(loss(np.array([[-1.0, -2.0], [-3.0, -4.0]]), np.array([0, 1])))
    2.5
    >>> loss.backward().tolist()
    [[-0.5, 0.0], [0.0, -0.5]]
    """

    backward_reads = frozenset()
    kept = frozenset({"flat", "scale", "ignored"})
    distributions = False

    def __init__(
        self, weight: ArrayLike | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction, weight, label_index(ignore_index, self._who))

    def infer(self, x: Spec, target: Spec) -> Spec:
        """Check the labels against the log-probabilities."""
        return self.check(x, target)

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Any]:
        """Return the rows and what each needs."""
        specs = super().scratch_specs(x, target)
        return {name: spec for name, spec in specs.items() if name != "exponentials"}

    @silent
    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J_i = -w_(y_i) x_(i, y_i)."""
        rows: Rows = scratch.layout
        losses, factors = scratch.losses, rows.factors
        scratch.ignored.fill(False)
        alike = self._look_up(target, rows, scratch)()
        x.take(scratch.flat, None, losses, "clip")
        np.negative(losses, out=losses)
        if not alike:
            factors = self._reduce(losses, self._weigh(scratch), out, scratch)
        elif self.reduction == "none":
            np.copyto(out.reshape(-1), losses)
        else:
            losses.dot(factors, out)
        np.negative(factors, out=scratch.scale)

    @silent
    def backward_kernel(
        self,
        dy: Array,
        x: None,
        target: None,
        y: None,
        *,
        dx: Array,
        dtarget: None,
        scratch: Any,
    ) -> None:
        """dx_i = -w_(y_i) one_hot(y_i) dJ_i."""
        slopes = scratch.factor
        np.multiply(scratch.scale, dy.reshape(-1), out=slopes)
        np.copyto(slopes, 0.0, where=scratch.ignored)
        dx.fill(0.0)
        dx.put(scratch.flat, slopes, "clip")
