"""The sides of a comparison: one module a side, imported only in that side's own process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from benchmarks.problem import Array

__all__ = ["FLOOR", "GET_PEERS", "NPNET", "PEERS", "SIDES", "Side", "Trainer", "missing"]

GET_PEERS = "pip install -e '.[bench]'"


class Side(NamedTuple):
    """One side: its name, what it is, what it imports, and which questions it can take part in.

    Parameters
    ----------
    name : as the command line and tables call it; its code is ``benchmarks/peers/NAME_side.py``
    about : one line
    framework : the module whose import loads the framework; "" for NumPy alone
    questions : names of the questions that it can answer
    also : further packages that must be installed
    compiles : it needs a C++ compiler at run time
    loads : the framework has a loader of batches of its own
    penalizes : it can take part where a problem has penalties
    """

    name: str
    about: str
    framework: str
    questions: tuple[str, ...]
    also: tuple[str, ...] = ()
    compiles: bool = False
    loads: bool = True
    penalizes: bool = True

    @property
    def module(self) -> str:
        """Where the side's code is."""
        return f"benchmarks.peers.{self.name}_side"

    @property
    def package(self) -> str:
        """The package that holds the framework."""
        return self.framework.partition(".")[0]


class Trainer(Protocol):
    """What a side's `build` makes of a Problem. A side has what its questions ask for."""

    def convert(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return one batch in the framework's own arrays; not timed."""

    def whole(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return a data set as a user of the framework would keep it to slice it; not timed."""

    def loader(self, x: Array, y: Array, rows: int, seed: int) -> Iterable[tuple[Any, Any]]:
        """Return the framework's own loader of shuffled batches."""

    def step(self, x: Any, y: Any) -> Any:
        """Train on one batch, the way a user of the framework writes it; return the loss."""

    def wait(self, result: Any) -> None:
        """Return when all the work behind a result has ended."""

    def number(self, loss: Any) -> float:
        """Return a loss as a float."""

    def evaluate(self) -> None:
        """Prepare for inference."""

    def infer(self, x: Any) -> Any:
        """Return the network's output for one batch, ready to be read."""

    def probabilities(self, x: Array) -> Array:
        """Return the probability of every class in every row; not timed."""


GROWTH = ("depth", "batch", "width")
TRAINS = ("digits", "step", "inference", "epoch", *GROWTH, "startup")

NPNET = Side("npnet", "what this repository makes", "npnet", ("floor", "profile", *TRAINS))
#: No peer: what the machine needs for a step's matrix products and nothing else.
FLOOR = Side("floor", "the step's matrix products alone", "", ("floor",))
PEERS = {
    side.name: side
    for side in (
        Side("torch", "torch eager", "torch", TRAINS),
        Side(
            "compile",
            "torch.compile of network and loss, optimizer eager, as torch's guides show it",
            "torch",
            ("step",),
            compiles=True,
        ),
        Side(
            "functional",
            "torch.compile of a whole step written as one function without a Module",
            "torch",
            ("step",),
            compiles=True,
        ),
        Side(
            "jax",
            "JAX, one jit-compiled function a step, parameters donated to it",
            "jax",
            TRAINS,
            loads=False,
        ),
        Side(
            "sklearn",
            "scikit-learn's MLPClassifier, partial_fit of one batch",
            "sklearn.neural_network",
            ("step", "inference", "epoch", *GROWTH, "startup"),
            penalizes=False,
        ),
        Side(
            "onnx",
            "onnxruntime, inference of the same weights",
            "onnxruntime",
            ("inference", "startup"),
            also=("onnx",),
        ),
    )
}
SIDES = {side.name: side for side in (NPNET, FLOOR, *PEERS.values())}


def missing(side: Side) -> str:
    """Say what a side needs and this machine has not, without importing it; "" for nothing."""
    packages = [p for p in (side.package, *side.also) if p]
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        return f"{side.name}: {' and '.join(absent)} {verb} not installed; {GET_PEERS}"
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if side.compiles and shutil.which(compiler) is None:
        return (
            f"{side.name}: torch.compile needs a C++ compiler at run time, and {compiler} is not "
            "on PATH; install it, or name another one in the environment variable CXX"
        )
    return ""
