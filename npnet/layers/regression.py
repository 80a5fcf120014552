"""Losses of the difference of an input and a target, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import real_number
from npnet.layers.loss import Pointwise, in_dtype, silent
from npnet.layers.reduction import sum_of_squares
from npnet.parameter import Array

__all__ = ["HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss"]


class Difference(Pointwise):
    """A loss l(e) of the error e = x - target: one subclass writes l and its slope.

    Equation: J = mean l(x - target); dx = l'(x - target) dJ / count, dtarget = -dx

    A new one has ``losses(error, out, scratch)``, which writes l(e), and ``slopes(error, share,
    out, scratch)``, which writes l'(e) times the share.
    """

    backward_reads = frozenset()
    kept = frozenset({"error"})
    losses: Callable[..., None]
    slopes: Callable[..., None]

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Any]:
        """Keep the error, and hold the losses and a term of them."""
        return {"error": x, "losses": x, "term": x}

    def total(self, error: Array, scratch: Any) -> float:
        """Return the sum of l(e)."""
        self.losses(error, scratch.losses, scratch)
        return float(np.add.reduce(scratch.losses, axis=None))

    @silent
    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J = mean l(x - target)."""
        error = scratch.error
        np.subtract(x, target, out=error)
        if self.reduction == "none":
            self.losses(error, out, scratch)
        else:
            out[...] = self.averaged(self.total(error, scratch), error)

    @silent
    def backward_kernel(
        self,
        dy: Array,
        x: None,
        target: None,
        y: None,
        *,
        dx: Array | None,
        dtarget: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx = l'(x - target) dJ / count, dtarget = -dx."""
        gradient: Any = dtarget if dx is None else dx
        self.slopes(scratch.error, self.share(dy, scratch.error), gradient, scratch)
        if dtarget is not None:
            np.negative(gradient, out=dtarget)


def capped(error: Array, bound: Any, out: Array) -> None:
    """Write each number, those beyond -bound and bound replaced by these."""
    error.clip(-bound, bound, out)


class MSELoss(Difference):
    """Squared error, the squared L2 norm of x - target with reduction='sum'.

    Equation: J = mean (x - target)^2; dx = 2 (x - target) dJ / count, dtarget = -dx

    Shapes: x and target any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    reduction : 'none', 'mean' or 'sum', default 'mean'

    Errors
    ------
    ValueError
        For shapes that differ, (N,) and (N, 1) too, which torch broadcasts to (N, N) with a
        warning; for an unknown reduction.

    Source: torch.nn.MSELoss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = MSELoss()
    >>> float(loss(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    2.5
    >>> loss.backward().tolist()
    [1.0, -2.0]
    """

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Any]:
        """Keep the error."""
        return {"error": x}

    def losses(self, error: Array, out: Array, scratch: Any) -> None:
        """Write e^2."""
        np.multiply(error, error, out=out)

    def total(self, error: Array, scratch: Any) -> float:
        """Return the sum of e^2, for which BLAS needs no array of squares."""
        return sum_of_squares(error)

    def slopes(self, error: Array, share: Any, out: Array, scratch: Any) -> None:
        """Write 2 e times the share."""
        if self.reduction == "none":
            np.multiply(error, 2.0, out=out)
            np.multiply(out, share, out=out)
        else:
            np.multiply(error, 2.0 * share, out=out)


class L1Loss(Difference):
    """Absolute error, the L1 norm of x - target with reduction='sum'.

    Equation: J = mean |x - target|; dx = sign(x - target) dJ / count, dtarget = -dx; the sign of
    0 and of NaN is 0

    Shapes: x and target any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    reduction : 'none', 'mean' or 'sum', default 'mean'

    Errors
    ------
    ValueError
        For shapes that differ, (N,) and (N, 1) too, and for an unknown reduction.

    Source: torch.nn.L1Loss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = L1Loss()
    >>> float(loss(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    1.5
    >>> loss.backward().tolist()
    [0.5, -0.5]
    """

    def losses(self, error: Array, out: Array, scratch: Any) -> None:
        """Write |e|."""
        np.absolute(error, out=out)

    def slopes(self, error: Array, share: Any, out: Array, scratch: Any) -> None:
        """Write the sign of e times the share."""
        signs(error, share, out, scratch.term)


