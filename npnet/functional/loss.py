"""Losses as functions: of Nodes or Parameters a Node, of arrays an array.

Torch's `size_average` and `reduce`, which it deprecates, are left out: say it with `reduction`.
So that no value meant for them is taken for another, what comes after them in torch is given by
name. A factor for classes or a batch (`weight`, `pos_weight`) is an array, for which there is no
gradient; the `weight` of mse_loss, l1_loss and huber_loss is an operand, a number a loss.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from npnet.functional.apply import apply
from npnet.functional.weighted import Weighted
from npnet.layers.binary import BCELoss, BCEWithLogitsLoss
from npnet.layers.cross_entropy import CrossEntropyLoss
from npnet.layers.divergence import KLDivLoss
from npnet.layers.likelihood import NLLLoss
from npnet.layers.regression import HuberLoss, L1Loss, MSELoss, SmoothL1Loss

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]


def cross_entropy(
    input: Any,
    target: Any,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Return the cross-entropy of softmax(input) with labels or probabilities: CrossEntropyLoss.

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> labels = np.array([3, -100])
    >>> float(F.cross_entropy(np.zeros((2, 4)), labels, reduction="sum")) == float(np.log(4))
    True
    """
    options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing}
    return apply(CrossEntropyLoss, (input, target), weight, reduction=reduction, **options)


def nll_loss(
    input: Any,
    target: Any,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """Return the negative log-likelihood of labels: NLLLoss.

    Examples
    --------
    >>> import npnet.functional as F
    >>> float(F.nll_loss([[-1.0, -2.0], [-3.0, -4.0]], [0, 1]))
    2.5
    """
    return apply(NLLLoss, (input, target), weight, ignore_index, reduction)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Any:
    """Return the squared error: MSELoss; 'mean' divides by the sum of the weights.

    Examples
    --------
    >>> import npnet.functional as F
    >>> float(F.mse_loss([1.0, 2.0], [0.0, 4.0]))
    2.5
    >>> float(F.mse_loss([1.0, 2.0], [0.0, 4.0], weight=[3.0, 1.0]))
    1.75
    """
    return _weighted(MSELoss, input, target, weight, reduction)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Any:
    """Return the absolute error: L1Loss; 'mean' divides by the sum of the weights.

    Examples
    --------
    >>> import npnet.functional as F
    >>> float(F.l1_loss([1.0, 2.0], [0.0, 4.0]))
    1.5
    """
    return _weighted(L1Loss, input, target, weight, reduction)


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Any:
    """Return the absolute error, quadratic below beta: SmoothL1Loss.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.smooth_l1_loss([1.0, -4.0], [0.0, 0.0], reduction="none", beta=2.0).tolist()
    [0.25, 3.0]
    """
    return apply(SmoothL1Loss, (input, target), reduction, beta)


def huber_loss(
    input: Any,
    target: Any,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Any = None,
) -> Any:
    """Return half the squared error, linear above delta: HuberLoss.

    'mean' divides by the count, with a weight too, as in torch.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.huber_loss([1.0, -4.0], [0.0, 0.0], reduction="none", delta=2.0).tolist()
    [0.5, 6.0]
    """
    return _weighted(HuberLoss, input, target, weight, reduction, by_weight=False, delta=delta)


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Any:
    """Return the divergence of log-probabilities from a target: KLDivLoss.

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> x = np.log([[0.25, 0.75]])
    >>> float(F.kl_div(x, [[1.0, 0.0]], reduction="batchmean")) == float(np.log(4))
    True
    """
    return apply(KLDivLoss, (input, target), reduction, log_target)


def binary_cross_entropy(
    input: Any, target: Any, weight: ArrayLike | None = None, *, reduction: str = "mean"
) -> Any:
    """Return the cross-entropy of probabilities of one of two classes: BCELoss.

    Examples
    --------
    >>> import npnet.functional as F
    >>> float(F.binary_cross_entropy([1.0, 0.0], [1.0, 1.0]))
    50.0
    """
    return apply(BCELoss, (input, target), weight, reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Any:
    """Return the cross-entropy of sigmoid(input), stable for any logits: BCEWithLogitsLoss.

    Examples
    --------
    >>> import npnet.functional as F
    >>> float(F.binary_cross_entropy_with_logits([-1e4], [1.0]))
    10000.0
    """
    return apply(BCEWithLogitsLoss, (input, target), weight, reduction, pos_weight)


def _weighted(
    kind: Any,
    input: Any,
    target: Any,
    weight: Any,
    reduction: str,
    *,
    by_weight: bool = True,
    **options: Any,
) -> Any:
    """Return a loss, of weighted losses if there is a weight."""
    if weight is None:
        return apply(kind, (input, target), reduction, **options)
    kind(reduction, **options)  # what is wrong with these is the loss's to say
    losses = apply(kind, (input, target), "none", **options)
    return apply(Weighted, (losses, weight), reduction, by_weight)
