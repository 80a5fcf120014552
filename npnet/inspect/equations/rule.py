"""Rule: the equations of one step; Formula: what is stated of a layer to get them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from npnet.inspect.expressions import (
    Equation,
    Expr,
    Gradient,
    Number,
    Partial,
    Reduction,
    Symbol,
)
from npnet.parameter import Array

__all__ = ["Formula", "Maker", "Operands", "Rule", "count_of", "gathered", "ndim_of"]


@dataclass(frozen=True)
class Rule:
    """The equations of one step, in the names of its operands and outputs.

    Attributes
    ----------
    forward : tuple of Equation
        One an output: p = w·x.
    where : tuple of Equation
        What else stands in them: μ = mean(x).
    local : dict from role to a tuple of Equation or None
        The local derivative by an operand, one an output: ∂p/∂w = x. None where it is no array of
        numbers that one writes down, such as that of a matrix product.
    backward : dict from role to Equation
        What an operand's gradient receives: dw = dp·x. Roles as `Operand.role`.
    """

    forward: tuple[Equation, ...]
    where: tuple[Equation, ...]
    local: Mapping[str, tuple[Equation | None, ...]]
    backward: Mapping[str, Equation]


class Operands(dict[str, Any]):
    """A step's operands by role, as expressions; an attribute is one of them, None where absent.

    Parameters
    ----------
    operands : mapping from role to Expr
    known : mapping from role to array, optional
        Their values, where they are known.
    arrives : sequence of bool, optional
        For which outputs a gradient arrives; by default for all.
    """

    def __init__(
        self,
        operands: Mapping[str, Expr],
        known: Mapping[str, Array] | None = None,
        arrives: Sequence[bool] | None = None,
    ) -> None:
        super().__init__(operands)
        self.known = dict(known or {})
        self.arrives = arrives

    def __getattr__(self, role: str) -> Any:
        """Return the operand of a role."""
        return self.get(role)


@dataclass(frozen=True)
class Formula:
    """What is stated of a layer: right sides.

    Attributes
    ----------
    values : one an output
    gradients : by role, in the Gradients of the outputs
    local : by role, for a layer of one output or a tuple with one an output
    where : names for parts, in order
    """

    values: Sequence[Expr]
    gradients: Mapping[str, Expr]
    local: Mapping[str, Expr | tuple[Expr | None, ...]] = field(default_factory=dict)
    where: Sequence[Equation] = ()

    def rule(self, operands: Operands, outputs: Sequence[Symbol]) -> Rule:
        """Return the equations, for the operands that are no numbers."""
        local: dict[str, tuple[Equation | None, ...]] = {}
        backward: dict[str, Equation] = {}
        for role, operand in operands.items():
            if not isinstance(operand, Symbol) or role not in self.gradients:
                continue
            found = self.local.get(role)
            sides = found if isinstance(found, tuple) else (found,) * len(outputs)
            local[role] = tuple(
                None if side is None else Equation(Partial(y, operand), side)
                for y, side in zip(outputs, sides, strict=True)
            )
            backward[role] = Equation(Gradient(operand), self.gradients[role])
        pairs = zip(outputs, self.values, strict=True)
        forward = tuple(Equation(y, value) for y, value in pairs)
        return Rule(forward, tuple(self.where), local, backward)


#: What states the formula of a layer: (layer, operands, outputs).
Maker: TypeAlias = Callable[[Any, Operands, Sequence[Symbol]], Formula]


def ndim_of(x: Any) -> int:
    """Return the number of axes, 2 where the shape is not known."""
    shape = x.shape if isinstance(x, Symbol) else ()
    return 2 if shape is None else len(shape)


def count_of(x: Any, axes: Sequence[int] | None = None) -> Expr:
    """Return how many numbers there are, along some axes or in all; N where it is not known."""
    shape = x.shape if isinstance(x, Symbol) else ()
    if shape is None:
        return Symbol("N", ())
    return Number(math.prod(shape if axes is None else [shape[axis] for axis in axes]))


def gathered(gradient: Expr, x: Any, y: Symbol) -> Expr:
    """Return a gradient of y's shape, summed over the axes along which x was broadcast to it.

    Examples
    --------
    >>> from npnet.inspect.rendering import text
    >>> y, b = Symbol("y", (5, 3)), Symbol("b", (3,))
    >>> text(gathered(Gradient(y), b, y))
    'sum(dy, axis 0)'
    """
    if not isinstance(x, Symbol) or x.shape is None or y.shape is None or x.shape == y.shape:
        return gradient
    if not x.shape:
        return Reduction("sum", gradient)
    extra = len(y.shape) - len(x.shape)
    stretched = [i for i, n in enumerate(x.shape, extra) if n == 1 != y.shape[i]]
    return Reduction("sum", gradient, (*range(extra), *stretched), shape=x.shape)
