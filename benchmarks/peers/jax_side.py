"""JAX's side: one jit-compiled function a step, parameters and momentum donated to it."""

from __future__ import annotations

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.problem import Array, Problem, softmax

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
        self.velocity = jax.tree.map(jnp.zeros_like, self.parameters) if problem.momentum else None

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
        self.forward = jax.jit(logits)

    def convert(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return JAX arrays; labels as the 32-bit integers that JAX works in."""
        return jnp.array(x), jnp.array(y.astype(np.int32))

    def whole(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return NumPy arrays: their slices cost less than those of JAX arrays."""
        return x, y.astype(np.int32)

    def step(self, x: Any, y: Any) -> Any:
        """Train on one batch; return the loss."""
        self.parameters, self.velocity, loss = self.compiled(self.parameters, self.velocity, x, y)
        return loss

    def wait(self, result: Any) -> None:
        """Return when result and parameters are there: JAX returns before the work is done."""
        jax.block_until_ready((result, self.parameters))  # type: ignore[no-untyped-call]

    def number(self, loss: Any) -> float:
        """Return a loss as a float."""
        return float(loss)

    def evaluate(self) -> None:
        """Nothing to prepare."""

    def infer(self, x: Any) -> Any:
        """Return the logits; who asks for them wants to read them, so it waits."""
        return self.forward(self.parameters, x).block_until_ready()

    def probabilities(self, x: Array) -> Array:
        """Return the probability of every class in every row."""
        return softmax(np.asarray(self.forward(self.parameters, jnp.array(x))))


def build(problem: Problem) -> Training:
    """Return the training of a problem."""
    jax.config.update("jax_enable_x64", problem.dtype == np.float64)  # type: ignore[no-untyped-call]
    return Training(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    return {"jax": jax.__version__}


def threads() -> int:
    """Return the threads of XLA's pool, which takes one a core that the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
