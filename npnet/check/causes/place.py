"""Causes in an elementwise derivative: taken at the wrong place, left out, a factor missing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from npnet.check.causes.evidence import Evidence, alike, ratio
from npnet.parameter import Array

__all__ = ["factor_array", "handed_on", "right_elsewhere", "wrong_place"]

_STEP = 1e-6


def handed_on(e: Evidence) -> str:
    """Tell an output gradient that was handed on as it came."""
    if any(s is not None and alike(e.analytic, s) for s in e.seeds):
        return "it is the output gradient itself: the local derivative is missing"
    return ""


def wrong_place(e: Evidence) -> str:
    """Tell f'(y), f'(dy) or f'(-x) where f'(x) is meant, and a formula in y that is given x.

    Asked only where every output number depends on the operand's number at its place alone.
    """
    x, y, dy = e.operand.array, e.output, e.seed
    if y is None or dy is None or not y.shape == dy.shape == x.shape or x.size < 3:
        return ""
    slope = _slope(e, x)
    if slope is None or not e.complete or not alike(slope * dy, e.numeric):
        return ""
    for name, point in (("the output y", y), ("the output gradient dy", dy), ("-x", -x)):
        there = _slope(e, point)
        if there is not None and not alike(there, slope) and alike(e.analytic, there * dy):
            return (
                f"the derivative is taken at the wrong place: at {name}, where it is to be taken "
                f"at {e.operand.name}"
            )
    if alike(e.subject.gradient_at(e.place, y, e.seeds), e.numeric) and not alike(x, y):
        return (
            f"the derivative is taken at the wrong place: its formula is one in the output y, and "
            f"{e.operand.name} is put into it"
        )
    return ""


def _slope(e: Evidence, point: Array) -> Array | None:
    """Return f' at other numbers, element by element; None where f is not finite there."""
    try:
        with np.errstate(all="ignore"):
            high = e.subject.outputs_at(e.place, point + _STEP)[0]
            low = e.subject.outputs_at(e.place, point - _STEP)[0]
    except (ValueError, ArithmeticError):
        return None
    slope = (high - low) / ((point + _STEP) - (point - _STEP))
    return slope if np.isfinite(slope).all() else None


def factor_array(e: Evidence) -> str:
    """Tell an array that the gradient was not multiplied with, or was once too often."""
    if e.analytic.size < 3 or not e.complete:
        return ""
    missing = ratio(e.numeric, e.analytic)
    if missing is None or np.isfinite(missing).sum() < 3:
        return ""
    seen = np.isfinite(missing)
    for name, array in e.of_shape():
        with np.errstate(all="ignore"):
            if alike(missing[seen], ((1.0 - array) / (1.0 + array))[seen]):
                return f"wrong sign inside: (1 + {name}) where (1 - {name}) is meant"
    for text, value in _factors(e):
        for constant in (True, False):
            part, rest = missing[seen], value[seen]
            if constant:
                if alike(part, rest):
                    return f"a factor {text} is missing"
                if alike(part * rest, np.ones(rest.shape)):
                    return f"a factor {text} too many"
            elif rest.all() and part.size > 3:
                scale = float(np.median(part / rest))
                if scale and alike(part, scale * rest):
                    return f"a factor {text} is missing, and a constant factor of {1 / scale:.6g}"
    return ""


def _factors(e: Evidence) -> Iterator[tuple[str, Array]]:
    """Yield arrays that a local derivative is often made of, as broadcast to the operand."""
    for name, array in e.arrays():
        try:
            a = np.broadcast_to(array, e.shape)
        except ValueError:
            continue
        if np.ptp(a) == 0 and not (array.ndim and array.shape == e.shape):
            continue
        yield name, a
        yield f"(1 - {name})", 1.0 - a
        yield f"(1 + {name})", 1.0 + a
        yield f"{name} (1 - {name})", a * (1.0 - a)
        yield f"(1 - {name}^2)", 1.0 - a * a
    for name, array in e.arrays():
        if array.shape == e.shape:
            a = array
            s = 1.0 / (1.0 + np.exp(-a))
            yield f"sigmoid'({name})", s * (1.0 - s)
            yield f"tanh'({name})", 1.0 - np.tanh(a) ** 2
    if e.seed is not None and e.seed.shape == e.shape:
        yield "dy", e.seed


def right_elsewhere(e: Evidence) -> str:
    """Tell where the wrong elements are, if others are right."""
    if not e.complete or e.analytic.size < 3:
        return ""
    wrong = np.abs(e.analytic - e.numeric) > 1e-6 * np.abs(e.numeric).max()
    if wrong.all() or not wrong.any():
        return ""
    x, name = e.operand.array, e.operand.name
    zero = not e.analytic[wrong].any()
    there = "; there it is zero, and is not to be" if zero else ""
    places = {
        f"{name} < 0": x < 0,
        f"{name} > 0": x > 0,
        f"|{name}| > 1": np.abs(x) > 1,
        f"|{name}| < 1": np.abs(x) < 1,
    }
    for text, where in places.items():
        if np.array_equal(wrong, where):
            return f"right but for the elements where {text}{there}"
    for axis, what in ((0, "row"), (-1, "column")):
        if x.ndim < 2:
            continue
        lines = np.moveaxis(wrong, axis, 0).reshape(x.shape[axis], -1)
        for at, word in ((0, "first"), (-1, "last")):
            if lines[at].any() and not np.delete(lines, at, axis=0).any():
                return f"right but for the {word} {what}{there}"
    return f"right but for {int(wrong.sum())} of {wrong.size} elements{there}" if zero else ""
