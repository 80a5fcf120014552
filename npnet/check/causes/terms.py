"""Causes in sums: a term that is missing, a path that is lost, the batch's statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from npnet.check.causes.evidence import Evidence, alike, multiple
from npnet.parameter import Array

__all__ = [
    "cross_terms",
    "lost_path",
    "missing_term",
    "recognized",
    "repeated_index",
    "statistics",
    "through_softmax",
]


def missing_term(e: Evidence) -> str:
    """Tell a known array, or the one-hot rows of labels, that is not added or not subtracted."""
    if not e.complete or e.analytic.size < 3:
        return ""
    rest = e.numeric - e.analytic
    for text, value in _one_hots(e):
        if multiple(rest, value):
            return text
    for name, array in e.of_shape():
        factor = multiple(rest, array)
        if factor and name == e.operand.name:
            return (
                f"`=` where `+=` is meant: the contribution {_times(e, factor, name)} of one of "
                f"the paths that {name} is read on is lost"
            )
        if factor and name != "y":
            return f"the term with {name} is missing: {_times(e, factor, name)}"
    handed_on = multiple(rest, e.seed) if e.seed is not None else 0.0
    if handed_on:
        return (
            f"`=` where `+=` is meant: the contribution {handed_on:.4g} dy of a path that hands "
            f"{e.operand.name} on is lost"
        )
    for text, value in _quotients(e):
        factor = multiple(rest, value)
        if factor:
            return f"a term is missing: {_times(e, factor, text)}"
    return ""


def _times(e: Evidence, factor: float, what: str) -> str:
    """Write a factor and what it multiplies; of a scalar's gradient dy is a factor of its own."""
    if e.seed is not None and e.seed.size == 1:
        return f"{factor / e.seed.item():.4g} dy {what}"
    return f"{factor:.4g} {what}"


def _quotients(e: Evidence) -> Iterator[tuple[str, Array]]:
    """Yield the terms that a logarithm of the operand leaves, alone and with another array."""
    name, x = e.operand.name, e.operand.array
    for text, below in ((name, x), (f"(1 - {name})", 1.0 - x)):
        if not below.all():
            continue
        for other, array in e.of_shape():
            if array is not x:
                yield f"{other} / {text}", array / below
                yield f"(1 - {other}) / {text}", (1.0 - array) / below
        yield f"1 / {text}", 1.0 / below


def through_softmax(e: Evidence) -> str:
    """Tell a gradient of logits that went through the softmax's derivative once more."""
    z = e.operand.array
    if not e.complete or z.ndim != 2 or z.size < 3 or z.shape[1] < 2:
        return ""
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    again = p * (e.numeric - (e.numeric * p).sum(axis=1, keepdims=True))
    if not alike(e.analytic, again):
        return ""
    return (
        "the derivative of the softmax once too often: p - one_hot is the gradient of "
        f"{e.operand.name} already"
    )


def _one_hots(e: Evidence) -> Iterator[tuple[str, Array]]:
    """Yield what subtracting 1 at the labels may have gone wrong by, with words for it."""
    for name, labels in e.labels():
        if len(e.shape) != 2 or labels.shape != e.shape[:1] or not labels.size:
            continue
        if labels.min() < 0 or labels.max() >= e.shape[1]:
            continue
        hot = np.zeros(e.shape)
        hot[np.arange(len(labels)), labels] = 1.0
        columns = np.zeros(e.shape)
        columns[:, labels] = 1.0
        yield f"the one-hot rows of {name} are not subtracted: p - one_hot({name})", hot
        everywhere = (
            f"1 is subtracted everywhere, as by p - 1 or by dz[:, {name}] -= 1, which takes whole "
            f"columns; one_hot({name}) is 1 at the labels only: dz[np.arange(N), {name}] -= 1"
        )
        yield everywhere, 1.0 - hot
        yield (
            (
                f"the one-hot is taken in whole columns: dz[:, {name}] instead of "
                f"dz[np.arange(N), {name}]"
            ),
            columns - hot,
        )


def lost_path(e: Evidence) -> str:
    """Tell a gradient that is a multiple of the operand itself where the right one is not."""
    if not e.complete or e.analytic.size < 3:
        return ""
    name, array = e.operand.name, e.operand.array
    found = multiple(e.analytic, array)
    if found and not multiple(e.numeric, array):
        return (
            f"it is {_times(e, found, name)} and nothing else; where {name} is read on several "
            "paths, as by a loss and a penalty, `=` where `+=` is meant"
        )
    return ""


def statistics(e: Evidence) -> str:
    """Tell missing paths through the mean and the variance of each column, or of each row."""
    x, y = e.operand.array, e.output
    if x.ndim < 2 or y is None or y.shape != x.shape or not e.complete:
        return ""
    rest = e.numeric - e.analytic
    columns = "batch", (0,), x.reshape(len(x), -1), rest.reshape(len(x), -1)
    rows = "row", (-1,), x.reshape(-1, x.shape[-1]).T, rest.reshape(-1, x.shape[-1]).T
    for what, axis, numbers, missing in (columns, rows):
        if len(numbers) > 2 and _interact(e, axis[0]):
            found = _paths(numbers, missing)
            if found:
                return _said(found, what)
    return ""


