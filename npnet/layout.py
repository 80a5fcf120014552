"""Layout: the views of strided arrays on which a contraction is a BLAS call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import TypeAlias

__all__ = ["Layout", "View", "product_views", "sum_views"]

#: Letters, shape and strides of an array.
Layout: TypeAlias = tuple[str, tuple[int, ...], tuple[int, ...]]
#: The axes to transpose to and the shape to take then.
View: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]


def sum_views(a: Layout, out: Layout) -> tuple[View, ...]:
    """Return a with the summed axes in front, as rows (N, K) where strides allow, and out."""
    output = out[0]
    summed = "".join(letter for letter in a[0] if letter not in output)
    if output and _merges(summed, a) and _merges(output, a, out):
        return _view(a, [summed, output]), _view(out, [output])
    return _view(a, [*summed, *output]), _view(out, list(output))


def product_views(a: Layout, b: Layout, out: Layout) -> tuple[View, ...]:
    """Return a, b and out as stacks of matrices, none where contracted axes do not merge.

    Free axes that do not merge are batch axes along which the other operand has size 1.
    """
    in_a, in_b, output = a[0], b[0], out[0]
    shared = [letter for letter in in_a if letter in in_b and letter not in output]
    orders = ("".join(shared), "".join(sorted(shared, key=in_b.index)))
    fitting = [order for order in orders if _merges(order, a, b)]
    if not fitting:
        return ()
    batch = [letter for letter in output if letter in in_a and letter in in_b]
    left = "".join(letter for letter in output if letter not in in_b)
    right = "".join(letter for letter in output if letter not in in_a)
    cut_left = next(i for i in range(len(left) + 1) if _merges(left[i:], a, out))
    cut_right = next(i for i in range(len(right) + 1) if _merges(right[i:], b, out))
    lefts, left = left[:cut_left], left[cut_left:]
    rights, right = right[:cut_right], right[cut_right:]
    return (
        _view(a, [*batch, *lefts, *[""] * len(rights), left, fitting[0]]),
        _view(b, [*batch, *[""] * len(lefts), *rights, fitting[0], right]),
        _view(out, [*batch, *lefts, *rights, left, right]),
    )


def _merges(letters: str, *arrays: Layout) -> bool:
    """Whether the axes `letters` of each array lie in memory as one axis, in that order."""
    for term, shape, strides in arrays:
        axes = [axis for axis in map(term.index, letters) if shape[axis] != 1]
        if any(strides[i] != strides[j] * shape[j] for i, j in pairwise(axes)):
            return False
    return True


def _view(array: Layout, groups: Sequence[str]) -> View:
    """Return the axes to transpose to, and the shape that merges each group of letters."""
    term, shape, _ = array
    axes = tuple(map(term.index, "".join(groups)))
    return axes, tuple(prod(shape[term.index(letter)] for letter in group) for group in groups)
