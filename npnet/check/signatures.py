"""Signatures: whether kernels can be called as a plan calls them."""

from __future__ import annotations

import inspect
from typing import Any

from npnet.layers.base import Layer
from npnet.module import Module

__all__ = ["check_signatures"]

_KEYWORDS = ("out", "scratch")


def check_signatures(module: Module, who: str) -> None:
    """Raise a TypeError, with the right signature, for a kernel that no plan can call.

    Examples
    --------
    >>> import npnet
    >>> class Twice(npnet.Elementwise):
    ...     def forward_kernel(self, x, out): ...
    >>> check_signatures(Twice(), "check_layer")
    Traceback (most recent call last):
        ...
    TypeError: check_layer: Twice.forward_kernel cannot be called as a plan does; write \
def forward_kernel(self, x, *, out, scratch)
    """
    for layer in module.modules():
        if not isinstance(layer, Layer):
            continue
        for suffix in ("kernel", "calls"):
            for direction in ("forward", "backward"):
                name = f"{direction}_{suffix}"
                if not _binds(layer, name, direction):
                    raise TypeError(
                        f"{who}: {type(layer).__name__}.{name} cannot be called as a plan does; "
                        f"write def {name}({_right(layer, direction)})"
                    )


def _operands(layer: Layer) -> list[str]:
    """Return the operands' names, without what is given by keyword."""
    return [name for name in layer.operand_names if name not in _KEYWORDS]


def _binds(layer: Layer, name: str, direction: str) -> bool:
    """Whether a kernel takes the arguments that a plan gives it."""
    if set(_KEYWORDS) & set(layer.operand_names):
        return False
    operands, own = _operands(layer), getattr(layer, name)
    given: dict[str, Any] = dict.fromkeys(_KEYWORDS)
    positional: list[Any] = [None] * len(operands)
    if direction == "backward":
        positional = [None, *positional, None]
        given = {"scratch": None, **dict.fromkeys(f"d{operand}" for operand in operands)}
    try:
        inspect.signature(own).bind(*positional, **given)
    except TypeError:
        return False
    return True


def _right(layer: Layer, direction: str) -> str:
    """Return the arguments of a kernel as a program writes them."""
    operands = _operands(layer)
    if direction == "backward":
        gradients = ", ".join(f"d{operand}" for operand in operands)
        return f"self, dy, {', '.join(operands)}, y, *, {gradients}, scratch"
    if layer.variadic:
        *fixed, last = operands
        return ", ".join(["self", *fixed, f"*{last}", *_KEYWORDS])
    return ", ".join(["self", *operands, "*", *_KEYWORDS])
