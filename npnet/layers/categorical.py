"""Rows of logits and the classes they are held to: what the cross-entropy losses share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npnet.kernel import Spec
from npnet.layers.base import Reduced
from npnet.layers.softmax import Axis, axis_of, exponentials, log_probabilities, sum_along
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["Categorical", "Rows", "label_index"]

_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)

_ONE_LOGIT = "for one logit and the labels 0 and 1 use BCEWithLogitsLoss"


class Rows(NamedTuple):
    """The rows of logits (N, C, ...) or (C,): one for each label.

    `step` numbers lie between one class of a row and the next, `starts` has the flat index of
    every row's class 0, `factors` its factor in the loss where all rows count the same. That they
    do is for the labels to say, unless `alike` is false; `looked_up` says that only the logits of
    labels matter.
    """

    axis: Axis
    classes: int
    step: int
    starts: Array
    factors: Array
    alike: bool
    looked_up: bool


def class_axis(shape: tuple[int, ...]) -> int:
    """Axis 1, without a batch axis 0."""
    return min(len(shape) - 1, 1)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes that are longer or shorter than 1."""
    return tuple(length for length in shape if length != 1)


def label_index(value: Any, who: str) -> int:
    """Return `value` as a label, or say that it is none; torch's size_average stood here."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{who}: expected an integer ignore_index, got {value!r}")
    return int(value)


def shifted_losses(z: Array, scratch: Any) -> None:
    """Write log sum_c e^(z_c) - z_y where the exponentials were shifted: e^(z_y) may be 0."""
    losses = scratch.losses
    z.take(scratch.flat, None, losses, "clip")
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(losses, scratch.peaks, losses)
    np.log(scratch.sums, scratch.peaks)
    np.subtract(scratch.peaks, losses, losses)


class Categorical(Reduced):
    """What the losses of labels share: targets, look-up and, for those of logits, kernels.

    With p = softmax(z) the loss of a row is -sum_c t_c w_c log p_c, times the row's factor. For a
    label t is 1 at one class only, which is looked up; smoothed labels and probabilities take the
    sum as it stands.
    """

    integer_operands = frozenset({"target"})
    kept = frozenset(
        {"exponentials", "sums", "picked", "flat", "scale", "log_p", "distribution", "mass", "rows"}
    )
    weight: Array | None
    #: Whether the target may be probabilities.
    distributions = True

    def __init__(
        self,
        reduction: str,
        weight: ArrayLike | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.register_factor("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    # ------------------------------------------------------------------ shapes

    def check(self, z: Spec, target: Spec) -> Spec:
        """Check the target against the logits; return the spec of the loss."""
        name = self.operand_names[0]
        if not z.shape:
            raise ValueError(f"{self._who}: expected {name} of shape (N, C, ...) or (C,), got ()")
        axis = class_axis(z.shape)
        batch = z.shape[:axis] + z.shape[axis + 1 :]
        # The label of a vector may have an axis of its own, as in torch.
        labels = target.shape in (batch, batch or (1,)) and target.dtype.kind in "iu"
        if self.distributions and target.shape == z.shape:
            labels = target.dtype.kind == "f"
        if not labels:
            raise self._misfit(z.shape, target, axis, batch)
        if self.weight is not None and self.weight.shape != (z.shape[axis],):
            raise ValueError(
                f"{self._who}: expected {name} with {self.weight.size} classes on axis {axis}, got "
                f"{z.shape}; weight has shape {self.weight.shape}, one number a class"
            )
        return Spec(batch if self.reduction == "none" else (), z.dtype)

    def _misfit(
        self, z: tuple[int, ...], target: Spec, axis: int, batch: tuple[int, ...]
    ) -> Exception:
        """Return the error of a target that has neither labels nor probabilities of these rows."""
        shape, floating = target.shape, target.dtype.kind == "f"
        kind: type[Exception] = ValueError
        sizes = [str(sized[0]) for sized in (z, shape) if axis and sized]
        fits = shape in (batch, batch or (1,))
        if z[axis] == 1 and (fits or shape == z):
            kind, mend = TypeError, _ONE_LOGIT
        elif shape == z:
            kind = TypeError if self.distributions else ValueError
            mend = f"of one-hot vectors, the labels are target.argmax({axis})"
            if self.distributions:
                mend += "; probabilities are floating: target.astype(float)"
        elif fits:
            kind, mend = TypeError, "labels are integers: target.astype(np.int64)"
        elif floating and z == shape[:1] + shape[2:]:
            mend = "input and target seem to be swapped: the labels come second"
        elif _without_ones(shape) == _without_ones(batch):
            mend = f"target.reshape({batch}) fits"
        elif len(set(sizes)) > 1:
            mend = f"the batch sizes are {' and '.join(sizes)}"
        else:
            mend = f"the classes are on axis {axis}"
        other = f" or probabilities of shape {z}" if self.distributions else ""
        # Floating numbers have become those of the logits; which they were is not known here.
        got = "floating numbers" if floating else target.dtype
        return kind(
            f"{self._who}: expected integer labels of shape {batch}{other}, got {got} of shape "
            f"{shape}; {mend}"
        )

    def scratch_specs(self, z: Spec, target: Spec) -> dict[str, Any]:
        """Return the rows, what each needs, and one or three arrays like z."""
        rows = self._rows(z, target)
        row, index = Spec(rows.factors.shape, z.dtype), Spec(rows.starts.shape, _INT64)
        specs: dict[str, Any] = {"layout": rows, "weight": Spec((rows.classes,), z.dtype)}
        for name in ("sums", "peaks", "losses", "factor", "rows", "picked", "scale", "mass"):
            specs[name] = row
        specs |= {"flat": index, "labels": index, "ignored": Spec(index.shape, np.dtype(bool))}
        matrices = ("exponentials",) if rows.looked_up else ("log_p", "distribution", "work")
        return specs | dict.fromkeys(matrices, Spec(rows.axis.matrix, z.dtype))

    def _rows(self, z: Spec, target: Spec) -> Rows:
        """Return the rows of z."""
        axis = axis_of(z.shape, class_axis(z.shape), z.dtype)
        before, classes, after = (*axis.matrix, 1)[:3]
        starts = np.add.outer(np.arange(before) * (classes * after), np.arange(after)).reshape(-1)
        share = 1 / max(starts.size, 1) if self.reduction == "mean" else 1.0
        ignores = self.ignore_index is not None and 0 <= self.ignore_index < classes
        alike = self.weight is None and not ignores and starts.size > 0
        looked_up = target.dtype.kind != "f" and not self.label_smoothing
        factors = np.full(starts.size, share, z.dtype)
        return Rows(axis, classes, after, starts, factors, alike, looked_up)

    # ------------------------------------------------------------------ kernels

    def loss_forward(
        self, z: Array, target: Array, loss: Array, scratch: Any
    ) -> Callable[[], None]:
        """Return a call: loss of a row = log(sum_c e^(z_c) / e^(z_y)), times its factor."""
        rows: Rows = scratch.layout
        if not rows.looked_up:
            return partial(self._distribution_forward, z, target, loss, scratch)
        exps, sums, losses = scratch.exponentials, scratch.sums, scratch.losses
        picked, flat, scale, take = scratch.picked, scratch.flat, scratch.scale, exps.take
        look_up = self._look_up(target, rows, scratch)
        matrix = z.reshape(rows.axis.matrix)
        exponentiate = exponentials(matrix, exps, sums, scratch.peaks, rows.axis)
        factors, divide, log = rows.factors, np.true_divide, np.log
        whole = loss.reshape(-1) if self.reduction == "none" else None

        def call() -> None:
            alike = look_up()
            shifted = exponentiate()
            take(flat, None, picked, "clip")
            if shifted:
                shifted_losses(z, scratch)
            else:
                divide(sums, picked, losses)
                log(losses, losses)
            if not alike:
                divide(self._reduce(losses, self._weigh(scratch), loss, scratch), sums, scale)
                return
            if whole is None:
                losses.dot(factors, loss)
            else:
                np.copyto(whole, losses)
            divide(factors, sums, scale)

        return call

    def loss_backward(
        self, dloss: Array, dz: Array | None, dtarget: Array | None, scratch: Any
    ) -> Iterator[Call]:
        """List calls that write dz = factor dloss (p - one_hot(y)), from p = e^z / sum."""
        if not scratch.layout.looked_up:
            yield partial(self._distribution_backward, dloss, dz, dtarget, scratch)
            return
        if dz is None:
            return
        exps, factor, gap, at_label = (
            scratch.exponentials,
            scratch.factor,
            scratch.losses,
            scratch.peaks,
        )
        column = factor.reshape(scratch.layout.axis.column)
        yield partial(np.multiply, scratch.scale, dloss.reshape(-1), factor)
        yield partial(np.multiply, exps, column, dz.reshape(exps.shape))
        yield partial(np.subtract, scratch.picked, scratch.sums, gap)
        yield partial(np.multiply, gap, factor, at_label)
        yield partial(dz.put, scratch.flat, at_label, "clip")

    def _distribution_forward(self, z: Array, target: Array, loss: Array, scratch: Any) -> None:
        """Loss of a row: -sum_c q_c log p_c with q_c = t_c w_c, times its factor."""
        rows: Rows = scratch.layout
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
            if not self._look_up(target, rows, scratch)():
                divisor = self._weigh(scratch)
                np.logical_not(scratch.ignored, out=scratch.rows)
            q.fill(rest)
            losses.fill(1.0 - smoothing + rest)
            q.put(scratch.flat, losses, "clip")
        log_probabilities(z.reshape(axis.matrix), log_p, scratch.sums, scratch.peaks, axis)
        self._times_weight(q, scratch)
        sum_along(q, scratch.mass, axis)()
        with np.errstate(invalid="ignore"):
            np.multiply(q, log_p, out=scratch.work)
        sum_along(scratch.work, losses, axis)()
        np.negative(losses, losses)
        self._reduce(losses, divisor, loss, scratch)

    def _distribution_backward(
        self, dloss: Array, dz: Array | None, dtarget: Array | None, scratch: Any
    ) -> None:
        """Write dz = factor dloss (p sum_c q_c - q), and dtarget.

        dtarget = -factor dloss (1 - smoothing) w log p
        """
        log_p, column = scratch.log_p, scratch.layout.axis.column
        np.multiply(scratch.rows, dloss.reshape(-1), out=scratch.factor)
        factor = scratch.factor.reshape(column)
        if dz is not None:
            matrix = dz.reshape(log_p.shape)
            np.exp(log_p, out=matrix)
            np.multiply(matrix, scratch.mass.reshape(column), out=matrix)
            np.subtract(matrix, scratch.distribution, out=matrix)
            np.multiply(matrix, factor, out=matrix)
        if dtarget is not None:
            matrix = dtarget.reshape(log_p.shape)
            np.multiply(log_p, self.label_smoothing - 1.0, out=matrix)
            self._times_weight(matrix, scratch)
            np.multiply(matrix, factor, out=matrix)

    # ------------------------------------------------------------------ rows

    def _look_up(self, target: Array, rows: Rows, scratch: Any) -> Callable[[], bool]:
        """Return a call that writes where each row's label lies in z.

        It says whether all rows count the same. If not, `scratch.ignored` says which count nothing
        and `scratch.labels` is what to look up.
        """
        given = target.reshape(-1)
        as_is = given.dtype == _INT64
        labels = given if as_is else scratch.labels
        # Seen as unsigned, a negative label is a very large one: one comparison finds both.
        codes = labels.view(_UINT64)
        item, largest = codes.item, codes.argmax
        classes, step, starts, flat = rows.classes, rows.step, rows.starts, scratch.flat

        def call() -> bool:
            if not as_is:
                np.copyto(labels, given, casting="unsafe")
            alike = rows.alike and item(largest()) < classes
            valid = labels
            if not alike:
                self._sort_out(labels, target, classes, scratch)
                valid = scratch.labels
            if step != 1:
                valid = np.multiply(valid, step, flat)
            np.add(valid, starts, flat)
            return alike

        return call

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
            rule = f"labels of {classes} classes are 0 to {classes - 1}"
            if classes == 1:
                rule = f"the only label of 1 class is 0; {_ONE_LOGIT}"
            raise IndexError(f"{self._who}: Target {label} is out of bounds; {rule}")

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
        with np.errstate(all="ignore"):
            if self.reduction == "none":
                np.multiply(losses, rows, out=loss.reshape(-1))
                return rows
            loss[...] = losses.dot(rows)
            if self.reduction == "mean":
                # Where every row is ignored the mean is 0 / 0 and the gradient 0, as in torch.
                np.true_divide(loss, divisor, out=loss)
                np.true_divide(rows, divisor, out=rows)
        np.copyto(rows, 0.0, where=scratch.ignored)
        return rows

    def _times_weight(self, matrix: Array, scratch: Any) -> None:
        """Multiply by the weight of each class, in place."""
        if self.weight is not None:
            np.copyto(scratch.weight, self.weight)
            weight = scratch.weight if matrix.ndim == 2 else scratch.weight[:, None]
            with np.errstate(invalid="ignore"):  # 0 times an infinite logarithm
                np.multiply(matrix, weight, out=matrix)
