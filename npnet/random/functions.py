"""Functions that draw arrays: torch's names, arguments and numbers.

`generator` is a Generator, or None for the stream that `npnet.manual_seed` sets. All raise what the
Generator's own methods raise, and TypeError for another generator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from npnet.parameter import Array
from npnet.random.generator import Generator, default_generator

__all__ = ["bernoulli", "rand", "randint", "randn", "randperm", "stream"]


def stream(generator: Generator | None, who: str) -> Generator:
    """Return the generator given, or the default one."""
    if generator is None:
        return default_generator()
    if not isinstance(generator, Generator):
        kind = type(generator).__name__
        raise TypeError(f"{who}: expected a npnet.random.Generator, got {kind}")
    return generator


def _shape(size: tuple[Any, ...]) -> Any:
    """Return the shape given as one tuple or as numbers."""
    return size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size


def rand(*size: Any, generator: Generator | None = None, dtype: DTypeLike = np.float32) -> Array:
    """Draw evenly from [0, 1): Generator.uniform. Source: torch.rand.

    >>> rand(3, generator=Generator(0)).tolist()
    [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]
    """
    return stream(generator, "rand").uniform(0.0, 1.0, _shape(size), dtype)


def randn(*size: Any, generator: Generator | None = None, dtype: DTypeLike = np.float32) -> Array:
    """Draw from the standard normal distribution: Generator.normal. Source: torch.randn.

    >>> [round(z, 4) for z in randn(2, generator=Generator(0)).tolist()]
    [1.541, -0.2934]
    """
    return stream(generator, "randn").normal(0.0, 1.0, _shape(size), dtype)


def randint(
    low: int, high: Any, size: Any = None, *, generator: Generator | None = None
) -> NDArray[np.int64]:
    """Draw integers from low to high - 1, or of randint(high, size) from 0 on.

    Source: torch.randint.

    >>> randint(10, (5,), generator=Generator(0)).tolist()
    [4, 9, 3, 0, 3]
    """
    if size is None:
        low, high, size = 0, low, high
    return stream(generator, "randint").randint(low, high, size)


def randperm(n: int, *, generator: Generator | None = None) -> NDArray[np.int64]:
    """Draw an order of 0, ..., n - 1: Generator.randperm. Source: torch.randperm.

    >>> randperm(5, generator=Generator(7)).tolist()
    [0, 1, 3, 2, 4]
    """
    return stream(generator, "randperm").randperm(n)


def bernoulli(input: Any, p: float | None = None, *, generator: Generator | None = None) -> Array:
    """Draw ones with the probabilities in `input`, or all with p; as `input` in shape and dtype.

    Errors: ValueError for a probability outside [0, 1]. Source: torch.bernoulli.

    >>> bernoulli(np.full(6, 0.5), generator=Generator(0)).tolist()
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    given = np.asarray(input)
    return stream(generator, "bernoulli").bernoulli(
        given if p is None else p, given.shape, given.dtype
    )
