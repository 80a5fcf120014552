"""Module: what holds Parameters and other Modules, and can be called."""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from npnet.cast import cast, wanted_dtype
from npnet.execution import Execution
from npnet.expression import Expression
from npnet.holder import Holder
from npnet.hooks import Hookable, has_hooks, hooked, no_hooks, sealed
from npnet.kernel import Spec
from npnet.parameter import Parameter
from npnet.tape import Input, Node, Tape

__all__ = ["Module", "is_live", "is_recording"]

Self = TypeVar("Self", bound="Module")


def _no_forward(self: Module, *operands: Any) -> Any:
    """Stand in for the forward that a subclass writes."""
    raise NotImplementedError(
        f"{type(self).__name__}: has no forward; write forward(self, x) with the Modules it holds"
    )


class _Tracing(threading.local):
    """What the calling thread is recording."""

    #: The live buffers of it; None where nothing is recorded.
    buffers: frozenset[int] | None = None
    #: The tokens of the hooks on the tape; None where it is no trace, but written by hand.
    tokens: list[Node] | None = None


_tracing = _Tracing()


def is_recording() -> bool:
    """Whether the calling thread is recording a Module."""
    return _tracing.buffers is not None


def is_live(value: Any) -> bool:
    """Whether an array is, or views, a buffer of the Module that the calling thread is tracing."""
    live = _tracing.buffers
    return live is not None and (id(value) in live or id(getattr(value, "base", None)) in live)


