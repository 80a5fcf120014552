"""Rows of a CSV file, with the lines they begin in, and what is wrong with them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeAlias

import numpy as np

from npnet.data.csv_columns import Column, some
from npnet.parameter import Array
from npnet.spelling import meant

__all__ = ["CsvFile"]

#: The line a row begins in, and its cells.
Row: TypeAlias = tuple[int, list[str]]

_CHUNK = 4096

#: What stands between cells where it is no comma.
_DELIMITERS = ";\t|,"


@dataclass(frozen=True)
class CsvFile:
    """A file's rows, and errors that name it."""

    path: str
    delimiter: str
    encoding: str

    def error(self, message: str) -> ValueError:
        """Return an error of this file."""
        return ValueError(f"read_csv: {self.path}: {message}")

    def rows(self, file: Any) -> Iterator[Row]:
        """Pass over the rows of the file that are not empty, with the lines they begin in."""
        if not isinstance(self.delimiter, str) or len(self.delimiter) != 1:
            raise self.error(f"expected delimiter as one character, got {self.delimiter!r}")
        reader = csv.reader(file, delimiter=self.delimiter, skipinitialspace=True, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self.error(f"line {line} is no CSV: {error}") from error
            except UnicodeDecodeError as error:
                marked = error.start == 0 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
                kind = "utf-16" if marked else "latin-1"
                raise self.error(
                    f"is no {self.encoding} text: {error}; give its encoding, as {kind!r}"
                ) from error
            if cells:
                yield line, [cell.strip() for cell in cells]

    def header(
        self, rows: Iterator[Row], header: bool | Sequence[str]
    ) -> tuple[list[str], Iterator[Row]]:
        """Return what the columns are called, and the rows of values."""
        listed = isinstance(header, Iterable) and not isinstance(header, str)
        if not listed and not isinstance(header, bool):
            raise self.error(f"expected header as True, False or a list of names, got {header!r}")
        first = next(rows, None)
        if first is None:
            raise self.error("is empty")
        if header is True:
            names = [name or f"column {place}" for place, name in enumerate(first[1], 1)]
        else:
            count = len(first[1])
            names = [*header] if isinstance(header, Iterable) else [str(n) for n in range(count)]
            rows = chain([first], rows)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise self.error(f"has several columns called {', '.join(map(repr, twice))}")
        return names, rows

    def check_names(
        self, names: list[str], wanted: list[str], targets: list[str], categories: list[str]
    ) -> None:
        """Refuse columns that are not there, or asked for twice."""
        for role, chosen in (("target", targets), ("input", wanted), ("category", categories)):
            for name in chosen:
                if name in names:
                    continue
                there = ", ".join(map(repr, names)) + self._mend(name, names)
                raise self.error(f"has no {role} column {name!r}; there are {there}")
        both = [*wanted, *targets]
        twice = sorted({name for name in both if both.count(name) > 1})
        if twice:
            raise self.error(f"columns asked for twice: {', '.join(map(repr, twice))}")

    def _mend(self, name: str, names: list[str]) -> str:
        """Return what may be wrong with a name that is none of the columns'."""
        several = "; if these are several, give their delimiter"
        if len(names) > 1:
            return meant(name, names)
        for other in _DELIMITERS.replace(self.delimiter, ""):
            if other in names[0]:
                return f"{several}={other!r}"
        return meant(name, names) or several

    def read(self, columns: dict[str, Column], names: list[str], rows: Iterator[Row]) -> Array:
        """Read the columns, and return the line that each row begins in."""
        found: list[int] = []
        ragged: list[str] = []
        places = {name: names.index(name) for name in columns}
        while chunk := list(islice(rows, _CHUNK)):
            # Spaces alone are an empty line, but for a table of one column.
            chunk = [row for row in chunk if len(row[1]) > 1 or row[1] != [""] or len(names) == 1]
            ragged += [f"{len(r)} in line {line}" for line, r in chunk if len(r) != len(names)]
            if ragged:
                continue
            lines = [line for line, _ in chunk]
            for name, column in columns.items():
                place = places[name]
                column.read([cells[place] for _, cells in chunk], lines)
            found += lines
        if ragged:
            raise self.error(f"expected {len(names)} fields in each line, got {some(ragged)}")
        if not found:
            raise self.error("has no rows beside its header")
        return np.array(found, np.int64)
