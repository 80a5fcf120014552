"""ForwardHooks: the forward hooks of a Module, called with arrays wherever its tape runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from npnet.expression import Expression
from npnet.hooks.derivative import Derivative, Hook, Memory
from npnet.hooks.nested import Place, leaves, mapped, matched
from npnet.hooks.step import HookStep, is_floating, shown
from npnet.parameter import Array
from npnet.tape import Node

__all__ = ["ForwardHooks", "through_forward_hooks"]


def through_forward_hooks(module: Any, operands: Any, *output: Any) -> tuple[Any, Node]:
    """Record a Module's hooks; return what they pass on, and the token of their step.

    `operands` are what it was called with and `output`, where given, is what its forward returned;
    both are nested values with Expressions in them. Without output these are the pre-hooks.
    """
    subject, rest = (output[0], operands) if output else (operands, ())
    floating = [is_floating(leaf) for leaf in leaves(subject)]
    passed = [leaf for leaf, passes in zip(leaves(subject), floating, strict=True) if passes]
    seen = [leaf for leaf, passes in zip(leaves(subject), floating, strict=True) if not passes]
    seen += leaves(rest)
    first, second = iter(range(len(passed))), iter(range(len(passed), len(passed + seen)))
    numbers = [next(first if passes else second) for passes in floating] + list(second)
    table = "_forward_hooks" if output else "_forward_pre_hooks"
    subject_places, rest_places = _placed((subject, rest), numbers)
    step = ForwardHooks(module, table, subject_places, rest_places, passed, seen)
    nodes, token = step.write([*passed, *seen])
    following = [*nodes, *seen]
    return mapped(subject_places, lambda p: following[p.number] if _is_place(p) else p), token


def _is_place(leaf: Any) -> bool:
    """Whether a leaf is on the tape."""
    return isinstance(leaf, Place)


def _placed(value: Any, numbers: Sequence[int]) -> Any:
    """Return a nested value with Places instead of Expressions."""
    rest = iter(numbers)
    return mapped(value, lambda e: Place(next(rest)) if isinstance(e, Expression) else e)


def _filled(template: Any, values: Sequence[Any]) -> Any:
    """Return a nested value with values instead of Places, and arrays instead of Constants."""
    return mapped(template, lambda p: values[p.number] if isinstance(p, Place) else p.array)


class ForwardHooks(HookStep):
    """Calls a Module's hooks with arrays in every run; what they return goes on instead.

    Which hooks there are is looked up in each run. Where backward needs the derivative of what a
    hook returned, the hook is called once more, on Nodes, so that what it does is recorded.
    """

    def __init__(
        self,
        module: Any,
        table: str,
        subject: Any,
        rest: Any,
        passed: Sequence[Expression],
        seen: Sequence[Expression],
    ) -> None:
        super().__init__(passed, seen)
        self.module, self.table = module, table
        self._subject, self._rest = subject, rest

    @property
    def who(self) -> str:
        """Name for messages."""
        kind = "forward pre-hook" if self.table == "_forward_pre_hooks" else "forward hook"
        return f"{type(self.module).__name__}: a {kind}"

    def scratch_specs(self, *operands: Any) -> dict[str, Any]:
        """Return a memory of the plan's own."""
        return {"memory": Memory()}

    def has_effects(self) -> bool:
        """Whether forward calls hooks, which must not be called once more for backward."""
        return True

    def save(self, scratch: Any) -> None:
        """Forget the last run."""
        if not scratch.memory.busy:
            scratch.memory.forget()

    def forward_kernel(self, *operands: Any, out: Any, scratch: Any) -> None:
        """Call the hooks, and write what passes as they left it."""
        memory: Memory = scratch.memory
        if memory.busy:
            raise RuntimeError(
                f"{self.who} calls the Module it is called by, on inputs of the same shapes; "
                "call a copy.deepcopy of it"
            )
        given = [shown(array) for array in operands]
        memory.busy = True
        try:
            subject, replacing = self.called(given, self._hooks())
        finally:
            memory.busy = False
        found = self.matching(subject)
        made = [self._checked(found.pop(i), given[i]) for i in range(self.width)]
        if any(value is not given[i] for i, value in found.items()):
            raise ValueError(
                f"{self.who} replaced integers, which it can only look at; convert what the Module "
                "is called with to floating numbers, or change it before the call"
            )
        for target, array in zip(self._outputs(out), made, strict=True):
            np.copyto(target, array, casting="same_kind")
        if replacing:
            memory.given, memory.replacing = given, replacing
            memory.made = [np.array(array) for array in self._outputs(out)]

    def backward_kernel(self, dy: Any, *, scratch: Any, **gradients: Any) -> None:
        """Pass gradients on, through what hooks did where they replaced something."""
        memory: Memory = scratch.memory
        received = self._outputs(dy)
        if not memory.replacing:
            self.spread(received, gradients)
            return
        derivative = memory.derivative
        if derivative is None or not derivative.holds(memory):
            derivative = memory.derivative = Derivative(self, memory)
            if not derivative.holds(memory):
                raise RuntimeError(
                    f"{self.who} returned other numbers when it was recorded for backward; one "
                    "that draws or counts cannot be differentiated: make it a Module"
                )
        self.spread(derivative.gradients(received), gradients)

    def _hooks(self) -> list[Hook]:
        """Return the hooks there are now, each with whether it wants keywords."""
        with_kwargs = self.module._hooks_with_kwargs
        table = getattr(self.module, self.table)
        return [(hook, number in with_kwargs) for number, hook in tuple(table.items())]

    def called(self, values: Sequence[Any], hooks: Iterable[Hook]) -> tuple[Any, tuple[Hook, ...]]:
        """Call hooks on operands; return what passes after them, and those that replaced it."""
        module, replacing = self.module, []
        rest, subject = _filled(self._rest, values), _filled(self._subject, values)
        for hook, with_kwargs in hooks:
            keywords: tuple[Any, ...] = ({},) if with_kwargs else ()
            if self.table == "_forward_hooks":
                result = hook(module, rest, *keywords, subject)
            else:
                result = self._operands(hook(module, subject, *keywords), with_kwargs)
            if result is not None and not _identical(subject, result):
                subject = result
                replacing.append((hook, with_kwargs))
        return subject, tuple(replacing)

    def _operands(self, result: Any, with_kwargs: bool) -> Any:
        """Return the operands that a pre-hook returned, as a tuple."""
        if result is None:
            return None
        if not with_kwargs:
            return result if isinstance(result, tuple) else (result,)
        match result:
            case ((tuple() | list()) as operands, dict() as keywords):
                given = tuple(operands)
                return self.module.positional(given, keywords) if keywords else given
        raise TypeError(f"{self.who} must return None or (args, kwargs), got {result!r}")

    def matching(self, subject: Any) -> dict[int, Any]:
        """Return what passes, by number, where it is built as what the hooks were given."""
        try:
            return matched(self._subject, subject)
        except ValueError as error:
            raise ValueError(
                f"{self.who} changed what is fixed when the tape is planned: {error}; "
                "change it in forward"
            ) from None

    def _checked(self, value: Any, given: Any) -> Array:
        """Return what a hook put in an array's place, where it fits."""
        if isinstance(value, Expression):
            raise TypeError(
                f"{self.who} returned what is on a tape, as it computed with a Parameter; take "
                "its .data for the numbers alone, or put the computation in forward to train it"
            )
        array = np.asarray(value)
        if array.dtype.kind not in "fiub" or array.shape != np.shape(given):
            raise ValueError(
                f"{self.who} must return real numbers of shape {np.shape(given)}, got "
                f"{array.dtype} of shape {array.shape}; shapes are planned before hooks are called"
            )
        return array


def _identical(old: Any, new: Any) -> bool:
    """Whether a hook returned just what it was given."""
    if isinstance(old, (tuple, list)) and type(old) is type(new) and len(old) == len(new):
        return all(_identical(a, b) for a, b in zip(old, new, strict=True))
    return old is new
