"""Rows of logits and the classes they are held to: what the cross-entropy losses share."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npnet.layers.base import Reduced
from npnet.layers.softmax import Axis, axis_of, axis_sums, exponentials, log_probabilities
from npnet.parameter import Array, floating_array
from npnet.tape import Spec

__all__ = ["Categorical"]

_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)


class Rows(NamedTuple):
    """What logits of one shape need: their class axis, C, and the numbers from class to class.

    And for each row (each label) the flat index of its class 0 and its factor in the loss.
    """

    axis: Axis
    classes: int
    step: int
    starts: Array
    factors: Array


@functools.lru_cache(maxsize=16)
def rows_of(shape: tuple[int, ...], dtype: np.dtype[Any], mean: bool) -> Rows:
    """Return the rows of logits (N, C, ...) or (C,)."""
    axis = axis_of(shape, class_axis(shape), dtype)
    before, classes, after = (*axis.matrix, 1)[:3]
    starts = np.add.outer(np.arange(before) * (classes * after), np.arange(after)).reshape(-1)
    factors = np.full(starts.size, 1 / max(starts.size, 1) if mean else 1.0, dtype)
    starts.flags.writeable = factors.flags.writeable = False
    return Rows(axis, classes, after, starts, factors)


def class_axis(shape: tuple[int, ...]) -> int:
    """Axis 1, without a batch axis 0."""
    return min(len(shape) - 1, 1)


class Categorical(Reduced):
    """What SoftmaxCrossEntropy and CrossEntropyLoss share: targets, kernels, gradients.

    With p = softmax(z) the loss of a row is -sum_c t_c w_c log p_c, times the row's factor. For a
    label t is 1 at one class only, which is looked up; smoothed labels and probabilities take the
    sum as it stands.
    """

    integer_operands = frozenset({"target"})
    kept = frozenset(
        {"exponentials", "sums", "picked", "flat", "scale", "log_p", "distribution", "mass", "rows"}
    )
    weight: Array | None

    def __init__(
        self,
        reduction: str,
        weight: ArrayLike | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        given = None if weight is None else floating_array(weight, None, self._who)
        self.register_buffer("weight", given)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    # ------------------------------------------------------------------ shapes

    def check(self, z: Spec, target: Spec) -> Spec:
        """Check the target against the logits; return the spec of the loss."""
        if not z.shape:
            raise ValueError(f"{self._who}: expected z of shape (N, C, ...) or (C,), got ()")
        axis = class_axis(z.shape)
        batch = z.shape[:axis] + z.shape[axis + 1 :]
        given = (
            f"{self._who}: expected integer labels of shape {batch} or probabilities of shape "
            f"{z.shape}, got {target.dtype} of shape {target.shape}"
        )
        if target.shape not in (batch, z.shape):
            sizes = [str(shape[0]) for shape in (z.shape, target.shape) if axis and shape]
            raise ValueError(f"{given}; the batch sizes are {' and '.join(sizes)}")
        if target.shape == batch and target.dtype.kind not in "iu":
            raise TypeError(f"{given}; labels are integers: target.astype(np.int64)")
        if target.shape == z.shape and target.dtype.kind != "f":
            raise TypeError(f"{given}; probabilities are floating: target.astype(z.dtype)")
        if self.weight is not None and self.weight.shape != (z.shape[axis],):
            raise ValueError(
                f"{self._who}: expected z with {self.weight.size} classes on axis {axis}, got "
                f"{z.shape}; weight has shape {self.weight.shape}, one number a class"
            )
        return Spec(batch if self.reduction == "none" else (), z.dtype)

    def scratch_specs(self, z: Spec, target: Spec) -> dict[str, Spec]:
        """Return what every row needs, and by the kind of target one or three arrays like z."""
        rows = rows_of(z.shape, z.dtype, False)
        row, index = Spec(rows.factors.shape, z.dtype), Spec(rows.starts.shape, _INT64)
        specs = dict.fromkeys(("sums", "peaks", "losses", "factor", "rows", "picked", "scale"), row)
        specs |= {"flat": index, "labels": index, "ignored": Spec(index.shape, np.dtype(bool))}
        specs |= {"weight": Spec((rows.classes,), z.dtype)}
        matrix = Spec(rows.axis.matrix, z.dtype)
        if target.dtype.kind == "f" or self.label_smoothing:
            return specs | dict.fromkeys(("log_p", "distribution", "work"), matrix) | {"mass": row}
        return specs | {"exponentials": matrix}

    # ------------------------------------------------------------------ kernels

    def loss_forward(self, z: Array, target: Array, loss: Array, scratch: Any) -> None:
        """Loss of a row: log(sum_c e^(z_c) / e^(z_y)), times its factor."""
        if target.dtype.kind == "f" or self.label_smoothing:
            self._distribution_forward(z, target, loss, scratch)
            return
        rows = rows_of(z.shape, z.dtype, self.reduction == "mean")
        axis, factors = rows.axis, rows.factors
        exps, sums, losses = scratch.exponentials, scratch.sums, scratch.losses
        picked, flat = scratch.picked, scratch.flat
        plain = self._look_up(target, rows, scratch)
        matrix = z if z.ndim == 2 else z.reshape(axis.matrix)
        shifted = exponentials(matrix, exps, sums, scratch.peaks, axis)
        exps.take(flat, None, picked, "clip")
        if shifted:
            # e^(z_y) may be 0 here: take the difference of the logarithms instead.
            z.take(flat, None, losses, "clip")
            with np.errstate(invalid="ignore"):
                np.subtract(losses, scratch.peaks, losses)
            np.log(sums, scratch.peaks)
            np.subtract(scratch.peaks, losses, losses)
        else:
            np.true_divide(sums, picked, losses)
            np.log(losses, losses)
        if not plain:
            factors = self._reduce(losses, self._weigh(scratch), loss, scratch)
        elif self.reduction == "none":
            np.copyto(loss.reshape(-1), losses)
        else:
            losses.dot(factors, loss)
        np.true_divide(factors, sums, scratch.scale)

    def loss_backward(
        self, dloss: Array, target: Array, dz: Array | None, dtarget: Array | None, scratch: Any
    ) -> None:
        """Dz = factor dloss (p - one_hot(y)), from p = e^z / sum."""
        if target.dtype.kind == "f" or self.label_smoothing:
            self._distribution_backward(dloss, dz, dtarget, scratch)
            return
        if dz is None:
            return
        exps, factor, gap = scratch.exponentials, scratch.factor, scratch.losses
        np.multiply(scratch.scale, dloss if dloss.ndim < 2 else dloss.reshape(-1), factor)
        if dz.ndim == 2:
            np.multiply(exps, factor[:, None], dz)
        else:
            column = rows_of(dz.shape, dz.dtype, False).axis.column
            np.multiply(exps, factor.reshape(column), dz.reshape(exps.shape))
        np.subtract(scratch.picked, scratch.sums, gap)
        np.multiply(gap, factor, gap)
        dz.put(scratch.flat, gap, "clip")

    def _distribution_forward(self, z: Array, target: Array, loss: Array, scratch: Any) -> None:
        """Loss of a row: -sum_c q_c log p_c with q_c = t_c w_c, times its factor."""
        rows = rows_of(z.shape, z.dtype, False)
        axis, smoothing = rows.axis, self.label_smoothing
        q, log_p, losses = scratch.distribution, scratch.log_p, scratch.losses
        rest = smoothing / max(rows.classes, 1)
        divisor: Any = losses.size
        scratch.rows.fill(1.0)
        scratch.ignored.fill(False)
        if target.dtype.kind == "f":
            np.multiply(target.reshape(axis.matrix), 1.0 - smoothing, out=q)
            np.add(q, rest, out=q)
        else:
            if not self._look_up(target, rows, scratch):
                divisor = self._weigh(scratch)
                np.logical_not(scratch.ignored, out=scratch.rows)
            q.fill(rest)
            losses.fill(1.0 - smoothing + rest)
            q.put(scratch.flat, losses, "clip")
        log_probabilities(z.reshape(axis.matrix), log_p, scratch.sums, scratch.peaks, axis)
        self._times_weight(q, scratch)
        axis_sums(q, scratch.mass, axis)
        with np.errstate(invalid="ignore"):
            np.multiply(q, log_p, out=scratch.work)
        axis_sums(scratch.work, losses, axis)
        np.negative(losses, losses)
        self._reduce(losses, divisor, loss, scratch)

    def _distribution_backward(
        self, dloss: Array, dz: Array | None, dtarget: Array | None, scratch: Any
    ) -> None:
        """Dz = factor dloss (p sum_c q_c - q), dtarget = -factor dloss (1 - smoothing) w log p."""
        log_p, mass = scratch.log_p, scratch.mass
        np.multiply(scratch.rows, dloss.reshape(-1), out=scratch.factor)
        column = (len(log_p), 1, *log_p.shape[2:])
        factor = scratch.factor.reshape(column)
        if dz is not None:
            matrix = dz.reshape(log_p.shape)
            np.exp(log_p, out=matrix)
            np.multiply(matrix, mass.reshape(column), out=matrix)
            np.subtract(matrix, scratch.distribution, out=matrix)
            np.multiply(matrix, factor, out=matrix)
        if dtarget is not None:
            matrix = dtarget.reshape(log_p.shape)
            np.multiply(log_p, self.label_smoothing - 1.0, out=matrix)
            self._times_weight(matrix, scratch)
            np.multiply(matrix, factor, out=matrix)

    # ------------------------------------------------------------------ rows

    def _look_up(self, target: Array, rows: Rows, scratch: Any) -> bool:
        """Write where each row's label lies in z; return whether all rows count the same.

        If not, `scratch.ignored` says which count nothing and `scratch.labels` is what to look up.
        """
        _, classes, step, starts, _ = rows
        labels = target if target.ndim == 1 else target.reshape(-1)
        if labels.dtype is not _INT64:
            np.copyto(scratch.labels, labels, casting="unsafe")
            labels = scratch.labels
        # Seen as unsigned, a negative label is a very large one: one comparison finds both.
        codes = labels.view(_UINT64)
        ignore = self.ignore_index
        if (
            codes.size
            and codes.item(codes.argmax()) < classes
            and self.weight is None
            and (ignore is None or not 0 <= ignore < classes)
        ):
            if step != 1:
                labels = np.multiply(labels, step, scratch.flat)
            np.add(labels, starts, scratch.flat)
            return True
        self._sort_out(labels, target, classes, scratch)
        np.multiply(scratch.labels, step, scratch.flat)
        np.add(scratch.flat, starts, scratch.flat)
        return False

    def _sort_out(self, labels: Array, target: Array, classes: int, scratch: Any) -> None:
        """Write which labels are ignored, and the labels with 0 in their places; check them."""
        if self.ignore_index is None:
            scratch.ignored.fill(False)
        else:
            np.equal(labels, self.ignore_index, out=scratch.ignored)
        np.copyto(scratch.labels, labels)
        np.copyto(scratch.labels, 0, where=scratch.ignored)
        codes = scratch.labels.view(_UINT64)
        if codes.size and codes.item(codes.argmax()) >= classes:
            label = target.reshape(-1)[codes >= classes][0]
            raise IndexError(
                f"{self._who}: Target {label} is out of bounds; labels of {classes} classes "
                f"are 0 to {classes - 1}"
            )

    def _weigh(self, scratch: Any) -> Any:
        """Write the weight of each row's class, 0 where it is ignored; return their sum."""
        if self.weight is None:
            scratch.rows.fill(1.0)
        else:
            np.copyto(scratch.weight, self.weight)
            scratch.weight.take(scratch.labels, None, scratch.rows, "clip")
        np.copyto(scratch.rows, 0.0, where=scratch.ignored)
        return np.add.reduce(scratch.rows)

    def _reduce(self, losses: Array, divisor: Any, loss: Array, scratch: Any) -> Array:
        """Write the loss from those of the rows; return the rows' factors."""
        rows: Array = scratch.rows
        np.copyto(losses, 0.0, where=scratch.ignored)
        if self.reduction == "none":
            np.multiply(losses, rows, out=loss.reshape(-1))
            return rows
        loss[...] = losses.dot(rows)
        if self.reduction == "mean":
            # Where every row is ignored the mean is 0 / 0 and the gradient 0, as in torch.
            with np.errstate(divide="ignore", invalid="ignore"):
                np.true_divide(loss, divisor, out=loss)
                np.true_divide(rows, divisor, out=rows)
            np.copyto(rows, 0.0, where=scratch.ignored)
        return rows

    def _times_weight(self, matrix: Array, scratch: Any) -> None:
        """Multiply by the weight of each class, in place."""
        if self.weight is not None:
            np.copyto(scratch.weight, self.weight)
            weight = scratch.weight if matrix.ndim == 2 else scratch.weight[:, None]
            np.multiply(matrix, weight, out=matrix)
