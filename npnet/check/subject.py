"""Subject: what is under test in float64, run as often as there are questions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.execution import real_array
from npnet.parameter import Array, Parameter

__all__ = ["Operand", "Subject", "hint", "same_outputs"]

_FLOAT64 = np.dtype(np.float64)


class Operand(NamedTuple):
    """What is differentiated by: the array that forward reads, an input's place or a Parameter."""

    name: str
    array: Array
    position: int
    parameter: Parameter | None = None


class Subject(ABC):
    """Something with a forward and a backward, on float64 inputs of its own.

    Parameters
    ----------
    name : str
        For messages.
    inputs : what it is run on; stays as it is
    output_gradient : array, tuple of them, or None for random ones
    random : np.random.Generator

    Attributes
    ----------
    operands : list of Operand
        What is differentiated by.
    first : list of arrays
        The outputs at the operands as they are.
    """

    operands: list[Operand]
    first: list[Array]

    def __init__(self, name: str, inputs: Sequence[Any], output_gradient: Any, random: Any) -> None:
        self.name, self.random = name, random
        given = [real_array(x, "gradcheck", "inputs") for x in inputs]
        self.inputs = [
            np.array(x, _FLOAT64 if x.dtype.kind == "f" else x.dtype, order="C") for x in given
        ]
        self._given = output_gradient

    @abstractmethod
    def outputs(self) -> list[Array]:
        """Run forward, each time from the same random numbers and buffers."""

    @abstractmethod
    def gradients(
        self, seeds: Sequence[Any], fill: float = math.nan, byte: int = 255, before: float = 1.0
    ) -> list[Any]:
        """Run forward and backward, in memory that shows what was not written.

        Memory of gradients is filled with `fill`, the bytes of other memory with `byte`, after a
        first pass from `before` times the seeds.
        """

    @abstractmethod
    def misbehaviour(self) -> list[tuple[str, str]]:
        """Return what is wrong with forward and backward themselves: (who, why)."""

    @abstractmethod
    def input_names(self) -> list[str]:
        """Return the names of the inputs, in order."""

    def numbers(self) -> Iterator[tuple[str, float]]:
        """Yield the numbers that it was made with, by name."""
        return iter(())

    def parts(self) -> Iterator[tuple[int, Subject]]:
        """Yield the steps it is made of, last first, where it has several."""
        return iter(())

    def draw(self, shape: tuple[int, ...]) -> Array:
        """Draw numbers of either sign, none small and no two the same."""
        signs = self.random.integers(0, 2, shape) * 2.0 - 1.0
        drawn: Array = np.asarray(self.random.uniform(0.5, 1.5, shape) * signs)
        return drawn

    def draw_seeds(self) -> list[Any]:
        """Return an output gradient: the one given, or random numbers."""
        if self._given is None:
            return [self.draw(y.shape) if y.dtype.kind == "f" else None for y in self.first]
        given = self._given if isinstance(self._given, (tuple, list)) else (self._given,)
        whole = len(self.first) == 1 and not isinstance(self._given, tuple)
        seeds = [self._given] if whole else given
        return [None if s is None else np.array(s, _FLOAT64) for s in seeds]

    def both_sides(
        self, index: int, up: Array, down: Array
    ) -> tuple[list[Array], list[Array], Array]:
        """Return the outputs at x - down and at x + up, and the way between as it was rounded."""
        x = self.operands[index].array
        low, high = x - down, x + up
        return self.outputs_at(index, low), self.outputs_at(index, high), high - low

    def outputs_at(self, index: int, array: Array) -> list[Array]:
        """Return the outputs with another array in an operand's place."""
        with self.put(index, array):
            return self.outputs()

    def gradient_at(self, index: int, array: Array, seeds: Sequence[Any]) -> Array:
        """Return an operand's gradient with another array in its place."""
        with self.put(index, array):
            found: Array = self.gradients(seeds)[index]
            return found

    def put(self, index: int, array: Array) -> _Put:
        """Give an operand other numbers for a while."""
        return _Put(self.operands[index].array, array)

    def not_finite(self) -> None:
        """Raise where an output is not finite.

        Errors
        ------
        ValueError
            With the first such number.
        """
        for y in self.first:
            if y.dtype.kind == "f" and not np.isfinite(y).all():
                raise ValueError(
                    f"gradcheck: {self.name}: expected finite outputs, got "
                    f"{y[~np.isfinite(y)][0]}; move the inputs into the domain"
                )

    def backward_fault(self) -> list[tuple[str, str]]:
        """Run backward and see whether it raises."""
        try:
            self.gradients(self.draw_seeds())
        except (TypeError, ValueError, AttributeError) as error:
            if self._given is not None:
                raise
            return [("backward", f"it raises {type(error).__name__}: {error}{hint(error)}")]
        return []


class _Put:
    """Other numbers in an operand's array, as long as a `with` block runs."""

    def __init__(self, place: Array, array: Array) -> None:
        self._place, self._array, self._before = place, array, place.copy()

    def __enter__(self) -> None:
        self._place[...] = self._array

    def __exit__(self, *error: object) -> None:
        self._place[...] = self._before


def same_outputs(left: Sequence[Array], right: Sequence[Array]) -> bool:
    """Whether two lists of outputs hold the same numbers; NaN are the same."""
    pairs = zip(left, right, strict=True)
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def hint(error: Exception) -> str:
    """Say what an error of a kernel usually means."""
    if isinstance(error, ValueError) and "broadcast" in str(error):
        return "; a gradient has its operand's shape: is it summed over the batch, or transposed?"
    if "None" in str(error) or "dtype('O')" in str(error):
        return "; does it read what backward_reads does not name, or a gradient that is None?"
    return ""
