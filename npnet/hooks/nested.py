"""Nested values: tuples, lists and dicts of what is on a tape and what is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from npnet.expression import Expression
from npnet.tape import Constant

__all__ = ["Place", "leaves", "mapped", "matched"]


class Place:
    """Stands for the operand of this number in a nested value."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return a nested value with the function of every Expression, Place and Constant in it."""
    if isinstance(value, (Expression, Place, Constant)):
        return function(value)
    if isinstance(value, dict):
        other = copy.copy(value)
        other.update({key: mapped(part, function) for key, part in value.items()})
        return other
    if isinstance(value, (tuple, list)):
        parts = [mapped(part, function) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def leaves(value: Any) -> list[Expression]:
    """Return the Expressions in a nested value, in order."""
    found: list[Expression] = []
    mapped(value, lambda leaf: found.append(leaf) if isinstance(leaf, Expression) else None)
    return found


def matched(template: Any, value: Any) -> dict[int, Any]:
    """Return what stands in a nested value at the template's Places, by their numbers.

    Errors
    ------
    ValueError
        Where `value` is built otherwise, or differs in what is no Place.
    """
    if isinstance(template, Place):
        return {template.number: value}
    found: dict[int, Any] = {}
    if isinstance(template, dict):
        if not isinstance(value, dict) or list(value) != list(template):
            raise ValueError(f"expected a dict with keys {list(template)}, got {_said(value)}")
        for key, part in template.items():
            found |= matched(part, value[key])
    elif isinstance(template, (tuple, list)) and not isinstance(template, Constant):
        if not isinstance(value, (tuple, list)) or len(value) != len(template):
            kind = type(template).__name__
            raise ValueError(f"expected a {kind} of {len(template)}, got {_said(value)}")
        for part, new in zip(template, value, strict=True):
            found |= matched(part, new)
    elif not _same(template, value):
        raise ValueError(f"expected {template!r} as it was, got {_said(value)}")
    return found


def _same(old: Any, new: Any) -> bool:
    """Whether what is not on the tape has stayed."""
    if old is new or (isinstance(old, Constant) and old.array is new):
        return True
    arrays = isinstance(old, np.ndarray) or isinstance(new, np.ndarray)
    return not arrays and type(old) is type(new) and bool(old == new)


def _said(value: Any) -> str:
    """Say in a message what a hook returned."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"keys {list(value)}" if isinstance(value, dict) else repr(value)
