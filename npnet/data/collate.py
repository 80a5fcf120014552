"""Collate: samples as one batch."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

__all__ = ["default_collate"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Return a batch of samples that are built alike: arrays of their parts, with a first axis B.

    Arrays and NumPy numbers are stacked in their dtype; float becomes float64, int int64, bool
    bool; strings stay as they are. Tuples and lists become lists, mappings and named tuples keep
    their kind, each of the batches of its parts.

    Errors
    ------
    TypeError
        For what cannot be stacked.
    ValueError
        For arrays of different shapes, and for tuples and lists of different lengths.

    Source: torch.utils.data.default_collate.

    Examples
    --------
    >>> inputs, targets = default_collate([(np.array([1.0, 2.0]), 0), (np.array([3.0, 4.0]), 1)])
    >>> inputs.tolist(), targets.tolist()
    ([[1.0, 2.0], [3.0, 4.0]], [0, 1])
    """
    first = batch[0]
    if isinstance(first, (np.ndarray, np.generic)):
        return _stacked(batch)
    if isinstance(first, (bool, int, float)):
        if isinstance(first, float):
            return np.array(batch, np.float64)
        numbers = np.array(batch)
        # Behind an int, torch makes a float one of its default dtype.
        return numbers.astype(np.float32) if numbers.dtype.kind == "f" else numbers
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _alike(first, {key: default_collate([d[key] for d in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            lengths = sorted({len(sample) for sample in batch})
            raise ValueError(f"default_collate: expected samples of one length, got {lengths}")
        parts = [default_collate(samples) for samples in zip(*batch, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return parts if isinstance(first, tuple) else _alike(first, parts)
    raise TypeError(
        "default_collate: a batch must consist of arrays, numbers, strings, mappings, tuples or "
        f"lists, got {type(first).__name__}; give the DataLoader a collate_fn"
    )


def _stacked(batch: Sequence[Any]) -> Any:
    """Return arrays along a new first axis."""
    arrays = [np.asarray(array) for array in batch]
    if arrays[0].dtype.kind in "OSU":
        raise TypeError(f"default_collate: expected arrays of numbers, got {arrays[0].dtype}")
    if any(array.shape != arrays[0].shape for array in arrays):
        shapes = ", ".join(sorted({str(array.shape) for array in arrays}))
        raise ValueError(
            f"default_collate: expected arrays of one shape, got {shapes}; give the DataLoader a "
            "collate_fn that pads them"
        )
    return np.stack(arrays)


def _alike(first: Any, parts: Any) -> Any:
    """Return a sequence or mapping of the kind of the samples, where that can be made."""
    try:
        if isinstance(first, MutableMapping):
            other = copy.copy(first)
            other.update(parts)
            return other
        if isinstance(first, MutableSequence):
            listed = copy.copy(first)
            listed[:] = parts
            return listed
        return type(first)(parts)
    except TypeError:
        return parts
