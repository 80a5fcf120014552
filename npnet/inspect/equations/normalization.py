"""Equations of normalizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npnet.inspect.equations.rule import Formula, Maker, Operands, ndim_of
from npnet.inspect.expressions import Equation, Expr, Gradient, Number, Reduction, Symbol, call
from npnet.layers import batch_normalization, normalization

__all__ = ["FORMULAS"]

_Z, _SIZE, _MIDDLE = Symbol("ẑ"), Symbol("ρ"), Symbol("μ")


def _mean(x: Expr, axes: tuple[int, ...]) -> Expr:
    """Return the mean over axes, which stay."""
    return Reduction("mean", x, axes, keeps=True)


def _affine(
    o: Operands, y: Symbol, columns: tuple[int, ...], where: list[Equation], dz: Expr
) -> Formula:
    """Return the formula of y = ẑ weight + bias, given dx by dẑ.

    `columns` are the axes along which a weight is used again.
    """
    dy, weight, bias = Gradient(y), o.weight, o.bias
    value: Expr = _Z
    gradients: dict[str, Expr] = {"x": dz}
    if weight is not None:
        value = value * weight
        gradients["weight"] = Reduction("sum", dy * _Z, columns) if columns else dy * _Z
    if bias is not None:
        value = value + bias
        gradients["bias"] = Reduction("sum", dy, columns) if columns else dy
    return Formula([value], gradients, where=where)


def _row_norm(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """LayerNorm, and RMSNorm without the mean."""
    (y,), x = outputs, o.x
    ndim, own = ndim_of(x), len(layer.normalized_shape)
    axes, rows = tuple(range(ndim - own, ndim)), tuple(range(ndim - own))
    centered = isinstance(layer, normalization.LayerNorm)
    eps = layer.eps
    if eps is None:
        known = o.known.get("x")
        eps = float(np.finfo(np.float32 if known is None else known.dtype).eps)
    numbers: Expr = x - _MIDDLE if centered else x
    where = [Equation(_MIDDLE, _mean(x, axes))] if centered else []
    where.append(Equation(_SIZE, call("sqrt", _mean(numbers**2, axes) + Number(eps))))
    where.append(Equation(_Z, numbers / _SIZE))
    dz = Gradient(y) if o.weight is None else Gradient(y) * o.weight
    inner = dz - _mean(dz, axes) if centered else dz
    return _affine(o, y, rows, where, (inner - _Z * _mean(dz * _Z, axes)) / _SIZE)


def _batch_norm(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """BatchNorm: of the batch while training, of what was tracked in evaluation."""
    (y,), x = outputs, o.x
    axes = tuple(axis for axis in range(ndim_of(x)) if axis != 1)
    dz = Gradient(y) if o.weight is None else Gradient(y) * o.weight
    if layer.training or layer.running_mean is None:
        middle, spread = _mean(x, axes), _mean((x - _MIDDLE) ** 2, axes)
        inner = dz - _mean(dz, axes) - _Z * _mean(dz * _Z, axes)
    else:
        middle, spread, inner = Symbol("running_mean"), Symbol("running_var"), dz
    where = [
        Equation(_MIDDLE, middle),
        Equation(_SIZE, call("sqrt", spread + Number(layer.eps))),
        Equation(_Z, (x - _MIDDLE) / _SIZE),
    ]
    return _affine(o, y, axes, where, inner / _SIZE)


FORMULAS: dict[type, Maker] = {
    normalization.LayerNorm: _row_norm,
    normalization.RMSNorm: _row_norm,
    batch_normalization.BatchNorm: _batch_norm,
}
