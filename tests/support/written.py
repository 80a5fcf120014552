"""The equations of a layer, written as text."""

from __future__ import annotations

from typing import Any

from npnet.inspect.equations import rule_of
from npnet.inspect.expressions import Symbol
from npnet.inspect.rendering import text

__all__ = ["written"]


def written(layer: Any, outputs: Any = ((5, 3),), **shapes: Any) -> list[str]:
    """Return forward, where, local and backward equations; `shapes` are those of the operands."""
    names = "yop" if len(outputs) > 1 else "y"
    symbols = [Symbol(name, shape) for name, shape in zip(names, outputs, strict=False)]
    rule = rule_of(layer, {role: Symbol(role, s) for role, s in shapes.items()}, symbols)
    local = [e for equations in rule.local.values() for e in equations if e is not None]
    return [text(e) for e in (*rule.forward, *rule.where, *local, *rule.backward.values())]
