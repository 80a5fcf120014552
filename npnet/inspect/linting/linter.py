"""Linter: every rule asked of a model, its loss and its optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from npnet.inspect.linting import losses, parameters, registration, structure
from npnet.inspect.linting.advice import Advice, Lint
from npnet.inspect.linting.view import View, view_of
from npnet.module import Module

__all__ = ["RULES", "lint", "sorted_out"]

Rule = Callable[[View], Iterator[Advice]]

RULES: tuple[Rule, ...] = (
    losses.refused,
    losses.before_cross_entropy,
    losses.before_binary,
    losses.before_log_probabilities,
    structure.log_of_probabilities,
    structure.broadcast_rows,
    structure.linear_after_linear,
    structure.bias_before_batch_norm,
    registration.unregistered,
    parameters.unused,
    parameters.optimized,
    parameters.penalties,
    parameters.learning_rates,
)


def lint(model: Module, *others: Any, inputs: Sequence[Any] = ()) -> Lint:
    """Look for what is likely wrong with a model before it is trained.

    Each finding has its place in the model, says why it matters, and what to write instead. Found
    are: a softmax, ReLU or bounded activation before a cross-entropy; a sigmoid before
    BCEWithLogitsLoss; logits before BCELoss and NLLLoss; the logarithm of a softmax; (N,) against
    (N, 1); two Linears without an activation between; a bias before BatchNorm1d; parameters that
    the model does not hold, that reach no output, or no optimizer; penalties on biases, and
    penalties twice; learning rates far out. What is wrong in the loop of training, as a forgotten
    zero_grad, `watch` sees.

    Nothing is computed and nothing changes: forward is recorded. Shapes are those of `inputs`, or
    of the last call; without either, what depends on shapes is not looked for.

    Parameters
    ----------
    model : Graph, Module or Layer
        With its loss in it, or without.
    *others : Module, Optimizer
        The loss that its outputs are fed to, and its optimizers, in any order.
    inputs : sequence of tuples or arrays, optional
        Shapes, or arrays, of what the model is called with, and then of the loss's targets.

    Errors
    ------
    TypeError
        For what is neither a Module nor an Optimizer, and for a second loss.
    RuntimeError
        Where forward asks for shapes and there are none.

    Examples
    --------
    >>> from npnet import CrossEntropyLoss, Linear, ReLU, Sequential, Softmax
    >>> model = Sequential(Linear(4, 8), ReLU(), Linear(8, 3), Softmax(dim=1))
    >>> print(lint(model, CrossEntropyLoss()))
    lint: Sequential: 1 finding
    softmax-before-cross-entropy: 3
      what     Softmax feeds CrossEntropyLoss, which takes the softmax of its logits itself
      why      the softmax of probabilities is nearly flat: the loss cannot come near 0, and
               gradients vanish where the model is sure
      instead  del model[3]    # probabilities, where wanted: npnet.functional.softmax(logits, -1)
    >>> del model[3]
    >>> bool(lint(model, CrossEntropyLoss()))
    True
    """
    loss, optimizers = sorted_out(model, others)
    view = view_of(model, loss, optimizers, inputs)
    found: list[Advice] = []
    for rule in RULES:
        # A layer that is used several times is told of once.
        found += [advice for advice in rule(view) if advice not in found]
    return Lint(type(model).__name__, tuple(found))


def sorted_out(model: Any, others: Sequence[Any]) -> tuple[Module | None, list[Any]]:
    """Return the loss, if there is one, and the optimizers."""
    if not isinstance(model, Module):
        raise TypeError(f"lint: expected a Graph or another Module, got {type(model).__name__}")
    loss: Module | None = None
    optimizers: list[Any] = []
    for other in others:
        if isinstance(other, Module):
            if loss is not None:
                raise TypeError(
                    f"lint: expected one loss behind the model, got {type(loss).__name__} and "
                    f"{type(other).__name__}; put them together in a Module"
                )
            loss = other
        elif hasattr(other, "param_groups") and hasattr(other, "zero_grad"):
            optimizers.append(other)
        else:
            raise TypeError(
                f"lint: expected the loss as a Module, or an Optimizer, got {type(other).__name__}"
                "; give arrays and shapes as inputs=[x, y]"
            )
    return loss, optimizers
