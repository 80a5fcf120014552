"""Blocks: arrays as they stand beside a line: a number, a small matrix, or two extremes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from npnet.inspect.drawing.lettering import Run, width
from npnet.parameter import Array

__all__ = ["Block", "block_of", "decimals_of", "number"]

#: Up to so many rows and columns are written out.
ROWS, COLUMNS = 4, 4
#: Height of a line of numbers, room between two columns, and that of a bracket with its room.
LINE, COLUMN, BRACKET = 13.0, 7.0, 5.0


@dataclass(frozen=True)
class Block:
    """Numbers in rows and columns, as text.

    Attributes
    ----------
    rows : tuple of tuples of str
    bracketed : bool
        Whether brackets stand around, as around a matrix.
    """

    rows: tuple[tuple[str, ...], ...]
    bracketed: bool = False

    def widths(self, size: float) -> list[float]:
        """Return the widths of the columns, in pixels, at a size of the font."""
        columns = zip(*self.rows, strict=True)
        return [max(width([Run(text)], size) for text in column) for column in columns]

    def width(self, size: float) -> float:
        """Return the width of the whole."""
        widths = self.widths(size)
        brackets = 2 * BRACKET if self.bracketed else 0.0
        return sum(widths) + COLUMN * (len(widths) - 1) + brackets

    @property
    def height(self) -> float:
        """Height of the whole."""
        return LINE * len(self.rows)


def block_of(array: Array, digits: int = 4) -> Block:
    """Return an array as a block; of a large one the least and the greatest number.

    A number has so many digits; the numbers of an array have those decimals that give its greatest
    so many digits, so that what is nothing beside it is 0.

    Examples
    --------
    >>> block_of(np.array(1 / 3)).rows
    (('0.3333',),)
    >>> block_of(np.array([[1, -4 / 3], [1e-17, 0.5]])).rows
    (('1', '−1.333'), ('0', '0.5'))
    >>> block_of(np.arange(784.0).reshape(28, 28)).rows
    (('0', '…', '783'),)
    """
    if not array.size:
        return Block((("empty",),))
    if not array.ndim:
        value = array.item()
        return Block(((number(value, decimals_of(array, digits)),),))
    decimals = decimals_of(array, digits)
    matrix = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)
    if array.ndim <= 2 and matrix.shape[0] <= ROWS and matrix.shape[1] <= COLUMNS:
        rows = tuple(tuple(number(value, decimals) for value in row) for row in matrix.tolist())
        return Block(rows, bracketed=True)
    low, high = (number(edge.item(), decimals) for edge in (array.min(), array.max()))
    return Block(((low, "…", high),))


def decimals_of(array: Array, digits: int) -> int | None:
    """Return the decimals of an array's numbers; None where they need powers of ten.

    >>> decimals_of(np.array([12.345, 0.1]), 4), decimals_of(np.array([1e-9]), 4)
    (2, None)
    """
    if array.dtype.kind not in "fc":
        return 0
    sizes = np.abs(array[np.isfinite(array)])
    greatest = float(sizes.max()) if sizes.size else 0.0
    if not greatest:
        return 0
    exponent = math.floor(math.log10(greatest))
    return max(0, digits - 1 - exponent) if -4 <= exponent <= 6 else None


def number(value: float, decimals: int | None, digits: int = 4) -> str:
    """Return a number with so many decimals at most, or in powers of ten.

    >>> number(-0.5, 3), number(-1e-9, 3), number(1.5e-9, None), number(float("inf"), 3)
    ('−0.5', '0', '1.5e−9', '∞')
    """
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        text = f"{_short(mantissa)}e{int(exponent)}" if value else "0"
    else:
        text = _short(f"{value:.{decimals}f}")
    return "0" if text == "-0" else text.replace("-", "−")


def _short(text: str) -> str:
    """Return a decimal number without zeros at its end."""
    return text.rstrip("0").rstrip(".") if "." in text else text
