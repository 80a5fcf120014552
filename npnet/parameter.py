"""Parameter: an array that is trained, and its gradient."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npnet.clock import effects, structure
from npnet.expression import Expression
from npnet.grad_mode import is_grad_enabled

__all__ = ["Array", "Parameter", "computing_dtype", "native", "structure"]

Array: TypeAlias = NDArray[Any]


def native(dtype: Any) -> np.dtype[Any]:
    """Return a dtype in the machine's byte order, as the one object NumPy has for its kind."""
    # newbyteorder makes a new object every time; a step compares dtypes by identity first.
    kind: np.dtype[Any] = np.dtype(np.dtype(dtype).type)
    return kind


def computing_dtype(dtype: Any, who: str, what: str = "dtype", mend: str = "") -> np.dtype[Any]:
    """Return a dtype as `native` does, or say that npnet computes in float32 and float64 only."""
    kind = native(dtype)
    if kind not in (np.float32, np.float64):
        raise TypeError(f"{who}: expected {what} float32 or float64, got {kind}{mend}")
    return kind


def floating_array(data: ArrayLike, dtype: Any, who: str) -> Array:
    """Return a copy of `data` as floating numbers, compact in memory in the order it has."""
    given = isinstance(data, (np.ndarray, np.generic, Parameter))
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{who}: expected real numbers, got dtype {array.dtype}")
    if dtype is None:
        dtype = array.dtype if given and array.dtype.kind == "f" else np.float32
    dtype = native(dtype)
    if dtype.kind != "f":
        raise TypeError(f"{who}: dtype must be floating, got {dtype}; use np.float32 or np.float64")
    return np.array(array, dtype=dtype, order="K")


def _in_place(ufunc: np.ufunc, sign: str) -> Callable[[Parameter, Any], Parameter]:
    """Return the method for ``parameter += other`` and the like."""

    def change(self: Parameter, other: Any) -> Parameter:
        self._change(ufunc, sign, other)
        return self

    change.__doc__ = f"Change the data in place: ``{sign}=``."
    return change


