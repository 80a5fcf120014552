"""Clock: when anything changed that plans are made of."""

from __future__ import annotations

__all__ = ["structure"]


class Clock:
    """Marks changes of structure anywhere: what was planned at another time is checked again."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = object()

    def tick(self) -> None:
        """Say that a storage moved, a module changed, or gradients were switched on or off."""
        # An object of its own, compared by identity: a count could be set back by another thread.
        self.now = object()


structure = Clock()
