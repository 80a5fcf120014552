"""Numbers: arrays in a few words, however large they are."""

from __future__ import annotations

import numpy as np

from npnet.inspect.rendering.writer import number_text
from npnet.parameter import Array

__all__ = ["brief", "compact", "shape_text", "size_text"]

#: Up to so many numbers an array is written out.
FEW = 6


def compact(array: Array, few: int = FEW) -> str:
    """Return an array in one line: a number, a few numbers, or shape, extremes, mean and first.

    A number has six digits, those of an array four.

    Parameters
    ----------
    array : array
    few : int, default 6
        Up to so many numbers they are all written.

    Examples
    --------
    >>> compact(np.array(1 / 3)), compact(np.array([[1.0, 2.5], [3.0, -1 / 3]]))
    ('0.333333', '[[1, 2.5], [3, −0.3333]]')
    >>> print(compact(np.arange(784.0).reshape(28, 28)))
    (28, 28) min 0, mean 391.5, max 783; 0, 1, 2 …
    >>> compact(np.zeros((0, 3)))
    '(0, 3) empty'
    """
    if not array.ndim:
        return _number(array.item())
    if not array.size:
        return f"{shape_text(array.shape)} empty"
    if array.size <= few:
        return _nested(array.tolist())
    flat = array.reshape(-1)
    first = ", ".join(_number(value, 4) for value in flat[:3].tolist())
    if array.dtype.kind == "b":
        return f"{shape_text(array.shape)} {int(flat.sum())} true; {first} …"
    with np.errstate(all="ignore"):
        middle = flat.mean(dtype=np.float64).item()
    low, high = flat.min().item(), flat.max().item()
    numbers = f"min {_number(low, 4)}, mean {_number(middle, 4)}, max {_number(high, 4)}"
    return f"{shape_text(array.shape)} {numbers}; {first} …"


def brief(array: Array) -> str:
    """Return an array in fewer words, for a cell of a table: a few numbers, or shape and extremes.

    Examples
    --------
    >>> brief(np.array([1.0, 2.0])), brief(np.arange(784.0).reshape(28, 28))
    ('[1, 2]', '(28, 28) 0 to 783')
    """
    if array.size <= FEW or array.dtype.kind == "b":
        return compact(array)
    low, high = (_number(edge.item(), 4) for edge in (array.min(), array.max()))
    return f"{shape_text(array.shape)} {low} to {high}"


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as it is printed; that of a number is ().

    >>> shape_text((5, 3)), shape_text((4,)), shape_text(())
    ('(5, 3)', '(4,)', '()')
    """
    return str(tuple(int(n) for n in shape))


def size_text(nbytes: int) -> str:
    """Return a number of bytes for people, in units of 1000.

    >>> size_text(96), size_text(4096), size_text(814_000)
    ('96 B', '4.1 kB', '814 kB')
    """
    if nbytes < 1000:
        return f"{nbytes} B"
    size, unit = nbytes / 1000, "kB"
    for unit in ("kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:.1f} {unit}" if size < 99.95 else f"{size:.0f} {unit}"


def _number(value: float, digits: int = 6) -> str:
    """Return a number in so many digits, with a minus sign as equations have it."""
    written = number_text(value + 0.0, digits)  # -0 becomes 0
    return "−" + written[1:] if written.startswith("-") else written


def _nested(values: object) -> str:
    """Return nested lists of numbers."""
    if isinstance(values, list):
        return "[" + ", ".join(_nested(value) for value in values) + "]"
    assert isinstance(values, (bool, int, float))
    return _number(values, 4)
