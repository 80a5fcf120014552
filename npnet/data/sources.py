"""Sources: rows that are made or read when a batch needs them, of more data than memory holds."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from npnet.parameter import Array

__all__ = ["Gather", "Scaled", "Source", "as_source", "gatherer", "open_npy"]

#: Copies rows, which a slice or an int64 array of numbers asks for, into a new array.
Gather: TypeAlias = Callable[[Any], Array]

#: Linux maps up to so many bytes around one that is read: a large page, where the file is in memory
#: in such pages already.
_AROUND = 2 << 20
#: How much of a file may be resident before it is let go of.
_RESIDENT = 64 << 20
#: How many rows that lie apart are read in one go.
_APART = _RESIDENT // _AROUND


class Source:
    """What looks like an array (N, ...) and makes its rows when they are asked for.

    A subclass sets `shape` and `dtype`, and writes `gather`. TensorDataset, DataLoader and Subset
    keep it as it is; ``np.asarray`` makes all rows at once.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def gather(self, places: Any) -> Array:
        """Return a new array of rows: `places` is a slice or an int64 array of their numbers."""
        raise NotImplementedError(f"{type(self).__name__}: has no gather; return the rows there")

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """Return a row, or for a slice or an array of numbers or bools several."""
        if isinstance(index, slice):
            return self.gather(index)
        places = np.asarray(index)
        if places.dtype.kind == "b" and places.shape == (len(self),):
            places = places.nonzero()[0]
        if places.dtype.kind not in "iu" and places.size:
            kind = type(self).__name__
            raise IndexError(f"{kind}: expected a slice or numbers of rows, got {index!r}")
        rows = self.gather(places.reshape(-1).astype(np.int64))
        return rows.reshape(places.shape + self.shape[1:])[()]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return all rows as an array."""
        if copy is False:
            raise ValueError(f"{type(self).__name__}: an array of its rows is always a copy")
        return self.gather(slice(None)).astype(dtype or self.dtype, copy=False)


class Scaled(Source):
    """Numbers scaled when they are gathered: uint8 images stay bytes until a batch needs them.

    row i = array[i] * scale + shift, computed in `dtype`

    Where scale is 1 / n for a whole number n, rows are divided by n, which rounds once: pixel / 255
    to the last bit.

    Shapes: array (N, ...); rows have its shape.

    Parameters
    ----------
    array : array, np.memmap or Source
        Read where it lies, batch by batch.
    scale : number or array, default 1 / 255
        One for all, or what broadcasts to a row: one a pixel or a channel.
    shift : number or array, default 0
    dtype : floating dtype, default float32

    Errors
    ------
    TypeError
        For a dtype that is not floating, and for what are no real numbers.
    ValueError
        For an array without rows' axis, and a scale or shift that is not finite in `dtype` or does
        not broadcast to a row.

    Source: torchvision.transforms.ConvertImageDtype and Normalize, in one.

    Examples
    --------
    >>> from npnet.data import DataLoader
    >>> images = np.array([[0, 51], [102, 255]], np.uint8)
    >>> inputs = Scaled(images)
    >>> inputs[1].tolist() == (images[1].astype(np.float32) / 255).tolist()
    True
    >>> inputs.shape, inputs.dtype.name, len(DataLoader(inputs, batch_size=2))
    ((2, 2), 'float32', 1)
    >>> Scaled(images, scale=1.0, shift=[-51, 0], dtype=np.float64)[:1].tolist()
    [[-51.0, 51.0]]
    """

    def __init__(
        self,
        array: ArrayLike | Source,
        scale: ArrayLike = 1 / 255,
        shift: ArrayLike = 0.0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.array, self.dtype = as_source(array), np.dtype(dtype)
        if self.dtype.kind != "f":
            raise TypeError(f"Scaled: dtype must be floating, got {self.dtype}; use np.float32")
        if self.array.dtype.kind not in "biuf":
            raise TypeError(f"Scaled: expected an array of real numbers, got {self.array.dtype}")
        if self.array.ndim == 0:
            raise ValueError("Scaled: expected an array of shape (N, ...), got a single number")
        self.shape = self.array.shape
        self.scale, self.shift = self._factor("scale", scale), self._factor("shift", shift)
        self._gather, self._shifts = gatherer(self.array), bool(self.shift.any())
        self._divisor = _inverse(scale, self.dtype)

    def _factor(self, name: str, value: ArrayLike) -> Array:
        """Return a scale or shift in the dtype, or say what is wrong with it."""
        with np.errstate(over="ignore"):
            factor = np.array(value, self.dtype)
        if not np.isfinite(factor).all():
            raise ValueError(f"Scaled: expected a {name} finite in {self.dtype}, got {value!r}")
        row = self.shape[1:]
        try:
            fits = np.broadcast_shapes(row, factor.shape) == row
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"Scaled: expected {name} as a number or an array that broadcasts to a row of "
                f"shape {row}, got shape {factor.shape}"
            )
        return factor

    def gather(self, places: Any) -> Array:
        """Return rows, scaled."""
        rows = self._gather(places).astype(self.dtype, copy=False)
        if self._divisor:
            rows /= self._divisor
        else:
            rows *= self.scale
        if self._shifts:
            rows += self.shift
        return rows

    def __repr__(self) -> str:
        """Return what is scaled by what."""
        kind = f"{self.array.dtype} {self.shape}"
        return f"Scaled({kind}, scale={self.scale}, shift={self.shift}, dtype={self.dtype})"


def _inverse(scale: Any, dtype: np.dtype[Any]) -> int:
    """Return n for the scale 1 / n, where n is a whole number that the dtype has; else 0."""
    most = 2.0 ** (np.finfo(dtype).nmant + 1)
    if np.ndim(scale) or not 1 / most <= abs(float(scale)) <= 1:
        return 0
    whole = round(1 / float(scale))
    return whole if 1 / whole == scale else 0


def as_source(value: Any) -> Any:
    """Return a Source as it is, anything else as an array."""
    return value if isinstance(value, Source) else np.asarray(value)


def gatherer(array: Any) -> Gather:
    """Return what copies rows of an array: it reads these rows only, wherever the array lies.

    Of a file that is mapped into memory it keeps no more than some 64 MiB resident.
    """
    if isinstance(array, Source):
        gather: Gather = array.gather
        return gather
    # Of what is not contiguous, `take` would first make a contiguous copy, of all of it.
    whole = array.flags.c_contiguous and array.flags.aligned
    rows: Gather = partial(_taken if whole else _indexed, array)
    mapped = _mapped(array)
    return rows if mapped is None else _LettingGo(rows, mapped)


def _taken(array: Array, places: Any) -> Array:
    """Copy rows of a contiguous array."""
    if isinstance(places, slice):
        return array[places].copy()
    taken: Array = array.take(places, axis=0)
    return taken


def _indexed(array: Array, places: Any) -> Array:
    """Copy rows of any array."""
    return np.array(array[places], order="C")


def _mapped(array: Any) -> mmap.mmap | None:
    """Return the file that an array is in, where what of it is in memory can be let go of."""
    mode, owner = None, array
    while isinstance(owner, np.ndarray):
        mode = mode or getattr(owner, "mode", None)
        owner = owner.base
    # What was written into a copy-on-write map ("c") is nowhere else. Windows cannot let go.
    shared = mode in ("r", "r+", "w+") and isinstance(owner, mmap.mmap)
    small = shared and len(owner) <= _RESIDENT
    return owner if shared and not small and hasattr(mmap, "MADV_DONTNEED") else None


class _LettingGo:
    """Rows of a mapped file, whose pages are dropped from memory before they become many."""

    def __init__(self, rows: Gather, mapped: mmap.mmap) -> None:
        self._rows, self._mapped, self._touched = rows, mapped, 0

    def __call__(self, places: Any) -> Array:
        """Return rows."""
        if isinstance(places, slice) or len(places) <= _APART:
            return self._read(places)
        parts = (places[start : start + _APART] for start in range(0, len(places), _APART))
        return np.concatenate([self._read(part) for part in parts])

    def _read(self, places: Any) -> Array:
        """Return rows that may be read in one go."""
        found = self._rows(places)
        apart = 1 if isinstance(places, slice) else len(found)
        self._touched += found.nbytes + apart * _AROUND
        if self._touched > _RESIDENT:
            # They stay in the file, changed or not; who reads them again maps them again.
            self._mapped.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return found


def open_npy(path: str | os.PathLike[str]) -> Array:
    """Return the array of a .npy file without reading it: rows are read when a batch needs them.

    Shapes: the array is (N, ...), read-only.

    Parameters
    ----------
    path : path
        What `np.save` wrote: numbers, row after row.

    Errors
    ------
    ValueError
        For another kind of file, a truncated one, one that holds no numbers, and one that lies
        column by column, of which every batch would read all.
    OSError
        Where it cannot be opened.

    Source: numpy.load(path, mmap_mode="r").

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "inputs.npy")
    >>> np.save(path, np.arange(6.0).reshape(3, 2))
    >>> open_npy(path)[1].tolist()
    [2.0, 3.0]
    >>> folder.cleanup()
    """
    name = os.fspath(path)
    with Path(path).open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise ValueError(f"open_npy: {name} is no .npy file; write one with np.save")
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # a damaged header is read as Python, which fails in many ways
        raise ValueError(f"open_npy: {name} is truncated or damaged: {error}") from error
    if array.dtype.kind not in "biufc" or array.ndim == 0:
        found = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"open_npy: expected numbers of shape (N, ...), {name} holds {found}")
    if not array.flags.c_contiguous:
        raise ValueError(
            f"open_npy: {name} lies column by column, so a batch of rows would read all of it; "
            "write it again from np.ascontiguousarray(array)"
        )
    return array
