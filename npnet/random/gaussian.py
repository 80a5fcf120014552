"""Normal numbers out of even ones, with torch's logarithm, sine and cosine."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from npnet.parameter import Array
from npnet.random.rounding import BLOCK, fused

__all__ = ["box_muller"]

# torch's polynomials for float32 (ATen/native/cpu/avx_mathfun.h, after Cephes).
LOG = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Return the polynomial, highest power first, by Horner's rule in fused steps."""
    first, *others = np.array(coefficients, np.float32)
    value = np.full_like(x, first)
    for coefficient in others:
        value = fused(value, x, coefficient)
    return value


def _log(x: Array) -> Array:
    """Return the logarithm of float32 numbers in (0, 1], rounded as in torch's log256_ps."""
    x, exponent = np.frexp(x)
    small = x < np.float32(math.sqrt(0.5))
    x = np.where(small, x + x, x) - np.float32(1)
    power, square = (exponent - small).astype(np.float32), x * x
    value = fused(_polynomial(x, LOG) * x, square, power * np.float32(-2.12194440e-4))
    return fused(power, np.float32(0.693359375), x + fused(square, np.float32(-0.5), value))


def _sine_cosine(x: Array) -> tuple[Array, Array]:
    """Return sine and cosine of float32 angles in [0, 2 pi], rounded as in sincos256_ps."""
    octant = ((x * np.float32(4 / math.pi)).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    for part in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8):
        x = fused(turns, np.float32(part), x)
    square = x * x
    cosine = _polynomial(square, COSINE) * square
    cosine = fused(cosine, square, square * np.float32(-0.5)) + np.float32(1)
    sine = fused(_polynomial(square, SINE) * square, x, x)
    straight, plus, minus = octant & 2 == 0, np.float32(1), np.float32(-1)
    return (
        np.where(straight, sine, cosine) * np.where(octant & 4, minus, plus),
        np.where(straight, cosine, sine) * np.where(octant - 2 & 4, plus, minus),
    )


def _mapped(function: Callable[[float], float], x: Array) -> Array:
    """Apply a function of the C library: NumPy's own may round float64 differently."""
    return np.fromiter(map(function, x.tolist()), np.float64, x.size)


def box_muller(u: Array) -> Array:
    """Turn numbers in [0, 1), in blocks of 16, into standard normal ones (Box, Muller, 1958)."""
    out = np.empty_like(u)
    for start in range(0, u.size, 2 * BLOCK):
        block, rows = (a[start : start + 2 * BLOCK].reshape(-1, 2, 8) for a in (out, u))
        first, angle = np.ravel(1 - rows[:, 0]), np.ravel(rows[:, 1] * u.dtype.type(2 * math.pi))
        if u.dtype == np.float32:
            log, (sine, cosine) = _log(first), _sine_cosine(angle)
        else:
            log, sine, cosine = map(_mapped, (math.log, math.sin, math.cos), (first, angle, angle))
        radius = np.sqrt(-2 * log)
        block[:, 0] = (radius * cosine).reshape(-1, 8)
        block[:, 1] = (radius * sine).reshape(-1, 8)
    return out
