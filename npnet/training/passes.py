"""Passes: a loader gone through batch by batch, and gone through again up to where one was."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

import numpy as np

from npnet.data import DataLoader
from npnet.parameter import Array
from npnet.training.streams import States, Streams

__all__ = ["Pass", "check_batches", "no_batches", "numbers_of", "shape_of"]

_FEW, _SHAPES = 12, 3  # samples, and shapes, that a message lists


class Pass:
    """A pass over a loader: what each batch is made of, and what makes it.

    ``for index in order: batch = gather(index)``. Of a DataLoader `index` are the numbers of the
    samples; of anything else it is the batch itself.

    Parameters
    ----------
    loader : DataLoader, or any iterable of batches
    """

    def __init__(self, loader: Iterable[Any]) -> None:
        #: Whether batches are known by the numbers of their samples.
        self.numbered = isinstance(loader, DataLoader)
        self.order: Iterator[Any]
        self.gather: Callable[[Any], Any]
        if isinstance(loader, DataLoader):
            self.order, self.gather = loader.start()
        else:
            self.order, self.gather = iter(loader), _itself

    @classmethod
    def resumed(
        cls, loader: Iterable[Any], streams: Streams, start: States, place: int, last: Any
    ) -> Pass:
        """Return a pass that was begun with random streams at `start`, `place` batches later.

        The streams are afterwards where they were before.

        Parameters
        ----------
        loader, streams : of the run
        start : where the streams were when the pass began
        place : how many batches it gave
        last : numbers of the samples in the last of them, if known

        Errors
        ------
        ValueError
            For a loader that gives another order now.
        """
        now = streams.states()
        streams.go_to(start)
        try:
            found = cls(loader)
            # Only the last one stays: a loader that is no DataLoader gives whole batches.
            skipped = deque(enumerate(itertools.islice(found.order, place), 1), maxlen=1)
            count, index = skipped[0] if skipped else (0, None)
            if count < place:
                raise ValueError(
                    f"Trainer: expected a loader of at least {place} batches, to go on after "
                    f"these, got one of {count}; give the loader of the run that was stopped"
                )
            if last is not None and not np.array_equal(numbers_of(index), numbers_of(last)):
                raise ValueError(
                    f"Trainer: the loader gives its samples in another order than the run that "
                    f"was stopped; batch {place - 1} was of samples {_listed(numbers_of(last))}, "
                    f"now of {_listed(numbers_of(index))}. Give it the same data, batch size and "
                    "generator, and a sampler that draws from a npnet.Generator"
                )
        finally:
            streams.go_to(now)
        return found

    def name(self, index: Any, number: int) -> str:
        """Say which batch it is: its number in the epoch, and its samples where they are known."""
        if not self.numbered:
            return f"batch {number}"
        return f"batch {number}, of samples {_listed(numbers_of(index))}"

    def numbers(self, index: Any, rows: Iterable[int]) -> list[int]:
        """Return the numbers of the samples in some rows of a batch; the rows if unknown."""
        if not self.numbered:
            return list(rows)
        numbers = numbers_of(index)
        return [int(numbers[row]) for row in rows if row < len(numbers)]


def check_batches(loader: Any, who: str, what: str, operands: int) -> None:
    """Raise where data are given in place of a loader, whose batches have so many operands.

    One array a batch is right where a batch has one operand.
    """
    if isinstance(loader, tuple | list):
        parts, kind = [*loader], type(loader).__name__
    else:
        parts, kind = [loader], ""
    if operands > 1 and parts and all(hasattr(part, "__array__") for part in parts):
        shapes = ", ".join(str(np.shape(part)) for part in parts[:_SHAPES])
        shapes += ", ..." * (len(parts) > _SHAPES)
        found = f"a {kind} of arrays of shapes {shapes}" if kind else f"an array of shape {shapes}"
        raise TypeError(
            f"{who}: expected {what} as batches, each a tuple of inputs and a target, got {found}; "
            "give DataLoader(x, y, batch_size=32), or [(x, y)] for all in one batch"
        )
    if not isinstance(loader, Iterable) and not hasattr(loader, "__getitem__"):
        raise TypeError(
            f"{who}: expected {what} as a DataLoader or other iterable of batches, got "
            f"{type(loader).__name__}"
        )


def no_batches(who: str, what: str) -> ValueError:
    """Return the error for a loader without batches."""
    return ValueError(
        f"{who}: expected at least one batch in {what}, got none; the data are empty, drop_last "
        "leaves all of them out, or the loader cannot be gone through again: give a DataLoader or "
        "a list"
    )


def numbers_of(index: Any) -> Array:
    """Return the numbers of the samples of a batch as an array, of their own."""
    return np.array(index, np.int64).reshape(-1)


def shape_of(loader: Iterable[Any]) -> dict[str, Any]:
    """Return what must be as it was for a pass to go on in the middle."""
    if not isinstance(loader, DataLoader):
        return {"batches": len(loader) if isinstance(loader, Sized) else None}
    return {
        "samples": len(loader.dataset),
        "batch_size": loader.batch_size,
        "shuffle": loader.shuffle,
        "drop_last": loader.drop_last,
    }


def _itself(batch: Any) -> Any:
    """Return a batch that is there already."""
    return batch


def _listed(numbers: Array) -> str:
    """Return numbers as text, the first few of them."""
    few = ", ".join(map(str, numbers[:_FEW].tolist()))
    return f"[{few}{', ...' * (len(numbers) > _FEW)}]"
