"""Layer: a leaf Module with array kernels."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import NoneType
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from npnet.contraction import Contraction
from npnet.execution import real_array
from npnet.expression import Expression
from npnet.kernel import Spec
from npnet.module import Module, is_live, is_recording
from npnet.parameter import Array, computing_dtype, floating_array
from npnet.program import Call
from npnet.tape import Constant, record

__all__ = [
    "Elementwise",
    "Layer",
    "Reduced",
    "broadcast_spec",
    "real_number",
    "recordable",
    "sum_to",
]


Self = TypeVar("Self", bound="Layer")
_ROW_SUM = Contraction("bo->o").kernel
_STATED = (("forward_kernel", "forward_calls"), ("backward_kernel", "backward_calls"))


def _missing(method: str) -> Callable[..., Any]:
    """Return what stands in for a method that every layer writes itself."""

    def missing(self: Layer, *operands: Any, **keywords: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: has no {method}; see npnet.Layer")

    return missing


def _up_to_stated(cls: type, kernel: str, calls: str) -> list[type]:
    """Return the classes that are looked through, up to the first one that states either name."""
    looked_through: list[type] = []
    for each in cls.__mro__:
        looked_through.append(each)
        if kernel in vars(each) or calls in vars(each):
            break
    return looked_through


def _running(list_calls: Callable[..., Iterable[Call]]) -> Callable[..., None]:
    """Return the kernel that runs what a layer lists as its calls."""

    def kernel(self: Layer, *operands: Any, **keywords: Any) -> None:
        for call in list_calls(self, *operands, **keywords):
            call()

    return kernel


def _forward_kernel_itself(self: Layer, *operands: Any, **keywords: Any) -> list[Call]:
    """Return the calls that forward_kernel comes to: itself, on these arrays."""
    return [partial(self.forward_kernel, *operands, **keywords)]


def _backward_kernel_itself(self: Layer, *operands: Any, **keywords: Any) -> list[Call]:
    """Return the calls that backward_kernel comes to: itself, on these arrays."""
    return [partial(self.backward_kernel, *operands, **keywords)]


def _no_scratch(self: Layer, *operands: Spec) -> dict[str, Spec]:
    """Return the specs of the arrays the kernels use beside operands and outputs: none."""
    return {}


class Layer(Module):
    """A leaf Module: it says what shapes it takes, and writes outputs and gradients into arrays.

    A new layer is one class with

    - ``infer(*operand specs) -> Spec`` (a tuple of `output_count` Specs for several outputs):
      checks shapes and dtypes and says what comes out;
    - ``forward_kernel(self, x, ..., *, out, scratch)``: writes `out` (all of it);
    - ``backward_kernel(self, dy, x, ..., y, *, dx, ..., scratch)``: writes dJ/dx into `dx` and so
      on for every operand, each unless it is None, from dJ/dy. It writes, the plan adds.

    The positional arguments of forward_kernel are the operands. Those with the name of one of the
    layer's own Parameters are that Parameter (None where it is None); a caller gives the others,
    in order. ``*terms`` stands for any number; backward_kernel then gets a list `terms` and a list
    `dterms`. With several outputs, `out`, `dy` and `y` are tuples, and an entry of `dy` is None
    where no gradient arrives. Kernels allocate nothing and keep nothing on `self`: what they need
    beside the operands they name in ``scratch_specs`` and find as ``scratch.name``: a Spec is an
    array with arbitrary numbers, anything else a constant. `self` is a plan's own copy of the
    layer: an attribute set later, `training` too, is for later plans, so that backward
    differentiates what forward computed. A buffer is the layer's own array, though, which a kernel
    may write into: ``self.count[...] += 1``.

    A plan knows its arrays before it runs. So a layer that is run a million times may list its
    NumPy calls instead, each a callable without arguments on views that are ready:
    ``forward_calls`` and ``backward_calls`` have the arguments of the kernels and stand for them.
    An array keeps its place from call to call, not its numbers: a call decides what hangs on those.

    A layer that changes what outlasts the call (a random stream, a buffer) says so in
    ``has_effects``; before each forward it gets ``save(scratch)``, and ``restore(scratch)`` where
    the forward fails, in whatever step. Arrays that they write in scratch are `kept`.

    Class attributes
    ----------------
    elementwise : the kernels are ufuncs, which take arrays in any memory order
    integer_operands : names of operands that may be integers (labels, indices)
    backward_reads : names of what backward_kernel reads ("y": the output); the rest comes as None
    in_place : forward_kernel may get `out` that is `x`, backward_kernel `dx` that is `dy`
    kept : names of scratch arrays that backward_kernel reads as forward_kernel left them
    rows : names of operands ("y": the output) that the kernels see as a matrix (B, last axis),
        their gradients too, whatever leading axes there are
    any_order : names of operands that the kernels take in any memory order, their gradients too;
        all others are in C order
    moves : the output is the operand's numbers in other places, and integers stay integers
    """

    returns_input_grad = True
    elementwise = False
    operand_names: tuple[str, ...] = ()
    variadic = False
    output_count = 1
    integer_operands: frozenset[str] = frozenset()
    backward_reads: frozenset[str]
    in_place = False
    kept: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    any_order: frozenset[str] = frozenset()
    moves = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Derive kernels from calls or calls from kernels, and read the operands' names off."""
        super().__init_subclass__(**keywords)
        for kernel, calls in _STATED:
            classes = _up_to_stated(cls, kernel, calls)
            if classes[-1] is not cls and issubclass(classes[-1], Layer):
                continue  # derived there
            own = vars(classes[-1])
            named = {name for each in classes for name in vars(each)}
            if kernel == "forward_kernel":
                cls._read_off(own.get(calls, own.get(kernel)), "backward_reads" in named)
            elif "adding_calls" not in named:
                cls.adding_calls = None
            if calls in own:
                setattr(cls, kernel, _running(own[calls]))
            else:
                setattr(cls, calls, getattr(Layer, calls))

    @classmethod
    def _read_off(cls, stated: Callable[..., Any], reads_named: bool) -> None:
        """Take the operands' names from what computes the outputs."""
        parameters = list(inspect.signature(stated).parameters.values())[1:]
        operands = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        cls.operand_names = tuple(p.name for p in operands)
        cls.variadic = bool(operands) and operands[-1].kind is inspect.Parameter.VAR_POSITIONAL
        if not reads_named:
            cls.backward_reads = frozenset(cls.operand_names) | {"y"}
        if cls.elementwise:
            cls.any_order = frozenset(cls.operand_names)

    #: As backward_calls of a layer of one operand, but adding to its gradient; or the plan adds.
    adding_calls: Callable[..., Iterable[Call]] | None = None

    forward_calls: Callable[..., Iterable[Call]] = _forward_kernel_itself
    backward_calls: Callable[..., Iterable[Call]] = _backward_kernel_itself
    infer: Callable[..., Spec | tuple[Spec, ...]] = _missing("infer")
    forward_kernel: Callable[..., None] = _missing("forward_kernel")
    backward_kernel: Callable[..., None] = _missing("backward_kernel")
    scratch_specs: Callable[..., dict[str, Any]] = _no_scratch

    def has_effects(self) -> bool:
        """Whether forward_kernel, planned now, changes more than its outputs."""
        return False

    def save(self, scratch: Any) -> None:
        """Note in scratch what forward_kernel is about to change."""
        raise NotImplementedError(f"{self._who}: has effects and no save; see npnet.Layer")

    def restore(self, scratch: Any) -> None:
        """Put back what `save` noted."""
        raise NotImplementedError(f"{self._who}: has effects and no restore; see npnet.Layer")

    def forward(self, *operands: Any) -> Any:
        """Record the layer on a tape; where none is being recorded, compute on arrays."""
        if not is_recording() and not any(isinstance(o, Expression) for o in operands):
            return self(*operands)
        names = self._asked_names()
        enough = self.variadic and len(operands) >= max(len(names) - 1, 1)
        if len(operands) != len(names) and not enough:
            expected = f"{len(names)} operand{'s' * (len(names) != 1)} ({', '.join(names)})"
            some = "at least " if self.variadic else ""
            raise TypeError(f"{self._who}: expected {some}{expected}, got {len(operands)}")
        return record(self, [recordable(operand, self._who) for operand in operands])

    def assemble(self, given: Sequence[Any]) -> list[Any]:
        """Return the kernels' operands: those given, and the layer's own Parameters."""
        own, rest = self._parameters, iter(given)
        fixed = self.operand_names[:-1] if self.variadic else self.operand_names
        return [*(own[name] if name in own else next(rest) for name in fixed), *rest]

    def __copy__(self: Self) -> Self:
        """Return a layer of the same parts, each of which either of the two may replace alone."""
        other = self.__class__.__new__(self.__class__)
        state = self.__getstate__()
        tables = ("_parameters", "_buffers", "_modules", "_transient")
        other.__setstate__(state | {table: state[table].copy() for table in tables})
        return other

    def _asked_names(self) -> list[str]:
        """Names of the operands that a caller gives."""
        return [name for name in self.operand_names if name not in self._parameters]

    def positional(self, operands: tuple[Any, ...], named: Any) -> tuple[Any, ...]:
        """Return the operands in the kernels' order; torch calls the first one `input`."""
        names = self._asked_names()
        rest = names[len(operands) :]
        if rest == names and rest and "input" in named and rest[0] not in named:
            named = {rest[0] if name == "input" else name: value for name, value in named.items()}
        if sorted(rest) != sorted(named):
            raise TypeError(
                f"{self._who}: expected operands {', '.join(names)}, got {len(operands)} "
                f"by position and {', '.join(named)} by name"
            )
        return (*operands, *(named[name] for name in rest))

    def _names(self, count: int) -> list[str]:
        """Names for the inputs: the operands'."""
        names = self._asked_names()
        if self.variadic:
            names = names[:-1] + [f"{names[-1]}{i}" for i in range(count - len(names) + 1)]
        return names if len(names) == count else [f"x{i}" for i in range(count)]


