"""Sizes: which numbers say how many features, axes or rows there are, and which axis is meant."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

__all__ = ["axis_within", "integer_number", "is_integer", "size_number"]


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


def integer_number(value: Any, who: str, what: str) -> int:
    """Return a Python integer, or say what is expected to be one."""
    if not is_integer(value):
        raise TypeError(f"{who}: expected {what} to be an integer, got {value!r}")
    return int(value)


def axis_within(axis: int, count: int, who: str, shape: tuple[int, ...]) -> int:
    """Return an axis, one of `count`, as a number from 0."""
    if not -count <= axis < count:
        there = f"axes are from {-count} to {count - 1}" if count else "it has none"
        raise IndexError(f"{who}: expected an x with axis {axis}, got shape {shape}; {there}")
    return axis % count
