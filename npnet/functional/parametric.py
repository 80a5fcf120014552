"""Functions of layers that have parameters, which are operands here: arrays, Nodes, Parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.layers.arithmetic import Add, MatMul
from npnet.layers.base import Layer
from npnet.layers.batch_normalization import BatchNorm
from npnet.layers.bilinear import Bilinear
from npnet.layers.dropout import Dropout
from npnet.layers.embedding import Embedding
from npnet.layers.linear import Linear
from npnet.layers.normalization import LayerNorm, RMSNorm
from npnet.parameter import Array
from npnet.tape import Node

__all__ = ["batch_norm", "bilinear", "dropout", "embedding", "layer_norm", "linear", "rms_norm"]


def call(layer: Layer, *operands: Any, **parameters: Any) -> Any:
    """Call a layer on operands, the Parameters that it has not among them: None for none."""
    for name, given in parameters.items():
        if given is None:
            layer.register_parameter(name, None)
        else:
            layer._parameters.pop(name, None)
    return layer(*operands, *(given for given in parameters.values() if given is not None))


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """Return input (..., I) @ weight.T + bias, of shape (..., O): Linear.

    weight is (O, I) and bias (O,), or one number for all, () or (1,). A weight (I,) leaves out the
    last axis; beside it bias is (). A Node of a Graph has no shape yet: as weight or bias it must
    have Linear's. Errors are Linear's, and ValueError for another bias beside a weight (I,).

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> F.linear(np.array([1.0, 2.0]), np.array([[3.0, 4.0], [0.0, 1.0]]), np.array(0.5)).tolist()
    [11.5, 2.5]
    """
    shape, given = _shape(weight), _shape(bias)
    if shape is not None and len(shape) == 1:
        if bias is not None and given:
            raise ValueError(
                f"linear: expected bias of shape () beside a weight of shape {shape}, got {given}"
            )
        y = MatMul()(input, weight)
        return y if bias is None else Add()(y, bias)
    # Of no elements, so that it draws none.
    layer = Linear(0, 0, bias=False)
    if shape is not None and len(shape) == 2:
        layer.out_features, layer.in_features = shape
    if given == () or (given == (1,) and layer.out_features != 1):
        return Add()(call(layer, input, weight=weight, bias=None), bias)
    return call(layer, input, weight=weight, bias=bias)


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Return input with each number left out with probability p, the others over 1 - p: Dropout.

    In a Module's forward give ``training=self.training``.

    Examples
    --------
    >>> import npnet, npnet.functional as F
    >>> generator = npnet.manual_seed(0)
    >>> F.dropout([1.0, 1.0, 1.0]).tolist()
    [0.0, 0.0, 2.0]
    >>> F.dropout([1.0, 1.0, 1.0], training=False).tolist()
    [1.0, 1.0, 1.0]
    """
    return Dropout(p, inplace).train(bool(training))(input)


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Return input with mean 0 and variance 1 along its last axes, times weight plus bias.

    Arguments and errors are LayerNorm's.

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> F.layer_norm(np.array([1.0, 3.0]), (2,), np.array([1.0, 5.0]), eps=0.0).tolist()
    [-1.0, 5.0]
    """
    layer = LayerNorm(normalized_shape, eps, elementwise_affine=False)
    return call(layer, input, weight=weight, bias=bias)


def rms_norm(
    input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> Any:
    """Return input over the root of its mean square along its last axes, times weight.

    Arguments and errors are RMSNorm's.

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> F.rms_norm(np.array([3.0, -3.0]), (2,), eps=0.0).tolist()
    [1.0, -1.0]
    """
    return call(RMSNorm(normalized_shape, eps, elementwise_affine=False), input, weight=weight)


def batch_norm(
    input: Any,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Return input (N, C, ...) with mean 0 and variance 1 in each channel, times weight plus bias.

    running_mean and running_var are floating arrays (C,), as a Module's buffers are, or both None
    while training. Then they are written to, by BatchNorm1d's rule; otherwise mean and variance are
    read from them, live. Errors are BatchNorm1d's, TypeError for running statistics of another kind
    and ValueError for missing ones.

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> F.batch_norm(np.array([[1.0], [3.0]]), mean, var, training=True, eps=3.0).tolist()
    [[-0.5], [0.5]]
    >>> mean.tolist(), var.tolist()
    ([0.2], [1.1])
    """
    layer = BatchNorm(eps, momentum, track_running_stats=True).train(bool(training))
    missing = [running_mean is None, running_var is None]
    if missing[0] != missing[1] or (any(missing) and not training):
        name = "running_mean" if missing[0] else "running_var"
        raise ValueError(
            f"batch_norm: expected {name} with training={bool(training)}, got None; training=True "
            "and neither of the two is to normalize by the batch"
        )
    for name, buffer in (("running_mean", running_mean), ("running_var", running_var)):
        floating = isinstance(buffer, np.ndarray) and buffer.dtype in (np.float32, np.float64)
        if buffer is not None and not (floating and (buffer.flags.writeable or not training)):
            raise TypeError(
                f"batch_norm: expected {name} as None or an array of float32 or float64 that can "
                f"be written, got {type(buffer).__name__}; it is followed in place"
            )
        # The array itself: register_buffer would copy it.
        layer._register("_buffers", name, buffer)
    layer.register_buffer("num_batches_tracked", None)
    return call(layer, input, weight=weight, bias=bias)


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Return the rows of weight (V, D) that the integers of input name: Embedding.

    Errors are Embedding's, and ValueError for a max_norm, which would write to a weight that is
    not the function's own: a layer Embedding has one.

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> F.embedding(np.array([1, 0]), np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    if max_norm is not None:
        raise ValueError(
            f"embedding: expected no max_norm, got {max_norm}; a function does not write to the "
            "weight it is given: use npnet.Embedding(..., max_norm=...)"
        )
    layer = Embedding(0, 0, None, None, norm_type, scale_grad_by_freq, sparse, np.empty((0, 0)))
    layer.padding_idx = padding_idx
    return call(layer, input, weight=weight)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """Return y_o = sum_ij input1_i weight_oij input2_j + bias_o: Bilinear.

    Examples
    --------
    >>> import numpy as np, npnet.functional as F
    >>> weight = np.array([[[1.0, 0.0], [0.0, 10.0]]])
    >>> F.bilinear(np.array([1.0, 2.0]), np.array([3.0, 4.0]), weight).tolist()
    [83.0]
    """
    # Of no elements, so that it draws none.
    return call(Bilinear(1, 0, 0, bias=False), input1, input2, weight=weight, bias=bias)


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of an operand; None where it is not known yet, or there is no operand."""
    if value is None or (isinstance(value, Node) and value.spec is None):
        return None
    shape: tuple[int, ...] = np.shape(value)
    return shape
