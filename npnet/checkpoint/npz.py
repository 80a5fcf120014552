"""The .npz format: a zip file with an .npy file for each array."""

from __future__ import annotations

import re
from typing import Any, BinaryIO
from zipfile import ZipFile, ZipInfo

import numpy as np

from npnet.checkpoint.archive import Archive, Member
from npnet.checkpoint.arrays import BY_NAME, checked, empty, finished, flat
from npnet.checkpoint.files import CheckpointError
from npnet.parameter import Array

__all__ = ["read", "write"]

_SUFFIX = ".npy"
_MAGIC = b"\x93NUMPY"
#: Bytes of the number that says how long the header is, by the format's major version.
_WIDTHS = {1: 2, 2: 4}
_FIELD = (
    rb" *'(descr|fortran_order|shape)' *: *"
    rb"('[<>|=]?[?biufcmMOSUV]\d{0,4}(?:\[\w{1,5}\])?'|True|False|\([0-9, ]*\)) *"
)
_HEADER = re.compile(rb"\{%(field)b,%(field)b,%(field)b,? *\} *\n" % {b"field": _FIELD})
_MAX_HEADER = 10_000


def write(state: Any, stream: BinaryIO) -> None:
    """Write a dict of arrays."""
    arrays = flat(state, ".npz")
    for name in arrays:
        if "\0" in name or len(name.encode()) > 0xFFFF - len(_SUFFIX):
            raise ValueError(
                f"save: expected names without \\0 and below 64 KiB for .npz, got {name[:80]!r}; "
                "use .safetensors or .pt"
            )
    with ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            # Sizes in 64 bits, as they are not known before; readable to who unzips it.
            info = ZipInfo(name + _SUFFIX)
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(archive: Archive) -> dict[str, Array]:
    """Return all arrays by their names."""
    arrays = {}
    for name in archive.names:
        if not name.endswith(_SUFFIX):
            raise CheckpointError(f"{name} is no array; an .npz file holds .npy files")
        with archive.open(name) as member:
            arrays[name.removesuffix(_SUFFIX)] = _array(member, archive)
    return arrays


def _array(member: Member, archive: Archive) -> Array:
    """Return the array of an .npy file."""
    dtype, fortran, shape = _header(member)
    kind = BY_NAME.get(dtype.name)
    if kind is None:
        raise CheckpointError(
            f"{member.name} has dtype {dtype}; expected bool, integers, floats or complex numbers "
            "(arrays of objects are pickles, which are not read)"
        )
    archive.budget.spend(max(kind.nbytes(shape), member.left))
    stored = np.dtype(kind.stored).newbyteorder(dtype.byteorder)
    array = empty(shape[::-1] if fortran else shape, stored)
    if array.nbytes != member.left:
        raise CheckpointError(
            f"{member.name} declares {array.nbytes} bytes by its shape, but holds {member.left}"
        )
    member.fill(array)
    return finished(array.T if fortran else array, kind, own=True)


def _header(member: Member) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Return dtype, order and shape of an .npy file.

    numpy.lib.format would read it as a Python expression, and allocate what it says.
    """
    start = member.take(8)
    width = _WIDTHS.get(start[6])
    if start[:6] != _MAGIC or width is None:
        raise CheckpointError(f"{member.name} is no .npy file of version 1 or 2")
    length = int.from_bytes(member.take(width), "little")
    found = _HEADER.fullmatch(member.take(length)) if length <= _MAX_HEADER else None
    fields = dict(zip(found.groups()[::2], found.groups()[1::2], strict=True)) if found else {}
    try:
        dtype = np.dtype(fields[b"descr"].decode("ascii").strip("'"))
        fortran = {b"True": True, b"False": False}[fields[b"fortran_order"]]
        numbers = fields[b"shape"].strip(b"()").split(b",")
        shape = tuple(int(number) for number in numbers if number.strip())
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{member.name} has a header that is not numpy.save's of a plain array"
        ) from error
    return dtype, fortran, checked(shape)
