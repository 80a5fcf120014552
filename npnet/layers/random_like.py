"""Layers that draw: random numbers in the shape of a value, anew in every run."""

from __future__ import annotations

from typing import Any

from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.parameter import Array
from npnet.random import Generator
from npnet.random.functions import stream

__all__ = ["Drawing", "RandLike", "RandnLike"]


class Drawing(Layer):
    """A layer whose numbers are drawn; of x it takes shape and dtype, and x gets no gradient."""

    backward_reads = frozenset()
    any_order = frozenset({"x"})

    def __init__(self, *, generator: Generator | None = None) -> None:
        super().__init__()
        self.generator = generator
        stream(generator, self._who)

    def infer(self, x: Spec) -> Spec:
        """Return the operand's own shape and dtype."""
        return x

    def has_effects(self) -> bool:
        """Return True: the stream goes on."""
        return True

    def save(self, scratch: Any) -> None:
        """Mark the place in the stream."""
        scratch.mark = stream(self.generator, self._who).mark()

    def restore(self, scratch: Any) -> None:
        """Go back to it."""
        stream(self.generator, self._who).rewind(scratch.mark)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = 0."""
        dx.fill(0.0)


class RandLike(Drawing):
    """Numbers drawn evenly from [0, 1), as many as x has.

    Equation: y ~ U(0, 1), independent of x; dx = 0

    Shapes: x any, y as x. y is drawn anew in every forward, in evaluation too, in row-major order,
    bit for bit torch's for one seed (`Generator.uniform`). A forward that fails, in whatever layer,
    leaves the stream as it was. Recorded by ``npnet.rand_like(x)``, through which no gradient goes.

    Parameters
    ----------
    generator : npnet.random.Generator, optional
        Where y comes from; by default the stream `npnet.manual_seed` sets.

    Source: torch.rand_like.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> layer = RandLike(generator=npnet.Generator(0))
    >>> layer(np.zeros(2, np.float32)).tolist()
    [0.49625658988952637, 0.7682217955589294]
    >>> layer.backward(np.ones(2, np.float32)).tolist()
    [0.0, 0.0]
    """

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Draw y from U(0, 1)."""
        stream(self.generator, self._who).fill_uniform(out)


class RandnLike(Drawing):
    """Numbers drawn from the standard normal distribution, as many as x has.

    Equation: y ~ N(0, 1), independent of x; dx = 0

    Shapes: x any, y as x. y is drawn anew in every forward, in evaluation too, in row-major order,
    bit for bit torch's for one seed (`Generator.normal`). A forward that fails, in whatever layer,
    leaves the stream as it was. Recorded by ``npnet.randn_like(x)``, through which no gradient
    goes: the noise of a variational autoencoder, ``mu + npnet.randn_like(std) * std``.

    Parameters
    ----------
    generator : npnet.random.Generator, optional
        Where y comes from; by default the stream `npnet.manual_seed` sets.

    Source: torch.randn_like; D. Kingma, M. Welling, Auto-Encoding Variational Bayes (2013).

    Examples
    --------
    >>> import numpy as np, npnet
    >>> layer = RandnLike(generator=npnet.Generator(0))
    >>> [round(z, 4) for z in layer(np.zeros(2, np.float32)).tolist()]
    [1.541, -0.2934]
    >>> layer.backward(np.ones(2, np.float32)).tolist()
    [0.0, 0.0]
    """

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Draw y from N(0, 1)."""
        stream(self.generator, self._who).fill_normal(out)
