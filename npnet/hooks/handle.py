"""Handles: what takes a hook away again."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from npnet.parameter import structure

__all__ = ["TABLES", "RemovableHandle", "register"]

_numbers = itertools.count()

#: The attributes of a Module that hold its hooks by their numbers, named as torch's.
TABLES = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


class RemovableHandle:
    """What registering a hook returns: `remove` takes the hook away, and so does leaving a `with`.

    Source: torch.utils.hooks.RemovableHandle.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> relu, seen = npnet.ReLU(), []
    >>> with relu.register_forward_hook(lambda module, inputs, output: seen.append(output)):
    ...     _ = relu(np.array([-1.0, 2.0]))
    >>> _ = relu(np.array([3.0, 4.0]))
    >>> [output.tolist() for output in seen]
    [[0.0, 2.0]]
    """

    def __init__(self, module: Any, table: str) -> None:
        self.id = next(_numbers)
        self._table = table
        self._module = weakref.ref(module)

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        module = self._module()
        if module is None or self.id not in getattr(module, self._table):
            return
        del getattr(module, self._table)[self.id]
        module._hooks_with_kwargs.discard(self.id)
        _changed(module)

    def __enter__(self) -> RemovableHandle:
        """Keep the hook for the body of a `with`."""
        return self

    def __exit__(self, *error: object) -> None:
        """Take the hook away."""
        self.remove()

    def __getstate__(self) -> dict[str, Any]:
        """Copy with the Module, whose copy has the hook under the same number."""
        return {**self.__dict__, "_module": self._module()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Point at the Module's copy."""
        module = state["_module"]
        reference = (lambda: None) if module is None else weakref.ref(module)
        self.__dict__.update(state, _module=reference)


def register(
    module: Any, table: str, hook: Callable[..., Any], prepend: bool, with_kwargs: bool = False
) -> RemovableHandle:
    """Enter a hook in one of a Module's tables, as the last to be called or as the first."""
    if not callable(hook):
        raise TypeError(
            f"{type(module).__name__}: expected a function as hook, got {type(hook).__name__}"
        )
    handle = RemovableHandle(module, table)
    hooks = getattr(module, table)
    hooks[handle.id] = hook
    if with_kwargs:
        module._hooks_with_kwargs.add(handle.id)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    _changed(module)
    return handle


def _changed(module: Any) -> None:
    """Have the Module traced anew: its tape has steps for its hooks."""
    module.__dict__["_version"] += 1
    structure.tick()
