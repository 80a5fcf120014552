"""Watching: what goes wrong from step to step of a training loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from npnet.inspect.linting.advice import Advice, Lint
from npnet.inspect.linting.linter import lint, sorted_out
from npnet.layers import BatchNorm1d, Dropout
from npnet.module import Module
from npnet.parameter import Array, Parameter

__all__ = ["Watch", "watch"]


def watch(model: Module, *others: Any, inputs: Sequence[Any] = ()) -> Watch:
    """Watch a training loop: everything that `lint` finds, and what only the loop shows.

    That is: gradients that are added to those of the step before, because zero_grad is not called;
    steps without a new backward, or without any gradient; parameters that never have one; training
    in evaluation mode. The loop stays as it is; step and zero_grad of the optimizers are looked at
    for as long as the ``with`` block runs, which takes a copy of the gradients a step.

    Parameters
    ----------
    model, *others, inputs :
        As `lint` has them; with the optimizers that the loop steps.

    Errors
    ------
    TypeError
        Without an optimizer, and as `lint`.

    Examples
    --------
    >>> import numpy as np
    >>> from npnet import Linear, MSELoss
    >>> from npnet.optim import SGD
    >>> model, loss = Linear(3, 1), MSELoss()
    >>> optimizer = SGD(model.parameters(), lr=0.1)
    >>> x, y = np.ones((4, 3), np.float32), np.ones((4, 1), np.float32)
    >>> with watch(model, loss, optimizer) as watched:
    ...     for _ in range(3):
    ...         _ = loss(model(x), y)
    ...         _ = model.backward(loss.backward())
    ...         optimizer.step()
    >>> print(watched.lint)
    lint: Linear: 1 finding
    no-zero-grad: optimizer (SGD)
      what     2 of 3 steps add to the gradients of the step before
      why      backward adds to the gradients there are, so each step goes along the sum of all
               gradients so far, further and further
      instead  optimizer.zero_grad()    # in every step, before backward
    """
    return Watch(model, others, inputs)


class Watch:
    """What `watch` returns: a context manager, and what was seen in it."""

    def __init__(self, model: Module, others: Sequence[Any], inputs: Sequence[Any]) -> None:
        _, optimizers = sorted_out(model, others)
        if not optimizers:
            raise TypeError("watch: expected the optimizer of the loop: watch(model, optimizer)")
        self._given = model, others, inputs
        self._loops = [_Loop(model, optimizer) for optimizer in optimizers]

    @property
    def lint(self) -> Lint:
        """All findings: those of the model, then those of the loop."""
        model, others, inputs = self._given
        found = lint(model, *others, inputs=inputs)
        idle = {advice.path for advice in found if advice.code == "unused-parameter"}
        names = {id(p): name for name, p in model.named_parameters()}
        more = [a for loop in self._loops for a in loop.advice(names) if a.path not in idle]
        return Lint(found.subject, (*found.findings, *more))

    @property
    def ok(self) -> bool:
        """Whether there is nothing to change."""
        return self.lint.ok

    def __enter__(self) -> Watch:
        """Look at every step from now on."""
        for loop in self._loops:
            loop.open()
        return self

    def __exit__(self, *error: object) -> None:
        """Look no more."""
        for loop in reversed(self._loops):  # of one model, which each found as the last left it
            loop.close()

    def __str__(self) -> str:
        """Return the findings."""
        return str(self.lint)


#: What some of the steps do, why it matters, and the line to write instead.
_SEEN = {
    "no-zero-grad": (
        "add to the gradients of the step before",
        "backward adds to the gradients there are, so each step goes along the sum of all "
        "gradients so far, further and further",
        "optimizer.zero_grad()    # in every step, before backward",
    ),
    "step-without-backward": (
        "go along the gradients of the step before",
        "nothing was computed since; the same gradient is gone along once more",
        "model.backward(...)    # before optimizer.step(), in every step",
    ),
    "step-without-gradient": (
        "find no gradient",
        "they change nothing: backward was not called, or zero_grad between backward and step",
        "optimizer.zero_grad(); loss...; model.backward(...); optimizer.step()",
    ),
    "training-in-evaluation": (
        "train a model that is in evaluation mode",
        "Dropout drops nothing, and BatchNorm1d takes its running statistics and does not follow "
        "the data",
        "model.train()    # before the first step, and after every evaluation",
    ),
}


class _Loop:
    """The steps of one optimizer."""

    def __init__(self, model: Module, optimizer: Any) -> None:
        self.model, self.optimizer = model, optimizer
        self.steps = self.added = self.repeated = self.empty = self.in_evaluation = 0
        self.reached: set[int] = set()
        self._held: dict[int, tuple[Array, Array]] = {}
        self._zeroed = False
        self._replaced: list[tuple[dict[str, Any], str, Any]] = []

    def open(self) -> None:
        """Put oneself before step and zero_grad."""
        optimizer = self.optimizer
        step = optimizer.step

        @wraps(step)
        def watched(closure: Callable[[], Any] | None = None) -> Any:
            if closure is None:
                self._look()
                result = step()
            else:
                result = step(lambda: self._after(closure()))
            self._remember()
            return result

        self._replace(optimizer, "step", watched)
        for place in (optimizer, self.model):
            self._watch_zero_grad(place)

    def close(self) -> None:
        """Leave everything as it was."""
        while self._replaced:
            attributes, name, before = self._replaced.pop()
            if before is None:
                attributes.pop(name, None)
            else:
                attributes[name] = before
        self._held.clear()

    def advice(self, names: dict[int, str]) -> list[Advice]:
        """Return what was seen."""
        counts = {
            "no-zero-grad": self.added,
            "step-without-backward": self.repeated,
            "step-without-gradient": self.empty,
            "training-in-evaluation": self.in_evaluation,
        }
        found = []
        for code, count in counts.items():
            message, why, instead = _SEEN[code]
            of_model = code == "training-in-evaluation"
            path = type(self.model).__name__ if of_model else self._place
            if count:
                said = f"{count} of {self.steps} steps {message}"
                found.append(Advice(code, path, said, why, instead))
        return found + self._unreached(names)

    @property
    def _place(self) -> str:
        """What the optimizer is called."""
        return f"optimizer ({type(self.optimizer).__name__})"

    def _unreached(self, names: dict[int, str]) -> list[Advice]:
        """Return the parameters that had no gradient in any step."""
        if self.steps <= self.empty:
            return []
        return [
            Advice(
                "parameter-without-gradient",
                names.get(id(p), p.name or "a parameter"),
                f"no gradient arrived in {self.steps} steps",
                "the optimizer leaves it as it is; what reads it takes no part in the loss, or "
                "backward is called on another model",
                "model.backward(...)    # of the model whose parameters the optimizer has",
            )
            for p in self._parameters()
            if p.requires_grad and id(p) not in self.reached
        ]

    def _parameters(self) -> list[Parameter]:
        """Return what the optimizer steps."""
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def _watch_zero_grad(self, place: Any) -> None:
        """Note when gradients are set to zero."""
        zero_grad = place.zero_grad

        @wraps(zero_grad)
        def watched(*arguments: Any, **keywords: Any) -> Any:
            self._zeroed = True
            return zero_grad(*arguments, **keywords)

        self._replace(place, "zero_grad", watched)

    def _replace(self, place: Any, name: str, method: Callable[..., Any]) -> None:
        """Put a method in the place of another, or of one that the user has put there."""
        # Past __setattr__: a Module would take it for a change of what it computes.
        attributes = vars(place)
        self._replaced.append((attributes, name, attributes.get(name)))
        attributes[name] = method

    def _after(self, result: Any) -> Any:
        """Look at the gradients that a closure has computed."""
        self._look()
        return result

    def _look(self) -> None:
        """Compare the gradients with those of the step before."""
        self.steps += 1
        with_gradient = [p for p in self._parameters() if p.has_grad]
        self.reached.update(id(p) for p in with_gradient)
        self.empty += not with_gradient
        modal = any(isinstance(m, (Dropout, BatchNorm1d)) for m in self.model.modules())
        self.in_evaluation += modal and not self.model.training
        if self._zeroed:
            return
        # A gradient that zero_grad has let go is another array from then on.
        kept = [p for p in with_gradient if id(p) in self._held and p.grad is self._held[id(p)][0]]
        if not kept:
            return
        pairs = [(p.grad, self._held[id(p)][1]) for p in kept]
        if all(g is not None and np.array_equal(g, held, equal_nan=True) for g, held in pairs):
            self.repeated += 1
        else:
            self.added += 1

    def _remember(self) -> None:
        """Keep the gradients that were gone along."""
        self._zeroed = False
        self._held = {
            id(p): (p.grad, p.grad.copy())
            for p in self._parameters()
            if p.has_grad and p.grad is not None
        }
