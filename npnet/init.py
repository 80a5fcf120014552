"""Starting values for parameters: torch.nn.init, with torch's numbers for the same seed.

Every function fills a Parameter or an array, float32 or float64, in place and returns it. Elements
are drawn in row-major order however they lie in memory. `generator` is a npnet.random.Generator, or
None for the stream that `npnet.manual_seed` sets. All raise TypeError for what cannot be filled.
"""

from __future__ import annotations

import math
import warnings
from typing import TypeVar

import numpy as np

from npnet.parameter import Array, Parameter, computing_dtype
from npnet.random import Generator
from npnet.random.functions import stream as _stream

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

Tensor = TypeVar("Tensor", Parameter, Array)

# Like "linear", all of these keep the variance as it is.
CONVOLUTIONS = [f"conv{kind}{axes}d" for kind in ("", "_transpose") for axes in (1, 2, 3)]
UNIT_GAIN = ("linear", *CONVOLUTIONS, "sigmoid")


def _storage(tensor: Parameter | Array, who: str) -> Array:
    """Return the array to fill, or say why it cannot be filled."""
    if isinstance(tensor, Parameter):
        data = tensor.data if tensor.size else tensor._data  # none of none is no effect
    else:
        data = tensor
    if not isinstance(data, np.ndarray):
        raise TypeError(f"{who}: expected a Parameter or an array, got {type(tensor).__name__}")
    computing_dtype(data.dtype, who)
    if not data.flags.writeable:
        raise TypeError(f"{who}: expected an array that can be written, got a read-only one")
    return data


def _fans(data: Array, who: str) -> tuple[int, int]:
    """Return how many inputs an output reads, and how many outputs an input feeds."""
    if data.ndim < 2:
        raise ValueError(f"{who}: expected axes (outputs, inputs, ...), got shape {data.shape}")
    field = math.prod(data.shape[2:])
    return data.shape[1] * field, data.shape[0] * field


