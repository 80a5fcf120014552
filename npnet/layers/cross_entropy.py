"""Cross-entropy of logits with labels or with probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.kernel import Spec
from npnet.layers.base import real_number
from npnet.layers.categorical import Categorical, label_index
from npnet.layers.softmax import softmax_backward
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["CrossEntropyLoss", "SoftmaxCrossEntropy"]


class CrossEntropyLoss(Categorical):
    """Cross-entropy of softmax(z) with labels or with probabilities.

    Equation: J_i = -w_(y_i) log p_(i, y_i) with p = softmax(z); mean divides by the sum of the
    weights of the rows that count; dz_i = w_(y_i) (p_i - one_hot(y_i)) dJ_i. With smoothing e the
    label counts 1 - e and every class e / C. For probabilities t: J_i = -sum_c t_ic w_c log p_ic,
    and mean divides by the number of rows.

    Shapes: z (N, C), (N, C, d1, ...) or (C,); target as z without the class axis for integer
    labels (for (C,) also (1,)), as z for probabilities (floating; one-hot vectors too); J () or,
    for 'none', a number a label. Stable for logits of any size.

    Parameters
    ----------
    weight : array_like of shape (C,), optional
        A factor for each class; a buffer, part of the state_dict.
    ignore_index : int, default -100
        Rows with this label count nothing. Has no meaning for probabilities.
    reduction : 'none', 'mean' or 'sum', default 'mean'
    label_smoothing : float, default 0.0
        From 0 to 1.

    Errors
    ------
    IndexError
        For a label that is no class.
    ValueError
        For sizes that do not fit, a smoothing outside [0, 1], an unknown reduction, an
        ignore_index >= 0 with probabilities.
    TypeError
        For labels that are no integers, probabilities that are not floating.

    Source: torch.nn.CrossEntropyLoss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = CrossEntropyLoss()
    >>> float(loss(np.zeros((2, 4)), np.array([3, 0]))) == float(np.log(4))
    True
    >>> loss.backward().tolist()
    [[0.125, 0.125, 0.125, -0.375], [-0.375, 0.125, 0.125, 0.125]]
    """

    backward_reads = frozenset()

    def __init__(
        self,
        weight: ArrayLike | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        label_smoothing = real_number(label_smoothing, self._who, "label_smoothing")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"{self._who}: expected label_smoothing from 0 to 1, got {label_smoothing}"
            )
        ignored = label_index(ignore_index, self._who)
        super().__init__(reduction, weight, ignored, label_smoothing)

    def infer(self, z: Spec, target: Spec) -> Spec:
        """Check the target against the logits."""
        loss = self.check(z, target)
        if target.dtype.kind == "f" and self.ignore_index is not None and self.ignore_index >= 0:
            raise ValueError(
                f"{self._who}: ignore_index is {self.ignore_index}, but probabilities have no "
                "label to ignore; leave ignore_index at -100"
            )
        return loss

    def forward_calls(self, z: Array, target: Array, *, out: Array, scratch: Any) -> Iterator[Call]:
        """Write the loss."""
        yield self.loss_forward(z, target, out, scratch)

    def backward_calls(
        self,
        dy: Array,
        z: None,
        target: None,
        y: None,
        *,
        dz: Array | None,
        dtarget: Array | None,
        scratch: Any,
    ) -> Iterator[Call]:
        """Write the gradients."""
        return self.loss_backward(dy, dz, dtarget, scratch)


class SoftmaxCrossEntropy(Categorical):
    """Softmax and cross-entropy in one layer of two outputs: the loss and the probabilities.

    Equation: p = softmax(z), J_i = -log p_(i, y_i), averaged over i;
    dz = dJ (p - one_hot(y)) / N + p (dp - sum_c dp_c p_c); for probabilities t instead of labels
    J_i = -sum_c t_ic log p_ic and one_hot(y) is t times the identity: dz = dJ (p sum_c t_c - t) / N

    Shapes: z (N, C), (N, C, d1, ...) or (C,); target as z without the class axis for integer
    labels, as z for probabilities (floating; one-hot vectors too); J () or, for 'none', a number a
    label; p as z. Stable for logits of any size. A gradient may arrive at either output.

    Parameters
    ----------
    reduction : 'none', 'mean' or 'sum', default 'mean'

    Errors
    ------
    IndexError
        For a label that is no class.
    ValueError
        For sizes that do not fit and for an unknown reduction.
    TypeError
        For labels that are no integers, probabilities that are not floating.

    Source: Goodfellow, Bengio, Courville, Deep Learning, equations 6.29 and 6.31.

    Examples
    --------
    >>> import numpy as np
    >>> layer = SoftmaxCrossEntropy()
    >>> loss, p = layer(np.zeros((1, 2)), np.array([1]))
    >>> float(loss) == float(np.log(2)), p.tolist()
    (True, [[0.5, 0.5]])
    >>> layer.backward(3.0, None).tolist()
    [[1.5, -1.5]]
    """

    backward_reads = frozenset({"y"})
    output_count = 2

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def infer(self, z: Spec, target: Spec) -> tuple[Spec, Spec]:
        """Check the target against the logits."""
        return self.check(z, target), z

    def scratch_specs(self, z: Spec, target: Spec) -> dict[str, Any]:
        """Room for the gradient that comes through the probabilities."""
        return super().scratch_specs(z, target) | {"through_p": z}

    def forward_calls(self, z: Array, target: Array, *, out: Any, scratch: Any) -> Iterator[Call]:
        """Write the loss and the probabilities."""
        loss, p = out
        yield self.loss_forward(z, target, loss, scratch)
        axis = scratch.layout.axis
        matrix = p.reshape(axis.matrix)
        if scratch.layout.looked_up:
            sums = scratch.sums.reshape(axis.column)
            yield partial(np.true_divide, scratch.exponentials, sums, matrix)
        else:
            yield partial(np.exp, scratch.log_p, out=matrix)

    def backward_calls(
        self,
        dy: Any,
        z: None,
        target: None,
        y: Any,
        *,
        dz: Array | None,
        dtarget: Array | None,
        scratch: Any,
    ) -> Iterator[Call]:
        """Write the gradients of what arrives."""
        dloss, dp = dy
        if dloss is not None:
            yield from self.loss_backward(dloss, dz, dtarget, scratch)
        elif dtarget is not None:
            yield partial(dtarget.fill, 0.0)
        if dp is not None and dz is not None:
            axis = scratch.layout.axis
            into = dz if dloss is None else scratch.through_p
            dp, p, into = (array.reshape(axis.matrix) for array in (dp, y[1], into))
            yield partial(softmax_backward, dp, p, into, scratch.peaks, axis)
            if dloss is not None:
                yield partial(np.add, dz, scratch.through_p, out=dz)
