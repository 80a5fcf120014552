"""Random numbers: torch's CPU stream, bit by bit, without torch."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Generator", "default_generator", "manual_seed"]

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = int | tuple[int, ...]

# What torch seeds a stream with that nobody has seeded.
DEFAULT_SEED = 67280421310721
# Elements worked on at once: float64 temporaries of this size stay in the processor's cache.
BLOCK = 4096
# From this n on randperm has another rule.
LONG_PERMUTATION = 2**32 // 20
# torch's polynomials for float32 (ATen/native/cpu/avx_mathfun.h, after Cephes).
LOG = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


def _size(shape: Shape) -> tuple[tuple[int, ...], int]:
    """Return the shape as a tuple, and how many elements it has."""
    sizes = tuple(map(operator.index, shape if isinstance(shape, (tuple, list)) else (shape,)))
    if any(size < 0 for size in sizes):
        raise ValueError(f"Generator: expected a shape without negative sizes, got {sizes}")
    return sizes, math.prod(sizes)


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the dtype, which must be one that has a rule here."""
    result = np.dtype(dtype)
    if result not in (np.float32, np.float64):
        raise TypeError(f"Generator: dtype must be float32 or float64, got {result}")
    return result


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


def _fused(x: Array, factor: Any, term: Any) -> Array:
    """Return x * factor + term rounded once, as the processor's fused operation does.

    x is float32 or float64 with one axis. Source: S. Boldo, G. Melquiond, Emulation of a FMA and
    correctly rounded sums (2008); right where no intermediate result is subnormal.
    """
    if x.dtype == np.float32:
        # Two factors of 24 bits have an exact product in float64.
        product = np.multiply(x, factor, dtype=np.float64)
        return _sum_to_odd(product, np.float64(term)).astype(np.float32)
    if max(abs(factor), abs(term)) > 2.0**900:
        return _fused(x, factor * 2.0**-200, term * 2.0**-200) * 2.0**200
    product = x * factor
    (high, low), (factor_high, factor_low) = _halves(x), _halves(factor)
    rest = high * factor_high - product
    rest = (rest + high * factor_low + low * factor_high) + low * factor_low
    near, near_rest = _exact_sum(rest, term)
    total, total_rest = _exact_sum(product, near)
    return np.asarray(total + _sum_to_odd(near_rest, total_rest))


def _scaled(x: Array, factor: Any, term: Any) -> Array:
    """Return x * factor + term for two numbers, rounded once."""
    if term == 0:
        return np.asarray(x * factor + term)
    out = np.empty_like(x)
    for start in range(0, x.size, BLOCK):
        out[start : start + BLOCK] = _fused(x[start : start + BLOCK], factor, term)
    return out


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Return the polynomial, highest power first, by Horner's rule in fused steps."""
    first, *others = np.array(coefficients, np.float32)
    value = np.full_like(x, first)
    for coefficient in others:
        value = _fused(value, x, coefficient)
    return value


def _log(x: Array) -> Array:
    """Return the logarithm of float32 numbers in (0, 1], rounded as in torch's log256_ps."""
    x, exponent = np.frexp(x)
    small = x < np.float32(math.sqrt(0.5))
    x = np.where(small, x + x, x) - np.float32(1)
    power, square = (exponent - small).astype(np.float32), x * x
    value = _fused(_polynomial(x, LOG) * x, square, power * np.float32(-2.12194440e-4))
    return _fused(power, np.float32(0.693359375), x + _fused(square, np.float32(-0.5), value))


def _sine_cosine(x: Array) -> tuple[Array, Array]:
    """Return sine and cosine of float32 angles in [0, 2 pi], rounded as in sincos256_ps."""
    octant = ((x * np.float32(4 / math.pi)).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    for part in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8):
        x = _fused(turns, np.float32(part), x)
    square = x * x
    cosine = _polynomial(square, COSINE) * square
    cosine = _fused(cosine, square, square * np.float32(-0.5)) + np.float32(1)
    sine = _fused(_polynomial(square, SINE) * square, x, x)
    straight, plus, minus = octant & 2 == 0, np.float32(1), np.float32(-1)
    return (
        np.where(straight, sine, cosine) * np.where(octant & 4, minus, plus),
        np.where(straight, cosine, sine) * np.where(octant - 2 & 4, plus, minus),
    )


def _mapped(function: Callable[[float], float], x: Array) -> Array:
    """Apply a function of the C library: NumPy's own may round float64 differently."""
    return np.fromiter(map(function, x.tolist()), np.float64, x.size)


def _box_muller(u: Array) -> Array:
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


