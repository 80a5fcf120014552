"""The sides of a comparison: one module a framework, imported only in that side's own process."""

from __future__ import annotations

import importlib.util
from typing import Any, NamedTuple, Protocol

from benchmarks.problem import Array

__all__ = ["NPNET", "PEERS", "SIDES", "Side", "Trainer", "is_installed"]


class Side(NamedTuple):
    """One framework: how it is called, what it imports, where its code is, what it shows."""

    name: str
    package: str
    module: str
    about: str


class Trainer(Protocol):
    """What a side's module makes of a Problem; every side answers the same calls."""

    def convert(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return one batch in the framework's own arrays; not timed."""

    def step(self, x: Any, y: Any) -> Any:
        """Train on one batch, the way a user of the framework writes it; return the loss."""

    def number(self, loss: Any) -> float:
        """Return a loss as a float, after all work has ended."""

    def predict(self, x: Array) -> Array:
        """Return the class of every row."""


NPNET = Side("npnet", "npnet", "benchmarks.peers.npnet_side", "what this repository makes")
PEERS = {
    side.name: side
    for side in (
        Side("torch", "torch", "benchmarks.peers.torch_side", "torch eager"),
        Side("jax", "jax", "benchmarks.peers.jax_side", "JAX, one jit-compiled function a step"),
    )
}
SIDES = {"npnet": NPNET, **PEERS}


def is_installed(side: Side) -> bool:
    """Say whether the framework is there, without importing it."""
    return importlib.util.find_spec(side.package) is not None
