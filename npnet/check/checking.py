"""Checking: one's own layer, or a plain function, held to what every layer of npnet holds to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np

from npnet.check.case import Case
from npnet.check.checks.table import Check, chosen
from npnet.check.comparing import Skipped
from npnet.check.feeding import case_for, described
from npnet.check.function import Function, GradientShape, required_operands
from npnet.check.gradchecking import GradientError
from npnet.check.module_subject import as_dtype
from npnet.check.report import CheckError, Finding, Line, Report, findings_of
from npnet.check.running import outputs_of
from npnet.check.signatures import check_signatures
from npnet.layers.base import Layer
from npnet.module import Module

__all__ = ["check_gradients", "check_layer", "failures"]


def check_layer(
    layer: Module | Callable[[], Module],
    *operands: Any,
    checks: str | Iterable[str] | None = None,
    raise_exception: bool = True,
) -> Report:
    """Hold a layer of one's own to what every layer of npnet holds to, and say what is wrong.

    Held are: the gradients of all inputs and parameters, by central differences in float64; any
    output gradient; gradients that add up where a value is read twice; a batch that gives each row
    what it gives alone; inputs, parameters and output gradients that stay as they are; dtypes;
    arrays of every order in memory; no unwritten memory read, and nothing left from earlier calls.
    The report names the element that is most wrong, both numbers, and the likely mistake in words.

    The layer stays as it is: copies of it are checked. Random numbers come from fixed seeds.

    Parameters
    ----------
    layer : Module, or callable without arguments that makes one
        A Layer, a container, a Graph or a Module of one's own.
    *operands : tuple or array_like
        One for each operand: a shape, for which numbers are drawn away from kinks, from the
        layer's domain ("B" in it stands for a number of rows); an array, a number or a list, which
        is fed as it is; or `npnet.check.labels(classes)`.
    checks : names, optional
        Of the checks to make; "all" adds those that npnet's own layers hold to beside: batches
        without rows, allocations, states, modes and effects.
    raise_exception : bool, default True
        Raise where something is wrong; otherwise the report says so, and is false.

    Errors
    ------
    CheckError
        (an AssertionError) Where something is wrong; its message is the report.
    TypeError
        For a layer that is none, an operand that is neither a shape nor numbers, and kernels of
        another signature than a plan calls, with the right one.
    ValueError
        For checks that are none, and where no domain gives finite outputs.
    Exception
        What the layer raises in forward is passed on.

    Source: the contract tests of npnet's own layers; torch.autograd.gradcheck.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> class Cube(npnet.Elementwise):
    ...     def forward_kernel(self, x, *, out, scratch):
    ...         np.power(x, 3, out=out)
    ...     def backward_kernel(self, dy, x, y, *, dx, scratch):
    ...         np.multiply(3 * x * x, dy, out=dx)
    >>> check_layer(Cube(), (5, 3))
    check_layer: Cube(): all 9 checks passed
      x (5, 3): numbers of either sign up to 2
      ok    every gradient agrees with central differences (x)
      ok    any output gradient: twice dy gives twice the gradients, 0 gives 0
      ok    read twice, the gradients add up
      ok    a batch gives each row what it gives alone
      ok    what it is given stays as it is
      ok    float32 stays float32, float64 stays float64
      ok    arrays of any order in memory give the same
      ok    nothing unwritten is read
      ok    nothing is left from earlier calls
    """
    who = "check_layer"
    made = _made_by(layer, who)
    return _checked(who, made, layer, operands, checks, raise_exception)


def check_gradients(
    function: Any,
    *operands: Any,
    checks: str | Iterable[str] | None = None,
    raise_exception: bool = True,
) -> Report:
    """Hold a plain function with a backward to the same as `check_layer`, and say what is wrong.

    Equation: (y, backward) = f(x, ...), dx = backward(dy)

    Parameters
    ----------
    function : callable, pair of callables, or Module
        ``f(x, ...) -> (y, backward)``, where ``backward(dy)`` gives dx or, for several operands, a
        tuple with a gradient of each (None: not differentiated), or a dict by name; a pair
        ``(forward, backward)`` with ``forward(x, ...) -> y`` and ``backward(dy)``, or
        ``forward(x, ...) -> (y, cache)`` and ``backward(dy, cache)``; ``f(x, ...) -> (loss,
        gradients)`` without a function; or a Graph, or any Module, as `check_layer` takes it.
    *operands, checks, raise_exception :
        As `check_layer` has them. What a function does not change, it may close over; what is
        differentiated, its weights too, are operands.

    Errors
    ------
    CheckError
        (an AssertionError) Where something is wrong; its message is the report.
    TypeError
        For a function that returns something else.

    Source: torch.autograd.gradcheck.

    Examples
    --------
    >>> import numpy as np
    >>> def sigmoid(x):
    ...     y = 1 / (1 + np.exp(-x))
    ...     return y, lambda dy: dy * x * (1 - x)
    >>> print(check_gradients(sigmoid, (4, 3), checks="gradients", raise_exception=False))
    check_gradients: sigmoid: 1 check failed
      x (4, 3): numbers of either sign up to 2
      FAIL  every gradient agrees with central differences
            gradient of x[2, 1]: expected 0.15883891 (central differences), got -8.2010849
              (backward); 12 of 12 elements are wrong
            likely mistake: the derivative is taken at the wrong place: its formula is one in the
              output y, and x is put into it
    """
    who = "check_gradients"
    if isinstance(function, Module):
        return _checked(who, function, function, operands, checks, raise_exception)
    return _checked(who, Function(function, who), function, operands, checks, raise_exception)


def _made_by(layer: Any, who: str) -> Module:
    """Return a layer, or the one that a callable makes."""
    name, mend = type(layer).__name__, ""
    if callable(layer) and not isinstance(layer, Module):
        name, asked = getattr(layer, "__name__", name), required_operands(layer)
        if isinstance(layer, type) and asked:
            mend = f"; give one that is made: {name}(...)"
        elif asked:
            mend = "; for a plain function use check_gradients"
        else:
            layer = layer()
            name = f"{type(layer).__name__} from {name}()"
    if not isinstance(layer, Module):
        raise TypeError(f"{who}: expected a Layer or another Module, got {name}{mend}")
    return layer


def _checked(
    who: str,
    subject: Any,
    source: Any,
    operands: Sequence[Any],
    checks: str | Iterable[str] | None,
    raise_exception: bool,
) -> Report:
    """Make every check and return the report."""
    is_function = isinstance(subject, Function)
    asked = chosen(checks, who, is_function)
    if not is_function:
        check_signatures(subject, who)

    make = _maker(subject, source, who)

    def anew() -> Any:
        """Return a layer as it is first made."""
        return as_dtype(source(), np.float64)

    is_layer = isinstance(subject, Layer)
    case = case_for(
        subject.name if is_function else type(subject).__name__,
        make,
        operands,
        [name in subject.integer_operands for name in subject._asked_names()] if is_layer else [],
        who,
        is_function,
    )
    if not is_function:
        fresh = None if isinstance(source, Module) else anew
        case = replace(case, anew=fresh, modes_differ=_modes_differ(case))
    lines, findings, culprit = _made(case, asked)
    name = case.name if is_function else _first_line(subject)
    shown = described(case, _names(case))
    report = Report(who, name, shown, tuple(lines), tuple(findings), culprit)
    if not report and raise_exception:
        raise CheckError(str(report), report)
    return report


def _maker(subject: Any, source: Any, who: str) -> Callable[[], Any]:
    """Return what makes what is checked: the function as it was given, or a float64 layer."""
    if not isinstance(subject, Function):
        return lambda: as_dtype(subject, np.float64)
    pristine = _copied(source)
    if pristine is None:
        return lambda: subject
    return lambda: Function(copy.deepcopy(pristine), who)


def _copied(function: Any) -> Any:
    """Return a copy of what may keep something between calls; None where there can be none."""
    parts = function if isinstance(function, (tuple, list)) else (function,)
    if any(isinstance(part, FunctionType) for part in parts):
        return None  # what it closes over stays the one there is, and would part from a copy
    try:
        found = copy.deepcopy(function)
    except Exception:  # whatever it holds decides
        return None
    return None if found is function else found


def _made(case: Case, asked: Sequence[Check]) -> tuple[list[Line], list[Finding], str]:
    """Make checks; return a line for each, what was found, and the step at fault."""
    lines: list[Line] = []
    findings: list[Finding] = []
    culprit = ""
    for check in asked:
        try:
            with np.errstate(all="ignore"):  # memory is full of NaN, where a check looks for it
                detail = check.function(case) or ""
            lines.append(Line(check.name, check.says, "ok", detail))
        except Skipped as reason:
            lines.append(Line(check.name, check.says, "skip", str(reason)))
        except Exception as error:
            if isinstance(error, GradientShape) and findings:
                why = "gradients of another count or shape than the operands' cannot be compared"
                lines.append(Line(check.name, check.says, "skip", why))
                continue
            found, at_fault = findings_of(check, error)
            findings += found
            culprit = culprit or at_fault
            lines.append(Line(check.name, check.says, "FAIL", _right_ones(error)))
    return lines, findings, culprit


def _right_ones(error: Exception) -> str:
    """Return which gradients are right where others are wrong: the mistake lies behind them."""
    if not isinstance(error, GradientError):
        return ""
    wrong = [fault.operand for fault in error.result.faults]
    right = [name for name in error.result.disagreements if name not in wrong]
    return f"right: {', '.join(right)}; wrong: {', '.join(wrong)}" if right else ""


def failures(case: Case, asked: Sequence[Check]) -> dict[str, Exception]:
    """Make checks; return the error of each that fails, by its name."""
    found: dict[str, Exception] = {}
    for check in asked:
        try:
            check.function(case)
        except Skipped:
            continue
        except Exception as error:
            found[check.name] = error
    return found


def _names(case: Case) -> list[str]:
    """Return the names of the operands: forward's own."""
    layer = case.make()
    outputs_of(layer, case.arrays())
    if isinstance(layer, Function):
        return list(layer.names)
    tape = layer.execution.ran.tape
    return [tape.slots[index].source.name for index in tape.inputs]


def _modes_differ(case: Case) -> bool:
    """Whether training and evaluation give other outputs."""
    layer, arrays = case.make(), case.arrays()
    training = outputs_of(layer.train(True), arrays)
    pairs = zip(training, outputs_of(layer.train(False), arrays), strict=True)
    return any(y.shape != z.shape or bool((y != z).any()) for y, z in pairs)


def _first_line(module: Module) -> str:
    """Return what a Module prints, in a line."""
    text = repr(module)
    return text if "\n" not in text else type(module).__name__
