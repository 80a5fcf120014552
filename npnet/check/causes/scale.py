"""Causes in size and sign: a constant factor, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from npnet.check.causes.evidence import Evidence, alike, ratio

__all__ = ["absolute", "factor", "nearly"]

_TWO = {
    0.5: "a factor 2 is missing; the derivative of a square has one",
    2.0: "a factor 2 too many",
}


def factor(e: Evidence) -> str:
    """Tell a constant factor, and which number it may be."""
    seen = np.isfinite(e.numeric)
    wrong, right = e.analytic[seen], e.numeric[seen]
    square = float(np.sum(right * right))
    found = float(np.sum(wrong * right)) / square if square else 0.0
    if not found or wrong.size < 2 < e.analytic.size or not alike(wrong, found * right):
        return ""
    text = f"a constant factor of {found:.6g}"
    if math.isclose(found, -1.0, rel_tol=1e-4):
        return "wrong sign"
    sign = "wrong sign, and " if found < 0 else ""
    why = "; or ".join(_meanings(e, abs(found)))
    return f"{sign}{text}" + (f": {why}" if why else "")


def _meanings(e: Evidence, found: float) -> list[str]:
    """Return what a factor may be, plain ones or else those with a 2 beside."""
    plain = [text for number, text in _numbers(e) if math.isclose(found, number, rel_tol=1e-4)]
    if plain:
        return plain[:3]
    return [
        f"{text}, and {beside}"
        for double, beside in _TWO.items()
        for number, text in _numbers(e)
        if math.isclose(found, double * number, rel_tol=1e-4)
    ][:1]


def _numbers(e: Evidence) -> Iterator[tuple[float, str]]:
    """Yield the factors that can be told, with words for each."""
    seen: set[int] = set()
    yield from _TWO.items()
    for count, what in _counts(e):
        if count not in seen:
            seen.add(count)
            yield count, f"missing 1/N, N = {count} {what}"
            yield 1 / count, f"one 1/N too many (a mean for a sum), N = {count} {what}"
    for name, number in e.subject.numbers():
        if math.isfinite(number) and abs(number) not in (0.0, 1.0):
            yield 1 / abs(number), f"{name} = {number:g} is missing"
            yield abs(number), f"{name} = {number:g} too many"
    norm, name = float(np.sqrt(np.sum(e.operand.array**2))), e.operand.name
    if norm:
        text = f"divided by the norm of {name}: that is the norm's gradient, not its square's"
        yield 1 / norm, text
        yield norm, f"not divided by the norm of {name}"


def _counts(e: Evidence) -> Iterator[tuple[int, str]]:
    """Yield the numbers that a mean may divide by."""
    arrays = [*zip(e.subject.input_names(), e.subject.inputs, strict=False)]
    arrays += [("the output", y) for y in e.subject.first]
    for name, array in arrays:
        if array.ndim and array.shape[0] > 1:
            yield array.shape[0], f"(rows of {name})"
    for name, array in arrays:
        if array.size > 1:
            yield array.size, f"(elements of {name})"
    for name, array in arrays:
        if array.ndim > 1 and array.shape[-1] > 1:
            yield array.shape[-1], f"(columns of {name})"


def absolute(e: Evidence) -> str:
    """Tell a gradient that is right but for signs."""
    if e.analytic.size < 3 or not alike(np.abs(e.analytic), np.abs(e.numeric)):
        return ""
    if (e.analytic >= 0).all() or (e.analytic <= 0).all():
        return (
            "wrong sign at some elements: it is right in size and of one sign throughout; is an "
            "absolute value taken?"
        )
    return "wrong sign at some elements: it is right in size"


def nearly(e: Evidence) -> str:
    """Tell a gradient that is almost right."""
    seen = np.isfinite(e.numeric)
    found = ratio(e.analytic[seen], e.numeric[seen])
    if found is None or found[np.isfinite(found)].size < 2:
        return ""
    off = np.abs(found[np.isfinite(found)] - 1.0)
    if off.max() > 0.02:
        return ""
    return (
        f"almost right, within {100 * off.max():.2g} %: an eps that forward has and backward has "
        "not, or the other way round, or a rounded constant"
    )
