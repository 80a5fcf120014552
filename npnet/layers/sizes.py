"""Sizes: which numbers say how many features, axes or rows there are."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

__all__ = ["is_integer", "size_number"]


def is_integer(value: Any) -> TypeGuard[int]:
    """Whether a value is an integer of Python's or NumPy's, which True and False are not meant as.

    Examples
    --------
    >>> is_integer(np.int64(3)), is_integer(True), is_integer(3.0)
    (True, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def size_number(value: Any, who: str, name: str, least: int = 0) -> int:
    """Return a size as an integer of Python's, or say what is expected to be one.

    Examples
    --------
    >>> size_number(True, "Linear", "in_features")
    Traceback (most recent call last):
    ValueError: Linear: expected in_features to be an integer >= 0, got True
    """
    if not is_integer(value) or value < least:
        raise ValueError(f"{who}: expected {name} to be an integer >= {least}, got {value!r}")
    return int(value)
