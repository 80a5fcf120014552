"""Equations of layers with matrices, and of those that look up or rearrange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from npnet.inspect.equations.rule import Formula, Maker, Operands, ndim_of
from npnet.inspect.expressions import (
    Condition,
    Expr,
    Gradient,
    Indexed,
    Number,
    Reduction,
    Symbol,
    Words,
    call,
)
from npnet.layers import axes, bilinear, embedding, indexing, linear, shape

__all__ = ["FORMULAS"]


def _over_rows(gradient: Expr, y: Symbol) -> Expr:
    """Return a gradient summed over all axes but the last."""
    rows = tuple(range(ndim_of(y) - 1))
    return Reduction("sum", gradient, rows) if rows else gradient


def _linear(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Affine map of rows."""
    (y,) = outputs
    dy = Gradient(y)
    value: Expr = o.x @ o.weight.T
    gradients: dict[str, Expr] = {"x": dy @ o.weight, "weight": dy.T @ o.x}
    if o.bias is not None:
        value = value + o.bias
        gradients["bias"] = _over_rows(dy, y)
    return Formula([value], gradients)


def _bilinear(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Sum over products of features, in the letters of np.einsum."""
    (y,) = outputs
    dy, left, weight, right = Gradient(y), o.input1, o.weight, o.input2
    rows = "abcdefgh"[: ndim_of(y) - 1]
    value: Expr = call("einsum", Words("...i, oij, ...j → ...o"), left, weight, right)
    gradients: dict[str, Expr] = {
        "input1": call("einsum", Words("...o, oij, ...j → ...i"), dy, weight, right),
        "input2": call("einsum", Words("...o, ...i, oij → ...j"), dy, left, weight),
        "weight": call("einsum", Words(f"{rows}o, {rows}i, {rows}j → oij"), dy, left, right),
    }
    if o.bias is not None:
        value = value + o.bias
        gradients["bias"] = _over_rows(dy, y)
    return Formula([value], gradients)


def _embedding(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Rows of a table."""
    (y,) = outputs
    dy: Expr = Gradient(y)
    if layer.scale_grad_by_freq:
        dy = dy / call("count", o.x)
    gradient = call("one_hot", o.x).T @ dy
    if layer.padding_idx is not None:
        rows = Condition(Symbol("row"), "!=", Number(layer.padding_idx))
        gradient = rows * gradient
    return Formula([Indexed(o.weight, o.x)], {"weight": gradient})


def _rearranged(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Reshape, Flatten, Unflatten: the same numbers in another shape."""
    (y,), x = outputs, o.x
    value = call("reshape", x, Words(_shape(y)))
    return Formula([value], {"x": call("reshape", Gradient(y), Words(_shape(x)))})


def _shape(x: Any) -> str:
    """Return a shape in words."""
    shape = getattr(x, "shape", ())
    return f"shape of {x.name}" if shape is None else str(shape)


def _concatenated(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Arrays one after the other; each gets its own part of the gradient."""
    (y,) = outputs
    axis = layer.axis % ndim_of(y)
    name = f"axis {axis}"
    gradients: dict[str, Expr] = {}
    empty = [role for role, operand in o.items() if getattr(operand, "shape", None) == (0,)]
    joined = [operand for role, operand in o.items() if role not in empty]
    start = 0
    for number, (role, operand) in enumerate(o.items()):
        part = f"part {number}"
        if role in empty:
            gradients[role] = Number(0)
            continue
        if getattr(operand, "shape", None) is not None:
            stop = start + operand.shape[axis]
            part, start = ", ".join([":"] * axis + [f"{start}:{stop}"]), stop
        gradients[role] = Indexed(Gradient(y), Words(part))
    return Formula([call("concatenate", *(joined or o.values()), Words(name))], gradients)


def _transposed(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Two axes exchanged, the last two as a matrix is transposed."""
    (y,), x = outputs, o.x
    ndim = 0 if getattr(x, "shape", ()) is None else ndim_of(x)  # 0: not known, or a number
    dims = sorted(dim - ndim if ndim and dim >= 0 else dim for dim in (layer.dim0, layer.dim1))
    if dims == [-2, -1] or not ndim_of(x):
        return Formula([x.T], {"x": Gradient(y).T})
    words = Words(f"axes {layer.dim0} and {layer.dim1}")
    return Formula([call("transpose", x, words)], {"x": call("transpose", Gradient(y), words)})


def _permuted(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Axes in another order, and back."""
    (y,), x = outputs, o.x
    order = layer.order(len(layer.dims))
    if order == (1, 0):
        return Formula([x.T], {"x": Gradient(y).T})
    back = sorted(range(len(order)), key=order.__getitem__)
    value, gradient = (
        call("permute", of, Words("axes " + ", ".join(map(str, axes))))
        for of, axes in ((x, order), (Gradient(y), back))
    )
    return Formula([value], {"x": gradient})


def _indexed(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Numbers at an index; the gradient stands there among zeros."""
    (y,), x = outputs, o.x
    index = Words(layer.extra_repr())
    placed = "scatter_add" if layer.repeats else "scatter"
    gradient = call(placed, Gradient(y), Words(f"[{index.text}]"), Words(_shape(x)))
    return Formula([Indexed(x, index)], {"x": gradient})


FORMULAS: dict[type, Maker] = {
    linear.Linear: _linear,
    bilinear.Bilinear: _bilinear,
    embedding.Embedding: _embedding,
    shape.Rearrangement: _rearranged,
    shape.Concatenate: _concatenated,
    axes.Transpose: _transposed,
    axes.Permute: _permuted,
    indexing.Index: _indexed,
}
