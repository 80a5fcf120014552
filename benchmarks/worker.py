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
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from benchmarks.peers import SIDES, Side, Trainer
from benchmarks.problem import Array, Problem

__all__ = ["Worker", "main", "serve"]

_PR_SET_PDEATHSIG = 1


class Worker:
    """The calls that a side answers."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.module: Any = importlib.import_module(side.module)
        self.trainer: Trainer
        self.batches: Iterator[tuple[Any, Any]]

    def describe(self) -> dict[str, Any]:
        """Return versions, threads, and which frameworks this process has loaded."""
        return {
            "versions": self.module.versions(),
            "threads": self.module.threads(),
            "loaded": sorted({s.package for s in SIDES.values()} & set(sys.modules)),
        }

    def load(self, problem: Problem) -> None:
        """Make network, optimizer and batches of a problem, in place of the one before."""
        self.trainer = self.module.build(problem)
        converted = [self.trainer.convert(x, y) for x, y in problem.batches]
        self.batches = itertools.cycle(converted)

    def losses(self, steps: int) -> list[float]:
        """Train on the next batches; return every step's loss."""
        trainer = self.trainer
        pairs = itertools.islice(self.batches, steps)
        return [trainer.number(trainer.step(x, y)) for x, y in pairs]

    def seconds(self, steps: int, warm_up: int) -> float:
        """Return the seconds that `steps` steps take, after some that are not timed."""
        step = self.trainer.step
        loss = None
        for x, y in itertools.islice(self.batches, warm_up):
            loss = step(x, y)
        if loss is not None:
            self.trainer.number(loss)
        pairs = itertools.islice(self.batches, steps)
        gc.disable()
        try:
            start = time.perf_counter()
            for x, y in pairs:
                loss = step(x, y)
            self.trainer.number(loss)
            return time.perf_counter() - start
        finally:
            gc.enable()

    def accuracy(self, x: Array, y: Array) -> float:
        """Return the share of rows whose class is right."""
        return float(np.mean(self.trainer.predict(x) == y))


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
