"""gradcheck: the gradients of a Module held to central differences."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from npnet.check.causes.evidence import Evidence
from npnet.check.causes.likely import likely_cause
from npnet.check.differences import Differences, Located, locate
from npnet.check.module_subject import ModuleSubject
from npnet.module import Module

__all__ = ["Fault", "GradcheckResult", "GradientError", "examined", "gradcheck"]


class GradientError(AssertionError):
    """A gradient that central differences contradict; `result` has the particulars."""

    def __init__(self, message: str, result: GradcheckResult) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True)
class Fault:
    """One operand whose gradient is wrong, and where most."""

    operand: str
    element: tuple[int, ...] | None
    analytic: float
    numeric: float
    wrong: int
    looked_at: int
    cause: str

    def __str__(self) -> str:
        """Two lines for the report."""
        cause = f"    likely cause: {self.cause}" if self.cause else "    no likely cause found"
        if self.element is None:
            return f"  {self.operand}\n{cause}"
        at = f"[{', '.join(map(str, self.element))}]" if self.element else ""
        values = f"backward gives {self.analytic:.10g}, central differences {self.numeric:.10g}"
        count = f"{self.wrong} of {self.looked_at} elements disagree"
        return f"  {self.operand}{at}: {values} ({count})\n{cause}"


@dataclass(frozen=True)
class GradcheckResult:
    """What gradcheck found; true where every gradient agrees.

    `disagreements` has for every operand the largest disagreement along a direction, as a share of
    what is tolerated; `kinks` the elements where the two one-sided slopes differ, so that there is
    no derivative to compare with; `faults` one entry for each wrong operand.
    """

    module: str
    disagreements: dict[str, float]
    kinks: dict[str, list[tuple[int, ...]]]
    faults: tuple[Fault, ...]
    culprit: str = ""

    def __bool__(self) -> bool:
        """Whether all gradients agree."""
        return not self.faults

    def __str__(self) -> str:
        """Return the report."""
        names = ", ".join(fault.operand for fault in self.faults)
        found = f"{', '.join(self.disagreements) or 'nothing'} agree"
        if self.faults:
            found = f"wrong gradient of {names}" if self.disagreements else f"fault in {names}"
        lines = [f"gradcheck: {self.module}: {found}"]
        lines += [str(fault) for fault in self.faults]
        lines += [
            f"  {name}: at a kink: {len(at)}, first {at[0]}" for name, at in self.kinks.items()
        ]
        return "\n".join(lines + ([f"  {self.culprit}"] if self.culprit else []))


def gradcheck(
    module: Module,
    *inputs: Any,
    output_gradient: Any = None,
    operands: Collection[str] | None = None,
    directions: int = 4,
    eps: float = 1e-6,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    seed: int = 0,
    raise_exception: bool = True,
) -> GradcheckResult:
    """Compare the gradients that backward gives with central differences in float64.

    Equation: <dy, y(x + h v) - y(x - h v)> = 2 h <dx, v> for random directions v

    Where a direction disagrees every element is looked at on its own; the report names the operand,
    the element that is most wrong, both values, and the likely cause where one can be told. Also
    held: forward writes all of its outputs, backward all of its gradients (all memory of the plan
    is filled with NaN before), and neither changes an operand. In a Module of several steps each is
    then checked alone, to name the one at fault.

    Shapes: any. Everything runs in float64 on a copy: the module, its gradients and the inputs stay
    as they are. Integer inputs and parameters without requires_grad are not differentiated.

    Parameters
    ----------
    module : Module
        A Layer, a container, a Graph or a Module of one's own.
    *inputs : array_like
        What it is called with. Elements nearer than `eps` to a kink (0 for ReLU) have no derivative
        to compare with: there the gradient must lie between the one-sided slopes.
    output_gradient : array_like or tuple of them, optional
        One for each output, None for none; by default random, other numbers for each direction.
    operands : names, optional
        The inputs and parameters to check; by default all.
    directions : int, default 4
        Random directions for each operand; 1 finds all but a coincidence.
    eps : float, default 1e-6
        h, relative to elements larger than 1.
    rtol : float, default 1e-6
        What the truncation h^2 y'''/6 may amount to, relative to the derivative: with the default
        eps that is a y''' of six million y'. The roundoff of y, 64 units in the last place over h,
        is allowed for besides, whatever its size.
    atol : float, default 1e-9
        The same for numbers of size 1 inside of y: 1e-16 of roundoff over h, ten times. Lower it
        where all derivatives are so small.
    seed : int, default 0
        Of the directions and gradients; no stream of the library is touched.
    raise_exception : bool, default True
        Raise where a gradient is wrong; otherwise the result says so.

    Errors
    ------
    GradientError
        (an AssertionError) Where a gradient is wrong.
    TypeError
        For what is no Module.
    ValueError
        Where an output is not finite at the inputs or within eps of them, and for an operand that
        is not there.

    Source: torch.autograd.gradcheck; the directional test is that of Chainer's gradient_check.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> bool(gradcheck(npnet.Linear(3, 2), np.array([[1.0, -2.0, 0.5]])))
    True
    >>> class Cube(npnet.Elementwise):
    ...     def forward_kernel(self, x, *, out, scratch):
    ...         np.power(x, 3, out=out)
    ...     def backward_kernel(self, dy, x, y, *, dx, scratch):
    ...         np.multiply(dy, x * x, out=dx)
    >>> print(gradcheck(Cube(), np.array([2.0]), output_gradient=[1.0], raise_exception=False))
    gradcheck: Cube: wrong gradient of x
      x[0]: backward gives 4, central differences 12 (1 of 1 elements disagree)
        likely cause: a constant factor of 0.333333
    """
    if not isinstance(module, Module):
        raise TypeError(
            f"gradcheck: expected a Module, got {type(module).__name__}; a function with its own "
            "backward is for check_gradients"
        )
    if directions < 1 or not eps > 0:
        raise ValueError(
            f"gradcheck: expected directions >= 1 and eps > 0, got {directions} and {eps}"
        )
    subject = ModuleSubject(module, inputs, output_gradient, np.random.default_rng(seed))
    unknown = set(operands or ()) - {operand.name for operand in subject.operands}
    if unknown:
        known = ", ".join(operand.name for operand in subject.operands)
        raise ValueError(f"gradcheck: no operand {sorted(unknown)}; there are {known}")
    if operands is not None:
        subject.operands = [o for o in subject.operands if o.name in operands]
    result = examined(Differences(subject, eps, rtol, atol), directions)
    if not result and raise_exception:
        raise GradientError(str(result), result)
    return result


def examined(check: Differences, directions: int = 4) -> GradcheckResult:
    """Look at every operand along random directions, and closer where one disagrees."""
    subject, name = check.subject, check.subject.name
    faults = subject.misbehaviour()
    if faults:
        found = [Fault(operand, None, math.nan, math.nan, 0, 0, why) for operand, why in faults]
        return GradcheckResult(name, {}, {}, tuple(found), _culprit(check))
    worst: dict[str, float] = {operand.name: 0.0 for operand in subject.operands}
    kinks: dict[str, list[tuple[int, ...]]] = {}
    wrong: dict[str, Fault] = {}
    for _ in range(directions):
        seeds = subject.draw_seeds()
        gradients = subject.gradients(seeds)
        for index, (operand, gradient) in enumerate(zip(subject.operands, gradients, strict=True)):
            if operand.name in wrong:
                continue
            direction = subject.draw(operand.array.shape)
            for at in kinks.get(operand.name, ()):
                direction[at] = 0.0
            excess = check.along(index, gradient, seeds, direction).excess
            if excess > 1:
                located, at_kink = locate(check, index, gradient, seeds, direction)
                if at_kink:
                    kinks.setdefault(operand.name, []).extend(at_kink)
                if located:
                    evidence = Evidence(subject, index, gradient, located.numeric, seeds)
                    wrong[operand.name] = _fault(operand.name, located, likely_cause(evidence))
            if excess <= 1 or operand.name in wrong:
                worst[operand.name] = max(worst[operand.name], excess)
    culprit = _culprit(check) if wrong else ""
    return GradcheckResult(name, worst, kinks, tuple(wrong.values()), culprit)


def _fault(operand: str, located: Located, cause: str) -> Fault:
    """Return what the report says of an operand."""
    at, slope, wrong, looked_at, _ = located
    return Fault(operand, at, slope.analytic, slope.numeric, wrong, looked_at, cause)


def _culprit(check: Differences) -> str:
    """Name the step that is wrong by itself, in a Module that has several."""
    several = False
    for number, subject in check.subject.parts():
        several = True
        found = examined(check._replace(subject=subject), 1)
        if not found:
            return f"the fault is in step {number}:\n  " + str(found).replace("\n", "\n  ")
    return "every step is right by itself: the fault is in what joins them" if several else ""
