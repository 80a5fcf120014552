"""Sets of samples that come with the package, and how to set some of them apart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from npnet.parameter import Array
from npnet.random import Generator, default_generator

__all__ = ["Samples", "load_digits", "train_test_split"]


class Samples(NamedTuple):
    """Inputs and targets, one of each a sample; `DataLoader(*samples)` makes batches of them."""

    inputs: Array
    targets: Array


def load_digits(dtype: DTypeLike = np.float32) -> Samples:
    """Return the UCI digits: 1,797 handwritten digits as images of 8 x 8 pixels.

    inputs = pixels / 16, from 0 to 1, exact in every dtype; targets = the digits, 0 to 9.

    Shapes: inputs (1797, 64), row by row of an image; targets (1797,), int64. The arrays are new
    in every call.

    Parameters
    ----------
    dtype : floating dtype, default float32
        Of the inputs.

    Errors
    ------
    TypeError
        For a dtype that is not floating.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits (1998), UCI Machine
    Learning Repository, doi 10.24432/C50P49, its test set; licence CC BY 4.0
    (creativecommons.org/licenses/by/4.0); read from scikit-learn's copy, pixels and labels
    unchanged. `digits.npz` says the same in its field `source`.

    Examples
    --------
    >>> inputs, targets = load_digits()
    >>> inputs.shape, inputs.dtype.name, float(inputs.max()), targets[:5].tolist()
    ((1797, 64), 'float32', 1.0, [0, 1, 2, 3, 4])
    """
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"load_digits: dtype must be floating, got {dtype}; use np.float32")
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    inputs = images.astype(dtype)
    inputs /= 16
    return Samples(inputs, labels.astype(np.int64))


def train_test_split(
    inputs: ArrayLike,
    targets: ArrayLike,
    test_fraction: float = 0.2,
    generator: Generator | None = None,
) -> tuple[Samples, Samples]:
    """Return the samples for training and those for testing, drawn without replacement.

    Of N samples ceil(test_fraction * N) are for testing: the first of `randperm(N)`.

    Shapes: inputs (N, ...), targets (N, ...). Dtypes are kept; the arrays are copies.

    Parameters
    ----------
    inputs, targets : array
    test_fraction : float, default 0.2
        Between 0 and 1.
    generator : npnet.random.Generator, optional
        By default the stream that `npnet.manual_seed` sets; with one of its own, the split is the
        same whatever was drawn before.

    Errors
    ------
    ValueError
        For arrays of different lengths or without an axis, and where a part would be empty.

    Examples
    --------
    >>> train, test = train_test_split(*load_digits(), generator=Generator(0))
    >>> len(train.targets), len(test.targets)
    (1437, 360)
    """
    whole: Any = Samples(np.asarray(inputs), np.asarray(targets))
    if min(array.ndim for array in whole) == 0 or len(whole.inputs) != len(whole.targets):
        raise ValueError(
            "train_test_split: expected inputs and targets of one length, "
            f"got shapes {whole.inputs.shape} and {whole.targets.shape}"
        )
    count = len(whole.inputs)
    # What is a whole number but for rounding, as 0.07 * 100, is meant as one.
    size = math.ceil(test_fraction * count - 1e-9) if 0 < test_fraction < 1 else 0
    if not 0 < size < count:
        raise ValueError(
            "train_test_split: expected samples on both sides, "
            f"got test_fraction={test_fraction} of {count}"
        )
    order = (generator or default_generator()).randperm(count)
    test, train = (
        Samples(*(a.take(part, axis=0) for a in whole)) for part in np.split(order, [size])
    )
    return train, test
