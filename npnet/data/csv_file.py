"""CSV: a table in a text file as arrays, with its columns named and its gaps reported."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from npnet.data.csv_columns import Column, some
from npnet.data.csv_rows import CsvFile
from npnet.parameter import Array

__all__ = ["Table", "read_csv"]

#: Cells that stand for a missing value.
_NA = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None")
_Fail: TypeAlias = Callable[[str], ValueError]


@dataclass(frozen=True, eq=False)
class Table:
    """What `read_csv` returns.

    `inputs` (N, D) and `targets` (N,), (N, T) or None are the arrays; `columns` names the D columns
    of the inputs, where one-hot ones are "color=red". `categories` maps a column's name to its
    values: value i became the number i or the i-th of its one-hot columns. `missing` lists the
    cells that were missing, (line, column name); `fills` is what missing="fill" puts in their
    place. `lines` (N,) says which line of the file a row comes from, the first being 1. `names`
    are the columns of the file that the inputs come from, `one_hot` those of them that are one-hot.

    Printed, it says all that in a few lines.
    """

    inputs: Array
    targets: Array | None
    columns: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    missing: tuple[tuple[int, str], ...]
    fills: dict[str, float | str]
    lines: Array
    names: tuple[str, ...]
    one_hot: frozenset[str]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.inputs)

    def __str__(self) -> str:
        """Return sizes, columns, categories and what was missing."""
        rows = [f"Table: {len(self)} rows, {len(self.columns)} columns of {self.inputs.dtype}"]
        rows.append(f"inputs: {', '.join(self.columns)}")
        for name, values in self.categories.items():
            kind = "one-hot" if name in self.one_hot else "index"
            pairs = ", ".join(f"{number} {value}" for number, value in enumerate(values))
            rows.append(f"categories of {name} ({kind}): {pairs}")
        gaps = some([f"line {line} {name}" for line, name in self.missing])
        rows.append(f"missing: {len(self.missing)} cells" + f" ({gaps})" * bool(gaps))
        return "\n".join(rows)


def read_csv(
    path: str | os.PathLike[str],
    target: str | Sequence[str] | None = None,
    *,
    inputs: Sequence[str] | None = None,
    categories: Collection[str] = (),
    one_hot: bool | Collection[str] = False,
    missing: str | Mapping[str, float | str] = "raise",
    like: Table | None = None,
    header: bool | Sequence[str] = True,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    na: Collection[str] = _NA,
    dtype: DTypeLike = np.float32,
) -> Table:
    r"""Return the columns of a CSV file as arrays, with what they are called.

    A column whose first value is no number is one of categories: its values, sorted, become
    0, 1, 2, ..., or columns of 0 and 1. Spaces around a cell do not count, nor do empty lines.

    Shapes: inputs (N, D) in `dtype`; targets (N,), int64 where they are categories; (N, T) for a
    list of targets.

    Parameters
    ----------
    path : path
    target : str or list of str, optional
        The columns to predict; by default none.
    inputs : list of str, optional
        The columns to predict from; by default all others, with `like` those it has.
    categories : collection of str, default ()
        Columns that are categories though they hold numbers: class labels, codes.
    one_hot : bool or collection of str, default False
        Which input categories become columns of 0 and 1: all, none, or these.
    missing : "raise", "drop", "fill" or dict, default "raise"
        What becomes of a row that lacks a value: it is an error that names the cells; is left out;
        gets the column's mean or most frequent value; gets the dict's value for that column. A
        target is never guessed. Table.missing names the cells in every case.
    like : Table, optional
        Encode as there, the training table: its columns, categories, one-hot choice and fills.
    header : bool or list of str, default True
        Whether the first line names the columns; False calls them "0", "1", ...; a list names them.
    delimiter : str, default ","
    encoding : str, default "utf-8-sig"
        UTF-8, with or without a mark at its start.
    na : collection of str
        Cells that stand for a missing value; by default the empty one, NA, N/A, n/a, NaN, nan,
        NULL, null and None.
    dtype : floating dtype, default float32

    Errors
    ------
    ValueError
        For a column that is not there (with those that are), an empty table, rows with more or
        fewer fields than columns, a name among numbers, a number that is not finite in `dtype`, a
        column of numbers in another notation (1,5 or 5 %) that is not said to be of categories,
        missing values, categories that `like` does not have, and text that is no CSV, all with
        lines and columns named.
    TypeError
        For a dtype that is not floating.
    OSError
        Where the file cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "houses.csv")
    >>> _ = path.write_text("size,heating,price\n80,gas,200\n95,,310\n60,oil,150\n")
    >>> table = read_csv(path, target="price", one_hot=True, missing="drop")
    >>> print(table)
    Table: 2 rows, 3 columns of float32
    inputs: size, heating=gas, heating=oil
    categories of heating (one-hot): 0 gas, 1 oil
    missing: 1 cells (line 3 heating)
    >>> table.inputs.tolist(), table.targets.tolist(), table.lines.tolist()
    ([[80.0, 1.0, 0.0], [60.0, 0.0, 1.0]], [200.0, 150.0], [2, 4])
    >>> folder.cleanup()
    """
    kind = np.dtype(dtype)
    if kind.kind != "f":
        raise TypeError(f"read_csv: dtype must be floating, got {kind}; use np.float32")
    source = CsvFile(os.fspath(path), delimiter, encoding)
    targets = [target] if isinstance(target, str) else list(target or ())
    chosen = inputs if inputs is not None or like is None else like.names
    with Path(path).open(encoding=encoding, newline="") as file:
        names, rows = source.header(source.rows(file), header)
        wanted = [n for n in names if n not in targets] if chosen is None else list(chosen)
        source.check_names(names, wanted, targets, [*categories])
        columns = {
            name: Column(name, frozenset(na), source.error, _declared(name, categories, like))
            for name in (*wanted, *targets)
        }
        lines = source.read(columns, names, rows)
    fills, gaps = _fills(columns, wanted, like), _gaps(columns, lines)
    kept = _resolved(columns, missing, fills, lines, source.error)
    encoded = _Encoding(columns, kept, lines[kept], kind, like, source.error)
    hot = encoded.hot(wanted, one_hot)
    matrix, labels = encoded.inputs(wanted, hot)
    answers, found = encoded.targets(targets, isinstance(target, str)), encoded.categories
    return Table(matrix, answers, labels, found, gaps, fills, lines[kept], tuple(wanted), hot)


def _fills(
    columns: dict[str, Column], wanted: list[str], like: Table | None
) -> dict[str, float | str]:
    """Return what fills the gaps of the inputs: what the other table has for them, or the usual."""
    known = like.fills if like is not None else {}
    usual = {name: known.get(name, columns[name].usual()) for name in wanted}
    return {name: value for name, value in usual.items() if value is not None}


def _declared(name: str, categories: Collection[str], like: Table | None) -> bool | None:
    """Return whether a column is one of categories; None where its values are to say."""
    if name in categories or (like is not None and name in like.categories):
        return True
    return False if like is not None and name in like.names else None


def _gaps(columns: dict[str, Column], lines: Array) -> tuple[tuple[int, str], ...]:
    """Return the cells that are missing, line by line."""
    found = [
        (int(line), place, name)
        for place, (name, column) in enumerate(columns.items())
        for line in lines[column.missing]
    ]
    return tuple((line, name) for line, _, name in sorted(found))


def _resolved(
    columns: dict[str, Column],
    missing: str | Mapping[str, float | str],
    fills: dict[str, float | str],
    lines: Array,
    fail: _Fail,
) -> Array:
    """Fill what is missing, and return which rows are kept, as bools."""
    given = missing if isinstance(missing, Mapping) else {}
    if not isinstance(missing, Mapping) and missing not in ("raise", "drop", "fill"):
        raise fail(f"expected missing to be 'raise', 'drop', 'fill' or a dict, got {missing!r}")
    if any(name not in columns for name in given):
        raise fail(f"missing names columns that are not read: {sorted(given.keys() - columns)}")
    kept, left = np.ones(len(lines), bool), []
    for name, column in columns.items():
        absent = column.missing
        if not absent.any():
            continue
        if missing == "drop":
            kept &= ~absent
        elif name in given:
            column.fill(given[name])
        elif missing == "fill" and name in fills:
            column.fill(fills[name])
        else:
            left += [f"column {name!r} in line {line}" for line in lines[absent]]
    if left:
        raise fail(
            f"values are missing: {some(left)}; missing='drop' leaves such rows out, "
            "missing='fill' fills inputs, missing={column: value} both"
        )
    if not kept.any():
        raise fail("no row is left: each lacks a value")
    return kept


@dataclass
class _Encoding:
    """Columns as arrays, and the categories met on the way."""

    columns: dict[str, Column]
    kept: Array
    lines: Array
    dtype: np.dtype[Any]
    like: Table | None
    fail: _Fail
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def hot(self, wanted: list[str], one_hot: bool | Collection[str]) -> frozenset[str]:
        """Return which columns become columns of 0 and 1."""
        there = {name for name in wanted if self.columns[name].category}
        if self.like is not None:
            return self.like.one_hot & there
        asked = there if one_hot is True else {*(one_hot or ())}
        if asked - there:
            raise self.fail(
                f"one_hot names {sorted(asked - there)}; columns of categories are {sorted(there)}"
            )
        return frozenset(asked)

    def inputs(self, wanted: list[str], hot: frozenset[str]) -> tuple[Array, tuple[str, ...]]:
        """Return the matrix of the inputs and what its columns are called."""
        parts: list[Array] = []
        labels: list[str] = []
        for name in wanted:
            if not self.columns[name].category:
                parts.append(self.columns[name].floats(self.kept, self.lines, self.dtype))
                labels.append(name)
                continue
            places, values = self._places(name)
            if name in hot:
                parts += [(places == number).astype(self.dtype) for number in range(len(values))]
                labels += [f"{name}={value}" for value in values]
            else:
                if len(values) > 2 ** (np.finfo(self.dtype).nmant + 1):
                    raise self.fail(f"column {name!r}: {self.dtype} cannot number its categories")
                parts.append(places.astype(self.dtype))
                labels.append(name)
        rows = len(self.lines)
        matrix = np.stack(parts, axis=1) if parts else np.empty((rows, 0), self.dtype)
        return matrix, tuple(labels)

    def targets(self, names: list[str], alone: bool) -> Array | None:
        """Return the targets."""
        if not names:
            return None
        if alone and self.columns[names[0]].category:
            return self._places(names[0])[0]
        if any(self.columns[name].category for name in names):
            raise self.fail("targets in a list must be numbers; give categories as target='name'")
        parts = [self.columns[name].floats(self.kept, self.lines, self.dtype) for name in names]
        return parts[0] if alone else np.stack(parts, axis=1)

    def _places(self, name: str) -> tuple[Array, tuple[str, ...]]:
        """Return a column's values as places among its categories, and remember these."""
        known = self.like.categories.get(name) if self.like is not None else None
        places, self.categories[name] = self.columns[name].places(self.kept, self.lines, known)
        return places, self.categories[name]
