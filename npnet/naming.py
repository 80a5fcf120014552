"""Naming: a short name for every slot of a tape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from npnet.expression import Expression
from npnet.parameter import Array, Parameter
from npnet.tape import Slot, Tape

__all__ = ["paths_of", "slot_names"]

#: What the lines of a short expression are called.
_LETTERS = "pqrstuvwz"


def paths_of(
    parameters: Iterable[tuple[str, Parameter]], buffers: Iterable[tuple[str, Array]]
) -> dict[int, str]:
    """Return the dotted names of Parameters and buffers by their ids."""
    paths = {id(parameter): name for name, parameter in parameters}
    return paths | {id(buffer): name for name, buffer in buffers}


def slot_names(
    tape: Tape,
    paths: Mapping[int, str],
    given: Mapping[Expression | str, str] | None = None,
) -> list[str]:
    """Return a name for every slot of a tape, no two the same but for equal numbers.

    An input has its own name, a Parameter or buffer its path, a number is its own name. Arrays that
    are constants are called c1, c2 ...; what steps compute p, q, r ... on a tape of a few steps
    without parameters of layers, else h1, h2 ... An underscore and a number tell apart what would
    have the same name.

    Parameters
    ----------
    tape : Tape
    paths : dotted names of Parameters and buffers by their ids
    given : optional names for Nodes and Parameters, or for what would have another name

    Errors
    ------
    TypeError
        For a name that is no string.
    ValueError
        For a name that is given to what is not on the tape, and for one given twice.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> g = npnet.Graph()
    >>> x = g.input("x")
    >>> y = np.exp(2.0 * x)
    >>> g.output(y + x)
    >>> slot_names(g.tape, {})
    ['x', '2', 'p', 'q', 'r']
    >>> slot_names(g.tape, {}, {y: "y", "r": "f"})
    ['x', '2', 'p', 'y', 'f']
    """
    own = _own_names(tape, paths)
    wanted = _wanted(tape, own, given or {})
    free = (name for name in _made_up(tape, own) if name not in wanted.values())
    taken = set(wanted.values())
    names = []
    for index, (name, slot) in enumerate(zip(own, tape.slots, strict=True)):
        name = wanted.get(index, name)
        if index not in wanted and name in taken and not _is_number(slot):
            name = next(free) if slot.kind == "value" else _other(name, taken)
        taken.add(name)
        names.append(name)
    return names


def number_name(number: Array) -> str:
    """Return a number as it is written: 2 for 2.0, six digits of others."""
    return f"{float(number):.6g}" if number.dtype.kind == "f" else str(number)


def _wanted(tape: Tape, own: list[str], given: Mapping[Expression | str, str]) -> dict[int, str]:
    """Return the names that are given, by slot."""
    wanted: dict[int, str] = {}
    for key, name in given.items():
        if not isinstance(name, str):
            raise TypeError(f"names: expected a string as the name of {key!r}, got {name!r}")
        if isinstance(key, str) and key not in own:
            there = ", ".join(dict.fromkeys(own))
            raise ValueError(f"names: nothing is called {key!r}; there are {there}")
        index = own.index(key) if isinstance(key, str) else tape.slot(key)
        if index is None:
            raise ValueError(
                f"names: {key!r} is not on this tape; give names to Nodes that lead to an output"
            )
        wanted[index] = name
    twice = {name for name in given.values() if [*given.values()].count(name) > 1}
    if twice:
        raise ValueError(f"names: {min(twice)!r} is given twice; every value has its own name")
    return wanted


def _own_names(tape: Tape, paths: Mapping[int, str]) -> list[str]:
    """Return the names that slots have where none is given."""
    names = [_own_name(slot, paths) for slot in tape.slots]
    made_up = _made_up(tape, names)
    constants = (f"c{number}" for number in count(1))
    for index, slot in enumerate(tape.slots):
        if not names[index]:
            rest = constants if slot.kind == "constant" else made_up
            names[index] = next(name for name in rest if name not in names)
    return names


def _made_up(tape: Tape, names: list[str]) -> Iterator[str]:
    """Yield names for values: letters for a short expression, h1, h2 ... for a network."""
    letters = [letter for letter in _LETTERS if letter not in names]
    values = sum(slot.kind == "value" for slot in tape.slots)
    if values <= len(letters) and not any(_has_parameters(step.layer) for step in tape.steps):
        yield from letters
    yield from (f"h{number}" for number in count(1))


def _has_parameters(layer: object) -> bool:
    """Whether a layer has Parameters of its own."""
    return bool(getattr(layer, "_parameters", None))


def _other(name: str, taken: set[str]) -> str:
    """Return a name like it that is free."""
    return next(n for n in (f"{name}_{number}" for number in count(2)) if n not in taken)


def _own_name(slot: Slot, paths: Mapping[int, str]) -> str:
    """Return the name that a slot has by itself; "" where it has none."""
    if slot.kind == "input":
        return str(slot.source.name)
    if slot.kind == "parameter":
        return paths.get(id(slot.source)) or slot.source.name or "parameter"
    if slot.kind == "constant":
        path = paths.get(id(slot.source.array), "")
        return number_name(slot.source.array) if _is_number(slot) and not path else path
    return ""


def _is_number(slot: Slot) -> bool:
    """Whether a slot is a number that stays."""
    return slot.kind == "constant" and not slot.source.array.ndim
