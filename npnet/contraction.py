"""Contraction: an einsum string planned into BLAS calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np

from npnet.layout import View, product_views, sum_views
from npnet.parameter import Array

__all__ = ["Contraction", "contractions"]

Kernel: TypeAlias = Callable[..., Any]
Terms: TypeAlias = tuple[str, ...]
Call: TypeAlias = Callable[[], Any]
#: Finds the three arrays of ``left.dot(right, out)`` for those of a contraction.
Ready: TypeAlias = Callable[..., "tuple[Array, Array, Array] | None"]

#: Layouts whose views are remembered, over all contractions.
CACHED = 1024

#: What `dot` and ONES raise, before anything is written, for operands or an out they do not take.
UNFIT = (ValueError, TypeError, AttributeError, KeyError)

#: Rows that one product with ones adds up. Column sums of uniform float32 numbers, largest relative
#: error and µs (OpenBLAS 0.3.31, two cores):
#:
#:     rows x columns    blocks of 512     one product      sum(axis=0)       torch.sum
#:        32 x 64        2e-07    0.6    2e-07     0.5    2e-07     1.5    1e-07    3.0
#:       512 x 512       3e-07     13    3e-07      13    8e-07      27    2e-07     17
#:      2048 x 1024      2e-07     74    8e-07      66    2e-06     209    2e-07    335
#:     65536 x 64        2e-07    300    3e-06     208    8e-06    1230    1e-07    155
BLOCK = 512

#: Read-only vectors of ones of the dtypes BLAS sums: made once, so threads share them safely.
ONES = {np.dtype(dtype): np.ones(BLOCK, dtype) for dtype in (np.float32, np.float64)}
for _ones in ONES.values():
    _ones.flags.writeable = False


class Contraction:
    """A sum of products over named axes, written as an einsum string and run by BLAS.

    ``out[output letters] = sum over all other letters of a[letters of a] * b[letters of b] * ...``

    Operands and out have one axis a letter, of any strides, and a letter has one size (1 does not
    stretch). A call overwrites `out`, which shares no memory with an operand, and nothing else.
    Products of two operands whose letters are batch (in both and the output), contracted (in both)
    or free (in one and the output) are matrix products on views, sums of one operand products with
    ones, where all dtypes are one that BLAS knows; np.einsum does the rest and all other dtypes.

    Parameters
    ----------
    subscripts : str
        One or more operands and the output, as in ``"bi,oi->bo"``; no ellipsis.

    Attributes
    ----------
    subscripts, inputs, output : str, tuple of str, str
        The string without spaces, and its terms.
    kernel : callable
        What a call runs: ``kernel(*operands, out=out)``, for whoever counts the call's 0.4 µs.
        Two matrices cost 0.2 µs more than the bare ``a.dot(b.T, out)``.

    Errors
    ------
    ValueError
        For a string that is no such specification; in a call, for wrong shapes and a read-only
        `out`. A call that fails has not touched `out`.
    TypeError
        In a call, for a wrong number of operands, for what is no array, and for an `out` whose
        dtype cannot hold the result.

    Source: numpy.einsum, torch.einsum.

    Examples
    --------
    >>> product, bias_gradient = contractions("bi,oi->bo", "bo->o")
    >>> x, weight, y = np.ones((2, 3)), np.full((1, 3), 2.0), np.empty((2, 1))
    >>> product(x, weight, out=y)
    >>> y.tolist()
    [[6.0], [6.0]]
    """

    __slots__ = ("_ready", "inputs", "kernel", "output", "subscripts")

    def __init__(self, subscripts: str) -> None:
        *inputs, self.output = terms = _parsed(subscripts)
        self.inputs = tuple(inputs)
        self.subscripts = _joined(terms)
        self.kernel, self._ready = _planned(terms)

    def __call__(self, *operands: Array, out: Array) -> None:
        """Write the contraction of `operands` into `out`."""
        if len(operands) != len(self.inputs):
            raise TypeError(f"{self!r}: expected {len(self.inputs)} operands, got {len(operands)}")
        self.kernel(*operands, out=out)

    def ready(self, *operands: Array, out: Array) -> Call:
        """Return a call on these very arrays, without arguments, their views and checks behind it.

        The arrays keep their place; their numbers may change from call to call. Nothing is written
        here. A product of two matrices, or a sum of rows, becomes the bare `dot`.
        """
        try:
            found = self._ready(*operands, out)
        except UNFIT:
            found = None
        if found is not None and _dots(*found):
            left, right, into = found
            return partial(left.dot, right, into)
        return partial(self.kernel, *operands, out=out)

    def adjoint(self, index: int) -> Contraction:
        """Return the contraction that takes a gradient of the output to operand `index`.

        With c0 = c.adjoint(0): ``<c(a, b), u> == <a, c0(u, b)>``. Output and operand change
        places; the operands are the output's gradient, then the others in their order.

        Errors
        ------
        IndexError
            For an index that names no operand.
        ValueError
            Where the adjoint is no contraction: the operand repeats a letter (the gradient is a
            diagonal) or has one that is in no other term (the gradient is a broadcast).

        Examples
        --------
        >>> Contraction("bi,oi->bo").adjoint(1)
        Contraction('bo,bi->oi')
        """
        if not 0 <= index < len(self.inputs):
            raise IndexError(
                f"{self!r}: expected an operand from 0 to {len(self.inputs) - 1}, got {index}"
            )
        operand = self.inputs[index]
        terms = (self.output, *self.inputs[:index], *self.inputs[index + 1 :])
        if len(set(operand)) != len(operand):
            raise ValueError(
                f"{self!r}: expected operand {index} to have each letter once, got {operand!r}; "
                "its gradient lies on a diagonal: write it through a view of that"
            )
        if alone := "".join(sorted(set(operand).difference(*terms))):
            raise ValueError(
                f"{self!r}: expected the letters of operand {index} in other terms, got {alone!r} "
                "in none; its gradient is the same all along them: broadcast it with np.copyto"
            )
        return Contraction(_joined((*terms, operand)))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f"Contraction({self.subscripts!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the string; the kernel is planned again."""
        return Contraction, (self.subscripts,)


