"""Expansion: expressions written out, one put in the place of a symbol of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from npnet.inspect.expressions import Call, Expr, Gradient, Partial, Symbol
from npnet.inspect.recording import Recording

__all__ = ["expansions", "substitute", "symbols_in"]

#: What is drawn at random has its own name, as it is drawn once.
_DRAWN = frozenset({"bernoulli", "normal", "uniform"})


def expansions(recording: Recording, expanded: int) -> dict[Symbol, Expr]:
    """Return what every value comes to in the inputs' names, as far as that is short.

    Parameters
    ----------
    recording : Recording
    expanded : int
        Up to so many symbols and operations.
    """
    known: dict[Symbol, Expr] = {}
    for step in recording.steps:
        rule = step.rule
        own = {e.left: e.right for e in rule.where if isinstance(e.left, Symbol)}
        own = {k: v for k, v in own.items() if not (isinstance(v, Call) and v.function in _DRAWN)}
        own |= {e.left: e.right for e in rule.forward if isinstance(e.left, Symbol)}
        for equation in rule.forward:
            assert isinstance(equation.left, Symbol)
            value = equation.right
            for _ in range(len(own)):
                value = substitute(value, {k: v for k, v in own.items() if k != equation.left})
            known[equation.left] = _written_out(value, known, expanded)
    return known


def _written_out(value: Expr, known: Mapping[Symbol, Expr], expanded: int) -> Expr:
    """Return a value with symbols replaced by what they come to, the longest left as they are."""
    symbols = sorted(symbols_in(value), key=lambda s: known[s].size() if s in known else 0)
    for symbol in symbols:
        if symbol in known:
            longer = substitute(value, {symbol: known[symbol]})
            if longer.size() <= expanded:
                value = longer
    return value


def symbols_in(value: Expr) -> list[Symbol]:
    """Return the symbols of values in an expression, in order.

    Examples
    --------
    >>> x, p = Symbol("x", ()), Symbol("p", ())
    >>> symbols_in(p * x + p)
    [Symbol('p'), Symbol('x')]
    """
    if isinstance(value, (Gradient, Partial)):
        return []
    if isinstance(value, Symbol):
        return [value]
    return list(dict.fromkeys(s for part in value.parts() for s in symbols_in(part)))


def substitute(expression: Expr, values: Mapping[Symbol, Expr]) -> Expr:
    """Return an expression with others in the place of symbols.

    Examples
    --------
    >>> x, p = Symbol("x", ()), Symbol("p", ())
    >>> substitute(p * p, {p: x + 1})
    Product(factors=(Sum(terms=(Symbol('x'), Number(1))), Sum(terms=(Symbol('x'), Number(1)))))
    """
    if isinstance(expression, Symbol):
        return values.get(expression, expression)
    if isinstance(expression, (Gradient, Partial)):
        return expression
    return _mapped(expression, lambda part: substitute(part, values))


def _mapped(expression: Expr, function: Callable[[Expr], Expr]) -> Expr:
    """Return an expression with a function of each part in its place."""
    changed: dict[str, Any] = {}
    for field in fields(expression):
        value = getattr(expression, field.name)
        if isinstance(value, Expr):
            changed[field.name] = function(value)
        elif isinstance(value, tuple) and any(isinstance(part, Expr) for part in value):
            changed[field.name] = tuple(function(part) for part in value)
    return replace(expression, **changed) if changed else expression
