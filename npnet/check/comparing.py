"""Comparing: what two runs must agree in, and an error that says where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npnet.check.running import Ran
from npnet.parameter import Array

__all__ = ["Disagreement", "Skipped", "close", "equal", "same", "total"]


class Disagreement(AssertionError):
    """What a check found: the array, the element that is farthest off, and both values.

    Parameters
    ----------
    message : str
    operand : name of the array, where it is one
    element, expected, got : where it is about one number
    cause : what is likely wrong, in words
    """

    def __init__(
        self,
        message: str,
        operand: str = "",
        element: tuple[int, ...] | None = None,
        expected: Any = None,
        got: Any = None,
        cause: str = "",
    ) -> None:
        super().__init__(message)
        self.operand, self.element, self.expected, self.got = operand, element, expected, got
        self.cause = cause


class Skipped(Exception):
    """Says why a check has nothing to look at."""


def equal(left: Any, right: Any, what: str, operand: str = "", cause: str = "") -> None:
    """Hold two arrays to the same shape, dtype and bits; NaN are the same."""
    _alike(left, right, what, operand, cause)
    a, b = np.asarray(left), np.asarray(right)
    wrong = (a != b) & ~((a != a) & (b != b))
    if wrong.any():
        off = np.where(wrong, _distance(a, b), -1.0)
        raise _at(off, a, b, what, operand, cause)


def same(left: Ran, right: Ran, what: str, cause: str = "") -> None:
    """Hold two runs to the same bits, NaN too."""
    for (name, a), (_, b) in zip(left.all(), right.all(), strict=True):
        if (a is None) != (b is None):
            there, rest = (what, "before") if b is None else ("before", what)
            raise Disagreement(f"{there}: there is a {name}, and none {rest}", name, cause=cause)
        if a is not None:
            equal(a, b, what, name, cause)


def close(
    left: Array | None,
    right: Array | None,
    what: str,
    ulps: int = 64,
    size: float = 0.0,
    cause: str = "",
    operand: str = "",
) -> None:
    """Hold two arrays together within some units in the last place of the largest number.

    `what` says how they came to be, and `operand` which array it is. `size` is that of the numbers
    they are the difference of, where they are one.
    """
    if left is None or right is None:
        raise Disagreement(f"{what}: no {operand or 'gradient'}", operand, cause=cause)
    _alike(left, right, what, operand, cause, dtype=False)
    room = ulps * float(np.finfo(left.dtype).eps)
    finite = np.abs(right[np.isfinite(right)])
    scale = max(float(np.max(finite, initial=0.0)), size)
    off = _distance(left, right)
    alike = (left == right) | ((left != left) & (right != right))
    with np.errstate(invalid="ignore"):
        wrong = ~alike & ~(np.isfinite(off) & (off <= room * (np.abs(right) + scale)))
    if wrong.any():
        raise _at(np.where(wrong, off, -1.0), left, right, what, operand, cause)


def total(arrays: Sequence[Array | None]) -> Array:
    """Return the sum of the gradients there are."""
    found: Array = np.sum([a for a in arrays if a is not None], axis=0)
    return found


def _alike(left: Any, right: Any, what: str, operand: str, cause: str, dtype: bool = True) -> None:
    """Hold two arrays to one shape, and one dtype."""
    a, b = np.asarray(left), np.asarray(right)
    said = f"{what}: {operand}" if operand else what
    if a.shape != b.shape:
        raise Disagreement(
            f"{said} has shape {a.shape}, expected {b.shape}",
            operand,
            None,
            b.shape,
            a.shape,
            cause,
        )
    if dtype and a.dtype != b.dtype:
        raise Disagreement(
            f"{said} is {a.dtype}, expected {b.dtype}", operand, None, b.dtype, a.dtype, cause
        )


def _distance(a: Array, b: Array) -> Array:
    """Return how far apart the numbers are; what is not finite is farthest."""
    with np.errstate(all="ignore"):
        off = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))
    unlike = np.isnan(off) & ~(np.isinf(a) & np.isinf(b) & (a == b))
    return np.asarray(np.where(unlike, np.inf, np.where(np.isnan(off), 0.0, off)))


def _at(off: Array, a: Array, b: Array, what: str, operand: str, cause: str) -> Disagreement:
    """Return what says where two arrays are farthest apart."""
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    got, expected = a[at].item(), b[at].item()
    place = f"[{', '.join(map(str, at))}]" if at else ""
    said = f"{what}: {operand}" if operand else what
    count = f"{int(np.sum(off >= 0))} of {off.size} elements differ"
    return Disagreement(
        f"{said}{place}: expected {expected:.10g}, got {got:.10g} ({count})",
        operand,
        at,
        expected,
        got,
        cause,
    )
