"""Checks of the numbers: gradients, rows, dtypes, orders in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from npnet.check.case import Case
from npnet.check.comparing import Disagreement, Skipped, close, same
from npnet.check.differences import Differences
from npnet.check.function_subject import FunctionSubject
from npnet.check.gradchecking import GradcheckResult, GradientError, examined
from npnet.check.module_subject import ModuleSubject, as_dtype
from npnet.check.running import Ran, backward_of, outputs_of, run, seeds_for
from npnet.layers.random_like import Drawing
from npnet.parameter import Array

__all__ = [
    "LAYOUTS",
    "check_dtypes",
    "check_empty",
    "check_gradients",
    "check_layouts",
    "check_output_gradient",
    "check_rows",
]

_ROWS = 8  # looked at one by one, and the last


def check_gradients(case: Case) -> str:
    """Hold the gradients of all inputs and parameters to central differences in float64."""
    result = compared(case, case.batch)
    if case.batched and case.batch != 1:
        compared(case, 1)
    return ", ".join(result.disagreements)


def compared(case: Case, batch: int) -> GradcheckResult:
    """Hold gradients for so many rows to central differences."""
    random, arrays = np.random.default_rng(0), case.arrays(batch, np.float64)
    make = FunctionSubject if case.is_function else ModuleSubject
    result = examined(Differences(make(case.make(), arrays, None, random), 1e-6, 1e-6, 1e-9))
    if not result:
        raise GradientError(str(result), result)
    return result


def check_output_gradient(case: Case) -> None:
    """Double the output gradient: twice the gradients; take none: none."""
    layer = case.make()
    outputs = outputs_of(layer, case.arrays())
    if getattr(layer, "returns_gradients", False):
        raise Skipped("gradients are returned with the loss, there is no output gradient")
    seeds = seeds_for(outputs)
    once = copy.deepcopy(backward_of(layer, seeds))
    for factor in (2.0, 0.0):
        outputs_of(layer, case.arrays())
        found = backward_of(layer, [np.asarray(s * factor).astype(s.dtype) for s in seeds])
        for (name, a), (_, b) in zip(found.all(), once.all(), strict=True):
            if a is not None and b is not None:
                cause = "the output gradient is ignored" if np.array_equal(a, b) else ""
                what = f"for {factor:g} dy"
                close(a, np.asarray(b * factor), what, case.ulps, cause=cause, operand=name)


def check_rows(case: Case) -> None:
    """Hold each row of a batch to what the row gives alone."""
    if case.rows_interact or not case.batched:
        raise Skipped("the outputs of a row depend on other rows, or there are no rows")
    layer = case.make()
    whole = run(layer, case.arrays())
    seeds = seeds_for(whole.outputs)
    for row in sorted({*range(min(case.batch, _ROWS)), case.batch - 1}):
        part, arrays = slice(row, row + 1), case.arrays()
        alone = run(
            layer,
            [a[part] if d.batched else a for a, d in zip(arrays, case.operands, strict=True)],
            [s[part] for s in seeds],
        )
        for (name, a), (_, b) in zip(_by_row(alone, case), _by_row(whole, case), strict=True):
            close(a, b[part], f"row {row} alone", case.ulps, operand=name)


def _by_row(ran: Ran, case: Case) -> list[tuple[str, Array]]:
    """Return the outputs and the gradients that have rows, by name."""
    found = [(name, a) for name, a in list(ran.all())[: len(ran.outputs)] if a is not None]
    found += [
        (f"gradient of {ran.names[i]}", gradient)
        for i, (draw, gradient) in enumerate(zip(case.operands, ran.inputs, strict=True))
        if draw.batched and gradient is not None
    ]
    return found


def check_empty(case: Case) -> None:
    """Feed no rows: outputs without rows (of scalars 0, or NaN for a mean), gradients of 0."""
    if not case.batched:
        raise Skipped("there are no rows")
    layer, arrays = case.make(), case.arrays(0)
    ran = run(layer, arrays)
    some = outputs_of(layer, case.arrays())
    for y, z in zip(ran.outputs, some, strict=True):
        if y.ndim != z.ndim:
            raise Disagreement(f"output has shape {y.shape}, with rows {z.shape}")
        if (~np.isnan(y) if case.empty_is_nan else ~np.isfinite(y)).any():
            raise Disagreement(f"output {y} without rows")
    for array, draw, gradient in zip(arrays, case.operands, ran.inputs, strict=True):
        if gradient is not None and gradient.shape != array.shape:
            raise Disagreement(f"gradient of shape {gradient.shape} for {array.shape}")
        if gradient is not None and not draw.batched and gradient.any():
            raise Disagreement(f"gradient {gradient} without rows")
    for gradient in ran.parameters:
        if gradient is None or gradient.any():
            raise Disagreement(f"gradient {gradient} without rows")


def check_layouts(case: Case) -> None:
    """Feed inputs and output gradients in any order of memory: it makes no difference."""
    layer, arrays = case.make(), case.arrays()
    expected = run(layer, case.arrays())
    seeds = seeds_for(expected.outputs)
    for name, relaid in LAYOUTS.items():
        # What a plain function makes of a foreign byte order is NumPy's affair.
        if case.is_function and name == "byte-swapped":
            continue
        found = run(layer, [relaid(a) for a in arrays], [relaid(s) for s in seeds])
        if not case.is_function:
            same(found, expected, f"{name} arrays")
            continue
        for (what, a), (_, b) in zip(found.all(), expected.all(), strict=True):
            if a is not None:
                cause = _order(a, b)
                close(a, b, f"{name} arrays", case.ulps, cause=cause, operand=what)


def _order(a: Array, b: Array | None) -> str:
    """Say what numbers in another order look like."""
    if b is not None and a.shape == b.shape and np.allclose(np.sort(a.flat), np.sort(b.flat)):
        return (
            "the right numbers at wrong places: something takes them in the order of memory "
            "(ravel(order='K'), or a reshape that is written to)"
        )
    return ""


def _strided(a: Array) -> Array:
    """Return every second number of a larger array."""
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]) if a.ndim else (), a.dtype)
    view = wide[..., ::2] if a.ndim else wide
    view[...] = a
    return view


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda a: a.copy(order="C"),
    "Fortran": lambda a: a.copy(order="F"),
    "strided": _strided,
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
}


#: NumPy 1 makes a float64 of a float32 number without axes and a Python float: no fault of anyone.
_NUMPY_1 = np.lib.NumpyVersion(np.__version__) < "2.0.0"


def check_dtypes(case: Case) -> None:
    """Run in float32 and in float64: each stays what it is, and they agree.

    Where numbers of a dtype are drawn, other ones are drawn in the other.
    """
    layer, single = case.make(), None
    free = _NUMPY_1 and not hasattr(layer, "parameters")
    for dtype in (np.float32, np.float64):
        own = _in(layer, dtype)
        ran = run(own, case.arrays(dtype=dtype))
        for name, array in ran.all():
            if array is not None and array.dtype != dtype and (array.ndim or not free):
                kind = np.dtype(dtype)
                raise Disagreement(
                    f"{name} of {kind} operands is {array.dtype}",
                    name,
                    expected=kind,
                    got=array.dtype,
                    cause=_dtype_cause(array.dtype, kind),
                )
        single = ran if single is None else single
    assert single is not None
    if case.draws and any(isinstance(s.layer, Drawing) for s in own.execution.ran.tape.steps):
        return
    seeds = seeds_for(single.outputs)
    exact = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in case.arrays(dtype="f4")]
    wide = run(_in(layer, np.float64), exact, [s.astype(np.float64) for s in seeds])
    size = max(float(np.max(np.abs(s), initial=0.0)) for s in seeds)
    for (name, a), (_, b) in zip(single.all(), wide.all(), strict=True):
        if a is not None and b is not None and (a.ndim or not free):
            ulps = case.ulps if case.dtype == np.float32 else 4096
            narrow = b.astype(np.float32)
            close(a, narrow, "in float32, beside float64", ulps, size, operand=name)


def _in(layer: Any, dtype: Any) -> Any:
    """Return a layer in a dtype; a plain function has none of its own."""
    return as_dtype(layer, dtype) if hasattr(layer, "parameters") else layer


def _dtype_cause(got: Any, expected: Any) -> str:
    """Say where another dtype comes from."""
    if got.kind == "f" and got.itemsize > expected.itemsize:
        return (
            "the dtype is promoted: a float64 array or NumPy number got in (np.zeros, np.ones, "
            "np.eye without dtype=x.dtype, np.sqrt of a number; a Python float does not promote)"
        )
    return "the dtype is fixed: take it from the operand, dtype=x.dtype"
