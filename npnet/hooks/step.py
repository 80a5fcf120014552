"""HookStep: a step of a tape that passes values on and shows them on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from npnet.expression import Expression
from npnet.kernel import Spec
from npnet.parameter import Array
from npnet.plan import own
from npnet.tape import Node, record

__all__ = ["HookStep", "is_floating", "shown"]

#: What no gradient flows through, and no number either: it says that a step must run.
_TOKEN = Spec((0,), np.dtype(np.int64))


class HookStep:
    """The identity on some values of a tape, as a Kernel; its heirs call hooks.

    Its operands are what it passes on, then what it only sees. Its outputs are the former and a
    token, which another step may read to make sure that this one runs.

    Parameters
    ----------
    passed, seen : Expressions
    """

    variadic = False
    in_place = moves = False
    adding_calls: Callable[..., Iterable[Callable[[], Any]]] | None = None
    backward_reads: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()

    def __init__(self, passed: Sequence[Expression], seen: Sequence[Expression] = ()) -> None:
        operands = (*passed, *seen)
        self.operand_names = tuple(f"x{number}" for number in range(len(operands)))
        self.any_order = frozenset(self.operand_names)
        named = zip(self.operand_names, operands, strict=True)
        # Looking at integers does not say that numbers are wanted.
        self.integer_operands = frozenset(name for name, o in named if not is_floating(o))
        self.width = len(passed)
        self.output_count = len(passed) + 1

    def write(self, operands: Sequence[Any]) -> tuple[tuple[Node, ...], Node]:
        """Record the step; return the Nodes of what it passes on, and its token."""
        result = record(self, operands)
        nodes: tuple[Node, ...] = result if isinstance(result, tuple) else (result,)
        return nodes[:-1], nodes[-1]

    def assemble(self, given: Sequence[Any]) -> list[Any]:
        """Return the operands: there are no Parameters."""
        return list(given)

    def infer(self, *operands: Any) -> tuple[Spec, ...]:
        """Return the specs of what passes, and the token's."""
        return (*operands[: self.width], _TOKEN)

    def scratch_specs(self, *operands: Any) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def has_effects(self) -> bool:
        """Whether forward calls hooks, which must not be called once more for backward."""
        return False

    def save(self, scratch: Any) -> None:
        """Note nothing: what a hook did cannot be taken back."""

    def restore(self, scratch: Any) -> None:
        """Put nothing back."""

    def forward_calls(self, *operands: Any, out: Any, scratch: Any) -> Iterable[Callable[[], Any]]:
        """Return the one call: what hooks do is decided in it."""
        return [partial(self.forward_kernel, *operands, out=out, scratch=scratch)]

    def backward_calls(
        self, dy: Any, *operands: Any, scratch: Any, **gradients: Any
    ) -> Iterable[Callable[[], Any]]:
        """Return the one call."""
        return [partial(self.backward_kernel, dy, scratch=scratch, **gradients)]

    def forward_kernel(self, *operands: Any, out: Any, scratch: Any) -> None:
        """Copy what passes."""
        for target, array in zip(self._outputs(out), operands, strict=False):
            np.copyto(target, array)

    def backward_kernel(self, dy: Any, *, scratch: Any, **gradients: Any) -> None:
        """Copy the gradients of what passes; what is only seen has none."""
        self.spread(self._outputs(dy), gradients)

    def spread(self, found: Sequence[Any], gradients: dict[str, Any]) -> None:
        """Write gradients of the operands, zeros where there are none."""
        given = [*found, *[None] * (len(self.operand_names) - len(found))]
        for name, gradient in zip(self.operand_names, given, strict=True):
            target = gradients[f"d{name}"]
            if target is not None:
                np.copyto(target, 0 if gradient is None else gradient)

    def _outputs(self, arrays: Any) -> Sequence[Any]:
        """Return the arrays of what passes, without the token's."""
        return arrays[: self.width] if self.width else ()


def is_floating(value: Any) -> bool:
    """Whether an Expression is a floating number, as far as is known."""
    spec = value.spec if isinstance(value, Node) else None
    return spec is None or spec.dtype.kind == "f"


def shown(array: Array) -> Any:
    """Return a copy to be looked at, and kept; what is written into it would be lost."""
    copy = own(array)
    if isinstance(copy, np.ndarray):
        copy.flags.writeable = False
    return copy
