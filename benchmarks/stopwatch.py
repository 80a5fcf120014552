"""Stopwatch: how long each layer's calls take while npnet trains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from npnet.program import Program

__all__ = ["Stopwatch"]


class Stopwatch:
    """Times by part: a layer's calls forward and backward, and whatever else is measured."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = defaultdict(list)
        self._names: dict[Any, str] = {}

    @contextmanager
    def measuring(self, part: str) -> Iterator[None]:
        """Measure what is done meanwhile."""
        begin = perf_counter()
        yield
        self._times[part].append(perf_counter() - begin)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measure every layer of the plans that run meanwhile."""
        usual = Program.run
        Program.run = lambda program: self._run(program)  # type: ignore[method-assign]
        try:
            yield
        finally:
            Program.run = usual  # type: ignore[method-assign]

    def medians(self) -> dict[str, float]:
        """Return the median of each part, in the order in which parts first ran."""
        return {part: float(np.median(times)) for part, times in self._times.items()}

    def _run(self, program: Program) -> None:
        """Run a program, a stage at a time."""
        for stage, calls in program.stages():
            begin = perf_counter()
            for call in calls:
                call()
            took = perf_counter() - begin
            way = "forward" if "out" in stage.keywords else "backward"
            self._times[f"{way} {self._name(stage.list_calls)}"].append(took)

    def _name(self, list_calls: Any) -> str:
        """Return what a layer is called: its class, with a number where there are several."""
        layer = list_calls.__self__
        if layer not in self._names:
            kind = type(layer).__name__
            alike = sum(name.split()[0] == kind for name in self._names.values())
            self._names[layer] = f"{kind} {alike + 1}"
        return self._names[layer]
