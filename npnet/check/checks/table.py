"""Table: every check, with what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from npnet.check.case import Case
from npnet.check.checks import joined, lasting, memory, values

__all__ = ["CHECKS", "Check", "chosen"]


class Check(NamedTuple):
    """One question to a layer.

    `says` is what holds where it passes. `everyone` are those asked unless others are named, the
    rest is what a layer of npnet holds to beside; `functions` those that fit a plain function.
    """

    name: str
    says: str
    function: Callable[[Case], str | None]
    everyone: bool = False
    functions: bool = False


CHECKS: tuple[Check, ...] = (
    Check(
        "gradients",
        "every gradient agrees with central differences",
        values.check_gradients,
        True,
        True,
    ),
    Check(
        "output_gradient",
        "any output gradient: twice dy gives twice the gradients, 0 gives 0",
        values.check_output_gradient,
        True,
        True,
    ),
    Check("used_twice", "read twice, the gradients add up", joined.check_used_twice, True, True),
    Check("rows", "a batch gives each row what it gives alone", values.check_rows, True, True),
    Check("untouched", "what it is given stays as it is", memory.check_untouched, True, True),
    Check(
        "dtypes", "float32 stays float32, float64 stays float64", values.check_dtypes, True, True
    ),
    Check(
        "layouts", "arrays of any order in memory give the same", values.check_layouts, True, True
    ),
    Check("stale_memory", "nothing unwritten is read", memory.check_stale_memory, True, True),
    Check("repeats", "nothing is left from earlier calls", memory.check_repeats, True, True),
    Check("empty", "a batch without rows works", values.check_empty),
    Check("parameters", "operands may be Parameters", joined.check_parameters),
    Check("allocations", "a step allocates nothing large", memory.check_allocations),
    Check("state", "states, copies and pickles carry it over", lasting.check_state),
    Check("modes", "training and evaluation each hold", lasting.check_modes),
    Check("effects", "it changes what it says, and can take it back", lasting.check_effects),
    Check("plans", "what it declares of its kernels holds", memory.check_plans),
    Check("parts", "each gradient is the same asked for alone", joined.check_parts),
)


def chosen(names: object, who: str, functions: bool = False) -> tuple[Check, ...]:
    """Return the checks of these names: None for those of everyone, "all" for all.

    Errors
    ------
    ValueError
        For a name that is none.
    """
    fitting = [check for check in CHECKS if check.functions or not functions]
    if names is None:
        return tuple(check for check in fitting if check.everyone)
    if names == "all":
        return tuple(fitting)
    asked = [names] if isinstance(names, str) else list(names)  # type: ignore[call-overload]
    known = {check.name: check for check in fitting}
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise ValueError(f"{who}: expected checks among {', '.join(known)}, got {unknown}")
    return tuple(known[name] for name in asked)
