"""Hooked: a Module recorded with its hooks around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from npnet.hooks.backward import BackwardHooks
from npnet.hooks.forward import through_forward_hooks
from npnet.hooks.handle import TABLES
from npnet.hooks.step import HookStep
from npnet.parameter import Parameter
from npnet.tape import Call, Node, calls_behind

__all__ = ["has_hooks", "hooked", "sealed"]


def has_hooks(module: Any) -> bool:
    """Whether a Module has hooks of its own."""
    return any(getattr(module, table) for table in TABLES)


def hooked(
    module: Any, operands: Sequence[Any], forward: Callable[..., Any], tokens: list[Node]
) -> Any:
    """Record `forward` with the Module's hooks around it; add the tokens of their steps."""
    given = tuple(operands)
    if module._forward_pre_hooks:
        given, token = through_forward_hooks(module, given)
        tokens.append(token)
    entered: tuple[Node, ...] = ()
    backward = None
    if module._backward_hooks or module._backward_pre_hooks:
        backward = BackwardHooks(module)
        given, entered = backward.enter(given)
    output = forward(*given)
    if module._forward_hooks:
        output, token = through_forward_hooks(module, given, output)
        tokens.append(token)
    return output if backward is None else backward.leave(output, entered)


def sealed(outputs: Sequence[Any], tokens: Sequence[Node]) -> tuple[Any, ...]:
    """Return outputs that need all steps with these tokens.

    What a Module computes for nothing is not on the tape; where a hook looks at it, it has to be.
    """
    expressions = [output for output in outputs if isinstance(output, (Node, Parameter))]
    reached = {call.number for call in calls_behind(expressions)}
    left_out = [t for t in tokens if isinstance(t.source, Call) and t.source.number not in reached]
    if not left_out or len(expressions) < len(outputs):
        return tuple(outputs)
    nodes, _ = HookStep(expressions, left_out).write([*expressions, *left_out])
    return nodes