def _paths(x: Array, rest: Array) -> str:
    """Return which statistic of each column of x explains what is missing: its mean, variance."""
    centered = x - x.mean(axis=0)
    offset = np.broadcast_to(rest.mean(axis=0), rest.shape)
    slope = centered * (np.sum(rest * centered, axis=0) / np.sum(centered * centered, axis=0))
    if not alike(offset + slope, rest):
        return ""
    size = np.abs(rest).max()
    mean, variance = np.abs(offset).max() > 1e-4 * size, np.abs(slope).max() > 1e-4 * size
    return "both" if mean and variance else "mean" if mean else "variance"


def _said(path: str, what: str) -> str:
    """Say which path is missing."""
    if path == "both":
        return (
            f"mean and variance of the {what} are treated as constants: x goes through them too, "
            "and both paths add to dx"
        )
    return f"the path through the {path} of the {what} is missing or wrong; x goes through it too"


def _interact(e: Evidence, axis: int) -> bool:
    """Whether an output number changes with others along an axis of the operand."""
    x = np.moveaxis(e.operand.array.copy(), axis, 0)
    x[0] += 0.1 * np.linspace(1.0, 2.0, x[0].size).reshape(x[0].shape)
    moved = e.subject.outputs_at(e.place, np.moveaxis(x, 0, axis))[0] - e.subject.first[0]
    return bool(np.abs(np.moveaxis(moved, axis, 0)[1:]).max(initial=0.0) > 0)


def repeated_index(e: Evidence) -> str:
    """Tell rows that are read at several places, and receive the gradient of one of them."""
    for name, labels in e.labels():
        if not e.shape or not labels.size or labels.min() < 0 or labels.max() >= e.shape[0]:
            continue
        times = np.bincount(labels.ravel(), minlength=e.shape[0])
        off = np.abs(e.analytic - e.numeric).reshape(e.shape[0], -1).max(axis=1)
        wrong = off > 1e-6 * np.abs(e.numeric[np.isfinite(e.numeric)]).max(initial=0.0)
        if wrong.any() and not (wrong & (times < 2)).any():
            return (
                f"`=` where `+=` is meant: an index that {name} has several times; d[{name}] += dy "
                f"adds each row once, np.add.at(d, {name}, dy) every time"
            )
    return ""


def cross_terms(e: Evidence) -> str:
    """Tell a Jacobian of which only the diagonal was taken."""
    x, y, dy = e.operand.array, e.output, e.seed
    if y is None or dy is None or not y.shape == dy.shape == x.shape or not 3 <= x.size <= 512:
        return ""
    diagonal = np.empty(x.shape)
    for at in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[at] = 1e-6
        low, high, way = e.subject.both_sides(e.place, step, step)
        diagonal[at] = (high[0][at] - low[0][at]) / way[at]
    if e.complete and alike(e.analytic, diagonal * dy) and not alike(e.numeric, diagonal * dy):
        return (
            "only the diagonal of the Jacobian: every output depends on other elements too, and "
            "their terms are missing"
        )
    return ""


def recognized(e: Evidence) -> str:
    """Say what the gradient is, where it is something known, though not why."""
    if not e.complete or e.analytic.size < 3:
        return ""
    found = _expression(e, e.analytic)
    right = _expression(e, e.numeric)
    if not found or found == right:
        return ""
    return f"it is {found}" + (f", right is {right}" if right else "")


def _expression(e: Evidence, array: Array) -> str:
    """Return the known expression that an array is a multiple of."""
    for text, value in _expressions(e):
        factor = multiple(array, value)
        if factor:
            return text if abs(factor - 1.0) < 1e-4 else _times(e, factor, text)
    return ""


def _expressions(e: Evidence) -> Iterator[tuple[str, Array]]:
    """Yield expressions of the operand's shape."""
    known = list(e.of_shape())
    dy = e.seed
    if dy is not None and dy.shape == e.shape:
        for name, array in known:
            yield f"dy * {name}", dy * array
    if dy is not None and dy.ndim > len(e.shape) and dy.shape[dy.ndim - len(e.shape) :] == e.shape:
        axes = tuple(range(dy.ndim - len(e.shape)))
        yield f"dy.sum(axis={axes[0] if len(axes) == 1 else axes})", dy.sum(axis=axes)
        for name, array in e.arrays():
            if array.shape == dy.shape:
                yield f"(dy * {name}).sum(axis={axes[0]})", (dy * array).sum(axis=axes)
    for name, array in known:
        yield name, array
        for other, b in known:
            if b is not array:
                yield f"({name} - {other})", array - b
                yield f"(sigmoid({name}) - {other})", 1.0 / (1.0 + np.exp(-array)) - b
