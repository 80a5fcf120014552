"""Gated activations: the number times a gate between 0 and 1 that opens as it grows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.activation import Activation, write_sigmoid
from npnet.parameter import Array

__all__ = ["GELU", "Hardswish", "Mish", "SiLU"]

_DENSITY = 1 / math.sqrt(2 * math.pi)
#: tanh(u) is 2 sigmoid(2 u) - 1, so the gate of GELU's approximation is sigmoid(2 u).
_TWICE = 2 * math.sqrt(2 / math.pi)
_CUBIC = 0.044715
#: Where Mish's gate is 1 in every dtype, and nothing that it is made of overflows.
_OPEN = 20.0


class Gated(Activation):
    """An activation y = x gate(x), dy/dx = gate(x) + x gate'(x); forward keeps the gate.

    A subclass writes ``gate(x)`` into scratch.gate, and ``x gate'(x)`` into scratch.bend. The first
    may use `bend` and `spare`, the second reads the gate and may use `spare`.
    """

    backward_reads = frozenset({"x"})
    in_place = True
    kept = frozenset({"gate"})

    write_gate: Callable[..., None]
    write_bend: Callable[..., None]

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Keep the gate."""
        return {"gate": x, "bend": x, "spare": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x gate(x)."""
        with np.errstate(over="ignore", invalid="ignore"):
            self.write_gate(x, scratch)
            np.multiply(x, scratch.gate, out=out)

    def backward_kernel(self, dy: Array, x: Array, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy (gate(x) + x gate'(x))."""
        with np.errstate(over="ignore", invalid="ignore"):
            self.write_bend(x, scratch)
        np.add(scratch.bend, scratch.gate, out=scratch.bend)
        np.multiply(scratch.bend, dy, out=dx)


class SiLU(Gated):
    """Sigmoid linear unit, also called swish.

    Equation: y = x s, s = sigmoid(x); dy/dx = s + x s (1 - s); NaN at -inf, as torch's

    Shapes: any.

    Parameters
    ----------
    inplace : bool, default False
        Accepted for torch's sake.

    Source: torch.nn.SiLU.

    Examples
    --------
    >>> import numpy as np
    >>> SiLU()(np.array([-1e4, 0.0, 1e4])).tolist()
    [-0.0, 0.0, 10000.0]
    """

    def write_gate(self, x: Array, scratch: Any) -> None:
        """Write s."""
        write_sigmoid(x, scratch.gate)

    def write_bend(self, x: Array, scratch: Any) -> None:
        """Write x s (1 - s)."""
        bend = scratch.bend
        np.subtract(1.0, scratch.gate, out=bend)
        np.multiply(bend, scratch.gate, out=bend)
        np.multiply(bend, x, out=bend)


class GELU(Gated):
    """Gaussian error linear unit.

    Equation: y = x P(x), P(x) = (1 + erf(x / sqrt(2))) / 2, the normal distribution's cdf;
    dy/dx = P(x) + x exp(-x^2 / 2) / sqrt(2 pi). With 'tanh' P(x) = (1 + tanh(u)) / 2,
    u = sqrt(2 / pi) (x + 0.044715 x^3). NaN at -inf, as torch's.

    Shapes: any.

    Parameters
    ----------
    approximate : 'none' or 'tanh', default 'none'
        'tanh' is several times as fast, and at most 0.0005 off.

    Errors
    ------
    ValueError
        For another word.

    Source: torch.nn.GELU; D. Hendrycks, K. Gimpel, Gaussian Error Linear Units (2016).

    Examples
    --------
    >>> import numpy as np
    >>> round(float(GELU()(np.array(1.0))), 6), round(float(GELU("tanh")(np.array(1.0))), 6)
    (0.841345, 0.841192)
    """

    shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: expected approximate 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Keep the gate; SciPy, which is slow to import, is wanted for the exact one only."""
        specs = super().scratch_specs(x)
        if self.approximate == "none":
            from scipy.special import ndtr

            specs["cdf"] = ndtr
        return specs

    def write_gate(self, x: Array, scratch: Any) -> None:
        """Write P(x), for 'tanh' as sigmoid(2 u), which is accurate far below 0 too."""
        gate = scratch.gate
        if self.approximate == "none":
            scratch.cdf(x, out=gate)
            return
        np.multiply(x, x, out=gate)
        np.multiply(gate, _CUBIC, out=gate)
        np.add(gate, 1.0, out=gate)
        np.multiply(gate, x, out=gate)
        np.multiply(gate, _TWICE, out=gate)
        write_sigmoid(gate, gate)

    def write_bend(self, x: Array, scratch: Any) -> None:
        """Write x P'(x)."""
        bend, spare = scratch.bend, scratch.spare
        if self.approximate == "none":
            np.multiply(x, x, out=bend)
            np.multiply(bend, -0.5, out=bend)
            np.exp(bend, out=bend)
            np.multiply(bend, x, out=bend)
            np.multiply(bend, _DENSITY, out=bend)
            return
        # 2 u' is _TWICE (1 + 3 _CUBIC x^2); x^2 comes last, where it meets a 0 before it overflows.
        np.subtract(1.0, scratch.gate, out=bend)
        np.multiply(bend, scratch.gate, out=bend)
        np.multiply(bend, x, out=bend)
        np.multiply(bend, x, out=spare)
        np.multiply(spare, x, out=spare)
        np.multiply(spare, 3 * _CUBIC, out=spare)
        np.add(bend, spare, out=bend)
        np.multiply(bend, _TWICE, out=bend)


class Mish(Gated):
    """Self-regularized activation.

    Equation: y = x t, t = tanh(log(1 + e^x)); dy/dx = t + x (1 - t^2) sigmoid(x); y is NaN at -inf,
    as torch's; dy/dx is 1 at inf, where torch's is NaN

    Shapes: any.

    Parameters
    ----------
    inplace : bool, default False
        Accepted for torch's sake.

    Source: torch.nn.Mish; D. Misra, Mish: A Self Regularized Non-Monotonic Activation Function
    (2019).

    Examples
    --------
    >>> import numpy as np
    >>> Mish()(np.array([0.0, 50.0])).tolist()
    [0.0, 50.0]
    """

    def write_gate(self, x: Array, scratch: Any) -> None:
        """Write t = n / (n + 2), n = e (e + 2), e = e^x: neither a logarithm nor a difference."""
        gate, numerator = scratch.gate, scratch.bend
        np.minimum(x, _OPEN, out=gate)
        np.exp(gate, out=gate)
        np.add(gate, 2.0, out=numerator)
        np.multiply(numerator, gate, out=numerator)
        np.add(numerator, 2.0, out=gate)
        np.true_divide(numerator, gate, out=gate)

    def write_bend(self, x: Array, scratch: Any) -> None:
        """Write x (1 - t^2) sigmoid(x) = 4 x e d / (d^2 + 1)^2, d = 1 + e."""
        bend, spare = scratch.bend, scratch.spare
        np.minimum(x, _OPEN, out=bend)
        np.exp(bend, out=spare)
        np.multiply(bend, spare, out=bend)
        np.add(spare, 1.0, out=spare)
        np.multiply(bend, spare, out=bend)
        np.multiply(spare, spare, out=spare)
        np.add(spare, 1.0, out=spare)
        np.true_divide(bend, spare, out=bend)
        np.true_divide(bend, spare, out=bend)
        np.multiply(bend, 4.0, out=bend)


class Hardswish(Gated):
    """SiLU made of straight lines.

    Equation: y = x g, g = min(max(x + 3, 0), 6) / 6; dy/dx = 0 where x <= -3, x / 3 + 1/2 up to 3,
    1 from there; y is NaN at -inf, as torch's

    Shapes: any.

    Parameters
    ----------
    inplace : bool, default False
        Accepted for torch's sake, and not printed, as in torch.

    Source: torch.nn.Hardswish; A. Howard et al., Searching for MobileNetV3 (2019), section 5.2.

    Examples
    --------
    >>> import numpy as np
    >>> Hardswish()(np.array([-4.0, 0.0, 1.5, 4.0])).tolist()
    [-0.0, 0.0, 1.125, 4.0]
    """

    def write_gate(self, x: Array, scratch: Any) -> None:
        """Write g."""
        gate = scratch.gate
        np.add(x, 3.0, out=gate)
        gate.clip(0.0, 6.0, gate)
        np.true_divide(gate, 6.0, out=gate)

    def write_bend(self, x: Array, scratch: Any) -> None:
        """Write x / 6 where -3 < x < 3, else 0."""
        bend, spare = scratch.bend, scratch.spare
        x.clip(-3.0, 3.0, bend)
        np.true_divide(bend, 3.0, out=bend)
        np.trunc(bend, out=spare)  # -1 and 1 at the ends and beyond, 0 between
        np.subtract(bend, spare, out=bend)
        np.multiply(bend, 0.5, out=bend)

    def extra_repr(self) -> str:
        """Empty, as torch's."""
        return ""
