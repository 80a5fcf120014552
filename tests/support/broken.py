"""Layers with one fault each, for the checks that must find it."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Elementwise, Layer
from npnet.parameter import Parameter


class Sine(Elementwise):
    """y = sin(x), right."""

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x, out=out)

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.cos(x, out=dx)
        np.multiply(dx, dy, out=dx)


class Accumulates(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        dx += np.cos(x) * dy


class ModifiesInput(Sine):
    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x, out=out)
        x *= 0.5


class WrongSign(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(-np.cos(x), dy, out=dx)


class HandsOn(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.copyto(dx, dy)


class IgnoresOutputGradient(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.cos(x, out=dx)


class SquaresOutputGradient(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(np.cos(x), dy * dy, out=dx)


class LeavesUnwritten(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(np.cos(x[:-1]), dy[:-1], out=dx[:-1])


class SummedOverBatch(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        dx[...] = np.sum(np.cos(x) * dy, axis=0)


class KeepsOnSelf(Sine):
    """Adds a number of the pass before."""

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(np.cos(x), dy, out=dx)
        dx += self.__dict__.get("last", 0.0)
        self.__dict__["last"] = float(dy.flat[-1])


class KeepsActivations(Sine):
    """Keeps its operand in a cache of its own from forward to backward."""

    def __init__(self) -> None:
        super().__init__()
        self.cache: dict[str, Any] = {}

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x, out=out)
        self.cache["x"] = x

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(np.cos(self.cache["x"]), dy, out=dx)


class FixedDtype(Sine):
    """Says that its output is float32 whatever its operand is."""

    def infer(self, x: Spec) -> Spec:
        return Spec(x.shape, np.dtype(np.float32))


class HiddenState(Sine):
    """Draws a factor that its state_dict does not have."""

    count = 0

    def __init__(self) -> None:
        super().__init__()
        HiddenState.count += 1
        self.factor = float(HiddenState.count)

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.multiply(x, self.factor, out=out)

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(dy, self.factor, out=dx)


class OtherInEvaluation(Sine):
    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x, out=out)
        if not self.training:
            np.multiply(out, 0.5, out=out)


class NeedsRows(Sine):
    """Looks at the first row."""

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        assert np.isfinite(x[0]).all()
        np.sin(x, out=out)


class Centers(Sine):
    """y = x - the mean row, right, but rows interact."""

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.subtract(x, x.mean(axis=0), out=out)

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.subtract(dy, dy.mean(axis=0), out=dx)


class FollowsMemory(Sine):
    """Takes numbers in the order of the caller's memory."""

    def __call__(self, x: Any) -> Any:
        return super().__call__(np.ravel(x, order="K").reshape(np.shape(x)))


class ComputesInSingle(Sine):
    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        out[...] = np.sin(x.astype(np.float32))


class ReadsStaleScratch(Sine):
    def scratch_specs(self, x: Any) -> dict[str, Any]:
        return {"cosine": x}

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(scratch.cosine, dy, out=dx)
        np.cos(x, out=scratch.cosine)


class ReadsUnkept(Sine):
    """Counts on what forward left in its scratch without saying so."""

    def scratch_specs(self, x: Any) -> dict[str, Any]:
        return {"cosine": x}

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x, out=out)
        np.cos(x, out=scratch.cosine)

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(scratch.cosine, dy, out=dx)


class ReadsUndeclared(Sine):
    backward_reads = frozenset({"y"})


class UndeclaredInPlace(Sine):
    """Says that it may write over its operand, and reads it after."""

    backward_reads = frozenset({"x"})
    in_place = True

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.negative(x, out=out)
        np.multiply(out, x, out=out)

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(dy, -2.0 * x, out=dx)


class Promotes(Sine):
    """Computes in float64 whatever its operand is."""

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        out[...] = np.sin(x.astype(np.float64))


class MissingMean(Layer):
    """Mean squared error over the elements whose gradient forgets to divide."""

    scale = 2.0

    def infer(self, x: Spec, target: Spec) -> Spec:
        return Spec((), x.dtype)

    def forward_kernel(self, x: Any, target: Any, *, out: Any, scratch: Any) -> None:
        np.mean((x - target) ** 2, out=out)

    def backward_kernel(
        self, dy: Any, x: Any, target: Any, y: Any, *, dx: Any, dtarget: Any, scratch: Any
    ) -> None:
        if dx is not None:
            np.multiply(x - target, self.scale * dy, out=dx)
        if dtarget is not None:
            np.multiply(target - x, 2.0 / x.size * dy, out=dtarget)


