"""Hookable: the half of a Module that takes hooks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from npnet.hooks.handle import TABLES, RemovableHandle, register

__all__ = ["Hookable", "no_hooks"]


def no_hooks() -> dict[str, Any]:
    """Return the attributes of what has no hooks."""
    return {**{table: OrderedDict() for table in TABLES}, "_hooks_with_kwargs": set()}


class Hookable:
    """What hooks can be registered with: torch.nn.Module's methods of these names."""

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Have `hook(module, inputs)` called before forward, in every call and with arrays.

        `inputs` is a tuple. What the hook returns, an array or a tuple, is taken instead;
        `register_forward_hook` says what that may be.

        Parameters
        ----------
        hook : function
        prepend : bool, default False
            Call it before the hooks there are, not after them.
        with_kwargs : bool, default False
            Call `hook(module, inputs, {})` and have it return None or (inputs, keywords). Operands
            given by name have been put in their places, so the keywords are always empty.
        """
        return register(self, "_forward_pre_hooks", hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Have `hook(module, inputs, output)` called after forward, in every call and with arrays.

        It is called wherever the Module runs, inside others too, with copies that are read-only:
        they are the hook's to keep. What it returns goes on instead of the output, in the same
        shapes. Where backward goes through that, the hook is called once more for each set of
        shapes, with Nodes: `output * 2` and npnet.functional record themselves, so the gradient is
        that of what the hook does; what it returns that is no Node is a constant.

        On a `Graph` the hooks of its layers and its own are called; another Module called on
        the Nodes of one has become its layers, and the hooks it had then.

        Parameters
        ----------
        hook : function
        prepend : bool, default False
            Call it before the hooks there are, not after them.
        with_kwargs : bool, default False
            Call `hook(module, inputs, {}, output)`; the keywords are always empty, as in
            `register_forward_pre_hook`.
        always_call : bool, default False
            Only False: where a step fails, those after it have not been run.

        Errors
        ------
        NotImplementedError
            For always_call.
        RuntimeError
            In a call, where a hook calls the Module that calls it; in backward, where what a hook
            returned cannot be recorded, comes out otherwise then, or trains a Parameter.
        ValueError
            In a call, for what the hook returned in another shape.

        Source: torch.nn.Module.register_forward_hook.

        Examples
        --------
        >>> import numpy as np, npnet
        >>> relu = npnet.ReLU()
        >>> handle = relu.register_forward_hook(lambda module, inputs, output: output * 3)
        >>> relu(np.array([-1.0, 2.0])).tolist(), relu.backward([1.0, 1.0]).tolist()
        ([0.0, 6.0], [0.0, 3.0])
        >>> handle.remove()
        >>> relu(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
        """
        if always_call:
            raise NotImplementedError(
                f"{type(self).__name__}: always_call=True is not supported: forward runs as "
                "planned steps, and one that fails leaves no output; put try around the call"
            )
        return register(self, "_forward_hooks", hook, prepend, with_kwargs)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Have `hook(module, grad_output)` called in backward, before it goes through the Module.

        What it returns is taken instead; `register_full_backward_hook` says what the tuple is.
        """
        return register(self, "_backward_pre_hooks", hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Have `hook(module, grad_input, grad_output)` called once backward is through the Module.

        Both are tuples of read-only copies, one for each operand and each output; None for what
        has no gradient. As in torch, an operand that nobody wants a gradient of has none, so that
        of a first layer is (None,); `backward(..., input_grad=True)` wants it. What the hook
        returns, a tuple or None, goes on instead of grad_input. A backward pass that a hook runs
        adds its gradients once the pass around it is through.

        Errors
        ------
        TypeError
            In a call, where forward returns neither an array nor a tuple of them.
        ValueError
            In backward, for a tuple of another length, or gradients of other shapes.

        Source: torch.nn.Module.register_full_backward_hook.

        Examples
        --------
        >>> import numpy as np, npnet
        >>> tanh = npnet.Tanh()
        >>> handle = tanh.register_full_backward_hook(lambda module, dx, dy: (dx[0] * 10,))
        >>> _ = tanh(np.array([0.0]))
        >>> tanh.backward([1.0]).tolist()
        [10.0]
        """
        return register(self, "_backward_hooks", hook, prepend)
