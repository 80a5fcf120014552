"""Words: MT19937's stream of 32-bit numbers, which all draws are made of."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Place", "Words"]

#: Where a stream can start: a seed, or a state of NumPy's RandomState.
Start: TypeAlias = int | dict[str, Any]
#: A place in a stream: a start, and how many words after it.
Place: TypeAlias = tuple[Start, int]

# Words after which a new start is taken: going back to a place draws at most so many again, in
# 50 ms, while copying a state for every place that may be asked for takes 10 µs each.
REACH = 2**24
SKIPPED = 2**16  # words at a time


class Words:
    """The words that belong to a seed from 0 to 2**32 - 1, in order.

    NumPy's generator is made when the first word is drawn: importing npnet does not load
    numpy.random.

    Source: M. Matsumoto, T. Nishimura, Mersenne Twister (1998); numpy.random.RandomState.

    Examples
    --------
    >>> words = Words(5489)
    >>> words.draw(2).tolist()
    [3499211612, 581869302]
    """

    __slots__ = ("_drawn", "_source", "_start")

    def __init__(self, seed: int) -> None:
        self._start: Start = seed
        self._drawn = 0
        self._source: Any = None

    def draw(self, count: int) -> NDArray[np.uint32]:
        """Take the next words."""
        words: NDArray[np.uint32] = self._at_place().randint(0, 2**32, count, dtype=np.uint32)
        self._drawn += count
        if self._drawn > REACH:
            self._start, self._drawn = self._source.get_state(legacy=False), 0
        return words

    @property
    def place(self) -> Place:
        """Where the next word is; assigning goes there, for no more than the assignment."""
        return self._start, self._drawn

    @place.setter
    def place(self, place: Place) -> None:
        self._start, self._drawn = place
        self._source = None

    @property
    def state(self) -> dict[str, Any]:
        """The place as NumPy's RandomState has it.

        Assigning goes there: KeyError, TypeError or ValueError for what is no state.
        """
        state: dict[str, Any] = self._at_place().get_state(legacy=False)
        return state

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        source = np.random.RandomState(0)
        source.set_state(state)
        self._start, self._drawn, self._source = source.get_state(legacy=False), 0, source

    def _at_place(self) -> Any:
        """Return NumPy's generator, made and brought to the place if it is not there."""
        if self._source is None:
            start = self._start
            source = np.random.RandomState(0 if isinstance(start, dict) else start)
            if isinstance(start, dict):
                source.set_state(start)
            for taken in range(0, self._drawn, SKIPPED):
                source.randint(0, 2**32, min(SKIPPED, self._drawn - taken), dtype=np.uint32)
            self._source = source
        return self._source
