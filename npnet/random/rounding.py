"""Sums and products rounded once, as the processor's fused operation rounds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.parameter import Array

__all__ = ["BLOCK", "fused", "scaled"]

# Elements worked on at once: float64 temporaries of this size stay in the processor's cache.
BLOCK = 4096


def _exact_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a + b as rounded, and what rounding took away (Knuth's two-sum)."""
    total = a + b
    share = total - a
    return total, (a - (total - share)) + (b - share)


def _sum_to_odd(a: Any, b: Any) -> Array:
    """Return a + b, where inexact with an odd last bit: fit to be rounded a second time."""
    total, rest = _exact_sum(a, b)
    bits = total.view(np.int64)
    where = np.flatnonzero((rest != 0) & (bits & 1 == 0))
    bits[where] += np.where((rest[where] > 0) == (total[where] > 0), 1, -1)
    return np.asarray(total)


def _halves(a: Any) -> tuple[Any, Any]:
    """Split a float64 into two numbers of 26 bits that add up to it (Veltkamp)."""
    shifted = 134217729.0 * a
    high = shifted - (shifted - a)
    return high, a - high


def fused(x: Array, factor: Any, term: Any) -> Array:
    """Return x * factor + term rounded once, as the processor's fused operation does.

    x is float32 or float64 with one axis. Source: S. Boldo, G. Melquiond, Emulation of a FMA and
    correctly rounded sums (2008); right where no intermediate result is subnormal.
    """
    if x.dtype == np.float32:
        # Two factors of 24 bits have an exact product in float64.
        product = np.multiply(x, factor, dtype=np.float64)
        return _sum_to_odd(product, np.float64(term)).astype(np.float32)
    if max(abs(factor), abs(term)) > 2.0**900:
        return fused(x, factor * 2.0**-200, term * 2.0**-200) * 2.0**200
    product = x * factor
    (high, low), (factor_high, factor_low) = _halves(x), _halves(factor)
    rest = high * factor_high - product
    rest = (rest + high * factor_low + low * factor_high) + low * factor_low
    near, near_rest = _exact_sum(rest, term)
    total, total_rest = _exact_sum(product, near)
    return np.asarray(total + _sum_to_odd(near_rest, total_rest))


def scaled(x: Array, factor: Any, term: Any) -> Array:
    """Return x * factor + term for two numbers, rounded once."""
    if term == 0:
        return np.asarray(x * factor + term)
    out = np.empty_like(x)
    for start in range(0, x.size, BLOCK):
        out[start : start + BLOCK] = fused(x[start : start + BLOCK], factor, term)
    return out
