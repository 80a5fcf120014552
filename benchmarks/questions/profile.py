"""Question `profile`: where the time of npnet's own step goes, layer by layer.

Every layer's calls are timed forward and backward, and the optimizer's step, in steps like any
other; the rest of the step is what finds, feeds and returns. Each time is the median of the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.peers import NPNET
from benchmarks.problem import Problem, random_problem
from benchmarks.question import Answer, Effort, Processes, Question, progress
from benchmarks.questions.step import SIZES
from benchmarks.table import NONE, Table, micros

__all__ = ["QUESTION", "parts_table", "steps"]

#: What a profile takes, in steps, for a step of so many multiplications.
STEPS, WORK = 3000, 2e9


def steps(problem: Problem, effort: Effort) -> int:
    """Return how many steps are timed."""
    products = sum(a * b for a, b in zip(problem.sizes, problem.sizes[1:], strict=False))
    enough = min(STEPS, max(40, int(WORK / (problem.batch * products))))
    return max(10, enough // 10) if effort.short else enough


def parts_table(problems: Sequence[Problem], found: Sequence[Mapping[str, float]]) -> Table:
    """Return one line a part, one column a problem: µs, and the share of the step."""
    heads = ["part"]
    heads += [f">µs: {problem.batch} x {problem.network}" for problem in problems]
    parts = dict.fromkeys(part for times in found for part in times)
    body = []
    for part in parts:
        cells = []
        for times in found:
            share = times[part] / times["step"] if part in times else 0.0
            cells.append(f"{micros(times[part])} {share:5.0%}" if part in times else NONE)
        body.append([part, *cells])
    return Table(heads, body, "Where the time of a step goes:")


def answer(processes: Processes, effort: Effort) -> Answer:
    """Profile all sizes; for a first look the smaller ones."""
    process = processes[NPNET.name]
    sizes = effort.pick(SIZES, SIZES[:3])
    problems = [random_problem(batch, tuple(rest)) for batch, *rest in sizes]
    found = []
    with progress(len(problems), "profile", "size") as bar:
        for problem in problems:
            bar.set_postfix_str(f"{problem.network}, batch {problem.batch}")
            process.call("load", problem)
            found.append(process.call("profile", steps(problem, effort)))
            bar.update()
    profiles = [
        {"batch": problem.batch, "network": problem.network, "seconds": times}
        for problem, times in zip(problems, found, strict=True)
    ]
    return Answer(tables=[parts_table(problems, found)], extra={"profiles": profiles})


QUESTION = Question("profile", "where the time of npnet's own step goes, layer by layer", answer)
