"""Listing: a tape as text, a line a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.tape import Step, Tape

__all__ = ["inferred", "listing"]


def inferred(tape: Tape, inputs: Sequence[Spec], dtype: np.dtype[Any] | None) -> list[Spec] | None:
    """Return the specs of a tape's slots for inputs that another one had, None where none fit."""
    floating = (spec.dtype for spec in inputs if spec.dtype.kind == "f")
    try:
        return tape.specs(inputs, dtype or next(floating, np.dtype(np.float32)))
    except (TypeError, ValueError, IndexError):
        return None


def listing(
    title: str, tape: Tape, names: Sequence[str], specs: Sequence[Spec] | None = None
) -> str:
    """Return the steps of a tape, a line each, with shapes and the numbers in their parameters.

    A parameter is counted where it is first read.

    Parameters
    ----------
    title : str
    tape : Tape
    names : of its slots
    specs : of its slots, optional
        Without them there are no shapes.

    Examples
    --------
    >>> import npnet
    >>> g = npnet.Graph()
    >>> g.output(npnet.ReLU()(npnet.Linear(3, 2)(g.input("x"))))
    >>> names = ["x", "fc.weight", "fc.bias", "h1", "h2"]
    >>> specs = g.tape.specs([Spec((5, 3), np.dtype(np.float32))], np.dtype(np.float32))
    >>> print(listing("Graph", g.tape, names, specs))
    Graph(x)                                   shape   parameters
           x                                   (5, 3)
        0  h1 = Linear(x, fc.weight, fc.bias)  (5, 2)           8
        1  h2 = ReLU(h1)                       (5, 2)
      return h2                                                 8
    >>> print(listing("Graph", g.tape, names))
    Graph(x)                                   parameters
        0  h1 = Linear(x, fc.weight, fc.bias)           8
        1  h2 = ReLU(h1)
      return h2                                         8
    """
    counts = _counts(tape)
    rows = []
    if specs is not None:
        arrays = (i for i, s in enumerate(tape.slots) if s.kind == "constant" and specs[i].shape)
        named = (*tape.inputs, *arrays)
        rows += [(f"       {names[index]}", _shape(specs[index]), 0) for index in named]
    for number, (step, count) in enumerate(zip(tape.steps, counts, strict=True)):
        shapes = ", ".join(_shape(specs[index]) for index in step.writes) if specs else ""
        rows.append((f"{number:5d}  {_line(step, names)}", shapes, count))
    results = ", ".join(names[index] for index in tape.outputs) or "nothing yet"
    rows.append((f"  return {results}", "", sum(counts)))
    head = f"{title}({', '.join(names[index] for index in tape.inputs)})"
    return _laid_out(head, rows, shaped=specs is not None)


def _line(step: Step, names: Sequence[str]) -> str:
    """Return a step as it would be written: h = Linear(x, weight, None)."""
    reads = ", ".join("None" if r is None else names[r] for r in step.reads)
    writes = ", ".join(names[w] for w in step.writes)
    return f"{writes} = {type(step.layer).__name__}({reads})"


def _counts(tape: Tape) -> list[int]:
    """Return for each step how many numbers are in parameters that no step before it reads."""
    seen: set[int | None] = set()
    counts = []
    for step in tape.steps:
        new = [i for i in dict.fromkeys(step.reads) if i in tape.parameters and i not in seen]
        seen.update(new)
        counts.append(sum(tape.parameters[i].size for i in new if i is not None))
    return counts


def _shape(spec: Spec) -> str:
    """Return a shape."""
    return str(tuple(int(n) for n in spec.shape))


def _laid_out(head: str, rows: Sequence[tuple[str, str, int]], shaped: bool) -> str:
    """Return lines with shapes, where there are, and counts, where any is not 0, in columns."""
    counted = any(count for _, _, count in rows)
    if not shaped and not counted:
        return "\n".join([head, *(line for line, _, _ in rows)])
    lines = [(head, "shape" * shaped, "parameters" * counted)]
    lines += [(line, shape, f"{count:,}" if count else "") for line, shape, count in rows]
    wide, middle, right = (max(len(line[i]) for line in lines) for i in range(3))
    columns = (f"{a:{wide}}  {b:{middle}}" if shaped else a.ljust(wide) for a, b, _ in lines)
    ends = (f"  {c:>{right}}" if counted else "" for _, _, c in lines)
    return "\n".join((a + c).rstrip() for a, c in zip(columns, ends, strict=True))
