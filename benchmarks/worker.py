"""A side's own process: ``python -m benchmarks.worker NAME`` answers calls over its pipes.

It imports one framework. A request on stdin is a pickled (method, arguments), the reply on stdout
a pickled (True, result) or (False, traceback). It ends when its stdin ends.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import itertools
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from benchmarks.machine import Memory, forget_peak, memory
from benchmarks.peers import NPNET, PEERS, SIDES, Side, Trainer
from benchmarks.problem import Array, Problem

__all__ = ["WORK", "Worker", "main", "serve"]

_PR_SET_PDEATHSIG = 1
# Of the order in which a loader shuffles.
LOADER_SEED = 0
# Steps before a profile, which make plans and bring the caches in order.
WARM_UP = 20

#: What is called again and again, and the arguments in turn.
Work: TypeAlias = tuple[Callable[..., Any], Iterator[tuple[Any, ...]]]


def steps(trainer: Trainer, problem: Problem) -> Work:
    """Train on one batch after the other."""
    return trainer.step, itertools.cycle([trainer.convert(x, y) for x, y in problem.cut()])


def forwards(trainer: Trainer, problem: Problem) -> Work:
    """Compute the output of one batch after the other."""
    trainer.evaluate()
    return trainer.infer, itertools.cycle([trainer.convert(x, y)[:1] for x, y in problem.cut()])


def slices(trainer: Trainer, problem: Problem) -> Work:
    """Train on all slices of the data set, in order."""
    ((inputs, labels),) = problem.batches
    x, y = trainer.whole(inputs, labels)
    starts, rows, step = range(0, len(inputs), problem.batch), problem.batch, trainer.step

    def epoch() -> Any:
        loss = None
        for start in starts:
            loss = step(x[start : start + rows], y[start : start + rows])
        return loss

    return epoch, itertools.repeat(())


def loads(trainer: Trainer, problem: Problem) -> Work:
    """Train on all batches of the framework's own loader, shuffled anew in every epoch."""
    ((inputs, labels),) = problem.batches
    batches, step = trainer.loader(inputs, labels, problem.batch, LOADER_SEED), trainer.step

    def epoch() -> Any:
        loss = None
        for x, y in batches:
            loss = step(x, y)
        return loss

    return epoch, itertools.repeat(())


#: What a side can be timed at: a step, a forward pass, or an epoch, fed in two ways.
WORK = {"step": steps, "inference": forwards, "slices": slices, "loader": loads}


class Worker:
    """The calls that a side answers."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.module: Any = importlib.import_module(side.module)
        self.trainer: Trainer
        self.work: Work

    def describe(self) -> dict[str, Any]:
        """Return versions, threads, and which frameworks this process has loaded."""
        packages = {side.package for side in (NPNET, *PEERS.values())}
        return {
            "versions": self.module.versions(),
            "threads": self.module.threads(),
            "loaded": sorted(packages & set(sys.modules)),
        }

    def load(self, problem: Problem, work: str = "step") -> None:
        """Make network, optimizer and batches of a problem, in place of the one before."""
        self.trainer = self.module.build(problem)
        self.work = WORK[work](self.trainer, problem)

    def losses(self, count: int) -> list[float]:
        """Do so much work; return the loss after each piece."""
        call, arguments = self.work
        return [self.trainer.number(call(*a)) for a in itertools.islice(arguments, count)]

    def seconds(self, count: int, warm_up: int) -> float:
        """Return the seconds that `count` pieces of work take, after some that are not timed."""
        call, arguments = self.work
        result = None
        for given in itertools.islice(arguments, warm_up):
            result = call(*given)
        self.trainer.wait(result)
        gc.disable()
        try:
            start = time.perf_counter()
            for given in itertools.islice(arguments, count):
                result = call(*given)
            self.trainer.wait(result)
            return time.perf_counter() - start
        finally:
            gc.enable()

    def profile(self, count: int) -> dict[str, float]:
        """Return the seconds that each part of a step takes, of so many steps."""
        trainer: Any = self.trainer
        _, batches = self.work
        self.losses(WARM_UP)
        found: dict[str, float] = trainer.profile(itertools.islice(batches, count))
        return found

    def probabilities(self, x: Array) -> Array:
        """Return the probability of every class in every row."""
        return self.trainer.probabilities(x)

    def accuracy(self, x: Array, y: Array) -> float:
        """Return the share of rows whose class is right."""
        return float(np.mean(self.trainer.probabilities(x).argmax(axis=1) == y))

    def memory(self) -> Memory | None:
        """Return what this process holds and has held at most."""
        return memory()

    def forget_peak(self) -> None:
        """Have the peak of memory count from now on."""
        gc.collect()
        forget_peak()

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call a function of the side's own module."""
        return getattr(self.module, name)(*arguments)


def serve(worker: Any, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer calls until the requests end."""
    while True:
        try:
            method, arguments = pickle.load(requests)
        except EOFError:
            return
        try:
            reply = (True, getattr(worker, method)(*arguments))
        except Exception:
            reply = (False, traceback.format_exc())
        # What was passed is the worker's own now; a data set must not live on here.
        del arguments
        pickle.dump(reply, replies, protocol=pickle.HIGHEST_PROTOCOL)
        replies.flush()


class Starter:
    """Makes the Worker at its first call, so that a failed import reaches the parent as a reply."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._worker: Worker | None = None

    def __getattr__(self, name: str) -> Any:
        """Return a method of the Worker."""
        if self._worker is None:
            self._worker = Worker(self._side)
        return getattr(self._worker, name)


def die_with_parent() -> None:
    """Have Linux kill this process when its parent dies; a stopped one sees no end of file."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(name: str) -> None:
    """Serve one side on stdin and stdout; what the framework prints goes to stderr."""
    # The parent alone answers Ctrl-C, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(Starter(SIDES[name]), sys.stdin.buffer, replies)


if __name__ == "__main__":
    main(sys.argv[1])
