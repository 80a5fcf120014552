"""Embedding: rows of a table, looked up by number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npnet import init
from npnet.kernel import Spec
from npnet.layers.activation import printable
from npnet.layers.base import Layer
from npnet.layers.sizes import is_integer, size_number
from npnet.parameter import Array, Parameter, computing_dtype, floating_array

__all__ = ["Embedding"]

_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)
_BLOCK = 2**16  # numbers whose places in dweight are written down at once


class Embedding(Layer):
    """Rows of a table, one for each index.

    Equation: y_i = weight[x_i]; dweight_v = sum of dy_i over all i with x_i = v, in order

    Shapes: x any, integers from 0 to num_embeddings - 1; weight (num_embeddings, embedding_dim);
    y (*x, embedding_dim).

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table, 0 or more.
    padding_idx : int, optional
        A row that starts at 0 and has no gradient; a negative one counts from the end.
    max_norm : float, optional
        Rows that are looked up and have a larger norm are scaled to it first, in the weight itself.
        The scaling is not differentiated. A forward that fails leaves the weight as it was.
    norm_type : float, default 2
        The p of that norm: (sum |w|^p)^(1/p), inf for the largest |w|.
    scale_grad_by_freq : bool, default False
        Divide the gradient of each row by how often it was looked up.
    sparse : bool, default False
        True is refused: a gradient here is one dense array, which optimizers step as part of a
        vector.
    dtype : dtype, default float32
        Of the weight.
    generator : npnet.random.Generator, optional
        Where the initial numbers come from; by default the stream `npnet.manual_seed` sets.

    weight is drawn from N(0, 1), bit for bit torch's for one seed.

    Errors
    ------
    IndexError
        For an index that is no row, before anything has changed.
    TypeError
        For an x that is not made of integers, and a dtype that is neither float32 nor float64.
    ValueError
        For sizes, a padding_idx or weights that do not fit.
    NotImplementedError
        For sparse=True.

    Source: torch.nn.Embedding.

    Examples
    --------
    >>> import numpy as np
    >>> table = Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]], freeze=False)
    >>> table(np.array([1, 0, 1])).tolist()
    [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    >>> table.backward(np.array([[1.0, 1.0], [5.0, 5.0], [2.0, 2.0]]))
    >>> table.weight.grad.tolist()
    [[5.0, 5.0], [3.0, 3.0]]
    """

    weight: Parameter
    integer_operands = frozenset({"x"})
    backward_reads = frozenset({"x"})
    rows = frozenset({"y"})
    kept = frozenset({"indices", "before"})

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        *,
        dtype: Any = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        for name, size in (("num_embeddings", num_embeddings), ("embedding_dim", embedding_dim)):
            size_number(size, "Embedding", name)
        if sparse:
            raise NotImplementedError(
                "Embedding: sparse gradients are not supported, since a gradient is one dense "
                "array that optimizers step as part of a vector; leave sparse at False"
            )
        self.num_embeddings, self.embedding_dim = int(num_embeddings), int(embedding_dim)
        self.padding_idx = check_row(padding_idx, self.num_embeddings)
        self.max_norm = None if max_norm is None else printable(max_norm, self._who, "max_norm")
        self.norm_type = printable(norm_type, self._who, "norm_type")
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = Parameter(self._table(_weight, dtype), not _freeze)
        if _weight is None:
            self.reset_parameters(generator)

    def _table(self, given: Any, dtype: Any) -> Array:
        """Return the weights given, or zeros, in C order: rows are read and added up."""
        shape = (self.num_embeddings, self.embedding_dim)
        zeros = np.zeros(shape, np.float32) if given is None else given
        table = np.ascontiguousarray(floating_array(zeros, dtype, self._who))
        computing_dtype(table.dtype, self._who, "weights in")
        if table.shape != shape:
            raise ValueError(f"{self._who}: expected weights of shape {shape}, got {table.shape}")
        return table

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Return an Embedding with a copy of these rows, not to be trained unless freeze=False.

        Errors: ValueError for an array that has not two axes, and as for Embedding.
        """
        table = floating_array(embeddings, None, cls.__name__)
        if table.ndim != 2:
            raise ValueError(
                f"{cls.__name__}: expected embeddings of shape (rows, columns), got {table.shape}"
            )
        return cls(
            table.shape[0],
            table.shape[1],
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            table,
            freeze,
        )

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw the weight anew, with zeros for padding_idx."""
        init.normal_(self.weight, generator=generator)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0.0

    # ------------------------------------------------------------------ effects of max_norm

    def has_effects(self) -> bool:
        """Whether rows may be scaled."""
        return self.max_norm is not None

    def save(self, scratch: Any) -> None:
        """Note that no row has been scaled."""
        scratch.scaled = scratch.weight = None

    def restore(self, scratch: Any) -> None:
        """Put back the rows that were."""
        if scratch.scaled is not None:
            scratch.weight[scratch.scaled] = scratch.before[: len(scratch.scaled)]

    def _limit_norms(self, weight: Array, y: Array, scratch: Any) -> None:
        """Scale the rows in y whose norm is too large, in the weight and in y."""
        assert self.max_norm is not None
        norms = scratch.norms
        row_norms(y, self.norm_type, scratch.work, norms)
        large = np.unique(scratch.indices[norms > self.max_norm])
        if not large.size:
            return
        before = scratch.before[: large.size]
        weight.take(large, 0, before, "clip")
        scratch.scaled, scratch.weight = large, weight
        work, norms = scratch.work[: large.size], norms[: large.size]
        row_norms(before, self.norm_type, work, norms)
        np.multiply(before, (self.max_norm / (norms + 1e-7))[:, None], out=work)
        weight[large] = work
        weight.take(scratch.indices, 0, y, "clip")

    # ------------------------------------------------------------------ shapes and kernels

    def infer(self, x: Spec, weight: Spec) -> Spec:
        """Check that x has integers."""
        if x.dtype.kind not in "iu":
            raise TypeError(
                f"Embedding: expected an x of integers, got {x.dtype}; x.astype(np.int64)"
            )
        if len(weight.shape) != 2:
            raise ValueError(f"Embedding: expected a weight of 2 axes, got shape {weight.shape}")
        check_row(self.padding_idx, weight.shape[0])
        return Spec((*x.shape, weight.shape[1]), weight.dtype)

    def scratch_specs(self, x: Spec, weight: Spec) -> dict[str, Any]:
        """Return room for the indices, for places in dweight, and for rows to be scaled."""
        count, (rows, width) = math.prod(x.shape), weight.shape
        block = max(_BLOCK // max(width, 1), 1)
        specs: dict[str, Any] = {
            "indices": Spec((count,), _INT64),
            "columns": np.arange(width),
            "places": Spec((min(block, count), width), _INT64),
        }
        if self.scale_grad_by_freq:
            specs["counts"] = Spec((rows, 1), weight.dtype)
        if self.max_norm is not None:
            specs |= {
                "work": Spec((count, width), weight.dtype),
                "before": Spec((min(count, rows), width), weight.dtype),
                "norms": Spec((count,), weight.dtype),
            }
        return specs

    def forward_kernel(self, x: Array, weight: Array, *, out: Array, scratch: Any) -> None:
        """Write y = the rows of weight that x names."""
        indices = scratch.indices
        np.copyto(indices, x.reshape(-1), casting="unsafe")
        # Seen as unsigned, a negative index is a very large one: one comparison finds both.
        codes = indices.view(_UINT64)
        if codes.size and codes.item(codes.argmax()) >= len(weight):
            wrong = x.reshape(-1)[codes >= len(weight)][0]
            raise IndexError(
                f"Embedding: index {wrong} is out of range; the indices of {len(weight)} "
                f"embeddings are 0 to {len(weight) - 1}"
            )
        weight.take(indices, 0, out, "clip")
        if self.max_norm is not None:
            self._limit_norms(weight, out, scratch)

    def backward_kernel(
        self, dy: Array, x: Array, weight: None, y: None, *, dx: None, dweight: Array, scratch: Any
    ) -> None:
        """Write dweight = the sum of dy over the places of each index."""
        indices, places, flat = scratch.indices, scratch.places, dweight.reshape(-1)
        dweight.fill(0.0)
        # NumPy adds to places of one axis 2 to 4 times as fast as to rows.
        for start in range(0, len(indices), max(len(places), 1)):
            part = indices[start : start + len(places)]
            at = places[: len(part)]
            np.multiply(part[:, None], dweight.shape[1], out=at)
            np.add(at, scratch.columns, out=at)
            np.add.at(flat, at.reshape(-1), dy[start : start + len(part)].reshape(-1))
        if self.scale_grad_by_freq:
            counts = scratch.counts
            counts.fill(0.0)
            np.add.at(counts.reshape(-1), indices, 1.0)
            np.maximum(counts, 1.0, out=counts)
            np.true_divide(dweight, counts, out=dweight)
        if self.padding_idx is not None:
            dweight[self.padding_idx] = 0.0

    def extra_repr(self) -> str:
        """Torch's words."""
        words = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.padding_idx is not None:
            words.append(f"padding_idx={self.padding_idx}")
        if self.max_norm is not None:
            words.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            words.append(f"norm_type={self.norm_type}")
        if self.scale_grad_by_freq:
            words.append(f"scale_grad_by_freq={self.scale_grad_by_freq}")
        return ", ".join(words)


def check_row(padding_idx: int | None, rows: int) -> int | None:
    """Return padding_idx as a row from 0 on."""
    if padding_idx is None:
        return None
    if not is_integer(padding_idx) or not -rows <= padding_idx < rows:
        raise ValueError(
            f"Embedding: Padding_idx must be within num_embeddings, got {padding_idx!r}; "
            f"num_embeddings is {rows}"
        )
    return int(padding_idx) % rows


def row_norms(rows: Array, p: float, work: Array, out: Array) -> None:
    """Write the p-norm of each row."""
    np.absolute(rows, out=work)
    if p == math.inf:
        np.maximum.reduce(work, axis=1, initial=0.0, out=out)
        return
    if p == 0:
        np.not_equal(work, 0.0, out=work, casting="unsafe")
    elif p == 2:
        np.multiply(work, work, out=work)
    elif p != 1:
        np.power(work, p, out=work)
    np.add.reduce(work, axis=1, out=out)
    if p == 2:
        np.sqrt(out, out=out)
    elif p not in (0, 1):
        np.power(out, 1.0 / p, out=out)
