"""Datasets: samples by number, parts of them, and several as one."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from npnet.data.sources import as_source
from npnet.parameter import Array
from npnet.random import Generator, default_generator

__all__ = [
    "ConcatDataset",
    "Dataset",
    "Rows",
    "Subset",
    "TensorDataset",
    "as_arrays",
    "random_split",
]

#: Arrays or Sources, and which of their rows are meant; None stands for all.
Rows: TypeAlias = tuple[tuple[Any, ...], Array | None]


class Dataset:
    """Samples by number: a subclass says what sample `index` is, and how many there are.

    Whatever has ``__getitem__`` and ``__len__`` will do; this class adds ``+``, one after another.

    Source: torch.utils.data.Dataset.

    Examples
    --------
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return float(index), index**2
    >>> both = Squares() + Squares()
    >>> len(both), both[5]
    (6, (2.0, 4))
    """

    def __getitem__(self, index: Any) -> Any:
        """Return a sample."""
        raise NotImplementedError(f"{type(self).__name__}: has no __getitem__; return sample index")

    def __len__(self) -> int:
        """Return the number of samples."""
        raise NotImplementedError(f"{type(self).__name__}: has no __len__")

    def __add__(self, other: Any) -> ConcatDataset:
        """Return the samples of both, one after the other."""
        return ConcatDataset([self, other])


class TensorDataset(Dataset):
    """Arrays of one length as samples: sample i is the tuple of every array's i-th entry.

    Shapes: arrays (N, ...), of any dtypes. They are read where they lie, not copied; a Source, as
    `Scaled`, makes its rows when they are asked for.

    Errors
    ------
    ValueError
        For no arrays, arrays of different lengths or without an axis.

    Source: torch.utils.data.TensorDataset.

    Examples
    --------
    >>> samples = TensorDataset(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([7, 8]))
    >>> inputs, target = samples[1]
    >>> len(samples), inputs.tolist(), int(target)
    (2, [3.0, 4.0], 8)
    """

    def __init__(self, *tensors: ArrayLike) -> None:
        self.tensors = tuple(as_source(tensor) for tensor in tensors)
        if not self.tensors:
            raise ValueError("TensorDataset: expected at least one array, got none")
        for number, tensor in enumerate(self.tensors):
            if tensor.ndim == 0:
                raise ValueError(
                    f"TensorDataset: expected array {number} of shape (N, ...), got a single number"
                )
        if len({len(tensor) for tensor in self.tensors}) > 1:
            lengths = ", ".join(str(len(tensor)) for tensor in self.tensors)
            raise ValueError(f"TensorDataset: expected arrays of one length, got {lengths}")

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        """Return a sample, or for a slice or several numbers such parts of the arrays."""
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.tensors[0])


class Subset(Dataset):
    """The samples of a dataset at some numbers, in the order of these.

    Parameters
    ----------
    dataset : Dataset
    indices : sequence of int
        Where its samples are in the dataset; a number may come again.

    Source: torch.utils.data.Subset.

    Examples
    --------
    >>> [float(x) for x in Subset(TensorDataset(np.arange(10.0)), [7, 2])[1]]
    [2.0]
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        """Return a sample, or for a list of numbers what the dataset returns for such a list."""
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """Return several samples, at once where the dataset can."""
        chosen = [self.indices[i] for i in indices]
        at_once = getattr(self.dataset, "__getitems__", None)
        if callable(at_once):
            found: list[Any] = at_once(chosen)
            return found
        return [self.dataset[i] for i in chosen]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.indices)


class ConcatDataset(Dataset):
    """Datasets one after the other.

    Errors
    ------
    ValueError
        For no datasets.
    IndexError
        For a number out of range.

    Source: torch.utils.data.ConcatDataset.

    Examples
    --------
    >>> both = ConcatDataset([range(3), range(10, 12)])
    >>> len(both), both[3], both[-1], both.cumulative_sizes
    (5, 10, 11, [3, 5])
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: expected at least one dataset, got none")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        """Return a sample."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"ConcatDataset: index {index} is out of range for {len(self)}")
        index %= len(self)
        place = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[place][index - (self.cumulative_sizes[place - 1] if place else 0)]

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.cumulative_sizes[-1]


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset]:
    """Return Subsets of these lengths, which share no sample: parts of one `randperm(N)`.

    Parameters
    ----------
    dataset : Dataset
        Of N samples.
    lengths : sequence of numbers
        Integers that sum up to N, or fractions that sum up to 1: floor(fraction * N) each, and
        what remains one by one from the first on.
    generator : npnet.random.Generator, optional
        By default the stream that `npnet.manual_seed` sets.

    Errors
    ------
    ValueError
        For lengths that sum up to neither, and a fraction outside [0, 1].

    Source: torch.utils.data.random_split, with its parts for the same seed.

    Examples
    --------
    >>> samples = TensorDataset(np.arange(10))
    >>> train, test = random_split(samples, [0.7, 0.3], generator=Generator(42))
    >>> train.indices, test.indices
    ([2, 6, 1, 8, 4, 5, 0], [9, 3, 7])
    """
    count = len(dataset)
    parts = list(lengths)
    if math.isclose(sum(parts), 1) and sum(parts) <= 1:
        for number, part in enumerate(parts):
            if not 0 <= part <= 1:
                raise ValueError(f"random_split: expected fractions from 0 to 1, got {part}")
            parts[number] = math.floor(count * part)
        for number in range(count - int(sum(parts))):
            parts[number % len(parts)] += 1
        for number, part in enumerate(parts):
            if part == 0:
                warnings.warn(f"random_split: part {number} has no samples", stacklevel=2)
    if sum(parts) != count or any(part < 0 or part != int(part) for part in parts):
        raise ValueError(
            f"random_split: expected lengths that sum up to the {count} samples, or fractions that "
            f"sum up to 1, got {list(lengths)}"
        )
    order = (generator or default_generator()).randperm(count).tolist()
    ends = list(itertools.accumulate(int(part) for part in parts))
    return [Subset(dataset, order[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def as_arrays(dataset: Any) -> Rows | None:
    """Return the arrays that samples are the rows of, and which rows; None where they are not."""
    # An heir may say otherwise what a sample is.
    if type(dataset) is TensorDataset:
        return dataset.tensors, None
    if type(dataset) is not Subset:
        return None
    found = as_arrays(dataset.dataset)
    if found is None:
        return None
    arrays, rows = found
    chosen = np.asarray(dataset.indices, dtype=np.int64)
    return arrays, chosen if rows is None else rows[chosen]
