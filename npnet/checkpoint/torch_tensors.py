"""Tensors in files of torch.save: the globals that name them, and how they are read as arrays."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from npnet.checkpoint.archive import Archive
from npnet.checkpoint.arrays import KINDS, Kind, checked, empty, finished
from npnet.checkpoint.files import CheckpointError
from npnet.checkpoint.torch_unpickler import Global, Marker
from npnet.parameter import Array

__all__ = ["TENSORS", "Storages"]


class _Type(Global):
    """A class of storages or a dtype; None where the bytes of a storage have no dtype."""

    def __init__(self, name: str, kind: Kind | None) -> None:
        super().__init__(name)
        self.kind = kind


class _StorageType(_Type):
    """A class of storages."""


class Storage(Marker):
    """The bytes that tensors are views of, read when the first tensor needs them."""

    def __init__(self, archive: Archive, record: str, kind: Kind | None, order: str) -> None:
        self.kind = kind
        self._archive, self._record, self._order = archive, record, order
        self._bytes: Array | None = None
        self._given = False

    def tensor(self, kind: Kind, place: tuple[Any, ...], bits: dict[str, bool]) -> Array:
        """Return a copy of a view of it, or its own memory to the first who wants all of it."""
        offset, shape, stride = _checked_place(place)
        size = self._archive.size(self._record) // kind.itemsize
        if 0 in shape:
            return empty(shape, kind.read)
        last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
        if last >= size:
            raise CheckpointError(
                f"a tensor of shape {shape} reaches number {last} of {self._record}, which has "
                f"{size}"
            )
        self._archive.budget.spend(kind.nbytes(shape))
        view = np.ndarray(
            shape,
            np.dtype(self._order + kind.stored),
            self._read(),
            offset * kind.itemsize,
            # The step along an axis of one may be any number, also one that is too large.
            [step * kind.itemsize * (n > 1) for n, step in zip(shape, stride, strict=True)],
        )
        own = not (self._given or bits) and view.flags.c_contiguous and view.size == size
        self._given |= own
        return _negated(finished(view, kind, own=own), bits)

    def _read(self) -> Array:
        """Return the bytes."""
        if self._bytes is None:
            size = self._archive.size(self._record)
            self._archive.budget.spend(size)
            self._bytes = np.empty(size, np.uint8)
            with self._archive.open(self._record) as member:
                member.fill(self._bytes)
        return self._bytes


class Storages:
    """The storages of an archive by their persistent ids."""

    def __init__(self, archive: Archive, prefix: str, order: str) -> None:
        self._archive, self._prefix, self._order = archive, prefix, order
        self._found: dict[str, tuple[Any, Storage]] = {}

    def __call__(self, identity: tuple[Any, ...]) -> Storage:
        """Return the storage of ("storage", class, key, device, numbers of the class)."""
        forms = (str, _StorageType, str, str, int)
        if len(identity) != len(forms) or not all(map(isinstance, identity, forms)):
            raise CheckpointError("expected a storage as its class, key, device and size")
        word, of, key, _, size = identity
        record = f"{self._prefix}data/{key}"
        itemsize = of.kind.itemsize if of.kind else 1
        held = self._archive.size(record)
        if word != "storage" or size * itemsize != held:
            raise CheckpointError(f"{record} should have {size} x {itemsize} bytes, it has {held}")
        if key not in self._found:
            self._found[key] = of, Storage(self._archive, record, of.kind, self._order)
        before, storage = self._found[key]
        if before is not of:
            raise CheckpointError(f"{record} is named as {before.name} and as {of.name}")
        return storage


def _checked_place(place: tuple[Any, ...]) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Return offset, shape and stride, of plain integers in range."""
    offset, shape, stride = place
    if type(shape) is not tuple or type(stride) is not tuple:
        raise CheckpointError("expected a tensor's shape and stride as tuples")
    if any(type(number) is not int for number in (offset, *shape, *stride)):
        raise CheckpointError("expected a tensor's offset, shape and stride as integers")
    if len(shape) != len(stride) or offset < 0:
        raise CheckpointError(
            f"expected an offset from 0 on and a step for each of {len(shape)} axes, got "
            f"{len(stride)} steps"
        )
    return offset, checked(shape), checked(stride)


def _negated(array: Array, bits: dict[str, bool]) -> Array:
    """Do what torch has put off: the conjugate or the negative of the numbers."""
    if bits.get("conj"):
        np.conjugate(array, out=array)
    if bits.get("neg"):
        np.negative(array, out=array)
    return array


def _checked_bits(hooks: Any, bits: Any) -> dict[str, bool]:
    """Return what torch has put off; refuse hooks, which are code."""
    if hooks is not None and (type(hooks) is not OrderedDict or hooks):
        raise CheckpointError("expected a tensor without backward hooks")
    bits = {} if bits is None else bits
    known = type(bits) is dict and bits.keys() <= {"conj", "neg"}
    if not known or any(type(bit) is not bool for bit in bits.values()):
        raise CheckpointError("expected only conj and neg, true or false, as bits of a tensor")
    return {name: bit for name, bit in bits.items() if bit}


def _rebuild_tensor_v2(
    storage: Any, offset: Any, shape: Any, stride: Any, grad: Any, hooks: Any, bits: Any = None
) -> Array:
    """Build a tensor of the dtype of its storage."""
    if not isinstance(storage, Storage) or storage.kind is None:
        raise TypeError
    return _tensor(storage, storage.kind, (offset, shape, stride), _checked_bits(hooks, bits))


def _rebuild_tensor_v3(
    storage: Any,
    offset: Any,
    shape: Any,
    stride: Any,
    grad: Any,
    hooks: Any,
    dtype: Any,
    bits: Any = None,
) -> Array:
    """Build a tensor of a storage of bytes and a dtype of its own."""
    if not isinstance(storage, Storage) or storage.kind is not None:
        raise TypeError
    if type(dtype) is not _Type or dtype.kind is None:
        raise TypeError
    return _tensor(storage, dtype.kind, (offset, shape, stride), _checked_bits(hooks, bits))


def _rebuild_parameter(data: Any, grad: Any, hooks: Any) -> Array:
    """Build a Parameter, as the array it holds."""
    _checked_bits(hooks, None)
    if type(data) is not np.ndarray:
        raise TypeError
    return data


def _tensor(storage: Storage, kind: Kind, place: tuple[Any, ...], bits: dict[str, bool]) -> Array:
    """Build a tensor; only complex numbers have a conjugate to put off, and its parts a sign."""
    if bits and kind.read[0] not in "fc":
        raise CheckpointError(f"expected no bits of a tensor of {kind.name}")
    return storage.tensor(kind, place, bits)


#: Every global that torch.save names in files of dense tensors of dtypes that NumPy has.
TENSORS: dict[str, Marker] = {
    made.name: made
    for made in [
        Global("torch._utils._rebuild_tensor_v2", _rebuild_tensor_v2),
        Global("torch._utils._rebuild_tensor_v3", _rebuild_tensor_v3),
        Global("torch._utils._rebuild_parameter", _rebuild_parameter),
        _StorageType("torch.storage.UntypedStorage", None),
        *(_StorageType(f"torch.{kind.storage}", kind) for kind in KINDS if kind.storage),
        *(_Type(f"torch.{kind.name}", kind) for kind in KINDS),
    ]
}
