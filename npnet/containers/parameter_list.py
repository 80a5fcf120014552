"""ParameterList: Parameters in a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from npnet.containers.places import place
from npnet.module import Module
from npnet.parameter import Parameter

__all__ = ["ParameterList", "as_parameter", "described"]

Self = TypeVar("Self", bound="ParameterList")


def as_parameter(value: Any) -> Any:
    """Return an array as a Parameter, everything else as it is."""
    return Parameter(value) if isinstance(value, np.ndarray) else value


def described(items: Iterable[tuple[Any, Any]]) -> str:
    """Return torch's lines on Parameters and other values, by what they are found under."""
    lines = []
    for key, value in items:
        text = f"Object of type: {type(value).__name__}"
        if isinstance(value, Parameter):
            size = "x".join(str(length) for length in value.shape)
            text = f"Parameter containing: [{value.dtype} of size {size}]"
        lines.append(f"  ({key}): {text}")
    return "\n".join(lines)


class ParameterList(Module):
    """Parameters in a list, seen by every Module method; other values may stand between them.

    Parameters
    ----------
    values : iterable, optional
        Arrays become Parameters.

    Errors
    ------
    IndexError
        For a place that is not there.
    TypeError
        For an array instead of an iterable of them, and for a value in a Parameter's place.
    ValueError
        Where a Parameter is replaced by one of another shape.
    NotImplementedError
        Where it is called.

    Source: torch.nn.ParameterList.

    Examples
    --------
    >>> weights = ParameterList([np.ones((2, 3)), np.zeros(2)])
    >>> weights[0].shape, len(weights), [name for name, _ in weights.named_parameters()]
    ((2, 3), 2, ['0', '1'])
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def forward(self, *operands: Any) -> Any:
        """Raise: it computes nothing."""
        raise NotImplementedError(f"{self._who}: has no forward; it holds Parameters for others")

    def append(self: Self, value: Any) -> Self:
        """Add a value at the end."""
        setattr(self, str(self._size), as_parameter(value))
        self._size += 1
        return self

    def extend(self: Self, values: Iterable[Any]) -> Self:
        """Add values at the end."""
        if not isinstance(values, Iterable) or isinstance(values, (np.ndarray, Parameter)):
            kind = type(values).__name__
            raise TypeError(f"{self._who}: expected an iterable of Parameters, got {kind}")
        # All of them are made before the first is held.
        for value in [as_parameter(value) for value in values]:
            self.append(value)
        return self

    def extra_repr(self) -> str:
        """Return a line a value."""
        return described(enumerate(self))

    def __len__(self) -> int:
        """How many values."""
        return self._size

    def __iter__(self) -> Iterator[Any]:
        """Yield the values in order."""
        return (self[number] for number in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        """Return one value, or for a slice a list of the same values."""
        if isinstance(index, slice):
            return self.__class__(self[number] for number in range(len(self))[index])
        return getattr(self, str(place(self._who, index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        """Replace the value at a place."""
        setattr(self, str(place(self._who, index, len(self))), as_parameter(value))

    def __iadd__(self: Self, values: Iterable[Any]) -> Self:
        """Add values at the end."""
        return self.extend(values)
