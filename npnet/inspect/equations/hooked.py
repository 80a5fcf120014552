"""Equations of the steps at which a Module's hooks are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from npnet.hooks.backward import Entry, Exit
from npnet.hooks.forward import ForwardHooks
from npnet.hooks.step import HookStep
from npnet.inspect.equations.rule import Formula, Maker, Operands
from npnet.inspect.expressions import Expr, Gradient, Partial, Symbol, call

__all__ = ["FORMULAS"]

_HOOK = "hook"


def _forward(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """State that forward hooks see what passes, and may replace it."""
    slopes = {role: Partial(Symbol(_HOOK), x) for role, x in o.items() if isinstance(x, Symbol)}
    pairs = zip(slopes.items(), outputs, strict=False)
    gradients: dict[str, Expr] = {role: Gradient(y) * slope for (role, slope), y in pairs}
    return Formula([call(_HOOK, x) for x in o.values()], gradients)


def _backward(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """State that backward hooks see the gradients of what passes, and may replace them."""
    pairs = zip(o, outputs, strict=True)
    gradients: dict[str, Expr] = {role: call(_HOOK, Gradient(y)) for role, y in pairs}
    return Formula([*o.values()], gradients)


def _passing(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """State that what passes stays as it is."""
    return Formula([*o.values()], {r: Gradient(y) for r, y in zip(o, outputs, strict=True)})


FORMULAS: dict[type, Maker] = {
    ForwardHooks: _forward,
    Entry: _backward,
    Exit: _backward,
    HookStep: _passing,
}
