"""Kernel: what a tape needs of a layer, and the specs by which they talk of arrays to come."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

__all__ = ["Kernel", "Spec"]


class Spec(NamedTuple):
    """Shape and dtype of an array to come."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Shape with all leading axes as one."""
        return math.prod(self.shape[:-1]), self.shape[-1]

    @property
    def nbytes(self) -> int:
        """Bytes the array takes."""
        size: int = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


class Kernel(Protocol):
    """What a tape needs of a layer: shapes, array kernels, and what the kernels read.

    `operand_names` are the kernels' operands in order (a last one marked by `variadic` stands for
    any number); `integer_operands` name those that may be integers; `output_count` is how many
    arrays it writes; `backward_reads` name the operands ("y": the output) that backward_kernel
    reads; `in_place` says that forward_kernel may write over its first operand, and backward_kernel
    its gradient over the output's; `kept` names the scratch arrays that backward_kernel reads as
    forward_kernel left them; `rows` name those that the kernels see with all leading axes as one;
    `any_order` those that they take, with their gradients, in any memory order, as Parameters may
    have; `moves` says that the output is the operand's numbers in other places, which may be
    integers. Where `has_effects` says that forward_kernel changes more than its outputs, `save` is
    called before a forward, and `restore` where it fails.
    """

    operand_names: tuple[str, ...]
    variadic: bool
    integer_operands: frozenset[str]
    output_count: int
    backward_reads: frozenset[str]
    in_place: bool
    kept: frozenset[str]
    rows: frozenset[str]
    any_order: frozenset[str]
    moves: bool
    adding_calls: Callable[..., Iterable[Callable[[], Any]]] | None

    def assemble(self, given: Sequence[Any]) -> list[Any]:
        """Return the kernels' operands: those given, and the layer's own Parameters."""

    def infer(self, *operands: Any) -> Spec | tuple[Spec, ...]:
        """Check the operands' specs and return the outputs'."""

    def scratch_specs(self, *operands: Any) -> dict[str, Any]:
        """Return what the kernels use beside operands and outputs: specs, or constants as is."""

    def forward_calls(self, *operands: Any, out: Any, scratch: Any) -> Iterable[Callable[[], Any]]:
        """Return the calls that write the outputs."""

    def backward_calls(
        self, dy: Any, *operands: Any, scratch: Any, **gradients: Any
    ) -> Iterable[Callable[[], Any]]:
        """Return the calls that write the gradient of every operand whose array is not None."""

    def has_effects(self) -> bool:
        """Whether forward_kernel, planned now, changes what outlasts the call."""

    def save(self, scratch: Any) -> None:
        """Note in scratch what forward_kernel is about to change."""

    def restore(self, scratch: Any) -> None:
        """Put back what `save` noted."""
