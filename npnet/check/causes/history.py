"""Causes in what a pass finds and leaves: left-overs, and what becomes of the output gradient."""

from __future__ import annotations

import numpy as np

from npnet.check.causes.evidence import Evidence, alike

__all__ = ["linearity", "not_finite", "pass_before"]


def not_finite(e: Evidence) -> str:
    """Tell whose left-overs the NaN are."""
    if np.isfinite(e.analytic).all():
        return ""
    clean = e.again(e.seeds, 0.0, 0)
    if not np.isfinite(clean).all():
        return "it is not finite where the outputs are"
    if np.isfinite(e.again(e.seeds, 0.0, 255)).all():
        whole = alike(e.again(e.seeds, 1.0, 0) - clean, np.ones(clean.shape))
        if whole and not clean.any():
            return (
                "stale buffer: nothing is written into its gradient array; a kernel writes: "
                "dx[...] = g, or np.multiply(dy, y, out=dx); what it returns, and dx = g, go "
                "nowhere"
            )
        if whole:
            return (
                "`+=` where `=` is meant: it adds to its gradient array; a kernel writes, the plan "
                "adds"
            )
        return "stale buffer: it leaves part of its gradient array unwritten"
    return "stale buffer: it reads scratch that this pass has not written (see Layer.kept)"


def pass_before(e: Evidence) -> str:
    """Tell whether a pass leaves something for the next."""
    found = e.subject.gradients(e.seeds, before=-3.0)[e.place]
    if alike(found, e.analytic) or not e.analytic.any():
        return ""
    return "stale buffer: it depends on the pass before; something is kept on the layer"


def linearity(e: Evidence) -> str:
    """Tell whether the gradient follows the output gradient."""
    if not e.analytic.any():
        return "it is zero throughout"
    doubled = e.again([None if s is None else 2.0 * s for s in e.seeds])
    if alike(doubled, e.analytic):
        return "the output gradient is ignored: multiply by dy, what arrives from the steps behind"
    if not alike(doubled, 2.0 * e.analytic):
        return "it is not proportional to the output gradient"
    return ""
