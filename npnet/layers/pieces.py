"""Functions that cut one value into several, which are methods of every expression too.

Each piece is an `Index`, so that a gradient arrives where its piece was. How many there are hangs
on a length: in a Module it is known, on a tape built by hand it is not, and they raise Node's
AttributeError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from npnet.expression import add_methods
from npnet.layers.indexing import Index
from npnet.layers.sizes import axis_within, integer_number
from npnet.parameter import Parameter
from npnet.tape import Node

__all__ = ["chunk", "split", "unbind"]


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return pieces of a length along an axis, the last one shorter, or of several lengths.

    Errors
    ------
    ValueError
        For a negative length, for 0 along an axis that has places, and for lengths that do not
        add up to the axis's.

    Examples
    --------
    >>> import npnet
    >>> [piece.tolist() for piece in npnet.split([1.0, 2.0, 3.0], 2)]
    [[1.0, 2.0], [3.0]]
    >>> [piece.tolist() for piece in npnet.split([1.0, 2.0, 3.0], [1, 2])]
    [[1.0], [2.0, 3.0]]
    """
    axis, shape = _axis("split", tensor, dim)
    asked, length = split_size_or_sections, shape[axis]
    if isinstance(asked, (list, tuple)):
        sizes = [integer_number(size, "split", "a length") for size in asked]
        fits = min(sizes, default=0) >= 0 and sum(sizes) == length
        rule = f"lengths that add up to {length}"
    else:
        size = integer_number(asked, "split", "a length")
        fits, rule = size > 0 or size == length, "a length > 0"
        sizes = [min(size, length - at) for at in range(0, length, max(size, 1))] or [0]
    if not fits:
        raise ValueError(f"split: expected {rule}, got {asked}; axis {dim} is of shape {shape}")
    return tuple(_pieces(tensor, axis, sizes))


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Return so many pieces along an axis, all as long as the first but for the last.

    Where the length allows no such pieces there are fewer, as in torch: 5 in 4 are 2, 2 and 1.

    Errors
    ------
    ValueError
        For less than one piece.

    Examples
    --------
    >>> import npnet
    >>> [piece.tolist() for piece in npnet.chunk([[1.0, 2.0, 3.0, 4.0]], 2, dim=-1)]
    [[[1.0, 2.0]], [[3.0, 4.0]]]
    """
    count = integer_number(chunks, "chunk", "chunks")
    if count < 1:
        raise ValueError(f"chunk: expected one piece or more, got {chunks}")
    axis, shape = _axis("chunk", input, dim)
    length = shape[axis]
    return split(input, -(-length // count) if length else [0] * count, dim)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return what stands at each place of an axis, without the axis.

    Examples
    --------
    >>> import npnet
    >>> [row.tolist() for row in npnet.unbind([[1.0, 2.0], [3.0, 4.0]])]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    axis, shape = _axis("unbind", input, dim)
    before = (slice(None),) * axis
    return tuple([Index((*before, place))(input) for place in range(shape[axis])])


def iterate(input: Any) -> Iterator[Any]:
    """Yield what stands at each place of the first axis."""
    return iter(unbind(input))


def _axis(who: str, value: Any, dim: int) -> tuple[int, tuple[int, ...]]:
    """Return an axis of a value as a number from 0, and the value's shape."""
    shape = value.shape if isinstance(value, (Node, Parameter)) else np.shape(value)
    return axis_within(integer_number(dim, who, "dim"), len(shape), who, shape), shape


def _pieces(value: Any, axis: int, sizes: Iterable[int]) -> Iterator[Any]:
    """Yield pieces of these lengths, one after the other."""
    start, before = 0, (slice(None),) * axis
    for size in sizes:
        yield Index((*before, slice(start, start + size)))(value)
        start += size


add_methods(__iter__=iterate, chunk=chunk, split=split, unbind=unbind)
