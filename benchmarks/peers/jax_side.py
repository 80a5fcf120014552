"""JAX's side: one jit-compiled function a step, parameters and momentum donated to it."""

from __future__ import annotations

import os
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.problem import Array, Problem

__all__ = ["build", "threads", "versions"]


def logits(parameters: Any, x: Any) -> Any:
    """Return the network's output."""
    *hidden, (weight, bias) = parameters
    for w, b in hidden:
        x = jax.nn.relu(x @ w.T + b)
    return x @ weight.T + bias


class Training:
    """Parameters, their momentum, and the compiled step."""

    def __init__(self, problem: Problem) -> None:
        self.parameters = jax.tree.map(jnp.array, problem.weights)
        self.velocity = jax.tree.map(jnp.zeros_like, self.parameters)

        def objective(parameters: Any, x: Any, y: Any) -> Any:
            scores = jax.nn.log_softmax(logits(parameters, x))
            value = -jnp.take_along_axis(scores, y[:, None], axis=1).mean()
            if problem.penalty:
                value += problem.penalty * sum((w**2).sum() for w, _ in parameters)
            return value

        def step(parameters: Any, velocity: Any, x: Any, y: Any) -> Any:
            loss, gradients = jax.value_and_grad(objective)(parameters, x, y)
            if problem.momentum:
                gradients = velocity = jax.tree.map(
                    lambda v, g: problem.momentum * v + g, velocity, gradients
                )
            moved = jax.tree.map(lambda p, g: p - problem.lr * g, parameters, gradients)
            return moved, velocity, loss

        self.compiled = jax.jit(step, donate_argnums=(0, 1))

    def convert(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return JAX arrays; labels as the 32-bit integers that JAX works in."""
        return jnp.array(x), jnp.array(y.astype("int32"))

    def step(self, x: Any, y: Any) -> Any:
        """Train on one batch; return the loss."""
        self.parameters, self.velocity, loss = self.compiled(self.parameters, self.velocity, x, y)
        return loss

    def number(self, loss: Any) -> float:
        """Return a loss as a float; waits for the parameters too, they end in the same program."""
        jax.block_until_ready(self.parameters)  # type: ignore[no-untyped-call]
        return float(loss)

    def predict(self, x: Array) -> Array:
        """Return the class of every row."""
        return jax.device_get(logits(self.parameters, jnp.array(x)).argmax(axis=1))  # type: ignore[no-any-return]


def build(problem: Problem) -> Training:
    """Return the training of a problem."""
    return Training(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    return {"jax": jax.__version__}


def threads() -> int:
    """Return the threads of XLA's pool, which takes one a core that the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
