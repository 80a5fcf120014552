"""BackwardHooks: the full backward hooks of a Module, between two steps of its tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npnet.expression import Expression
from npnet.hooks.step import HookStep, is_floating, shown
from npnet.tape import Node

__all__ = ["BackwardHooks"]


class Entry(HookStep):
    """Where operands enter a Module: the gradient of everything in it has arrived here."""

    def __init__(self, hooks: BackwardHooks, passed: Sequence[Expression]) -> None:
        super().__init__(passed)
        self._hooks = hooks

    def backward_kernel(self, dy: Any, *, scratch: Any, **gradients: Any) -> None:
        """Call the hooks with the gradients of operands and outputs."""
        received = self._outputs(dy)
        asked = [gradients[f"d{name}"] is not None for name in self.operand_names]
        arrays = [g if wanted else None for g, wanted in zip(received, asked, strict=True)]
        self.spread(self._hooks.entered(arrays), gradients)


class Exit(HookStep):
    """Where outputs leave a Module; it sees what entered, to know whether gradients get there."""

    def __init__(
        self, hooks: BackwardHooks, passed: Sequence[Expression], entered: Sequence[Expression]
    ) -> None:
        super().__init__(passed, entered)
        self._hooks = hooks

    def backward_kernel(self, dy: Any, *, scratch: Any, **gradients: Any) -> None:
        """Call the pre-hooks; where no gradient goes on to an operand, the hooks too."""
        entries = self.operand_names[self.width :]
        goes_on = any(gradients[f"d{name}"] is not None for name in entries)
        self.spread(self._hooks.left(self._outputs(dy), goes_on), gradients)


class BackwardHooks:
    """Calls a Module's backward hooks in every backward pass through one call of it.

    Their gradients are tuples, one an operand and one an output; None for what is no floating
    array, has no gradient, or, among the operands, is not asked for.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self._operands: list[bool] = []
        self._outputs: list[bool] = []
        # From one step of a pass to the other. Passes run one at a time: a plan holds a lock.
        self._received: tuple[Any, ...] = ()

    def enter(self, operands: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Node, ...]]:
        """Record the step in front of forward; return its operands, and the Nodes among them."""
        self._operands = [isinstance(o, Expression) and is_floating(o) for o in operands]
        passed = [o for o, passes in zip(operands, self._operands, strict=True) if passes]
        nodes, _ = Entry(self, passed).write(passed) if passed else ((), None)
        fresh, pairs = iter(nodes), zip(operands, self._operands, strict=True)
        return tuple(next(fresh) if passes else o for o, passes in pairs), nodes

    def leave(self, output: Any, entered: tuple[Node, ...]) -> Any:
        """Record the step behind forward; return its outputs."""
        outputs = output if isinstance(output, tuple) else (output,)
        self._outputs = [isinstance(o, Expression) and is_floating(o) for o in outputs]
        passed = [o for o, passes in zip(outputs, self._outputs, strict=True) if passes]
        if not passed and any(isinstance(o, Expression) for o in outputs):
            return output  # no gradient goes through integers
        if not passed:
            raise TypeError(
                f"{self._who} needs forward to return a floating array or a tuple with one, "
                f"got {type(output).__name__}"
            )
        nodes, _ = Exit(self, passed, entered).write([*passed, *entered])
        fresh, pairs = iter(nodes), zip(outputs, self._outputs, strict=True)
        results = tuple(next(fresh) if passes else o for o, passes in pairs)
        return results if isinstance(output, tuple) else results[0]

    def left(self, received: Sequence[Any], goes_on: bool) -> list[Any]:
        """Call the pre-hooks on the outputs' gradients; return those that go on."""
        gradients = _packed(self._outputs, received)
        for hook in tuple(self.module._backward_pre_hooks.values()):
            gradients = self._replaced(gradients, hook(self.module, gradients), "outputs")
        self._received = gradients
        if not goes_on:
            operands = (None,) * len(self._operands)
            if any(g is not None for g in self._called(operands)):
                raise ValueError(
                    f"{self._who} returned a gradient of an operand that none is asked for"
                )
        return _unpacked(self._outputs, gradients)

    def entered(self, received: Sequence[Any]) -> list[Any]:
        """Call the hooks; return the operands' gradients that go on."""
        return _unpacked(self._operands, self._called(_packed(self._operands, received)))

    def _called(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """Call the hooks on the operands' gradients; return what they make of them."""
        received, self._received = self._received, ()
        for hook in tuple(self.module._backward_hooks.values()):
            result = hook(self.module, gradients, received)
            gradients = self._replaced(gradients, result, "operands")
        return gradients

    def _replaced(self, old: tuple[Any, ...], new: Any, what: str) -> tuple[Any, ...]:
        """Return the gradients that a hook returned, or those it was given."""
        if new is None:
            return old
        if not isinstance(new, (tuple, list)) or len(new) != len(old):
            got = f"{len(new)}" if isinstance(new, (tuple, list)) else type(new).__name__
            raise ValueError(
                f"{self._who} must return None or a tuple of {len(old)} gradients, one for each of "
                f"the {what}, got {got}"
            )
        for before, after in zip(old, new, strict=True):
            if before is not None and after is not None and np.shape(after) != np.shape(before):
                raise ValueError(
                    f"{self._who} must return gradients of shape {np.shape(before)}, got "
                    f"{np.shape(after)}"
                )
        return tuple(new)

    @property
    def _who(self) -> str:
        """Name for messages."""
        return f"{type(self.module).__name__}: a backward hook"


def _packed(places: Sequence[bool], received: Sequence[Any]) -> tuple[Any, ...]:
    """Return gradients to be looked at, with None for what is not on the tape."""
    rest = iter(received)
    found = [next(rest) if place else None for place in places]
    return tuple(None if array is None else shown(array) for array in found)


def _unpacked(places: Sequence[bool], gradients: Sequence[Any]) -> list[Any]:
    """Return the gradients of what is on the tape."""
    return [g for g, place in zip(gradients, places, strict=True) if place]
