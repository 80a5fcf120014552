"""Index: what ``x[...]`` records."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npnet.execution import real_array
from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["Index"]


class Index(Layer):
    """What stands in an array at an index.

    Equation: y = x[index]; dx = 0, with dy added at [index], once for each time a place is read

    Shapes: x any; y as torch indexes: an integer takes its axis away, a slice shortens it, None
    inserts one of length 1, ``...`` stands for all that is not named; an array or list of integers
    puts its own axes in the place of its axis. Several arrays broadcast together; where axes stand
    between theirs, the arrays' axes come first.

    Parameters
    ----------
    index : int, slice, None, Ellipsis, array or list of integers, or a tuple of these
        As it stands in ``x[index]``. Negative integers count from the end.

    Errors
    ------
    TypeError
        For anything else: a place must be known before there are numbers. What depends on numbers
        is looked up by `Embedding`, or where an array of booleans is known, by
        ``np.flatnonzero(mask)``.
    IndexError
        For an x in which the place is not, for more than one ``...``, and for arrays that do not
        broadcast together.
    ValueError
        For a slice with step 0.

    Source: torch.Tensor.__getitem__.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> Index((0, slice(1, None)))(x).tolist()
    [2.0, 3.0]
    >>> rows = Index([1, 0, 1])
    >>> rows(x).shape, rows.backward(np.ones((3, 3))).tolist()
    ((3, 3), [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    """

    backward_reads = frozenset()
    moves = True

    def __init__(self, index: Any) -> None:
        super().__init__()
        parts = index if isinstance(index, tuple) else (index,)
        self.index = tuple(self._part(part) for part in parts)
        if sum(part is Ellipsis for part in self.index) > 1:
            raise IndexError(f"{self._who}: expected one ... at most, got [{self.extra_repr()}]")

    def _part(self, part: Any) -> Any:
        """Return one part of an index: integers and slices of Python's, or an array."""
        if part is None or part is Ellipsis:
            return part
        if isinstance(part, slice):
            return self._slice(part)
        is_list = isinstance(part, (list, tuple))
        if is_list or (isinstance(part, np.ndarray) and part.ndim):
            array = real_array(part, self._who, "an index")
            array = array.astype(np.int64) if is_list and not array.size else array
            if array.dtype.kind not in "iu":
                raise TypeError(
                    f"{self._who}: expected arrays of integers, got {array.dtype}; for booleans "
                    "np.flatnonzero(mask)"
                )
            return array.astype(np.int64)
        try:
            if not isinstance(part, (bool, np.bool_)):
                return operator.index(part)
        except TypeError:
            pass
        raise TypeError(
            f"{self._who}: expected integers, slices, None, ... and arrays of integers, got "
            f"{type(part).__name__}; a tape is recorded before there are numbers, so that places "
            "do not hang on any"
        )

    def _slice(self, part: slice) -> slice:
        """Return a slice of Python's integers."""
        try:
            start, stop, step = (
                None if n is None else operator.index(n) for n in (part.start, part.stop, part.step)
            )
        except TypeError:
            raise TypeError(
                f"{self._who}: expected a slice of integers, got {slice_text(part)}"
            ) from None
        if step == 0:
            raise ValueError(f"{self._who}: expected a step other than 0, got {slice_text(part)}")
        return slice(start, stop, step)

    @property
    def repeats(self) -> bool:
        """Whether there are arrays, which may name a place more than once."""
        return any(isinstance(part, np.ndarray) for part in self.index)

    def split(self, ndim: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the index of a view of an array of `ndim` axes, and that of arrays in the view."""
        parts = list(self.index)
        named = sum(part is not None and part is not Ellipsis for part in parts)
        place = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
        if place is not None:
            parts[place : place + 1] = [slice(None)] * (ndim - named)
        view: list[Any] = []
        arrays: list[Any] = []
        for part in parts:
            taken = isinstance(part, np.ndarray)
            view.append(slice(None) if taken else part)
            if not isinstance(part, int):
                arrays.append(part if taken else slice(None))
        return tuple(view), tuple(arrays)

    def at(self, array: Array) -> Array:
        """Return what stands in an array at this index: a view where there are no arrays."""
        view, arrays = self.split(array.ndim)
        # `...` last makes a view of a single number too.
        found: Array = array[(*view, ...)]
        return found[arrays] if self.repeats else found

    def infer(self, x: Spec) -> Spec:
        """Index nothing of this shape."""
        named = sum(part is not None and part is not Ellipsis for part in self.index)
        reason = f"it has {len(x.shape)} axes"
        if named <= len(x.shape):
            try:
                return Spec(self.at(np.broadcast_to(np.False_, x.shape)).shape, x.dtype)
            except IndexError as error:
                reason = str(error)
        raise IndexError(
            f"{self._who}: expected an x that has [{self.extra_repr()}], got shape {x.shape}; "
            f"{reason}"
        )

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Return the places that arrays name, as numbers of x in C order."""
        if not self.repeats:
            return {}
        return {
            "places": np.ascontiguousarray(self.at(np.arange(math.prod(x.shape)).reshape(x.shape)))
        }

    def forward_calls(self, x: Array, *, out: Array, scratch: Any) -> Iterator[Call]:
        """Write y = x[index]."""
        if self.repeats:
            yield partial(x.reshape(-1).take, scratch.places, out=out, mode="clip")
        else:
            yield partial(np.copyto, out, self.at(x))

    def backward_calls(
        self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any
    ) -> Iterator[Call]:
        """Write dx = 0, with dy added at [index]."""
        yield partial(dx.fill, 0.0)
        yield from self.adding_calls(dy, x, y, dx=dx, scratch=scratch)

    def adding_calls(
        self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any
    ) -> Iterator[Call]:
        """Add dy at [index]; so the pieces of x together cost one pass over dx."""
        if self.repeats:
            yield partial(np.add.at, dx.reshape(-1), scratch.places.reshape(-1), dy.reshape(-1))
        else:
            place = self.at(dx)
            yield partial(np.add, place, dy, place)

    def extra_repr(self) -> str:
        """Return the index as one writes it."""
        words = [part_text(part) for part in self.index]
        return ", ".join(words) if words else "()"


def slice_text(part: slice) -> str:
    """Write a slice as it stands in brackets."""
    first, last, step = ("" if n is None else str(n) for n in (part.start, part.stop, part.step))
    return f"{first}:{last}" + f":{step}" * bool(step)


def part_text(part: Any) -> str:
    """Write one part of an index."""
    if isinstance(part, slice):
        return slice_text(part)
    if isinstance(part, np.ndarray):
        few = part.size <= 8
        return str(part.tolist()) if few else f"{part.size} integers of shape {part.shape}"
    return "..." if part is Ellipsis else str(part)
