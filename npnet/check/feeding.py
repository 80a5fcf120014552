"""Feeding: shapes, arrays and labels turned into operands that a layer can be checked on."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from npnet.check.case import BATCH, Case
from npnet.check.comparing import Disagreement, close
from npnet.check.draws import Draw, Given, Sample, fractions, labels, positive, spread
from npnet.check.running import outputs_of
from npnet.execution import real_array
from npnet.parameter import Array
from npnet.random import default_generator

__all__ = ["case_for", "described"]

#: Where numbers come from, tried in order until the outputs are finite, with words for each.
_DOMAINS: tuple[tuple[Sample, str], ...] = (
    (spread, "numbers of either sign up to 2"),
    (positive, "numbers from 0.2 to 2"),
    (fractions, "numbers from 0.1 to 0.9"),
)


def case_for(
    name: str,
    make: Callable[[], Any],
    operands: Sequence[Any],
    integers: Sequence[bool],
    who: str,
    is_function: bool,
) -> Case:
    """Return the case of a layer or function for shapes, arrays and labels.

    Numbers come from the first domain in which the outputs are finite; `integers` says which of the
    operands may be labels; whether there are rows that do not depend on one another is found out by
    trying.

    Errors
    ------
    TypeError
        For what is neither a shape nor numbers.
    """
    drawn = [_operand(operand, who) for operand in operands]
    for place, integer in zip(range(len(drawn)), integers, strict=False):
        if integer:
            drawn[place] = _labels_for(drawn, place)
    batch = _batch(drawn)
    error: Exception | None = None
    for sample, _ in _DOMAINS:
        tried = tuple(_from(d, sample) for d in drawn)
        case = Case(name, make, tried, True, batch=batch, dtype=np.float64, ulps=2**20)
        case = replace(case, is_function=is_function)
        try:
            if not all(_finite(case, arrays) for arrays in map(case.arrays, *_ways(batch))):
                continue
        except (ValueError, ArithmeticError) as raised:
            error = error or raised
            continue
        whole = _with_rows(replace(case, draws=_draws(make(), case.arrays())))
        if not whole.batched or all(_finite(whole, whole.arrays(n)) for n in (1, 2, 256)):
            return whole
    raise error or ValueError(
        f"{who}: {name}: expected finite outputs, and drew numbers of three domains in vain; "
        "give an array from the layer's domain instead of a shape"
    )


def _ways(batch: int) -> tuple[list[int], list[None], list[int]]:
    """Return the arguments of all the draws that checks of a fixed number of rows make."""
    seeds = [0, 2, 4, 7]
    return [batch] * len(seeds), [None] * len(seeds), seeds


def _finite(case: Case, arrays: list[Array]) -> bool:
    """Whether the outputs are finite."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        outputs = outputs_of(case.make(), arrays)
    return all(bool(np.isfinite(y).all()) for y in outputs if y.dtype.kind == "f")


def described(case: Case, names: Sequence[str]) -> tuple[str, ...]:
    """Return a line for each operand: its name, shape and where its numbers come from."""
    words = dict(_DOMAINS)
    lines = []
    arrays = case.arrays()
    for name, operand, array in zip(names, case.operands, arrays, strict=True):
        text = "as given" if isinstance(operand, Given) else words.get(operand.sample, "drawn")
        if text == "drawn" and array.dtype.kind in "iu" and array.size:
            text = "labels"
        lines.append(f"{name} {array.shape}: {text}")
    return tuple(lines)


def _operand(value: Any, who: str) -> Draw | Given:
    """Return a shape or numbers as an operand; a Draw is one."""
    if isinstance(value, (Draw, Given)):
        return value
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        if not all(n == "B" or (isinstance(n, (int, np.integer)) and n >= 0) for n in value):
            raise TypeError(
                f"{who}: expected a shape as a tuple of sizes, with 'B' for the number of rows, "
                f"or an array; got {value!r}"
            )
        return Draw(tuple(n if n == "B" else int(n) for n in value), None)  # type: ignore[arg-type]
    return Given(np.array(real_array(value, who, "operands"), order="K"))


def _labels_for(operands: Sequence[Draw | Given], place: int) -> Draw | Given:
    """Return labels where a layer takes them and a shape without numbers is given."""
    operand, first = operands[place], operands[0]
    if not isinstance(operand, Draw) or operand.sample is not None:
        return operand
    if place and operand.shape == first.shape:
        return operand  # probabilities, one for each class
    axes = first.shape
    axis = axes[1] if len(axes) > 1 else axes[0] if axes else 2
    classes = axis if place and isinstance(axis, int) else 2
    return labels(max(classes, 1), operand.shape)


def _from(operand: Draw | Given, sample: Sample) -> Draw | Given:
    """Return an operand that draws from a domain, where it has none."""
    missing = isinstance(operand, Draw) and operand.sample is None
    return operand._replace(sample=sample) if missing else operand  # type: ignore[call-arg]


def _batch(operands: Sequence[Draw | Given]) -> int:
    """Return the number of rows: that of the first operand that has a first axis."""
    for operand in operands:
        if operand.shape and operand.shape[0] != "B":
            return int(operand.shape[0])
    return BATCH


def _draws(layer: Any, arrays: list[Array]) -> bool:
    """Whether forward draws random numbers, from npnet's streams."""
    if not hasattr(layer, "modules"):
        return False
    generators = [getattr(part, "generator", None) for part in layer.modules()]
    streams = [default_generator(), *(g for g in generators if g is not None)]
    before = [stream.mark() for stream in streams]
    layer(*arrays)
    after = [stream.mark() for stream in streams]
    layer.execution.ran.undo()
    return before != after


def _with_rows(case: Case) -> Case:
    """Return a case that says which operands have rows, where rows do not depend on others."""
    if case.batch < 1 or not math.prod(a.size for a in case.arrays()) or case.draws:
        return case
    first = [i for i, o in enumerate(case.operands) if o.shape and o.shape[0] in ("B", case.batch)]
    for places in (first, first[:1]):
        tried = replace(
            case,
            rows_interact=False,
            operands=tuple(_batched(o) if i in places else o for i, o in enumerate(case.operands)),
        )
        if places and _independent(tried):
            return tried
    return _fixed(case)


def _batched(operand: Draw | Given) -> Draw | Given:
    """Return an operand whose first axis are rows."""
    if isinstance(operand, Given):
        return operand._replace(batched=True)
    return operand._replace(shape=("B", *operand.shape[1:]))


def _fixed(case: Case) -> Case:
    """Return a case of as many rows as it has, and no others."""
    operands = tuple(
        o._replace(shape=tuple(case.batch if n == "B" else n for n in o.shape))
        if isinstance(o, Draw)
        else o
        for o in case.operands
    )
    return replace(case, operands=operands)


def _independent(case: Case) -> bool:
    """Whether forward gives every row what it gives the row alone, for other numbers of rows."""
    layer, arrays = case.make(), case.arrays()
    whole = outputs_of(layer, arrays)
    if any(not y.ndim or len(y) != case.batch for y in whole):
        return False
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            for low, high in pairwise((0, 1, case.batch)):
                part = slice(low, high)
                given = zip(arrays, case.operands, strict=True)
                alone = outputs_of(layer, [a[part] if o.batched else a for a, o in given])
                for y, z in zip(alone, whole, strict=True):
                    close(y, z[part], "rows", case.ulps)
            outputs_of(layer, case.arrays(2))
    except (Disagreement, ValueError, IndexError, TypeError, ArithmeticError):
        return False
    return True
