"""History: what each epoch came to, printed, drawn and saved."""

from __future__ import annotations

import csv
import io
import json
import math
import numbers
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from npnet.checkpoint.files import replacing
from npnet.parameter import Array

__all__ = ["History"]

#: Columns of seconds, which nobody reads with an exponent.
_TIMES = ("seconds",)

File: TypeAlias = str | os.PathLike[str]

#: JSON has no such numbers; as texts any reader of JSON takes them.
_NAMED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class History:
    """The numbers of a run, one record an epoch.

    Printed it is a table. ``history["loss"]`` is a column, ``history.records[-1]`` an epoch. All
    numbers are kept and saved to the last bit, NaN and infinities too.

    Attributes
    ----------
    records : list of dict
        Names and numbers of each epoch; an epoch need not have them all.

    Examples
    --------
    >>> history = History()
    >>> history.append({"epoch": 1, "loss": 0.75, "val_loss": 0.8})
    >>> history.append({"epoch": 2, "loss": 0.5})
    >>> print(history)
    epoch    loss  val_loss
        1  0.7500    0.8000
        2  0.5000
    >>> history["loss"].tolist(), len(history)
    ([0.75, 0.5], 2)
    """

    def __init__(self) -> None:
        self.records: list[dict[str, int | float]] = []

    def append(self, record: Mapping[str, Any]) -> None:
        """Add an epoch.

        Parameters
        ----------
        record : dict
            Names and numbers: Python's, NumPy's, or arrays without an axis.

        Errors
        ------
        TypeError
            For a name that is no string, and a value that is no number.
        ValueError
            For a name that does not print on a line.
        """
        self.records.append({_name(name): _number(name, value) for name, value in record.items()})

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(self.records)

    def __iter__(self) -> Iterator[dict[str, int | float]]:
        """Pass over the records."""
        return iter(self.records)

    def __getitem__(self, name: str) -> Array:
        """Return a column as a float64 array, NaN for epochs without it; KeyError for no column."""
        if name not in self.names:
            there = ", ".join(map(repr, self.names)) or "none"
            raise KeyError(f"History: no column {name!r}; there are {there}")
        return np.array([record.get(name, math.nan) for record in self.records], np.float64)

    @property
    def names(self) -> list[str]:
        """The columns, in the order in which they came."""
        return list(dict.fromkeys(name for record in self.records for name in record))

    # ------------------------------------------------------------------ states

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the records, as numbers and strings."""
        return {"records": [dict(record) for record in self.records]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over records; on an error nothing is changed."""
        fresh = _of(state["records"])
        self.records = fresh.records

    # ------------------------------------------------------------------ printing and drawing

    def __str__(self) -> str:
        """Return a table."""
        names = self.names
        if not names:
            return "History: no epochs"
        columns = [[n, *_texts((r.get(n) for r in self.records), n in _TIMES)] for n in names]
        widths = [max(map(len, column)) for column in columns]
        rows = zip(*columns, strict=True)
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def __repr__(self) -> str:
        """Return how many epochs of what there are."""
        return f"History({len(self)} epochs: {', '.join(self.names)})"

    def plot(
        self, path: File | None = None, names: Iterable[str] | None = None, log: bool = False
    ) -> Any:
        """Return curves over the epochs as a matplotlib Figure; see `npnet.training.plots.curves`.

        Parameters
        ----------
        path : path, optional
            Save it there; the suffix says the format.
        names : iterable of str, optional
            The columns to draw; by default all but epoch, seconds and lr, a validation's figures
            with the training's.
        log : bool, default False
            Draw on a logarithmic axis.
        """
        from npnet.training import plots

        return plots.curves(self, path, names=names, log=log)

    # ------------------------------------------------------------------ files

    def to_csv(self, path: File) -> None:
        """Write a CSV file: the names, and a line an epoch, empty where it lacks a number."""
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.names)
        for record in self.records:
            writer.writerow([repr(record[n]) if n in record else "" for n in self.names])
        _write(path, stream.getvalue())

    @classmethod
    def from_csv(cls, path: File) -> History:
        """Return the history that a CSV file holds; ValueError, with the line, for another file."""
        with Path(path).open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)

            def record(row: list[str], names: list[str]) -> dict[str, Any]:
                if len(row) != len(names):
                    raise ValueError(f"expected {len(names)} fields, got {len(row)}")
                pairs = zip(names, row, strict=True)
                return {name: _read(text) for name, text in pairs if text}

            try:
                names = next(reader, [])
                if len(set(names)) < len(names):
                    raise ValueError("a name comes twice")
                return _of(record(row, names) for row in reader)
            except (ValueError, TypeError, csv.Error) as error:
                line = reader.line_num
                raise ValueError(
                    f"History: {os.fspath(path)} is no table of numbers: line {line}: {error}"
                ) from error

    def to_jsonl(self, path: File) -> None:
        """Write a JSON Lines file: an object an epoch; NaN and infinities are texts."""
        named = {repr(value): name for name, value in _NAMED.items()}
        lines = [
            json.dumps({name: named.get(repr(v), v) for name, v in record.items()}, allow_nan=False)
            for record in self.records
        ]
        _write(path, "".join(f"{line}\n" for line in lines))

    @classmethod
    def from_jsonl(cls, path: File) -> History:
        """Return the history that a JSON Lines file holds; ValueError for another file."""
        history = cls()
        for line, text in enumerate(Path(path).read_text("utf-8").split("\n"), 1):
            try:
                if text:
                    history.append({n: _unnamed(v) for n, v in _object(json.loads(text)).items()})
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"History: {os.fspath(path)} is no list of records: line {line}: {error}"
                ) from error
        return history


def _of(records: Iterable[Mapping[str, Any]]) -> History:
    """Return a history of records."""
    history = History()
    for record in records:
        history.append(record)
    return history


def _name(name: Any) -> str:
    """Return what a number is called, or say that it is no name."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"History: expected names as strings, got {name!r}")
    if not name.isprintable():
        raise ValueError(f"History: expected names that print on a line, got {name!r}")
    return name


def _number(name: str, value: Any) -> int | float:
    """Return a number as Python's int or float, to the last bit, or say that it is none."""
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "biuf":
        what = f"an array of shape {array.shape}" if array.ndim else repr(value)
        raise TypeError(f"History: expected a number for {name!r}, got {what}")
    return int(array) if array.dtype.kind in "biu" else float(array)


def _texts(values: Iterable[Any], fixed: bool = False) -> list[str]:
    """Return a column's numbers with as many digits as tell them, empty where there is none.

    `fixed` ones are written without an exponent.
    """
    given = list(values)
    form: Callable[[Any], str] = str
    if not all(value is None or isinstance(value, numbers.Integral) for value in given):
        sizes = [abs(v) for v in given if v is not None and math.isfinite(v) and v != 0]
        plain = all(1e-3 <= size < 1e6 for size in sizes)
        form = "{:.4f}".format if plain else "{:.4e}".format
        if fixed:
            form = "{:.4f}".format if all(size >= 1e-3 for size in sizes) else "{:.6f}".format
    return ["" if value is None else form(value) for value in given]


def _read(text: str) -> int | float:
    """Return the number that `repr` wrote."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _object(value: Any) -> dict[str, Any]:
    """Return a JSON object, or say that it is none."""
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r}")
    return value


def _unnamed(value: Any) -> Any:
    """Return the number that a text stands for."""
    return _NAMED.get(value, value) if isinstance(value, str) else value


def _write(path: File, text: str) -> None:
    """Replace a file, whole or not at all."""
    with replacing(path) as stream:
        stream.write(text.encode())
