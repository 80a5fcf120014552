"""A case of a layer: how to make one, what to feed it, and what a run of it gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from npnet.layers.base import Elementwise, Layer
from npnet.plan import Plan
from npnet.sweep import Sweep
from npnet.tape import Spec

__all__ = [
    "BATCH",
    "Array",
    "Case",
    "Draw",
    "Ran",
    "Spoiler",
    "backward_of",
    "close",
    "outputs_of",
    "run",
    "same",
    "seeds_for",
    "sweep_back",
    "total",
]

Array = NDArray[Any]
Sample = Callable[[np.random.Generator, tuple[int, ...]], Array]
BATCH = 5


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw standard normal numbers."""
    return np.asarray(random.normal(size=shape))


class Draw(NamedTuple):
    """An operand: its shape, in which "B" is the number of rows, and where numbers come from."""

    shape: tuple[int | str, ...]
    sample: Sample = normal

    @property
    def batched(self) -> bool:
        """Whether it has rows."""
        return "B" in self.shape

    def __call__(self, random: np.random.Generator, batch: int) -> Array:
        """Draw it for so many rows."""
        shape = tuple(batch if isinstance(n, str) else n for n in self.shape)
        return np.asarray(self.sample(random, shape))


@dataclass(frozen=True)
class Case:
    """A layer and operands for it.

    `rows_interact` says that an output row depends on other rows, or that outputs have no rows;
    `empty_is_nan` that without rows the outputs are NaN; `draws` that forward draws random numbers;
    `modes_differ` that training and evaluation give other numbers.
    """

    name: str
    make: Callable[[], Layer]
    operands: tuple[Draw, ...]
    rows_interact: bool = False
    empty_is_nan: bool = False
    draws: bool = False
    modes_differ: bool = False

    @property
    def batched(self) -> bool:
        """Whether there are rows."""
        return any(draw.batched for draw in self.operands)

    def arrays(self, batch: int = BATCH, dtype: Any = np.float32, seed: int = 0) -> list[Array]:
        """Return operands; integer ones stay integers."""
        random = np.random.default_rng(seed)
        drawn = [draw(random, batch) for draw in self.operands]
        return [a.astype(dtype) if a.dtype.kind == "f" else a for a in drawn]


class Ran(NamedTuple):
    """What one forward and backward gave: outputs, inputs' gradients, parameters' gradients."""

    outputs: list[Array]
    inputs: list[Array | None]
    parameters: list[Array | None]

    def all(self) -> Iterator[tuple[str, Array | None]]:
        """Yield every array with its name."""
        yield from ((f"output {i}", a) for i, a in enumerate(self.outputs))
        yield from ((f"gradient of input {i}", a) for i, a in enumerate(self.inputs))
        yield from ((f"gradient of parameter {i}", a) for i, a in enumerate(self.parameters))


def seeds_for(outputs: Sequence[Array], seed: int = 1) -> list[Array]:
    """Return an output gradient of random numbers, none of them 1."""
    random = np.random.default_rng(seed)
    return [np.asarray(random.normal(size=y.shape)).astype(y.dtype) for y in outputs]


def outputs_of(layer: Any, arrays: Sequence[Any]) -> list[Array]:
    """Run forward, each time from the same random numbers and buffers."""
    found = layer(*arrays)
    layer.execution.ran.undo()
    return [np.asarray(y) for y in (found if isinstance(found, tuple) else (found,))]


def backward_of(layer: Any, seeds: Sequence[Any], inputs: Sequence[int] | None = None) -> Ran:
    """Run backward from no gradients; inputs are positions, None for all."""
    layer.zero_grad()
    found = layer.execution.backward(seeds, inputs)
    parameters = [None if p.grad is None else p.grad.copy() for p in layer.parameters()]
    layer.zero_grad()
    return Ran([], [None if g is None else np.asarray(g) for g in found], parameters)


def run(layer: Any, arrays: Sequence[Any], seeds: Sequence[Any] | None = None) -> Ran:
    """Run forward and backward."""
    outputs = outputs_of(layer, arrays)
    ran = backward_of(layer, seeds_for(outputs) if seeds is None else seeds)
    return ran._replace(outputs=outputs)


def same(left: Ran, right: Ran, what: str) -> None:
    """Hold two runs to the same bits, NaN too."""
    for (name, a), (_, b) in zip(left.all(), right.all(), strict=True):
        assert (a is None) == (b is None), f"{what}: {name} is {a} and {b}"
        np.testing.assert_array_equal(a, b, err_msg=f"{what}: {name}", strict=True)


def close(
    left: Array | None, right: Array | None, what: str, ulps: int = 64, size: float = 0.0
) -> None:
    """Hold two arrays together within some units in the last place of the largest number.

    `size` is that of the numbers they are the difference of, where they are one.
    """
    assert left is not None and right is not None, f"{what}: no gradient"
    assert left.shape == right.shape, f"{what}: shapes {left.shape} and {right.shape}"
    room = ulps * float(np.finfo(left.dtype).eps)
    scale = max(float(np.max(np.abs(right), initial=0.0)), size)
    np.testing.assert_allclose(left, right, rtol=room, atol=room * scale, err_msg=what)


def total(arrays: Sequence[Array | None]) -> Array:
    """Return the sum of the gradients there are."""
    found: Array = np.sum([a for a in arrays if a is not None], axis=0)
    return found


class Spoiler(Elementwise):
    """y = 2 x, in place, and whatever lies in shared memory is NaN after."""

    backward_reads = frozenset()
    in_place = True

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        size = max(4096, 4 * math.prod(x.shape) * 8)
        return {f"junk{i}": Spec((size,), np.dtype(np.uint8)) for i in range(24)}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        np.multiply(x, 2.0, out=out)
        self.spoil(scratch)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        np.multiply(dy, 2.0, out=dx)
        self.spoil(scratch)

    @staticmethod
    def spoil(scratch: Any) -> None:
        for array in vars(scratch).values():
            array.fill(255)


def sweep_back(plan: Plan, gradients: Sequence[Any], wanted: frozenset[int] = frozenset()) -> Sweep:
    """Run a plan backward from the outputs' gradients (None: none); return the sweep."""
    sweep = plan.sweep(tuple(g is not None for g in gradients), wanted)
    plan.run(sweep, [g for g in gradients if g is not None])
    return sweep