class Module(Holder, Hookable):
    """A computation with parameters: holds Parameters, buffers and Modules, and is called.

    A subclass makes its parts in ``__init__`` and says in ``forward`` how they are put together.
    Called on arrays, ``forward`` is traced once for their shapes into a tape, which runs; so
    ``backward`` needs no writing. Called on Nodes (inside another ``forward``) it is recorded.
    Assigning an attribute and loading a state trace anew, and a buffer used as it is, or viewed,
    is read live; what NumPy computes in ``forward`` from arrays counts as it was when traced. A
    ``forward`` that itself assigns attributes, writes into Parameters or buffers, or draws random
    numbers is traced in every call. None, True, False and words may stand among the arrays:
    ``forward`` gets them as they are, and every value has a tape of its own.

    Names, order of traversal, state_dict and repr are torch.nn.Module's.

    Errors
    ------
    AttributeError
        Where a part is assigned before ``super().__init__()``.
    KeyError
        For a part whose name is empty or has a dot.
    ValueError
        Where a Parameter is replaced by one of another shape.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> class Residual(npnet.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = npnet.Linear(3, 3)
    ...     def forward(self, x):
    ...         return x + self.fc(x)
    >>> model = Residual()
    >>> model(np.ones((2, 3), np.float32)).shape
    (2, 3)
    >>> model.backward(np.ones((2, 3)))
    >>> model.fc.bias.grad.tolist()
    [2.0, 2.0, 2.0]
    """

    _local: threading.local
    #: Whether `backward` without `input_grad` returns the first input's gradient.
    returns_input_grad = False
    #: Whether every value and gradient of the tape stays, to be looked at.
    retains_values = False

    def __init__(self) -> None:
        super().__init__()
        self.__dict__.update(_local=threading.local(), **no_hooks())

    # ------------------------------------------------------------------ being called

    #: Puts the parts together on Nodes; a subclass writes it with operands of its own.
    forward: Callable[..., Any] = _no_forward

    def __call__(self, *operands: Any, **named: Any) -> Any:
        """Compute on arrays, or record on Nodes and Parameters.

        Arrays of the right dtype in C order are read where they are, by backward too: leave them
        unchanged until then.
        """
        if named:
            operands = self.positional(operands, named)
        for operand in operands:
            if isinstance(operand, Expression):
                return self.record(operands)
        if _tracing.buffers is not None:
            return self.record(operands)
        return self.execution.forward(operands)

    def record(self, operands: Sequence[Any], forward: Callable[..., Any] | None = None) -> Any:
        """Call forward on Nodes, with the hooks; whatever Module it calls is recorded too."""
        outside, tokens = _tracing.buffers, _tracing.tokens
        _tracing.buffers = (outside or frozenset()) | {id(buffer) for buffer in self.buffers()}
        try:
            # On a tape written by hand a layer is a step; its hooks are met when the tape runs.
            if has_hooks(self) and not (tokens is None and hasattr(self, "forward_kernel")):
                tokens = [] if tokens is None else tokens
                return hooked(self, operands, forward or self.forward, tokens)
            return (forward or self.forward)(*operands)
        finally:
            _tracing.buffers = outside

    def backward(self, *gradients: Any, input_grad: bool | None = None) -> Any:
        """Differentiate the last call: add the gradient of every Parameter into its `grad`.

        Parameters
        ----------
        *gradients : array_like
            dJ/dy, one for each output and of its shape (None: none); without any, the first
            output must be a scalar and 1 is taken.
        input_grad : bool, optional
            Also compute and return dJ/dx, for one input an array, for several a tuple with None
            for what has no gradient. By default a single Layer returns the gradient of its first
            input, a container nothing: the gradient of data costs a first layer a third of its
            work.

        Errors
        ------
        RuntimeError
            Before the first call.
        ValueError
            For a gradient of another shape, or none where the output is no scalar.
        """
        if input_grad is None and self.returns_input_grad:
            found = self.execution.backward(gradients, (0,))
            return found[0] if found else None
        found = self.execution.backward(gradients, None if input_grad else ())
        if not input_grad:
            return None
        return found[0] if len(found) == 1 else found

    @property
    def execution(self) -> Execution:
        """Plans of the calling thread."""
        try:
            found: Execution = self._local.execution
        except AttributeError:
            if "_local" not in self.__dict__:
                raise AttributeError(
                    f"{self._who}: was made without super().__init__(); its __init__ begins with it"
                ) from None
            found = self._local.execution = Execution(self)
        return found

    def positional(self, operands: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the operands in forward's order."""
        try:
            bound = inspect.signature(self.forward).bind(*operands, **named)
        except TypeError as error:
            asked = ", ".join(inspect.signature(self.forward).parameters)
            raise TypeError(f"{self._who}: {error}; forward has {asked}") from None
        if bound.kwargs:
            bound.apply_defaults()  # of what stands before those that are given
        if bound.kwargs:
            raise TypeError(
                f"{self._who}: expected positional operands, got keyword-only "
                f"{sorted(bound.kwargs)}; leave the * out of forward's arguments"
            )
        return bound.args

    def trace(self, inputs: Sequence[Any]) -> Tape:
        """Call forward on Nodes of these specs, and options; return the tape it records."""
        named = zip(self._names(len(inputs)), inputs, strict=True)
        given = [Node(Input(name), spec=s) if isinstance(s, Spec) else s for name, s in named]
        return self.taped(given, self.forward)

    def taped(self, given: Sequence[Any], forward: Callable[..., Any]) -> Tape:
        """Return the tape that a forward records on these inputs."""
        outside, _tracing.tokens = _tracing.tokens, []
        try:
            result = self.record(given, forward)
            outputs = tuple(result) if isinstance(result, (tuple, list)) else (result,)
            for output in outputs:
                if not isinstance(output, (Node, Parameter)):
                    raise TypeError(
                        f"{self._who}: forward must return what it recorded (a Node, or a "
                        f"tuple of them), got {type(output).__name__}"
                    )
            if not outputs:
                raise ValueError(f"{self._who}: forward returned no output")
            nodes = [node for node in given if isinstance(node, Node)]
            return Tape(sealed(outputs, _tracing.tokens), nodes)
        finally:
            _tracing.tokens = outside

    def _names(self, count: int) -> list[str]:
        """Names for the inputs: forward's own where it has them."""
        kinds = inspect.signature(self.forward).parameters.values()
        names = [p.name for p in kinds if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        return (names + [f"x{i}" for i in range(len(names), count)])[:count]

    def signature(self) -> tuple[Any, ...]:
        """Return a value that changes whenever forward may record something else."""
        return tuple((module._version, module.training) for module in self.modules())

    def computing_dtype(self) -> np.dtype[Any] | None:
        """Return the dtype of the parameters; None without any."""
        return next((parameter.dtype for parameter in self.parameters()), None)

    # ------------------------------------------------------------------ dtype and device

    def to(
        self: Self,
        *arguments: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: bool = False,
    ) -> Self:
        """Compute in another dtype from now on: change Parameters and floating buffers in place.

        Takes what torch's `to` takes, a dtype, an array to be like, a device: "cpu" is the only
        one. Gradients change with their Parameters. Make optimizers after it, as in torch.

        Errors
        ------
        TypeError
            For a dtype that is not floating, or too short to compute in (float16).
        ValueError
            For another device.

        Examples
        --------
        >>> import numpy as np, npnet
        >>> npnet.Linear(2, 1).to(np.float64).weight.dtype.name
        'float64'
        """
        wanted = wanted_dtype(self._who, arguments, dtype, device)
        if wanted is not None:
            cast(self, wanted)
        return self

    def _cast(self, dtype: np.dtype[Any]) -> None:
        """Follow a change of dtype in what is neither Parameter nor buffer."""

    def float(self: Self) -> Self:
        """Compute in float32."""
        return self.to(np.float32)

    def double(self: Self) -> Self:
        """Compute in float64."""
        return self.to(np.float64)

    def half(self: Self) -> Self:
        """Raise a TypeError: NumPy does not compute in float16."""
        return self.to(np.float16)

    def bfloat16(self: Self) -> Self:
        """Raise a TypeError: NumPy has no bfloat16."""
        raise TypeError(f"{self._who}: NumPy has no bfloat16; use float() or double()")

    def type(self: Self, dst_type: Any) -> Self:
        """Compute in this dtype from now on, as by `to`; integer buffers stay integers."""
        if dst_type is None:
            raise TypeError(f"{self._who}: expected a dtype, got None; use np.float64")
        return self.to(dtype=dst_type)

    def cpu(self: Self) -> Self:
        """Return itself: this is where npnet computes."""
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """Raise a ValueError: npnet computes on the CPU."""
        return self.to(device="cuda")

    # ------------------------------------------------------------------ being copied

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the plans, which are made again."""
        return {key: value for key, value in self.__dict__.items() if key != "_local"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a copy's or a pickle's attributes."""
        self.__dict__.update(state, _local=threading.local())

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        """Return a Module of its own with copies of all parts."""
        other = self.__class__.__new__(self.__class__)
        memo[id(self)] = other
        other.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return other
