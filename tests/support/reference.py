"""Independent oracles: a tiny reverse-mode evaluator in float64, programs, and test layers.

Nothing here uses npnet's tape, plan or kernels, except the test layers at the end, which are
written to be looked at from outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npnet.kernel import Spec
from npnet.layers.base import Layer

Array = NDArray[np.float64]
Pull = Callable[[Array], Array]


class Variable:
    """A float64 array, and how its gradient flows on to what it was computed from."""

    def __init__(self, value: ArrayLike, parents: Sequence[tuple[Variable, Pull]] = ()) -> None:
        self.value: Array = np.array(value, dtype=np.float64)
        self.parents = tuple(parents)
        self.grad: Array = np.zeros_like(self.value)

    def __add__(self, other: Variable) -> Variable:
        return Variable(self.value + other.value, [_same(self), _same(other)])

    def __sub__(self, other: Variable) -> Variable:
        return Variable(self.value - other.value, [_same(self), (other, lambda g: -g)])

    def __mul__(self, other: Variable) -> Variable:
        a, b = self.value, other.value
        return Variable(a * b, [(self, lambda g: g * b), (other, lambda g: g * a)])

    def __truediv__(self, other: Variable) -> Variable:
        a, b = self.value, other.value
        return Variable(a / b, [(self, lambda g: g / b), (other, lambda g: -g * a / b**2)])


def _same(variable: Variable) -> tuple[Variable, Pull]:
    return variable, lambda g: g


def unary(value: Array, slope: Array, x: Variable) -> Variable:
    """Return an elementwise function of x, given its value and slope at every place."""
    return Variable(value, [(x, lambda g: g * slope)])


def linear(x: Variable, weight: Variable, bias: Variable | None) -> Variable:
    """Return y_bo = sum_i x_bi w_oi + b_o, by einsum."""
    value = np.einsum("...i,oi->...o", x.value, weight.value)
    parents: list[tuple[Variable, Pull]] = [
        (x, lambda g: np.einsum("...o,oi->...i", g, weight.value)),
        (weight, lambda g: np.einsum("bo,bi->oi", _rows(g), _rows(x.value))),
    ]
    if bias is not None:
        value = value + bias.value
        parents.append((bias, lambda g: _rows(g).sum(0)))
    return Variable(value, parents)


def _rows(x: Array) -> Array:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def total(x: Variable) -> Variable:
    """Return the sum of all elements."""
    return Variable(math.fsum(x.value.ravel()), [(x, lambda g: np.full(x.value.shape, float(g)))])


def backward(seeds: Sequence[tuple[Variable, ArrayLike]]) -> None:
    """Add into `grad` of everything behind the seeded variables, each visited once."""
    order: list[Variable] = []
    seen: set[int] = set()

    def visit(variable: Variable) -> None:
        if id(variable) not in seen:
            seen.add(id(variable))
            for parent, _ in variable.parents:
                visit(parent)
            order.append(variable)

    for variable, _ in seeds:
        visit(variable)
    for variable, seed in seeds:
        variable.grad = variable.grad + np.asarray(seed, np.float64)
    for variable in reversed(order):
        for parent, pull in variable.parents:
            gradient = pull(variable.grad)
            extra = gradient.ndim - parent.value.ndim
            gradient = gradient.sum(axis=tuple(range(extra)))
            stretched = [
                axis
                for axis, n in enumerate(parent.value.shape)
                if n == 1 and gradient.shape[axis] != 1
            ]
            parent.grad = parent.grad + gradient.sum(axis=tuple(stretched), keepdims=True)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)) for moderate x."""
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


#: What a line of a Program may be, on Variables: `operation(x, second operand)`.
OPERATIONS: dict[str, Callable[[Variable, Variable], Variable]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (b * b + Variable(2.0)),
    "relu": lambda a, _: unary(np.maximum(a.value, 0), (a.value > 0).astype(float), a),
    "tanh": lambda a, _: unary(np.tanh(a.value), 1 - np.tanh(a.value) ** 2, a),
    "sigmoid": lambda a, _: unary(sigmoid(a.value), sigmoid(a.value) * (1 - sigmoid(a.value)), a),
    "abs": lambda a, _: unary(np.abs(a.value), np.sign(a.value), a),
    "negate": lambda a, _: unary(-a.value, np.full_like(a.value, -1.0), a),
    "scale": lambda a, _: unary(a.value * 0.75, np.full_like(a.value, 0.75), a),
    "square": lambda a, _: unary(a.value**2 / 4, a.value / 2, a),
    "exp": lambda a, _: unary(np.exp(np.tanh(a.value)), _exp_tanh_slope(a.value), a),
    "identity": lambda a, _: unary(a.value.copy(), np.ones_like(a.value), a),
}

#: Operations whose slope jumps at 0.
KINKED = ("relu", "abs")


def _exp_tanh_slope(x: Array) -> Array:
    return np.asarray(np.exp(np.tanh(x)) * (1 - np.tanh(x) ** 2))


