"""Normalization of each channel over the batch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from npnet.contraction import Contraction
from npnet.kernel import Spec
from npnet.layers.activation import printable
from npnet.layers.base import Layer
from npnet.layers.normalization import check_shape, filled
from npnet.layers.sizes import size_number
from npnet.parameter import Array, Parameter

__all__ = ["BatchNorm1d"]

_ROW_SUM = Contraction("bo->o").kernel


class Channels(NamedTuple):
    """How x is seen: as `shape` (N, C) or (N, C, L), one number a channel as `column`.

    `size` numbers are in a channel; `ones` sums over L. `batch` says that mean and variance are
    the batch's own, `tracked` that they are noted for evaluation.
    """

    shape: tuple[int, ...]
    column: tuple[int, ...]
    size: int
    ones: Array | None
    batch: bool
    tracked: bool

    def sums(self, array: Array, out: Array, scratch: Any) -> None:
        """Write the sum of each channel's numbers."""
        if self.ones is not None:
            rows = scratch.rows.reshape(-1)
            array.reshape(rows.size, self.ones.size).dot(self.ones, rows)
            array = scratch.rows
        _ROW_SUM(array, out=out)

    def means(self, array: Array, out: Array, scratch: Any) -> None:
        """Write the mean of each channel's numbers, 0 where there are none."""
        self.sums(array, out, scratch)
        np.true_divide(out, max(self.size, 1), out)


