"""Objective: a model and its loss as one Module, and Modules in evaluation for a while."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from npnet.functional.weighted import Weighted
from npnet.layers.categorical import Categorical
from npnet.layers.reduction import Mean
from npnet.module import Module

__all__ = ["Objective", "evaluating"]


class Objective(Module):
    """Inputs and target to loss: the model and the loss on one tape, which runs as one plan.

    Equation: J = loss(model(*inputs), target); with weights w of the samples, where l_i is the mean
    of all losses of sample i: J = (sum_i w_i l_i) / (sum_i w_i)

    Parameters
    ----------
    model : Module
    loss : Module or function
        Takes what the model returns, and the target.
    outputs : bool, default False
        Return what the model returns after J, in one tuple.
    weighted : bool, default False
        The last operand are the weights, (B,). The loss then needs torch's `reduction`.

    Errors
    ------
    TypeError
        Where weighted, for a loss without a reduction.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> objective = Objective(npnet.Scale(2.0), npnet.MSELoss(), weighted=True)
    >>> float(objective(np.array([[1.0], [2.0]]), np.array([[1.0], [1.0]]), np.array([3.0, 1.0])))
    3.0
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[..., Any],
        *,
        outputs: bool = False,
        weighted: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.loss = model, loss
        self.outputs, self.weighted = outputs, weighted
        if weighted:
            self.loss = _of_each(loss)
            self.average = Weighted()

    def forward(self, *operands: Any) -> Any:
        """Record the loss, and what the model returns where it is asked for."""
        if len(operands) < 2 + self.weighted:
            wanted = "inputs, a target and weights" if self.weighted else "inputs and a target"
            raise TypeError(
                f"Trainer: expected a batch as a tuple of {wanted}, got {len(operands)} of them"
            )
        *inputs, target = operands[:-1] if self.weighted else operands
        result = self.model(*inputs)
        given = result if isinstance(result, tuple) else (result,)
        value = self.loss(result, target)
        if isinstance(value, tuple):
            value = value[0]  # SoftmaxCrossEntropy gives the probabilities too
        if self.weighted:
            if value.ndim > 1:
                value = Mean(axis=tuple(range(1, value.ndim)))(value)
            value = self.average(value, operands[-1])
        return (value, *given) if self.outputs else value

    def _names(self, count: int) -> list[str]:
        """Names for messages."""
        last = ["target", "weights"] if self.weighted else ["target"]
        inputs = count - len(last)
        return ["input"] * (inputs == 1) + [f"input{i}" for i in range(inputs) if inputs > 1] + last


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Put a Module and all it holds into evaluation, and afterwards each into its mode before."""
    modes = [(part, part.training) for part in module.modules()]
    for part, mode in modes:
        if mode:
            part.training = False
    try:
        yield
    finally:
        for part, mode in modes:
            if mode:
                part.training = True


def _of_each(loss: Any) -> Module:
    """Return a loss that gives one number a sample or more, with the parts of the one given."""
    if not isinstance(loss, Module) or not hasattr(loss, "reduction"):
        raise TypeError(
            "Trainer: weights of samples and classes need a loss Module with a reduction, got "
            f"{getattr(loss, '__name__', type(loss).__name__)}; write an objective that takes the "
            "weights as its last operand"
        )
    if isinstance(loss, Categorical) and loss.weight is not None:
        raise ValueError(
            f"Trainer: {type(loss).__name__} has weights of its own; give them as class_weight, so "
            "that both count together"
        )
    each = copy.copy(loss)
    each.reduction = "none"
    return each