class Parameter(Expression):
    """An array that an optimizer steps, with the gradient that backward passes add up.

    `data` is the live storage. `grad` is None until a backward pass reaches the parameter; it is
    then a live array that later passes add into, until `zero_grad` lets it go: from then on it
    belongs to whoever holds it and never changes again, as in torch. ``parameter -= step`` changes
    the data in place; as in torch, while it is trained only within `no_grad`.

    Parameters
    ----------
    data : array_like, any shape
        Copied. A floating array keeps its dtype, everything else becomes float32.
    requires_grad : bool, default True
        Whether backward computes its gradient and an optimizer may step it.
    dtype : dtype, optional
        float32 or float64 to convert to.
    name : str, default ""
        Used in messages; a Module names the parameters that have none.

    Errors
    ------
    TypeError
        For data that are not real numbers and for a dtype that is not floating.
    RuntimeError
        For a change in place while gradients are enabled and it requires one.

    Source: torch.nn.Parameter.

    Examples
    --------
    >>> weight = Parameter([[1.0, 2.0]])
    >>> weight.shape, weight.dtype.name, weight.grad
    ((1, 2), 'float32', None)
    >>> weight.data = [[3.0, 4.0]]
    >>> weight.data.tolist()
    [[3.0, 4.0]]
    """

    __slots__ = ("__weakref__", "_buffer", "_data", "_grad", "_requires_grad", "has_grad", "name")

    def __init__(
        self,
        data: ArrayLike,
        requires_grad: bool = True,
        *,
        dtype: Any = None,
        name: str = "",
    ) -> None:
        self._data = floating_array(data, dtype, "Parameter")
        self._requires_grad = bool(requires_grad)
        self._buffer: Array | None = None
        self._grad: Array | None = None
        self.has_grad = False
        self.name = name

    @property
    def data(self) -> Array:
        """The live storage; assigning copies into it and keeps shape and dtype."""
        effects.count += 1
        return self._data

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if value is not self.data:
            np.copyto(self._data, self._fitting(value, "data"))

    @property
    def grad(self) -> Array | None:
        """The gradient so far, or None; assigning copies, None clears."""
        if not self.has_grad:
            return None
        if self._grad is None:
            # A static plan writes every step's gradient into one buffer. Who reads the gradient
            # gets an array of their own, kept equal to the buffer until zero_grad.
            self._grad = self.buffer.copy(order="K")
        return self._grad

    @grad.setter
    def grad(self, value: ArrayLike | None) -> None:
        if value is None:
            self.zero_grad()
        elif value is not self._grad:
            np.copyto(self.buffer, self._fitting(value, "grad"))
            self._grad, self.has_grad = None, True

    @property
    def requires_grad(self) -> bool:
        """Whether backward computes the gradient."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if bool(value) != self._requires_grad:
            self._requires_grad = bool(value)
            structure.tick()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the data."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._data.size

    def numel(self) -> int:
        """Return the number of elements."""
        return self._data.size

    def requires_grad_(self, requires_grad: bool = True) -> Parameter:
        """Set `requires_grad`; return itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def buffer(self) -> Array:
        """Where backward writes the gradient: laid out as the data; made on first use."""
        if self._buffer is None:
            self._buffer = np.empty_like(self._data)
        return self._buffer

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient: it reads None until the next backward; or set one to zero."""
        if set_to_none:
            self.has_grad = False
            self._grad = None
        elif self.has_grad:
            self.buffer.fill(0)
            self.publish()

    def settle(self) -> Array:
        """Return the buffer, after taking over what a holder of `grad` wrote into it."""
        if self._grad is not None:
            np.copyto(self.buffer, self._grad)
        return self.buffer

    def publish(self) -> None:
        """Say that the buffer holds a new gradient, and show it to the holders of `grad`."""
        self.has_grad = True
        if self._grad is not None:
            np.copyto(self._grad, self.buffer)

    def move(self, data: Array, buffer: Array) -> None:
        """Go on living in the arrays given, which have this parameter's shape and dtype."""
        np.copyto(data, self._data)
        if self.has_grad:
            np.copyto(buffer, self.settle())
        self.become(data, buffer)

    def become(self, data: Array, buffer: Array | None) -> None:
        """Go on living in arrays that hold this parameter's numbers already."""
        self._data, self._buffer = data, buffer
        structure.tick()

    __iadd__ = _in_place(np.add, "+")
    __isub__ = _in_place(np.subtract, "-")
    __imul__ = _in_place(np.multiply, "*")
    __itruediv__ = _in_place(np.true_divide, "/")
    __ipow__ = _in_place(np.power, "**")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the data, for NumPy functions that are not recorded."""
        effects.count += 1
        if copy:
            return np.array(self._data, dtype=dtype)
        return self._data if dtype is None else self._data.astype(dtype, copy=False)

    def __repr__(self) -> str:
        """Torch's form."""
        tail = "" if self._requires_grad else ", requires_grad=False"
        return f"Parameter containing:\n{self._data!r}{tail}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        """Return a parameter of its own with the same numbers, gradient and attributes."""
        rebuild, parts, attributes = self.__reduce__()
        other: Parameter = rebuild(*parts)
        memo[id(self)] = other
        if attributes:
            vars(other).update(copy.deepcopy(attributes, memo))
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle data and gradient, not the flat storage they may be views of."""
        effects.count += 1
        grad = self.settle() if self.has_grad else None
        parts = (self._data, self._requires_grad, self.name, grad, type(self))
        return _rebuild, parts, getattr(self, "__dict__", None)

    def _change(self, ufunc: np.ufunc, sign: str, other: Any) -> None:
        """Change the data in place, or say why not."""
        name = f"Parameter {self.name!r}" if self.name else "Parameter"
        if self._requires_grad and is_grad_enabled():
            raise RuntimeError(
                f"{name}: requires a gradient, so {sign}= must not change it in place; do so in "
                f"no_grad(), or to its data; in a forward write p = p {sign} ... for a new value"
            )
        if isinstance(other, Expression) and not isinstance(other, Parameter):
            raise TypeError(
                f"{name}: {sign}= needs numbers, got {type(other).__name__}; in a forward write "
                f"p = p {sign} ... for a new value, and what is computed of Parameters' numbers "
                "with their .data"
            )
        effects.count += 1
        array = np.asarray(other)
        try:
            ufunc(self._data, array, out=self._data, casting="same_kind")
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"{name}: {sign}= cannot write {array.dtype} of shape {array.shape} into "
                f"{self.dtype} of shape {self.shape}"
            ) from None

    def _fitting(self, value: ArrayLike, what: str) -> Array:
        """`value` as an array of this parameter's shape, or the reason why it is none."""
        name = f" {self.name!r}" if self.name else ""
        if isinstance(value, Expression) and not isinstance(value, Parameter):
            raise TypeError(
                f"Parameter{name}: expected real numbers as {what}, got {type(value).__name__}; "
                "compute with the .data of Parameters"
            )
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"Parameter{name}: expected real numbers as {what}, got dtype {array.dtype}"
            )
        if array.shape != self.shape:
            raise ValueError(
                f"Parameter{name}: expected {what} of shape {self.shape}, got {array.shape}; "
                "a parameter keeps its shape"
            )
        # Before anything is written: where warnings are errors, a number may be too large.
        return array.astype(self.dtype, copy=False)


def _rebuild(
    data: Array,
    requires_grad: bool,
    name: str,
    grad: Array | None,
    kind: type[Parameter] = Parameter,
) -> Parameter:
    """Make a copy of a Parameter, or unpickle one; a subclass may be made in another way."""
    parameter = kind.__new__(kind)
    Parameter.__init__(parameter, data, requires_grad, name=name)
    parameter.grad = grad
    return parameter
