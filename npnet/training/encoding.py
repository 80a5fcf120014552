"""Encoding: a state of dicts, lists, numbers and arrays as text and arrays, and back."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from npnet.checkpoint import CheckpointError
from npnet.checkpoint.arrays import given
from npnet.parameter import Array

__all__ = ["decode", "encode"]

_MAX_DEPTH = 100
#: Dtypes that files of arrays do not give back as they are, and those they are written as.
_SEEN_AS = {"float16": "uint16"}


def encode(state: Any) -> tuple[str, dict[str, Array]]:
    """Return a state as JSON, and its arrays by their places in it.

    A state consists of dicts (OrderedDicts and Counters too) with strings and integers as keys,
    lists, tuples, strings, numbers, bools, None and arrays of numbers; a NumPy number becomes the
    Python number it is. What JSON has no form for is an object with one key that begins with $.

    Errors
    ------
    TypeError
        For anything else; the message says where it is.
    ValueError
        For a state that is nested deeper than 100 levels, or holds itself.

    Examples
    --------
    >>> text, arrays = encode({"weight": np.ones(2), "betas": (0.9, math.inf), "epoch": 3})
    >>> text
    '{"weight": {"$array": "weight"}, "betas": {"$tuple": [0.9, {"$float": "inf"}]}, "epoch": 3}'
    >>> arrays
    {'weight': array([1., 1.])}
    >>> decode(text, arrays) == {"weight": arrays["weight"], "betas": (0.9, math.inf), "epoch": 3}
    True
    """
    encoder = _Encoder()
    return json.dumps(encoder.encode(state, ()), allow_nan=False), encoder.arrays


def decode(text: str, arrays: Mapping[str, Array]) -> Any:
    """Return the state that `encode` wrote down.

    Errors
    ------
    CheckpointError
        For a text that `encode` does not write, and arrays that are not there.
    """
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _built(dict(pairs), arrays))
    except CheckpointError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(f"its text is none that a Trainer writes: {error!r}") from error


class _Encoder:
    """Writes values down, and collects arrays."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}

    def encode(self, value: Any, path: tuple[Any, ...]) -> Any:
        """Return what JSON is made of."""
        if len(path) > _MAX_DEPTH:
            place = _place(path[:5])
            raise ValueError(
                f"Trainer: expected a state of at most {_MAX_DEPTH} levels; {place}... goes "
                "deeper, or holds itself"
            )
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"$float": repr(value)}
        if type(value) is list:
            return self._items(value, path)
        if type(value) is tuple:
            return {"$tuple": self._items(value, path)}
        if type(value) in (dict, OrderedDict, Counter):
            return self._mapping(value, path)
        array = given(value)
        if isinstance(value, np.generic) and array is not None and array.dtype.kind in "fiub":
            return self.encode(value.item(), path)
        return self._array(value, array, path)

    def _items(self, values: Sequence[Any], path: tuple[Any, ...]) -> list[Any]:
        return [self.encode(value, (*path, place)) for place, value in enumerate(values)]

    def _mapping(self, value: dict[Any, Any], path: tuple[Any, ...]) -> Any:
        wrong = next((key for key in value if type(key) not in (str, int)), None)
        if wrong is not None:
            raise TypeError(
                f"Trainer: expected strings and integers as keys, got {wrong!r} in {_place(path)}"
            )
        items = {key: self.encode(item, (*path, key)) for key, item in value.items()}
        plain = all(type(key) is str and not key.startswith("$") for key in items)
        written = items if plain else {"$items": [[key, item] for key, item in items.items()]}
        return {"$counter": written} if type(value) is Counter else written

    def _array(self, value: Any, array: Array | None, path: tuple[Any, ...]) -> Any:
        if array is None:
            called = type(value).__name__
            if isinstance(value, np.ndarray | np.generic):
                called = f"{called} of dtype {value.dtype}"
            raise TypeError(
                "Trainer: a checkpoint holds arrays of numbers, dicts, lists, tuples, str, int, "
                f"float, bool and None, got {called} as {_place(path)}"
            )
        name = "/".join(map(str, path)) or "array"
        while name in self.arrays:
            name += "'"
        kind = _SEEN_AS.get(array.dtype.name)
        if kind is None:
            self.arrays[name] = array
            return {"$array": name}
        self.arrays[name] = np.ascontiguousarray(array).reshape(array.shape).view(kind)
        return {"$array": name, "dtype": array.dtype.name}


def _place(path: Sequence[Any]) -> str:
    """Return where in the state a value is, for messages."""
    return "state" + "".join(f"[{key!r}]" for key in path)


def _built(found: dict[str, Any], arrays: Mapping[str, Array]) -> Any:
    """Return what an object of the text stands for."""
    tag = next(iter(found), "")
    if not tag.startswith("$"):
        return found
    value = found[tag]
    if tag == "$array":
        if value not in arrays:
            raise CheckpointError(f"the array {value!r} is missing")
        array = arrays[value]
        return array.view(found["dtype"]) if "dtype" in found else array
    return _KINDS[tag](value)


_KINDS: dict[str, Callable[[Any], Any]] = {
    "$tuple": tuple,
    "$float": float,
    "$items": dict,
    "$counter": Counter,
}
