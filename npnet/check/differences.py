"""Differences: a gradient held to central differences, along a direction or element by element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.check.subject import Subject
from npnet.parameter import Array

__all__ = ["Differences", "Located", "Slope", "locate"]

_ELEMENTS = 4096  # of an operand looked at one by one; a larger one is halved until it has so few
_ROUNDOFF = 64 * 2.0**-52  # of an output, relative: sums of some thousand terms


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


class Differences(NamedTuple):
    """A subject, and how exactly its gradients are looked at."""

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


class Located(NamedTuple):
    """Where a gradient is most wrong: the element, its slope, and how many are wrong of how many.

    `numeric` is the right gradient, NaN where nobody looked.
    """

    at: tuple[int, ...]
    slope: Slope
    wrong: int
    looked_at: int
    numeric: Array


def locate(
    check: Differences, index: int, gradient: Array, seeds: Sequence[Any], direction: Array
) -> tuple[Located | None, list[tuple[int, ...]]]:
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
            return Located(at, slope, len(wrong), len(slopes), numeric), kinks
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