def _calculate_fan_in_and_fan_out(tensor: Parameter | Array) -> tuple[int, int]:
    """Return both fans, by the name that layers written for torch call in reset_parameters."""
    return _fans(_storage(tensor, "init"), "init")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor that keeps the variance of signals through a nonlinearity.

    1 for linear, convolutions and sigmoid, 5/3 for tanh, sqrt(2) for relu, 3/4 for selu,
    sqrt(2 / (1 + param**2)) for leaky_relu with slope param, 0.01 where it is None.

    Errors: ValueError for an unknown name, and for a slope that is no number.
    Source: torch.nn.init.calculate_gain.

    >>> round(calculate_gain("leaky_relu", 0.2), 6)
    1.38675
    """
    gains = dict.fromkeys(UNIT_GAIN, 1.0) | {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"calculate_gain: expected a number as slope, got {param!r}")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in gains:
        known = ", ".join((*gains, "leaky_relu"))
        raise ValueError(f"calculate_gain: unknown nonlinearity {nonlinearity!r}; known: {known}")
    return gains[nonlinearity]


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill evenly from [a, b), by default [0, 1).

    Errors: ValueError for a > b, and for bounds that the dtype cannot hold.
    Source: torch.nn.init.uniform_.

    >>> uniform_(np.empty(2, np.float32), generator=Generator(0)).tolist()
    [0.49625658988952637, 0.7682217955589294]
    """
    data, stream = _storage(tensor, "uniform_"), _stream(generator, "uniform_")
    data[...] = stream.uniform(a, b, data.shape, data.dtype)
    return tensor


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill from the normal distribution, by default N(0, 1).

    Errors: ValueError for std < 0, and for numbers that the dtype cannot hold.
    Source: torch.nn.init.normal_.

    >>> [round(z, 4) for z in normal_(np.empty(2, np.float32), generator=Generator(0)).tolist()]
    [1.541, -0.2934]
    """
    data, stream = _storage(tensor, "normal_"), _stream(generator, "normal_")
    data[...] = stream.normal(mean, std, data.shape, data.dtype)
    return tensor


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill from the part of the normal distribution that lies in [a, b].

    Where more than 0.3 of N(mean, std**2) lies there, normal numbers are drawn until all lie in
    [a, b]; otherwise even ones are, and accepted in proportion to the density. The latter compares
    logarithms, so that float32 numbers can leave torch's where two differ by one rounding.

    Errors: ValueError unless 0 < std < inf, a <= b, mean is finite.
    Source: torch.nn.init.trunc_normal_, which warns where the mean is more than 2 std outside.

    >>> numbers = trunc_normal_(np.empty(100), std=2.0, generator=Generator(0))
    >>> bool((abs(numbers) <= 2).all())
    True
    """
    data, stream = _storage(tensor, "trunc_normal_"), _stream(generator, "trunc_normal_")
    if not (0 < std < math.inf and a <= b and math.isfinite(mean)):
        got = f"mean={mean}, std={std}, a={a}, b={b}"
        raise ValueError(f"trunc_normal_: expected finite mean and std > 0, a <= b, got {got}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("trunc_normal_: mean is more than 2 std outside [a, b]", stacklevel=2)
    below_a, below_b = ((1 + math.erf((edge - mean) / std / math.sqrt(2))) / 2 for edge in (a, b))
    fill = _reject_outside if below_b - below_a > 0.3 else _accept_by_density
    data[...] = fill(data, mean, std, a, b, stream)
    return tensor


def _reject_outside(
    data: Array, mean: float, std: float, a: float, b: float, stream: Generator
) -> Array:
    """Draw normal numbers until all lie in [a, b]."""
    with np.errstate(over="ignore"):
        low, high = data.dtype.type(a), data.dtype.type(b)
    result = stream.normal(mean, std, data.shape, data.dtype)
    while (outside := (result < low) | (result > high)).any():
        result = np.where(outside, stream.normal(mean, std, data.shape, data.dtype), result)
    return result


def _accept_by_density(
    data: Array, mean: float, std: float, a: float, b: float, stream: Generator
) -> Array:
    """Draw even numbers from [a, b) until all are accepted."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    result, pending = data, np.ones(data.shape, bool)
    while pending.any():
        candidates = stream.uniform(a, b, data.shape, data.dtype)
        result = np.where(pending, candidates, result)
        density = np.square((candidates - mean) / std) * -0.5 - peak
        with np.errstate(divide="ignore"):
            pending &= np.log(stream.uniform(0.0, 1.0, data.shape, data.dtype)) > density
    return result


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one number; torch.nn.init.constant_.

    >>> constant_(np.empty(2), 0.5).tolist()
    [0.5, 0.5]
    """
    _storage(tensor, "constant_").fill(val)
    return tensor


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1; torch.nn.init.ones_.

    >>> ones_(np.empty(2)).tolist()
    [1.0, 1.0]
    """
    _storage(tensor, "ones_").fill(1.0)
    return tensor


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0; torch.nn.init.zeros_.

    >>> zeros_(np.empty(2)).tolist()
    [0.0, 0.0]
    """
    _storage(tensor, "zeros_").fill(0.0)
    return tensor


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity: ones on the diagonal, zeros elsewhere.

    Errors: ValueError unless the tensor has 2 axes.
    Source: torch.nn.init.eye_.

    >>> eye_(np.empty((2, 3))).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    data = _storage(tensor, "eye_")
    if data.ndim != 2:
        raise ValueError(f"eye_: expected 2 axes, got shape {data.shape}")
    data[...] = np.eye(*data.shape)
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight (O, I, ...) so that it passes channels on, group by group.

    weight[g * O / groups + d, d, middle] = 1, all else 0.

    Errors: ValueError unless the tensor has 3, 4 or 5 axes, and groups divide O.
    Source: torch.nn.init.dirac_.

    >>> dirac_(np.empty((1, 1, 3))).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    data = _storage(tensor, "dirac_")
    if data.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: expected 3, 4 or 5 axes, got shape {data.shape}")
    if groups < 1 or data.shape[0] % groups:
        raise ValueError(f"dirac_: expected groups to divide {data.shape[0]} outputs, got {groups}")
    outputs = data.shape[0] // groups
    same = np.arange(min(outputs, data.shape[1]))
    center: tuple[int, ...] = tuple(size // 2 for size in data.shape[2:])
    data.fill(0.0)
    for group in range(groups):
        data[(group * outputs + same, same, *center)] = 1.0
    return tensor


def _xavier_std(data: Array, gain: float, who: str) -> float:
    """Return gain * sqrt(2 / (fan_in + fan_out))."""
    return gain * math.sqrt(2.0 / max(sum(_fans(data, who)), 1))


def xavier_uniform_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill evenly from [-bound, bound), bound = gain * sqrt(6 / (fan_in + fan_out)).

    Errors: ValueError for fewer than 2 axes and a negative gain.
    Source: torch.nn.init.xavier_uniform_; X. Glorot, Y. Bengio, Understanding the difficulty of
    training deep feedforward neural networks (2010), equation 16.

    >>> bool((abs(xavier_uniform_(np.empty((2, 4)))) <= 1).all())
    True
    """
    std = _xavier_std(_storage(tensor, "xavier_uniform_"), gain, "xavier_uniform_")
    return uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from N(0, std**2), std = gain * sqrt(2 / (fan_in + fan_out)).

    Errors: ValueError for fewer than 2 axes and a negative gain.
    Source: torch.nn.init.xavier_normal_; X. Glorot, Y. Bengio (2010), equation 12.

    >>> xavier_normal_(np.ones((2, 2)), gain=0.0).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    std = _xavier_std(_storage(tensor, "xavier_normal_"), gain, "xavier_normal_")
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(data: Array, a: float, mode: str, nonlinearity: str, who: str) -> float:
    """Return gain / sqrt(fan), 0 with a warning where there is nothing to fill."""
    if data.size == 0:
        warnings.warn(f"{who}: a tensor of shape {data.shape} has no elements", stacklevel=3)
        return 0.0
    fans = dict(zip(("fan_in", "fan_out"), _fans(data, who), strict=True))
    if mode.lower() not in fans:
        raise ValueError(f"{who}: expected mode 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode.lower()])


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill evenly from [-bound, bound), bound = gain * sqrt(3 / fan).

    a is the slope of the leaky_relu that follows, mode says whether the variance is kept forward
    ("fan_in") or backward ("fan_out"), nonlinearity what follows, as `calculate_gain` names it.

    Errors: ValueError for fewer than 2 axes, an unknown mode or nonlinearity.
    Source: torch.nn.init.kaiming_uniform_; K. He et al., Delving Deep into Rectifiers (2015).

    >>> weight = np.empty((1, 2), np.float32)
    >>> kaiming_uniform_(weight, math.sqrt(5), generator=Generator(0)).tolist()
    [[-0.005293981172144413, 0.37932288646698]]
    """
    std = _kaiming_std(
        _storage(tensor, "kaiming_uniform_"), a, mode, nonlinearity, "kaiming_uniform_"
    )
    return uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from N(0, std**2), std = gain / sqrt(fan); arguments and errors of kaiming_uniform_.

    Source: torch.nn.init.kaiming_normal_; K. He et al. (2015), equations 10 and 15.

    >>> weight = kaiming_normal_(np.empty((1, 2)), generator=Generator(0))
    >>> [round(w, 4) for w in weight[0].tolist()]
    [1.541, -0.2934]
    """
    std = _kaiming_std(
        _storage(tensor, "kaiming_normal_"), a, mode, nonlinearity, "kaiming_normal_"
    )
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with gain times a matrix whose rows, or columns where they are fewer, are orthonormal.

    Q of the QR decomposition of a normal matrix, with signs that make the diagonal of R positive;
    axes from the second on count as one. Equal to torch's but for the decomposition's rounding.

    Errors: ValueError for fewer than 2 axes.
    Source: torch.nn.init.orthogonal_; A. Saxe et al., Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks (2013).

    >>> q = orthogonal_(np.empty((2, 3)))
    >>> bool(np.allclose(q @ q.T, np.eye(2)))
    True
    """
    data, stream = _storage(tensor, "orthogonal_"), _stream(generator, "orthogonal_")
    if data.ndim < 2:
        raise ValueError(f"orthogonal_: expected at least 2 axes, got shape {data.shape}")
    if data.size:
        flat = stream.normal(0.0, 1.0, (len(data), data.size // len(data)), data.dtype)
        wide = flat.shape[0] < flat.shape[1]
        q, r = np.linalg.qr(flat.T if wide else flat)
        q *= np.sign(np.diag(r))
        data[...] = (q.T if wide else q).reshape(data.shape)
        data *= gain
    return tensor


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill a matrix from N(0, std**2), then set a share of each column to 0.

    ceil(sparsity * rows) rows a column are chosen by `Generator.randperm`. With a generator given
    they come from it too; torch then takes them from its default one.

    Errors: ValueError unless the tensor has 2 axes, for sparsity outside [0, 1], and std < 0.
    Source: torch.nn.init.sparse_; J. Martens, Deep learning via Hessian-free optimization (2010).

    >>> (sparse_(np.empty((4, 3)), sparsity=0.5) == 0).sum(axis=0).tolist()
    [2, 2, 2]
    """
    data, stream = _storage(tensor, "sparse_"), _stream(generator, "sparse_")
    if data.ndim != 2 or not 0 <= sparsity <= 1:
        got = f"shape {data.shape} and sparsity={sparsity}"
        raise ValueError(f"sparse_: expected 2 axes and sparsity from 0 to 1, got {got}")
    zeros = math.ceil(sparsity * len(data))
    data[...] = stream.normal(0.0, std, data.shape, data.dtype)
    for column in data.T:
        column[stream.randperm(len(column))[:zeros]] = 0.0
    return tensor