class Elementwise(Layer):
    """A layer of one operand whose output has its shape; one subclass states two kernels."""

    elementwise = True

    def infer(self, x: Spec) -> Spec:
        """Return the operand's own shape and dtype."""
        return x


def broadcast_spec(who: str, *operands: Spec) -> Spec:
    """Return the spec that operands broadcast to as NumPy does, or name those that do not."""
    try:
        shape = np.broadcast_shapes(*(spec.shape for spec in operands))
    except ValueError:
        shapes = " and ".join(str(spec.shape) for spec in operands)
        raise ValueError(
            f"{who}: expected shapes that broadcast together, got {shapes}; "
            "axes are matched from the last, each pair equal or one of them 1"
        ) from None
    return Spec(shape, operands[0].dtype)


def sum_to(array: Array, out: Array) -> None:
    """Sum `array` over the axes along which `out` was broadcast to its shape."""
    if array.shape == out.shape:
        np.copyto(out, array)
        return
    extra = array.ndim - out.ndim
    stretched = [n == 1 and array.shape[extra + i] != 1 for i, n in enumerate(out.shape)]
    axes = tuple(range(extra)) + tuple(extra + i for i, s in enumerate(stretched) if s)
    if not any(stretched) and out.size and out.flags.c_contiguous:
        _ROW_SUM(array.reshape(-1, out.size), out=out.reshape(-1))
        return
    # Over an axis that is not the last, NumPy adds in order and float32 loses digits by the row.
    wide = np.float64 if array.itemsize < 8 else None
    kept = out.reshape((1,) * extra + out.shape)
    np.add.reduce(array, axis=axes, dtype=wide, keepdims=True, out=kept)