class DividesTwice(MissingMean):
    def backward_kernel(
        self, dy: Any, x: Any, target: Any, y: Any, *, dx: Any, dtarget: Any, scratch: Any
    ) -> None:
        if dx is not None:
            np.multiply(x - target, 2.0 / x.size**2 * dy, out=dx)
        if dtarget is not None:
            np.multiply(target - x, 2.0 / x.size * dy, out=dtarget)


class Product(Layer):
    """y = x @ weight.T + bias, right."""

    def __init__(self, rows: int = 3, columns: int = 3) -> None:
        super().__init__()
        random = np.random.default_rng(7)
        self.weight = Parameter(random.normal(size=(rows, columns)).astype(np.float32))
        self.bias = Parameter(random.normal(size=rows).astype(np.float32))

    def infer(self, x: Spec, weight: Spec, bias: Spec) -> Spec:
        return Spec((*x.shape[:-1], weight.shape[0]), x.dtype)

    def forward_kernel(self, x: Any, weight: Any, bias: Any, *, out: Any, scratch: Any) -> None:
        np.matmul(x, weight.T, out=out)
        np.add(out, bias, out=out)

    def weight_gradient(self, dy: Any, x: Any, dweight: Any) -> None:
        np.matmul(dy.T, x, out=dweight)

    def bias_gradient(self, dy: Any, dbias: Any) -> None:
        np.sum(dy, axis=0, out=dbias)

    def backward_kernel(
        self,
        dy: Any,
        x: Any,
        weight: Any,
        bias: Any,
        y: Any,
        *,
        dx: Any,
        dweight: Any,
        dbias: Any,
        scratch: Any,
    ) -> None:
        if dx is not None:
            np.matmul(dy, weight, out=dx)
        if dweight is not None:
            self.weight_gradient(dy, x, dweight)
        if dbias is not None:
            self.bias_gradient(dy, dbias)


class Transposed(Product):
    def weight_gradient(self, dy: Any, x: Any, dweight: Any) -> None:
        dweight[...] = (x.T @ dy).reshape(dweight.shape)


class NotSummedOverBatch(Product):
    def bias_gradient(self, dy: Any, dbias: Any) -> None:
        dbias[...] = dy[-1]


class AllOrNothing(Product):
    """Writes dx only where the weight's gradient is asked for as well."""

    def backward_kernel(
        self,
        dy: Any,
        x: Any,
        weight: Any,
        bias: Any,
        y: Any,
        *,
        dx: Any,
        dweight: Any,
        dbias: Any,
        scratch: Any,
    ) -> None:
        if dweight is not None:
            super().backward_kernel(
                dy, x, weight, bias, y, dx=dx, dweight=dweight, dbias=dbias, scratch=scratch
            )


class AssumesOrder(Sine):
    """Writes its gradient through a flat view, which is a copy where memory is not in C order."""

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        np.multiply(np.cos(x), dy, out=dx)
        np.negative(dx, out=dx)
        flat = dx.reshape(-1)
        np.negative(flat, out=flat)


class CountsInSilence(Sine):
    """Changes a buffer, and does not say so."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", np.zeros(1))

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x, out=out)
        self._buffers["calls"] += 1.0  # type: ignore[operator]


class PutsBackTooLittle(CountsInSilence):
    """Says so, and leaves it."""

    def has_effects(self) -> bool:
        return True

    def save(self, scratch: Any) -> None:
        scratch.before = 0.0

    def restore(self, scratch: Any) -> None:
        scratch.before = 1.0


class Zero(Sine):
    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        dx.fill(0.0)


class ReadsStaleOutput(Sine):
    """Leaves the first row of its output as it was."""

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        np.sin(x[1:], out=out[1:])


class Fragile(Sine):
    """Raises for large operands."""

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        if (x > 50.0).any():
            raise ArithmeticError("too large")
        np.sin(x, out=out)


class OfOneRow(Product):
    """Writes an array of the rows' shape into the bias's gradient."""

    def bias_gradient(self, dy: Any, dbias: Any) -> None:
        np.copyto(dbias, dy)


class WideTransposed(Transposed):
    def __init__(self) -> None:
        super().__init__(3, 2)
