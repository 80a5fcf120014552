"""Question `startup`: what it costs to have a framework at all.

Import: seconds and resident memory in fresh processes, in turn, beside `import numpy`; a first one
of each, not counted, compiles what Python caches and fills the file cache. Training: the most
memory that a process of each side holds over some steps of the largest network. Memory is known on
Linux only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.machine import Memory
from benchmarks.peers import Side
from benchmarks.plot import bar_plot
from benchmarks.problem import random_problem
from benchmarks.process import ROOT, WorkerError, start
from benchmarks.question import Answer, Effort, Processes, Question, progress
from benchmarks.questions.step import SIZES
from benchmarks.table import NONE, Table, number, yes_no

__all__ = ["GOALS", "QUESTION", "Import", "import_once", "import_table", "training_memory"]

#: How far beyond `import numpy` npnet's import may be: seconds, bytes.
GOALS = {"npnet": (0.025, 5_000_000)}
# An import takes a hundred times as long as a round of other questions.
SHARE = 1 / 8
STEPS = 20

PROBE = """
import json, time
from pathlib import Path
start = time.perf_counter()
import {}
seconds = time.perf_counter() - start
try:
    status = Path("/proc/self/status").read_text()
    resident = 1024 * int(status.split("VmRSS:")[1].split()[0])
except (OSError, IndexError):
    resident = None
print(json.dumps([seconds, resident]))
"""


def import_once(module: str) -> tuple[float, int | None]:
    """Return seconds and resident bytes of an import in a fresh process."""
    # Without cached bytecode every import would be the first one.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", PROBE.format(module)]
    run = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True)
    if run.returncode:
        raise WorkerError(f"import {module} failed\n{run.stderr}")
    seconds, resident = json.loads(run.stdout.splitlines()[-1])
    return seconds, resident


@dataclass(frozen=True)
class Import:
    """What imports of one module took, one of each a round."""

    module: str
    seconds: list[float]
    resident: list[int]

    def beyond(self, other: Import) -> tuple[float, float]:
        """Return how many seconds more than the other: of the best ones, and the median."""
        mine, theirs = np.asarray(self.seconds), np.asarray(other.seconds)
        return float(mine.min() - theirs.min()), float(np.median(mine - theirs))

    def held_beyond(self, other: Import) -> float | None:
        """Return how many bytes more than the other, by the medians; None where not known."""
        if not (self.resident and other.resident):
            return None
        return float(np.median(self.resident) - np.median(other.resident))


def imports(modules: Mapping[str, str], rounds: int, bar: Any) -> dict[str, Import]:
    """Import every module in fresh processes, in turn; a first time that does not count."""
    found = {name: Import(module, [], []) for name, module in modules.items()}
    for turn in range(rounds + 1):
        for one in found.values():
            seconds, resident = import_once(one.module)
            if turn:
                one.seconds.append(seconds)
                one.resident.extend([] if resident is None else [resident])
            bar.update()
    return found


def training_memory(side: Side) -> list[Memory | None]:
    """Return a fresh process's memory with the framework, with the problem, and after training.

    The last one's peak is that of the training alone.
    """
    batch, *sizes = SIZES[-1]
    problem = random_problem(batch, tuple(sizes), batches=1)
    with start([side]) as processes:
        process = processes[side.name]
        found = [process.call("memory")]
        process.call("load", problem)
        process.call("forget_peak")
        found.append(process.call("memory"))
        process.call("losses", STEPS)
        return [*found, process.call("memory")]


def megabytes(count: float | None) -> str:
    """Return bytes in MB."""
    return NONE if count is None else f"{count / 1e6:.1f}"


def milliseconds(seconds: float | None) -> str:
    """Return seconds in ms."""
    return NONE if seconds is None else number(1e3 * seconds)


def within(found: Import, base: Import, goal: tuple[float, float]) -> bool:
    """Say whether an import is no further beyond another than its goal, in time and memory."""
    held = found.held_beyond(base)
    return max(found.beyond(base)) <= goal[0] and (held is None or held <= goal[1])


def import_table(found: Mapping[str, Import]) -> Table:
    """Return one line an import; the first is what the others are compared with."""
    base = next(iter(found.values()))
    heads = ["import", ">ms: best", ">median", ">beyond numpy: best", ">median"]
    heads += [">MB", ">beyond numpy", ">goal", "reached"]
    body = []
    for name, one in found.items():
        times = [min(one.seconds), float(np.median(one.seconds))]
        held = float(np.median(one.resident)) if one.resident else None
        best, middle = (None, None) if one is base else one.beyond(base)
        more = None if one is base else one.held_beyond(base)
        goal = GOALS.get(name)
        said = NONE if goal is None else f"{1e3 * goal[0]:g} ms, {goal[1] / 1e6:g} MB"
        done = None if goal is None else within(one, base, goal)
        cells = [one.module, *map(milliseconds, (*times, best, middle))]
        body.append([*cells, megabytes(held), megabytes(more), said, yes_no(done)])
    return Table(heads, body, "Import in a fresh process:")


def memory_table(found: Mapping[str, Sequence[Memory | None]]) -> Table:
    """Return one line a side that can say what it holds."""
    heads = ["side", ">MB: framework", ">problem loaded", ">peak in training", ">training takes"]
    body = []
    for name, (framework, loaded, trained) in found.items():
        if framework and loaded and trained:
            held = (framework.resident, loaded.resident, trained.peak)
            more = trained.peak - loaded.resident
            body.append([name, *map(megabytes, (*held, more))])
    batch, *sizes = SIZES[-1]
    network = "-".join(map(str, sizes))
    return Table(heads, body, f"Memory of a process that trains {batch} x {network}:")


def answer(processes: Processes, effort: Effort) -> Answer:
    """Import and train in fresh processes."""
    sides = [process.side for process in processes.values()]
    modules = {"numpy": "numpy", **{side.name: side.framework for side in sides}}
    trains = [side for side in sides if "step" in side.questions]
    rounds = max(2, round(SHARE * effort.rounds))
    total = len(modules) * (rounds + 1) + len(trains)
    with progress(total, "startup", "process") as bar:
        found = imports(modules, rounds, bar)
        held = {}
        for side in trains:
            held[side.name] = training_memory(side)
            bar.update()
    panels = {"import, ms": {n: 1e3 * min(one.seconds) for n, one in found.items()}}
    resident = {n: float(np.median(one.resident)) / 1e6 for n, one in found.items() if one.resident}
    if resident:
        panels["resident after import, MB"] = resident
    return Answer(
        tables=[import_table(found), memory_table(held)],
        extra={
            "imports": {name: asdict(one) for name, one in found.items()},
            "training_memory": {n: [m and m._asdict() for m in three] for n, three in held.items()},
        },
        draw=partial(bar_plot, panels, "What it costs to import"),
    )


QUESTION = Question(
    "startup", "time and memory of an import, and memory of a training, in fresh processes", answer
)
