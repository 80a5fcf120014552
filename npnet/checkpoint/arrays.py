"""Arrays in files: the dtypes and their names, and arrays on their way in and out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.checkpoint.files import CheckpointError
from npnet.parameter import Array, Parameter

__all__ = ["KINDS", "Kind", "checked", "empty", "finished", "flat", "given"]


class Kind(NamedTuple):
    """A dtype: torch's names of it, the name in safetensors, in the file, and once read."""

    name: str
    storage: str
    safetensors: str
    stored: str
    read: str

    @property
    def itemsize(self) -> int:
        """Bytes of one number in the file."""
        return int(self.stored[1:])

    def nbytes(self, shape: Sequence[int]) -> int:
        """Bytes that an array of the shape takes once read."""
        return math.prod(shape) * np.dtype(self.read).itemsize


#: Torch has no storage class of its own for the later dtypes, safetensors no complex128.
KINDS = (
    Kind("float32", "FloatStorage", "F32", "f4", "f4"),
    Kind("float64", "DoubleStorage", "F64", "f8", "f8"),
    Kind("float16", "HalfStorage", "F16", "f2", "f4"),
    Kind("bfloat16", "BFloat16Storage", "BF16", "u2", "f4"),
    Kind("bool", "BoolStorage", "BOOL", "u1", "b1"),
    Kind("uint8", "ByteStorage", "U8", "u1", "u1"),
    Kind("int8", "CharStorage", "I8", "i1", "i1"),
    Kind("int16", "ShortStorage", "I16", "i2", "i2"),
    Kind("int32", "IntStorage", "I32", "i4", "i4"),
    Kind("int64", "LongStorage", "I64", "i8", "i8"),
    Kind("uint16", "", "U16", "u2", "u2"),
    Kind("uint32", "", "U32", "u4", "u4"),
    Kind("uint64", "", "U64", "u8", "u8"),
    Kind("complex64", "ComplexFloatStorage", "C64", "c8", "c8"),
    Kind("complex128", "ComplexDoubleStorage", "", "c16", "c16"),
)

_MAX_AXES, _MAX_SIZE = 64, 2**63

#: The kinds that NumPy has a dtype for, by its name; bfloat16 it has not.
BY_NAME = {kind.name: kind for kind in KINDS if kind.name != "bfloat16"}


def checked(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape or strides from a file, or say that no array has them."""
    if len(shape) > _MAX_AXES or any(not 0 <= size < _MAX_SIZE for size in shape):
        raise CheckpointError(
            f"expected at most {_MAX_AXES} axes with sizes and steps from 0 to 2 ** 63 - 1, got "
            f"{len(shape)} axes{'' if len(shape) > _MAX_AXES else ' with others'}"
        )
    return tuple(shape)


def empty(shape: Sequence[int], dtype: Any) -> Array:
    """Return a new array, or say that NumPy has none of such a shape; its bytes are checked."""
    try:
        return np.empty(shape, dtype)
    except (ValueError, OverflowError) as error:
        raise CheckpointError(f"NumPy has no array of shape {tuple(shape)}: {error}") from error


def finished(array: Array, kind: Kind, *, own: bool) -> Array:
    """Return what was read, of any byte order and layout, as a compact array of the kind.

    `own` says that nobody else will get the memory of `array`, which may then be returned itself.
    """
    if kind.name == "bool" and array.size and array.max() > 1:
        raise CheckpointError("expected 0 and 1 only as bool, got another byte")
    if kind.name == "bfloat16":
        # The upper half of a float32.
        wide = array.astype(np.uint32, order="C")
        wide <<= np.uint32(16)  # NumPy 1 makes more of a plain number
        return wide.view(np.float32)
    to = np.dtype(kind.stored if kind.name == "bool" else kind.read)
    with np.errstate(invalid="ignore"):  # a signalling NaN of float16
        array = array.astype(to, order="C", copy=not own)
    return array.view(np.bool_) if kind.name == "bool" else array


def given(value: Any) -> Array | None:
    """Return the array that the caller gave, None where it is none that can be written."""
    if isinstance(value, Parameter):
        value = value.data
    if isinstance(value, np.generic):
        value = np.asarray(value)
    plain = type(value) in (np.ndarray, np.memmap)
    return value if plain and value.dtype.name in BY_NAME else None


def flat(state: Any, suffix: str) -> dict[str, Array]:
    """Return a state as a dict of arrays, or say what a file of arrays only cannot hold."""
    if not isinstance(state, dict):
        raise TypeError(
            f"save: expected a dict of arrays for {suffix}, got {_called(state)}; "
            "give the state_dict() of a Module"
        )
    arrays = {}
    for name, value in state.items():
        array = given(value)
        if not isinstance(name, str):
            raise TypeError(
                f"save: expected names as strings for {suffix}, got {name!r}; use .pt for others"
            )
        if array is None:
            raise TypeError(
                f"save: expected a dict of arrays for {suffix}, got {_called(value)} as "
                f"state[{name!r}]; use .pt for dicts within dicts, numbers and strings"
            )
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"save: the name {name!r} is no Unicode text: {error}") from error
        arrays[name] = array
    return arrays


def _called(value: Any) -> str:
    """Return what a value is, for messages."""
    if isinstance(value, np.ndarray | np.generic):
        return f"an array of dtype {value.dtype} and type {type(value).__name__}"
    return f"a {type(value).__name__}"
