"""Columns of a CSV file: cells read as numbers or as categories, filled and encoded."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from npnet.parameter import Array

__all__ = ["Column", "some"]

#: Numbers as people and spreadsheets write them: 1,5 and 1.234,5 and 1,234.5 and 5 %.
_OTHER_NUMBER = re.compile(
    r"[+-]?(\d+,\d+|\d{1,3}([.']\d{3})+,\d+|\d{1,3}([,']\d{3})+(\.\d+)?|\d+([.,]\d+)?\s?%)"
)
#: How many lines a message names.
_NAMED = 5


def number(text: str) -> float:
    """Return the number that a text is, NaN included; ValueError where it is none."""
    # Python reads 1_000 as 1000; in a table it is a name.
    if "_" in text:
        raise ValueError(text)
    return float(text)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        return not math.isnan(number(text))
    except ValueError:
        return False


def in_order(values: Collection[str]) -> tuple[str, ...]:
    """Return categories sorted: as numbers where all are numbers, else as texts."""
    if all(map(is_number, values)):
        return tuple(sorted(values, key=lambda text: (number(text), text)))
    return tuple(sorted(values))


def some(lines: Sequence[Any]) -> str:
    """Return lines for a message: the first few, and how many more."""
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    return ", ".join(map(str, lines[:_NAMED])) + more


class Column:
    """A column: numbers, or the places of its values in the list of them; NaN or -1 for none.

    Parameters
    ----------
    name : str
    na : collection of str
        Cells that stand for a missing value.
    fail : function
        Returns the error for a message.
    category : bool, optional
        By default the first cell that is there says: whether it is a number.
    """

    def __init__(
        self,
        name: str,
        na: Collection[str],
        fail: Callable[[str], ValueError],
        category: bool | None = None,
    ) -> None:
        self.name, self.category, self._na, self._fail = name, category, na, fail
        self._declared = category is not None
        self._numbers, self._codes = array("d"), array("q")
        self._values: dict[str, int] = {}

    # ------------------------------------------------------------------ reading

    def read(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Take the column's cells of some rows."""
        if self.category is None:
            first = next((cell for cell in cells if not self._absent(cell)), None)
            if first is None:
                self._numbers.extend([math.nan] * len(cells))
                return
            self.category = not is_number(first)
            if _OTHER_NUMBER.fullmatch(first):
                raise self._fail(
                    f"column {self.name!r} begins with {first!r} in line "
                    f"{lines[cells.index(first)]}, a number in another notation; write it as "
                    f"1234.5, or put {self.name!r} into categories if it is a name"
                )
            if self.category:
                self._codes.extend([-1] * len(self._numbers))
        if self.category:
            self._codes.extend(map(self._code, cells, lines))
            return
        try:
            # All at once, which nearly all columns of numbers allow.
            if "_" in "".join(cells):
                raise ValueError
            found = list(map(float, cells))
        except ValueError:
            found = list(map(self._number, cells, lines))
        self._numbers.extend(found)

    def _absent(self, cell: str) -> bool:
        """Whether a cell stands for a missing value: NaN is one however it is written."""
        return cell in self._na or cell.lstrip("+-").lower() == "nan"

    def _number(self, cell: str, line: int) -> float:
        """Return a cell as a number, NaN where it is missing."""
        if cell in self._na:
            return math.nan
        try:
            return number(cell)
        except ValueError:
            raise self._fail(
                f"column {self.name!r} has numbers, but {cell!r} in line {line}; put it into na if "
                f"it stands for a missing value, {self.name!r} into categories if it is a name"
            ) from None

    def _code(self, cell: str, line: int) -> int:
        """Return the place of a cell's value, -1 where it is missing."""
        code = self._values.get(cell)
        if code is not None:
            return code
        if self._absent(cell):
            return -1
        if not self._declared and is_number(cell):
            raise self._fail(
                f"column {self.name!r} has names, but the number {cell} in line {line}; put "
                f"{self.name!r} into categories if it is a name, too"
            )
        return self._values.setdefault(cell, len(self._values))

    # ------------------------------------------------------------------ what was read

    @property
    def missing(self) -> Array:
        """Which rows lack a value, as bools."""
        missing: Array = self.codes < 0 if self.category else np.isnan(self.numbers)
        return missing

    @property
    def numbers(self) -> Array:
        """The column's numbers."""
        return np.frombuffer(self._numbers, np.float64)

    @property
    def codes(self) -> Array:
        """The places of the column's values."""
        return np.frombuffer(self._codes, np.int64)

    def usual(self) -> float | str | None:
        """Return the mean, or the most frequent value, the first of several; None for no value."""
        if self.missing.all():
            return None
        if not self.category:
            with np.errstate(all="ignore"):
                return float(self.numbers[~self.missing].mean())
        counts = np.bincount(self.codes[~self.missing])
        names = list(self._values)
        return min(in_order(names), key=lambda value: -counts[self._values[value]])

    def fill(self, value: float | str) -> None:
        """Put a value in place of every one that is missing."""
        missing = self.missing
        if self.category:
            self.codes[missing] = self._values.setdefault(str(value), len(self._values))
        elif isinstance(value, str) or math.isnan(value):
            raise self._fail(f"column {self.name!r} has numbers; it cannot be filled by {value!r}")
        else:
            self.numbers[missing] = value

    # ------------------------------------------------------------------ encoding

    def floats(self, kept: Array, lines: Array, dtype: np.dtype[Any]) -> Array:
        """Return the numbers of the rows that are kept, or say which the dtype does not have."""
        with np.errstate(over="ignore"):
            found = self.numbers[kept].astype(dtype)
        wrong = np.flatnonzero(~np.isfinite(found))
        if wrong.size:
            values = self.numbers[kept][wrong]
            where = zip(values, lines[wrong], strict=True)
            cells = some([f"{value} in line {line}" for value, line in where])
            raise self._fail(f"column {self.name!r} has what is not finite in {dtype}: {cells}")
        return found

    def places(
        self, kept: Array, lines: Array, categories: tuple[str, ...] | None
    ) -> tuple[Array, tuple[str, ...]]:
        """Return the places of the rows' values among the categories, and these: all that occur."""
        codes, names = self.codes[kept], list(self._values)
        if categories is None:
            categories = in_order([names[code] for code in np.unique(codes)])
        place = {value: number for number, value in enumerate(categories)}
        found = np.array([place.get(name, -1) for name in names], np.int64)[codes]
        unknown = np.flatnonzero(found < 0)
        if unknown.size:
            cells = [f"{names[codes[row]]!r} in line {lines[row]}" for row in unknown]
            raise self._fail(
                f"column {self.name!r} has values that are no categories: {some(cells)}; there are "
                f"{', '.join(map(repr, categories))}"
            )
        return found, categories
