"""Seeds: the gradients that outputs start with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from npnet.execution import real_array
from npnet.inspect.tracing import Traced
from npnet.parameter import Array

__all__ = ["seeds_of"]


def seeds_of(
    run: Traced, gradients: Any, names: Sequence[str], title: str, who: str
) -> list[tuple[int, Array]]:
    """Return slot and gradient of each output that is differentiated.

    Parameters
    ----------
    run : Traced
    gradients : array_like, a tuple of them, or None for those of the last backward, else 1 for a
        first output that is one number, else none
    names : of the slots
    title : the Module's name, for messages
    who : asks, in messages

    Errors
    ------
    ValueError
        For gradients of other shapes or another number than the outputs.
    """
    outputs = run.tape.outputs
    if gradients is None:
        gradients = _last_gradients(run, title, who)
    if gradients is None:
        return []
    several = isinstance(gradients, (tuple, list)) if len(outputs) > 1 else False
    given = gradients if several or isinstance(gradients, tuple) else (gradients,)
    if len(given) != len(outputs):
        raise ValueError(
            f"{who}: {title} has {len(outputs)} outputs, got {len(given)} gradients; give a tuple "
            "with one an output, None for none"
        )
    seeds = []
    for slot, value in zip(outputs, given, strict=True):
        if value is None:
            continue
        spec = run.specs[slot]
        seed = np.array(real_array(value, who, "gradients"), spec.dtype)
        if seed.shape != spec.shape:
            raise ValueError(
                f"{who}: expected a gradient of shape {spec.shape} for output {names[slot]!r} of "
                f"{title}, got {seed.shape}"
            )
        seeds.append((slot, seed))
    return seeds


def _last_gradients(run: Traced, title: str, who: str) -> Any:
    """Return the gradients that outputs start with where none are given."""
    outputs, plan = run.tape.outputs, run.plan
    first = run.specs[outputs[0]]
    whole = math.prod(first.shape) == 1 and first.dtype.kind == "f"
    one = (np.ones(first.shape), *[None] * (len(outputs) - 1)) if whole else None
    if plan is None or plan.swept is None:
        return one
    if plan.swept.from_one:
        return one
    # What was given is not kept, but it is the whole gradient of what nothing else reads.
    if any(run.tape.readers[slot] or outputs.count(slot) > 1 for slot in outputs):
        raise ValueError(
            f"{who}: which gradients the last backward of {title} was given cannot be told, as "
            "another step reads an output; give them: gradients=..."
        )
    return tuple(plan.swept.gradients.get(slot) for slot in outputs)
