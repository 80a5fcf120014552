"""How a function becomes a layer: recorded on an expression, run on an array."""

from __future__ import annotations

from typing import Any

from npnet.layers.base import Layer

__all__ = ["apply"]


def apply(kind: Any, operands: tuple[Any, ...], *arguments: Any, **options: Any) -> Any:
    """Record the layer on an expression, or compute it on arrays and keep nothing."""
    layer: Layer = kind(*arguments, **options)
    return layer(*operands)