class Line(NamedTuple):
    """One operation on two earlier values, the first counted back from the newest (0)."""

    operation: str
    first: int
    second: int


class Program(NamedTuple):
    """Leaves (two inputs, two parameters), then a value a line; outputs count back as well."""

    lines: tuple[Line, ...]
    outputs: tuple[int, ...]


LEAVES = 4


def newest(values: Sequence[Any], back: int) -> Any:
    """Return the value that stands `back` places before the newest."""
    return values[-1 - back % len(values)]


def run_program(program: Program, leaves: Sequence[Any], table: dict[str, Any]) -> list[Any]:
    """Return all values of a program over any number system, leaves first."""
    values = list(leaves)
    for line in program.lines:
        first, second = newest(values, line.first), values[line.second % len(values)]
        values.append(table[line.operation](first, second))
    return values


class Total(Layer):
    """The sum of all elements, in a kernel of its own."""

    backward_reads = frozenset()

    def infer(self, x: Spec) -> Spec:
        return Spec((), x.dtype)

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sum(x, out=out)

    def backward_kernel(self, dy: Any, x: None, y: None, *, dx: Any, scratch: Any) -> None:
        dx[...] = dy


class SinCos(Layer):
    """Two outputs: sin x and cos x; each reads the other one's value in backward."""

    output_count = 2
    backward_reads = frozenset({"y"})

    def infer(self, x: Spec) -> tuple[Spec, Spec]:
        return x, x

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x, out=out[0])
        np.cos(x, out=out[1])

    def backward_kernel(self, dy: Any, x: None, y: Any, *, dx: Any, scratch: Any) -> None:
        dx[...] = 0
        if dy[0] is not None:
            dx += dy[0] * y[1]
        if dy[1] is not None:
            dx -= dy[1] * y[0]


class Spy(Layer):
    """Identity that notes what its kernels were given."""

    backward_reads = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["seen"] = []

    def infer(self, x: Spec) -> Spec:
        return x

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        self.seen.append(("forward", x.copy()))
        out[...] = x

    def backward_kernel(self, dy: Any, x: None, y: None, *, dx: Any, scratch: Any) -> None:
        self.seen.append(("backward", dy.copy()))
        dx[...] = dy


class Strict(Layer):
    """Identity that refuses negative numbers when it runs, and a gradient of 13 in backward."""

    backward_reads = frozenset()

    def infer(self, x: Spec) -> Spec:
        return x

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        if (x < 0).any():
            raise ValueError("Strict: expected numbers >= 0, got a negative one")
        out[...] = x

    def backward_kernel(self, dy: Any, x: None, y: None, *, dx: Any, scratch: Any) -> None:
        if (dy == 13).any():
            raise ValueError("Strict: expected a gradient other than 13")
        dx[...] = dy


class Case(NamedTuple):
    """A program with numbers: four leaves, the weights of two shared layers, output gradients."""

    program: Program
    leaves: tuple[Array, ...]
    weights: tuple[Array, ...]
    seeds: tuple[Array | None, ...]


def reference_table(weights: Sequence[Variable], shift: Variable) -> dict[str, Any]:
    """Return the operations on Variables; "linear1" has the weight of "linear0" and a leaf."""
    first, bias, second = weights
    table: dict[str, Any] = dict(OPERATIONS)
    table["linear0"] = lambda a, _: linear(a, first, bias)
    table["linear1"] = lambda a, _: linear(a, first, shift)
    table["matmul"] = lambda a, _: linear(a, second, None)
    table["wave"] = lambda a, b: (
        unary(np.sin(a.value), np.cos(a.value), a) + unary(np.cos(a.value), -np.sin(a.value), a) * b
    )
    return table


class Answer(NamedTuple):
    """What the reference says: all values with gradients, the weights, and how near a kink."""

    values: list[Variable]
    weights: list[Variable]
    outputs: list[Variable]
    margin: float


def answer(case: Case) -> Answer:
    """Evaluate a case in float64: outputs are the chosen values, the last one summed to a scalar.

    The first output also adds all leaves, so that none is unused.
    """
    leaves = [Variable(leaf) for leaf in case.leaves]
    weights = [Variable(weight) for weight in case.weights]
    values = run_program(case.program, leaves, reference_table(weights, leaves[3]))
    outputs = [newest(values, back) for back in case.program.outputs]
    x, y, p, q = leaves
    outputs[0] = outputs[0] + (x + y) * (p + q)
    outputs.append(total(outputs[-1]))
    seeds = [(o, s) for o, s in zip(outputs, case.seeds, strict=True) if s is not None]
    backward(seeds)
    margin = math.inf
    for number, line in enumerate(case.program.lines):
        if line.operation in KINKED:
            read = np.abs(newest(values[: number + LEAVES], line.first).value)
            margin = min(margin, float(read[read > 0].min(initial=math.inf)))
    return Answer(values, weights, outputs, margin)
