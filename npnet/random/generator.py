"""Generator: torch's CPU stream, bit by bit, without torch."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from npnet.clock import effects
from npnet.parameter import Array, computing_dtype
from npnet.random.gaussian import box_muller
from npnet.random.rounding import BLOCK, scaled
from npnet.random.words import Place, Words

__all__ = ["Generator", "Shape", "default_generator", "manual_seed"]

Shape: TypeAlias = int | tuple[int, ...]

# What torch seeds a stream with that nobody has seeded.
DEFAULT_SEED = 67280421310721
# From this n on randperm has another rule.
LONG_PERMUTATION = 2**32 // 20
FRACTION = np.uint64(2**53 - 1)


def _size(shape: Shape) -> tuple[tuple[int, ...], int]:
    """Return the shape as a tuple, and how many elements it has."""
    sizes = tuple(map(operator.index, shape if isinstance(shape, (tuple, list)) else (shape,)))
    if any(size < 0 for size in sizes):
        raise ValueError(f"Generator: expected a shape without negative sizes, got {sizes}")
    return sizes, math.prod(sizes)


def _seed(given: Any) -> int:
    """Return a seed as a number from 0 to 2**64 - 1, or say why it is none."""
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise TypeError(f"Generator: expected an integer as seed, got {given!r}")
    number = operator.index(given)
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"Generator: expected a seed from -2**63 to 2**64 - 1, got {number}")
    return number % 2**64


def _waiting(given: Any) -> float | None:
    """Return the number of a state that waits for the next draw, or say why it is none."""
    if given is not None and (np.ndim(given) or np.asarray(given).dtype.kind not in "fiu"):
        raise TypeError(f"Generator: expected a number or None as next_normal, got {given!r}")
    return None if given is None else float(given)


def _blocks(flat: Array) -> Iterator[Array]:
    """Yield an array of one axis in pieces that stay in the cache."""
    for start in range(0, flat.size, BLOCK):
        yield flat[start : start + BLOCK]


class Mark(NamedTuple):
    """A place in a generator's stream, as long as the process lives."""

    seed: int
    words: Place
    next_normal: float | None


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
        number = _seed(seed)
        with self._lock:
            self._seed, self._words = number, Words(number & 0xFFFFFFFF)
            self._next_normal: float | None = None
        return self

    def __repr__(self) -> str:
        """Return the seed, not the place in the stream."""
        return f"Generator({self._seed})"

    def initial_seed(self) -> int:
        """Return the seed that started the stream, as a number from 0 to 2**64 - 1."""
        return self._seed

    def _draw(self, count: int) -> NDArray[np.uint32]:
        """Take the next words of 32 bits."""
        effects.count += 1
        with self._lock:
            return self._words.draw(count)

    def _draw_long(self, count: int) -> NDArray[np.uint64]:
        """Take the next words in pairs, the first of a pair as the upper half."""
        pairs = self._draw(2 * count).reshape(count, 2).astype(np.uint64)
        return np.asarray(pairs[:, 0] << np.uint64(32) | pairs[:, 1])

    def _unit(self, count: int, dtype: np.dtype[Any]) -> Array:
        """Take numbers in [0, 1): 24 bits of a word, or 53 bits of a pair."""
        if dtype == np.float32:
            words = self._draw(count) & np.uint32(2**24 - 1)
            return words.astype(np.float32) * np.float32(2.0**-24)
        return (self._draw_long(count) & FRACTION) * 2.0**-53

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
        out = np.empty(_size(shape)[0], computing_dtype(dtype, "Generator"))
        self.fill_uniform(out, low, high)
        return out

    def fill_uniform(self, out: Array, low: float = 0.0, high: float = 1.0) -> None:
        """Write what `uniform` draws into an array in C order, without another.

        >>> out = np.empty(2)
        >>> Generator(0).fill_uniform(out)
        >>> out.tolist() == Generator(0).uniform(shape=2, dtype=np.float64).tolist()
        True
        """
        dtype, flat = computing_dtype(out.dtype, "Generator"), out.reshape(-1)
        with np.errstate(over="ignore", invalid="ignore"):
            start, stop = dtype.type(low), dtype.type(high)
            extent = stop - start
        if not (low <= high and np.isfinite(extent)):
            rule = f"expected low <= high, both and their distance within {dtype}"
            raise ValueError(f"Generator.uniform: {rule}, got low={low}, high={high}")
        with self._lock:
            for block in _blocks(flat):
                values = scaled(self._unit(block.size, dtype), extent, start)
                values[values == stop] = start
                block[:] = values

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
        out = np.empty(_size(shape)[0], computing_dtype(dtype, "Generator"))
        self.fill_normal(out, mean, std)
        return out

    def fill_normal(self, out: Array, mean: float = 0.0, std: float = 1.0) -> None:
        """Write what `normal` draws into an array in C order, without another.

        >>> out = np.empty(2)
        >>> Generator(0).fill_normal(out)
        >>> out.tolist() == Generator(0).normal(shape=2, dtype=np.float64).tolist()
        True
        """
        dtype, flat = computing_dtype(out.dtype, "Generator"), out.reshape(-1)
        if not (std >= 0 and max(abs(mean), std) <= np.finfo(dtype).max):
            rule = f"expected std >= 0, mean and std within {dtype}"
            raise ValueError(f"Generator.normal: {rule}, got mean={mean}, std={std}")
        with self._lock, np.errstate(over="ignore"):
            if flat.size < 16:
                few = np.array([self._one_normal() for _ in range(flat.size)])
                flat[:] = scaled(few, float(std), float(mean))
                return
            factor, term = dtype.type(std), dtype.type(mean)
            for block in _blocks(flat):
                even, whole = self._unit(block.size, dtype), block.size // 16 * 16
                block[:whole] = scaled(box_muller(even[:whole]), factor, term)
            if flat.size % 16:
                flat[-16:] = scaled(box_muller(self._unit(16, dtype)), factor, term)

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

        Source: torch.Tensor.bernoulli_ and torch.bernoulli, on every processor; older torch took
        another stream, MKL's, for one p on Intel's.

        >>> Generator(0).bernoulli(0.5, 6).tolist()
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
        """
        p = np.asarray(float(p) if isinstance(p, np.generic) else p)
        shape, count = _size(p.shape if shape is None else shape)
        if not np.all((p >= 0) & (p <= 1)):
            raise ValueError(f"Generator.bernoulli: expected p from 0 to 1, got {p}")
        if p.ndim == 0 and p.dtype != np.float32:
            out = np.empty(shape, dtype)
            self.fill_bernoulli(out, float(p))
            return out
        p = np.broadcast_to(p, shape)
        bits = np.dtype(np.float32 if p.dtype == np.float32 else np.float64)
        return np.asarray((self._unit(count, bits).reshape(shape) < p).astype(dtype))

    def fill_bernoulli(self, out: Array, p: float, one: float = 1.0) -> None:
        """Write `one` with probability p, 0 otherwise, into an array in C order, without another.

        ValueError for p outside [0, 1]. Source: torch.Tensor.bernoulli_, times `one`.

        >>> mask = np.empty(6)
        >>> Generator(0).fill_bernoulli(mask, 0.5, 2.0)
        >>> mask.tolist()
        [0.0, 0.0, 2.0, 0.0, 0.0, 0.0]
        """
        if not 0 <= p <= 1:
            raise ValueError(f"Generator.bernoulli: expected p from 0 to 1, got {p}")
        # k / 2**53 < p for the 53 bits k of a pair of words; p * 2**53 is exact.
        limit, flat = np.uint64(math.ceil(p * 2.0**53)), out.reshape(-1)
        with self._lock:
            for block in _blocks(flat):
                bits = self._draw_long(block.size)
                bits &= FRACTION
                np.multiply(bits < limit, one, out=block, casting="unsafe")

    def mark(self) -> Mark:
        """Return the place in the stream, in next to no time, for `rewind` of this generator.

        >>> generator = Generator(1)
        >>> mark, first = generator.mark(), generator.randperm(4).tolist()
        >>> generator.rewind(mark)
        >>> generator.randperm(4).tolist() == first
        True
        """
        with self._lock:
            return Mark(self._seed, self._words.place, self._next_normal)

    def rewind(self, mark: Mark) -> None:
        """Go back to a place that `mark` returned."""
        with self._lock:
            self._seed, self._words.place, self._next_normal = mark

    def get_state(self) -> dict[str, Any]:
        """Return the place in the stream as numbers and arrays to keep, for `set_state`."""
        with self._lock:
            words = self._words.state
            return {"seed": self._seed, "words": words, "next_normal": self._next_normal}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go to a place in the stream; KeyError, TypeError or ValueError for no state.

        >>> generator = Generator(1)
        >>> state, first = generator.get_state(), generator.randperm(4).tolist()
        >>> generator.set_state(state)
        >>> generator.randperm(4).tolist() == first
        True
        """
        words = Words(0)
        words.state = state["words"]
        seed, next_normal = _seed(state["seed"]), _waiting(state["next_normal"])
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
