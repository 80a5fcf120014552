"""Likely: the causes in the order they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from npnet.check.causes import axes, history, place, scale, terms
from npnet.check.causes.evidence import Evidence, alike
from npnet.parameter import Array

__all__ = ["CAUSES", "likely_cause"]

_ELEMENTS = 512  # of an operand that are looked at once more, for each output alone


def single(e: Evidence) -> str:
    """Tell outputs that went through float32."""
    floating: list[Array] = [
        y for y in e.subject.first if y.dtype.kind == "f" and (y != np.round(y)).any()
    ]
    coarse = [np.array_equal(y, y.astype(np.float32)) for y in floating]
    return "forward computes in float32" if floating and all(coarse) else ""


#: Each says what a wrong gradient looks like, or "". The first that says something is believed:
#: what explains every number stands before what explains some.
CAUSES: tuple[Callable[[Evidence], str], ...] = (
    history.not_finite,
    history.pass_before,
    place.wrong_place,
    history.linearity,
    scale.factor,
    axes.transposed,
    axes.product,
    axes.batch,
    place.handed_on,
    terms.repeated_index,
    terms.statistics,
    terms.missing_term,
    terms.lost_path,
    place.factor_array,
    scale.absolute,
    terms.through_softmax,
    terms.cross_terms,
    place.right_elsewhere,
    terms.recognized,
    scale.nearly,
    single,
)


def likely_cause(evidence: Evidence) -> str:
    """Return what a wrong gradient looks like; "" where it looks like nothing known."""
    asked = [i for i, seed in enumerate(evidence.seeds) if seed is not None]
    if len(asked) > 1 and evidence.analytic.size <= _ELEMENTS:
        return _of_several(evidence, asked)
    return _of_one(evidence)


def _of_one(evidence: Evidence) -> str:
    """Return the first cause that says something."""
    for cause in CAUSES:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = cause(evidence)
        except (ValueError, TypeError, IndexError, ArithmeticError):
            continue  # what is asked on the way may lie outside of the domain
        if found:
            return found
    return ""


def _of_several(e: Evidence, asked: list[int]) -> str:
    """Ask for the gradient of each output alone, to have one thing to explain."""
    whole = _of_one(e)
    if whole.startswith(("stale buffer", "`")):
        return whole
    alones = [[s if i == k else None for i, s in enumerate(e.seeds)] for k in asked]
    rights = e.slopes(alones)
    for number, seeds, right in zip(asked, alones, rights, strict=True):
        one = Evidence(e.subject, e.place, e.again(seeds), right, seeds)
        if not np.abs(right).any() and not one.analytic.any():
            continue
        if not alike(one.analytic, right):
            found = _of_one(one)
            return f"of output {number}: {found}" if found else whole
    if not alike(e.analytic, sum(rights, np.zeros(e.shape))):
        return (
            "`=` where `+=` is meant: the gradients of several outputs are each right alone, and "
            "are not added up"
        )
    return whole
