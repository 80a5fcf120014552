"""Streams: every random stream that a run draws from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from npnet.module import Module
from npnet.random import Generator, default_generator
from npnet.random.generator import Mark

__all__ = ["Marks", "States", "Streams", "states_at"]

#: The place in each stream, to keep; and the same as long as the process lives, found in no time.
States: TypeAlias = dict[str, dict[str, Any]]
Marks: TypeAlias = dict[str, Mark]


class Streams:
    """The default generator, and those that the layers, the loaders and their samplers hold.

    Parameters
    ----------
    module : Module
    **loaders : by their roles

    Examples
    --------
    >>> import npnet
    >>> from npnet.data import DataLoader
    >>> loader = DataLoader(range(4), generator=npnet.Generator(0))
    >>> streams = Streams(npnet.Dropout(generator=loader.generator), train=loader)
    >>> for name, first in streams.names.items():
    ...     print(name, "is", first)
    default is default
    model.generator is model.generator
    train.generator is model.generator
    """

    def __init__(self, module: Module, **loaders: Any) -> None:
        found: dict[str, Generator] = {"default": default_generator()}
        for path, part in module.named_modules():
            found.update(_held(f"model.{path}" if path else "model", part))
        for role, loader in loaders.items():
            found.update(_held(role, loader))
            for name in ("sampler", "batch_sampler", "dataset"):
                found.update(_held(f"{role}.{name}", getattr(loader, name, None)))
        first: dict[int, str] = {}
        #: Each stream's name, and the first name of the same stream.
        self.names = {name: first.setdefault(id(g), name) for name, g in found.items()}
        self._own = {name: found[name] for name in first.values()}

    def states(self) -> States:
        """Return the place in each stream, by its first name."""
        return {name: generator.get_state() for name, generator in self._own.items()}

    def marks(self) -> Marks:
        """Return the place in each stream, by its first name, for `rewind`."""
        return {name: generator.mark() for name, generator in self._own.items()}

    def rewind(self, marks: Marks) -> None:
        """Go back to where `marks` was called."""
        for name, mark in marks.items():
            self._own[name].rewind(mark)

    def go_to(self, states: States) -> None:
        """Go to places that `states` returned; streams without one stay where they are."""
        for name, generator in self._own.items():
            if name in states:
                generator.set_state(states[name])

    def check(self, names: dict[str, str]) -> None:
        """Raise a ValueError unless these are the names of the streams, for the roles it has."""
        if names != self.names:
            differing = sorted({*names.items()} ^ {*self.names.items()})
            raise ValueError(
                "Trainer: the run that was stopped drew from other random streams; they differ in "
                f"{', '.join(dict.fromkeys(name for name, _ in differing))}. Give layers, loaders "
                "and samplers the generators they had, and as many"
            )


def states_at(marks: Marks) -> States:
    """Return places to keep for places in this process."""
    states: States = {}
    for name, mark in marks.items():
        generator = Generator()
        generator.rewind(mark)
        states[name] = generator.get_state()
    return states


def _held(role: str, holder: Any) -> Iterable[tuple[str, Generator]]:
    """Return the streams that something holds in its attributes, with names."""
    held = getattr(holder, "__dict__", {})
    return [
        (f"{role}.{name}", value) for name, value in held.items() if isinstance(value, Generator)
    ]
