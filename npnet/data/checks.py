"""Checks: numbers that are none, and labels of no class, named by their row."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.data.sources import Source, as_source, gatherer
from npnet.parameter import Array

__all__ = ["check_finite", "check_labels"]

#: How much of an array is looked at in one go, and how many rows a message names.
_BLOCK, _NAMED = 1 << 22, 5


def check_finite(
    array: ArrayLike | Source, name: str = "inputs", rows: Sequence[int] | Array | None = None
) -> None:
    """Raise for NaN and inf, and say in which rows they are.

    Shapes: array (N, ...), of any dtype. It is looked at block by block, so it may be larger than
    memory.

    Parameters
    ----------
    array : array, np.memmap or Source
    name : str, default "inputs"
        What the message calls it.
    rows : sequence of int, optional
        What the message calls the rows: of a batch the numbers of its samples.

    Errors
    ------
    ValueError
        For NaN or inf.

    Examples
    --------
    >>> check_finite(np.zeros((3, 2)))
    >>> check_finite([[0.0, 1.0], [float("nan"), 2.0]], rows=[8, 5])
    Traceback (most recent call last):
    ValueError: expected finite inputs, got nan in row 5; leave this row out or fill it
    """
    whole = as_source(array)
    if whole.dtype.kind not in "fc":
        return
    if whole.ndim == 0:
        whole, rows = whole.reshape(1), None
    wrong: list[int] = []
    found: list[str] = []
    for start, block in _blocks(whole):
        if _plainly_finite(block):
            continue
        flat = block.reshape(len(block), -1)
        bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
        for row in bad[: max(_NAMED - len(wrong), 0)]:
            first = flat[row][~np.isfinite(flat[row])][0]
            found.append(f"{first} in row {_called(start + int(row), rows)}")
        wrong += [start + int(row) for row in bad]
    if wrong:
        more = f" and {len(wrong) - _NAMED} more rows" if len(wrong) > _NAMED else ""
        mend = "leave these rows out or fill them" if wrong[1:] else "leave this row out or fill it"
        raise ValueError(f"expected finite {name}, got {', '.join(found)}{more}; {mend}")


def check_labels(
    labels: ArrayLike,
    classes: int,
    name: str = "targets",
    rows: Sequence[int] | Array | None = None,
) -> None:
    """Raise for labels outside 0, ..., classes - 1, and say in which rows they are.

    Shapes: labels (N, ...), integers.

    Parameters
    ----------
    labels : array
    classes : int
    name : str, default "targets"
        What the message calls them.
    rows : sequence of int, optional
        What the message calls the rows: of a batch the numbers of its samples.

    Errors
    ------
    ValueError
        For a label of no class.
    TypeError
        For labels that are no integers.

    Examples
    --------
    >>> check_labels([0, 2, 1], 3)
    >>> check_labels([0, 3, -1], 3)
    Traceback (most recent call last):
    ValueError: expected targets from 0 to 2, got 3 in row 1, -1 in row 2; there are 3 classes
    """
    given, classes = np.asarray(labels), operator.index(classes)
    if given.dtype.kind not in "iu":
        raise TypeError(f"expected {name} to be integers, got {given.dtype}; use .astype(np.int64)")
    if not given.size or (given.max() < classes and given.min() >= 0):
        return
    wrong = np.argwhere((given < 0) | (given >= classes))
    found = [
        f"{given[tuple(place)]} in row {_called(int(place[0]) if given.ndim else 0, rows)}"
        for place in wrong[:_NAMED]
    ]
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    raise ValueError(
        f"expected {name} from 0 to {classes - 1}, got {', '.join(found)}{more}; "
        f"there are {classes} classes"
    )


def _blocks(whole: Any) -> Iterator[tuple[int, Array]]:
    """Pass over an array (N, ...) in blocks of rows: the number of the first, and all of them."""
    width = max(whole.dtype.itemsize * int(np.prod(whole.shape[1:], dtype=object)), 1)
    step = max(_BLOCK // width, 1)
    if len(whole) <= step and not isinstance(whole, Source):
        yield 0, whole
        return
    rows = gatherer(whole)
    for start in range(0, len(whole), step):
        yield start, rows(slice(start, start + step))


def _plainly_finite(block: Array) -> bool:
    """Whether the sum is finite, and so all numbers; that of finite numbers may overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(block.sum()))


def _called(row: int, rows: Any) -> int:
    """Return what a row is called."""
    return row if rows is None else int(rows[row])