class Generator:
    """A stream of random numbers: torch's on the CPU, bit by bit.

    Words are MT19937's. Every method takes as many of them, and makes the same of them, as torch
    2.13 does with AVX2 and FMA (x86 since 2013): programs that draw in the same order get the same
    numbers. Threads may share a generator: each call takes its words in one piece.

    Parameters
    ----------
    seed : int, default 67280421310721
        From -2**63 to 2**64 - 1. As in torch, a negative one counts from 2**64 down, and only the
        lowest 32 bits choose the words. TypeError for no integer, ValueError out of range.

    Where methods take a shape (an int or a tuple, default ()), they raise ValueError for negative
    sizes; where they take a dtype, TypeError unless it is float32 (the default) or float64.

    Source: torch.Generator; M. Matsumoto, T. Nishimura, Mersenne Twister (1998).

    Examples
    --------
    >>> Generator(0).uniform(shape=3).tolist()
    [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]
    """

    __slots__ = ("_lock", "_next_normal", "_seed", "_words")

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._lock = threading.RLock()
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to the seed; return the generator."""
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise TypeError(f"Generator: expected an integer as seed, got {seed!r}")
        number = operator.index(seed)
        if not -(2**63) <= number < 2**64:
            raise ValueError(f"Generator: expected a seed from -2**63 to 2**64 - 1, got {number}")
        words = np.random.RandomState(number & 0xFFFFFFFF)
        with self._lock:
            self._seed, self._words = number % 2**64, words
            self._next_normal: float | None = None
        return self

    def initial_seed(self) -> int:
        """Return the seed that started the stream, as a number from 0 to 2**64 - 1."""
        return self._seed

    def _draw(self, count: int) -> NDArray[np.uint32]:
        """Take the next words of 32 bits."""
        with self._lock:
            return self._words.randint(0, 2**32, count, dtype=np.uint32)

    def _draw_long(self, count: int) -> NDArray[np.uint64]:
        """Take the next words in pairs, the first of a pair as the upper half."""
        pairs = self._draw(2 * count).reshape(count, 2).astype(np.uint64)
        return np.asarray(pairs[:, 0] << np.uint64(32) | pairs[:, 1])

    def _unit(self, count: int, dtype: np.dtype[Any]) -> Array:
        """Take numbers in [0, 1): 24 bits of a word, or 53 bits of a pair."""
        if dtype == np.float32:
            words = self._draw(count) & np.uint32(2**24 - 1)
            return words.astype(np.float32) * np.float32(2.0**-24)
        return (self._draw_long(count) & np.uint64(2**53 - 1)) * 2.0**-53

    def uniform(
        self, low: float = 0.0, high: float = 1.0, shape: Shape = (), dtype: DTypeLike = np.float32
    ) -> Array:
        """Draw evenly from [low, high), both rounded to the dtype first.

        out = u * (high - low) + low, rounded once; u has 24 random bits, 53 for float64.
        ValueError for low > high, and where the dtype cannot hold them or their distance.

        Source: torch.Tensor.uniform_.

        >>> Generator(0).uniform(-1.0, 1.0, 2).tolist()
        [-0.007486820220947266, 0.5364435911178589]
        """
        (shape, count), dtype = _size(shape), _floating(dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            start, stop = dtype.type(low), dtype.type(high)
            extent = stop - start
        if not (low <= high and np.isfinite(extent)):
            rule = f"expected low <= high, both and their distance within {dtype}"
            raise ValueError(f"Generator.uniform: {rule}, got low={low}, high={high}")
        values = _scaled(self._unit(count, dtype), extent, start)
        values[values == stop] = start
        return values.reshape(shape)

    def normal(
        self, mean: float = 0.0, std: float = 1.0, shape: Shape = (), dtype: DTypeLike = np.float32
    ) -> Array:
        """Draw from the normal distribution.

        out = z * std + mean, rounded once, where two z are made of two even numbers u, v:
        sqrt(-2 log(1 - u)) times cos(2 pi v) and sin(2 pi v). Fewer than 16 elements are computed
        in float64, and a sine left over waits for the next such call. Otherwise the last 16 are
        drawn again where 16 does not divide the size. float64 takes log, sin and cos from the C
        library, as torch does. ValueError for std < 0 and for what the dtype cannot hold.

        Source: torch.Tensor.normal_.

        >>> [round(value, 4) for value in Generator(0).normal(shape=2).tolist()]
        [1.541, -0.2934]
        """
        (shape, count), dtype = _size(shape), _floating(dtype)
        if not (std >= 0 and max(abs(mean), std) <= np.finfo(dtype).max):
            rule = f"expected std >= 0, mean and std within {dtype}"
            raise ValueError(f"Generator.normal: {rule}, got mean={mean}, std={std}")
        with np.errstate(over="ignore"):
            if count < 16:
                with self._lock:
                    few = np.array([self._one_normal() for _ in range(count)])
                return _scaled(few, float(std), float(mean)).astype(dtype).reshape(shape)
            with self._lock:
                values = self._unit(count, dtype)
                last = self._unit(16, dtype) if count % 16 else values[-16:].copy()
            whole = values[: count // 16 * 16]
            whole[:] = _box_muller(whole)
            values[-16:] = _box_muller(last)
            return _scaled(values, dtype.type(std), dtype.type(mean)).reshape(shape)

    def _one_normal(self) -> float:
        """Return the number that waits, or make two and let the second wait."""
        if self._next_normal is not None:
            value, self._next_normal = self._next_normal, None
            return value
        u, v = self._unit(2, np.dtype(np.float64)).tolist()
        radius, angle = math.sqrt(-2.0 * math.log1p(-v)), 2.0 * math.pi * u
        self._next_normal = radius * math.sin(angle)
        return radius * math.cos(angle)

    def randint(self, low: int, high: int, shape: Shape = ()) -> NDArray[np.int64]:
        """Draw integers from low to high - 1: low + word mod (high - low).

        Words have 64 bits from high - low = 2**28 on. ValueError unless low < high, from -2**63 to
        2**63. randint(0, 2**63) is torch's random_(): what its DataLoader draws seeds with.
        Source: torch.randint.

        >>> Generator(0).randint(0, 10, 5).tolist()
        [4, 9, 3, 0, 3]
        """
        (shape, count), low, high = _size(shape), operator.index(low), operator.index(high)
        if not -(2**63) <= low < high <= 2**63:
            rule = "expected low < high, both from -2**63 to 2**63"
            raise ValueError(f"Generator.randint: {rule}, got low={low}, high={high}")
        extent = high - low
        words = self._draw_long(count) if extent >= 2**28 else self._draw(count).astype(np.uint64)
        words = words % np.uint64(extent) + np.uint64(low % 2**64)
        return words.view(np.int64).reshape(shape)

    def randperm(self, n: int) -> NDArray[np.int64]:
        """Draw an order of 0, ..., n - 1: for i = 0, ..., n - 2 swap i with i + word mod (n - i).

        From n = 214748364 on: for i = 0, ..., n - 1 swap i with word mod (i + 1), words of 64 bits.
        ValueError for n < 0. Source: torch.randperm.

        >>> Generator(7).randperm(5).tolist()
        [0, 1, 3, 2, 4]
        """
        _, count = _size(n)
        order = np.arange(count, dtype=np.int64)
        # Each swap needs the ones before it; a memoryview is the fastest to loop over.
        view, long = memoryview(order.data), count >= LONG_PERMUTATION
        steps = count if long else count - 1
        with self._lock:
            for start in range(0, steps, BLOCK):
                here = np.arange(start, min(start + BLOCK, steps), dtype=np.uint64)
                if long:
                    there = self._draw_long(here.size) % (here + np.uint64(1))
                else:
                    there = self._draw(here.size) % (np.uint64(count) - here) + here
                for i, j in enumerate(there.tolist(), start):
                    view[i], view[j] = view[j], view[i]
        return order

    def bernoulli(self, p: Any, shape: Shape | None = None, dtype: DTypeLike = np.float32) -> Array:
        """Draw ones with probability p, zeros otherwise, as numbers of any dtype or bools.

        out = (u < p); p is a number, or an array that is broadcast to the shape (its own by
        default); u has 53 random bits, 24 where p is a float32 array. ValueError for p outside
        [0, 1], and where p does not fit the shape.

        Source: torch.Tensor.bernoulli_ and torch.bernoulli. For one p, torch on Intel's processors
        alone draws from MKL's stream instead, which is not reproduced.

        >>> Generator(0).bernoulli(0.5, 6).tolist()
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
        """
        p = np.asarray(float(p) if isinstance(p, np.generic) else p)
        shape, count = _size(p.shape if shape is None else shape)
        if not np.all((p >= 0) & (p <= 1)):
            raise ValueError(f"Generator.bernoulli: expected p from 0 to 1, got {p}")
        p = np.broadcast_to(p, shape)
        bits = np.dtype(np.float32 if p.dtype == np.float32 else np.float64)
        return np.asarray((self._unit(count, bits).reshape(shape) < p).astype(dtype))

    def get_state(self) -> dict[str, Any]:
        """Return the place in the stream, for `set_state`."""
        with self._lock:
            words = self._words.get_state(legacy=False)
            return {"seed": self._seed, "words": words, "next_normal": self._next_normal}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go to a place in the stream; KeyError, TypeError or ValueError for no state.

        >>> generator = Generator(1)
        >>> state, first = generator.get_state(), generator.randperm(4).tolist()
        >>> generator.set_state(state)
        >>> generator.randperm(4).tolist() == first
        True
        """
        words = np.random.RandomState(0)
        words.set_state(state["words"])
        seed, next_normal = state["seed"], state["next_normal"]
        with self._lock:
            self._seed, self._words, self._next_normal = seed, words, next_normal

    __setstate__ = set_state

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle the place in the stream."""
        return Generator, (self._seed,), self.get_state()


_default = Generator()


def default_generator() -> Generator:
    """Return the stream that serves where no generator is given (torch.default_generator)."""
    return _default


def manual_seed(seed: int) -> Generator:
    """Seed the default stream, and return it (torch.manual_seed); errors as for Generator.

    >>> manual_seed(0) is default_generator()
    True
    """
    return _default.manual_seed(seed)