def contractions(*subscripts: str) -> tuple[Contraction, ...]:
    """Return a `Contraction` for each einsum string; raises as it does.

    Examples
    --------
    >>> contractions("bi,oi->bo", "bo->o")
    (Contraction('bi,oi->bo'), Contraction('bo->o'))
    """
    return tuple(map(Contraction, subscripts))


def _joined(terms: Terms) -> str:
    """Return the einsum string of the operands' letters and, last, the output's."""
    return f"{','.join(terms[:-1])}->{terms[-1]}"


def _parsed(subscripts: str) -> Terms:
    """Return the terms of an einsum string, or the reason why it is none."""
    left, arrow, output = str(subscripts).replace(" ", "").partition("->")
    letters = left.replace(",", "") + output
    rule = ""
    if not arrow:
        rule = "expected '->' and the output's letters"
    elif "." in letters:
        rule = "expected a letter for every axis and no ellipsis"
    elif letters and not (letters.isascii() and letters.isalpha()):
        rule = "expected letters a-z and A-Z, commas between operands and one '->'"
    elif len(set(output)) != len(output):
        rule = "expected each letter once in the output"
    elif not set(output) <= set(left):
        rule = "expected output letters that some operand has"
    if rule:
        raise ValueError(f"Contraction: {rule}, got {subscripts!r}; write it as in 'bi,oi->bo'")
    return (*left.split(","), output)


def _contracted(a: str, b: str, output: str) -> str:
    """Return the letters that a product sums over, in the order of `a`."""
    return "".join(letter for letter in a if letter in b and letter not in output)


def _is_sum(terms: Terms) -> bool:
    """Whether the terms say a sum over axes of one operand."""
    return len(terms) == 2 and len(terms[1]) < len(terms[0]) == len(set(terms[0]))


def _is_product(terms: Terms) -> bool:
    """Whether the terms say a product with contracted and only batch and free letters."""
    if len(terms) != 3 or any(len(set(term)) != len(term) for term in terms):
        return False
    appearances = [sum(letter in term for term in terms) for term in terms for letter in term]
    return min(appearances, default=0) > 1 and bool(_contracted(*terms))


def _planned(terms: Terms) -> tuple[Kernel, Ready]:
    """Choose the kernel for a string, and what finds the `dot` it comes to for arrays."""
    if _is_sum(terms):
        term, output = terms
        kernel = _checked(terms, _add)
        if len(term) == 2 and output:
            return _dotted(_row_sum(output == term[0]), kernel)
        return kernel, _never
    if not _is_product(terms):
        return _checked(terms, None), _never
    kernel = _checked(terms, _multiply)
    if any(len(term) != 2 for term in terms):
        return kernel, _never
    a, b, output = terms
    if output[0] in a:
        return _dotted(_matrix_product(a[0] != output[0], b[1] != output[1]), kernel)
    flipped = _matrix_product(b[0] != output[0], a[1] != output[1])
    return _dotted(lambda a, b, out: flipped(b, a, out), kernel)


def _dotted(find: Ready, otherwise: Kernel) -> tuple[Kernel, Ready]:
    """Return the kernel that does with `dot` what it can, and what finds it.

    `dot` writes only into an out in C order and raises, before it writes, for any other, for
    another dtype and for another shape.
    """

    def kernel(*operands: Array, out: Array) -> None:
        try:
            found = find(*operands, out)
            if found is not None:
                found[0].dot(found[1], found[2])
                return
        except UNFIT:
            pass
        otherwise(*operands, out=out)

    return kernel, find


