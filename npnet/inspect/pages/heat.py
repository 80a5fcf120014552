"""Heat: a large array as a small picture, each dot a colour for a number."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass

import numpy as np

from npnet.parameter import Array

__all__ = ["HeatMap", "heat_map", "png"]

#: At most so many dots down and across.
ROWS, COLUMNS = 48, 96
#: Less than 0, greater than 0, and neither, as red, green, blue: two that no eye confuses.
_LESS, _MORE, _NEITHER = (0, 114, 178), (213, 94, 0), (128, 128, 128)


@dataclass(frozen=True)
class HeatMap:
    """An array as a picture.

    Attributes
    ----------
    uri : str
        The picture, as an address that holds it: "data:image/png;base64,...".
    rows, columns : int
        How many dots it has.
    block : (int, int)
        Each dot is the mean of so many rows and columns of numbers.
    scale : float
        The size of number that has the full colour.
    unusual : int
        How many numbers are infinite or none; they are left out of means, or grey.
    """

    uri: str
    rows: int
    columns: int
    block: tuple[int, int]
    scale: float
    unusual: int


def heat_map(array: Array) -> HeatMap:
    """Return an array of one axis or more as a picture; all axes but the last go down.

    0 is clear, so that it has the colour of the page; numbers above it are orange, those below
    blue, and the greatest of all sizes has the full colour.

    Examples
    --------
    >>> found = heat_map(np.linspace(-1, 1, 200).reshape(100, 2))
    >>> found.rows, found.columns, found.block, found.scale
    (34, 2, (3, 1), 1.0)
    """
    matrix = np.asarray(array, np.float64).reshape(-1, array.shape[-1])
    rows, columns = (
        -(-length // most) for length, most in zip(matrix.shape, (ROWS, COLUMNS), strict=True)
    )
    cells = _means(matrix, rows, columns)
    finite = cells[np.isfinite(cells)]
    scale = float(np.abs(finite).max()) if finite.size else 0.0
    parts = np.divide(cells, scale or 1.0)
    colours = np.empty((*cells.shape, 4), np.uint8)
    colours[..., :3] = np.where(parts[..., None] < 0, _LESS, _MORE)
    known = np.isfinite(parts)
    colours[..., 3] = np.rint(255 * np.abs(np.where(known, parts, 0.0)))
    colours[~known] = (*_NEITHER, 255)
    uri = f"data:image/png;base64,{b64encode(png(colours)).decode('ascii')}"
    unusual = int(matrix.size - np.isfinite(matrix).sum())
    down, across = cells.shape
    return HeatMap(uri, down, across, (rows, columns), scale, unusual)


def png(colours: Array) -> bytes:
    r"""Return rows of red, green, blue and opacity, each 0 to 255, as a PNG file.

    Source: Portable Network Graphics (PNG) Specification, W3C, 2003.

    >>> png(np.zeros((2, 3, 4), np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    height, width, _ = colours.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    lines = np.zeros((height, 1 + 4 * width), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = colours.reshape(height, -1)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _means(matrix: Array, rows: int, columns: int) -> Array:
    """Return the means of blocks of a matrix, of those numbers in each that are finite."""
    if rows == columns == 1:
        return matrix
    known = np.isfinite(matrix)
    edges = [np.arange(0, n, step) for n, step in zip(matrix.shape, (rows, columns), strict=True)]

    def summed(values: Array) -> Array:
        down: Array = np.add.reduceat(values, edges[0], axis=0)
        across: Array = np.add.reduceat(down, edges[1], axis=1)
        return across

    counts = summed(known.astype(np.float64))
    sums = summed(np.where(known, matrix, 0.0))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
