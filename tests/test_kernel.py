"""Kernel: the specs of arrays to come."""

import numpy as np
import pytest

from npnet.kernel import Spec


@pytest.mark.parametrize(
    "shape, dtype, matrix, nbytes",
    [
        ((2, 3), np.float32, (2, 3), 24),
        ((4, 2, 3), np.float64, (8, 3), 192),
        ((5,), np.int64, (1, 5), 40),
        ((0, 3), np.float32, (0, 3), 0),
    ],
)
def test_a_spec_knows_its_rows_and_bytes(shape, dtype, matrix, nbytes):
    spec = Spec(shape, np.dtype(dtype))
    assert (spec.matrix_shape, spec.nbytes) == (matrix, nbytes)


def test_a_number_takes_bytes_and_specs_are_compared_by_what_they_say():
    assert Spec((), np.dtype(np.float32)).nbytes == 4
    assert Spec((2,), np.dtype(np.float32)) == ((2,), np.float32)
