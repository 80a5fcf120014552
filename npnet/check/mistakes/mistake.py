"""Mistake: one wrong layer or function, and the words that name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Mistake", "Right"]


class Mistake(NamedTuple):
    """A backward pass that is wrong in one way.

    `layer` makes a Layer, `function` is a plain function (or a pair), one of the two; `operands`
    are what it is checked on; `words` must stand in the likely mistake that the report names.
    """

    family: str
    what: str
    words: str
    operands: tuple[Any, ...]
    function: Any = None
    layer: Callable[[], Any] | None = None

    @property
    def form(self) -> str:
        """How it is written."""
        return "layer" if self.layer else "function"


class Right(NamedTuple):
    """A backward pass that is right, which must not be accused; `operands` draws sizes."""

    family: str
    operands: Callable[[Any], tuple[Any, ...]]
    function: Any = None
    layer: Callable[[], Any] | None = None
