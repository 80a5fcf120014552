"""Cast: how a Holder's floating numbers change their dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.parameter import Array, Parameter, computing_dtype, native

__all__ = ["cast", "wanted_dtype"]


def wanted_dtype(who: str, given: tuple[Any, ...], dtype: Any, device: Any) -> Any:
    """Return the dtype that the arguments of `to` ask for, or None; refuse what npnet is not."""
    for argument in given:
        if isinstance(argument, bool):
            continue  # torch's non_blocking
        if isinstance(argument, str) and not _is_dtype(argument):
            device = argument
        elif isinstance(argument, (np.ndarray, Parameter)):
            dtype = argument.dtype
        else:
            dtype = argument
    if device is not None and str(device).split(":")[0] != "cpu":
        raise ValueError(f"{who}: npnet computes on the CPU, with NumPy; got device {device!r}")
    if dtype is None:
        return None
    if not _is_dtype(dtype):
        raise TypeError(f"{who}: expected a dtype or a device, got {dtype!r}")
    found = native(dtype)
    if found.kind != "f":
        raise TypeError(f"{who}: to takes floating dtypes only, got {found}; use np.float64")
    if found.itemsize < 4:
        raise TypeError(
            f"{who}: {found} is not for computing: NumPy turns every number into float32 and back, "
            "slower than float32 itself; keep it for files: array.astype(np.float16)"
        )
    return computing_dtype(found, who, mend="; BLAS knows no other")


def cast(holder: Any, dtype: Any) -> None:
    """Change the dtype of all Parameters and floating buffers; Parameters stay the same objects."""
    # All of them are converted before the first is changed: where warnings are errors, a number
    # may be too large.
    parameters = [
        (p, p._data.astype(dtype), p.settle().astype(dtype) if p.has_grad else None)
        for p in holder.parameters()
        if p.dtype != dtype
    ]
    fresh: dict[int, Array] = {}  # a buffer that two Modules read stays one
    for buffer in holder.buffers():
        if buffer.dtype.kind == "f" and buffer.dtype != dtype:
            fresh[id(buffer)] = buffer.astype(dtype)
    for parameter, data, gradient in parameters:
        parameter.become(data, gradient)
        # The gradient that somebody may hold has the old dtype; it stays theirs.
        parameter._grad = None
    for module in holder.modules():
        for name, buffer in list(module._buffers.items()):
            if id(buffer) in fresh:
                module._register("_buffers", name, fresh[id(buffer)])
        module._cast(dtype)


def _is_dtype(value: Any) -> bool:
    """Whether NumPy takes it for a dtype."""
    try:
        np.dtype(value)
    except TypeError:
        return False
    return True