def recordable(value: Any, who: str) -> Any:
    """Return an expression as it is, and an array or number as a Constant of what it is now.

    A buffer of the Module being traced stays live.
    """
    if isinstance(value, Expression):
        return value
    if is_live(value):
        return Constant(value, live=True)
    return Constant(real_array(value, who, "operands").copy())


def real_number(value: Any, who: str, what: str) -> float:
    """Return `value` as a Python float, which promotes no dtype, or say that it is none."""
    if isinstance(value, (str, bytes, complex, np.complexfloating, NoneType)) or np.ndim(value):
        raise TypeError(f"{who}: expected {what} to be a real number, got {value!r}")
    return float(value)


class Reduced(Layer):
    """A layer with torch's `reduction` of one value an element: 'none', 'mean' or 'sum'."""

    reductions: ClassVar[tuple[str, ...]] = ("none", "mean", "sum")

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in self.reductions:
            *most, last = map(repr, self.reductions)
            raise ValueError(
                f"{self._who}: expected reduction {', '.join(most)} or {last}, got {reduction!r}"
            )
        self.reduction = reduction

    def register_factor(self, name: str, factor: ArrayLike | None) -> None:
        """Hold a buffer that losses are multiplied with; a buffer of the Module traced stays live.

        Errors
        ------
        TypeError
            For a Node or a Parameter: as in torch, a loss has no gradient for its factors. For a
            dtype that is neither float32 nor float64.
        """
        if isinstance(factor, Expression):
            raise TypeError(
                f"{self._who}: expected {name} to be an array, got {type(factor).__name__}, which "
                "a loss would not differentiate; multiply the losses of reduction='none' by it"
            )
        if is_live(factor) and np.asarray(factor).dtype.kind == "f":
            self._register("_buffers", name, factor)
        else:
            held = None if factor is None else floating_array(factor, None, self._who)
            if held is not None:
                mend = f"; {name}.astype(np.float32)"
                computing_dtype(held.dtype, self._who, f"{name} in", mend)
            self.register_buffer(name, held)

    def extra_repr(self) -> str:
        """Empty, as torch's losses print."""
        return ""
