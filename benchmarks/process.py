"""The parent's end of the workers: start them, call them, time them in turn."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import Side

__all__ = ["Pace", "Process", "Timer", "WorkerError", "interleave", "pace", "start"]

ROOT = Path(__file__).resolve().parent.parent
_CAN_STOP = hasattr(signal, "SIGSTOP")
_SPIN_SECONDS = 0.15  # OpenBLAS's idle threads spin for a tenth of a second


class WorkerError(RuntimeError):
    """A worker failed; the message holds its traceback."""


class Process:
    """One side's worker process, stopped whenever it has nothing to answer.

    Threads of OpenMP and OpenBLAS go on spinning after the work has ended and would slow the
    other side's round. Shortening that by their environment variables would change how fast a
    side is; stopping the process between two calls does not touch it.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", side.name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def call(self, method: str, *arguments: Any) -> Any:
        """Let the worker go on, call one of its methods, stop it, and return the result."""
        requests, replies = self._popen.stdin, self._popen.stdout
        assert requests is not None
        assert replies is not None
        self._signal("SIGCONT")
        try:
            pickle.dump((method, arguments), requests, protocol=pickle.HIGHEST_PROTOCOL)
            requests.flush()
            done, result = pickle.load(replies)
        except (EOFError, BrokenPipeError):
            code = self._popen.wait()
            raise WorkerError(
                f"{self.side.name}: the worker ended with code {code} during {method}"
            ) from None
        self._signal("SIGSTOP")
        if not done:
            raise WorkerError(f"{self.side.name}: {method} failed\n{result}")
        return result

    def kill(self) -> None:
        """End the process at once, stopped or not."""
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue

    def _signal(self, name: str) -> None:
        """Stop the process or let it go on; where that cannot be done, wait until it is idle."""
        if _CAN_STOP:
            os.kill(self._popen.pid, getattr(signal, name))
            if name == "SIGSTOP":
                # Its threads may run on for a moment: the next round waits until all stand still.
                os.waitpid(self._popen.pid, os.WUNTRACED)
        elif name == "SIGSTOP":
            time.sleep(_SPIN_SECONDS)


@contextmanager
def start(sides: Sequence[Side]) -> Iterator[dict[str, Process]]:
    """Yield one running process a side, and end them all whatever happens."""
    with ExitStack() as stack:
        processes = {}
        for side in sides:
            process = Process(side)
            stack.callback(process.kill)
            processes[side.name] = process
        yield processes


#: What times steps of one side: a worker's `seconds(steps, warm_up)`.
Timer = Callable[[int, int], float]


class Pace(NamedTuple):
    """What a round of one side is: so many steps timed, after so many that are not."""

    steps: int
    warm_up: int


def pace(timer: Timer, seconds: float) -> Pace:
    """Return what fills a round, doubling until half a round is filled; this warms up."""
    steps = 1
    timer(steps, steps)
    while (taken := _taken(timer, steps, 10 * seconds)) < seconds / 2:
        steps *= 2
    # What alone takes as long as ten rounds has nothing to gain from a warm-up.
    if taken > 10 * seconds:
        return Pace(1, 0)
    steps = max(1, round(steps * seconds / taken))
    return Pace(steps, max(1, steps // 8))


def _taken(timer: Timer, steps: int, surely: float) -> float:
    """Return the best of three times: one interruption must not end the doubling.

    One that takes `surely` is enough: no interruption lasts so long.
    """
    taken = timer(steps, 0)
    if taken < surely:
        taken = min(taken, timer(steps, 0), timer(steps, 0))
    return taken


def interleave(
    timers: Mapping[str, Timer],
    rounds: int,
    *,
    seconds: float,
    limit: float,
    tick: Callable[[int], Any] = lambda _: None,
) -> dict[str, list[float]]:
    """Time the sides in turn, A B A B ...; return the seconds a step of each round.

    Parameters
    ----------
    timers : name -> Timer
    rounds : how many of each side
    seconds : what a round of a side is to last
    limit : seconds after which no further round begins; five are always timed
    tick : called with the number of rounds that are over
    """
    paces = {name: pace(timer, seconds) for name, timer in timers.items()}
    times: dict[str, list[float]] = {name: [] for name in timers}
    start = time.perf_counter()
    for done in range(rounds):
        if done >= 5 and time.perf_counter() - start > limit:
            tick(rounds - done)
            break
        for name, timer in timers.items():
            steps, warm_up = paces[name]
            times[name].append(timer(steps, warm_up) / steps)
        tick(1)
    return times
