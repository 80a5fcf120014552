"""Question `step`: what a training step costs, from the smallest network to a large one.

A plain two-layer network in float32: forward, backward and one SGD step. Before a time counts,
both sides' losses over the first steps must agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.problem import Problem, random_problem
from benchmarks.process import Process
from benchmarks.question import Answer, Effort, progress, time_in_turn
from benchmarks.statistics import ALONE, Comparison, Difference, difference

__all__ = ["ABOUT", "CONFIGURATIONS", "agreement", "answer", "compare"]

ABOUT = "a training step of a plain two-layer network in five sizes"

#: (batch, sizes, ratio to torch that npnet is to reach)
CONFIGURATIONS = (
    (1, (16, 32, 4), 6.0),
    (32, (64, 64, 10), 5.0),
    (128, (784, 128, 10), 1.8),
    (512, (784, 512, 10), 1.15),
    (2048, (784, 1024, 10), 1.0),
)
AGREEMENT_STEPS = 20
AGREEMENT = 1e-4


def agreement(processes: Mapping[str, Process], problem: Problem) -> dict[str, Difference]:
    """Load the problem everywhere; return how far each peer's first losses are from npnet's."""
    losses = {}
    for name, process in processes.items():
        process.call("load", problem)
        losses[name] = process.call("losses", AGREEMENT_STEPS)
    ours = losses.pop("npnet")
    return {name: difference(ours, theirs) for name, theirs in losses.items()}


def compare(
    problem: Problem,
    processes: Mapping[str, Process],
    effort: Effort,
    bar: Any,
    *,
    question: str,
    goal: float | None = None,
) -> Answer:
    """Return one row a peer; a peer whose losses do not agree is not timed and is a failure."""
    apart = agreement(processes, problem)
    wrong = [name for name, found in apart.items() if not found.relative <= AGREEMENT]
    timed = {name: process for name, process in processes.items() if name not in wrong}
    times = time_in_turn(timed, effort, bar)
    found = Answer()
    for peer in list(apart) or ALONE:
        theirs = times.get(peer, []) if peer else []
        found.rows.append(
            Comparison(
                question,
                problem.network,
                problem.batch,
                times["npnet"],
                peer,
                theirs,
                differs=apart[peer] if peer else None,
                goal=goal if peer == "torch" else None,
            )
        )
    found.failures += [
        f"{question} {problem.network}, batch {problem.batch}: the losses of npnet and {name} "
        f"differ by {apart[name].relative:.1e} relative in {AGREEMENT_STEPS} steps, "
        f"more than {AGREEMENT:.0e}; not timed"
        for name in wrong
    ]
    return found


def answer(processes: Mapping[str, Process], effort: Effort) -> Answer:
    """Compare the five sizes."""
    whole = Answer()
    with progress(len(CONFIGURATIONS) * effort.rounds, "step: timing five sizes", "round") as bar:
        for batch, sizes, goal in CONFIGURATIONS:
            problem = random_problem(batch, sizes)
            bar.set_postfix_str(f"{problem.network}, batch {batch}")
            part = compare(problem, processes, effort, bar, question="step", goal=goal)
            whole.rows += part.rows
            whole.failures += part.failures
    return whole
