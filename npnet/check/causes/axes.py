"""Causes in axes: transposed arrays and products, and the batch summed or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from npnet.check.causes.evidence import Evidence, alike, multiple
from npnet.parameter import Array

__all__ = ["batch", "product", "transposed"]


def transposed(e: Evidence) -> str:
    """Tell a matrix whose axes are the wrong way round."""
    if e.analytic.ndim < 2:
        return ""
    *lead, rows, columns = e.analytic.shape
    turned = e.analytic.reshape(*lead, columns, rows).swapaxes(-1, -2)
    if not alike(turned, e.numeric):
        return ""
    named = _named(e, e.numeric), _named(e, turned.swapaxes(-1, -2))
    mend = f": it is {named[1]}, right is {named[0]}" if all(named) else ""
    return f"transposed{mend}"


def product(e: Evidence) -> str:
    """Tell a product whose second factor is the wrong way round, or another array."""
    if e.analytic.ndim != 2 or e.analytic.size < 3 or not e.complete:
        return ""
    found, right = _named(e, e.analytic), _named(e, e.numeric)
    if not found or not right or found == right:
        return ""
    if found.replace(".T", "") == right.replace(".T", ""):
        return f"transposed: it is {found}, right is {right}"
    return f"another product: it is {found}, right is {right}"


def _named(e: Evidence, array: Array) -> str:
    """Return the product of two known matrices, transposed or not, that gives an array."""
    for text, value in _products(e, array.shape):
        if multiple(array, value):
            return text
    return ""


def _products(e: Evidence, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Yield products of an output gradient with another matrix that have this shape."""
    matrices = [(name, a) for name, a in e.arrays() if a.ndim == 2]
    for seed in e.seeds:
        if seed is None or np.ndim(seed) != 2:
            continue
        dy: list[tuple[str, Array]] = [("dy", seed), ("dy.T", seed.T)]
        for name, matrix in matrices:
            other = [(name, matrix), (f"{name}.T", matrix.T)]
            for left, right in [(a, b) for a in dy for b in other] + [
                (b, a) for a in dy for b in other
            ]:
                if (left[1].shape[0], right[1].shape[1]) == shape and (
                    left[1].shape[1] == right[1].shape[0]
                ):
                    yield f"{left[0]} @ {right[0]}", left[1] @ right[1]


def batch(e: Evidence) -> str:
    """Tell what was not summed over the batch, or summed where each row has its own."""
    rows = {s.shape[0] for s in e.seeds if s is not None and s.ndim and s.shape[0] > 1}
    if len(rows) == 1:
        for row in (0, -1):
            others: list[Any] = [s if s is None else e.subject.draw(s.shape) for s in e.seeds]
            for other, seed in zip(others, e.seeds, strict=True):
                if seed is not None and seed.ndim:
                    other[row] = seed[row]
            if alike(e.again(others), e.analytic):
                which = "first" if row == 0 else "last"
                loop = "; in a loop over rows, `=` where `+=` is meant?" if row else ""
                return f"not summed over the batch: only the {which} row arrives{loop}"
    if e.analytic.ndim and len(e.analytic) > 1:
        repeated = np.broadcast_to(e.analytic[:1], e.analytic.shape)
        if alike(e.analytic, repeated) and not alike(e.numeric, repeated):
            return "summed over the batch: every row receives the same"
    return ""
