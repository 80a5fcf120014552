"""Equations of losses of each number, left, averaged or added up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from npnet.functional.weighted import Weighted
from npnet.inspect.equations.rule import Formula, Maker, Operands, count_of, ndim_of
from npnet.inspect.expressions import (
    Abs,
    Cases,
    Condition,
    Expr,
    Gradient,
    Number,
    Reduction,
    Symbol,
    as_expr,
    call,
)
from npnet.layers import binary, divergence, regression

__all__ = ["FORMULAS"]


def reduced(kind: str, loss: Expr, slopes: Mapping[str, Expr], x: Any, y: Symbol) -> Formula:
    """Return the formula of what a reduction makes of losses of the shape of x."""
    value, divisor = loss, as_expr(1)
    if ndim_of(x) and kind == "mean":
        value, divisor = Reduction("mean", loss), count_of(x)
    elif ndim_of(x) and kind == "batchmean":
        divisor = count_of(x, (0,))
        value = Reduction("sum", loss) / divisor
    elif ndim_of(x) and kind == "sum":
        value = Reduction("sum", loss)
    local = {role: slope / divisor for role, slope in slopes.items()}
    return Formula([value], {r: Gradient(y) * slope for r, slope in local.items()}, local)


def pointwise(function: Callable[..., tuple[Expr, Expr, Expr]]) -> Maker:
    """Return the formula of a loss and its slopes by x and by target, for each number."""

    def formula(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
        loss, by_x, by_target = function(layer, o.x, o.target)
        slopes = {"x": by_x, "target": by_target}
        return reduced(layer.reduction, loss, slopes, _shaped(o), outputs[0])

    return formula


def _shaped(o: Operands) -> Any:
    """Return an operand whose shape is known, where one is."""
    return o.x if isinstance(o.x, Symbol) else o.target


def _difference(function: Callable[..., tuple[Expr, Expr]]) -> Maker:
    """Return the formula of a loss of x - target."""

    def both(layer: Any, x: Any, target: Any) -> tuple[Expr, Expr, Expr]:
        loss, slope = function(layer, x - target)
        return loss, slope, -slope

    return pointwise(both)


def _absolute(layer: Any, error: Expr) -> tuple[Expr, Expr]:
    """Absolute error."""
    return Abs(error), call("sign", error)


def _smooth_l1(layer: Any, error: Expr) -> tuple[Expr, Expr]:
    """Absolute error, quadratic below beta."""
    if not layer.beta:
        return _absolute(layer, error)
    beta = Number(layer.beta)
    small = Condition(Abs(error), "<", beta)
    loss = Cases(small, error**2 / (2 * beta), Abs(error) - beta / 2)
    return loss, Cases(small, error / beta, call("sign", error))


def _huber(layer: Any, error: Expr) -> tuple[Expr, Expr]:
    """Half the squared error, linear above delta."""
    delta = Number(layer.delta)
    small = Condition(Abs(error), "<=", delta)
    loss = Cases(small, error**2 / 2, delta * (Abs(error) - delta / 2))
    return loss, Cases(small, error, delta * call("sign", error))


def _factor(layer: Any, name: str = "weight") -> Expr:
    """Return a buffer that losses are multiplied with, 1 where there is none."""
    buffer = getattr(layer, name)
    return Number(1) if buffer is None else Symbol(name, buffer.shape)


def _bce(layer: Any, x: Any, target: Any) -> tuple[Expr, Expr, Expr]:
    """Binary cross-entropy of probabilities."""
    log, other = call("ln", x), call("ln", 1 - x)
    weight = _factor(layer)
    loss = -(weight * (target * log + (1 - target) * other))
    by_x = weight * ((x - target) / (x * (1 - x)))
    return loss, by_x, weight * (other - log)


def _bce_with_logits(layer: Any, x: Any, target: Any) -> tuple[Expr, Expr, Expr]:
    """Binary cross-entropy of logits."""
    weight, p = _factor(layer), _factor(layer, "pos_weight")
    probability = call("σ", x)
    log, other = call("ln", probability), call("ln", 1 - probability)
    loss = -(weight * (p * target * log + (1 - target) * other))
    if p == Number(1):
        return loss, weight * (probability - target), -(weight * x)
    by_x = weight * ((1 + (p - 1) * target) * probability - p * target)
    return loss, by_x, weight * (other - p * log)


def _divergence(layer: Any, x: Any, target: Any) -> tuple[Expr, Expr, Expr]:
    """Kullback-Leibler divergence."""
    if layer.log_target:
        share = call("exp", target)
        return share * (target - x), -share, share * (target - x + 1)
    log = call("ln", target)
    return target * (log - x), -target, log - x + 1


def _weighted(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Losses times a weight each."""
    (y,), losses, weight = outputs, o.losses, o.weight
    if layer.reduction != "mean" or not layer.by_weight:
        slopes = {"losses": weight, "weight": losses}
        return reduced(layer.reduction, weight * losses, slopes, losses, y)
    whole: Expr = Reduction("sum", weight)
    local = {"losses": weight / whole, "weight": (losses - y) / whole}
    value = Reduction("sum", weight * losses) / whole
    return Formula([value], {r: Gradient(y) * slope for r, slope in local.items()}, local)


FORMULAS: dict[type, Maker] = {
    regression.MSELoss: _difference(lambda _, e: (e**2, 2 * e)),
    regression.L1Loss: _difference(_absolute),
    regression.SmoothL1Loss: _difference(_smooth_l1),
    regression.HuberLoss: _difference(_huber),
    binary.BCELoss: pointwise(_bce),
    binary.BCEWithLogitsLoss: pointwise(_bce_with_logits),
    divergence.KLDivLoss: pointwise(_divergence),
    Weighted: _weighted,
}
