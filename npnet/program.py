"""Program: the calls of one pass in order, written anew where the array of an input changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Call", "Program"]

#: One NumPy call, or a few, on arrays that it knows already.
Call: TypeAlias = Callable[[], Any]


class Stage(NamedTuple):
    """One step's part: what lists its calls, on what, and the calls that follow them."""

    list_calls: Callable[..., Iterable[Call]]
    arguments: list[Any]
    keywords: dict[str, Any]
    then: list[Call]


class Program:
    """Calls without arguments, so that running them costs little beside what they do.

    A call is looked up, given its views and checked once, where its arrays are known. Only the
    stages that read an array of the caller's are written again, when another array comes.
    """

    __slots__ = ("_parts", "_stages", "_stale", "calls")

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._stages: list[Stage] = []
        self._parts: list[list[Call]] = []
        self._stale: set[int] = set()

    def __len__(self) -> int:
        """Return the number of stages."""
        return len(self._stages)

    def add(
        self,
        list_calls: Callable[..., Iterable[Call]],
        arguments: list[Any],
        keywords: dict[str, Any],
        then: Iterable[Call] = (),
    ) -> None:
        """Append a stage; its calls are listed when it first runs."""
        self.touch(len(self._stages))
        self._stages.append(Stage(list_calls, arguments, keywords, list(then)))
        self._parts.append([])

    def touch(self, stage: int) -> None:
        """Say that an argument of a stage has changed."""
        self._stale.add(stage)

    def run(self) -> None:
        """Run every call."""
        if self._stale:
            self._write()
        for call in self.calls:
            call()

    def stages(self) -> Iterator[tuple[Stage, list[Call]]]:
        """Yield every stage and its calls, for who measures them one by one."""
        if self._stale:
            self._write()
        yield from zip(self._stages, self._parts, strict=True)

    def _write(self) -> None:
        """List the calls of the stages whose arrays have changed."""
        for number in self._stale:
            stage = self._stages[number]
            self._parts[number] = [*stage.list_calls(*stage.arguments, **stage.keywords)]
            self._parts[number] += stage.then
        self.calls = [call for part in self._parts for call in part]
        self._stale.clear()