class BatchNorm(Layer):
    """What BatchNorm1d and functional.batch_norm share: everything but whose the parts are.

    x is (N, C, ...); buffers that are None are not followed, and without them the batch's mean and
    variance are taken in evaluation too.
    """

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Array | None
    running_var: Array | None
    num_batches_tracked: Array | None
    backward_reads = frozenset({"x", "weight"})
    kept = frozenset({"mean", "scale"})

    def __init__(self, eps: float, momentum: float | None, track_running_stats: bool) -> None:
        super().__init__()
        self.eps = printable(eps, self._who, "eps")
        if momentum is not None:
            momentum = printable(momentum, self._who, "momentum")
        self.momentum, self.track_running_stats = momentum, track_running_stats

    # ------------------------------------------------------------------ modes

    @property
    def _takes_batch(self) -> bool:
        """Whether mean and variance are the batch's."""
        return self.training or self.running_mean is None or self.running_var is None

    def has_effects(self) -> bool:
        """Whether the buffers follow the batches."""
        return self.training and self.track_running_stats and bool(self._tracked())

    def save(self, scratch: Any) -> None:
        """Copy the buffers."""
        scratch.before = [buffer.copy() for buffer in self._tracked()]

    def restore(self, scratch: Any) -> None:
        """Set them to what they were."""
        for buffer, before in zip(self._tracked(), scratch.before, strict=True):
            np.copyto(buffer, before)

    def _tracked(self) -> list[Array]:
        """Return the buffers there are."""
        return [buffer for buffer in self._buffers.values() if buffer is not None]

    # ------------------------------------------------------------------ shapes

    def infer(self, x: Spec, weight: Spec | None, bias: Spec | None) -> Spec:
        """Check axes and channels of x."""
        shape = x.shape
        if len(shape) < 2:
            raise ValueError(f"{self._who}: expected x of shape (N, C, ...), got {shape}")
        if self._takes_batch and shape[0] * math.prod(shape[2:]) == 1:
            raise ValueError(
                f"{self._who}: expected more than 1 value per channel when training, got input "
                f"size {shape}; one has no variance: leave such a last batch out with "
                "drop_last=True of the DataLoader, or use eval()"
            )
        if self.eps < 0 or (self._takes_batch and not self.eps):
            raise ValueError(
                f"{self._who}: expected eps to be positive, got {self.eps}; 0 is allowed in "
                "evaluation only"
            )
        buffers = (("running_mean", self.running_mean), ("running_var", self.running_var))
        for name, part in (("weight", weight), ("bias", bias), *buffers):
            check_shape(self._who, name, part, (shape[1],))
        return x

    def scratch_specs(self, x: Spec, *affine: Spec | None) -> dict[str, Any]:
        """Return how x is seen, and room for numbers of the channels and for two arrays like it."""
        rows, channels, *rest = x.shape
        length = math.prod(rest)
        seen = Channels(
            (rows, channels, length) if rest else (rows, channels),
            (channels, 1) if rest else (channels,),
            rows * length,
            np.ones(length, x.dtype) if rest else None,
            self._takes_batch,
            self.has_effects(),
        )
        row, like = Spec((channels,), x.dtype), Spec(seen.shape, x.dtype)
        specs: dict[str, Any] = dict.fromkeys(("mean", "scale", "factor", "sums", "more"), row)
        sums = Spec((rows, channels), x.dtype)
        return specs | {"seen": seen, "rows": sums, "centered": like, "work": like}

    # ------------------------------------------------------------------ kernels

    def forward_kernel(
        self, x: Array, weight: Array | None, bias: Array | None, *, out: Array, scratch: Any
    ) -> None:
        """Write y = (x - mean) scale weight + bias with scale = 1 / sqrt(variance + eps)."""
        seen, mean, factor = scratch.seen, scratch.mean, scratch.factor
        x, out = x.reshape(seen.shape), out.reshape(seen.shape)
        if seen.batch:
            self._measure(x, out, scratch)
        else:
            assert self.running_mean is not None and self.running_var is not None
            np.copyto(mean, self.running_mean)
            self._set_scale(self.running_var, scratch)
        self._set_factor(weight, scratch)
        if seen.batch:
            np.multiply(scratch.centered, factor.reshape(seen.column), out)
            if bias is not None:
                np.add(out, bias.reshape(seen.column), out)
        else:
            np.multiply(mean, factor, scratch.sums)
            np.subtract(0.0 if bias is None else bias, scratch.sums, scratch.sums)
            np.multiply(x, factor.reshape(seen.column), out)
            np.add(out, scratch.sums.reshape(seen.column), out)

    def backward_kernel(
        self,
        dy: Array,
        x: Array,
        weight: Array | None,
        bias: None,
        y: None,
        *,
        dx: Array | None,
        dweight: Array | None,
        dbias: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx, dweight = the sum of dy (x - mean) scale, dbias = that of dy."""
        seen, centered, sums = scratch.seen, scratch.centered, scratch.sums
        dy, x = dy.reshape(seen.shape), x.reshape(seen.shape)
        through = dx is not None and seen.batch
        if through or dweight is not None:
            np.subtract(x, scratch.mean.reshape(seen.column), centered)
            np.multiply(dy, centered, scratch.work)
            seen.sums(scratch.work, sums, scratch)
            np.multiply(sums, scratch.scale, sums)
            if dweight is not None:
                np.copyto(dweight, sums)
        if through or dbias is not None:
            seen.sums(dy, scratch.more, scratch)
            if dbias is not None:
                np.copyto(dbias, scratch.more)
        if dx is None:
            return
        self._set_factor(weight, scratch)
        gradient = dy
        if through:
            np.multiply(sums, scratch.scale, sums)
            for channel in (sums, scratch.more):
                np.true_divide(channel, max(seen.size, 1), channel)
            np.multiply(centered, sums.reshape(seen.column), centered)
            np.subtract(dy, centered, centered)
            gradient = np.subtract(centered, scratch.more.reshape(seen.column), centered)
        np.multiply(gradient, scratch.factor.reshape(seen.column), dx.reshape(seen.shape))

    def _measure(self, x: Array, work: Array, scratch: Any) -> None:
        """Write the batch's mean, scale, and x less its mean; note mean and variance."""
        seen, mean, centered = scratch.seen, scratch.mean, scratch.centered
        seen.means(x, mean, scratch)
        np.subtract(x, mean.reshape(seen.column), centered)
        # What rounding left of the mean is taken away too: equal numbers become 0.
        seen.means(centered, scratch.sums, scratch)
        np.add(mean, scratch.sums, mean)
        np.subtract(x, mean.reshape(seen.column), centered)
        np.multiply(centered, centered, work)
        variance = scratch.sums
        seen.means(work, variance, scratch)
        if seen.tracked:
            self._track(mean, variance, seen.size)
        self._set_scale(variance, scratch)

    def _track(self, mean: Array, variance: Array, count: int) -> None:
        """Let the buffers follow a batch."""
        batches = self.num_batches_tracked
        if batches is not None:
            np.add(batches, 1, out=batches)
        share = self.momentum
        if share is None:
            share = 0.0 if batches is None else 1.0 / int(batches)
        if not count:
            return
        unbiased = share * count / max(count - 1, 1)
        for buffer, new, part in (
            (self.running_mean, mean, share),
            (self.running_var, variance, unbiased),
        ):
            if buffer is not None:
                np.multiply(buffer, 1.0 - share, out=buffer)
                np.add(buffer, new * part, out=buffer, casting="same_kind")

    def _set_scale(self, variance: Array, scratch: Any) -> None:
        """Write 1 / sqrt(variance + eps)."""
        scale = scratch.scale
        np.add(variance, self.eps, out=scale, casting="same_kind")
        np.sqrt(scale, scale)
        np.true_divide(1.0, scale, scale)

    def _set_factor(self, weight: Array | None, scratch: Any) -> None:
        """Write scale times weight."""
        np.multiply(scratch.scale, 1.0 if weight is None else weight, scratch.factor)


class BatchNorm1d(BatchNorm):
    """Numbers with mean 0 and variance 1 in each channel of the batch, then an affine map.

    Equation: y = (x - mean) / sqrt(variance + eps) weight + bias for each channel. While training,
    mean and variance are the batch's, the variance divided by the number n of numbers, and

        running_mean = (1 - momentum) running_mean + momentum mean
        running_var = (1 - momentum) running_var + momentum variance n / (n - 1)
        dx = s (dy - mean of dy - c / (variance + eps) mean of dy c),
        c = x - mean, s = weight / sqrt(variance + eps)

    In evaluation they are running_mean and running_var, and dx = s dy.

    Shapes: x (N, C) or (N, C, L), y as x, weight, bias, running_mean and running_var (C,).

    Parameters
    ----------
    num_features : int
        C.
    eps : float, default 1e-5
    momentum : float, optional, default 0.1
        With None every batch counts the same: momentum is 1 / num_batches_tracked.
    affine : bool, default True
        Without it there is neither weight nor bias.
    track_running_stats : bool, default True
        Without it there are no buffers, and evaluation takes the batch's mean and variance.
    bias : bool, default True
        Without it nothing is added.
    dtype : dtype, default float32
        Of parameters and buffers, and of the computation.

    weight starts at 1, bias at 0; the buffers running_mean, running_var and num_batches_tracked
    (int64, without axes) at 0, 1 and 0. A forward that fails, in whatever layer, leaves them as
    they were.

    Errors
    ------
    ValueError
        For an x of other axes or another C, for a channel with one number while training, for eps
        that is negative, or 0 while training, and for a num_features that is no integer >= 0.
    TypeError
        For a dtype that is neither float32 nor float64.

    Source: torch.nn.BatchNorm1d; S. Ioffe, C. Szegedy, Batch Normalization (2015), algorithms 1, 2.

    Examples
    --------
    >>> import numpy as np
    >>> norm = BatchNorm1d(1, eps=1e-9)
    >>> norm(np.array([[1.0], [3.0]], np.float32)).tolist()
    [[-1.0], [1.0]]
    >>> [round(float(buffer[0]), 4) for buffer in (norm.running_mean, norm.running_var)]
    [0.2, 1.1]
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(eps, momentum, track_running_stats)
        self.num_features = size = size_number(num_features, self._who, "num_features")
        self.affine = affine
        ones, zeros = (filled(size, number, dtype, self._who) for number in (1.0, 0.0))
        self.register_parameter("weight", ones if affine else None)
        self.register_parameter("bias", zeros if affine and bias else None)
        tracks = track_running_stats
        self.register_buffer("running_mean", zeros.data if tracks else None)
        self.register_buffer("running_var", ones.data if tracks else None)
        self.register_buffer("num_batches_tracked", np.int64(0) if tracks else None)

    def reset_running_stats(self) -> None:
        """Set the buffers to 0, 1 and 0."""
        starts = ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0))
        for buffer, number in starts:
            if buffer is not None:
                buffer.fill(number)

    def reset_parameters(self) -> None:
        """Set the buffers to 0, 1 and 0, weight to 1 and bias to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            self.weight.data.fill(1.0)
        if self.bias is not None:
            self.bias.data.fill(0.0)

    def infer(self, x: Spec, weight: Spec | None, bias: Spec | None) -> Spec:
        """Check that x has two or three axes."""
        channels = self.num_features
        if len(x.shape) not in (2, 3) or x.shape[1] != channels:
            raise ValueError(
                f"{self._who}: expected x of shape (N, {channels}) or (N, {channels}, L), got "
                f"{x.shape}; num_features is {channels}"
            )
        return super().infer(x, weight, bias)

    def extra_repr(self) -> str:
        """Torch's words."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )
