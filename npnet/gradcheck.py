"""gradcheck: the gradients of a Module held to central differences."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from npnet.faults import Evidence, Subject, likely_cause
from npnet.module import Module
from npnet.parameter import Array
from npnet.plan import Plan

__all__ = ["Fault", "GradcheckResult", "GradientError", "gradcheck"]

_ELEMENTS = 4096  # of an operand looked at one by one; a larger one is halved until it has so few
_ROUNDOFF = 64 * 2.0**-52  # of an output, relative: sums of some thousand terms


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


class Slope(NamedTuple):
    """A derivative along a direction: by backward, by differences, and what they may differ by."""

    analytic: float
    numeric: float
    tolerance: float

    @property
    def excess(self) -> float:
        """Disagreement as a share of the tolerance."""
        difference = abs(self.analytic - self.numeric)
        if not math.isfinite(self.analytic) or (difference and not self.tolerance):
            return math.inf
        return difference / self.tolerance if difference else 0.0


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
    if directions < 1 or not eps > 0:
        raise ValueError(
            f"gradcheck: expected directions >= 1 and eps > 0, got {directions} and {eps}"
        )
    subject = Subject(module, inputs, output_gradient, np.random.default_rng(seed))
    unknown = set(operands or ()) - {operand.name for operand in subject.operands}
    if unknown:
        known = ", ".join(operand.name for operand in subject.operands)
        raise ValueError(f"gradcheck: no operand {sorted(unknown)}; there are {known}")
    if operands is not None:
        subject.operands = [o for o in subject.operands if o.name in operands]
    result = _check(_Check(subject, eps, rtol, atol), type(module).__name__, directions)
    if not result and raise_exception:
        raise GradientError(str(result), result)
    return result


class _Check(NamedTuple):
    """A subject and how exactly it is looked at."""

    subject: Subject
    eps: float
    rtol: float
    atol: float

    def slope(
        self, index: int, gradient: Array, seeds: Sequence[Any], up: Array, down: Array
    ) -> Slope:
        """Compare along the way from x - down to x + up, relative to its length."""
        before, after, way = self.subject.both_sides(index, up, down)
        numeric, noise = 0.0, 0.0
        for seed, y, z in zip(seeds, before, after, strict=True):
            if seed is not None:
                if not (np.isfinite(y).all() and np.isfinite(z).all()):
                    raise ValueError(
                        f"gradcheck: {self.subject.name}: expected finite outputs within eps = "
                        f"{self.eps:g} of {self.subject.operands[index].name}; move it into the "
                        "domain or give a smaller eps"
                    )
                moved = np.where(y != z, np.abs(y) + np.abs(z), 0.0)
                numeric += float(np.sum(seed * (z - y)))
                noise += float(np.sum(np.abs(seed) * moved)) * _ROUNDOFF
        length = float(np.sqrt(np.sum(way * way))) or 1.0
        with np.errstate(all="ignore"):  # the gradient may be anything
            parts = gradient[way != 0] * way[way != 0]
            analytic, size = float(np.sum(parts)), float(np.sqrt(np.sum(parts * parts)))
        tolerance = self.rtol * max(size, abs(numeric)) + self.atol * length + noise
        return Slope(analytic / length, numeric / length, tolerance / length)

    def along(
        self, index: int, gradient: Array, seeds: Sequence[Any], direction: Array, scale: float = 1
    ) -> Slope:
        """Compare along a direction, to both sides by eps times the elements' sizes."""
        x = self.subject.operands[index].array
        step = direction * np.maximum(1.0, np.abs(x)) * (self.eps * scale)
        return self.slope(index, gradient, seeds, step, step)

    def is_kink(self, index: int, gradient: Array, seeds: Sequence[Any], unit: Array) -> bool:
        """Whether an element has no derivative here, and its gradient is one of those it may have.

        Beside a kink a smaller step agrees. At one the two slopes stay apart as the step shrinks,
        where those of a smooth function come together.
        """
        near = self.along(index, gradient, seeds, unit, 1 / 16)
        if near.excess <= 1:
            return True
        x = self.subject.operands[index].array
        jumps = []
        for scale in (1.0, 1 / 16):
            step = unit * np.maximum(1.0, np.abs(x)) * (self.eps * scale)
            right = self.slope(index, gradient, seeds, step, 0 * step)
            left = self.slope(index, gradient, seeds, 0 * step, step)
            jumps.append(abs(right.numeric - left.numeric))
        low, high = sorted((left.numeric, right.numeric))
        apart = jumps[1] > jumps[0] / 4 and jumps[1] > 4 * near.tolerance
        return apart and low - near.tolerance <= near.analytic <= high + near.tolerance


