"""Derivative: what hooks did to the values they replaced, recorded, and its gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from npnet.kernel import Spec
from npnet.parameter import Array, Parameter
from npnet.plan import Plan
from npnet.tape import Input, Node, Tape

__all__ = ["Derivative", "Hook", "Memory"]

#: A function, and whether it is called with keywords.
Hook: TypeAlias = tuple[Callable[..., Any], bool]


class Memory:
    """What one plan's last run left: what its hooks were given and made of it, and which did."""

    __slots__ = ("busy", "derivative", "given", "made", "replacing")

    def __init__(self) -> None:
        self.busy = False
        self.derivative: Derivative | None = None
        self.forget()

    def forget(self) -> None:
        """Hold no arrays."""
        self.given: list[Any] = []
        self.made: list[Array] = []
        self.replacing: tuple[Hook, ...] = ()


class Hooks(Protocol):
    """What a Derivative needs of the step that calls the hooks."""

    width: int

    @property
    def who(self) -> str:
        """Name for messages."""

    def called(self, values: Sequence[Any], hooks: Iterable[Hook]) -> tuple[Any, tuple[Hook, ...]]:
        """Call hooks on operands."""

    def matching(self, subject: Any) -> dict[int, Any]:
        """Return what passes after them, by number."""


class Derivative:
    """The hooks that replaced something, called on Nodes: a tape of what they do.

    What they return that is no Node is a constant: no gradient goes through it, as in torch.

    Errors
    ------
    RuntimeError
        Where a hook does what cannot be recorded, or trains a Parameter.
    """

    def __init__(self, hooks: Hooks, memory: Memory) -> None:
        nodes = [
            Node(Input(f"x{number}"), spec=Spec(np.shape(array), np.asarray(array).dtype))
            for number, array in enumerate(memory.given)
        ]
        try:
            subject, _ = hooks.called(nodes, memory.replacing)
            found = hooks.matching(subject)
            made = [_made(found[number]) for number in range(hooks.width)]
        except Exception as error:
            raise RuntimeError(
                f"{hooks.who} returned a value of its own, and what it does cannot be recorded for "
                f"backward ({type(error).__name__}: {error}); write it with operators and "
                "npnet.functional, which take arrays and Nodes alike"
            ) from error
        self._is_node = [isinstance(value, (Node, Parameter)) for value in made]
        self._constants = [value for value in made if not isinstance(value, (Node, Parameter))]
        tape = Tape([value for value in made if isinstance(value, (Node, Parameter))], nodes)
        if any(parameter.requires_grad for parameter in tape.parameters.values()):
            raise RuntimeError(
                f"{hooks.who} computes with a Parameter; take its .data for the numbers alone, or "
                "put the computation in forward to train it"
            )
        dtype = next(n.dtype for n in nodes[: hooks.width])
        fed = tape.fed([Spec(node.shape, node.dtype) for node in nodes], dtype)
        self._plan = Plan(tape, fed, dtype)

    def holds(self, memory: Memory) -> bool:
        """Run on what the hooks were given; return whether it makes what they made."""
        fed = zip(memory.given, self._plan.inputs, strict=True)
        result = self._plan.forward([np.asarray(a, spec.dtype, order="C") for a, spec in fed])
        nodes = iter(result if isinstance(result, tuple) else (result,))
        constants = iter(self._constants)
        made = [next(nodes if is_node else constants) for is_node in self._is_node]
        return all(_close(a, b) for a, b in zip(made, memory.made, strict=True))

    def gradients(self, received: Sequence[Array | None]) -> list[Array | None]:
        """Return the gradients of what the hooks were given, from those of what they made."""
        plan, pairs = self._plan, zip(received, self._is_node, strict=True)
        seeds = [gradient for gradient, is_node in pairs if is_node]
        sweep = plan.sweep(tuple(s is not None for s in seeds), frozenset(plan.tape.inputs))
        plan.run(sweep, [seed for seed in seeds if seed is not None])
        return [sweep.gradients.get(slot) for slot in plan.tape.inputs]


def _made(value: Any) -> Any:
    """Return what a recorded hook returned: a Node, or an array of numbers."""
    if isinstance(value, (Node, Parameter)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"it is an array of dtype {array.dtype} then")
    return array


def _close(a: Any, b: Array) -> bool:
    """Whether two arrays are equal but for rounding."""
    finite = np.abs(b[np.isfinite(b)])
    tolerance = 100 * np.finfo(b.dtype).eps
    scale = tolerance * float(finite.max()) if finite.size else 0.0
    return np.shape(a) == b.shape and np.allclose(a, b, tolerance, scale, equal_nan=True)
