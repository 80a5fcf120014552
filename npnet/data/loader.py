"""DataLoader: arrays in batches, in the order torch's would have."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.parameter import Array
from npnet.random import Generator, default_generator

__all__ = ["DataLoader"]


class DataLoader:
    """Passes over arrays in batches of samples, in their order or shuffled anew in every pass.

    batch k = a[order[k * B : (k + 1) * B]] for each array a, order = 0, ..., N - 1 or `randperm(N)`

    Shapes: arrays (N, ...), batches (B, ...), the last one shorter where B does not divide N.
    Dtypes are kept. Batches are copies, the caller's own; nothing else is copied, so a memory map
    is read batch by batch, and what is written into the arrays shows in later batches.

    Parameters
    ----------
    inputs : array, or tuple of arrays
    targets : array, optional
        With it a batch is the tuple (inputs, targets), with a tuple as inputs (first, second, ...,
        targets); without it and for one array just that array's batch.
    batch_size : int, default 1
        B.
    shuffle : bool, default False
    drop_last : bool, default False
        Leave a last batch out that would be shorter.
    generator : npnet.random.Generator, optional
        Where orders come from; by default each pass draws the seed of its order from the stream
        that `npnet.manual_seed` sets. As in torch, starting a pass draws a number (torch's seed
        for workers) even without shuffling; making a DataLoader draws nothing.

    Errors
    ------
    ValueError
        For arrays of different lengths or without an axis, a batch_size that is no integer >= 1,
        and for shuffling nothing.
    TypeError
        For shuffle and drop_last that are no bools, and another kind of generator.

    Source: torch.utils.data.DataLoader over a TensorDataset, RandomSampler, BatchSampler.

    Examples
    --------
    >>> loader = DataLoader(np.arange(5.0), np.arange(5), batch_size=2)
    >>> [(inputs.tolist(), targets.tolist()) for inputs, targets in loader]
    [([0.0, 1.0], [0, 1]), ([2.0, 3.0], [2, 3]), ([4.0], [4])]
    >>> loader = DataLoader(np.arange(5), batch_size=2, shuffle=True, generator=Generator(0))
    >>> len(loader), sorted(np.concatenate(list(loader)).tolist())
    (3, [0, 1, 2, 3, 4])
    """

    def __init__(
        self,
        inputs: ArrayLike | tuple[ArrayLike, ...],
        targets: ArrayLike | None = None,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        generator: Generator | None = None,
    ) -> None:
        self.arrays = _arrays(inputs, targets)
        self.batch_size = _positive(batch_size)
        for name, flag in (("shuffle", shuffle), ("drop_last", drop_last)):
            if not isinstance(flag, bool | np.bool_):
                raise TypeError(f"DataLoader: expected {name} to be True or False, got {flag!r}")
        if generator is not None and not isinstance(generator, Generator):
            kind = type(generator).__name__
            raise TypeError(f"DataLoader: expected a npnet.random.Generator, got {kind}")
        if shuffle and len(self.arrays[0]) == 0:
            raise ValueError("DataLoader: expected at least one sample to shuffle, got none")
        self.shuffle, self.drop_last, self.generator = bool(shuffle), bool(drop_last), generator

    def __len__(self) -> int:
        """Return the number of batches in a pass."""
        whole, rest = divmod(len(self.arrays[0]), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        """Start a pass."""
        stream = self.generator or default_generator()
        # torch draws its workers' seed here, with or without workers.
        stream.randint(0, 2**63)
        return self._shuffled(stream) if self.shuffle else self._ordered()

    def _ordered(self) -> Iterator[Any]:
        """Pass over the samples as they lie."""
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield _batch([a[start : start + self.batch_size].copy() for a in self.arrays])

    def _shuffled(self, stream: Generator) -> Iterator[Any]:
        """Pass over the samples in an order drawn when the first batch is asked for."""
        count = len(self.arrays[0])
        if self.generator is None:
            stream = Generator(int(stream.randint(0, 2**63)))
        order = stream.randperm(count)
        whole = count - count % self.batch_size
        for start in range(0, whole, self.batch_size):
            yield self._taken(order[start : start + self.batch_size])
        if self.generator is not None:
            # torch's sampler draws one more order where it ends, and uses none of it.
            stream.randperm(count)
        if whole < count and not self.drop_last:
            yield self._taken(order[whole:])

    def _taken(self, index: Array) -> Any:
        """Return the batch of the samples at an index."""
        return _batch([a.take(index, axis=0) for a in self.arrays])


def _arrays(inputs: Any, targets: ArrayLike | None) -> list[Array]:
    """Return what a batch consists of, all of one length."""
    several = isinstance(inputs, tuple)
    named = {f"inputs[{i}]": a for i, a in enumerate(inputs)} if several else {"inputs": inputs}
    if targets is not None:
        named["targets"] = targets
    arrays = {name: np.asarray(array) for name, array in named.items()}
    if not arrays:
        raise ValueError("DataLoader: expected at least one array, got an empty tuple")
    for name, array in arrays.items():
        if array.ndim == 0:
            raise ValueError(f"DataLoader: expected {name} of shape (N, ...), got a single number")
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{len(array)} {name}" for name, array in arrays.items())
        raise ValueError(f"DataLoader: expected arrays of one length, got {lengths}")
    return list(arrays.values())


def _positive(batch_size: Any) -> int:
    """Return the batch size as an int, or say what is wrong with it."""
    whole = hasattr(batch_size, "__index__") and not isinstance(batch_size, bool)
    if not whole or operator.index(batch_size) < 1:
        raise ValueError(
            f"DataLoader: expected batch_size to be an integer >= 1, got {batch_size!r}"
        )
    return operator.index(batch_size)


def _batch(parts: list[Array]) -> Any:
    """Return one array as it is, several as a tuple."""
    return parts[0] if len(parts) == 1 else tuple(parts)
