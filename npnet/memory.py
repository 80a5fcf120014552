"""Arena: which arrays of a plan may live in the same bytes."""

from __future__ import annotations

import numpy as np

from npnet.kernel import Spec
from npnet.parameter import Array

__all__ = ["Arena"]

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


class Arena:
    """Blocks of memory, laid out before any is allocated.

    `take` asks for a block that is free from now on, `give` frees one for later takers; a free
    block that is too small grows. Nothing is allocated until `view` is first called, so a chain of
    layers that hands two blocks to and fro takes the two largest arrays and no more.
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._free: set[int] = set()
        self._memory: list[Array] | None = None

    def take(self, spec: Spec) -> int:
        """Return a block large enough for `spec`: the smallest that fits, or the largest, grown."""
        size = spec.nbytes
        fitting = [block for block in self._free if self._sizes[block] >= size]
        if fitting:
            block = min(fitting, key=lambda b: (self._sizes[b], b))
        elif self._free:
            block = max(self._free, key=lambda b: (self._sizes[b], b))
            self._sizes[block] = size
        else:
            block = len(self._sizes)
            self._sizes.append(size)
        self._free.discard(block)
        return block

    def give(self, block: int) -> None:
        """Free a block for later takers."""
        self._free.add(block)

    def view(self, block: int, spec: Spec) -> Array:
        """Return the array of a block, in C order; its numbers are arbitrary."""
        if self._memory is None:
            self._memory = [_aligned(size) for size in self._sizes]
        memory = self._memory[block]
        return memory[: spec.nbytes].view(spec.dtype).reshape(spec.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks together."""
        return sum(self._sizes)


def _aligned(size: int) -> Array:
    """Return `size` uninitialized bytes that start on a cache line."""
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size]
