"""Functions of labels, which are arrays of integers: one_hot."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from npnet.execution import real_array
from npnet.expression import Expression
from npnet.parameter import Array

__all__ = ["one_hot"]


def one_hot(tensor: Any, num_classes: int = -1) -> Array:
    """Return an array with 1 at each label's place along a new last axis, 0 elsewhere.

    y[..., c] = 1 where tensor[...] = c, else 0

    Shapes: tensor (...) of any integers, y (..., num_classes) of int64. It is computed at once, so
    it takes arrays, and no Nodes within a forward: hand it on to the Module that needs it.

    Parameters
    ----------
    tensor : array_like of int
        Labels from 0 to num_classes - 1.
    num_classes : int, default -1
        -1 is one more than the highest label.

    Errors
    ------
    TypeError
        For labels that are no integers, and for Nodes.
    ValueError
        For labels below 0 or of no class, and for no labels to tell the number of classes from.

    Source: torch.nn.functional.one_hot.

    Examples
    --------
    >>> one_hot([0, 2]).tolist()
    [[1, 0, 0], [0, 0, 1]]
    >>> one_hot([1, 1], num_classes=2).tolist()
    [[0, 1], [0, 1]]
    """
    if isinstance(tensor, Expression):
        kind = type(tensor).__name__
        raise TypeError(
            f"one_hot: expected an array of labels, got {kind}; make it before the call, and "
            "give it to forward as an input"
        )
    labels, classes = real_array(tensor, "one_hot", "labels"), operator.index(num_classes)
    if labels.dtype.kind not in "iu" and (labels.size or isinstance(tensor, np.ndarray)):
        raise TypeError(
            f"one_hot: expected integer labels, got {labels.dtype}; use .astype(np.int64)"
        )
    if not labels.size and classes <= 0:
        raise ValueError("one_hot: cannot tell the number of classes without labels; give it")
    if classes == -1:
        classes = int(labels.max()) + 1
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(
            f"one_hot: expected labels from 0 to num_classes - 1, got {wrong} with "
            f"num_classes={num_classes}"
        )
    hot = np.zeros((*labels.shape, classes), np.int64)
    np.put_along_axis(hot, labels.astype(np.int64)[..., None], 1, axis=-1)
    return hot
