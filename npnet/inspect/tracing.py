"""Tracing: the tape of a Module for arrays or shapes, or the one it ran last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.execution import real_array
from npnet.kernel import Spec
from npnet.module import Module
from npnet.parameter import Array, native
from npnet.plan import Plan
from npnet.tape import Step, Tape

__all__ = ["Traced", "last_run", "taped", "traced"]

#: How those are called that are not npnet.inspect.who(model, x, ...).
_CALLS = {
    "detect_anomaly": "npnet.training.detect_anomaly({}, x, ...)",
    "page": "npnet.inspect.page({}, path, x, ...)",
}


class Traced(NamedTuple):
    """A tape, its steps with layers as they are to run, and what inputs are fed.

    `specs` are those of the slots, `plan` is what has run, None where nothing has.
    """

    tape: Tape
    steps: Sequence[Step]
    specs: Sequence[Spec]
    arrays: Sequence[Array]
    plan: Plan | None = None


def taped(
    module: Module, inputs: Sequence[Spec], dtype: np.dtype[Any] | None = None
) -> tuple[Tape, list[Spec]]:
    """Return the tape that a Module records for inputs of these specs, and those of its slots.

    `dtype` is that of the first floating input, for a Module that has none of its own.

    Examples
    --------
    >>> import npnet
    >>> tape, specs = taped(npnet.Linear(3, 2), [Spec((5, 3), np.dtype(float))])
    >>> [specs[slot].shape for slot in tape.outputs]
    [(5, 2)]
    """
    computing = module.computing_dtype() or native(dtype or np.float32)
    floats = [Spec(s.shape, computing) if s.dtype.kind == "f" else s for s in inputs]
    tape = module.trace(floats)
    return tape, tape.specs(tape.fed(floats, computing), computing)


def traced(module: Module, operands: Sequence[Any]) -> Traced:
    """Return the tape that a Module records for these arrays, numbers or nested lists."""
    given = [real_array(operand, type(module).__name__, "inputs") for operand in operands]
    floating = (a.dtype for a, o in zip(given, operands, strict=True) if _is_floating(o))
    tape, specs = taped(module, [Spec(a.shape, a.dtype) for a in given], next(floating, None))
    pairs = zip(tape.inputs, given, strict=True)
    arrays = [np.array(array, specs[slot].dtype, order="C") for slot, array in pairs]
    return Traced(tape, tape.steps, specs, arrays)


def last_run(module: Module, who: str) -> Traced:
    """Return the tape that a Module ran last in this thread, and what it was fed.

    Errors
    ------
    RuntimeError
        Where it was not called.
    """
    plan = module.execution.ran
    if plan is None:
        name = type(module).__name__
        raise RuntimeError(
            f"{who}: {name} has not run in this thread; call it on its inputs first, or give them: "
            + _CALLS.get(who, f"npnet.inspect.{who}({{}}, x, ...)").format(
                "g" if name == "Graph" else "model"
            )
        )
    arrays = [plan.value(slot).copy() for slot in plan.tape.inputs]
    # A layer that was changed since runs once more as it ran.
    return Traced(plan.tape, plan._steps, plan.specs, arrays, plan)


def _is_floating(operand: Any) -> bool:
    """Whether an operand has a floating dtype of its own."""
    return isinstance(operand, (np.ndarray, np.generic)) and operand.dtype.kind == "f"
