"""Later calls: with other numbers, and with fewer rows than the call before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from npnet.check.case import Case
from npnet.check.comparing import Disagreement, close
from npnet.check.differences import Differences
from npnet.check.function_subject import FunctionSubject
from npnet.check.gradchecking import Fault, examined
from npnet.check.running import run
from npnet.parameter import Array

__all__ = ["hold_later_calls"]

_KEPT = "stale buffer: what an earlier call was given is kept; take it from the operands"
_ROWS = (
    "the number of rows is that of an earlier call, or written as a number; take it from the "
    "operand: len(x)"
)


def hold_later_calls(case: Case, used: Any, fresh: Callable[[], Any]) -> None:
    """Hold what has been called before to what has not, and a function to central differences."""
    if case.is_function and _fault(used, case.arrays(dtype=np.float64)) is not None:
        return  # what is wrong in every call is not left from another
    for what, arrays, cause in _later(case):
        try:
            expected = run(fresh(), arrays)
        except Exception:  # not every layer takes fewer rows
            continue
        found = run(used, arrays)
        for (name, a), (_, b) in zip(found.all(), expected.all(), strict=True):
            if a is not None or b is not None:
                close(a, b, what, case.ulps, cause=cause, operand=name)
        fault = _fault(used, arrays) if case.is_function else None
        if fault is not None and fault.element is not None:
            at = f"[{', '.join(map(str, fault.element))}]" if fault.element else ""
            raise Disagreement(
                f"{what}: gradient of {fault.operand}{at}: expected {fault.numeric:.10g}, got "
                f"{fault.analytic:.10g} ({fault.wrong} of {fault.looked_at} elements differ)",
                f"gradient of {fault.operand}",
                fault.element,
                fault.numeric,
                fault.analytic,
                cause,
            )


def _later(case: Case) -> Iterator[tuple[str, list[Array], str]]:
    """Yield what later calls are given, with words for it and the likely cause."""
    yield "with other numbers", case.arrays(seed=2), _KEPT
    rows = case.batch
    long = [i for i, a in enumerate(case.arrays()) if a.ndim and len(a) == rows]
    for places in (long, long[:1]) if rows > 1 else ():
        arrays = [a[:-1].copy() if i in places else a for i, a in enumerate(case.arrays())]
        yield f"with {rows - 1} rows after {rows}", arrays, _ROWS


def _fault(function: Any, arrays: list[Array]) -> Fault | None:
    """Return the first gradient that central differences contradict."""
    subject = FunctionSubject(function, arrays, None, np.random.default_rng(0))
    found = examined(Differences(subject, 1e-6, 1e-6, 1e-9), 1)
    return found.faults[0] if found.faults else None
