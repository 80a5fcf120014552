"""BLAS routines that NumPy has no name for: one pass over memory where ufuncs take two."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from npnet.parameter import Array

__all__ = ["add_scaled"]

#: Numbers in one call. BLAS does so few without its second thread, and must: SciPy's BLAS and
#: NumPy's keep threads of their own, and two sets of threads on the same cores wait for each
#: other, up to 4 ms at a time. µs of p - lr g on 407,050 float32 numbers behind a backward pass:
#:
#:     two ufuncs    one call, both sets of threads    calls of 8192
#:     201           70 to 4300                        119
PIECE = 8192


def add_scaled(y: Array, a: float, x: Array) -> None:
    """Write y = y + a x, rounded once where BLAS fuses the two, as torch's ``add_(x, alpha=a)``.

    Shapes: y and x (N,), compact in memory, of one dtype; y is written without asking its flags.

    Source: BLAS axpy.

    Examples
    --------
    >>> y = np.ones(2)
    >>> add_scaled(y, -0.5, np.array([2.0, 4.0]))
    >>> y.tolist()
    [0.0, -1.0]
    """
    axpy, size = _axpy(y.dtype.char), y.size
    if 0 < size <= PIECE:
        axpy(x, y, size, a)
        return
    for start in range(0, size, PIECE):
        axpy(x, y, min(PIECE, size - start), a, start, 1, start)


@cache
def _axpy(kind: str) -> Callable[..., Any]:
    """Return the routine for a dtype; SciPy is loaded when it is first needed."""
    if kind not in "fd":
        return _multiply_and_add
    from scipy.linalg import blas

    routine: Callable[..., Any] = {"f": blas.saxpy, "d": blas.daxpy}[kind]
    return routine


def _multiply_and_add(
    x: Array, y: Array, count: int, a: float, start: int = 0, step: int = 1, to: int = 0
) -> None:
    """Stand in for axpy where BLAS does not know the dtype."""
    part = slice(start, start + count)
    np.add(y[part], x[part] * y.dtype.type(a), out=y[part])
