"""Dropout: numbers left out at random while training."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Elementwise, real_number
from npnet.parameter import Array
from npnet.random import Generator
from npnet.random.functions import stream

__all__ = ["Dropout"]


class Dropout(Elementwise):
    """Each number left out with probability p while training, the others scaled to make up for it.

    Equation: y = x m / (1 - p) with m = 1 with probability 1 - p, else 0; dx = dy m / (1 - p);
    in evaluation, and with p = 0, y = x

    Shapes: any; y as x. m is drawn anew in every forward, in row-major order, bit for bit torch's
    for one seed (`Generator.bernoulli`). Nothing is drawn in evaluation, nor for p = 0 and p = 1.
    A forward that fails, in whatever layer, leaves the stream as it was.

    Parameters
    ----------
    p : float, default 0.5
        From 0 to 1.
    inplace : bool, default False
        Accepted for torch's sake: a plan writes over an array wherever nobody else reads it, and
        never over the caller's.
    generator : npnet.random.Generator, optional
        Where m comes from; by default the stream `npnet.manual_seed` sets.

    Errors
    ------
    ValueError
        For p outside [0, 1].
    TypeError
        For p that is no number.

    Source: torch.nn.Dropout; N. Srivastava et al., Dropout: a simple way to prevent neural networks
    from overfitting (2014).

    Examples
    --------
    >>> import numpy as np, npnet
    >>> dropout = Dropout(0.5, generator=npnet.Generator(0))
    >>> dropout(np.ones(6)).tolist()
    [0.0, 0.0, 2.0, 0.0, 0.0, 0.0]
    >>> dropout.backward(np.ones(6)).tolist()
    [0.0, 0.0, 2.0, 0.0, 0.0, 0.0]
    >>> dropout.eval()(np.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    backward_reads = frozenset()
    in_place = True
    kept = frozenset({"mask"})

    def __init__(
        self, p: float = 0.5, inplace: bool = False, *, generator: Generator | None = None
    ) -> None:
        super().__init__()
        self.p, self.inplace = p, inplace
        self.generator = generator
        self._check()
        stream(generator, self._who)

    def _check(self) -> None:
        """Refuse a p that is no probability; it may be set at any time."""
        if not 0 <= real_number(self.p, self._who, "p") <= 1:
            raise ValueError(
                f"{self._who}: expected p from 0 to 1, got {self.p}; it is what is left out"
            )

    def infer(self, x: Spec) -> Spec:
        """Return the operand's own shape and dtype."""
        self._check()
        return super().infer(x)

    def has_effects(self) -> bool:
        """Whether a mask is drawn."""
        return self.training and 0 < self.p < 1

    def save(self, scratch: Any) -> None:
        """Mark the place in the stream."""
        scratch.mark = stream(self.generator, self._who).mark()

    def restore(self, scratch: Any) -> None:
        """Go back to it."""
        stream(self.generator, self._who).rewind(scratch.mark)

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Return room for the mask, where one is drawn, else the factor of all numbers."""
        if self.has_effects():
            return {"mask": x, "factor": None}
        return {"factor": 0.0 if self.training and self.p == 1 else 1.0}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x times a mask of 0 and 1 / (1 - p)."""
        if scratch.factor is None:
            # The quotient is rounded as torch rounds it: both of its numbers in the dtype of x.
            scale = x.dtype.type(1) / x.dtype.type(1 - self.p)
            stream(self.generator, self._who).fill_bernoulli(scratch.mask, 1 - self.p, scale)
        self._scale(x, out, scratch)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy times the mask."""
        self._scale(dy, dx, scratch)

    @staticmethod
    def _scale(numbers: Array, out: Array, scratch: Any) -> None:
        """Multiply by the mask, or by 0 or 1."""
        if scratch.factor is None:
            np.multiply(numbers, scratch.mask, out=out)
        elif scratch.factor:
            np.copyto(out, numbers)
        else:
            np.multiply(numbers, 0.0, out=out)

    def extra_repr(self) -> str:
        """Torch's words."""
        return f"p={self.p}, inplace={self.inplace}"
