"""The .safetensors format, through the package safetensors."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from npnet.checkpoint.arrays import BY_NAME, KINDS, checked, empty, finished, flat
from npnet.checkpoint.files import CheckpointError
from npnet.parameter import Array

__all__ = ["read", "write"]

_BY_TENSOR = {kind.safetensors: kind for kind in KINDS if kind.safetensors}
_RESERVED = "__metadata__"


def write(state: Any, stream: BinaryIO) -> None:
    """Write a dict of arrays."""
    library = _library("save")
    arrays = flat(state, ".safetensors")
    if _RESERVED in arrays:
        raise ValueError(f"save: the name {_RESERVED!r} is not free in .safetensors; rename it")
    for name, array in arrays.items():
        if not BY_NAME[array.dtype.name].safetensors:
            raise TypeError(
                f"save: .safetensors has no dtype {array.dtype}, which state[{name!r}] is; use .pt"
            )
        # The package writes memory as it lies.
        arrays[name] = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    stream.write(library.numpy.save(arrays))


def read(stream: BinaryIO) -> dict[str, Array]:
    """Return all arrays by their names, in the order of these: the package gives none."""
    library = _library("load")
    try:
        found = library.deserialize(stream.read())
    except (library.SafetensorError, ValueError, OverflowError) as error:
        raise CheckpointError(f"safetensors says: {error}") from error
    arrays = {}
    for name, tensor in sorted(found):
        kind = _BY_TENSOR.get(tensor["dtype"])
        if kind is None:
            raise CheckpointError(f"{name} has dtype {tensor['dtype']}, for which NumPy has none")
        values = empty(checked(tensor["shape"]), np.dtype("<" + kind.stored))
        values.reshape(-1)[:] = np.frombuffer(tensor["data"], values.dtype)
        arrays[name] = finished(values, kind, own=True)
    return arrays


def _library(who: str) -> Any:
    """Return the package, or say how to get it."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f"{who}: .safetensors files need the package safetensors, which is not there; "
            "pip install 'npnet[weights]', or use .npz or .pt"
        ) from error
    return safetensors
