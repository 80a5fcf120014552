"""The .pt format: a zip file with a pickle that names storages, and the storages beside it."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO
from zipfile import ZipFile, ZipInfo

import numpy as np

from npnet.checkpoint.archive import Archive
from npnet.checkpoint.files import CheckpointError
from npnet.checkpoint.torch_pickler import Pickler
from npnet.checkpoint.torch_tensors import TENSORS, Storages
from npnet.checkpoint.torch_unpickler import Unpickler

__all__ = ["is_torch", "read", "write"]

_ORDERS = {b"little": "<", b"big": ">"}
_VERSIONS = range(1, 11)
_PICKLE = "data.pkl"
#: Torch maps storages into memory, where they must begin at such a place.
_ALIGNMENT = 64
_LOCAL_HEADER, _EXTRA_HEADER, _EXTRA_64 = 30, 4, 20
#: From this size on, sizes are written in 64 bits.
_LARGE = 1 << 30


def write(state: Any, stream: BinaryIO) -> None:
    """Write a state as torch.save does, without what only its mmap shortcut needs.

    That is `.format_version`: it promises the byte layout of torch's own zip writer.
    """
    pickler = Pickler()
    pickled = pickler.dump(state)
    with ZipFile(stream, "w") as archive:
        _add(archive, stream, _PICKLE, np.frombuffer(pickled, np.uint8))
        _add(archive, stream, "byteorder", np.frombuffer(sys.byteorder.encode(), np.uint8))
        for key, array in enumerate(pickler.storages):
            native = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
            _add(archive, stream, f"data/{key}", native.reshape(-1).view(np.uint8))
        _add(archive, stream, "version", np.frombuffer(b"3\n", np.uint8))


def _add(archive: ZipFile, stream: BinaryIO, name: str, data: Any) -> None:
    """Write a record at a multiple of the alignment."""
    info = ZipInfo(f"archive/{name}")
    large = data.size >= _LARGE
    start = stream.tell() + _LOCAL_HEADER + len(info.filename) + _EXTRA_HEADER + _EXTRA_64 * large
    padding = -start % _ALIGNMENT
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    with archive.open(info, "w", force_zip64=large) as record:
        record.write(data.data)
    # The directory at the end needs no padding.
    info.extra = b""


def is_torch(archive: Archive) -> bool:
    """Whether a zip file is one of torch's."""
    return any(name.endswith(f"/{_PICKLE}") for name in archive.names)


def read(archive: Archive) -> Any:
    """Return what torch.save wrote."""
    prefix = archive.names[0].partition("/")[0] + "/"
    if f"{prefix}constants.pkl" in archive.names:
        raise CheckpointError(
            "is a TorchScript archive, which holds code; convert it where torch is: "
            "torch.save(torch.jit.load(path).state_dict(), new_path)"
        )
    # libtorch, and torch.package, write it elsewhere.
    hidden = f"{prefix}.data/version"
    version = archive.read(hidden if hidden in archive.names else f"{prefix}version")[:9].strip()
    if not version.isdigit() or int(version) not in _VERSIONS:
        raise CheckpointError(f"expected a version from 1 to {_VERSIONS[-1]}, got {version!r}")
    order = "<"
    if f"{prefix}byteorder" in archive.names:
        named = archive.read(f"{prefix}byteorder")
        if named not in _ORDERS:
            raise CheckpointError(f"expected a byte order of little or big, got {named[:20]!r}")
        order = _ORDERS[named]
    storages = Storages(archive, prefix, order)
    data = archive.read(f"{prefix}{_PICKLE}")
    return Unpickler(data, TENSORS, storages, archive.budget.spend).run()
