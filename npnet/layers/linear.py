"""Linear: the affine map."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npnet import init
from npnet.contraction import contractions
from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.layers.sizes import size_number
from npnet.parameter import Array, Parameter, computing_dtype
from npnet.program import Call

__all__ = ["Linear"]

_UNPACKED = 10**6  # multiplications up to which BLAS neither packs nor starts a second thread


class Linear(Layer):
    """Affine map of the last axis.

    Equation: y = x @ weight.T + bias

    Shapes: x (..., I), weight (O, I), bias (O,), y (..., O); any number of leading axes, none too.
    The weight is kept in memory by columns, which makes both big products of a step row by row.

    Parameters
    ----------
    in_features, out_features : int
        I and O, 0 or more.
    bias : bool, default True
        Without it y = x @ weight.T.
    dtype : dtype, default float32
        Of the parameters and of the computation.
    generator : npnet.random.Generator, optional
        Where the initial numbers come from; by default the stream `npnet.manual_seed` sets.

    weight, then bias, are drawn from U(-1/sqrt(I), 1/sqrt(I)), bit for bit torch's for one seed.

    Errors
    ------
    TypeError
        For a dtype that is neither float32 nor float64.
    ValueError
        For an x whose last axis is not I long, and for negative sizes.

    Source: torch.nn.Linear.

    Examples
    --------
    >>> import numpy as np
    >>> fc = Linear(3, 2)
    >>> fc.weight.data, fc.bias.data = [[1, 2, 3], [4, 5, 6]], [0.5, -0.5]
    >>> fc(np.ones((1, 3), np.float32)).tolist()
    [[6.5, 14.5]]
    >>> fc.backward(np.ones((1, 2))).tolist()
    [[5.0, 7.0, 9.0]]
    """

    weight: Parameter
    bias: Parameter | None
    backward_reads = frozenset({"x", "weight"})
    rows = frozenset({"x", "bias", "y"})
    any_order = frozenset({"weight"})
    y, dx, dweight, dbias = contractions("bi,oi->bo", "bo,oi->bi", "bo,bi->oi", "bo->o")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = size_number(in_features, "Linear", "in_features")
        self.out_features = size_number(out_features, "Linear", "out_features")
        columns = np.zeros((in_features, out_features), np.float32)
        self.weight = Parameter(columns.T, dtype=dtype)
        computing_dtype(self.weight.dtype, "Linear")
        zeros = Parameter(np.zeros(out_features, np.float32), dtype=dtype) if bias else None
        self.register_parameter("bias", zeros)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw weight, then bias, anew."""
        if self.weight.size:
            init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def infer(self, x: Spec, weight: Spec, bias: Spec | None) -> Spec:
        """Check the width of x, and of what a function takes for the layer's Parameters."""
        if len(weight.shape) != 2:
            raise ValueError(f"Linear: expected a weight of 2 axes, got shape {weight.shape}")
        outputs, inputs = weight.shape
        if not x.shape or x.shape[-1] != inputs:
            raise ValueError(
                f"Linear: expected x of shape (B, {inputs}), got {x.shape}; in_features is {inputs}"
            )
        if bias is not None and bias.shape != (outputs,):
            raise ValueError(f"Linear: expected bias of shape ({outputs},), got {bias.shape}")
        return Spec((*x.shape[:-1], outputs), x.dtype)

    def scratch_specs(self, x: Spec, weight: Spec, bias: Spec | None) -> dict[str, Any]:
        """Return the blocks of rows in which dx is computed, and room for the weight by rows."""
        blocks = row_blocks(math.prod(x.shape[:-1]), *weight.shape)
        return {"blocks": blocks, "weight": weight} if blocks else {"blocks": blocks}

    def forward_calls(
        self, x: Array, weight: Array, bias: Array | None, *, out: Array, scratch: Any
    ) -> Iterator[Call]:
        """Write y = x @ weight.T + bias."""
        yield self.y.ready(x, weight, out=out)
        if bias is not None:
            yield partial(np.add, out, bias, out)

    def backward_calls(
        self,
        dy: Array,
        x: Array,
        weight: Array,
        bias: None,
        y: None,
        *,
        dx: Array | None,
        dweight: Array | None,
        dbias: Array | None,
        scratch: Any,
    ) -> Iterator[Call]:
        """Write dx = dy @ weight, dweight = dy.T @ x, dbias = dy summed over the rows."""
        if dx is not None and scratch.blocks:
            yield partial(multiply_by_rows, dy, weight, dx, scratch)
        elif dx is not None:
            yield self.dx.ready(dy, weight, out=dx)
        if dweight is not None:
            yield self.dweight.ready(dy, x, out=dweight)
        if dbias is not None:
            yield self.dbias.ready(dy, out=dbias[0])

    def extra_repr(self) -> str:
        """Torch's words."""
        has_bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={has_bias}"


def row_blocks(rows: int, inner: int, columns: int) -> list[slice]:
    """Cut the rows of dy @ weight, (rows, inner) by (inner, columns), where that is faster.

    A product with a short inner axis, as behind the few outputs of a last layer, gains nothing
    from packing and a second thread. µs in one piece, while the two cores are close together and
    while they are far apart, and in blocks that do without both:

        rows x inner x columns     one piece      blocks
        512 x 10 x 512             130    350         75
        2048 x 10 x 1024           814   1430        723
    """
    block = _UNPACKED // max(inner * columns, 1)
    if not 2 <= inner <= 12 or columns < 512 or not 60 <= block < rows:
        return []
    return [slice(start, start + block) for start in range(0, rows, block)]


def multiply_by_rows(dy: Array, weight: Array, dx: Array, scratch: Any) -> None:
    """Write dx = dy @ weight block by block; the small kernel of BLAS wants the weight by rows."""
    np.copyto(scratch.weight, weight)
    for rows in scratch.blocks:
        dy[rows].dot(scratch.weight, dx[rows])
