"""Compare sides on one case: first that they compute the same, then how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.problem import Problem
from benchmarks.process import interleave
from benchmarks.question import Answer, Effort, Processes
from benchmarks.statistics import ALONE, Comparison, Difference, difference

__all__ = ["AGREEMENT", "Case", "agreement", "compare", "rows", "time_in_turn", "unequal"]

AGREEMENT_STEPS = 20
#: How far two sides may be apart, relative, by what they compute in.
AGREEMENT = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


@dataclass(frozen=True)
class Case:
    """One problem to compare the sides on.

    Parameters
    ----------
    run : what the table calls it
    problem : what every side is given
    goals : peer -> ratio of its time to npnet's that is to be reached
    peers : the peers that are asked; None for all
    work : what is timed, a name in `benchmarks.worker.WORK`
    """

    run: str
    problem: Problem
    goals: Mapping[str, float] = field(default_factory=dict)
    peers: tuple[str, ...] | None = None
    work: str = "step"

    @property
    def name(self) -> str:
        """What a message calls it."""
        return f"{self.run} {self.problem.network}, batch {self.problem.batch}"

    def sides(self, processes: Processes) -> Processes:
        """Return the processes that are asked."""
        return {
            name: process
            for name, process in processes.items()
            if self.peers is None or name in ("npnet", *self.peers)
        }


def agreement(processes: Processes, problem: Problem) -> dict[str, Difference]:
    """Load the problem everywhere; return how far each peer's first losses are from npnet's."""
    losses = {}
    for name, process in processes.items():
        process.call("load", problem)
        losses[name] = process.call("losses", AGREEMENT_STEPS)
    ours = losses.pop("npnet")
    return {name: difference(ours, theirs) for name, theirs in losses.items()}


def outputs_agreement(processes: Processes, problem: Problem) -> dict[str, Difference]:
    """Load the problem for inference; return how far each peer's probabilities are from npnet's."""
    found = {}
    for name, process in processes.items():
        process.call("load", problem, "inference")
        found[name] = process.call("probabilities", problem.batches[0][0])
    ours = found.pop("npnet")
    return {name: difference(ours, theirs) for name, theirs in found.items()}


def unequal(case: Case, apart: Mapping[str, Difference]) -> dict[str, str]:
    """Return the peers that do not compute what npnet computes, and what is to be said of each."""
    allowed = AGREEMENT[case.problem.dtype]
    what, when = "losses", f" in {AGREEMENT_STEPS} steps"
    if case.work == "inference":
        what, when = "probabilities", ""
    return {
        name: f"{case.name}: the {what} of npnet and {name} differ by {found.relative:.1e} "
        f"relative{when}, more than {allowed:.0e}; not timed"
        for name, found in apart.items()
        if not found.relative <= allowed
    }


def time_in_turn(processes: Processes, effort: Effort, bar: Any) -> dict[str, list[float]]:
    """Time what the processes have loaded, in interleaved rounds; return the seconds a piece."""
    timers = {
        name: lambda count, warm_up, p=process: p.call("seconds", count, warm_up)
        for name, process in processes.items()
    }
    return interleave(
        timers, effort.rounds, seconds=effort.seconds, limit=effort.limit, tick=bar.update
    )


def rows(
    case: Case,
    times: Mapping[str, list[float]],
    apart: Mapping[str, Difference],
    accuracies: Mapping[str, float] | None = None,
) -> list[Comparison]:
    """Return one comparison a peer, or the one of npnet alone."""
    shares = accuracies or {}
    return [
        Comparison(
            case.run,
            case.problem.network,
            case.problem.batch,
            times["npnet"],
            peer,
            times.get(peer, []) if peer else [],
            shares.get("npnet"),
            shares.get(peer) if peer else None,
            apart.get(peer) if peer else None,
            case.goals.get(peer) if peer else None,
        )
        for peer in list(apart) or ALONE
    ]


def compare(case: Case, processes: Processes, effort: Effort, bar: Any) -> Answer:
    """Return one row a peer; a peer that does not agree with npnet is a failure and not timed."""
    bar.set_postfix_str(case.name)
    sides = case.sides(processes)
    check = outputs_agreement if case.work == "inference" else agreement
    apart = check(sides, case.problem)
    wrong = unequal(case, apart)
    timed = {name: process for name, process in sides.items() if name not in wrong}
    times = time_in_turn(timed, effort, bar)
    return Answer(rows(case, times, apart), list(wrong.values()))
