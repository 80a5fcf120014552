"""Clock: when anything changed that plans are made of, and what was done while one was made."""

from __future__ import annotations

import threading

__all__ = ["effects", "structure"]


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


class Effects(threading.local):
    """How often the calling thread has drawn random numbers or taken a Parameter's to itself.

    A forward that does so while it is traced has to do it in every call.
    """

    count = 0


effects = Effects()