def signs(error: Array, share: Any, out: Array, term: Array) -> None:
    """Write 1, 0 or -1 times the share; torch's sign of NaN is 0, NumPy's is NaN."""
    np.greater(error, 0.0, out=out)
    np.less(error, 0.0, out=term)
    np.subtract(out, term, out=out)
    np.multiply(out, share, out=out)


class SmoothL1Loss(Difference):
    """Absolute error with its kink rounded off: quadratic for errors below beta.

    Equation: with e = x - target, l = e^2 / (2 beta) where |e| < beta, else |e| - beta / 2;
    J = mean l; dx = e / beta held between -1 and 1, times dJ / count, dtarget = -dx

    Shapes: x and target any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    reduction : 'none', 'mean' or 'sum', default 'mean'
    beta : float, default 1.0
        0 or more; 0 is L1Loss.

    Errors
    ------
    ValueError
        For shapes that differ, (N,) and (N, 1) too, for a beta below 0 or NaN, and for an unknown
        reduction.
    TypeError
        For a beta that is no real number.

    Source: torch.nn.SmoothL1Loss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SmoothL1Loss(reduction="none", beta=2.0)
    >>> loss(np.array([1.0, -4.0]), np.zeros(2)).tolist()
    [0.25, 3.0]
    >>> loss.backward(np.ones(2)).tolist()
    [0.5, -1.0]
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = real_number(beta, self._who, "beta")
        if not self.beta >= 0:
            raise ValueError(
                f"{self._who}: expected beta of 0 or more, got {self.beta}; 0 is L1Loss"
            )

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Any]:
        """Say beta in the dtype of x, where it may be 0."""
        return super().scratch_specs(x, target) | {"beta": in_dtype(self.beta, x.dtype)}

    def losses(self, error: Array, out: Array, scratch: Any) -> None:
        """Write (e - c / 2) c / beta, where c is e held between -beta and beta."""
        beta, c = scratch.beta, scratch.term
        if not beta:
            np.absolute(error, out=out)
            return
        capped(error, beta, c)
        np.multiply(c, 0.5, out=out)
        np.subtract(error, out, out=out)
        np.true_divide(c, beta, out=c)
        np.multiply(out, c, out=out)

    def slopes(self, error: Array, share: Any, out: Array, scratch: Any) -> None:
        """Write c / beta times the share."""
        if not scratch.beta:
            signs(error, share, out, scratch.term)
            return
        capped(error, scratch.beta, out)
        np.true_divide(out, scratch.beta, out=out)
        np.multiply(out, share, out=out)


class HuberLoss(Difference):
    """Half the squared error, linear for errors above delta: delta times SmoothL1Loss(beta=delta).

    Equation: with e = x - target, l = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2);
    J = mean l; dx = e held between -delta and delta, times dJ / count, dtarget = -dx

    Shapes: x and target any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    reduction : 'none', 'mean' or 'sum', default 'mean'
    delta : float, default 1.0
        More than 0; inf is half of MSELoss.

    Errors
    ------
    ValueError
        For shapes that differ, (N,) and (N, 1) too, for a delta of 0 or below or NaN, and for an
        unknown reduction.
    TypeError
        For a delta that is no real number.

    Source: torch.nn.HuberLoss; Huber, Robust Estimation of a Location Parameter (1964).

    Examples
    --------
    >>> import numpy as np
    >>> loss = HuberLoss(reduction="none", delta=2.0)
    >>> loss(np.array([1.0, -4.0]), np.zeros(2)).tolist()
    [0.5, 6.0]
    >>> loss.backward(np.ones(2)).tolist()
    [1.0, -2.0]
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = real_number(delta, self._who, "delta")
        if not self.delta > 0:
            raise ValueError(f"{self._who}: expected a delta above 0, got {self.delta}")

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Any]:
        """Say delta in the dtype of x."""
        return super().scratch_specs(x, target) | {"delta": in_dtype(self.delta, x.dtype)}

    def losses(self, error: Array, out: Array, scratch: Any) -> None:
        """Write (e - c / 2) c, where c is e held between -delta and delta."""
        c = scratch.term
        capped(error, scratch.delta, c)
        np.multiply(c, 0.5, out=out)
        np.subtract(error, out, out=out)
        np.multiply(out, c, out=out)

    def slopes(self, error: Array, share: Any, out: Array, scratch: Any) -> None:
        """Write c times the share."""
        capped(error, scratch.delta, out)
        np.multiply(out, share, out=out)
