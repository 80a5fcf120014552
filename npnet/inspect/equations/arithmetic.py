"""Equations of sums, products and powers, and of what adds up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from npnet.inspect.equations.rule import Formula, Maker, Operands, count_of, gathered, ndim_of
from npnet.inspect.expressions import (
    Abs,
    Condition,
    Expr,
    Gradient,
    Norm,
    Number,
    Reduction,
    Symbol,
    Words,
    as_expr,
    call,
)
from npnet.layers import arithmetic, bounds, reduction, regularization

__all__ = ["FORMULAS"]


def binary(
    value: Callable[..., Expr], by_a: Callable[..., Expr], by_b: Callable[..., Expr]
) -> Maker:
    """Return the formula of y = f(a, b), whose operands broadcast."""

    def formula(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
        (y,) = outputs
        slopes = {"a": by_a(o.a, o.b, y), "b": by_b(o.a, o.b, y)}
        gradients = {
            role: gathered(Gradient(y) * slope, o[role], y) for role, slope in slopes.items()
        }
        return Formula([value(o.a, o.b)], gradients, slopes)

    return formula


def _one(a: Expr, b: Expr, y: Expr) -> Expr:
    """Return the slope of a sum."""
    return Number(1)


def _extreme(function: str, wins: str) -> Maker:
    """Return the formula of the larger or the smaller of two; equals share the gradient."""

    def share(own: Expr, other: Expr) -> Expr:
        """Return which part of the gradient an operand gets."""
        return Condition(own, wins, other) + Condition(own, "==", other) / 2

    return binary(
        lambda a, b: call(function, a, b),
        lambda a, b, y: share(as_expr(a), as_expr(b)),
        lambda a, b, y: share(as_expr(b), as_expr(a)),
    )


def _matmul(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Matrix product: of two vectors a number."""
    (y,), a, b = outputs, o.a, o.b
    dy = Gradient(y)
    if ndim_of(a) == ndim_of(b) == 1:
        return Formula([a @ b], {"a": dy * b, "b": dy * a}, {"a": b, "b": a})
    gradients = {
        "a": _over_stacks(dy @ b.T, a, y, 2 - (ndim_of(b) == 1) - (ndim_of(a) == 1)),
        "b": _over_stacks(a.T @ dy, b, y, 2 - (ndim_of(b) == 1) - (ndim_of(a) == 1)),
    }
    return Formula([a @ b], gradients)


def _over_stacks(gradient: Expr, x: Any, y: Symbol, own: int) -> Expr:
    """Return the gradient of a matrix, summed over the stacks it was used for."""
    if not isinstance(x, Symbol) or x.shape is None or y.shape is None:
        return gradient
    stack = len(y.shape) - own
    mine = (1,) * (stack - max(len(x.shape) - 2, 0)) + x.shape[:-2]
    axes = tuple(i for i in range(stack) if mine[i] == 1 and (y.shape[i] != 1 or len(x.shape) < 3))
    return Reduction("sum", gradient, axes, shape=x.shape) if axes else gradient


def _total(operand: Any, axes: tuple[int, ...], keeps: bool, kind: str = "sum") -> Expr:
    """Return a sum or mean over axes; of a number itself."""
    ndim = ndim_of(operand)
    if not ndim:
        return as_expr(operand)
    whole = len(axes) == ndim
    return Reduction(kind, operand, None if whole else axes, keeps)


def _repeated(dy: Expr, operand: Any, axes: tuple[int, ...]) -> Expr:
    """Return a gradient again for everything that was added up."""
    if not ndim_of(operand) or not axes:
        return dy
    if len(axes) == ndim_of(operand):
        return call("repeat", dy)
    words = ("axis " if len(axes) == 1 else "axes ") + ", ".join(map(str, axes))
    return call("repeat", dy, Words(words))


def _sum(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Sum of each operand over axes, and of the operands."""
    (y,) = outputs
    value: Expr = Number(0)
    gradients: dict[str, Expr] = {}
    local: dict[str, Expr] = {}
    for role, operand in o.items():
        axes = layer.axes(ndim_of(operand))
        value = value + _total(operand, axes, layer.keepdims)
        gradients[role] = _repeated(Gradient(y), operand, axes)
        if y.shape == () or not axes:
            local[role] = Number(1)
    return Formula([value], gradients, local)


def _mean(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Mean over axes."""
    (y,), x = outputs, o.x
    axes = layer.axes(ndim_of(x))
    share = 1 / count_of(x, axes)
    gradient = _repeated(Gradient(y), x, axes) / count_of(x, axes)
    local = {"x": share} if y.shape == () else {}
    return Formula([_total(x, axes, layer.keepdims, "mean")], {"x": gradient}, local)


def _regularization(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Regularization: a constant times the squared norm, or the sum of absolute values."""
    (y,), w = outputs, o.w
    strength = Number(layer.strength)
    if layer.p == 2:
        size: Expr = Norm(w) ** 2 if w.array else w**2
        slope = Number(2 * layer.strength) * w
    else:
        size = Reduction("sum", Abs(w)) if w.array else Abs(w)
        slope = strength * call("sign", w)
    return Formula([strength * size], {"w": Gradient(y) * slope}, {"w": slope})


FORMULAS: dict[type, Maker] = {
    arithmetic.Add: binary(lambda a, b: a + b, _one, _one),
    arithmetic.Subtract: binary(lambda a, b: a - b, _one, lambda a, b, y: Number(-1)),
    arithmetic.Multiply: binary(lambda a, b: a * b, lambda a, b, y: b, lambda a, b, y: a),
    arithmetic.Divide: binary(lambda a, b: a / b, lambda a, b, y: 1 / b, lambda a, b, y: -y / b),
    arithmetic.Power: binary(
        lambda a, b: a**b,
        lambda a, b, y: b * a ** (b - 1),
        lambda a, b, y: y * call("ln", a),
    ),
    arithmetic.MatMul: _matmul,
    bounds.Maximum: _extreme("max", ">"),
    bounds.Minimum: _extreme("min", "<"),
    reduction.Sum: _sum,
    reduction.Mean: _mean,
    regularization.Regularization: _regularization,
}
