"""Rules: the formula of every layer, and of those that nobody has stated one for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from npnet.inspect.equations import (
    arithmetic,
    categorical,
    elementwise,
    hooked,
    linear,
    normalization,
    pointwise,
)
from npnet.inspect.equations.rule import Formula, Maker, Operands, Rule
from npnet.inspect.expressions import Call, Expr, Gradient, Partial, Symbol
from npnet.parameter import Array

__all__ = ["FORMULAS", "formula_of", "rule_of"]

#: What states the formula of a layer; those that inherit its kernels have its formula.
FORMULAS: dict[type, Maker] = (
    elementwise.FORMULAS
    | arithmetic.FORMULAS
    | linear.FORMULAS
    | pointwise.FORMULAS
    | categorical.FORMULAS
    | normalization.FORMULAS
    | hooked.FORMULAS
)


def rule_of(
    layer: Any,
    operands: Mapping[str, Expr],
    outputs: Sequence[Symbol],
    known: Mapping[str, Array] | None = None,
    arrives: Sequence[bool] | None = None,
) -> Rule:
    """Return the equations of a layer.

    Parameters
    ----------
    layer : Layer
    operands : mapping from role ("x", "weight") to Symbol, or to a Number that is constant
    outputs : Symbols
    known : mapping from role to array, optional
        Values: a few equations hang on them, as that of a loss on which labels are ignored.
    arrives : sequence of bool, optional
        For which outputs a gradient arrives; by default for all.

    Examples
    --------
    >>> import npnet
    >>> from npnet.inspect.rendering import text
    >>> w, x, p = (Symbol(name, ()) for name in "wxp")
    >>> rule = rule_of(npnet.layers.Multiply(), {"a": w, "b": x}, [p])
    >>> text(rule.forward[0]), text(rule.local["a"][0]), text(rule.backward["a"])
    ('p = w·x', '∂p/∂w = x', 'dw = dp·x')
    """
    given = Operands(operands, known, arrives)
    return formula_of(layer, given, outputs).rule(given, outputs)


def formula_of(layer: Any, operands: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Return what is stated of a layer, or of the class it inherits its kernels from."""
    for kind in type(layer).__mro__:
        if kind in FORMULAS:
            return FORMULAS[kind](layer, operands, outputs)
        if {"forward_kernel", "forward_calls"} & kind.__dict__.keys():
            break
    return _unknown(layer, operands, outputs)


def _unknown(layer: Any, operands: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Name what a layer does after its class."""
    name = type(layer).__name__
    value = Call(name, tuple(operands.values()))
    slopes = {
        role: tuple(Partial(Symbol(name), operand) for _ in outputs)
        for role, operand in operands.items()
        if isinstance(operand, Symbol)
    }
    gradients = {role: Gradient(outputs[0]) * s[0] for role, s in slopes.items()}
    return Formula([value] * len(outputs), gradients, slopes)
