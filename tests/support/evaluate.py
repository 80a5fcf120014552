"""The numbers an equation of npnet.inspect stands for, by NumPy alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from npnet.inspect import expressions as e

__all__ = ["evaluate"]

FUNCTIONS = {
    "exp": np.exp,
    "ln": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
    "σ": special.expit,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "Φ": special.ndtr,
    "φ": lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
}
RELATIONS = {
    ">": np.greater,
    "<": np.less,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "!=": np.not_equal,
    "==": np.equal,
}


def evaluate(expression: e.Expr, values: Mapping[str, Any], shape: Any = None) -> Any:
    """Return the value of an expression; the gradient dx is called "dx" among the values.

    `shape`, where it is known, is what comes out: between vectors it tells the outer product.
    """
    return _Evaluator(values, shape).of(expression)


class _Evaluator:
    """Walks an expression."""

    def __init__(self, values: Mapping[str, Any], shape: Any) -> None:
        self.values, self.shape = values, shape

    def of(self, x: e.Expr) -> Any:
        return getattr(self, type(x).__name__.lower())(x)

    def symbol(self, x: e.Symbol) -> Any:
        return np.pi if x.name == "π" else self.values[x.name]

    def number(self, x: e.Number) -> Any:
        return x.value

    def gradient(self, x: e.Gradient) -> Any:
        return self.values["d" + x.of.name]

    def sum(self, x: e.Sum) -> Any:
        return sum(self.of(term) for term in x.terms)

    def neg(self, x: e.Neg) -> Any:
        return -self.of(x.operand)

    def product(self, x: e.Product) -> Any:
        result: Any = 1.0
        for factor in x.factors:
            result = result * self.of(factor)
        return result

    def quotient(self, x: e.Quotient) -> Any:
        return self.of(x.over) / self.of(x.under)

    def power(self, x: e.Power) -> Any:
        return self.of(x.base) ** self.of(x.exponent)

    def transpose(self, x: e.Transpose) -> Any:
        value = self.of(x.operand)
        return value if value.ndim < 2 else np.swapaxes(value, -1, -2)

    def matproduct(self, x: e.MatProduct) -> Any:
        left, right = (self.of(factor) for factor in x.factors)
        shape, transposed = self.shape, isinstance(x.factors[0], e.Transpose)
        if left.ndim == right.ndim == 1 and shape is not None and len(shape) == 2:
            return np.outer(left, right)
        if transposed and shape is not None and left.ndim > len(shape) == 2:
            # Rows are all axes but the last; the transpose has exchanged the last two.
            rows = np.swapaxes(left, -1, -2).reshape(-1, shape[0])
            return rows.T @ right.reshape(-1, shape[1])
        return left @ right

    def abs(self, x: e.Abs) -> Any:
        return np.abs(self.of(x.operand))

    def norm(self, x: e.Norm) -> Any:
        return np.sqrt((self.of(x.operand) ** 2).sum())

    def call(self, x: e.Call) -> Any:
        if hasattr(self, f"_{x.function}"):
            return getattr(self, f"_{x.function}")(*x.arguments)
        return FUNCTIONS[x.function](*map(self.of, x.arguments))

    def reduction(self, x: e.Reduction) -> Any:
        array = np.asarray(_Evaluator(self.values, None).of(x.operand))
        reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}[x.kind]
        result = reduce(array, axis=x.axes, keepdims=x.keeps)
        return result if x.shape is None else np.reshape(result, x.shape)

    def indexed(self, x: e.Indexed) -> Any:
        array = self.of(x.operand)
        if isinstance(x.index, e.Words):
            return eval(f"array[{x.index.text}]")
        index = np.asarray(self.of(x.index)).reshape(-1) if array.ndim == 1 else self.of(x.index)
        index = np.maximum(np.asarray(index, np.int64), 0)
        if x.operand.__class__ is e.Symbol and x.operand.name in ("W", "weight"):
            looked_up = array[index]
            return looked_up.reshape(np.shape(self.of(x.index)) + array.shape[1:])
        if array.ndim == 1:
            return array[int(index[0])]
        return np.take_along_axis(array, np.expand_dims(index, 1), 1).squeeze(1)

    def condition(self, x: e.Condition) -> Any:
        return RELATIONS[x.relation](self.of(x.left), self.of(x.right)).astype(float)

    def cases(self, x: e.Cases) -> Any:
        return np.where(self.of(x.condition) > 0, self.of(x.then), self.of(x.otherwise))

    # ------------------------------------------------------------------ functions of their own

    def _axis(self, words: tuple[e.Expr, ...]) -> int:
        return int(words[0].text.split()[-1]) if words else -1  # type: ignore[attr-defined]

    def _softmax(self, x: e.Expr, *words: e.Expr) -> Any:
        value = np.asarray(self.of(x))
        return special.softmax(value, axis=self._axis(words) if value.ndim else None)

    def _one_hot(self, y: e.Expr, *words: e.Expr) -> Any:
        labels, classes = np.asarray(self.of(y)), self.values["classes"]
        if any(self.values[n].ndim == 1 for n in ("dz", "dx") if n in self.values):
            labels = labels.reshape(())
        rows = (labels[..., None] == np.arange(classes)).astype(float)
        return np.moveaxis(rows, -1, self._axis(words)) if rows.ndim > 1 else rows

    def _column(self, row: e.Expr, *words: e.Expr) -> Any:
        return np.expand_dims(self.of(row), self._axis(words))

    def _row(self, row: e.Expr, *words: e.Expr) -> Any:
        value = self.of(row)
        axes = self.values["dz"].ndim - 1 - self._axis(words) if words else 0
        return value.reshape(value.shape + (1,) * axes)

    def _repeat(self, dy: e.Expr, *words: e.Expr) -> Any:
        value, axes = np.asarray(self.of(dy)), ()
        if words:
            axes = tuple(int(n) for n in re.findall(r"\d+", words[0].text))  # type: ignore[attr-defined]
        if self.shape is not None and value.ndim < len(self.shape):
            value = np.expand_dims(value, axes or tuple(range(len(self.shape) - value.ndim)))
        return np.broadcast_to(value, self.shape)

    def _reshape(self, x: e.Expr, words: e.Expr) -> Any:
        return np.reshape(self.of(x), eval(words.text))  # type: ignore[attr-defined]

    def _axes(self, words: e.Expr) -> tuple[int, ...]:
        return tuple(int(n) for n in re.findall(r"-?\d+", words.text))  # type: ignore[attr-defined]

    def _transpose(self, x: e.Expr, words: e.Expr) -> Any:
        return np.swapaxes(self.of(x), *self._axes(words))

    def _permute(self, x: e.Expr, words: e.Expr) -> Any:
        return np.transpose(self.of(x), self._axes(words))

    def _scatter(self, dy: e.Expr, index: e.Expr, shape: e.Expr) -> Any:
        result = np.zeros(eval(shape.text))  # type: ignore[attr-defined]
        exec(f"result{index.text} = dy", {"result": result, "dy": self.of(dy)})  # type: ignore[attr-defined]
        return result

    def _scatter_add(self, dy: e.Expr, index: e.Expr, shape: e.Expr) -> Any:
        result = np.zeros(eval(shape.text))  # type: ignore[attr-defined]
        np.add.at(result, eval(f"np.s_{index.text}"), self.of(dy))  # type: ignore[attr-defined]
        return result

    def _concatenate(self, *arguments: e.Expr) -> Any:
        *arrays, words = arguments
        return np.concatenate([self.of(a) for a in arrays], self._axis((words,)))

    def _einsum(self, words: e.Expr, *arrays: e.Expr) -> Any:
        letters = words.text.replace(" ", "").replace("→", "->")  # type: ignore[attr-defined]
        return np.einsum(letters, *map(self.of, arrays))

    def _count(self, x: e.Expr) -> Any:
        indices = self.of(x)
        return (indices[..., None] == indices.reshape(-1)).sum(-1)[..., None]