def _check(check: _Check, name: str, directions: int) -> GradcheckResult:
    """Look at every operand along random directions, and closer where one disagrees."""
    subject = check.subject
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
                fault, at_kink = _locate(check, index, gradient, seeds, direction)
                if at_kink:
                    kinks.setdefault(operand.name, []).extend(at_kink)
                if fault:
                    wrong[operand.name] = fault
            if excess <= 1 or operand.name in wrong:
                worst[operand.name] = max(worst[operand.name], excess)
    culprit = _culprit(check) if wrong else ""
    return GradcheckResult(name, worst, kinks, tuple(wrong.values()), culprit)


def _locate(
    check: _Check, index: int, gradient: Array, seeds: Sequence[Any], direction: Array
) -> tuple[Fault | None, list[tuple[int, ...]]]:
    """Find the element that is most wrong; or none, and the kinks that explain the disagreement."""
    shape = gradient.shape
    unexplained = np.arange(gradient.size)
    kinks: list[tuple[int, ...]] = []

    def excess(part: Array) -> float:
        """Disagreement along the direction's share in some elements."""
        share = np.zeros(shape)
        share.flat[part] = direction.flat[part]
        return check.along(index, gradient, seeds, share).excess

    while unexplained.size and excess(unexplained) > 1:
        part = unexplained
        while part.size > _ELEMENTS:
            part = max(np.array_split(part, 2), key=excess)
        places = [tuple(map(int, np.unravel_index(i, shape))) for i in part]
        slopes = [check.along(index, gradient, seeds, _unit(shape, at)) for at in places]
        apart = [(at, s) for at, s in zip(places, slopes, strict=True) if s.excess > 1]
        at_kink = [check.is_kink(index, gradient, seeds, _unit(shape, at)) for at, _ in apart]
        wrong = [found for found, kink in zip(apart, at_kink, strict=True) if not kink]
        if wrong:
            at, slope = max(wrong, key=lambda found: _difference(found[1]))
            numeric = np.full(shape, math.nan)
            numeric.flat[part] = [s.numeric for s in slopes]
            cause = likely_cause(Evidence(check.subject, index, gradient, numeric, seeds))
            name, counts = check.subject.operands[index].name, (len(wrong), len(slopes))
            return Fault(name, at, slope.analytic, slope.numeric, *counts, cause), kinks
        kinks += [found[0] for found in apart]
        unexplained = np.setdiff1d(unexplained, part)
    return None, kinks


def _difference(slope: Slope) -> float:
    """How far the two values are apart; what is not finite is farthest."""
    return abs(slope.analytic - slope.numeric) if math.isfinite(slope.analytic) else math.inf


def _unit(shape: tuple[int, ...], at: tuple[int, ...]) -> Array:
    """Return the direction of one element."""
    direction = np.zeros(shape)
    direction[at] = 1.0
    return direction


def _culprit(check: _Check) -> str:
    """Name the step that is wrong by itself, in a Module that has several."""
    plan = check.subject.plan
    # Hooks are steps too, which cannot be asked without the Module they watch.
    layers = [(n, s) for n, s in enumerate(plan.tape.steps) if isinstance(s.layer, Module)]
    if len(layers) < 2:
        return ""
    specs = [plan.specs[index] for index in plan.tape.inputs]
    open_plan = Plan(plan.tape, specs, np.dtype(np.float64), retain=True)
    fed = zip(check.subject.inputs, specs, strict=True)
    open_plan.forward([np.asarray(array, spec.dtype) for array, spec in fed])
    open_plan.undo()
    for number, step in reversed(layers):
        layer: Any = step.layer
        names = layer.operand_names
        values = [
            open_plan.value(slot).copy()
            for position, slot in enumerate(step.reads)
            if slot is not None and names[min(position, len(names) - 1)] not in layer._parameters
        ]
        subject = Subject(layer, values, None, np.random.default_rng(0))
        found = _check(check._replace(subject=subject), type(layer).__name__, 1)
        if not found:
            return f"the fault is in step {number}:\n  " + str(found).replace("\n", "\n  ")
    return "every step is right by itself: the fault is in what joins them"
