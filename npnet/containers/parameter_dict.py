"""ParameterDict: Parameters by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, KeysView, Mapping
from typing import Any, TypeVar

from npnet.containers.parameter_list import as_parameter, described
from npnet.containers.places import pairs
from npnet.module import Module

__all__ = ["ParameterDict"]

Self = TypeVar("Self", bound="ParameterDict")


class ParameterDict(Module):
    """Parameters by name, seen by every Module method; other values may stand among them.

    Parameters
    ----------
    parameters : mapping of names to values, or iterable of pairs, optional
        Arrays become Parameters. As in torch, a plain mapping is taken in the order of its sorted
        names, an OrderedDict, a ParameterDict and pairs in their own.

    Errors
    ------
    TypeError
        For a name that is no string, and for a value in a Parameter's place.
    KeyError
        For a name that is not there, and for one that a Module's attribute has.
    NotImplementedError
        Where it is called.

    Source: torch.nn.ParameterDict.

    Examples
    --------
    >>> import numpy as np
    >>> gains = ParameterDict({"left": np.ones(2), "right": np.zeros(2)})
    >>> gains["right"].data.tolist(), list(gains), [name for name, _ in gains.named_parameters()]
    ([0.0, 0.0], ['left', 'right'], ['left', 'right'])
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def forward(self, *operands: Any) -> Any:
        """Raise: it computes nothing."""
        raise NotImplementedError(f"{self._who}: has no forward; it holds Parameters for others")

    def update(self, parameters: Any) -> None:
        """Add values, or replace those of the same names."""
        found = pairs(self._who, parameters)
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            found.sort(key=lambda pair: pair[0])
        for name, _ in found:
            self._check_key(name)
        for name, value in found:
            self[name] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, which is given the default where it is not there."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, or the default where it is not there."""
        return getattr(self, key) if key in self._keys else default

    def pop(self, key: str) -> Any:
        """Remove a value and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last name and return it with its value."""
        if not self._keys:
            raise KeyError(f"{self._who}: popitem from an empty dict")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self) -> None:
        """Remove all values."""
        for key in list(self):
            del self[key]

    def copy(self) -> ParameterDict:
        """Return a dict of the same values."""
        return ParameterDict(list(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a dict with one value under many names."""
        return ParameterDict([(key, default) for key in keys])

    def keys(self) -> KeysView[str]:
        """Names, in the order they came."""
        return self._keys.keys()

    def values(self) -> Iterator[Any]:
        """Values, in the order they came."""
        return (self[key] for key in self)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values, in the order they came."""
        return ((key, self[key]) for key in self)

    def extra_repr(self) -> str:
        """Return a line a value."""
        return described(self.items())

    def __len__(self) -> int:
        """How many names."""
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        """Yield the names, the last first."""
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a name."""
        return key in self._keys

    def __getitem__(self, key: str) -> Any:
        """Return the value of a name."""
        self._check_there(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        """Add a value, or replace the one of this name."""
        self._check_key(key)
        setattr(self, key, as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        """Remove a value."""
        self._check_there(key)
        delattr(self, key)
        del self._keys[key]

    def __or__(self, other: Any) -> ParameterDict:
        """Return a dict of both; the other's values replace those of the same names."""
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other: Any) -> ParameterDict:
        """Return a dict of both; its own values replace those of the same names."""
        both = ParameterDict(other)
        both.update(self)
        return both

    def __ior__(self: Self, other: Any) -> Self:
        """Add the other's values."""
        self.update(other)
        return self

    def _check_key(self, key: str) -> None:
        """Refuse a name that is taken by what is no value of this dict."""
        self._check_name(key)
        if key not in self._keys:
            self._check_free(key, "_parameters")

    def _check_there(self, key: str) -> None:
        """Refuse a name that is not there."""
        if key not in self._keys:
            raise KeyError(f"{self._who}: no value {key!r}; there are {', '.join(self) or 'none'}")