def _dots(left: Array, right: Array, into: Array) -> bool:
    """Whether ``left.dot(right, into)`` will do."""
    return (
        left.dtype == right.dtype == into.dtype
        and left.dtype.char in "fd"
        and left.shape[-1] == len(right)
        and into.shape == left.shape[:-1] + right.shape[1:]
        and into.flags.carray
    )


def _never(*arrays: Array) -> None:
    """Find no `dot`."""


def _matrix_product(flip_a: bool, flip_b: bool) -> Ready:
    """Plan ``lc,cr->lr``, with an operand's letters the other way round where it is to flip.

    For an out in column order the product is computed transposed.
    """

    def find(a: Array, b: Array, out: Array) -> tuple[Array, Array, Array] | None:
        if not a.ndim == 2 == b.ndim:
            return None
        if out.flags.c_contiguous:
            return (a.T if flip_a else a), (b.T if flip_b else b), out
        return (b if flip_b else b.T), (a if flip_a else a.T), out.T

    return find


def _row_sum(flip: bool) -> Ready:
    """Plan ``rk->k``, or ``kr->k`` where a is to flip, for up to BLOCK rows."""

    def find(a: Array, out: Array) -> tuple[Array, Array, Array] | None:
        if a.ndim != 2:
            return None
        rows = a.T if flip else a
        count = len(rows)
        return (ONES[a.dtype][:count], rows, out) if count <= BLOCK else None

    return find


def _checked(terms: Terms, run: Kernel | None) -> Kernel:
    """Return the kernel that checks, then gives the views to `run` or the arrays to np.einsum."""
    subscripts = _joined(terms)
    who = f"Contraction({subscripts!r})"

    def kernel(*operands: Array, out: Array) -> None:
        arrays = (*operands, out)
        try:
            views = _views(terms, tuple([(x.shape, x.strides, x.dtype) for x in arrays]))
        except AttributeError as error:
            kinds = ", ".join(type(array).__name__ for array in arrays)
            raise TypeError(f"{who}: expected arrays, got {kinds}; use np.asarray") from error
        try:
            if run is None or not views:
                np.einsum(subscripts, *operands, out=out)
            else:
                pairs = zip(arrays, views, strict=True)
                seen = [array.transpose(axes).reshape(shape) for array, (axes, shape) in pairs]
                run(*seen[:-1], out=seen[-1])
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            dtypes = ", ".join(str(array.dtype) for array in operands)
            raise kind(
                f"{who}: expected an out that can be written and hold the result of {dtypes}, "
                f"got {out.dtype}, writeable={out.flags.writeable}: {error}"
            ) from error

    return kernel


_multiply = _dotted(_matrix_product(False, False), np.matmul)[0]


def _add(rows: Array, out: Array) -> None:
    """Write the sum of `rows` (N, K) into `out` (K,), BLOCK rows at a time, or that of any axes."""
    if (rows.ndim, out.ndim) != (2, 1):
        np.add.reduce(rows, axis=tuple(range(rows.ndim - out.ndim)), out=out)
        return
    ones = ONES[rows.dtype]
    count, columns = rows.shape
    while count > BLOCK:
        blocks, rest = divmod(count, BLOCK)
        sums = np.empty((blocks + bool(rest), columns), rows.dtype)
        np.matmul(ones, rows[: count - rest].reshape(blocks, BLOCK, columns), out=sums[:blocks])
        if rest:
            np.matmul(ones[:rest], rows[count - rest :], out=sums[blocks])
        rows, count = sums, len(sums)
    np.matmul(ones[:count], rows, out=out)


@lru_cache(maxsize=CACHED)
def _views(terms: Terms, arrays: tuple[tuple[Any, ...], ...]) -> tuple[View, ...]:
    """Check shapes; return the views to run on, none where np.einsum is to run."""
    shapes, strides, dtypes = zip(*arrays, strict=True)
    _check(terms, shapes)
    layouts = tuple(zip(terms, shapes, strides, strict=True))
    if len(set(dtypes)) == 1:
        if _is_sum(terms) and dtypes[0] in ONES:
            return sum_views(*layouts)
        if _is_product(terms) and dtypes[0].char in "fdFD":
            return product_views(*layouts)
    return ()


def _check(terms: Terms, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Raise unless every array has an axis a letter and every letter one size."""
    who = f"Contraction({_joined(terms)!r})"
    names = [*(f"operand {index}" for index in range(len(terms) - 1)), "out"]
    seen: dict[str, tuple[int, str]] = {}
    for name, term, shape in zip(names, terms, shapes, strict=True):
        if len(term) != len(shape):
            raise ValueError(f"{who}: expected {name} with the axes {term!r}, got shape {shape}")
        for letter, size in zip(term, shape, strict=True):
            expected, where = seen.setdefault(letter, (size, f"{name} of shape {shape}"))
            if size != expected:
                raise ValueError(
                    f"{who}: expected {letter} = {expected} in {name}, as in {where}, got {shape}; "
                    "a letter has one size"
                )
