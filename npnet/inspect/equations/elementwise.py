"""Equations of layers of one operand that compute number by number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from npnet.inspect.equations.rule import Formula, Maker, Operands, ndim_of
from npnet.inspect.expressions import (
    Abs,
    Cases,
    Condition,
    Equation,
    Expr,
    Gradient,
    Number,
    Reduction,
    Symbol,
    as_expr,
    call,
)
from npnet.layers import (
    activation,
    bounds,
    clipped,
    dropout,
    elementwise,
    gated,
    random_like,
    rectifiers,
    smooth,
)

__all__ = ["FORMULAS"]

#: A value and its slope, for a layer, its operand and its output.
Curve: TypeAlias = Callable[[Any, Any, Symbol], tuple[Expr, Expr]]

_SIGMOID, _SOFTPLUS = "σ", "softplus"


def curve(function: Curve) -> Maker:
    """Return the formula of y = f(x), dx = dy f'(x)."""

    def formula(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
        (y,) = outputs
        value, slope = function(layer, o.x, y)
        return Formula([value], {"x": Gradient(y) * slope}, {"x": slope})

    return formula


def positive(x: Any, then: Any, otherwise: Any) -> Expr:
    """Return one thing where x > 0, another elsewhere."""
    return Cases(Condition(x, ">", Number(0)), _number(then), _number(otherwise))


def _number(value: Any) -> Expr:
    """Return a number as an expression."""
    return value if isinstance(value, Expr) else Number(value)


def _elu(layer: Any, x: Any, y: Symbol) -> tuple[Expr, Expr]:
    """ELU."""
    alpha = Number(layer.alpha)
    exp = call("exp", x)
    return positive(x, x, alpha * (exp - 1)), positive(x, 1, alpha * exp)


def _selu(layer: Any, x: Any, y: Symbol) -> tuple[Expr, Expr]:
    """SELU, with its two numbers."""
    scale, alpha = Number(1.0507009873554805), Number(1.6732632423543772)
    exp = call("exp", x)
    below = Number(scale.value * alpha.value)
    return positive(x, scale * x, below * (exp - 1)), positive(x, scale, below * exp)


def _bounded(low: float, high: float, x: Any) -> tuple[Expr, Expr]:
    """Return a number held between two bounds, and the slope."""
    inside = Condition(Number(low), "<", x), Condition(x, "<", Number(high))
    finite = [c for c, bound in zip(inside, (low, high), strict=True) if math.isfinite(bound)]
    value: Expr = x
    if math.isfinite(low):
        value = call("max", value, low)
    if math.isfinite(high):
        value = call("min", value, high)
    slope: Expr = Number(1)
    for condition in finite:
        slope = slope * condition
    return value, slope


def _clamped(layer: Any, x: Any, y: Symbol) -> tuple[Expr, Expr]:
    """Clamp, where a bound may be missing; at a bound the slope is 1."""
    value, slope = x, as_expr(1)
    if layer.min is not None:
        value, slope = call("max", value, layer.min), Condition(Number(layer.min), "<=", x)
    if layer.max is not None:
        value = call("min", value, layer.max)
        slope = slope * Condition(x, "<=", Number(layer.max))
    return value, slope


def _silu(layer: Any, x: Any, y: Symbol) -> tuple[Expr, Expr]:
    """SiLU."""
    gate = call(_SIGMOID, x)
    return x * gate, gate + y * (1 - gate)


def _gelu(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """GELU, by the normal distribution or by tanh."""
    (y,), x = outputs, o.x
    if layer.approximate == "none":
        value, slope = x * call("Φ", x), call("Φ", x) + x * call("φ", x)
        bell = Equation(call("φ", x), call("exp", -(x**2) / 2) / call("sqrt", 2 * Symbol("π", ())))
        return Formula([value], {"x": Gradient(y) * slope}, {"x": slope}, [bell])
    tau, root = Symbol("τ", getattr(x, "shape", ())), call("sqrt", 2 / Symbol("π", ()))
    inner = call("tanh", root * (x + Number(0.044715) * x**3))
    value = x * (1 + tau) / 2
    slope = (1 + tau) / 2 + x * (1 - tau**2) * root * (1 + Number(0.134145) * x**2) / 2
    return Formula([value], {"x": Gradient(y) * slope}, {"x": slope}, [Equation(tau, inner)])


def _mish(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Mish."""
    (y,), x = outputs, o.x
    tau = Symbol("τ", getattr(x, "shape", ()))
    slope = tau + x * (1 - tau**2) * call(_SIGMOID, x)
    where = [Equation(tau, call("tanh", call(_SOFTPLUS, x)))]
    return Formula([x * tau], {"x": Gradient(y) * slope}, {"x": slope}, where)


def _hardswish(layer: Any, x: Any, y: Symbol) -> tuple[Expr, Expr]:
    """Hardswish."""
    upper = Cases(Condition(x, "<", Number(3)), x / 3 + Number(1) / 2, Number(1))
    slope = Cases(Condition(x, "<=", Number(-3)), Number(0), upper)
    return x * call("min", call("max", x + 3, 0), 6) / 6, slope


def _softplus(layer: Any, x: Any, y: Symbol) -> tuple[Expr, Expr]:
    """Softplus, which is straight beyond its threshold."""
    beta = Number(layer.beta)
    straight = Condition(beta * x, ">", Number(layer.threshold))
    value = call("ln", 1 + call("exp", beta * x)) / beta
    return Cases(straight, x, value), Cases(straight, Number(1), call(_SIGMOID, beta * x))


def _dropout(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Dropout: a mask m while training."""
    (y,), x = outputs, o.x
    if not layer.training or layer.p in (0, 1):
        kept = Number(0 if layer.training and layer.p == 1 else 1)
        return Formula([kept * x], {"x": Gradient(y) * kept}, {"x": kept})
    keep = Number(1 - layer.p)
    mask = Symbol("m", getattr(x, "shape", ()))
    where = [Equation(mask, call("bernoulli", keep))]
    return Formula([x * mask / keep], {"x": Gradient(y) * mask / keep}, {"x": mask / keep}, where)


def drawn(name: str, distribution: str, *arguments: float) -> Maker:
    """Return the formula of numbers drawn whatever x is; they have a name, as they are drawn once.

    Examples
    --------
    >>> y, x = Symbol("y", (2,)), Symbol("x", (2,))
    >>> drawn("u", "uniform", 0, 1)(None, Operands({"x": x}), [y]).where[0].right.function
    'uniform'
    """

    def formula(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
        numbers = Symbol(name, getattr(o.x, "shape", ()))
        where = [Equation(numbers, call(distribution, *arguments))]
        return Formula([numbers], {"x": Number(0)}, {"x": Number(0)}, where)

    return formula


def _channel_slope(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """PReLU: the slope is learnt, one for all or one a channel."""
    (y,), x, weight = outputs, o.x, o.weight
    slope, low = positive(x, 1, weight), call("min", x, 0)
    total: Expr = Gradient(y) * low
    size = weight.shape[0] if isinstance(weight, Symbol) and weight.shape else 1
    if size == 1:
        total = Reduction("sum", total, shape=getattr(weight, "shape", None))
    elif ndim_of(x) > 1:
        total = Reduction("sum", total, (0, *range(2, ndim_of(x))))
    gradients = {"x": Gradient(y) * slope, "weight": total}
    return Formula([positive(x, x, weight * x)], gradients, {"x": slope})


FORMULAS: dict[type, Maker] = {
    activation.Identity: curve(lambda _, x, y: (x, Number(1))),
    activation.ReLU: curve(lambda _, x, y: (call("max", 0, x), Condition(x, ">", Number(0)))),
    activation.Sigmoid: curve(lambda _, x, y: (call(_SIGMOID, x), y * (1 - y))),
    activation.Tanh: curve(lambda _, x, y: (call("tanh", x), 1 - y**2)),
    elementwise.Scale: curve(lambda s, x, y: (Number(s.factor) * x, Number(s.factor))),
    elementwise.Negate: curve(lambda _, x, y: (-x, Number(-1))),
    elementwise.Exp: curve(lambda _, x, y: (call("exp", x), y)),
    elementwise.Log: curve(lambda _, x, y: (call("ln", x), 1 / x)),
    elementwise.Square: curve(lambda _, x, y: (x**2, 2 * x)),
    elementwise.Sqrt: curve(lambda _, x, y: (call("sqrt", x), 1 / (2 * y))),
    elementwise.Abs: curve(lambda _, x, y: (Abs(x), call("sign", x))),
    rectifiers.LeakyReLU: curve(
        lambda r, x, y: (
            positive(x, x, Number(r.negative_slope) * x),
            positive(x, 1, r.negative_slope),
        )
    ),
    rectifiers.ChannelSlope: _channel_slope,
    rectifiers.ELU: curve(_elu),
    rectifiers.SELU: curve(_selu),
    clipped.Hardtanh: curve(lambda c, x, y: _bounded(c.min_val, c.max_val, x)),
    clipped.ReLU6: curve(lambda c, x, y: _bounded(0.0, 6.0, x)),
    bounds.Clamp: curve(_clamped),
    gated.SiLU: curve(_silu),
    gated.GELU: _gelu,
    gated.Mish: _mish,
    gated.Hardswish: curve(_hardswish),
    smooth.Softplus: curve(_softplus),
    smooth.LogSigmoid: curve(lambda _, x, y: (call("ln", call(_SIGMOID, x)), 1 - call("exp", y))),
    smooth.Softsign: curve(lambda _, x, y: (x / (1 + Abs(x)), 1 / (1 + Abs(x)) ** 2)),
    dropout.Dropout: _dropout,
    random_like.RandLike: drawn("u", "uniform", 0, 1),
    random_like.RandnLike: drawn("ε", "normal", 0, 1),
}
